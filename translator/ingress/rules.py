"""What an Ingress becomes: objects of Emissary's, by its rules. Pure.

Each path becomes a Mapping, each host with a certificate a Host that selects the Mappings of its Ingress alone.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from translator.decode import Problem
from translator.derived import Origin, id_of
from translator.ingress.kinds import CLASS, CONTROLLER, OURS, Backend, Ingress, IngressClass, IngressRule, Path
from translator.ir import ObjectKey
from translator.xds.virtual_host import ACME_PREFIX

_LABEL: Final = "a10r-k8s-ingress"
_ONE_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

PortOf = Callable[[str, str], int | None]
"""The number of a port of a Service of the Ingress's namespace, by their names."""


def is_ours(ingress: Ingress, of_class: IngressClass | None, ambassador_id: str) -> bool:
    """Whether an Ingress is for this gateway, by its annotations or by its class."""
    if id_of(ingress.annotations) != ambassador_id:
        return False
    if ingress.annotations.get(CLASS, "").lower() == OURS:
        return True
    return of_class is not None and of_class.controller.lower() == CONTROLLER and of_class.id == ambassador_id


def is_for(ingress: Ingress, of_class: IngressClass, ambassador_id: str) -> bool:
    """Whether an Ingress of a class and the class itself are for this gateway, among several of ours."""
    return id_of(ingress.annotations) == ambassador_id and of_class.id == ambassador_id


def derived(ingress: Ingress, port_of: PortOf, ambassador_id: str) -> Iterator[tuple[ObjectKey, bytes]]:
    """The objects that an Ingress becomes, by their keys."""
    spec = ingress.spec
    origin = Origin(ingress.namespace, ingress.name, ambassador_id)
    if spec is None:
        yield from _names_left(ingress, origin)
        return
    mark = {_LABEL: f"a10r-ingress-{ingress.name}-{ingress.namespace}"} if spec.tls else {}
    for number, tls in enumerate(spec.tls):
        if tls.secret_name:
            for place, hostname in enumerate(tls.hosts or ("*",)):
                fields = {
                    "hostname": hostname,
                    "tlsSecret": {"name": tls.secret_name, "namespace": ingress.namespace},
                    "mappingSelector": {"matchLabels": mark},
                    "requestPolicy": {"insecure": {"action": "Route"}},
                }
                yield origin.object("Host", f"tls-{number}-{place}", ingress.labels, fields)
    labels = {**ingress.labels, **mark}
    if spec.default_backend is not None:
        service = _service(ingress, spec.default_backend, port_of)
        if service:
            fields = {"hostname": "*", "prefix": "/", "service": service}
            yield origin.object("Mapping", "backend" if ingress.is_older else "default-backend", labels, fields)
    for number, each in enumerate(spec.rules):
        for place, path in enumerate(each.http.paths):
            service = _service(ingress, path.backend, port_of)
            if service:
                fields = {**_asked(each, path, has_tls=bool(spec.tls)), "service": service}
                yield origin.object("Mapping", f"{number}-{place}", labels, fields)


def _names_left(ingress: Ingress, origin: Origin) -> Iterator[tuple[ObjectKey, bytes]]:
    """The Hosts of an Ingress that cannot be read, which are answered by nobody."""
    for number, tls in enumerate(ingress.left.tls if ingress.left else ()):
        for place, hostname in enumerate(tls.hosts if tls.secret_name else ()):
            yield origin.name_alone(f"tls-{number}-{place}", hostname)


def problems_of(ingress: Ingress, port_of: PortOf) -> tuple[Problem, ...]:
    """What is wrong with an Ingress beside the objects that it becomes."""
    spec, found = ingress.spec, list(ingress.problems)
    for number, tls in enumerate(spec.tls if spec else ()):
        if not tls.secret_name:
            said = "is absent, so that no certificate is shown for these hosts"
            found.append(Problem(f"spec.tls[{number}].secretName", said, stops=False))
    for path, backend in _backends(ingress):
        service = backend.service
        if service is None:
            found.append(Problem(f"{path}.service", "is required: only Services are served", reason="BackendNotFound"))
        elif service.port.name and port_of(service.name, service.port.name) is None:
            said = f"{service.port.name} is no port of the Service {ingress.namespace}/{service.name}"
            found.append(Problem(f"{path}.service.port.name", said, reason="BackendNotFound"))
    return tuple(found)


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
    if path.path and path.path.startswith(ACME_PREFIX):
        fields["rewrite"] = ""  # who answers a challenge is asked by its path, and Emissary's usual rewrite is `/`
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
