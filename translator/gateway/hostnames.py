"""Hostnames of listeners and routes: which a name is covered by, and what two of them have in common. Pure.

A `*.` stands for one label or more, and never for the bare name behind it; an empty hostname is every name.
"""

from collections.abc import Container, Iterator
from typing import Final

EVERY: Final = ""


def covers(wide: str, name: str) -> bool:
    """Whether every host that `name` stands for is one that `wide` stands for."""
    if wide in {EVERY, name}:
        return True
    return wide.startswith("*.") and name.removeprefix("*").endswith(wide[1:]) and name != wide[2:]


def intersection(listener: str, route: str) -> str | None:
    """The hostname that both stand for, which is the narrower one; None: they have no host in common."""
    if covers(listener, route):
        return route
    return listener if covers(route, listener) else None


def specificity(hostname: str) -> tuple[int, int]:
    """The order of hostnames that stand for one host: the most specific one is the smallest."""
    if hostname == EVERY:
        return 2, 0
    return int(hostname.startswith("*.")), -len(hostname)


def wider(hostname: str) -> Iterator[str]:
    """The hostname, and all that cover it, the most specific first."""
    if hostname != EVERY:
        yield hostname
    rest = hostname.removeprefix("*.")
    while "." in rest:
        rest = rest.partition(".")[2]
        yield f"*.{rest}"
    yield EVERY


def best(hostname: str, among: Container[str]) -> str | None:
    """Of some hostnames the most specific that covers this one."""
    return next((each for each in wider(hostname) if each in among), None)


def domains(hostname: str) -> tuple[str, ...]:
    """The same in Envoy's words; a host may be written with a dot behind it."""
    return ("*",) if hostname == EVERY else (hostname, f"{hostname}.")


def server_names(hostname: str) -> tuple[str, ...]:
    """The same for the names that clients ask for in TLS."""
    return () if hostname == EVERY else (hostname,)
