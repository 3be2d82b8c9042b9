"""The tables of Ingresses that mean what Kubernetes says: from what is read of them to the IR.

Ingress --> owners of all paths, hosts, names in TLS --> routes, hosts_of
                                   |
                                   +--> chains, listeners
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from translator import ir
from translator.decode import Problem, few
from translator.ingress.backends import Backends, Found
from translator.ingress.claims import (
    Having,
    Understood,
    behind,
    called,
    certified,
    claims_of,
    has_certificate,
    hosts_of,
    oldest,
    other_names,
    rest_of,
    shut_by,
    to_name,
    understand,
)
from translator.ingress.hosts import (
    CLEAR,
    OTHERS,
    Scheme,
    candidates,
    chain_name,
    clear_chain,
    listener_name,
    others_chain,
    over,
    parent,
    passing_chain,
    tls_chain,
    virtual_host_name,
)
from translator.ingress.kinds import Ingress
from translator.ingress.needs import Needs
from translator.ingress.nginx.part import PREFIX
from translator.ingress.older import in_its_words
from translator.ingress.paths import EVERY, Asked, Place
from translator.ingress.routes import Aside, Owner, Way, routes_of
from translator.ir import ObjectKey
from translator.ir.ports import Port, tcp
from translator.kubernetes.tables import KubernetesTables, Name, name_of
from translator.options import Options
from translator.tables import Table, Tables, every, read

LAST_RESORT: Final = "fallback-self-signed-cert"
"""The Secret that the entrypoint makes, in our own namespace: shown for names that nobody has a certificate for."""
_SCHEMES: Final[tuple[Scheme, ...]] = ("http", "https")


@dataclass(frozen=True, slots=True)
class _Row:
    routes: tuple[ir.Route, ...]
    hosts: tuple[str, ...]


class StandardIngresses:
    """Ingresses as IR: `listeners`, `chains`, `routes` and `hosts_of`, as those of other APIs; `problems` by object."""

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
        self._backends = Backends(kubernetes, leading_here)
        understood = tables.each("ingresses understood", ingresses, understand)
        self._rows: Table[ObjectKey, Understood] = tables.each(
            "ingresses with what they name", understood, Needs(self._backends, kubernetes).met
        )
        self._declare_claims()
        made = tables.group("routes of ingresses by host", self._rows, self._made)
        self.routes: Table[str, tuple[ir.Route, ...]] = tables.each(
            "routes of ingresses", made, lambda _, them: next(iter(them.values())).routes
        )
        self.hosts_of: Table[str, tuple[str, ...]] = tables.each(
            "virtual hosts of ingresses", made, lambda _, them: next(iter(them.values())).hosts
        )
        self._declare_chains()
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "problems of ingresses by kubernetes", self._rows, lambda key, row: self._told(key, row) or None
        )

    def _declare_claims(self) -> None:
        tables = self._tables
        claims = tables.group("claims of paths", self._rows, lambda _, row: claims_of(row.owner, as_canary=False))
        self._owners: Table[Place, ObjectKey] = tables.each(
            "owners of paths", claims, lambda _, them: min(them, key=lambda key: (them[key], key))
        )
        asides = tables.group(
            "claims of canaries",
            self._rows,
            lambda _, row: {
                (row.owner.ingress.namespace, place): age for place, age in claims_of(row.owner, as_canary=True).items()
            },
        )
        self._canaries: Table[tuple[str, Place], ObjectKey] = tables.each(
            "canaries of paths", asides, lambda _, them: min(them, key=lambda key: (them[key], key))
        )
        named = tables.group("hosts of ingresses named", self._rows, lambda _, row: hosts_of(row.owner))
        self._declared: Table[str, ObjectKey] = tables.each(
            "hosts that ingresses declare",
            named,
            lambda _, them: min(
                (key for key, wish in them.items() if wish.declares), key=lambda key: (them[key].age, key), default=None
            ),
        )
        shut = tables.group("hosts of ingresses shut by some", self._rows, lambda _, row: shut_by(row.owner))
        self._shut: Table[tuple[str, str], ObjectKey] = tables.each(
            "hosts of ingresses shut", shut, lambda _, them: min(them)
        )
        self._hosts: Table[str, bool] = tables.each("hosts of ingresses", named, lambda _, __: True)
        having = tables.group("names in TLS of ingresses", self._rows, lambda _, row: self._wanted(row.owner))
        self._certified: Table[str, Having] = tables.each(
            "names in TLS of one ingress", having, lambda _, them: oldest(them)
        )
        sheltered = tables.each("hosts below another's star in TLS", self._hosts, lambda host, _: self._sheltered(host))
        self._named: Table[str, Having] = tables.union("names in TLS with a chain", self._certified, sheltered)

    def _wanted(self, owner: Owner) -> dict[str, Having]:
        """The names in TLS that an Ingress may have, if it is the oldest that wants them."""
        names = certified(owner)
        return {name: row for name, row in names.items() if row.secret is not None or self._may_pass_on(owner, name)}

    def _may_pass_on(self, owner: Owner, host: str) -> bool:
        """Whether the TLS of a host is its namespace's: passed on it takes all paths along, whose-ever they are."""
        first = read(self._declared, host)
        return first is None or name_of(first)[0] == owner.ingress.namespace

    def _going_by(self, host: str) -> tuple[str, Having] | None:
        """The name in TLS that connections for a host go by."""
        return next(((name, row) for name in over(host) if (row := read(self._certified, name)) is not None), None)

    def _sheltered(self, host: str) -> Having | None:
        """That a host without a certificate has a chain, where else its connections went to who does not serve it.

        That is a star whose TLS is passed on, or one more than a label above.
        """
        found = self._going_by(host)
        if found is None or found[0] == host or (found[0] == parent(host) and found[1].secret is not None):
            return None
        return Having(found[1].age, read(self._declared, host) or found[1].key, self._last_resort())

    # -- routes

    def _made(self, key: ObjectKey, row: Understood) -> dict[str, _Row]:
        """The routes of an Ingress for each of its hosts and both schemes, by a name of theirs."""
        owner, found = row.owner, dict[tuple[str, Scheme], list[ir.Route]]()
        if owner.treatment.canary is not None:
            return {}
        shut = replace(owner, treatment=replace(owner.treatment, shut=("host",)))
        trusts, names = self._common().trusts_a_proxy, certified(owner)
        for asked in owner.asked:
            if read(self._owners, asked.place) != key:
                continue
            backend, host = self._backend(owner, asked).backend, asked.place.host
            treated = shut if self._shut_by(owner, host) else owner
            aside = self._aside(owner, asked)
            for scheme in _SCHEMES:
                way = Way(scheme, trusts, has_certificate(names, host))
                found.setdefault((host, scheme), []).extend(routes_of(treated, asked, backend, aside, way))
        for host, other in other_names(owner):
            if read(self._declared, other) is None and read(self._owners, rest_of(other)) == key:
                for scheme in _SCHEMES:
                    found.setdefault((other, scheme), []).append(to_name(owner, other, host, scheme))
        name = f"Ingress/{key.split('/', 2)[2]}"
        return {
            f"{name}@{host or '*'}/{scheme}": _Row(tuple(routes), (virtual_host_name(scheme, host),))
            for (host, scheme), routes in found.items()
        }

    def _shut_by(self, owner: Owner, host: str) -> ObjectKey | None:
        """The other Ingress of the namespace that shuts a host."""
        return None if owner.treatment.shut else read(self._shut, (owner.ingress.namespace, host))

    def _backend(self, owner: Owner, asked: Asked) -> Found:
        return self._backends.find(owner.ingress.namespace, asked.backend, owner.treatment)

    def _aside(self, owner: Owner, asked: Asked) -> Aside | None:
        """The canary of a path, which must be of the same namespace: else anybody could take anybody's requests."""
        key = read(self._canaries, (owner.ingress.namespace, asked.place))
        other = read(self._rows, key) if key is not None else None
        if key is None or other is None:
            return None
        canary = other.owner.treatment.canary
        theirs = other.places.get(asked.place)
        if canary is None or theirs is None or other.owner.treatment.shut:
            return None
        return Aside(key, canary, self._backend(other.owner, theirs).backend)

    # -- chains

    def _declare_chains(self) -> None:
        tables, ports = self._tables, self._options.ingress_ports
        below = tables.group("hosts below a star", self._hosts, lambda host, _: {parent(host): True})
        http, *https = ports
        together = tables.group("hosts of all ingresses", self._hosts, lambda _, __: {chain_name(http, CLEAR): True})
        clear = tables.each(
            "clear text of ingresses",
            together,
            lambda _, them: clear_chain(http, them, self._common()) if self._is_free(http) else None,
        )
        self.chains: Table[str, ir.FilterChain] = clear
        if https:
            port = https[0]
            named = tables.group(
                "chains in TLS of ingresses named", self._named, lambda name, row: {chain_name(port, name): row}
            )
            by_name = tables.each(
                "chains in TLS of ingresses",
                named,
                lambda _, them: self._tls_chain(port, *next(iter(them.items())), below),
            )
            apart = tables.group(
                "hosts without a certificate",
                self._hosts,
                lambda host, _: {} if self._going_by(host) else {chain_name(port, OTHERS): True},
            )
            others = tables.each(
                "chain of ingresses for other names", apart, lambda _, them: self._others_chain(port, them)
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

    def _is_free(self, port: int) -> bool:
        return read(self._taken, tcp(port)) is None

    def _tls_chain(
        self,
        port: int,
        name: str,
        row: Having,
        below: Table[str, Mapping[str, bool]],
    ) -> ir.FilterChain | None:
        if row.secret is None:
            return self._passing(port, name, row.key)
        tls = self._termination(row.secret) or self._termination(self._last_resort())
        if tls is None or not self._is_free(port):
            return None
        best = next((host for host in candidates(name) if read(self._hosts, host) is not None), None)
        served = {name: best} if best is not None else {}
        if name.startswith("*."):
            under = (host for host in read(below, name) or () if read(self._named, host) is None)
            served |= {host: host for host in under}
        return tls_chain(port, name, served, tls, self._common(), row.key)

    def _passing(self, port: int, name: str, key: ObjectKey) -> ir.FilterChain | None:
        """The chain of a name whose TLS is passed on; one without a backend leaves its clients to nobody."""
        row = read(self._rows, key)
        asked = (
            next((each for each in row.owner.asked if each.place.host == name and each.text == "/"), None)
            if row
            else None
        )
        backend = self._backend(row.owner, asked).backend if row and asked else None
        if backend is None or not self._is_free(port):
            return None
        return passing_chain(port, name, replace(backend, protocol="tcp", tls=None, features=()), key)

    def _others_chain(self, port: int, hosts: Iterable[str]) -> ir.FilterChain | None:
        tls = self._termination(self._last_resort())
        if tls is None or not self._is_free(port):
            return None
        return others_chain(port, hosts, every(self._certified), tls, self._common())

    def _last_resort(self) -> ir.SecretRef:
        return ir.SecretRef(self._options.namespace, LAST_RESORT)

    def _termination(self, secret: ir.SecretRef) -> ir.TlsTermination | None:
        found = self._kubernetes.certificate(secret)
        if found is None or found.problem or found.unfit or not found.has_certificate:
            return None
        return ir.TlsTermination((secret,))

    # -- problems

    def _told(self, key: ObjectKey, row: Understood) -> tuple[Problem, ...]:
        return few(in_its_words(self._problems(key, row), is_older=row.owner.ingress.is_older))

    def _problems(self, key: ObjectKey, row: Understood) -> Iterator[Problem]:
        owner = row.owner
        yield from row.problems
        for port in self._options.ingress_ports:
            who = read(self._taken, tcp(port))
            if who is not None and owner.asked:
                said = f"is not served at port {port}, which is taken by {who}: DRAGOMAN_INGRESS_PORTS names others"
                yield Problem("spec", said, reason="Conflict")
        seen: set[tuple[str, str]] = set()
        for asked in owner.asked:
            found = self._backend(owner, asked)
            if found.problem and (asked.where, found.at) not in seen:
                seen.add((asked.where, found.at))
                yield Problem(f"{asked.where}{behind(asked)}{found.at}", found.problem, reason="BackendNotFound")
            yield from self._lost(key, owner, asked)
        yield from self._shut_with_others(owner)
        yield from self._lost_names(key, owner)
        yield from self._certificates(key, owner)

    def _lost(self, key: ObjectKey, owner: Owner, asked: Asked) -> Iterator[Problem]:
        """What is said of a path that another Ingress has."""
        whose = read(self._owners, asked.place)
        if owner.treatment.canary is None:
            if whose not in {None, key} and asked.place != rest_of(EVERY):
                said = f"{asked.place.called} is that of {called(whose)} already, which is older"
                yield Problem(f"{asked.where}.path", said, reason="Conflict")
            elif whose not in {None, key}:
                yield Problem(asked.where, f"every host is that of {called(whose)} already", False, reason="Conflict")
            return
        main = read(self._rows, whose) if whose is not None else None
        if main is None:
            said = f"no other Ingress has {asked.place.called}, so that there is nothing that it could be a canary of"
            yield Problem(f"{asked.where}.path", said, reason="NotAttached")
        elif main.owner.ingress.namespace != owner.ingress.namespace:
            said = f"{asked.place.called} is that of {called(whose)}: a canary must be of the same namespace"
            yield Problem(f"{asked.where}.path", said, reason="Conflict")
        elif (first := read(self._canaries, (owner.ingress.namespace, asked.place))) != key:
            said = f"{asked.place.called} has a canary already, {called(first)}"
            yield Problem(f"{asked.where}.path", said, reason="Conflict")

    def _shut_with_others(self, owner: Owner) -> Iterator[Problem]:
        for host in dict.fromkeys(asked.place.host for asked in owner.asked):
            whose = self._shut_by(owner, host)
            if whose is not None:
                said = (
                    f"{host or 'every host'} is shut by what {called(whose)} says for the whole host and is not served"
                )
                yield Problem("spec.rules", f"{said}: requests are answered 503 until it is mended")

    def _lost_names(self, key: ObjectKey, owner: Owner) -> Iterator[Problem]:
        for _, other in other_names(owner):
            if read(self._declared, other) is not None or read(self._owners, rest_of(other)) != key:
                said = f"{other} is served by an Ingress itself, so that nobody is sent from there"
                yield Problem("metadata.annotations", said, stops=False, reason="Conflict")

    def _certificates(self, key: ObjectKey, owner: Owner) -> Iterator[Problem]:
        if owner.treatment.passthrough and not any(asked.text == "/" for asked in owner.asked):
            yield Problem(f'metadata.annotations["{PREFIX}ssl-passthrough"]', "wants a path /: TLS goes to its backend")
        spec, mine = owner.ingress.spec, certified(owner)
        for host in [name for name, row in mine.items() if row.secret is None and not self._may_pass_on(owner, name)]:
            older = called(read(self._declared, host))
            said = f"{host} is that of {older} already, which is older and of another namespace"
            yield Problem(f'metadata.annotations["{PREFIX}ssl-passthrough"]', said, reason="Conflict")
        for number, tls in enumerate(spec.tls if spec else ()):
            path = f"spec.tls[{number}]"
            if not tls.secret_name:
                said = "is absent: the certificate of last resort is shown, which no client trusts"
                yield Problem(f"{path}.secretName", said, stops=False)
                continue
            secret = ir.SecretRef(owner.ingress.namespace, tls.secret_name)
            if self._termination(secret) is None:
                found = self._kubernetes.certificate(secret)
                why = (found.problem or found.unfit) if found else None
                said = f"Secret {secret.namespace}/{secret.name} " + (
                    f"cannot be used: {why}" if why else "does not exist, or holds no certificate"
                )
                yield Problem(f"{path}.secretName", said, stops=False, reason="SecretNotUsable")
            for place, host in enumerate(tls.hosts):
                if host.lower() not in mine:
                    said = f"{host} is no host of these rules, so that the certificate is not shown for it"
                    yield Problem(f"{path}.hosts[{place}]", said, stops=False)
                whose = read(self._certified, host.lower())
                if whose is not None and whose.key != key:
                    said = f"{host} has the certificate of {called(whose.key)}, which is older or names it in its rules"
                    yield Problem(f"{path}.hosts[{place}]", said, stops=False, reason="Conflict")
