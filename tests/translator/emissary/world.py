"""A small world of objects for tests of Emissary's rules: put objects in, ask what became of them."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from tests.support.certificates import Pair, authority
from tests.translator.emissary.answering import answer
from translator import ir
from translator.consul.tables import ConsulTables
from translator.decode import Problem
from translator.emissary.own_ports import OwnPorts
from translator.emissary.tables import EmissaryTables
from translator.files.tables import FileTables
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Sweep, Tables

VERSION = "getambassador.io/v3alpha1"


def key_of(kind: str, name: str, namespace: str = "default") -> str:
    """The key of one of Emissary's objects."""
    return f"getambassador.io/{kind}/{namespace}/{name}"


@lru_cache
def pair(name: str = "example.com") -> Pair:
    """A certificate, the same for the same name."""
    return authority().sign(name)


TLS = {"tlsSecret": {"name": "tls"}}
"""What a Host says that has the certificate of `https`."""


class World:
    """Objects, and the tables that they fill. Nothing is computed before something is asked."""

    def __init__(self, **options: Any) -> None:
        self.tables = Tables()
        chosen = Options(**options)
        self.files = FileTables(self.tables, chosen.namespace)
        self.kubernetes = KubernetesTables(self.tables, self.files.istio, self.files.certificate)
        own = OwnPorts(chosen)
        self.consul = ConsulTables(self.tables, own.is_closed)
        self.emissary = EmissaryTables(self.tables, self.kubernetes, self.files, self.consul, own, chosen)
        self.sources = {**self.kubernetes.sources, **self.files.sources, **self.consul.sources, **self.emissary.sources}
        self._changes: dict[Any, dict[str, bytes | None]] = {}

    def put(
        self,
        kind: str,
        name: str,
        spec: object = None,
        *,
        namespace: str = "default",
        labels: Mapping[str, object] | None = None,
        version: str = VERSION,
        **fields: Any,
    ) -> str:
        """Put an object of Emissary's; its spec is `spec` or the other arguments. Gives its key."""
        metadata: dict[str, Any] = {"name": name, "namespace": namespace}
        if labels is not None:
            metadata["labels"] = labels
        body = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": fields if spec is None else spec}
        return self._put(key_of(kind, name, namespace), body)

    def put_document(self, body: dict[str, Any], key: str | None = None) -> str:
        """Put an object of Emissary's as it is written."""
        return self._put(key or key_of(body["kind"], body["metadata"]["name"]), body)

    def core(self, kind: str, name: str, body: dict[str, Any], namespace: str = "default") -> str:
        """Put a core object."""
        return self._put(
            f"core/{kind}/{namespace}/{name}", {"metadata": {"name": name, "namespace": namespace}, **body}
        )

    def pods(self, name: str, namespace: str = "default") -> None:
        """Put an EndpointSlice without endpoints, so that the Service is not left to DNS."""
        labels = {"kubernetes.io/service-name": name}
        body = {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "addressType": "IPv4"}
        self._put(f"discovery.k8s.io/EndpointSlice/{namespace}/{name}-none", body)

    def service(self, name: str, *ports: int, namespace: str = "default", **spec: Any) -> str:
        """Put a Service, whose pods are known: there are none."""
        self.pods(name, namespace)
        return self.core("Service", name, {"spec": {"ports": [{"port": port} for port in ports], **spec}}, namespace)

    def secret(self, name: str, namespace: str = "default", made: Pair | None = None, **more: bytes) -> str:
        """Put a Secret with a good certificate and its key."""
        made = made or pair()
        data = {"tls.crt": made.certificate, "tls.key": made.key}
        data |= {entry.replace("__", "-").replace("_", "."): value for entry, value in more.items()}
        return self.secret_of(name, data, namespace)

    def secret_of(self, name: str, data: Mapping[str, bytes], namespace: str = "default") -> str:
        """Put a Secret with this data."""
        encoded = {entry: base64.b64encode(value).decode() for entry, value in data.items()}
        return self.core("Secret", name, {"data": encoded}, namespace)

    def listener(self, name: str = "http", port: int = 8080, **fields: Any) -> str:
        """Put a Listener that serves every Host."""
        defaults = {"protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
        return self.put("Listener", name, {"port": port, **defaults, **fields})

    def host(self, name: str, hostname: str, **fields: Any) -> str:
        """Put a Host."""
        meta = {argument: fields.pop(argument) for argument in ("namespace", "labels") if argument in fields}
        return self.put("Host", name, {"hostname": hostname, **fields}, **meta)

    def mapping(self, name: str, prefix: str = "/", service: str = "quote", **fields: Any) -> str:
        """Put a Mapping; for every hostname unless it says otherwise."""
        meta = {argument: fields.pop(argument) for argument in ("namespace", "labels", "version") if argument in fields}
        spec = {"prefix": prefix, "service": service, "hostname": "*", **fields}
        return self.put("Mapping", name, {field: value for field, value in spec.items() if value is not None}, **meta)

    def module(self, **config: Any) -> str:
        """Put the Module `ambassador`."""
        return self.put("Module", "ambassador", {"config": config})

    def delete(self, key: str) -> None:
        """Take an object away."""
        self._change(key, None)

    def _put(self, key: str, body: dict[str, Any]) -> str:
        self._change(key, orjson.dumps(body))
        return key

    def _change(self, key: str, body: bytes | None) -> None:
        group, kind, _ = key.split("/", 2)
        self._changes.setdefault(self.sources[f"{group}/{kind}"], {})[key] = body

    def sweep(self) -> Sweep:
        """Bring everything up to date; a failure is a bug of ours."""
        changes, self._changes = self._changes, {}
        swept = self.tables.sweep(changes)
        assert swept.failures == ()
        return swept

    # What became of it

    def problems(self, key: str) -> dict[str, str]:
        """What is wrong with an object: messages by path, those that only warn beginning with `warning: `."""
        return {
            problem.path: problem.message if problem.stops else f"warning: {problem.message}"
            for problem in self.told(key)
        }

    def told(self, key: str) -> list[Problem]:
        """All that is wrong with an object."""
        self.sweep()
        return [problem for table in self.emissary.problems for problem in table.view().get(key, ())]

    def all_problems(self) -> dict[str, dict[str, str]]:
        """The problems of all objects that have some."""
        self.sweep()
        keys = {key for table in self.emissary.problems for key in table.view()}
        return {key: self.problems(key) for key in sorted(keys)}

    def routes(self, virtual_host: str | None = None) -> list[ir.Route]:
        """The routes of Mappings in their order, of one virtual host or all."""
        self.sweep()
        hosts = self.emissary.hosts_of.view()
        found = [
            route
            for key, routes in self.emissary.routes.view().items()
            for route in routes
            if route.origins and (virtual_host is None or virtual_host in hosts[key])
        ]
        return sorted(found, key=lambda route: route.order)

    def names(self, virtual_host: str | None = None) -> list[str]:
        """The names of the Mappings that have routes, in the order of these."""
        return [route.name.removeprefix("default/") for route in self.routes(virtual_host)]

    def route(self, name: str = "default/a") -> ir.Route:
        """The route of a Mapping."""
        (found,) = [route for route in self.routes() if route.name == name]
        return found

    def forward(self, name: str = "default/a") -> ir.Forward:
        """What the route of a Mapping does, when it forwards."""
        action = self.route(name).action
        assert isinstance(action, ir.Forward)
        return action

    def backend(self, name: str = "default/a") -> ir.Backend:
        """The backend of a Mapping."""
        (share,) = self.forward(name).backends
        assert share.backend is not None
        return share.backend

    def hosts_of(self, name: str) -> set[str]:
        """The virtual hosts that a Mapping is served by."""
        self.sweep()
        found = self.emissary.hosts_of.view()
        return {
            host
            for key, routes in self.emissary.routes.view().items()
            if any(route.name == name for route in routes)
            for host in found[key]
        }

    @property
    def chains(self) -> dict[str, ir.FilterChain]:
        """The filter chains by name."""
        self.sweep()
        return dict(self.emissary.chains.view())

    @property
    def listeners(self) -> dict[str, ir.Listener]:
        """The listeners by name."""
        self.sweep()
        return dict(self.emissary.listeners.view())

    def virtual_hosts(self, chain: str) -> dict[str, ir.VirtualHost]:
        """The virtual hosts of an HTTP chain that stand for a Host, by hostname."""
        body = self.chains[chain].body
        assert isinstance(body, ir.HttpChain)
        return {host.hostname: host for host in body.virtual_hosts if host.name}

    def answer(self, authority: str, sni: str | None = None, listener: str = "default/https") -> str | int:
        """Who answers in clear text, or by TLS to `sni` (empty: none is sent). See `answering`."""
        return answer(self.chains.values(), listener, sni, authority)


def world(**options: Any) -> World:
    """A world with a Listener for clear text, and a Host for every name that routes insecure requests."""
    made = World(**options)
    made.listener()
    made.host("any", "*", requestPolicy={"insecure": {"action": "Route"}})
    return made


def https(**listener: object) -> World:
    """A world with a Listener for TLS and a Secret."""
    made = World()
    made.listener("https", 8443, protocol="HTTPS", **listener)
    made.secret("tls")
    return made
