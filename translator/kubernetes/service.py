"""Services: the names that routes send their requests to.

Source: Kubernetes API reference, Service v1 core.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, ClassVar

from translator.checks import Port
from translator.decode import Problem, decode, few, rule
from translator.kubernetes.shapes import metadata_of
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A port of a Service; the name is empty where the Service has only one port and gave it none."""

    name: str
    number: int
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """What matters of a Service. `external_name` is the DNS name of a Service of type ExternalName.

    Its `ports` are those of TCP: one of UDP may have the same number, as with HTTP/3, and lead elsewhere. These are
    `datagram_ports`.
    """

    namespace: str
    name: str
    ports: tuple[NamedPort, ...]
    external_name: str | None = None
    datagram_ports: tuple[NamedPort, ...] = ()
    _found: dict[int | str, NamedPort] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Remember where each port is: each Mapping to the Service asks, and it may have thousands."""
        for port in self.ports:
            self._found.setdefault(port.number, port)
            self._found.setdefault(port.name, port)

    def port(self, wanted: int | str) -> NamedPort | None:
        """The port of TCP of this number or name; of several, the first."""
        return self._found.get(wanted)

    def datagram_port(self, number: int | str) -> NamedPort | None:
        """The port of UDP of this number."""
        return next((each for each in self.datagram_ports if each.number == number), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPort:
    """A port as a Service or an EndpointSlice has it; in a slice it may have no number, for a Service without ports."""

    OPEN: ClassVar[bool] = True

    name: str = ""
    port: Port | None = None
    protocol: str = "TCP"
    app_protocol: str = field(default="", metadata=rule(name="appProtocol"))

    @property
    def is_tcp(self) -> bool:
        """Whether it is one of TCP, as it is where it says no protocol."""
        return self.transport == "TCP"

    @property
    def transport(self) -> str:
        """Its protocol."""
        return self.protocol or "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spec:
    OPEN: ClassVar[bool] = True

    type: str | None = None
    external_name: str | None = field(default=None, metadata=rule(name="externalName"))
    ports: tuple[GivenPort, ...] = ()

    def cross_check(self) -> Iterable[Problem]:
        for index, port in enumerate(self.ports):
            if port.is_tcp and port.port is None:
                yield Problem(f"ports[{index}].port", "is required")
        if self.type == "ExternalName" and not self.external_name:
            yield Problem("externalName", "must be a DNS name, since spec.type is ExternalName")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    OPEN: ClassVar[bool] = True

    spec: _Spec = field(metadata=rule(required=True))


def service_of(namespace: str, name: str, document: Mapping[str, Any]) -> Service | tuple[Problem, ...]:
    """Read a Service object; the API server has checked it, a folder of YAML has not."""
    read, metadata = decode(_Service, document, ""), metadata_of(document)
    if read.value is None or metadata.value is None:
        return few((*metadata.problems, *read.problems))
    spec = read.value.spec
    if spec.type == "ExternalName":
        return Service(namespace, name, (), spec.external_name)
    return Service(namespace, name, numbered(spec.ports), datagram_ports=numbered(spec.ports, "UDP"))


def numbered(ports: Iterable[GivenPort], transport: str = "TCP") -> tuple[NamedPort, ...]:
    """The ports of a protocol among these."""
    return tuple(
        [
            NamedPort(port.name, port.port, port.app_protocol)
            for port in ports
            if port.transport == transport and port.port is not None
        ]
    )
