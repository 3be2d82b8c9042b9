"""Listeners of Gateways: whose a port and a hostname are. Pure.

One Envoy serves all Gateways, so that their listeners share its ports. Within one Gateway those that cannot be told
apart are all refused. Of two Gateways the older one keeps a hostname at a port, and says what is spoken there. It keeps
the hostname also where it is not served by a mistake of its own: else a request would go to somebody else by that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, Final, Literal

from translator import ir
from translator.gateway.conditions import named
from translator.gateway.kinds.gateway import ClientValidation, Frontend, ListenerSpec
from translator.gateway.kinds.shared import Object
from translator.ir import ObjectKey
from translator.ir.ports import Port
from translator.values import dataclass

ListenerKey = tuple[ObjectKey, str]
"""A Gateway or a ListenerSet, and the name of one of its listeners."""

Named = tuple[ObjectKey, str, str]
"""A listener, as a ListenerKey, and a hostname that a route has there."""

Rank = tuple[str | int, ...]

WantedPort = tuple[ObjectKey, Port]
"""The Gateway where it has pods of its own, empty for all that are served by one Envoy; and the port."""

Reason = Literal["HostnameConflict", "ProtocolConflict", "PortUnavailable"]

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "HTTP": ("GRPCRoute", "HTTPRoute"),
    "HTTPS": ("GRPCRoute", "HTTPRoute"),
    "TLS": ("TLSRoute",),
    "TCP": ("TCPRoute",),
    "UDP": ("UDPRoute",),
}
"""The kinds of routes for each protocol that is served."""

SPEAKING_HTTP: Final = frozenset({"HTTP", "HTTPS"})

_TOLD_APART: Final[Mapping[str, str]] = {"HTTP": "the host", "HTTPS": "the name in TLS", "TLS": "the name in TLS"}
"""By what the listeners of a protocol at one port are told apart: who does it by the same may share the port."""

UNREAD: Final = "what it is part of cannot be read"
"""Why a listener is not served of which only the names are known."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who declares listeners: a Gateway, or a ListenerSet for one.

    `rank` is where it stands among all that may want the same: the older Gateway before the newer one, and a Gateway
    before its ListenerSets. `frontend` is what the Gateway says of TLS with clients. `stopped` is why it is not served
    as a whole; empty: it is. `apart` is the Gateway where that has pods of its own, which have all of its ports and
    nobody else's; `waits` whether none of them serves yet.
    """

    found: Object[Any]
    gateway: ObjectKey
    rank: Rank
    frontend: Frontend
    stopped: str
    apart: ObjectKey = ""
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener. `place` is its path in its owner.

    `called`, `namespace`, `rank`, `stopped`, `apart` and `waits` are the owner's.

    `opened` is the port of Envoy where clients come in, 0 while none leads there. `validation` is what clients must
    show, and `validated_by` where under `spec.tls.frontend` that is said.
    """

    key: ListenerKey
    gateway: ObjectKey
    namespace: str
    rank: Rank
    called: str
    place: str
    spec: ListenerSpec
    stopped: str
    opened: int
    validation: ClientValidation | None = None
    validated_by: str = "default"
    apart: ObjectKey = ""
    waits: bool = False

    @property
    def hostname(self) -> str:
        """Its hostname; empty: every one."""
        return self.spec.hostname or ""

    @property
    def port(self) -> Port:
        """Its port."""
        return port_of(self.spec.protocol, self.opened)

    @property
    def wanted(self) -> WantedPort:
        """Its port, as that of whose pods."""
        return self.apart, self.port

    @property
    def ends_tls(self) -> bool:
        """Whether TLS ends here."""
        spec = self.spec
        return spec.protocol == "HTTPS" or (spec.protocol == "TLS" and spec.tls is not None and spec.tls.ends_here)

    @property
    def named(self) -> str:
        """Its name for people."""
        return f"listener {self.spec.name} of {self.called}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a listener gets nothing of what it wants."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A listener's wish for a port and a hostname.

    `service` is the name of the Service that leads to it, where its Gateway has one of its own. `wish` is the name that
    it may share with who has the port.
    """

    rank: Rank
    protocol: str
    hostname: str
    named: str
    service: str | None = None
    wish: ir.Wish | None = None

    @property
    def is_silent(self) -> bool:
        """Whether its protocol is not served, or cannot be read: it opens nothing, and its hostname stays shut."""
        return self.protocol not in KINDS

    def may_share_with(self, other: "Claim") -> bool:
        """Whether a port may be that of both, if their hostnames are different."""
        apart = _TOLD_APART.get(self.protocol)
        return apart is not None and apart == _TOLD_APART.get(other.protocol)


def port_of(protocol: str, number: int) -> Port:
    """The port of a listener of a protocol."""
    return ("UDP" if protocol == "UDP" else "TCP"), number


def listeners_of(
    owner: Owner, listeners: Iterable[ListenerSpec], opened: Callable[[ListenerSpec], int]
) -> Iterator[Listener]:
    """The listeners of a Gateway or a ListenerSet. `opened` tells the port of Envoy for one, 0 for none."""
    found = owner.found
    for place, spec in enumerate(listeners):
        yield Listener(
            (found.key, spec.name),
            owner.gateway,
            found.namespace,
            owner.rank,
            found.called,
            f"spec.listeners[{place}]",
            spec,
            owner.stopped,
            opened(spec),
            *(owner.frontend.of_port(spec.port) if spec.protocol == "HTTPS" else (None, "")),
            owner.apart,
            owner.waits,
        )


def claim_of(listener: Listener, service: str | None, wish: ir.Wish | None = None) -> Claim | None:
    """What a listener wants; None where no port leads to it, so that it gets nothing."""
    spec = listener.spec
    if not listener.opened:
        return None
    return Claim(listener.rank, spec.protocol, listener.hostname, listener.named, service, wish)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the claims to a port: those that are refused, and the hostnames that are somebody's there.

    Whose hostname it is is served by nobody else, be it that the listener is not served either. `shared` are names of
    who else has the port.
    """

    refused: Mapping[ListenerKey, Refusal]
    hostnames: frozenset[str] = frozenset()
    shared: Mapping[ListenerKey, ir.Shared] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a port that is no Gateway, for people, and the names there that it shares with listeners."""

    called: str
    shared: Mapping[ListenerKey, ir.Shared] = field(default_factory=dict)


def settle(claims: Mapping[ListenerKey, Claim], port: Port, holder: Holder | None, led_by: str | None) -> Settled:
    """Which claims to a port are refused, and why.

    Args:
        claims: by the listeners.
        port: itself.
        holder: who has the port that is no Gateway, if anybody.
        led_by: the name of the Service of one Gateway that leads there: who comes by it is that Gateway's alone.
    """
    silent = {claim.hostname for claim in claims.values() if claim.is_silent}
    claims = {key: claim for key, claim in claims.items() if not claim.is_silent}
    refused: dict[ListenerKey, Refusal] = {}
    if holder is not None:
        refused = {key: _taken(claim, port, holder) for key, claim in claims.items() if key not in holder.shared}
    elif led_by is not None:
        said = f"port {port[1]} belongs to a Gateway with addresses of its own"
        refused = {key: Refusal("PortUnavailable", said) for key, claim in claims.items() if claim.service != led_by}
    by_owner: dict[Rank, dict[ListenerKey, Claim]] = {}
    for key, claim in sorted(claims.items()):
        if key not in refused:
            by_owner.setdefault(claim.rank, {})[key] = claim
    kept: dict[str, Claim] = {}
    spoken: Claim | None = None
    for _, own in sorted(by_owner.items()):
        unfit = {} if spoken is None else _unfit(own, spoken)
        wanting = {key: claim for key, claim in own.items() if key not in unfit}
        alike = _alike(wanting)
        distinct = {key: claim for key, claim in wanting.items() if key not in alike}
        lost = _lost(distinct, kept)
        refused |= unfit | alike | lost
        won = [claim for key, claim in distinct.items() if key not in lost]
        spoken = spoken or next(iter(won), None)
        for claim in (*won, *(own[key] for key in alike)):
            if spoken is None or spoken is claim or spoken.may_share_with(claim):
                kept.setdefault(claim.hostname, claim)
    shared = {key: one for key, one in holder.shared.items() if key not in refused} if holder is not None else {}
    return Settled(refused, frozenset(kept) | silent, shared)


def _taken(claim: Claim, port: Port, holder: Holder) -> Refusal:
    """The port is another's, and there is no name at it that could be shared."""
    said = f"port {port[1]} belongs to {holder.called}"
    if claim.protocol in SPEAKING_HTTP:
        said += "; at a Listener's port it may have the exact hostname of a Host of its own namespace"
        if claim.wish is not None:
            by = "by TLS" if claim.wish.by_tls else "in clear text"
            said += f", and no Host of {claim.wish.namespace} serves {claim.hostname} there {by}"
    return Refusal("PortUnavailable", said)


