"""Which objects a resource was made from: asked when Envoy refuses one, so it may cost more than a change does."""

from collections.abc import Iterable, Iterator

from translator import ir
from translator.consul.tables import answer_of_assignment as answer_of
from translator.derived import owner_of
from translator.files.names import pem_files
from translator.files.tables import FileTables
from translator.ir import AuthorityRef, ConfigMaps, ObjectKey, PemFiles
from translator.kubernetes.tables import KubernetesTables
from translator.xds.intent import Intent
from translator.xds.names import certificates_of, services_of
from translator.xds.tables import XdsTables


class Provenance:
    """Looks back from resources to objects, through the tables as they are now."""

    def __init__(self, intent: Intent, kubernetes: KubernetesTables, files: FileTables, xds: XdsTables) -> None:
        self._intent = intent
        self._kubernetes = kubernetes
        self._files = files
        self._xds = xds
        self.failures: dict[str, Exception] = {}
        """What failed in here, by resource: bugs of ours."""

    def of(self, resource_key: str) -> tuple[ObjectKey, ...]:
        """The objects of a resource `<type>/<name>`, those that it owes its name to first; () when it is not there.

        Where this fails nobody knows whose the resource is; that harms no other.
        """
        try:
            return self._of(resource_key)
        except Exception as error:  # noqa: BLE001  kept for who logs it
            self.failures[resource_key] = error
            return ()

    def _of(self, resource_key: str) -> tuple[ObjectKey, ...]:
        kind, _, name = resource_key.partition("/")
        match kind:
            case "listener":
                found = self._of_listener(name)
            case "route" | "scope":
                found = self._of_routes_in(name)
            case "cluster":
                found = self._of_cluster(name)
            case "endpoint":
                found = self._of_endpoints(name)
            case "extension":
                found = self._of_filter(name)
            case "runtime":
                found = (key for row in self._intent.runtime.view().values() for key in row.origins)
            case _:
                found = (self._written_in(each) for each in certificates_of(name))
        return tuple(dict.fromkeys(map(_written, found)))

    def _of_listener(self, name: str) -> Iterator[ObjectKey]:
        listener = self._intent.listeners.view().get(name)
        if listener:
            yield from listener.origins
        for chain in self._intent.chains.view().values():
            if chain.listener == name:
                yield from chain.origins
                if isinstance(chain.body, ir.HttpChain):
                    yield from owners_of(chain.body)
                    yield from chain.body.options.origins

    def _of_routes_in(self, name: str) -> Iterator[ObjectKey]:
        """Of a route configuration, or of the scope of one."""
        made = self._xds.routes.made_of(name)
        if made is None:
            return
        chain, hosts, keys = made
        yield from self._intent.chains.view()[chain].origins
        for host in hosts:
            yield from host.origins
        routes = self._intent.routes.view()
        for key in dict.fromkeys(keys):
            yield from _of_routes(routes.get(key, ()))

    def _of_cluster(self, name: str) -> Iterator[ObjectKey]:
        for member in self._xds.backends.view().get(name, ()):
            yield from _of_routes(self._intent.routes.view().get(member, ()))
            chain = self._intent.chains.view().get(member)
            if chain is not None:
                body = chain.body
                yield from body.options.origins if isinstance(body, ir.HttpChain) else body.origins or chain.origins
            yield from self._of_filter(member)

    def _of_filter(self, name: str) -> Iterator[ObjectKey]:
        row = self._intent.filters.view().get(name)
        if row is not None:
            yield from row.origins

    def _written_in(self, certificate: AuthorityRef) -> ObjectKey:
        if isinstance(certificate, PemFiles):
            return pem_files(certificate).key
        if isinstance(certificate, ConfigMaps):
            return f"core/ConfigMap/{'/'.join(certificate.names[0])}"
        return self._files.behind(f"core/Secret/{certificate.namespace}/{certificate.name}")

    def _of_endpoints(self, name: str) -> Iterator[ObjectKey]:
        answer = answer_of(name)
        if answer is not None:
            yield answer
            return
        for namespace, service in services_of(name):
            yield f"core/Service/{namespace}/{service}"
            yield from self._kubernetes.slices.view().get((namespace, service), ())


def owners_of(body: ir.HttpChain) -> Iterator[ObjectKey]:
    """Whose virtual hosts a chain has."""
    for host in body.virtual_hosts:
        if host.name:
            yield from host.origins


def _of_routes(routes: Iterable[ir.Route]) -> Iterator[ObjectKey]:
    for route in routes:
        yield from route.origins


def _written(key: ObjectKey) -> ObjectKey:
    """The object that somebody wrote, of one that was made of it: an Ingress, or Endpoints."""
    return key.partition("#")[0] if key.startswith("core/Endpoints/") else owner_of(key)
