"""Whose port it is, where a TCPMapping opens one of its own, at an address of its own.

Of two that listen at one port, Envoy lets the narrower address win: whoever says `127.0.0.1` or the pod's own address
gets what others have at `0.0.0.0`. So addresses that overlap are one port, and it has one owner: a Listener before
every TCPMapping, and of TCPMappings the first by its key. Whoever comes after is told, and opens nothing. A Listener
that is stopped keeps its port shut: it says who is served there, and others would get what is its Hosts'. And what
Gateways and Ingresses want is theirs: they are told of Listeners alone.
"""

from collections.abc import Mapping

from translator.decode import Problem
from translator.emissary.listeners import Port
from translator.emissary.own_ports import stands_for_more
from translator.ir import ObjectKey
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class PortClaim:
    """An address that TCPMappings want a port at. `first` is the first of them by its key, `called` so for people."""

    address: str
    first: ObjectKey
    called: str


def losing(claims: Mapping[str, PortClaim]) -> dict[str, PortClaim]:
    """The claims to one port number that lose, by their names, each with one that it loses to."""
    kept: dict[str, PortClaim] = {}
    lost: dict[str, PortClaim] = {}
    for name, claim in sorted(claims.items(), key=lambda item: item[1].first):
        takes, minds = _marks(claim.address)
        winner = next((kept[mark] for mark in minds if mark in kept), None)
        if winner is not None:
            lost[name] = winner
            continue
        for mark in takes:
            kept.setdefault(mark, claim)
    return lost


def _marks(address: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an address leaves as taken, and what of that another one must not have left.

    It says what `overlap` says of two, without comparing each with all others.
    """
    if stands_for_more(address):
        return ("any", "all"), ("any",)
    if ":" in address:
        return ("any", address), ("all", address)
    if address == "0.0.0.0":
        return ("any", "IPv4", address), ("all", "IPv4")
    return ("any", "IPv4", address), ("all", "0.0.0.0", address)


def overlapping(port: Port, owner: str, theirs: str) -> Problem:
    """What is said of a TCPMapping at a port that somebody else has at an address that overlaps."""
    address, number = port
    said = f"at {address} would take part of port {number}, which {owner} has at {theirs}"
    return Problem("spec.address", said, reason="Conflict")


def shut(number: int, listener: str) -> Problem:
    """What is said of a TCPMapping at the port of a Listener that is stopped."""
    said = f"{number} is the port of Listener {listener}, which its own problems stop: it stays shut"
    return Problem("spec.port", said, reason="NotAttached")


def had(number: int, owner: str) -> Problem:
    """What is said of a TCPMapping at a port that others have, where no Listener is."""
    said = f"{number} is the port of {owner}: only where a Listener has it can TCPMappings be there"
    return Problem("spec.port", said, reason="Conflict")
