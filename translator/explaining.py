"""What `dragoman why` is told of the configuration: private listeners to ask Envoy at, and whose its answers are. Pure.

Which route a request takes is never decided here. Envoy is asked, and its words (the name of a filter chain, of a
route, a number) are found again in the tables as they are now.

    listener of a port --> Envoy says: chain, route, cluster --> hosts of the chain --> Envoy says: which
        --> rules of the host that the path may have --> Envoy says: which hold, in their order
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from envoyapi.wire import Message
from translator import ir
from translator.derived import owner_of
from translator.features.http.access_log import FileLog
from translator.filters import names_of
from translator.filters.buffering import AsItComes
from translator.filters.external_auth import DoNotAsk
from translator.ir import ObjectKey
from translator.pipeline import Pipeline
from translator.reasons import reason
from translator.wording import action_of, asked_of, share_of
from translator.xds import private
from translator.xds.beginnings import beginning_of
from translator.xds.emptied import with_roots
from translator.xds.names import cluster_name

Told = dict[str, Any]
"""An answer, as JSON has it."""

MOST_RULES: Final = 2000
"""So many rules of a Host are tried by Envoy at most, of those that the path may have."""
MOST_HEADERS: Final = 100
"""Of so many headers that routes add or take away Envoy says what becomes of them."""

_BEFORE: Final = {
    "envoy.filters.http.ext_authz": "authorization",
    "dragoman.filters.http.checks": "authorization",
    "envoy.filters.http.ratelimit": "rate limits",
    "envoy.filters.http.lua": "a script",
    "envoy.filters.http.rbac": "rules about addresses",
    "envoy.filters.http.cors": "CORS",
    "envoy.filters.http.buffer": "buffering",
}


class UnknownError(ValueError):
    """What is asked is not there; the message says what is."""


class Explainer:
    """Answers questions about the tables of a pipeline; `source` tells where an object is written, if it knows."""

    def __init__(self, pipeline: Pipeline, source: Callable[[ObjectKey], str]) -> None:
        self.pipeline = pipeline
        self.intent = pipeline.intent
        self._source = source

    def listener(self, scheme: str, port: int | None, server_name: str, *, strict: bool) -> Told:
        """The listener of a port, or unless that is `strict` the first for the scheme; UnknownError: there is none.

        Its copy has only the chains that may take a connection; it is None where none may. `server_name`: what is asked
        for in TLS.
        """
        found = self._listeners()
        fitting = [each for each in found if each.port == port] or self._speaking(found, scheme)
        if not fitting or (strict and fitting[0].port != port):
            ports = ", ".join(f"{each.port} ({each.name})" for each in found) or "no port at all"
            wanted = f"is at port {port}" if strict else f"serves {scheme}"
            raise UnknownError(f"no Listener {wanted}: open is {ports}")
        listener = fitting[0]
        everything = [chain for chain in self.intent.chains.view().values() if chain.listener == listener.name]
        chains = chains_for(everything, scheme, server_name)
        copy = private.copy_of(listener, chains, self.pipeline.indexes(), self._edited(chains)) if chains else None
        return {
            "name": listener.name,
            "port": listener.port,
            "objects": self.objects_told(listener.origins),
            "private": _packed(copy) if copy is not None else None,
        }

    def connections(self, port: int, asked: Iterable[tuple[str, str]]) -> str | None:
        """A listener that tells connections of a port which chain they are of, packed; None: there is none.

        It has the chains that may take one of those asked for, each by its scheme and the name asked for in TLS.
        """
        listener = next((each for each in self._listeners() if each.port == port), None)
        if listener is None:
            return None
        every = [chain for chain in self.intent.chains.view().values() if chain.listener == listener.name]
        fitting = {chain.name: chain for one in set(asked) for chain in chains_for(every, *one)}
        return _packed(private.chains_of(listener, fitting.values())) if fitting else None

    def chain(self, name: str) -> Told:
        """What a filter chain is, and where Envoy says which of its virtual hosts has a request."""
        chain = self.chain_named(name)
        listener = self.intent.listeners.view()[chain.listener]
        tls = chain.tls
        told: Told = {
            "name": name,
            "server_names": list(chain.server_names),
            "tls": tls is not None,
            "certificates": [certificate_told(each) for each in tls.certificates] if tls else [],
            "client_certificate": bool(tls and tls.require_client_certificate),
            "objects": self.objects_told(chain.origins) if tls else [],
            "http": isinstance(chain.body, ir.HttpChain),
        }
        if isinstance(chain.body, ir.HttpChain):
            logs = (each.path for each in chain.body.options.features if isinstance(each, FileLog))
            told["logs"] = list(dict.fromkeys(logs))
            told["private"] = _packed(private.hosts_of(listener, chain))
        return told

    def rules(self, name: str, number: int, path: str, route: str) -> Told:
        """What a virtual host is, its rules that a path may have, and where Envoy says which of them hold.

        `route`: the name of the one that Envoy took.
        """
        chain, body, host = self.host_at(name, number)
        rules = sorted(self.rules_of(host), key=lambda each: each.order)
        fitting = [each for each in rules if path.startswith(beginning_of(each.match.path))]
        tried = fitting[:MOST_RULES]
        listener = self.intent.listeners.view()[chain.listener]
        first = next((each for each in rules if each.name == route), None)
        return {
            "host": {
                "name": host.hostname,
                "also": list(host.also),
                "insecure": host.insecure if host.secure != "always" else None,
                "objects": self.objects_told(host.origins),
            },
            "rules": [self.rule_told(each, first, body) for each in tried],
            "route": self.rule_told(first, first, body) if first else None,
            "of": len(rules),
            "left_out": len(fitting) - len(tried),
            "private": _packed(private.rules_of(listener, chain, tried)),
        }

    # -- the tables

    def _listeners(self) -> list[ir.Listener]:
        found = (each for each in self.intent.listeners.view().values() if not each.quic and not each.by_datagrams)
        return sorted(found, key=lambda each: (each.port, each.name))

    def _speaking(self, listeners: Iterable[ir.Listener], scheme: str) -> list[ir.Listener]:
        """Those where a scheme is spoken.

        First those where requests are read, and connections not only passed on; for clear text of these first those
        where nothing else is spoken.
        """
        spoken: dict[str, dict[bool, bool]] = {}
        for chain in self.intent.chains.view().values():
            read = spoken.setdefault(chain.listener, {})
            is_tls = chain.tls is not None
            read[is_tls] = read.get(is_tls, False) or isinstance(chain.body, ir.HttpChain)
        by_tls = scheme == "https"
        found = [each for each in listeners if by_tls in spoken.get(each.name, ())]
        return sorted(
            found, key=lambda each: (not spoken[each.name][by_tls], not by_tls and len(spoken[each.name]) > 1)
        )

    def chain_named(self, name: str) -> ir.FilterChain:
        """A filter chain; UnknownError: it is gone."""
        found = self.intent.chains.view().get(name)
        if found is None:
            raise UnknownError(f"there is no chain {name} any more: ask again")
        return found

    def host_at(self, name: str, number: int) -> tuple[ir.FilterChain, ir.HttpChain, ir.VirtualHost]:
        """A virtual host by its place in a filter chain; UnknownError: there is none any more."""
        chain = self.chain_named(name)
        body = chain.body
        if not isinstance(body, ir.HttpChain) or not 0 <= number < len(body.virtual_hosts):
            raise UnknownError(f"the chain {name} is another now: ask again")
        return chain, body, body.virtual_hosts[number]

    def _edited(self, chains: Iterable[ir.FilterChain]) -> list[str]:
        """The headers of requests that routes behind these chains add or take away."""
        hosts = {
            host.name
            for chain in chains
            if isinstance(chain.body, ir.HttpChain)
            for host in chain.body.virtual_hosts
            if host.name
        }
        found: dict[str, None] = {}
        for host in sorted(hosts):
            for route in self.routes_of(host):
                found.update(dict.fromkeys(_edits(route)))
                if len(found) >= MOST_HEADERS:
                    return list(found)[:MOST_HEADERS]
        return list(found)

    def routes_of(self, host: str) -> Iterator[ir.Route]:
        """The routes of a virtual host by its name, in no order."""
        routes = self.intent.routes.view()
        for key in self.pipeline.rows_of(host):
            yield from routes.get(key, ())

    def rules_of(self, host: ir.VirtualHost) -> Iterator[ir.Route]:
        """Likewise as Envoy has them, and none of who answers nobody."""
        for route in self.routes_of(host.name) if host.name and host.insecure != "misdirected" else ():
            yield from with_roots(route)

    # -- in words

    def rule_told(self, route: ir.Route, first: ir.Route | None, body: ir.HttpChain) -> Told:
        """A route, and why it comes after the first."""
        return {
            "route": route.name,
            "objects": self.objects_told(route.origins),
            "asks": asked_of(route.match),
            "share": share_of(route.match),
            "does": action_of(route.action, cluster_name),
            "before": self._before(route, body),
            "after": None if first is None or route is first else reason(first, route),
        }

    def _before(self, route: ir.Route, body: ir.HttpChain) -> list[Told]:
        """What sees a request before it goes on; a route's own word counts, else that of its chain."""
        said = {name: value for value in (*body.filters, *route.filters) for name in names_of([value])}
        found = []
        for name, value in said.items():
            if isinstance(value, DoNotAsk | AsItComes):
                continue
            row = self.intent.filters.view().get(name)
            origins = self.objects_told(row.origins) if row else []
            found.append({"what": _BEFORE.get(name, name.rpartition(".")[2]), "objects": origins})
        return found

    def objects_told(self, keys: Iterable[ObjectKey]) -> list[Told]:
        """The objects that people wrote, by the keys of origins."""
        return [self._object(key) for key in dict.fromkeys(map(owner_of, keys))]

    def _object(self, key: ObjectKey) -> Told:
        group, kind, namespace, name = (*key.split("/", 3), "", "", "")[:4]
        return {
            "key": key,
            "group": group,
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "source": self._source(key) or None,
        }


