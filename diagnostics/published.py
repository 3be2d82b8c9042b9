"""Envoy's resources as they are published, read as far as the report tells of them: clusters, addresses, routes.

Read from their bytes, without Envoy's descriptors, which would cost this process more memory than all else in it.
Source: the field numbers of Envoy's cluster.proto, endpoint.proto and route_components.proto, and xDS's matcher.proto.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from envoyapi.reading import DecodeError, fields

_TYPES: Final = {0: "STATIC", 1: "STRICT_DNS", 2: "LOGICAL_DNS", 3: "EDS"}
_POLICIES: Final = {0: "ROUND_ROBIN", 1: "LEAST_REQUEST", 2: "RING_HASH", 3: "RANDOM", 5: "MAGLEV"}
_ON_MATCH: Final = ((1, 1, 2), (2, 2, 1, 2), (2, 3, 1, 2), (3,))
"""Where a matcher says what to do: for a condition, an exact text, a beginning, and else."""

Address = tuple[str, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster; `endpoints` names its resource of endpoints, with EDS, `addresses` are those it says itself."""

    name: str
    type: str
    policy: str
    stats_name: str
    has_tls: bool
    endpoints: str | None
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A route, and the clusters that get its requests, or copies of them."""

    name: str
    clusters: tuple[str, ...]
    copies: tuple[str, ...]


def clusters_of(bodies: Iterable[bytes]) -> dict[str, Cluster]:
    """The clusters by name; what cannot be read is left out, here and below."""
    return {cluster.name: cluster for cluster in _readable(_cluster, bodies)}


def addresses_of(body: bytes) -> tuple[Address, ...]:
    """The addresses in a resource of endpoints."""
    return next(_readable(_addresses, [body]), ())


def routes_of(bodies: Iterable[bytes]) -> dict[str, Route]:
    """The routes of route configurations by name, but for those without a name, which are our own."""
    encoded = {route for found in _readable(_encoded_routes, bodies) for route in found}
    return {route.name: route for route in _readable(_route, encoded) if route.name}


def _readable(read: Callable[[bytes], T], bodies: Iterable[bytes]) -> Iterator[T]:
    for body in bodies:
        try:
            yield read(body)
        except (DecodeError, UnicodeDecodeError):
            continue


def _cluster(body: bytes) -> Cluster:
    name = _text(body, 1)
    return Cluster(
        name=name,
        type=_TYPES.get(_number(body, 2), "?"),
        policy=_POLICIES.get(_number(body, 6), "?"),
        stats_name=_text(body, 28) or name,
        has_tls=any(True for _ in _at(body, 24)),
        endpoints=next((_text(config, 2) for config in _at(body, 3)), None),
        addresses=tuple(address for assignment in _at(body, 33) for address in _addresses(assignment)),
    )


def _addresses(assignment: bytes) -> tuple[Address, ...]:
    sockets = [(_text(each, 2), _number(each, 3)) for each in _at(assignment, 2, 2, 1, 1, 1)]
    return (*sockets, *((_text(each, 1), 0) for each in _at(assignment, 2, 2, 1, 1, 2)))


def _encoded_routes(configuration: bytes) -> set[bytes]:
    found = set(_at(configuration, 2, 3))
    for matcher in _at(configuration, 2, 21):
        found.update(_routes_in(matcher))
    return found


def _routes_in(matcher: bytes) -> Iterator[bytes]:
    for path in _ON_MATCH:
        for answer in _at(matcher, *path):
            yield from _at(answer, 2, 2, 2, 1)
            for inner in _at(answer, 1):
                yield from _routes_in(inner)


def _route(body: bytes) -> Route:
    weighted = [_text(each, 1) for each in _at(body, 2, 3, 1)]
    clusters = [_text(action, 1) for action in _at(body, 2)]
    copies = [_text(policy, 1) for policy in _at(body, 2, 30)]
    return Route(_text(body, 14), tuple(filter(None, [*clusters, *weighted])), tuple(copies))


def _at(body: bytes, number: int, *rest: int) -> Iterator[bytes]:
    """The messages at a path of field numbers."""
    for found, value in fields(body):
        if found == number and isinstance(value, bytes):
            if rest:
                yield from _at(value, *rest)
            else:
                yield value


def _text(body: bytes, number: int) -> str:
    return next((value.decode() for value in _at(body, number)), "")


def _number(body: bytes, number: int) -> int:
    return next((value for found, value in fields(body) if found == number and isinstance(value, int)), 0)
