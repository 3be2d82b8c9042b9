"""`python -m cli.tries`: what a person may ask a folder's gateway, of what is really served; JSON on stdout.

It translates the folder as the gateway does, and looks which requests have a route: so what is stopped, hidden by a
narrower Host, rejected or asks for more than a plain GET is not told. In a process of its own, since a folder may be
large, and whoever runs the gateway must not end by it.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from entrypoint.certificate import fallback_secret
from process.settings import Settings
from translator import ir
from translator.emissary.hostnames import matches, rank, server_of
from translator.settings import Machine, options_of
from translator.translation import Translation
from translator.xds.intent import Intent
from watcher.annotations import CARRIED, is_carrier
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.loading import Loaded, load
from watcher.parsing import source_of

_PLAIN: Final = re.compile(r"/(?!.*(?://|/\.\.?(?:/|$)|%))[!-~]*")
"""Paths that every client asks for as they are written."""


@dataclass(frozen=True, slots=True)
class Try:
    """A request that is answered. `name`: what to ask for, perhaps with a port; empty: any name, such as an address."""

    tls: bool
    port: int
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Tries:
    """All of them, by the order of what they come from; `by_default`: the ports that are open since no Listener is."""

    found: tuple[Try, ...]
    by_default: tuple[int, ...]


def tries(settings: Settings) -> Tries:
    """What the folder of these settings serves."""
    if settings.config_dir is None:
        return Tries((), ())
    with Lanes() as lanes:
        limits, more = Limits.of(settings), settings.more_config_dirs
        loaded = load(settings.config_dir, settings.namespace, limits, lanes.do, more)
    objects: dict[str, bytes | None] = {key: record.body for key, record in loaded.objects.items()}
    fallback = fallback_secret(settings.namespace)
    objects.setdefault(f"core/Secret/{settings.namespace}/{fallback['metadata']['name']}", orjson.dumps(fallback))
    translation = Translation(options_of(settings, Machine(environment=os.environ)), {})
    translation.objects_changed(0.0, objects)
    intent = translation.pipeline.intent
    places = _places(loaded)
    found = sorted(
        _tries(intent), key=lambda item: (item[0].port, not item[0].tls, places.get(item[1], ("", 0)), item[0].path)
    )
    listeners = intent.listeners.view().values()
    opened = sorted(listener.port for listener in listeners if not listener.origins)
    return Tries(tuple(dict.fromkeys(each for each, _ in found)), tuple(opened))


def _places(loaded: Loaded) -> dict[ir.ObjectKey, tuple[str, int]]:
    """Where each object is: the file, and the document in it."""
    found: dict[ir.ObjectKey, tuple[str, int]] = {}
    for key, record in loaded.objects.items():
        place = source_of(record) or "", int(str(record.notes["source"]).rpartition("#")[2])
        found[key] = place
        if is_carrier(key):
            for item in orjson.loads(record.body).get(CARRIED, ()):
                found.setdefault(str(item.get("key")), place)
    return found


def _tries(intent: Intent) -> Iterator[tuple[Try, ir.ObjectKey]]:
    """Every request that some route answers, and whose route it is."""
    routes: dict[str, list[ir.Route]] = {}
    for key, hosts in intent.hosts_of.view().items():
        for name in hosts:
            routes.setdefault(name, []).extend(intent.routes.view().get(key, ()))
    chains = [chain for chain in intent.chains.view().values() if isinstance(chain.body, ir.HttpChain)]
    for chain in chains:
        listener = intent.listeners.view().get(chain.listener)
        beside = [other for other in chains if other.listener == chain.listener and other.tls is not None]
        if listener is None or listener.proxy_protocol or (chain.tls and chain.tls.require_client_certificate):
            continue
        if chain.quic:  # HTTP/3, which many a curl does not speak
            continue
        for host in _answering(chain):
            for route in routes.get(host.name, ()):
                asked = _name_for(route, host, chain, beside)
                if asked is not None and route.origins:
                    yield Try(chain.tls is not None, listener.port, asked, route.match.path.text), route.origins[0]


def _answering(chain: ir.FilterChain) -> Iterator[ir.VirtualHost]:
    """The virtual hosts of a chain that serve a plain request there."""
    body = chain.body
    for host in body.virtual_hosts if isinstance(body, ir.HttpChain) else ():
        is_secure = host.secure == "always" or (host.secure == "forwarded" and chain.tls is not None)
        if host.name and host.insecure != "misdirected" and (is_secure or host.insecure == "route"):
            yield host


def _name_for(route: ir.Route, host: ir.VirtualHost, chain: ir.FilterChain, beside: list[ir.FilterChain]) -> str | None:
    """The name by which a plain GET gets a route; None where there is none, or none that can be told."""
    match = route.match
    others = [header for header in match.headers if header.name != ":authority"]
    share = match.share.part if match.share else 1
    if others or match.queries or not share or match.path.kind == "regex" or not _PLAIN.fullmatch(match.path.text):
        return None
    texts = [header.value for header in match.headers if not header.inverted and header.value is not None]
    if len(texts) < len(match.headers) or any(text.kind == "regex" for text in texts):
        return None
    globs = [{"suffix": "*{}", "prefix": "{}*"}.get(text.kind, "{}").format(text.text) for text in texts]
    name = _concrete([host.hostname, *globs])
    if name is None or any(not _stands_for(glob, name) for glob in globs):
        return None
    return name if _has(host, name or "127.0.0.1", chain, beside) else None


def _concrete(globs: list[str]) -> str | None:
    """A name that all of these stand for, the shortest way: empty where every name is one."""
    exact = [glob for glob in globs if "*" not in glob]
    if exact:
        return exact[-1]
    starts = max((glob[:-1] for glob in globs if glob.endswith("*")), key=len, default="")
    ends = max((glob[1:] for glob in globs if glob.startswith("*")), key=len, default="")
    if not starts and not ends:
        return ""
    found = f"{starts}any{ends}"
    return found if found.isascii() and found.isprintable() else None


def _stands_for(glob: str, name: str) -> bool:
    """Whether a glob, or a name, stands for a name."""
    return name == glob or ("*" in glob and matches(glob, name or "127.0.0.1"))


def _has(host: ir.VirtualHost, name: str, chain: ir.FilterChain, beside: list[ir.FilterChain]) -> bool:
    """Whether a name is a virtual host's own there, and a connection that is made for it comes to that chain."""
    body = chain.body
    if chain.tls is not None:
        server = server_of(name)
        own = [other for other in beside if any(_stands_for(each, server) for each in other.server_names or ("*",))]
        if min(own, key=lambda other: min(map(rank, other.server_names or ("*",))), default=None) is not chain:
            return False
    domains = {
        domain: each
        for each in (body.virtual_hosts if isinstance(body, ir.HttpChain) else ())
        for domain in (each.hostname, *each.also)
        if _stands_for(domain, name)
    }
    return bool(domains) and domains[min(domains, key=rank)] is host


def answer(environ: Mapping[str, str]) -> bytes:
    """What is said on stdout."""
    found = tries(Settings.from_environment(environ))
    return orjson.dumps({"found": [asdict(each) for each in found.found], "by_default": found.by_default})


if __name__ == "__main__":
    sys.stdout.buffer.write(answer(os.environ))
