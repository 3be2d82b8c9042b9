"""The ports of our own processes: nothing that an object declares may take one, nor lead to one that is closed.

Envoy would try for ever to listen at a port that the diagnostics have, and get it in the moment in which they restart.
And who leads requests to the diagnostics shows everyone's objects to everyone. The diagnostics themselves answer
nothing that comes through Envoy, whatever they are called; what can be known here, of names and addresses, is told so
that nobody has to wonder why.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final

from translator.decode import Problem
from translator.emissary.service_names import is_address
from translator.kubernetes.endpoint_slice import EndpointSlice
from translator.options import Options, OwnPort

SAID: Final = "leads to Dragoman's diagnostics, which show every object of everyone: the Module may make them public"
EVERY_PORT: Final = "*"
"""Stands for the ports of a Service that has none: it is asked at whatever port is said."""
_LOOPBACK: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_EVERY: Final = frozenset({"0.0.0.0", "::"})


def canonical(address: str) -> str:
    """An address in its one spelling; an IPv4 address in the form of IPv6 is an IPv4 address.

    Raises:
        ValueError: when it is none.
    """
    found = ipaddress.ip_address(address)
    return str(getattr(found, "ipv4_mapped", None) or found)


def stands_for_more(address: str) -> bool:
    """Whether who listens at this address, canonical, may be in the way of every other one: `::`, or a name."""
    return address == "::" or not is_address(address)


def overlap(one: str, other: str) -> bool:
    """Whether two that listen at one port of these addresses, both canonical, would be in each other's way.

    `::` is every address of both families, as whatever we open there listens. A name may be any address.
    """
    if one == other or stands_for_more(one) or stands_for_more(other):
        return True
    return (":" in one) == (":" in other) and not _EVERY.isdisjoint((one, other))


class OwnPorts:
    """What is known of our own ports, and of the machine or the pod that we run in."""

    def __init__(self, options: Options) -> None:
        self._ports = options.own_ports
        self._closed = frozenset(port.number for port in options.own_ports if port.closed)
        self._addresses = options.own_addresses
        self._names = options.own_names | _LOOPBACK

    def conflict(self, address: str, number: int) -> Problem | None:
        """What is wrong with a Listener or TCPMapping at a port, if it is one of ours."""
        for own in self._ports:
            if own.number == number and overlap(address, _spelled(own)):
                said = f"{number} is a port of Dragoman's own, for {own.purpose} at {own.address}: take another"
                return Problem("spec.port", said, reason="Conflict")
        return None

    def is_closed(self, host: str, number: int) -> bool:
        """Whether a name or an address can only be the machine that we run on, and the port is one that is closed."""
        return number in self._closed and self._is_here(host)

    def leading_here(self, slices: Iterable[EndpointSlice]) -> frozenset[str]:
        """The names of those ports of a Service that lead to a port of ours that is closed; `EVERY_PORT` if all may."""
        found: set[str] = set()
        for part in slices:
            names = {name for name, number in part.ports if number in self._closed} if part.ports else {EVERY_PORT}
            if names and any(self._is_here(each.address) for each in part.endpoints):
                found |= names
        return frozenset(found)

    def _is_here(self, host: str) -> bool:
        try:
            address = canonical(host).partition("%")[0]
        except ValueError:
            name = host.removesuffix(".").lower()
            return name in self._names or name.endswith(".localhost")
        return address in _EVERY or address in self._addresses or ipaddress.ip_address(address).is_loopback


def _spelled(own: OwnPort) -> str:
    return canonical(own.address) if is_address(own.address) else own.address