def unfit_for(shared: ir.Shared, listener: Listener, tls: ir.TlsTermination | None) -> Refusal | None:
    """Why a listener cannot share a name: a name has one certificate, and clients show one thing for it."""
    if listener.validation is not None:
        said = f"shares its hostname with {shared.called}, and so may not ask clients for certificates: that one does"
        return Refusal("PortUnavailable", f"{said}, with its TLS settings")
    if tls is not None and (shared.tls is None or tls.certificates != shared.tls.certificates):
        said = f"shares its hostname with {shared.called}, and so must name its certificate, and no other"
        return Refusal("PortUnavailable", said)
    return None


def _alike(own: Mapping[ListenerKey, Claim]) -> dict[ListenerKey, Refusal]:
    """The listeners of one owner at a port that cannot be told apart."""
    refused: dict[ListenerKey, Refusal] = {}
    for key, claim in own.items():
        others = [each for other, each in own.items() if other != key]
        protocols = [each for each in others if not claim.may_share_with(each)]
        same = [each for each in others if each.hostname == claim.hostname]
        if protocols:
            refused[key] = _protocol(claim, protocols[0])
        elif same:
            said = f"{_host(claim.hostname)} at this port is wanted by {_list(same)} as well: neither gets it"
            refused[key] = Refusal("HostnameConflict", said)
    return refused


def _unfit(own: Mapping[ListenerKey, Claim], spoken: Claim) -> dict[ListenerKey, Refusal]:
    """The listeners of an owner that cannot share the port with one of an earlier owner."""
    return {key: _protocol(claim, spoken) for key, claim in own.items() if not spoken.may_share_with(claim)}


def _lost(own: Mapping[ListenerKey, Claim], kept: Mapping[str, Claim]) -> dict[ListenerKey, Refusal]:
    """The listeners of an owner that lose to those of earlier ones."""
    refused: dict[ListenerKey, Refusal] = {}
    for key, claim in own.items():
        if claim.hostname in kept:
            said = (
                f"{_host(claim.hostname)} at this port belongs to the {kept[claim.hostname].named}, which comes first"
            )
            refused[key] = Refusal("HostnameConflict", said)
    return refused


def _protocol(claim: Claim, other: Claim) -> Refusal:
    said = f"{claim.protocol} cannot share the port with {other.protocol}, which the {other.named} wants"
    return Refusal("ProtocolConflict", said)


def _host(hostname: str) -> str:
    return f"the hostname {hostname}" if hostname else "every hostname"


def _list(claims: Iterable[Claim]) -> str:
    return named(sorted(f"the {each.named}" for each in claims))
