"""`--prove`: two Envoys are asked for what differs: requests (`diff.proving`) and connections (`diff.connections`)."""

from collections.abc import Iterator, Sequence
from typing import Any

from diff.comparing import Compared
from diff.connections import Connection, becomes, chains_of, differs_at, every_connection, leads
from diff.outline import Outline
from diff.probes import probes
from diff.proving import Asked, answers, both, differs
from process.settings import Settings
from translator import ir
from translator.ir import ObjectKey
from translator.xds.names import cluster_name

Report = dict[str, Any]


def prove(before: Outline, after: Outline, compared: Compared, settings: Settings) -> Report:
    """Which requests and connections are answered otherwise. SourceError: the Envoys cannot be had."""
    wanted = probes(before, after, compared)
    connections, more = every_connection(before, after, ports=_ports(before, after, compared))
    report: Report = {
        "asked": len(wanted.chosen),
        "connections": len(connections),
        "left_out": wanted.left_out + more,
        "unasked": wanted.impossible,
        "differ": [],
    }
    if not (wanted.chosen or connections):
        return report
    with both(before, after, settings) as sides:
        for probe, old, new in answers(sides, wanted.chosen):
            if old["is"] != new["is"]:
                report["differ"].append(differs(probe, old, new))
        report["differ"] += _connections(sides, connections)
    return report


def _ports(before: Outline, after: Outline, compared: Compared) -> frozenset[int]:
    """Those at which something of a listener or of its chains is different."""
    names = {each.name for each in compared.differences if each.sort in {"listener", "chain"}}
    found = set()
    for side in (before, after):
        listeners, chains = side.pipeline.intent.listeners.view(), side.pipeline.intent.chains.view()
        at = {name for name, chain in chains.items() if name in names or chain.listener in names}
        found |= {listeners[chains[name].listener].port for name in at if chains[name].listener in listeners}
    return frozenset(found)


def _connections(sides: tuple[Asked, Asked], connections: Sequence[Connection]) -> Iterator[Report]:
    """What becomes otherwise of connections."""
    old, new = (chains_of(side, connections) for side in sides)
    for each in connections:
        chains = old[each], new[each]
        forms = [becomes(chain, _called, _called, by_tls=each.by_tls) for chain in chains]
        if forms[0] != forms[1]:
            said = [{"said": leads(*form), "object": _owner(chain)} for form, chain in zip(forms, chains, strict=True)]
            yield differs_at(each, *said)


def _called(backend: ir.Backend | None) -> str:
    return "nowhere" if backend is None else cluster_name(backend)


def _owner(chain: ir.FilterChain | None) -> ObjectKey | None:
    """Whose connections these are."""
    if chain is None:
        return None
    of_body = chain.body.origins if isinstance(chain.body, ir.TcpChain) else ()
    return next(iter((*of_body, *chain.origins)), None)
