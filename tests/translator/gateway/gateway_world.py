"""Objects of Gateway API for tests of its rules: put them in, ask what became of them."""

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from tests.translator.emissary.world import pair
from translator import ir
from translator.options import Options
from translator.pipeline import Pipeline

GROUP = "gateway.networking.k8s.io"
CONTROLLER = "getambassador.io/dragoman"
LISTENER = {"name": "http", "port": 8000, "protocol": "HTTP"}


def key_of(kind: str, name: str, namespace: str = "default") -> str:
    group = "core" if kind in {"Namespace", "Service", "Secret", "ConfigMap"} else GROUP
    group = "getambassador.io" if kind in {"BackendPolicy", "RoutePolicy"} else group
    return f"{group}/{kind}/{namespace}/{name}"


class GatewayWorld:
    """Objects that go through the whole pipeline. Nothing is computed before something is asked."""

    def __init__(self, **options: Any) -> None:
        self.steps = 0
        self.pipeline = Pipeline(Options(service_namespaces=None, **options), self._step)
        self._changes: dict[str, bytes | None] = {}

    def _step(self) -> None:
        self.steps += 1

    def put(self, kind: str, name: str, spec: Mapping[str, Any], namespace: str = "default", **metadata: Any) -> str:
        body = {"kind": kind, "metadata": {"name": name, "namespace": namespace, **metadata}, "spec": spec}
        key = key_of(kind, name, namespace)
        self._changes[key] = orjson.dumps(body)
        return key

    def document(self, kind: str, name: str, namespace: str, **fields: Any) -> str:
        """Put an object as it is written."""
        key = key_of(kind, name, namespace)
        metadata = {"name": name, "namespace": namespace, **fields.pop("metadata", {})}
        self._changes[key] = orjson.dumps({"kind": kind, "metadata": metadata, **fields})
        return key

    def document_as_it_is(self, kind: str, name: str, fields: Mapping[str, Any]) -> str:
        """Put what may be no good object under a key."""
        key = key_of(kind, name)
        self._changes[key] = orjson.dumps({"kind": kind, **fields})
        return key

    def secret(self, name: str, data: Mapping[str, bytes], namespace: str = "default") -> str:
        encoded = {entry: base64.b64encode(value).decode() for entry, value in data.items()}
        return self.document("Secret", name, namespace, data=encoded)

    def config_map(self, name: str, data: Mapping[str, str], namespace: str = "default") -> str:
        return self.document("ConfigMap", name, namespace, data=dict(data))

    def certificate(self, name: str, namespace: str = "default") -> str:
        """Put a Secret with a certificate and its key."""
        made = pair("x.test")
        return self.secret(name, {"tls.crt": made.certificate, "tls.key": made.key}, namespace)

    def delete(self, key: str) -> None:
        self.change(key, None)

    def change(self, key: str, body: bytes | None) -> None:
        """Put an object as its bytes, or take it away."""
        self._changes[key] = body

    def gateway_class(self, name: str = "ours", controller: str = CONTROLLER, **spec: Any) -> str:
        return self.put("GatewayClass", name, {"controllerName": controller, **spec})

    def gateway(self, name: str = "web", *listeners: Mapping[str, Any], namespace: str = "default", **more: Any) -> str:
        created = {"creationTimestamp": more.pop("created")} if "created" in more else {}
        spec = {"gatewayClassName": "ours", "listeners": list(listeners) or [LISTENER], **more}
        return self.put("Gateway", name, spec, namespace, **created)

    def route(
        self, name: str, *rules: Mapping[str, Any], kind: str = "HTTPRoute", namespace: str = "default", **spec: Any
    ) -> str:
        created = {"creationTimestamp": spec.pop("created")} if "created" in spec else {}
        content = {"parentRefs": [{"name": "web"}], **({"rules": list(rules)} if rules else {}), **spec}
        return self.put(kind, name, content, namespace, **created)

    def service(self, name: str, port: int = 80, namespace: str = "default", **more: Any) -> str:
        return self.put("Service", name, {"ports": [{"port": port, **more}]}, namespace)

    def sweep(self) -> None:
        changes, self._changes = self._changes, {}
        update = self.pipeline.apply(changes)
        assert update.failures == ()

    def status(self, key: str) -> dict[str, Any]:
        self.sweep()
        found: dict[str, Any] = orjson.loads(self.pipeline.gateway_status_of(key) or b"{}")
        return found

    def conditions(self, key: str, listener: str | None = None) -> dict[str, str]:
        """What the status of an object, or of one of its listeners, says: `True/Reason` by types."""
        found = self.status(key)
        if listener is not None:
            found = next(each for each in found["listeners"] if each["name"] == listener)
        return said(found["conditions"])

    def parent(self, key: str, number: int = 0) -> dict[str, str]:
        """What a route's status says of a parent."""
        return said(self.status(key)["parents"][number]["conditions"])

    def problems(self, key: str) -> dict[str, str]:
        self.sweep()
        return {each.path: each.message for each in self.pipeline.problems([key])[key]}

    def routes(self, host: str) -> list[ir.Route]:
        """The routes of a virtual host, in their order."""
        self.sweep()
        intent = self.pipeline.intent
        found = [
            route
            for key, routes in intent.routes.view().items()
            if host in intent.hosts_of.view().get(key, ())
            for route in routes
        ]
        return sorted(found, key=lambda route: route.order)

    def chain(self, name: str) -> ir.FilterChain:
        self.sweep()
        return self.pipeline.intent.chains.view()[name]


def said(conditions: list[dict[str, str]]) -> dict[str, str]:
    return {each["type"]: f"{each['status']}/{each['reason']}" for each in conditions}


def world(*listeners: Mapping[str, Any], **options: Any) -> GatewayWorld:
    """A world with a Gateway and a Service."""
    made = GatewayWorld(**options)
    made.gateway_class()
    made.gateway("web", *listeners)
    made.service("red")
    return made


def to(name: str = "red", **more: Any) -> dict[str, Any]:
    return {"name": name, "port": 80, **more}
