"""Where requests go: of a `service`, a reference to a Service, and the policy that says how it is reached. Pure.

A route leads to Services alone. An address becomes one that names it as its endpoint; a name of DNS cannot.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from convert.fields import OF_BACKENDS
from convert.to_gateway.gateways import grant
from convert.values import At, Document, Made, at, called, copied
from convert.world import World
from translator import ir
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.service_names import ServiceName, kubernetes_service, parse, qualified
from translator.ir import ObjectKey
from translator.kubernetes.service import Service, service_of

_BY_TLS: Final = frozenset({"https", "kubernetes.io/https", "kubernetes.io/wss", "wss", "grpcs", "kubernetes.io/grpcs"})
_BY_HTTP2: Final = frozenset({"kubernetes.io/h2c", "grpc", "kubernetes.io/grpc"})
MODULES_FIELD: Final = {name: f"spec.config.{name}" for name in OF_BACKENDS}


@dataclass(frozen=True, slots=True)
class Reached:
    """The port of a Service that a `service` means, and the name by which it would be asked for."""

    namespace: str
    name: str
    port: int
    host: str

    @property
    def target(self) -> ir.ServicePort:
        """The same in the IR."""
        return ir.ServicePort(self.namespace, self.name, self.port)


@dataclass(slots=True)
class Backends:
    """Finds Services, and remembers what else must be made for them."""

    world: World
    addresses: dict[tuple[str, str], dict[int, ObjectKey]] = field(default_factory=dict)
    """Of each namespace and address, the ports, each with an object that leads there."""
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    same: dict[Any, Any] = field(default_factory=dict)
    grants: dict[tuple[str, str, str], None] = field(default_factory=dict)
    policies: dict[tuple[str, str], dict[str, tuple[Any, ObjectKey, str]]] = field(default_factory=dict)
    """Of each Service, the fields of its policy: each with its value, the object that said it, and where."""
    connections: dict[ObjectKey, Reached] = field(default_factory=dict)
    """The Services of TCPMappings."""

    def reached(self, key: ObjectKey, spec: MappingSpec, namespace: str, kind: str) -> Reached | None:
        """The Service of a Mapping, if there is one that a route can name; else it is told why not."""
        world, notes = self.world, self.world.notes
        name = parse(spec.service)
        if name.path:
            notes.otherwise(key, "spec.service", f"has a path, {name.path}, which had no effect", "nothing")
        by_tls = name.scheme == "https" or bool(spec.tls)
        port = name.port or (443 if by_tls else 80)
        lookup = world.options.namespace if world.module.use_ambassador_namespace_for_service_resolution else namespace
        if name.is_address:
            if by_tls:
                notes.lost(key, "spec.service", "a route speaks clear text with an address", "make a Service for it")
                return None
            found = self._address(key, name, port, namespace)
        else:
            service = self._service(key, name, lookup)
            if service is None:
                return None
            found = Reached(*service, port, qualified(name.host, lookup, world.options.namespace))
        self._tell_how_spoken(key, spec, found, by_tls=by_tls, kind=kind)
        if found.namespace != namespace:
            self.grants[found.namespace, kind, namespace] = None
        self._policy(key, found)
        return found

    def of_connections(self, key: ObjectKey, service: str, namespace: str, kind: str) -> Reached | None:
        """The Service of a TCPMapping, if there is one that a route can name; else it is told why not."""
        world, own = self.world, key.split("/")[2]
        name = parse(service)
        lookup = world.options.namespace if world.module.use_ambassador_namespace_for_service_resolution else own
        port = name.port or 80
        if name.is_address:
            found = self._address(key, name, port, namespace)
        else:
            wanted = self._service(key, name, lookup)
            if wanted is None:
                return None
            found = Reached(*wanted, port, qualified(name.host, lookup, world.options.namespace))
        if found.namespace != namespace:
            self.grants[found.namespace, kind, namespace] = None
        self._policy(key, found)
        self.connections[key] = found
        return found

    def _address(self, key: ObjectKey, name: ServiceName, port: int, namespace: str) -> Reached:
        place = (namespace, name.host)
        if place not in self.names:
            text = f"ip-{ipaddress.ip_address(name.host).exploded.replace(':', '-').replace('.', '-')}"
            self.names[place] = self.world.free("Service", namespace, text)
            if ipaddress.ip_address(name.host).is_loopback:
                said = "is an address of this machine, which no EndpointSlice in a cluster may have"
                self.world.notes.otherwise(key, "spec.service", said, "in a cluster, name the Service of the pods")
        self.addresses.setdefault(place, {}).setdefault(port, key)
        service = self.names[place]
        self.same[ir.ServicePort(namespace, service, port)] = ir.Addresses(((name.host, port),))
        return Reached(namespace, service, port, name.host)

    def _service(self, key: ObjectKey, name: ServiceName, lookup: str) -> tuple[str, str] | None:
        """The namespace and the name of the Service, if it is one."""
        notes, wanted = self.world.notes, kubernetes_service(name.host, lookup)
        if wanted is None:
            said = f"{name.host} is a name of DNS, and a route leads to Services alone; the Mapping is not converted"
            notes.lost(key, "spec.service", said, "make a Service with endpoints for it")
            return None
        service = self._read(*wanted)
        if service is not None and service.external_name is not None:
            said = "is an ExternalName, which routes do not lead to; the Mapping is not converted"
            notes.lost(key, "spec.service", said, "make a Service with endpoints for it")
            return None
        if service is None and name.host.count(".") == 1 and wanted[0] not in self.world.service_namespaces:
            said = f"{name.host} may be a name of DNS: no Service of these objects is called so"
            notes.otherwise(key, "spec.service", said, f"see whether there is a Service {wanted[0]}/{wanted[1]}")
        return wanted

    def _tell_how_spoken(self, key: ObjectKey, spec: MappingSpec, found: Reached, *, by_tls: bool, kind: str) -> None:
        """TLS and HTTP/2 are said by the port of the Service, and not by a route."""
        word = self._app_protocol(found)
        notes, called_ = self.world.notes, f"the Service {found.namespace}/{found.name}"
        if by_tls and word not in _BY_TLS and not spec.tls:
            said = "the port of a Service says that TLS is spoken there, and not a route"
            notes.lost(key, "spec.service", said, f"say appProtocol: https at port {found.port} of {called_}")
        if spec.grpc and kind == "HTTPRoute" and word not in _BY_HTTP2:
            said = "the port of a Service says that HTTP/2 is spoken there, and not an HTTPRoute"
            notes.lost(key, "spec.grpc", said, f"say appProtocol: kubernetes.io/h2c at port {found.port} of {called_}")

    def _app_protocol(self, found: Reached) -> str:
        service = self._read(found.namespace, found.name)
        port = service.port(found.port) if service is not None else None
        return port.app_protocol.lower() if port is not None else ""

    def _read(self, namespace: str, name: str) -> Service | None:
        key = f"core/Service/{namespace}/{name}"
        found = service_of(namespace, name, self.world.document(key)) if key in self.world.bodies else None
        return found if isinstance(found, Service) else None

    def _policy(self, key: ObjectKey, found: Reached) -> None:
        """What is said of how a Service is reached: one word for all that lead there."""
        raw, module = self.world.spec(key), self._of_module()
        wanted: dict[str, tuple[Any, ObjectKey, str]] = {}
        for name in sorted(OF_BACKENDS):
            if raw.get(name) is not None:
                wanted[name] = (raw[name], key, f"spec.{name}")
            elif module.get(name) is not None:
                wanted[name] = (module[name], self.world.module_key, MODULES_FIELD[name])
        known = self.policies.setdefault((found.namespace, found.name), wanted)
        if known is wanted:
            return
        for name in sorted({*known, *wanted}):
            mine, theirs = wanted.get(name), known.get(name)
            if (mine and mine[0]) == (theirs and theirs[0]):
                continue
            called_ = f"the Service {found.namespace}/{found.name}"
            if mine is None and theirs is not None:
                said = f"what {called(theirs[1])} says of it holds for all that lead to {called_}"
                self.world.notes.otherwise(key, f"spec.{name}", said, "make another Service for the same pods")
            elif mine is not None:
                said = f"one BackendPolicy speaks for all that lead to {called_}, and another Mapping says otherwise"
                self.world.notes.lost(key, f"spec.{name}", said, "make another Service for the same pods")

    def _of_module(self) -> dict[str, Any]:
        if not self.world.module_key:
            return {}
        config = self.world.spec(self.world.module_key).get("config")
        return config if isinstance(config, dict) else {}

    def objects(self) -> Iterator[Made]:
        """What is made for the Services: those of addresses, grants, policies."""
        for (namespace, address), ports in self.addresses.items():
            yield from self._of_address(namespace, address, ports)
        for namespace, kind, source in self.grants:
            yield grant(self.world, namespace, (kind, source), "Service")
        for (namespace, name), fields in self.policies.items():
            if fields:
                said = {field_: copied(*fields[field_]) for field_ in fields}
                yield Made(
                    {
                        "apiVersion": "getambassador.io/v3alpha1",
                        "kind": "BackendPolicy",
                        "metadata": self._metadata(namespace, self.world.free("BackendPolicy", namespace, name)),
                        "spec": {"targetRefs": [{"name": name}], **said},
                    },
                    (),
                )

    def _of_address(self, namespace: str, address: str, ports: dict[int, ObjectKey]) -> Iterator[Made]:
        name = self.names[namespace, address]
        several = len(ports) > 1
        numbers = [{**({"name": f"port-{port}"} if several else {}), "port": port} for port in sorted(ports)]
        service: Document = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self._metadata(namespace, name),
            "spec": {"ports": numbers},
        }
        yield Made(service, ())
        metadata = {**self._metadata(namespace, name), "labels": {"kubernetes.io/service-name": name}}
        yield Made(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": metadata,
                "addressType": f"IPv{ipaddress.ip_address(address).version}",
                "ports": numbers,
                "endpoints": [{"addresses": [address]}],
            },
            (),
        )

    def _metadata(self, namespace: str, name: str) -> Document:
        return {"name": name, **({"namespace": namespace} if namespace != self.world.options.namespace else {})}


def reference(found: Reached, namespace: str, key: ObjectKey, weight: int | None, **beside: Any) -> At:
    """The entry of `backendRefs`."""
    said: Document = {"name": at(found.name, key, "spec.service")}
    if found.namespace != namespace:
        said["namespace"] = found.namespace
    said["port"] = found.port
    if weight is not None:
        said["weight"] = at(weight, key, "spec.weight")
    return At({**said, **beside}, ())
