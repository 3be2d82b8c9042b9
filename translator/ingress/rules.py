"""What an Ingress becomes: objects of Emissary's, by its rules. Pure.

Each path becomes a Mapping, each host with a certificate a Host that selects the Mappings of its Ingress alone. A
derived object's name is that of its Ingress, a slash, and where in it it stands: no object of anybody has such a name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from translator.decode import Problem
from translator.ingress.kinds import CLASS, CONTROLLER, OURS, Backend, Ingress, IngressClass, IngressRule, Path, id_of
from translator.ir import ObjectKey

INGRESS: Final = "networking.k8s.io/Ingress"
_VERSION: Final = "getambassador.io/v3alpha1"
_LABEL: Final = "a10r-k8s-ingress"
_ONE_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DERIVED: Final = re.compile(r"getambassador\.io/(?:Mapping|Host)/([^/]+)/([^/]+)/.+")

_SLASHES: Final = 3
"""In the key of every object that somebody wrote."""
_CALLED: Final = re.compile(r"(?:Mapping|Host) ([^/ ]+)/([^/ ]+)/(?:tls-\d+-\d+|\d+-\d+|default-backend)")

PortOf = Callable[[str, str], int | None]
"""The number of a port of a Service of the Ingress's namespace, by their names."""


def is_ours(ingress: Ingress, of_class: IngressClass | None, ambassador_id: str) -> bool:
    """Whether an Ingress is for this gateway, by its annotations or by its class."""
    if id_of(ingress.annotations) != ambassador_id:
        return False
    if ingress.annotations.get(CLASS, "").lower() == OURS:
        return True
    return of_class is not None and of_class.controller.lower() == CONTROLLER and of_class.id == ambassador_id


def owner_of(key: ObjectKey) -> ObjectKey:
    """The Ingress that a derived object comes from; the key itself of any other object."""
    found = _DERIVED.fullmatch(key) if key.count("/") > _SLASHES else None
    return f"{INGRESS}/{found[1]}/{found[2]}" if found else key


def derived(ingress: Ingress, port_of: PortOf, ambassador_id: str) -> Iterator[tuple[ObjectKey, bytes]]:
    """The objects that an Ingress becomes, by their keys."""
    spec = ingress.spec
    if spec is None:
        return
    mark = {_LABEL: f"a10r-ingress-{ingress.name}-{ingress.namespace}"} if spec.tls else {}
    for number, tls in enumerate(spec.tls):
        if tls.secret_name:
            for place, hostname in enumerate(tls.hosts or ("*",)):
                yield _host(ingress, f"tls-{number}-{place}", hostname, tls.secret_name, mark, ambassador_id)
    labels = {**ingress.labels, **mark}
    if spec.default_backend is not None:
        service = _service(ingress, spec.default_backend, port_of)
        fields = {"hostname": "*", "prefix": "/", "service": service}
        if service:
            yield _object(ingress, "Mapping", "default-backend", labels, fields, ambassador_id)
    for number, each in enumerate(spec.rules):
        for place, path in enumerate(each.http.paths):
            service = _service(ingress, path.backend, port_of)
            fields = {**_asked(each, path, has_tls=bool(spec.tls)), "service": service}
            if service:
                yield _object(ingress, "Mapping", f"{number}-{place}", labels, fields, ambassador_id)


def problems_of(ingress: Ingress, port_of: PortOf) -> tuple[Problem, ...]:
    """What is wrong with an Ingress beside the objects that it becomes."""
    spec, found = ingress.spec, list(ingress.problems)
    for number, tls in enumerate(spec.tls if spec else ()):
        if not tls.secret_name:
            said = "is absent, so that no certificate is shown for these hosts"
            found.append(Problem(f"spec.tls[{number}].secretName", said, stops=False))
    for path, backend in _backends(ingress):
        service = backend.service
        if service and service.port.name and port_of(service.name, service.port.name) is None:
            said = f"{service.port.name} is no port of the Service {ingress.namespace}/{service.name}"
            found.append(Problem(f"{path}.service.port.name", said, reason="BackendNotFound"))
    return tuple(found)


def place_of(key: ObjectKey) -> str:
    """Where in its Ingress a derived object comes from, as a path."""
    place = key.rpartition("/")[2]
    if place == "default-backend":
        return "spec.defaultBackend"
    first, *rest = place.split("-")
    if first == "tls":
        return f"spec.tls[{rest[0]}].hosts[{rest[1]}]"
    return f"spec.rules[{first}].http.paths[{rest[0]}]"


def in_words(message: str) -> str:
    """What is said of derived objects, by the Ingress that somebody wrote."""
    return _CALLED.sub(lambda found: f"Ingress {found[1]}/{found[2]} ({place_of(found[0])})", message)


def _backends(ingress: Ingress) -> Iterator[tuple[str, Backend]]:
    spec = ingress.spec
    if spec is None:
        return
    if spec.default_backend is not None:
        yield "spec.defaultBackend", spec.default_backend
    for number, each in enumerate(spec.rules):
        for place, path in enumerate(each.http.paths):
            yield f"spec.rules[{number}].http.paths[{place}].backend", path.backend


def _asked(rule: IngressRule, path: Path, *, has_tls: bool) -> dict[str, Any]:
    """What a Mapping asks for."""
    fields: dict[str, Any] = {"prefix": path.path or "/"}
    if path.type == "Exact":
        fields |= {"prefix_exact": True, "precedence": 1}
    if rule.host and rule.host.startswith("*."):  # one label, as Kubernetes has it
        fields |= {"host": f"^{_ONE_LABEL}{re.escape(rule.host[1:])}$", "host_regex": True}
    elif rule.host:
        fields["hostname"] = rule.host
    elif not has_tls:
        fields["hostname"] = "*"
    return fields


def _service(ingress: Ingress, backend: Backend, port_of: PortOf) -> str:
    """The service of a Mapping; empty where its port has a name that nobody knows, which is told."""
    service = backend.service
    port = (service.port.number or port_of(service.name, service.port.name or "")) if service else None
    return f"{service.name}.{ingress.namespace}:{port}" if service and port else ""


def _host(
    ingress: Ingress, place: str, hostname: str, secret: str, mark: Mapping[str, str], ambassador_id: str
) -> tuple[ObjectKey, bytes]:
    fields = {
        "hostname": hostname,
        "tlsSecret": {"name": secret, "namespace": ingress.namespace},
        "mappingSelector": {"matchLabels": mark},
        "requestPolicy": {"insecure": {"action": "Route"}},
    }
    return _object(ingress, "Host", place, ingress.labels, fields, ambassador_id)


def _object(
    ingress: Ingress, kind: str, place: str, labels: Mapping[str, str], fields: dict[str, Any], ambassador_id: str
) -> tuple[ObjectKey, bytes]:
    name = f"{ingress.name}/{place}"
    metadata = {"name": name, "namespace": ingress.namespace, "labels": dict(labels)}
    spec = {**fields, "ambassador_id": [ambassador_id]}
    body = {"apiVersion": _VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return f"getambassador.io/{kind}/{ingress.namespace}/{name}", orjson.dumps(body)
