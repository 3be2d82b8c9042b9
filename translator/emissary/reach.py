"""Which of the Hosts that serve a Mapping can be asked for it at all.

A Mapping for one name fits the Host of that name, and each with a wider one. But where the wider one is served, a
Listener that knows the name keeps it for its own Host, whatever became of that (see `chains`): no request for it comes
to the wider one. With its routes there a Host `*` would hold, encode and send those of all others once more, for
nobody; and each of them would have to ask for the name.
"""

from collections.abc import Iterable, Mapping

from translator.emissary.association import HostEntry
from translator.emissary.chains import Claim, may_have
from translator.emissary.grouping import HostPattern
from translator.emissary.hostnames import is_glob
from translator.emissary.hosts import KEY_PREFIX
from translator.emissary.listeners import OpenPort
from translator.emissary.names import HostNames
from translator.ir import ObjectKey
from translator.tables import Table, Tables, every, read


class Reach:
    """Where names are known, and where Hosts are served. The method is for rules that a sweep runs."""

    def __init__(
        self,
        tables: Tables,
        names: Table[ObjectKey, HostNames],
        claims: Table[ObjectKey, dict[str, Claim]],
        ports: Table[str, OpenPort],
    ) -> None:
        self._knowing = tables.group(
            "listeners that know names",
            names,
            lambda _, row: dict.fromkeys(row.hostnames, _knowing(row, every(ports).values())),
        )
        self._serving: Table[ObjectKey, frozenset[str]] = tables.each(
            "listeners that serve hosts", claims, lambda _, row: frozenset([claim.listener for claim in row.values()])
        )

    def of(self, hosts: tuple[HostEntry, ...], pattern: HostPattern | None) -> tuple[HostEntry, ...]:
        """Those of the Hosts that serve a Mapping which requests for it can come to."""
        if len(hosts) < 2 or pattern is None or pattern.kind == "regex" or is_glob(pattern.text):
            return hosts
        if not any(host.hostname == pattern.text for host in hosts):
            return hosts
        members: Mapping[ObjectKey, frozenset[str]] = read(self._knowing, pattern.text) or {}
        known = frozenset[str]().union(*members.values())
        return tuple([host for host in hosts if not (is_glob(host.hostname) and self._is_kept_from(host, known))])

    def _is_kept_from(self, host: HostEntry, known: frozenset[str]) -> bool:
        """Whether a wider Host is served only where a name is known."""
        serving = read(self._serving, KEY_PREFIX + host.name)
        return serving is not None and serving <= known


def _knowing(names: HostNames, ports: Iterable[OpenPort]) -> frozenset[str]:
    return frozenset([port.name for port in ports if may_have(port, names)])
