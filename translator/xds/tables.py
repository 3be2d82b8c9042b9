"""The tables of resources: what each API says in the IR, encoded once and joined into what Envoy is given."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from envoyapi.config_listener_v3 import FilterChain, ListenerFilter
from translator import filters, ir
from translator.consul.tables import ConsulTables
from translator.features.http import backends_of as backends_of_features
from translator.kubernetes.endpoint_slice import addresses_of
from translator.kubernetes.secret import Certificate
from translator.kubernetes.tables import KubernetesTables
from translator.resources import Resource, ResourceType, resource
from translator.tables import Table, Tables, every, read
from translator.values import dataclass
from translator.xds.cluster import encode_assignment, encode_cluster, found_in
from translator.xds.forward import backends_of
from translator.xds.intent import Intent
from translator.xds.listener import Wants, encode_filter_chain, encode_listener, wants
from translator.xds.names import assignment_name, authority_name, certificate_name, cluster_name
from translator.xds.route import Counted
from translator.xds.routes import RouteTables
from translator.xds.runtime import LAYER, encode_runtime
from translator.xds.tls import encode_authority, encode_certificate

T = TypeVar("T")
SecretUse = tuple[str, ir.AuthorityRef, ir.SecretRef | None]
"""`certificate` or `authority`, and the Secret or files; for an authority perhaps that with its revocations."""


class XdsTables:
    """Every resource by its name, in a table for each type: `outputs`."""

    def __init__(
        self,
        tables: Tables,
        intent: Intent,
        kubernetes: KubernetesTables,
        consul: ConsulTables,
        index_from: int,
        counted: Counted | None = None,
    ) -> None:
        """`index_from`: the routes of a chain from which on it has an index and shards. `counted`: see there."""
        self._tables = tables
        self._intent = intent
        self._kubernetes = kubernetes
        self._consul = consul
        self.backends = backends = self._backends()
        self.routes = RouteTables(tables, intent, index_from, counted)
        self.outputs: Mapping[ResourceType, Table[str, Resource]] = {
            "cluster": tables.each(
                "cluster resources", backends, lambda _, members: encode_cluster(_any_of(members.values()))
            ),
            "endpoint": self._endpoints(backends),
            "secret": self._secrets(backends),
            "extension": self._extensions(),
            "scope": self.routes.scopes,
            "listener": self._listeners(),
            "route": self.routes.configurations,
            "runtime": self._runtime(),
        }

    def _backends(self) -> Table[str, Mapping[str, ir.Backend]]:
        """Every backend by the name of its cluster, with who wants it."""
        routed = self._tables.group(
            "backends of routes",
            self._intent.routes,
            lambda _, routes: {cluster_name(b): b for route in routes for b in backends_of(route)},
        )
        proxied = self._tables.group(
            "backends of chains",
            self._intent.chains,
            lambda _, chain: {cluster_name(b): b for b in _backends_of_chain(chain)},
        )
        asked = self._tables.group(
            "backends of filters",
            self._intent.filters,
            lambda name, row: {cluster_name(b): b for b in filters.backends_of(name, row.value)},
        )
        return self._tables.union("backends", routed, proxied, asked)

    def _extensions(self) -> Table[str, Resource]:
        """The configurations of filters: each has one, since a listener waits for it, be it that nobody uses it."""
        names = self._tables.constant("filters", dict.fromkeys(filters.DISCOVERED, True))
        return self._tables.each("extension resources", names, lambda name, _: self._extension(name))

    def _extension(self, name: str) -> Resource:
        row = read(self._intent.filters, name)
        configuration = filters.configuration_of(name, None if row is None else row.value, cluster_name)
        # What is always on is switched off by its configuration alone, so that no route has to go before.
        is_idle = row is None and not filters.DISCOVERED[name].always_on
        return resource(configuration, use="idle") if is_idle else resource(configuration)

    def _runtime(self) -> Table[str, Resource]:
        """The one layer: there always is one, since an Envoy that starts waits for it before it asks for all else."""
        layers = self._tables.constant("runtime layers", {LAYER: True})
        return self._tables.each(
            "runtime resources", layers, lambda _, __: encode_runtime(every(self._intent.runtime).values())
        )

    def _endpoints(self, backends: Table[str, Mapping[str, ir.Backend]]) -> Table[str, Resource]:
        wanted = self._tables.group(
            "endpoints wanted",
            backends,
            lambda _, members: {them: True for them in [found_in(_any_of(members.values()).target)] if them},
        )
        self.consul_services: Table[ir.ConsulService, bool] = self._tables.each(
            "consul services wanted",
            self._tables.group(
                "consul services",
                wanted,
                lambda found, _: {each: True for each in found if isinstance(each, ir.ConsulService)},
            ),
            lambda _, __: True,
        )
        # One row for each target, then under the name that clusters ask for.
        encoded = self._tables.each("endpoints", wanted, lambda found, _: self._assignment(found))
        named = self._tables.group("endpoints by name", encoded, lambda found, row: {assignment_name(*found): row})
        return self._tables.each("endpoint resources", named, lambda _, members: _any_of(members.values()))

    def _assignment(self, found: tuple[ir.Found, ...]) -> Resource:
        addresses = dict.fromkeys([address for target in found for address in self._addresses(target)])
        return resource(encode_assignment(assignment_name(*found), tuple(addresses)))

    def _addresses(self, target: ir.Found) -> Iterable[tuple[str, int]]:
        if isinstance(target, ir.ConsulService):
            return read(self._consul.endpoints, target) or ()
        name = (target.namespace, target.name)
        slices = read(self._kubernetes.slices, name) or {}
        service = read(self._kubernetes.services, name)
        return addresses_of(service, slices.values(), target.port, by_datagrams=target.by_datagrams)

    def _secrets(self, backends: Table[str, Mapping[str, ir.Backend]]) -> Table[str, Resource]:
        of_chains = self._tables.group("secrets of chains", self._intent.chains, lambda _, chain: _chain_secrets(chain))
        of_backends = self._tables.group(
            "secrets of backends", backends, lambda _, members: _backend_secrets(_any_of(members.values()))
        )
        wanted = self._tables.union("secrets wanted", of_chains, of_backends)
        encoded = self._tables.each("secrets", wanted, lambda use, _: self._secret(use))
        named = self._tables.group("secrets by name", encoded, lambda use, row: {_secret_name(use): row})
        return self._tables.each("secret resources", named, lambda _, members: _any_of(members.values()))

    def _secret(self, use: SecretUse) -> Resource | None:
        kind, secret, revoking = use
        certificate = self._certificate(secret)
        if certificate is None:
            return None
        if kind == "certificate":
            encoded = encode_certificate(_secret_name(use), certificate)
        else:
            revoked = self._certificate(revoking) if revoking else None
            if revoking and (revoked is None or revoked.revocations is None or revoked.unusable_revocations):
                return None
            encoded = encode_authority(_secret_name(use), certificate, revoked.revocations if revoked else None)
        return None if encoded is None else resource(encoded)

    def _certificate(self, secret: ir.AuthorityRef) -> Certificate | None:
        found = self._kubernetes.certificate(secret)
        return None if found is None or found.problem else found

    def _encode_chain(self, name: str, chain: ir.FilterChain) -> "_EncodedChain":
        index = self.routes.index_of(name)
        return _EncodedChain(chain.listener, wants(chain), encode_filter_chain(chain, index))

    def _listeners(self) -> Table[str, Resource]:
        encoded = self._tables.each("filter chains", self._intent.chains, self._encode_chain)
        by_listener = self._tables.group(
            "filter chains by listener", encoded, lambda _, row: {row.listener: (row.wants, bytes(row.body))}
        )
        return self._tables.each(
            "listener resources",
            self._intent.listeners,
            lambda name, row: encode_listener(row, chains) if (chains := read(by_listener, name)) else None,
        )


@dataclass(frozen=True, slots=True)
class _EncodedChain:
    listener: str
    wants: Wants
    body: FilterChain | ListenerFilter


def _backends_of_chain(chain: ir.FilterChain) -> list[ir.Backend]:
    if isinstance(chain.body, ir.HttpChain):
        return list(backends_of_features(chain.body.options.features))
    backends = [share.backend for share in chain.body.backends if share.backend]
    logs = chain.body.logs if isinstance(chain.body, ir.TcpChain) else ()
    return [*backends, *backends_of_features(logs)]


def _chain_secrets(chain: ir.FilterChain) -> dict[SecretUse, bool]:
    if chain.tls is None:
        return {}
    uses: dict[SecretUse, bool] = {("certificate", secret, None): True for secret in chain.tls.certificates}
    if chain.tls.client_ca:
        uses["authority", chain.tls.client_ca, chain.tls.client_revocations] = True
    return uses


def _backend_secrets(backend: ir.Backend) -> dict[SecretUse, bool]:
    uses: dict[SecretUse, bool] = {}
    if backend.tls and backend.tls.certificate:
        uses["certificate", backend.tls.certificate, None] = True
    if backend.tls and backend.tls.ca:
        uses["authority", backend.tls.ca, backend.tls.revocations] = True
    return uses


def _secret_name(use: SecretUse) -> str:
    kind, secret, revoking = use
    if kind == "certificate" and not isinstance(secret, ir.ConfigMaps):
        return certificate_name(secret)
    return authority_name(secret, revoking)


def _any_of(members: Iterable[T]) -> T:
    """One of values that are equal, or of which any will do."""
    return next(iter(members))
