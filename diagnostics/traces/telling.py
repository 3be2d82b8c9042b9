"""The traces of the last changes, for whoever asks: the whole logs are read, and nothing of them is kept. Pure."""

from collections.abc import Mapping
from typing import Final

import orjson

from diagnostics.traces.assembling import Assembly, Logs
from diagnostics.traces.otlp import document
from diagnostics.traces.spans import trace_of
from diagnostics.view import View

NAME: Final = "traces"
"""Of the report's part, which is no part of the whole report: it is large, and read anew."""

INSTANCE: Final = "service.instance.id"

MOST: Final = 100
"""Changes that are told of."""


def traces(view: View, resource: Mapping[str, str]) -> bytes:
    """The last changes in OTLP's JSON, the oldest first; those that Envoy has not answered for are among them."""
    assembly = Assembly()
    assembly.add(Logs(**{name: tuple(commits) for name, commits in view.logs({}).items()}))
    changes = sorted([*assembly.take(), *assembly.pending], key=lambda change: change.began)
    told = document((trace_of(change, resource[INSTANCE]) for change in changes[-MOST:]), resource)
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def resource_of(said: Mapping[str, str], instance: str, namespace: str, version: str) -> dict[str, str]:
    """What is said of this gateway; what people say of it counts more."""
    pod = {"k8s.pod.name": instance, "k8s.namespace.name": namespace}
    return {INSTANCE: f"{namespace}/{instance}", "service.version": version, **pod, **said}
