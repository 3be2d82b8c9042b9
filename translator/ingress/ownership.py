"""Whose each path, each host and each name in TLS is, of all that Ingresses want: the older one's.

A host for which an Ingress wants client certificates has a chain in TLS of its own, by whatever certificate.
"""

from dataclasses import replace

from translator import ir
from translator.ingress.claims import (
    Client,
    Having,
    Understood,
    certified,
    claims_of,
    clients_of,
    hosts_of,
    oldest,
    shut_by,
)
from translator.ingress.hosts import over, parent
from translator.ingress.paths import Place
from translator.ingress.routes import Owner
from translator.ir import ObjectKey
from translator.kubernetes.tables import name_of
from translator.tables import Table, Tables, read


class Ownership:
    """The tables of who has what. The methods are for rules that a sweep runs."""

    def __init__(self, tables: Tables, rows: Table[ObjectKey, Understood], last_resort: ir.SecretRef) -> None:
        self._last_resort = last_resort
        claims = tables.group("claims of paths", rows, lambda _, row: claims_of(row.owner, as_canary=False))
        self.owners: Table[Place, ObjectKey] = tables.each(
            "owners of paths", claims, lambda _, them: min(them, key=lambda key: (them[key], key))
        )
        asides = tables.group(
            "claims of canaries",
            rows,
            lambda _, row: {
                (row.owner.ingress.namespace, place): age for place, age in claims_of(row.owner, as_canary=True).items()
            },
        )
        self.canaries: Table[tuple[str, Place], ObjectKey] = tables.each(
            "canaries of paths", asides, lambda _, them: min(them, key=lambda key: (them[key], key))
        )
        named = tables.group("hosts of ingresses named", rows, lambda _, row: hosts_of(row.owner))
        self.declared: Table[str, ObjectKey] = tables.each(
            "hosts that ingresses declare",
            named,
            lambda _, them: min(
                (key for key, wish in them.items() if wish.declares), key=lambda key: (them[key].age, key), default=None
            ),
        )
        shut = tables.group("hosts of ingresses shut by some", rows, lambda _, row: shut_by(row.owner))
        self.shut: Table[tuple[str, str], ObjectKey] = tables.each(
            "hosts of ingresses shut", shut, lambda _, them: min(them)
        )
        self.hosts: Table[str, bool] = tables.each("hosts of ingresses", named, lambda _, __: True)
        clients = tables.group("client certificates of ingresses", rows, lambda _, row: self._asked_for(row.owner))
        self.clients: Table[str, Client] = tables.each(
            "client certificates by host",
            clients,
            lambda _, them: min(them.values(), key=lambda each: (each.age, each.key)),
        )
        having = tables.group("names in TLS of ingresses", rows, lambda _, row: self._wanted(row.owner))
        self.certified: Table[str, Having] = tables.each(
            "names in TLS of one ingress", having, lambda _, them: oldest(them)
        )
        sheltered = tables.each("hosts below another's star in TLS", self.hosts, lambda host, _: self._sheltered(host))
        self.named: Table[str, Having] = tables.union("names in TLS with a chain", self.certified, sheltered)

    def _wanted(self, owner: Owner) -> dict[str, Having]:
        """The names in TLS that an Ingress may have, if it is the oldest that wants them."""
        names = certified(owner)
        return {name: row for name, row in names.items() if row.secret is not None or self.may_pass_on(owner, name)}

    def may_pass_on(self, owner: Owner, host: str) -> bool:
        """Whether the TLS of a host is its namespace's: passed on it takes all paths along, whose-ever they are."""
        first = read(self.declared, host)
        return first is None or name_of(first)[0] == owner.ingress.namespace

    def going_by(self, host: str) -> tuple[str, Having] | None:
        """The name in TLS that connections for a host go by."""
        return next(((name, row) for name in over(host) if (row := read(self.certified, name)) is not None), None)

    def _sheltered(self, host: str) -> Having | None:
        """That a host has a chain without having a certificate.

        That is where else its connections went to who does not serve it: to a star whose TLS is passed on, or one more
        than a label above; and where its clients show certificates, others do not.
        """
        found, client = self.going_by(host), read(self.clients, host)
        if found is not None and found[0] == host:
            return None
        key = client.key if client is not None else read(self.declared, host)
        if client is not None or any(read(self.clients, name) is not None for name in over(host) if name != host):
            shown = found[1].secret if found is not None else None
            return Having(client.age if client else ("", "", ""), key or "", shown or self._last_resort)
        if found is None or (found[0] == parent(host) and found[1].secret is not None):
            return None
        return Having(found[1].age, key or found[1].key, self._last_resort)

    def _asked_for(self, owner: Owner) -> dict[str, Client]:
        """The hosts whose clients are asked for certificates, as an Ingress may have it: those of its namespace."""
        return {host: client for host, client in clients_of(owner).items() if self.may_pass_on(owner, host)}

    def shut_by(self, owner: Owner, host: str) -> ObjectKey | None:
        """The other Ingress of the namespace that shuts a host."""
        return None if owner.treatment.shut else read(self.shut, (owner.ingress.namespace, host))

    def misses_client(self, owner: Owner, host: str) -> bool:
        """Whether an Ingress wants client certificates for a host where they are not asked for as it says."""
        wanted = clients_of(owner).get(host)
        found = read(self.clients, host)
        return owner.treatment.client is not None and (wanted is None or found is None or found.wants != wanted.wants)

    def wants_tls(self, owner: Owner, host: str) -> bool:
        """Whether the namespace's clients of a host show certificates, so that in clear text nobody is let in."""
        found = read(self.clients, host)
        return found is not None and name_of(found.key)[0] == owner.ingress.namespace

    def is_called(self, host: str) -> bool:
        """Whether connections for a host go by a name that has a chain."""
        return self.going_by(host) is not None or read(self.named, host) is not None


def asking_clients(tls: ir.TlsTermination, client: Client) -> ir.TlsTermination:
    """The same TLS, in which clients are asked for a certificate."""
    wants, namespace = client.wants, client.key.split("/")[2]
    return replace(
        tls,
        client_ca=ir.SecretRef(namespace, wants.secret),
        require_client_certificate=wants.wanted == "must",
        takes_any_client=wants.wanted == "any",
        client_depth=None if wants.wanted == "any" else wants.depth,
    )
