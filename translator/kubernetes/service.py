"""Services: the names that routes send their requests to.

Source: Kubernetes API reference, Service v1 core.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from translator.decode import Problem


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A port of a Service; the name is empty where the Service has only one port and gave it none."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Service:
    """What matters of a Service. `external_name` is the DNS name of a Service of type ExternalName.

    Its `ports` are those of TCP: one of UDP may have the same number, as with HTTP/3, and lead elsewhere.
    """

    namespace: str
    name: str
    ports: tuple[NamedPort, ...]
    external_name: str | None = None

    def port(self, wanted: int | str) -> NamedPort | None:
        """The port of this number or name."""
        for port in self.ports:
            if wanted in (port.number, port.name):
                return port
        return None


def service_of(namespace: str, name: str, document: Mapping[str, Any]) -> Service | Problem:
    """Read a Service object; the API server has checked it, a folder of YAML has not."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return Problem("spec", "must be an object")
    if spec.get("type") == "ExternalName":
        external = spec.get("externalName")
        if not isinstance(external, str) or not external:
            return Problem("spec.externalName", "must be a DNS name, since spec.type is ExternalName")
        return Service(namespace, name, (), external)
    ports = spec.get("ports", [])
    if not isinstance(ports, list):
        return Problem("spec.ports", "must be a list")
    named: list[NamedPort] = []
    for index, port in enumerate(ports):
        if not is_tcp(port):
            continue
        number = port.get("port") if isinstance(port, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 65536:
            return Problem(f"spec.ports[{index}].port", "must be a port number from 1 to 65535")
        named.append(NamedPort(str(port.get("name") or ""), number))
    return Service(namespace, name, tuple(named))


def is_tcp(port: object) -> bool:
    """Whether a port, of a Service or an EndpointSlice, is one of TCP, as it is where it says no protocol."""
    return not isinstance(port, dict) or (port.get("protocol") or "TCP") == "TCP"
