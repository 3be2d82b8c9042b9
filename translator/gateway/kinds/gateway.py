"""Gateway: the ports that are open, and who may attach routes to them.

Source: Gateway API v1.7.0, Gateway v1.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice
from typing import Annotated, Any, ClassVar, Final, Literal

from translator.checks import Port
from translator.decode import FrozenMap, Problem, Rule, decode, join, rule, step
from translator.gateway.kinds.shared import (
    UNKNOWN,
    DefaultScope,
    Group,
    Hostname,
    Kind,
    Namespace,
    ObjectName,
    ObjectRef,
    SectionName,
    listed,
    names_in,
    readable,
    unique_names,
)
from translator.gateway.names import GROUP
from translator.kubernetes.selectors import LabelSelector
from translator.kubernetes.shapes import unread
from translator.values import dataclass

MOST_LISTENERS: Final = 64
UNCLEAR: Final = "unclear"
"""Stands for a protocol that cannot be read."""
_LAST_PORT: Final = 65_535
_DIGITS: Final = 5
From = Literal["All", "Selector", "Same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteNamespaces:
    """Whose routes may attach."""

    OPEN: ClassVar[bool] = True

    source: From = field(default="Same", metadata=rule(name="from"))
    selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerNamespaces:
    """Whose ListenerSets may attach."""

    OPEN: ClassVar[bool] = True

    source: Literal["All", "Selector", "Same", "None"] = field(default="None", metadata=rule(name="from"))
    selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedListeners:
    """Which ListenerSets may attach."""

    OPEN: ClassVar[bool] = True

    namespaces: ListenerNamespaces = ListenerNamespaces()


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteKind:
    """A kind of routes that may attach."""

    OPEN: ClassVar[bool] = True

    group: Group = GROUP
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedRoutes:
    """Which routes may attach."""

    OPEN: ClassVar[bool] = True

    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: Annotated[tuple[RouteKind, ...], Rule(max_size=8)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerTls:
    """How TLS is ended, or that it is not."""

    OPEN: ClassVar[bool] = True

    mode: Literal["Terminate", "Passthrough"] = "Terminate"
    certificate_refs: Annotated[tuple[ObjectRef, ...], Rule(max_size=64)] = field(
        default=(), metadata=rule(name="certificateRefs")
    )
    options: object = None

    @property
    def ends_here(self) -> bool:
        """Whether TLS ends at the listener."""
        return self.mode == "Terminate"

    def cross_check(self) -> Iterable[Problem]:
        """Who ends TLS shows a certificate."""
        if self.mode == "Terminate" and not self.certificate_refs and not self.options:
            yield Problem("certificateRefs", "must not be empty with the mode Terminate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSpec:
    """One listener."""

    OPEN: ClassVar[bool] = True

    name: SectionName
    hostname: Hostname | None = None
    port: Port
    protocol: Annotated[str, Rule(min_size=1, max_size=255)]
    tls: ListenerTls | None = None
    allowed_routes: AllowedRoutes = field(default=AllowedRoutes(), metadata=rule(name="allowedRoutes"))

    def cross_check(self) -> Iterable[Problem]:
        """What goes with which protocol."""
        if self.protocol in {"HTTP", "TCP", "UDP"} and self.tls is not None:
            yield Problem("tls", f"must not be given for the protocol {self.protocol}")
        if self.protocol == "HTTPS" and self.tls is not None and self.tls.mode != "Terminate":
            yield Problem("tls.mode", "must be Terminate for the protocol HTTPS")
        if self.protocol == "TLS" and self.tls is None:
            yield Problem("tls.mode", "must be given for the protocol TLS")
        if self.protocol in {"TCP", "UDP"} and self.hostname:
            yield Problem("hostname", f"must not be given for the protocol {self.protocol}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """What a listener takes from others, and nothing else of it."""

    OPEN: ClassVar[bool] = True

    name: SectionName
    hostname: Hostname | None = None
    port: Port
    protocol: Annotated[str, Rule(min_size=1, max_size=255)]


def allowed_left(document: Mapping[str, Any]) -> ListenerNamespaces:
    """Which ListenerSets may attach to a Gateway that is stopped; where that cannot be read, any may be meant."""
    spec = document.get("spec")
    said = spec.get("allowedListeners") if isinstance(spec, dict) else None
    if said is None:
        return ListenerNamespaces(source="All" if unread(document) else "None")
    found = decode(AllowedListeners, said).value
    return ListenerNamespaces(source="All") if found is None else found.namespaces


def openings_of(spec: dict[str, Any]) -> tuple[ListenerSpec, ...]:
    """What can be read of listeners where something else, or one of them, cannot.

    Of one of which it is not clear what it opens, the names are left, at its port.
    """
    found: dict[str, ListenerSpec] = {}
    for place, _, each in _given(spec):
        whole = next(iter(readable(_Opening, [each])), None)
        if whole is not None and whole.name not in found:
            opened = ListenerSpec(name=whole.name, hostname=whole.hostname, port=whole.port, protocol=whole.protocol)
            found[whole.name] = opened
            continue
        port, names = (_port_in(each.get("port")), _names_in(each)) if isinstance(each, dict) else (None, ())
        for number, hostname in enumerate(names) if port else ():
            name = f"{UNCLEAR}-{place}-{number}"
            found[name] = ListenerSpec(name=name, hostname=hostname or None, port=port or 0, protocol=UNCLEAR)
    return tuple(found.values())


def unknown_openings(spec: dict[str, Any]) -> Iterator[Problem]:
    """That a listener tells no name, or no port, which would be shut."""
    for _, path, each in _given(spec):
        if isinstance(each, dict) and not _names_in(each):
            yield Problem(f"{path}.hostname", UNKNOWN, stops=False)
        elif isinstance(each, dict) and not _port_in(each.get("port")):
            said = "tells no port, so that no name is shut: what was meant may be answered by who has wider ones"
            yield Problem(f"{path}.port", said, stops=False)


def _given(spec: dict[str, Any]) -> Iterator[tuple[int, str, object]]:
    """The listeners as they are written, each with its place; they may be in a mapping by mistake."""
    given = spec.get("listeners")
    if isinstance(given, dict):
        for place, (name, each) in enumerate(islice(given.items(), MOST_LISTENERS)):
            yield place, join("spec.listeners", step(name)), each
    else:
        for place, each in enumerate(listed(spec, "listeners")):
            yield place, f"spec.listeners[{place}]", each


def _names_in(listener: dict[str, Any]) -> tuple[str, ...]:
    written = listener.get("hostname")
    return ("",) if written is None else names_in(written)


def _port_in(given: object) -> int | None:
    """The port that can be read in something."""
    if isinstance(given, str) and len(given) <= _DIGITS and given.isascii() and given.isdigit():
        given = int(given)
    return given if type(given) is int and 0 < given <= _LAST_PORT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that the Gateway is to have; with an empty value, any."""

    OPEN: ClassVar[bool] = True

    type: Annotated[str, Rule(min_size=1, max_size=253)] = "IPAddress"
    value: Annotated[str, Rule(max_size=253)] = ""

    def cross_check(self) -> Iterable[Problem]:
        """An address is an address."""
        if self.type == "IPAddress" and self.value:
            try:
                ipaddress.ip_address(self.value)
            except ValueError:
                yield Problem("value", f"must be an IP address, not {self.value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalParametersRef:
    """Further settings, of which we have none."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    name: ObjectName


@dataclass(frozen=True, slots=True, kw_only=True)
class Infrastructure:
    """What is made for the Gateway: a Service, where its class gives it an address of its own."""

    OPEN: ClassVar[bool] = True

    labels: Annotated[Mapping[str, str], Rule(max_size=8)] = field(default_factory=FrozenMap)
    annotations: Annotated[Mapping[str, str], Rule(max_size=8)] = field(default_factory=FrozenMap)
    parameters_ref: LocalParametersRef | None = field(default=None, metadata=rule(name="parametersRef"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRef:
    """Where CAs are."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    name: ObjectName
    namespace: Namespace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientValidation:
    """What clients must show."""

    OPEN: ClassVar[bool] = True

    ca_certificate_refs: Annotated[tuple[AuthorityRef, ...], Rule(min_size=1, max_size=16)] = field(
        metadata=rule(name="caCertificateRefs", required=True)
    )
    mode: Literal["AllowValidOnly", "AllowInsecureFallback"] = "AllowValidOnly"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendTls:
    """TLS with clients."""

    OPEN: ClassVar[bool] = True

    validation: ClientValidation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTls:
    """TLS with clients of one port."""

    OPEN: ClassVar[bool] = True

    port: Port
    tls: FrontendTls = FrontendTls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """TLS with clients: of all ports, and of some in its place."""

    OPEN: ClassVar[bool] = True

    default: FrontendTls = FrontendTls()
    per_port: Annotated[tuple[PortTls, ...], Rule(max_size=64)] = field(default=(), metadata=rule(name="perPort"))

    def of_port(self, port: int) -> tuple[ClientValidation | None, str]:
        """What clients of a port must show, and where that is said."""
        for place, each in enumerate(self.per_port):
            if each.port == port:
                return each.tls.validation, f"perPort[{place}].tls"
        return self.default.validation, "default"

    @property
    def falls_back(self) -> bool:
        """Whether clients are let in anywhere that show nothing, or anything."""
        every = (self.default, *(each.tls for each in self.per_port))
        return any(each.validation is not None and each.validation.mode == "AllowInsecureFallback" for each in every)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendTls:
    """TLS with services."""

    OPEN: ClassVar[bool] = True

    client_certificate_ref: ObjectRef | None = field(default=None, metadata=rule(name="clientCertificateRef"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayTls:
    """TLS of all listeners together."""

    OPEN: ClassVar[bool] = True

    frontend: Frontend = Frontend()
    backend: BackendTls = BackendTls()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySpec:
    """What a Gateway says."""

    OPEN: ClassVar[bool] = True

    gateway_class_name: ObjectName = field(metadata=rule(name="gatewayClassName", required=True))
    listeners: Annotated[tuple[ListenerSpec, ...], Rule(min_size=1, max_size=MOST_LISTENERS)]
    addresses: Annotated[tuple[Address, ...], Rule(max_size=16)] = ()
    infrastructure: Infrastructure = Infrastructure()
    tls: GatewayTls = GatewayTls()
    allowed_listeners: AllowedListeners = field(default=AllowedListeners(), metadata=rule(name="allowedListeners"))
    default_scope: DefaultScope = field(default="None", metadata=rule(name="defaultScope"))

    def cross_check(self) -> Iterable[Problem]:
        """Names are there once. Listeners that clash otherwise are told in their status."""
        yield from unique_names(((place, each.name) for place, each in enumerate(self.listeners)), "listeners")
