"""Names of Hosts that another API has routes at, too: the virtual hosts that are there for both.

Where another API wishes so, and is of the Host's namespace, the Host has a virtual host of its own at that port, apart
for TLS and for clear text: its Mappings are there as everywhere, and what else is there is nowhere else. So a route of
the other API comes to no port that it does not name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from translator import ir
from translator.emissary.chains import Claim, Settled
from translator.emissary.listeners import OpenPort
from translator.tables import Table, Tables, every, read
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Wished:
    """What others want: ports, which are not opened then where no Listener says so, and names, to have routes there.

    The ports are by number, with who that is, for people.
    """

    ports: Table[int, str]
    names: Table[ir.Wish, bool]


class Sharing:
    """`names` are the names that are shared, by the wishes for them. The methods are for rules that a sweep runs."""

    names: Table[ir.Wish, ir.Shared]

    def __init__(self, tables: Tables, wishes: Table[ir.Wish, bool], ports: Table[str, OpenPort]) -> None:
        self._tables = tables
        self._wishes = wishes
        self._ports = ports

    def declare(self, settled: Table[str, Settled]) -> None:
        """The tables of what is shared, of the names that Hosts have at Listeners."""
        tables = self._tables
        shared = tables.group("names shared", settled, lambda _, row: self._shared(row))
        self.names = tables.each("names that are shared", shared, lambda _, them: min(them.values(), key=_by_name))
        self._more: Table[str, Mapping[str, tuple[str, ...]]] = tables.group(
            "virtual hosts of names shared", settled, lambda _, row: self._more_hosts(row)
        )

    def of(self, hosts: Iterable[ir.VirtualHost], row: Settled, *, by_tls: bool) -> tuple[ir.VirtualHost, ...]:
        """The virtual hosts of a chain, those with names of their own where these are shared."""
        port = read(self._ports, row.claims[0].listener) if row.claims else None
        if port is None:
            return tuple(hosts)
        named = {
            claim.host.virtual_host: name
            for claim in row.claims
            if (claim.by_tls or not by_tls) and (name := self._name(claim, port, by_tls=by_tls))
        }
        return tuple([replace(host, name=named.get(host.name, host.name)) for host in hosts])

    def also(self, host: str) -> list[str]:
        """The further virtual hosts of a Host, by the name of the one that it has everywhere else."""
        return sorted({name for names in (read(self._more, host) or {}).values() for name in names})

    def all(self) -> list[str]:
        """The further virtual hosts of all Hosts."""
        return sorted({name for some in every(self._more).values() for names in some.values() for name in names})

    def _name(self, claim: Claim, port: OpenPort, *, by_tls: bool) -> str | None:
        """The name of a Host's virtual host at a port, where the name is shared."""
        host = claim.host
        if read(self._wishes, ir.Wish(port.port, host.hostname, host.namespace, by_tls)) is None:
            return None
        return f"{host.virtual_host}@{port.port}" + (":tls" if by_tls else "")

    def _places(self, row: Settled) -> Iterable[tuple[Claim, OpenPort, bool, str]]:
        for claim in row.claims:
            port = read(self._ports, claim.listener)
            for by_tls in (True, False) if port is not None else ():
                served = claim.by_tls if by_tls else port is not None and not port.quic
                if port is not None and served and (name := self._name(claim, port, by_tls=by_tls)):
                    yield claim, port, by_tls, name

    def _shared(self, row: Settled) -> dict[ir.Wish, ir.Shared]:
        """What is shared of a name; at a port of UDP, where HTTP/3 is spoken, nobody else opens anything."""
        found: dict[ir.Wish, ir.Shared] = {}
        for claim, port, by_tls, name in self._places(row):
            host = claim.host
            tls = host.tls.termination if by_tls and host.tls else None
            if not port.quic:
                wish = ir.Wish(port.port, host.hostname, host.namespace, by_tls)
                found[wish] = ir.Shared(name, f"Host {host.virtual_host}", tls, "route" if by_tls else host.action)
        return found

    def _more_hosts(self, row: Settled) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for claim, _, _, name in self._places(row):
            host = claim.host.virtual_host
            found[host] = (*found.get(host, ()), name)
        return found


def _by_name(shared: ir.Shared) -> str:
    return shared.virtual_host
