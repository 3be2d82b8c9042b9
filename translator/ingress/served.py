"""The tables of Ingresses that mean what Kubernetes says: from what is read of them to the IR.

Ingress --> owners of all paths, hosts, names in TLS --> routes, hosts_of
                                   |
                                   +--> chains, listeners
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from translator import ir
from translator.decode import Problem
from translator.filters import checks, error_pages
from translator.filters.checks import Checking, Checks
from translator.filters.error_pages import ErrorPaging
from translator.ingress.backends import Backends
from translator.ingress.claims import (
    Having,
    Understood,
    certified,
    has_certificate,
    other_names,
    rest_of,
    to_name,
    understand,
)
from translator.ingress.hosts import (
    CLEAR,
    OTHERS,
    Bucket,
    Scheme,
    away,
    bucket_of_host,
    candidates,
    chain_name,
    clear_chain,
    clear_hosts,
    listener_name,
    others_chain,
    others_hosts,
    over,
    parent,
    passing_chain,
    tls_chain,
    virtual_host_name,
)
from translator.ingress.kinds import Ingress
from translator.ingress.needs import Needs
from translator.ingress.nginx.treatment import Treatment
from translator.ingress.ownership import Ownership, asking_clients
from translator.ingress.paths import Asked
from translator.ingress.routes import Aside, Owner, Way, routes_of
from translator.ingress.telling import Telling
from translator.ir import ObjectKey
from translator.ir.ports import Port, tcp
from translator.kubernetes.tables import KubernetesTables, Name
from translator.options import Options
from translator.tables import Table, Tables, every, read
from translator.values import dataclass

LAST_RESORT: Final = "fallback-self-signed-cert"
"""The Secret that the entrypoint makes, in our own namespace: shown for names that nobody has a certificate for."""
_SCHEMES: Final[tuple[Scheme, ...]] = ("http", "https")


Bucketed = tuple[str, str]
"""A chain, and a bucket of its virtual hosts."""


@dataclass(frozen=True, slots=True)
class _Row:
    routes: tuple[ir.Route, ...]
    hosts: tuple[str, ...]


class StandardIngresses:
    """Ingresses as IR: `listeners`, `chains`, `routes`, `hosts_of` and `filters`, as of other APIs; and `problems`."""

    def __init__(
        self,
        tables: Tables,
        ingresses: Table[ObjectKey, Ingress],
        kubernetes: KubernetesTables,
        taken: Table[Port, str],
        leading_here: Table[Name, frozenset[str]],
        common: Callable[[], ir.HttpOptions],
        options: Options,
    ) -> None:
        """`taken` are the ports that others have, with who that is; `common` is how HTTP is spoken everywhere."""
        self._tables = tables
        self._kubernetes = kubernetes
        self._taken = taken
        self._common = common
        self._options = options
        self._backends = Backends(tables, kubernetes, leading_here)
        understood = tables.each("ingresses understood", ingresses, understand)
        self._rows: Table[ObjectKey, Understood] = tables.each(
            "ingresses with what they name", understood, Needs(self._backends, kubernetes).met
        )
        self._ownership = owned = Ownership(tables, self._rows, self._last_resort())
        made = tables.group("routes of ingresses by host", self._rows, self._made)
        self.routes: Table[str, tuple[ir.Route, ...]] = tables.each(
            "routes of ingresses", made, lambda _, them: next(iter(them.values())).routes
        )
        self.hosts_of: Table[str, tuple[str, ...]] = tables.each(
            "virtual hosts of ingresses", made, lambda _, them: next(iter(them.values())).hosts
        )
        self._declare_chains()
        scripts = tables.group("scripts of ingresses", self._rows, lambda _, row: _scripts_of(row.owner.treatment))
        self.filters: Table[str, ir.FilterSettings] = tables.each(
            "filters of ingresses", scripts, lambda _, them: ir.FilterSettings(next(iter(them.values())))
        )
        telling = Telling(
            self._rows,
            owned,
            self._backends,
            kubernetes,
            taken,
            options.ingress_ports,
            lambda secret: self._termination(secret) is not None,
        )
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "problems of ingresses by kubernetes", self._rows, lambda key, row: telling.told(key, row) or None
        )

    # -- routes

    def _made(self, key: ObjectKey, row: Understood) -> dict[str, _Row]:
        """The routes of an Ingress for each of its hosts and both schemes, by a name of theirs."""
        owner, found = row.owner, dict[tuple[str, Scheme], list[ir.Route]]()
        if owner.treatment.canary is not None:
            return {}
        shut = replace(owner, treatment=replace(owner.treatment, shut=("host",)))
        trusts, names = self._common().trusts_a_proxy, certified(owner)
        for asked in owner.asked:
            if read(self._ownership.owners, asked.place) != key:
                continue
            backend, host = self._backends.asked(owner, asked).backend, asked.place.host
            is_shut = self._ownership.shut_by(owner, host) or self._ownership.misses_client(owner, host)
            treated = shut if is_shut or asked.is_shut else owner
            aside = self._aside(owner, asked)
            for scheme in _SCHEMES:
                way = Way(scheme, trusts, has_certificate(names, host), self._ownership.wants_tls(owner, host))
                found.setdefault((host, scheme), []).extend(routes_of(treated, asked, backend, aside, way))
        for host, other in other_names(owner):
            if read(self._ownership.declared, other) is None and read(self._ownership.owners, rest_of(other)) == key:
                for scheme in _SCHEMES:
                    found.setdefault((other, scheme), []).append(to_name(owner, other, host, scheme))
        name = f"Ingress/{key.split('/', 2)[2]}"
        return {
            f"{name}@{host or '*'}/{scheme}": _Row(tuple(routes), (virtual_host_name(scheme, host),))
            for (host, scheme), routes in found.items()
        }

    def _aside(self, owner: Owner, asked: Asked) -> Aside | None:
        """The canary of a path, which must be of the same namespace: else anybody could take anybody's requests."""
        key = read(self._ownership.canaries, (owner.ingress.namespace, asked.place))
        other = read(self._rows, key) if key is not None else None
        if key is None or other is None:
            return None
        canary = other.owner.treatment.canary
        theirs = other.places.get(asked.place)
        if canary is None or theirs is None or other.owner.treatment.shut:
            return None
        return Aside(key, canary, self._backends.asked(other.owner, theirs).backend)

    # -- chains

    def _declare_chains(self) -> None:
        tables, ports = self._tables, self._options.ingress_ports
        below = tables.group("hosts below a star", self._ownership.hosts, lambda host, _: {parent(host): True})
        http, *https = ports
        clear_name, others_name = chain_name(http, CLEAR), chain_name(https[0] if https else 0, OTHERS)
        together = self._by_bucket(
            "hosts of all ingresses",
            tables.group("hosts of ingresses by bucket", self._ownership.hosts, lambda host, _: _at(clear_name, host)),
            clear_hosts,
        )
        clear = tables.each(
            "clear text of ingresses",
            together,
            lambda _, them: clear_chain(http, _buckets(them), self._common()) if self._is_free(http) else None,
        )
        self.chains: Table[str, ir.FilterChain] = clear
        if https:
            port = https[0]
            named = tables.group(
                "chains in TLS of ingresses named",
                self._ownership.named,
                lambda name, row: {chain_name(port, name): row},
            )
            narrower = tables.group(
                "names in TLS below a star",
                self._ownership.named,
                lambda name, _: {star: True for star in over(name) if star != name},
            )
            by_name = tables.each(
                "chains in TLS of ingresses",
                named,
                lambda _, them: self._tls_chain(port, *next(iter(them.items())), below, narrower),
            )
            apart = self._by_bucket(
                "hosts without a certificate",
                tables.group(
                    "hosts without a certificate by bucket",
                    self._ownership.hosts,
                    lambda host, _: {} if self._ownership.is_called(host) else _at(others_name, host),
                ),
                others_hosts,
            )
            elsewhere = tables.each(
                "hosts with a certificate elsewhere", apart, lambda _, __: away(every(self._ownership.named))
            )
            others = tables.each(
                "chain of ingresses for other names",
                apart,
                lambda name, them: self._others_chain(port, them, read(elsewhere, name)),
            )
            self.chains = tables.union("chains of ingresses", clear, by_name, others)
        used = tables.group("listeners of ingresses used", self.chains, lambda _, chain: {chain.listener: chain})
        numbers = {listener_name(port): port for port in ports}
        self.listeners: Table[str, ir.Listener] = tables.each(
            "listeners of ingresses",
            used,
            lambda name, _: ir.Listener(
                name, self._options.bind_address, numbers[name], more_addresses=self._options.more_addresses
            ),
        )

    def _by_bucket(
        self,
        name: str,
        hosts: Table[Bucketed, Mapping[str, bool]],
        made: Callable[[Iterable[str]], Bucket],
    ) -> Table[str, Mapping[Bucketed, Bucket]]:
        """Virtual hosts by their chains, made of the hosts in a bucket."""
        buckets = self._tables.each(f"virtual hosts of {name}", hosts, lambda _, them: made(them))
        return self._tables.group(name, buckets, lambda at, some: {at[0]: some})

    def _is_free(self, port: int) -> bool:
        return read(self._taken, tcp(port)) is None

    def _tls_chain(
        self,
        port: int,
        name: str,
        row: Having,
        below: Table[str, Mapping[str, bool]],
        narrower: Table[str, Mapping[str, bool]],
    ) -> ir.FilterChain | None:
        if row.secret is None:
            return self._passing(port, name, row.key)
        tls = self._termination(row.secret) or self._termination(self._last_resort())
        if tls is None or not self._is_free(port):
            return None
        best = next((host for host in candidates(name) if read(self._ownership.hosts, host) is not None), None)
        served = {name: best} if best is not None else {}
        if name.startswith("*."):
            under = (host for host in read(below, name) or () if read(self._ownership.named, host) is None)
            served |= {host: host for host in under}
        elsewhere = read(narrower, name) or ()
        client = read(self._ownership.clients, best) if best is not None else None
        if client is None:
            return tls_chain(port, name, served, elsewhere, tls, self._common(), row.key)
        asking = asking_clients(tls, client)
        chain = tls_chain(port, name, served, elsewhere, asking, self._common(), row.key)
        return replace(chain, origins=tuple(dict.fromkeys((*chain.origins, client.key))))

    def _passing(self, port: int, name: str, key: ObjectKey) -> ir.FilterChain | None:
        """The chain of a name whose TLS is passed on; one without a backend leaves its clients to nobody."""
        row = read(self._rows, key)
        asked = (
            next((each for each in row.owner.asked if each.place.host == name and each.text == "/"), None)
            if row
            else None
        )
        backend = self._backends.asked(row.owner, asked).backend if row and asked else None
        if backend is None or not self._is_free(port):
            return None
        return passing_chain(port, name, replace(backend, protocol="tcp", tls=None, features=()), key)

    def _others_chain(
        self, port: int, hosts: Mapping[Bucketed, Bucket], elsewhere: ir.VirtualHost | None
    ) -> ir.FilterChain | None:
        tls = self._termination(self._last_resort())
        if tls is None or not self._is_free(port):
            return None
        return others_chain(port, _buckets(hosts), elsewhere, tls, self._common())

    def _last_resort(self) -> ir.SecretRef:
        return ir.SecretRef(self._options.namespace, LAST_RESORT)

    def _termination(self, secret: ir.SecretRef) -> ir.TlsTermination | None:
        found = self._kubernetes.certificate(secret)
        if found is None or found.problem or found.unfit or not found.has_certificate:
            return None
        return ir.TlsTermination((secret,))


def _scripts_of(treatment: Treatment) -> dict[str, Checking | ErrorPaging]:
    """The filters whose scripts an Ingress wants to be there."""
    found: dict[str, Checking | ErrorPaging] = {}
    if any(isinstance(each, Checks) for each in treatment.filters):
        found[checks.NAME] = Checking()
    if treatment.pages is not None:
        found[error_pages.NAME] = ErrorPaging()
    return found


def _at(chain: str, host: str) -> dict[Bucketed, bool]:
    return {(chain, bucket_of_host(host)): True}


def _buckets(hosts: Mapping[Bucketed, Bucket]) -> dict[str, Bucket]:
    return {bucket: some for (_, bucket), some in hosts.items()}
