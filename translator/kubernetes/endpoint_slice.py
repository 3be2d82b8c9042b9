"""EndpointSlices: where the pods of a Service are at this moment.

Source: Kubernetes API reference, EndpointSlice v1 discovery.k8s.io. An endpoint whose `ready` condition is absent
counts as ready. Where no endpoint of a Service is ready, those that still serve while they terminate are used, as
kube-proxy does (KEP-1669), so that the last pods of a rollout finish their work.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Final

from translator.decode import Invalid, Problem, Rule, decode, few, join, quote, rule, step
from translator.kubernetes.service import GivenPort, NamedPort, Service, numbered
from translator.kubernetes.shapes import metadata_of
from translator.values import dataclass

SERVICE_LABEL = "kubernetes.io/service-name"
_SERVED: Final = frozenset({"TCP", "UDP"})


@dataclass(frozen=True, slots=True)
class SliceEndpoint:
    """One endpoint: an IP address and whether it takes new requests, or only finishes old ones."""

    address: str
    ready: bool
    serving: bool


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Endpoints of `service`; `ports` are pairs of the Service port's name and the pod's port number, for TCP.

    `datagram_ports` are the same for UDP.
    """

    namespace: str
    service: str
    ports: tuple[tuple[str, int], ...]
    endpoints: tuple[SliceEndpoint, ...]
    datagram_ports: tuple[tuple[str, int], ...] = ()


_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}", re.ASCII).fullmatch
"""As the standard library has it, in a tenth of the time; a Service may have a thousand of them."""


def _address_type(text: str) -> str:
    if text == "FQDN":
        raise Invalid("FQDN is not supported: use IPv4 or IPv6")
    return text


def ip_literal(text: str) -> str:
    """The check of an address."""
    if _IPV4(text):
        return text
    try:
        ip_address(text)
    except ValueError:
        raise Invalid(f"must be an IP address, not {quote(text)}") from None
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conditions:
    OPEN: ClassVar[bool] = True

    ready: bool | None = None
    serving: bool | None = None


_UNCONDITIONAL: Final[dict[str, Any]] = {}


def _is_answer(value: Any) -> bool:
    return value is None or value is True or value is False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    OPEN: ClassVar[bool] = True

    addresses: tuple[Annotated[str, Rule(check=ip_literal)], ...] = field(metadata=rule(min_size=1))
    conditions: _Conditions = field(default=_Conditions())

    @property
    def endpoint(self) -> SliceEndpoint:
        """Where it is; all its addresses are the same pod, and to use more than one would count it more than once."""
        ready = self.conditions.ready is not False
        serving = ready if self.conditions.serving is None else self.conditions.serving
        return SliceEndpoint(self.addresses[0], ready, serving)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    OPEN: ClassVar[bool] = True

    address_type: str | None = field(default=None, metadata=rule(name="addressType", check=_address_type))
    ports: tuple[GivenPort, ...] = ()
    endpoints: tuple[_Endpoint, ...] = ()

    def cross_check(self) -> Iterable[Problem]:
        """A name is one port's: else each endpoint would count as often as there are ports of a name."""
        first: dict[tuple[str, str], int] = {}
        for index, port in enumerate(self.ports):
            named = (port.transport, port.name)
            if port.transport in _SERVED and first.setdefault(named, index) != index:
                yield Problem(f"ports[{index}].name", f"is that of ports[{first[named]}] too: {quote(port.name)}")


def endpoint_slice_of(namespace: str, document: Mapping[str, Any]) -> EndpointSlice | tuple[Problem, ...]:
    """Read an EndpointSlice object."""
    usual = _usual(document.get("endpoints"))
    rest = document if usual is None else {**document, "endpoints": []}
    metadata, read = metadata_of(document), decode(_Slice, rest, "")
    if read.value is None or metadata.value is None:
        return few((*metadata.problems, *read.problems))
    service = (metadata.value.labels or {}).get(SERVICE_LABEL)
    if not service:
        said = "must name the Service that the endpoints belong to"
        return (Problem(join("metadata.labels", step(SERVICE_LABEL)), said),)
    ports, datagram_ports = _pairs(read.value.ports), _pairs(read.value.ports, "UDP")
    endpoints = tuple([each.endpoint for each in read.value.endpoints]) if usual is None else usual
    return EndpointSlice(namespace, service, ports, endpoints, datagram_ports)


def _pairs(ports: Iterable[GivenPort], transport: str = "TCP") -> tuple[tuple[str, int], ...]:
    return tuple([(port.name, port.number) for port in numbered(ports, transport)])


def _usual(given: Any) -> tuple[SliceEndpoint, ...] | None:
    """Endpoints as controllers write them: with addresses of IPv4, and conditions that say yes or no.

    None where one is not: what it is, and what is wrong with it, the decoder tells. Most of what a large Service costs
    when a pod comes or goes would be its endpoints that stay.
    """
    if type(given) is not list:
        return None
    found = []
    for each in given:
        if type(each) is not dict:
            return None
        addresses, conditions = each.get("addresses"), each.get("conditions", _UNCONDITIONAL)
        if type(addresses) is not list or len(addresses) != 1 or type(conditions) is not dict:
            return None
        (address,) = addresses
        ready, serving = conditions.get("ready"), conditions.get("serving")
        if type(address) is not str or not _IPV4(address):
            return None
        if not _is_answer(ready) or not _is_answer(serving):
            return None
        is_ready = ready is not False
        found.append(SliceEndpoint(address, is_ready, is_ready if serving is None else serving))
    return tuple(found)


def addresses_of(
    service: Service | None, slices: Iterable[EndpointSlice], wanted: int | str, *, by_datagrams: bool = False
) -> tuple[tuple[str, int], ...]:
    """The addresses that take requests for the Service's port `wanted`, in an order that does not depend on events.

    `by_datagrams`: for its port of UDP. A Service without ports is headless: it only says which pods there are, and
    they are asked at the wanted port.
    """
    if service is not None and not service.ports and not by_datagrams and isinstance(wanted, int):
        found = [(endpoint, wanted) for part in slices for endpoint in part.endpoints]
    else:
        port = _asked_at(service, wanted, by_datagrams=by_datagrams) if service else None
        if port is None:
            return ()
        found = [
            (endpoint, number)
            for part in slices
            for name, number in (part.datagram_ports if by_datagrams else part.ports)
            if name == port.name
            for endpoint in part.endpoints
        ]
    usable = [(endpoint.address, number) for endpoint, number in found if endpoint.ready]
    return tuple(sorted(set(usable or [(e.address, number) for e, number in found if e.serving])))


def _asked_at(service: Service, wanted: int | str, *, by_datagrams: bool) -> NamedPort | None:
    return service.datagram_port(wanted) if by_datagrams else service.port(wanted)
