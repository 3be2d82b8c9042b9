"""The tables of what is passed on as it is: whose a connection is, and the filter chains that say so.

A name in TLS belongs to one listener of its port, and in that to the route whose hostname says the most of it, as it
was written, then to the oldest. It is that route's also while the route cannot be served: such a connection is closed,
and so is one for a listener that has no route, or that is not served. So nobody gets what is another's by a mistake.

    attachments --> candidates --> winners --> names won --+--> chains
    listeners served -----------------------> names idle --+
    hostnames at ports ---------------------> names shut ------> chains
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from translator import ir
from translator.gateway.attachment import Attachment, Name
from translator.gateway.backends import presenting
from translator.gateway.chains import Served, listener_name
from translator.gateway.hostnames import EVERY, best, server_names, specificity
from translator.gateway.kinds.shared import Object
from translator.gateway.listeners import ListenerKey, Named, Rank
from translator.gateway.names import PASSING
from translator.gateway.ports import Ports
from translator.gateway.understanding import Understood
from translator.ir import ObjectKey
from translator.ir.ports import Port
from translator.tables import Table, Tables, read

Part = tuple[ListenerKey, ObjectKey]
"""A listener, and the route that has a part of its names, or nobody."""

NOBODY: Final = ""
_CLOSED: Final = ir.TcpChain((), "ingress_tls")


class Connections:
    """`chains` are the IR, by their names."""

    def __init__(
        self,
        tables: Tables,
        routes: Table[ObjectKey, Object[Any]],
        attachments: Table[ObjectKey, tuple[Attachment, ...]],
        ports: Ports,
        served: Table[ObjectKey, Understood],
        logs: Callable[[], tuple[Any, ...]],
    ) -> None:
        """`served` are the routes that are served, as they are understood; `logs` who is told of connections."""
        self._routes = routes
        self._ports = ports
        self._served = served
        self._logs = logs
        candidates = tables.group("routes of connections", attachments, self._candidates)
        self._winners: Table[Named, ObjectKey] = tables.each(
            "routes of connections chosen", candidates, lambda _, them: min(them, key=them.__getitem__)
        )
        won: Table[Part, Mapping[Any, str]] = tables.group("names of connections", self._winners, self._won)
        idle: Table[Part, Mapping[Any, str]] = tables.group("names without a route", ports.served, self._idle)
        parts = tables.union("parts of listeners", won, idle)
        made = tables.each("chains of connections made", parts, self._chain)
        shut = tables.each("chains of names that are not served", ports.by_port, self._shut)
        named = tables.group("chains of connections by name", made, lambda _, chain: {chain.name: chain})
        shut_by_name = tables.group("chains that are shut by name", shut, lambda _, chain: {chain.name: chain})
        self.chains: Table[str, ir.FilterChain] = tables.union(
            "chains passed on",
            tables.each("chains of connections", named, lambda _, them: next(iter(them.values()))),
            tables.each("chains that are shut", shut_by_name, lambda _, them: next(iter(them.values()))),
        )

    def _candidates(self, key: ObjectKey, attachments: tuple[Attachment, ...]) -> dict[Named, Rank]:
        """The names that a route would have, each with its place among others that want the same."""
        route = read(self._routes, key)
        if route is None or route.kind not in PASSING:
            return {}
        return {
            (*spot.key, name.effective): (*specificity(name.original), *route.age, key)
            for each in attachments
            for spot in each.spots
            for name in spot.names
            if _is_said(route, name)
        }

    def _won(self, name: Named, route: ObjectKey) -> dict[Part, str]:
        """The part of a listener that a name is in; none where another listener says more of it."""
        *owner, hostname = name
        listener = read(self._ports.served, (owner[0], owner[1]))
        if listener is None or listener.speaks_http:
            return {}
        taken: frozenset[str] = read(self._ports.hostnames, ("", listener.place)) or frozenset()
        return {(listener.key, route): hostname} if best(hostname, taken) == listener.hostname else {}

    def _idle(self, key: ListenerKey, listener: Served) -> dict[Part, str]:
        """A listener's own name, where no route has it."""
        if listener.speaks_http or read(self._winners, (*key, listener.hostname)) is not None:
            return {}
        return {(key, NOBODY): listener.hostname}

    def _chain(self, part: Part, names: Mapping[Any, str]) -> ir.FilterChain | None:
        key, winner = part
        listener, route = read(self._ports.served, key), read(self._routes, winner)
        if listener is None:
            return None
        by_tls = listener.protocol == "TLS"
        tls = replace(listener.tls, alpn=()) if listener.tls is not None else None
        body = self._body(listener, winner, is_passed_on=by_tls and tls is None)
        wanted = tuple([each for name in sorted(set(names.values())) for each in server_names(name)])
        whose = f"{route.kind}/{route.namespace}/{route.name}" if route is not None else "nobody"
        name = f"{listener_name(listener.place)}/{listener.hostname or '*'}:{listener.protocol.lower()}/{whose}"
        origins = (winner, key[0]) if route is not None else (key[0],)
        at = listener_name(listener.place)
        return ir.FilterChain(name, at, wanted, tls, body, origins, passthrough=by_tls and tls is None)

    def _body(self, listener: Served, route: ObjectKey, *, is_passed_on: bool) -> ir.TcpChain | ir.UdpChain:
        """Where connections go, and whose that is: the route's, and of the policies that demand TLS there."""
        understood = read(self._served, route)
        backends, policies = self._backends(understood, listener.gateway, is_passed_on=is_passed_on)
        origins = (route, *policies) if understood is not None else ()
        if listener.protocol == "UDP":
            return ir.UdpChain(backends, "ingress_udp", origins)
        prefix = f"ingress_{listener.protocol.lower()}"
        return ir.TcpChain(backends, prefix, logs=self._logs(), origins=origins)

    def _backends(
        self, understood: Understood | None, gateway: ObjectKey, *, is_passed_on: bool
    ) -> tuple[tuple[ir.WeightedBackend, ...], tuple[ObjectKey, ...]]:
        """In the TLS that policies demand, but for those that are in the client's own; and these policies."""
        if understood is None or is_passed_on:
            return (understood.passed if understood is not None else ()), ()
        shown = read(self._ports.presented, gateway)
        certificate = shown.certificate if shown is not None else None
        shares = [replace(each, backend=presenting(each.backend, certificate)) for each in understood.secured]
        return tuple(shares), understood.policies

    def _shut(self, port: Port, listeners: Mapping[ListenerKey, Served]) -> ir.FilterChain | None:
        """What closes connections for names of listeners that are not served, where a wider one might take them."""
        if not any(each.protocol == "TLS" for each in listeners.values()):
            return None
        taken: frozenset[str] = read(self._ports.hostnames, ("", port)) or frozenset()
        names = sorted(taken - {each.hostname for each in listeners.values()} - {EVERY})
        if not names:
            return None
        origins = tuple(sorted({key[0] for key in listeners}))
        name = listener_name(port)
        return ir.FilterChain(f"{name}/shut", name, tuple(names), None, _CLOSED, origins, passthrough=True)


def _is_said(route: Object[Any], name: Name) -> bool:
    """Whether a route has said a name: a TLSRoute of which no name can be read wants none."""
    return route.kind != "TLSRoute" or name.original != EVERY
