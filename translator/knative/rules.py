"""What an Ingress of Knative's becomes: a Mapping for each host, path and share. Pure.

A rule that is to be seen in the cluster alone names its host by `:authority`, so that no Host serves it by its own
name: only one that chooses Knative's label does, and where clients reach that one is for whoever declares it to say.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from translator.decode import Problem
from translator.derived import Origin, knative_place
from translator.ir import ObjectKey
from translator.knative.kinds import KnativeIngress, Path, Rule, Split
from translator.kubernetes.own_services import CLUSTER_LOCAL, VISIBILITY

AUTHORITY: Final = ":authority"

PortOf = Callable[[str, str, str], int | None]
"""The number of a port of a Service, by namespace, Service and name."""


def derived(ingress: KnativeIngress, port_of: PortOf, ambassador_id: str) -> Iterator[tuple[ObjectKey, bytes]]:
    """The objects that it becomes, by their keys."""
    rules = ingress.spec.rules if ingress.spec else ()
    origin = Origin(ingress.namespace, ingress.name, ambassador_id)
    has_public = not all(rule.is_local for rule in rules)
    for number, rule in enumerate(rules):
        labels = _labels(ingress, rule)
        for place, path in enumerate(rule.http.paths):
            for share, split in enumerate(path.splits):
                service = _service(ingress, split, port_of)
                for each, host in enumerate(rule.hosts if service else ()):
                    at = knative_place(number, place, share, each, local=rule.is_local, has_public=has_public)
                    fields = {**_asked(rule, host), **_given(path, split), "service": service}
                    yield origin.object("Mapping", at, labels, fields)


def problems_of(ingress: KnativeIngress, port_of: PortOf) -> tuple[Problem, ...]:
    """What is wrong with it beside the objects that it becomes."""
    found = list(ingress.problems)
    for number, rule in enumerate(ingress.spec.rules if ingress.spec else ()):
        if not rule.hosts:
            found.append(Problem(f"spec.rules[{number}].hosts", "is empty: nothing asks for these paths", stops=False))
        for place, path in enumerate(rule.http.paths):
            for share, split in enumerate(path.splits):
                if not _service(ingress, split, port_of):
                    at = f"spec.rules[{number}].http.paths[{place}].splits[{share}].servicePort"
                    called = f"{_namespace(ingress, split)}/{split.service_name}"
                    said = f"{split.service_port} is no port of the Service {called}"
                    found.append(Problem(at, said, reason="BackendNotFound"))
    return tuple(found)


def _labels(ingress: KnativeIngress, rule: Rule) -> dict[str, str]:
    """Those of the Ingress; one that is to be seen in the cluster alone must be chosen by nothing else."""
    if rule.is_local:
        return {VISIBILITY: CLUSTER_LOCAL}
    return {name: value for name, value in ingress.labels.items() if name != VISIBILITY}


def _asked(rule: Rule, host: str) -> dict[str, Any]:
    if not rule.is_local:
        return {"hostname": host}
    return {"regex_headers": {AUTHORITY: f"(?i:{re.escape(host)})"}}


def _given(path: Path, split: Split) -> dict[str, Any]:
    """What a Mapping says of a path, and of a share of it. The path stays as it is, as Knative means it."""
    fields: dict[str, Any] = {
        "prefix": path.path or "/",
        "rewrite": "",
        "timeout_ms": path.timeout,
        "weight": split.percent,
    }
    added = {**(path.append_headers or {}), **(split.append_headers or {})}
    if added:
        fields["add_request_headers"] = added
    if path.headers:
        fields["headers"] = {name: header.exact for name, header in path.headers.items()}
    if path.rewrite_host:
        fields["host_rewrite"] = path.rewrite_host
    return fields


def _namespace(ingress: KnativeIngress, split: Split) -> str:
    return split.service_namespace or ingress.namespace


def _service(ingress: KnativeIngress, split: Split, port_of: PortOf) -> str:
    """The service of a Mapping; empty where its port has a name that nobody knows, which is told."""
    namespace, port = _namespace(ingress, split), split.service_port
    number = port_of(namespace, split.service_name, port) if isinstance(port, str) else port
    return f"{split.service_name}.{namespace}:{number}" if number else ""
