"""Ingresses as they were written before networking.k8s.io/v1: the same in its shape, and what is wrong in their words.

No API server serves them since Kubernetes 1.22; files of old still have them, and Emissary reads both.

Source: Kubernetes' guide for deprecated APIs, Ingress (extensions/v1beta1, networking.k8s.io/v1beta1).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from translator.decode import Problem

VERSIONS: Final = frozenset({"extensions/v1beta1", "networking.k8s.io/v1beta1"})

_NUMBER: Final = re.compile("[0-9]{1,5}")
_WRITTEN: Final = (
    (re.compile(r"^spec\.defaultBackend(?=\.|$)"), "spec.backend"),
    (re.compile(r"backend\.service\.name$"), "backend.serviceName"),
    (re.compile(r"backend\.service\.port(\.name|\.number)?$"), "backend.servicePort"),
    (re.compile(r"backend\.service$"), "backend.serviceName"),
)


def current(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same Ingress in the shape of v1; what has another shape than it should is left to the decoder."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return document
    spec = dict(spec)
    if "backend" in spec:
        spec["defaultBackend"] = _backend(spec.pop("backend"))
    if isinstance(spec.get("rules"), list):
        spec["rules"] = [_rule(each) for each in spec["rules"]]
    return {**document, "spec": spec}


def in_its_words(problems: Iterable[Problem], *, is_older: bool) -> tuple[Problem, ...]:
    """Problems of an Ingress, with paths as it has them."""
    return tuple([replace(each, path=as_written(each.path)) if is_older else each for each in problems])


def as_written(path: str) -> str:
    """A path of v1, as an older Ingress has it."""
    for pattern, instead in _WRITTEN:
        path = pattern.sub(instead, path)
    return path


def _rule(rule: Any) -> Any:
    http = rule.get("http") if isinstance(rule, dict) else None
    if not isinstance(http, dict) or not isinstance(paths := http.get("paths"), list):
        return rule
    return {**rule, "http": {**http, "paths": [_path(each) for each in paths]}}


def _path(path: Any) -> Any:
    return {**path, "backend": _backend(path["backend"])} if isinstance(path, dict) and "backend" in path else path


def _backend(backend: Any) -> Any:
    if not isinstance(backend, dict) or not backend.keys() & {"serviceName", "servicePort"}:
        return backend
    name, port = backend.get("serviceName"), backend.get("servicePort")
    others = {field: value for field, value in backend.items() if field not in {"serviceName", "servicePort"}}
    return {**others, "service": {"name": name, "port": _port(port)}}


def _port(port: Any) -> Any:
    if port is None:
        return None
    if not isinstance(port, str):
        return {"number": port}
    return {"number": int(port)} if _NUMBER.fullmatch(port) else {"name": port}
