"""The chains for HTTP in clear text, one for each Listener, with the names of all Hosts there: in buckets.

A Host that comes or goes is a change of its own bucket (`translator.ir.hosts`). What one Host is to the others is kept
apart, and is small: whether any has a wide name, and which those are. What else can be the same name in another
spelling is in the same bucket.
"""

from collections.abc import Callable, Iterable, Mapping
from heapq import nsmallest
from typing import Any, Final

from translator import ir
from translator.emissary.chains import Beside, clear_text_name, closed, guarded, may_have, ports_of
from translator.emissary.hostnames import is_glob, server_of
from translator.emissary.listeners import OpenPort
from translator.emissary.names import HostNames
from translator.ir import ObjectKey
from translator.ir.hosts import bucket_of
from translator.tables import Table, Tables, every, read
from translator.values import dataclass

Place = tuple[str, str]
"""A chain, and a bucket of its names."""

Bucket = tuple[ir.VirtualHost, ...]


def place_of(chain_name: str, hostname: str) -> Place:
    """Where a name is, however it is spelled."""
    return chain_name, bucket_of(server_of(hostname))


@dataclass(frozen=True, slots=True)
class Bound:
    """Names of a Host at a Listener that it is bound to, served there or not."""

    virtual_host: str
    hostnames: tuple[str, ...]
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What a bucket must know of all names at a Listener.

    `is_wide`: some Host that is served has a wide name there. Then `beside` are the names of all, as far as they matter
    to wide ones, and `ports` those that stand in wide names.
    """

    is_wide: bool
    beside: Beside
    ports: tuple[str, ...]


NARROW: Final = Around(is_wide=False, beside=Beside(), ports=())


class ClearText:
    """`chains` are the IR. `served` are the virtual hosts of each claim there, and `names` the names of all Hosts."""

    def __init__(
        self,
        tables: Tables,
        names: Table[ObjectKey, HostNames],
        is_stopped: Callable[[ObjectKey], bool],
        served: Table[Place, Mapping[str, Bucket]],
        ports: Table[str, OpenPort],
        made: Callable[[str, ir.Hosts], ir.FilterChain | None],
    ) -> None:
        """`made` makes the chain of a name with its virtual hosts."""
        self._served = served
        self._bound = bound = tables.group(
            "names at listeners",
            names,
            lambda key, row: bound_to(row, every(ports).values(), is_stopped=is_stopped(key)),
        )
        globs = tables.group(
            "wide names in clear text",
            served,
            lambda at, them: _of(at, _globs(host.hostname for host in _served(them))),
        )
        silent = tables.group("wide names at listeners", bound, lambda at, them: _of(at, _globs(_named(them))))
        first = tables.group(
            "first names at listeners", bound, lambda at, them: {at[0]: tuple(nsmallest(2, set(_named(them))))}
        )
        self._around: Table[str, Around] = tables.each(
            "wide names of chains", globs, lambda name, them: around(them, read(silent, name), read(first, name))
        )
        wanted: Table[Place, Mapping[Any, Any]] = tables.union("clear text wanted", served, bound)
        buckets = tables.each("virtual hosts in clear text", wanted, lambda at, _: self._bucket(at) or None)
        by_chain = tables.group("clear text by chain", buckets, lambda at, hosts: {at[0]: hosts})
        self.chains: Table[str, ir.FilterChain] = tables.each(
            "clear text chains",
            by_chain,
            lambda name, them: made(name, ir.Hosts({bucket: hosts for (_, bucket), hosts in them.items()})),
        )

    def _bucket(self, at: Place) -> Bucket:
        hosts = _served(read(self._served, at) or {})
        return answers(hosts, read(self._bound, at) or {}, read(self._around, at[0]) or NARROW)


def bound_to(names: HostNames, ports: Iterable[OpenPort], *, is_stopped: bool) -> dict[Place, Bound]:
    """Where a Host has its names, by chain and bucket: also where only its labels are unknown."""
    chains = [clear_text_name(port.name) for port in ports if may_have(port, names) and not port.quic]
    found: dict[Place, Bound] = {}
    for hostname in names.hostnames if chains else ():
        _, bucket = place_of("", hostname)
        for name in chains:
            before = found.get((name, bucket))
            hostnames = (*before.hostnames, hostname) if before else (hostname,)
            found[name, bucket] = Bound(names.virtual_host, hostnames, is_stopped)
    return found


def around(
    served: Mapping[Place, tuple[str, ...]],
    bound: Mapping[Place, tuple[str, ...]] | None,
    first: Mapping[Place, tuple[str, ...]] | None,
) -> Around:
    """What a bucket must know of others: wide names that are served, and that are bound, and the first of all names."""
    wide = {name for names in (bound or {}).values() for name in names}
    all_wide = wide | {name for names in served.values() for name in names}
    few = nsmallest(2, {name for names in (first or {}).values() for name in names})
    return Around(is_wide=True, beside=Beside.of(wide | set(few)), ports=ports_of(all_wide))


def answers(hosts: list[ir.VirtualHost], bound: Mapping[ObjectKey, Bound], others: Around) -> Bucket:
    """The virtual hosts of a bucket, with those for names that nobody is to serve there."""
    silent: dict[str, ir.VirtualHost] = {host.hostname: host for host in hosts}
    for key in sorted(bound):
        if bound[key].is_stopped or others.is_wide:
            for hostname in bound[key].hostnames:
                called = bound[key].virtual_host
                silent.setdefault(hostname, ir.VirtualHost(called, hostname, "never", "reject", (key,)))
    found = list(silent.values())
    if others.is_wide:
        names = {key: each.hostnames for key, each in bound.items()}
        found = [*guarded(found, others.beside, 404), *closed(found, names, "reject", others.ports)]
    return tuple(sorted(found, key=lambda host: (not host.name, host.hostname)))


def clear_text_chain(name: str, hosts: ir.Hosts, port: OpenPort, common: ir.HttpOptions) -> ir.FilterChain:
    """The chain for all HTTP in clear text at a Listener. Whose it is, its virtual hosts say."""
    return ir.FilterChain(name, port.name, (), None, ir.HttpChain(port.http_options(common), hosts), quic=port.quic)


def _of(at: Place, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {at[0]: names} if names else {}


def _globs(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if is_glob(name)}))


def _served(them: Mapping[str, Bucket]) -> list[ir.VirtualHost]:
    return [host for name in sorted(them) for host in them[name]]


def _hostnames(them: Mapping[str, Bucket]) -> list[str]:
    return [host.hostname for hosts in them.values() for host in hosts]


def _named(them: Mapping[ObjectKey, Bound]) -> list[str]:
    return [name for each in them.values() for name in each.hostnames]
