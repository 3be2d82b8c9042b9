"""The tables of what is open: whose a port and a hostname are, what becomes of each listener, and its filter chain."""

from collections.abc import Mapping

from translator import ir
from translator.gateway.chains import (
    Bucket,
    Neighbours,
    Served,
    chain_of,
    frame_of,
    hosts_of_routes,
    listener_name,
    neighbours_of,
    overlapping,
)
from translator.gateway.conditions import Condition
from translator.gateway.elsewhere import Elsewhere
from translator.gateway.gateways import Gateways
from translator.gateway.listeners import (
    UNREAD,
    Claim,
    Holder,
    Listener,
    ListenerKey,
    Named,
    Refusal,
    Settled,
    WantedPort,
    claim_of,
    settle,
    unfit_for,
)
from translator.gateway.termination import Presented, Terminations
from translator.gateway.verdicts import Verdict, judge
from translator.ir import ObjectKey
from translator.ir.ports import Port, tcp
from translator.options import Options
from translator.tables import Table, Tables, read


class Ports:
    """`verdicts` and `served` are by listener, `by_owner` the verdicts by who declares it; `chains`, `listeners`: IR.

    `presented` are the certificates that Gateways show to services. `names` are the hostnames of routes, by listener
    and bucket.
    `hostnames` are those at a port that are somebody's, served or not.
    """

    def __init__(
        self,
        tables: Tables,
        gateways: Gateways,
        names: Table[tuple[ListenerKey, str], Mapping[Named, str]],
        terminations: Terminations,
        elsewhere: Elsewhere,
        options: Options,
    ) -> None:
        self._names_shared = elsewhere.shared
        self._terminations = terminations
        self._common = elsewhere.http_options
        self._options = options
        self._gateways = gateways
        self._taken = elsewhere.taken
        claims = tables.group("claims of ports", gateways.listeners, lambda _, row: self._claims_of(row))
        settled = tables.each("ports of gateways settled", claims, self._settled)
        self._refused: Table[WantedPort, Mapping[ListenerKey, Refusal]] = tables.each(
            "claims of ports refused", settled, lambda _, row: row.refused or None
        )
        self._shared: Table[WantedPort, Mapping[ListenerKey, ir.Shared]] = tables.each(
            "listeners that share names", settled, lambda _, row: row.shared or None
        )
        self.hostnames: Table[WantedPort, frozenset[str]] = tables.each(
            "hostnames at ports", settled, lambda at, row: None if at[0] else row.hostnames
        )
        self.verdicts: Table[ListenerKey, Verdict] = tables.each(
            "listeners judged", gateways.listeners, lambda _, row: self._judge(row)
        )
        self.by_owner: Table[ObjectKey, Mapping[ListenerKey, Verdict]] = tables.group(
            "listeners judged by owner", self.verdicts, lambda key, row: {key[0]: row}
        )
        self.served: Table[ListenerKey, Served] = tables.each(
            "listeners served", self.verdicts, lambda _, row: _served(row)
        )
        self.presented: Table[ObjectKey, Presented] = tables.each(
            "certificates towards services", gateways.all, lambda _, row: terminations.presented(row)
        )
        own = tables.each("listeners that open", self.served, lambda _, row: row if row.shared is None else None)
        self._own: Table[ListenerKey, Served] = own
        self.by_port: Table[Port, Mapping[ListenerKey, Served]] = tables.group(
            "listeners served by port", own, lambda _, row: {row.place: row}
        )
        self._neighbours: Table[Port, Neighbours] = tables.each(
            "listeners in TLS by port", self.by_port, lambda _, them: neighbours_of(them)
        )
        members = tables.group(
            "listeners served by chain", own, lambda _, row: {row.chain: row} if row.speaks_http else {}
        )
        frames = tables.each("chains of gateways without routes", members, self._frame)
        of_routes = tables.each("virtual hosts of routes by bucket", names, self._hosts_of_routes)
        by_chain = tables.group("virtual hosts of routes by chain", of_routes, self._in_chain)
        self.chains: Table[str, ir.FilterChain] = tables.each(
            "chains of gateways", frames, lambda name, frame: chain_of(frame, read(by_chain, name) or {})
        )
        opened = tables.group("ports opened by gateways", own, lambda _, row: {listener_name(row.place): row})
        self.listeners: Table[str, ir.Listener] = tables.each("listeners opened by gateways", opened, self._listener)

    def overlaps(self, verdict: Verdict) -> tuple[Condition, ...]:
        """What is said of a listener whose hosts another one's certificates stand for as well. For rules."""
        own = read(self.served, verdict.listener.key)
        near = read(self._neighbours, own.place) if own is not None and own.tls else None
        found = overlapping(own, near) if own is not None and near is not None else None
        return (found,) if found is not None else ()

    def _settled(self, at: WantedPort, claims: Mapping[ListenerKey, Claim]) -> Settled:
        apart, port = at
        if not apart:
            return settle(claims, port, self._holder(port, claims), self._gateways.ways.leading_to(port))
        # In pods that serve one Gateway alone, only the processes of ours are there besides.
        own = [Holder(each.purpose) for each in self._options.own_ports if port == tcp(each.number)]
        return settle(claims, port, own[0] if own else None, None)

    def _claims_of(self, listener: Listener) -> dict[WantedPort, Claim]:
        gateway = listener.gateway
        own = self._gateways.ways.name(gateway) if self._gateways.is_dedicated(gateway) else None
        claim = claim_of(listener, own, self._gateways.wish_of(listener))
        return {listener.wanted: claim} if claim is not None else {}

    def _holder(self, port: Port, claims: Mapping[ListenerKey, Claim]) -> Holder | None:
        called = read(self._taken, port)
        if called is None:
            return None
        names = {key: read(self._names_shared, claim.wish) for key, claim in claims.items() if claim.wish}
        return Holder(called, {key: shared for key, shared in names.items() if shared is not None})

    def _judge(self, listener: Listener) -> Verdict:
        refusal = (read(self._refused, listener.wanted) or {}).get(listener.key)
        by_tls = listener.ends_tls and listener.stopped != UNREAD
        ended = self._terminations.of(listener) if by_tls else None
        shared = (read(self._shared, listener.wanted) or {}).get(listener.key)
        if shared is not None:
            refusal = unfit_for(shared, listener, ended.termination if ended else None)
        return judge(listener, refusal, ended, shared)

    def _frame(self, name: str, served: Mapping[ListenerKey, Served]) -> ir.FilterChain:
        own = tuple([served[key] for key in sorted(served)])
        return frame_of(name, own, self._hostnames_at(own[0]), self._common())

    def _hosts_of_routes(self, at: tuple[ListenerKey, str], names: Mapping[Named, str]) -> Bucket | None:
        served = read(self._own, at[0])
        if served is None or not served.speaks_http:
            return None
        return hosts_of_routes(served, names.values(), self._hostnames_at(served)) or None

    def _in_chain(self, at: tuple[ListenerKey, str], hosts: Bucket) -> dict[str, Bucket]:
        served = read(self._own, at[0])
        return {served.chain: hosts} if served is not None else {}

    def _hostnames_at(self, served: Served) -> frozenset[str]:
        return read(self.hostnames, ("", served.place)) or frozenset()

    def _listener(self, name: str, served: Mapping[ListenerKey, Served]) -> ir.Listener:
        transport, port = next(iter(served.values())).place
        origins = tuple(sorted({key[0] for key in served}))
        address, more = self._options.bind_address, self._options.more_addresses
        return ir.Listener(name, address, port, origins=origins, more_addresses=more, by_datagrams=transport == "UDP")


def _served(row: Verdict) -> Served | None:
    listener = row.listener
    if not row.is_served or listener.apart:
        return None
    protocol = listener.spec.protocol
    place = (listener.key, listener.gateway, listener.opened, listener.hostname)
    return Served(*place, row.termination, protocol, row.shared)
