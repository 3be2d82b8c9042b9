"""Requests that may be answered otherwise: made of the routes and hosts that differ, before and after. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from diff.comparing import Compared
from diff.outline import Outline, Placed
from diff.samples import WORD, of_path, of_text
from translator import ir
from why.request import Request, RequestError

MOST: Final = 500
"""So many requests are asked at most."""
_CLIENT: Final = "127.0.0.1"
_ANY: Final = "any"
_EVERY: Final = "any.example"


@dataclass(frozen=True, slots=True)
class Probe:
    """A request, and the port at which a client would come in with it."""

    request: Request
    port: int


@dataclass(frozen=True, slots=True)
class Probes:
    """What is asked; so many more were left out; and of so many routes none could be made up."""

    chosen: tuple[Probe, ...]
    left_out: int
    impossible: int


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a hostname is served."""

    scheme: str
    port: int
    hostname: str


def probes(before: Outline, after: Outline, compared: Compared) -> Probes:
    """The requests for all differences."""
    found: dict[Probe, None] = {}
    impossible = 0
    names = {each.name for each in compared.differences if each.sort == "route"}
    names |= {each.name.partition(" ")[2] for each in compared.differences if each.sort == "order"}
    listeners = {each.name for each in compared.differences if each.sort == "listener"}
    chains = {each.name for each in compared.differences if each.sort == "chain"}
    hosts = {each.name for each in compared.differences if each.sort == "host"}
    for side in (before, after):
        doors = _doors(side)
        for name in sorted(names & side.routes.keys()):
            made = list(_of_route(side.routes[name], doors))
            impossible += not made and bool(side.routes[name].hosts)
            found.update(dict.fromkeys(made))
        for chain, host, door in _all_doors(side):
            if chain.listener in listeners or chain.name in chains or f"{chain.listener} {host.hostname}" in hosts:
                found.update(dict.fromkeys(_made("GET", door, _concrete(door.hostname), "/", ())))
    chosen = tuple(found)
    return Probes(chosen[:MOST], len(chosen[MOST:]), impossible)


def every_probe(before: Outline, after: Outline, most: int) -> Probes:
    """Requests for all that both have, and for what is at the edge of their paths."""
    found: dict[Probe, None] = {}
    impossible = 0
    for side in (before, after):
        doors = _doors(side)
        for placed in side.routes.values():
            made = list(_of_route(placed, doors)) if placed.route.origins else []
            impossible += not made and bool(placed.hosts) and bool(placed.route.origins)
            found.update(dict.fromkeys(made))
            if made:
                found.update(dict.fromkeys(_at_edges(placed, made[0])))
        for _, _, door in _all_doors(side):
            found.update(dict.fromkeys(_made("GET", door, _concrete(door.hostname), "/", ())))
    chosen = tuple(found)
    return Probes(chosen[:most], len(chosen[most:]), impossible)


def _at_edges(placed: Placed, probe: Probe) -> Iterator[Probe]:
    """The same request for a prefix without its last slash, with a letter and with a part behind it."""
    path, request = placed.route.match.path, probe.request
    if path.kind not in ("prefix", "segments"):
        return
    _, mark, query = request.target.partition("?")
    bare = path.text.rstrip("/")
    for text in (bare, f"{bare}{WORD}", f"{bare}/{WORD}/{WORD}"):
        if text.startswith("/"):
            yield Probe(replace(request, target=f"{text}{mark}{query}"), probe.port)


def _all_doors(side: Outline) -> Iterator[tuple[ir.FilterChain, ir.VirtualHost, _Door]]:
    """Where virtual hosts are served: in TLS where the listener speaks it, else in clear text."""
    listeners = side.pipeline.intent.listeners.view()
    chains = [chain for chain in side.pipeline.intent.chains.view().values() if not chain.quic]
    secure = {chain.listener for chain in chains if chain.tls}
    for chain in chains:
        listener = listeners.get(chain.listener)
        body = chain.body
        if listener is None or not isinstance(body, ir.HttpChain) or (chain.tls is None and listener.name in secure):
            continue
        for host in body.virtual_hosts:
            if host.name:
                door = _Door("https" if chain.tls else "http", listener.port, host.hostname)
                yield chain, host, door


def _doors(side: Outline) -> dict[str, list[_Door]]:
    found: dict[str, list[_Door]] = {}
    for _, host, door in _all_doors(side):
        found.setdefault(host.name, []).append(door)
    return found


def _of_route(placed: Placed, doors: dict[str, list[_Door]]) -> Iterator[Probe]:
    """A request with all that a route asks for, and one without headers and parameters, if it asks for some."""
    match = placed.route.match
    path = of_path(match.path)
    if path is None or not path.startswith("/"):
        return
    method, authority, headers = "GET", None, []
    for header in match.headers:
        text = None if header.inverted else of_text(header.value)
        if header.name == ":method":
            method = text or "POST"
        elif header.name == ":authority":
            authority = text
        elif text is not None:
            headers.append(f"{header.name}: {text}")
    query = [f"{parameter.name}={of_text(parameter.value) or ''}" for parameter in match.queries]
    for door in [door for host in placed.hosts for door in doors.get(host, ())]:
        name = authority if authority and "*" in door.hostname else _concrete(door.hostname)
        whole = f"{path}?{'&'.join(query)}" if query else path
        yield from _made(method, door, name, whole, tuple(headers))
        if headers or query:
            yield from _made("GET", door, name, path, ())


def _concrete(hostname: str) -> str:
    """A name that a hostname stands for."""
    return _EVERY if hostname == "*" else hostname.replace("*", _ANY)


def _made(method: str, door: _Door, name: str, target: str, headers: tuple[str, ...]) -> Iterator[Probe]:
    """The request, where it can be sent."""
    try:
        request = Request.of(method, f"{door.scheme}://{name}{target}", headers, _CLIENT)
    except RequestError:
        return
    yield Probe(request, door.port)