def chains_for(chains: list[ir.FilterChain], scheme: str, server_name: str) -> list[ir.FilterChain]:
    """Those of a listener's chains that Envoy may choose: it is asked of these, and hundreds of others are left out."""
    ends_tls = any(chain.tls for chain in chains)
    return [chain for chain in chains if _may_take(chain, scheme, server_name.lower(), ends_tls=ends_tls)]


def _may_take(chain: ir.FilterChain, scheme: str, asked: str, *, ends_tls: bool) -> bool:
    """`ends_tls`: whether the listener looks for TLS at all, so that its clear text is kept apart."""
    if chain.tls is None and not chain.server_names:
        return scheme == "http" or not ends_tls or isinstance(chain.body, ir.TcpChain)
    if scheme == "http":
        return False
    names = [name.lower() for name in chain.server_names]
    return not names or any(name == asked or (name[:1] == "*" and asked.endswith(name[1:])) for name in names)


def _edits(route: ir.Route) -> Iterator[str]:
    action = route.action
    shares = action.backends if isinstance(action, ir.Forward) else ()
    said = [each for each in (route.headers, *[share.headers for share in shares]) if each is not ir.NO_EDITS]
    for edits in said:
        yield from (each.name.lower() for each in edits.add_request if _is_plain(each.name))
        yield from (name.lower() for name in edits.remove_request if _is_plain(name))


def _is_plain(name: str) -> bool:
    """Whether a header's name stands in a format of Envoy's as it is."""
    return name.replace("-", "").replace("_", "").isalnum()


def certificate_told(certificate: ir.CertificateRef) -> str:
    """A certificate: `namespace/name` of its Secret, or its files."""
    if isinstance(certificate, ir.SecretRef):
        return f"{certificate.namespace}/{certificate.name}"
    return certificate.certificate


def _packed(listener: Message) -> str:
    return base64.b64encode(listener).decode()
