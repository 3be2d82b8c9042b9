"""Objects of Gateway API for tests, as YAML text, with no more words than a case is about."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.objects import endpoint_slice

API = "gateway.networking.k8s.io/v1"
CONTROLLER = "getambassador.io/dragoman"
CLASS = "dragoman"


def document(
    kind: str, name: str, spec: Mapping[str, Any], namespace: str = "default", api: str = API, **metadata: Any
) -> str:
    """One document; JSON is YAML."""
    named = {"name": name, "namespace": namespace, **metadata}
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": named, "spec": spec}) + "\n---\n"


def gateway_class(name: str = CLASS, controller: str = CONTROLLER, **spec: Any) -> str:
    return document("GatewayClass", name, {"controllerName": controller, **spec})


def listener(name: str, port: int, protocol: str = "HTTP", hostname: str | None = None, **more: Any) -> dict[str, Any]:
    """A listener; routes of all namespaces may attach unless said otherwise."""
    named = {"hostname": hostname} if hostname else {}
    allowed = {"allowedRoutes": {"namespaces": {"from": "All"}}}
    return {"name": name, "port": port, "protocol": protocol, **named, **allowed, **more}


def https(name: str, port: int, hostname: str | None, *secrets: str, **more: Any) -> dict[str, Any]:
    """A listener that ends TLS by these Secrets."""
    tls = {"mode": "Terminate", "certificateRefs": [{"name": secret} for secret in secrets]}
    return listener(name, port, "HTTPS", hostname, tls=tls, **more)


def api_gateway(
    name: str, *listeners: Mapping[str, Any], namespace: str = "default", created: str = "", **spec: Any
) -> str:
    metadata = {"creationTimestamp": created} if created else {}
    content = {"gatewayClassName": CLASS, "listeners": list(listeners), **spec}
    return document("Gateway", name, content, namespace, **metadata)


def route(
    name: str,
    parents: str | Iterable[Mapping[str, Any]],
    *rules: Mapping[str, Any],
    hostnames: Iterable[str] = (),
    namespace: str = "default",
    kind: str = "HTTPRoute",
    created: str = "",
) -> str:
    """A route; `parents` is the name of a Gateway, or what stands there."""
    metadata = {"creationTimestamp": created} if created else {}
    refs = [{"name": parents}] if isinstance(parents, str) else list(parents)
    spec = {"parentRefs": refs, "hostnames": list(hostnames), "rules": list(rules)}
    return document(kind, name, spec, namespace, **metadata)


def to(name: str, weight: int | None = None, port: int = 80, **more: Any) -> dict[str, Any]:
    """A reference to a Service."""
    return {"name": name, "port": port, **({} if weight is None else {"weight": weight}), **more}


def rule(path: str = "/", *backends: Mapping[str, Any], kind: str = "PathPrefix", **more: Any) -> dict[str, Any]:
    """A rule for one path."""
    matches = more.pop("matches", [{"path": {"type": kind, "value": path}}])
    return {"matches": matches, "backendRefs": list(backends), **more}


def grant(name: str, namespace: str, source: Mapping[str, str], to_kind: str, to_name: str | None = None) -> str:
    """A ReferenceGrant from a kind of a namespace to a core kind."""
    target = {"group": "", "kind": to_kind, **({"name": to_name} if to_name else {})}
    return document(
        "ReferenceGrant", name, {"from": [{"group": API.partition("/")[0], **source}], "to": [target]}, namespace
    )


def namespace(name: str, **labels: str) -> str:
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    return json.dumps(made) + "\n---\n"


def backing(name: str, *ports: int, app_protocol: str = "", ready: bool = True, port_name: str = "") -> str:
    """A Service with the port 80, and where its pods are: at these ports of this machine."""
    entry: dict[str, Any] = {"port": 80, **({"appProtocol": app_protocol} if app_protocol else {})}
    entry |= {"name": port_name} if port_name else {}
    made = json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [entry]}})
    made += "\n---\n"
    endpoint = {"addresses": ["127.0.0.1"], "conditions": {"ready": ready}}
    for number, port in enumerate(ports):
        made += endpoint_slice(f"{name}-{number}", name, {port_name: port}, endpoint)
    return made


def authorities(name: str, *texts: bytes) -> str:
    """A ConfigMap with CAs."""
    data = {"ca.crt": b"".join(texts).decode()}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}) + "\n---\n"


def tls_policy(
    name: str, service: str, hostname: str, *cas: str, section: str = "", created: str = "", **more: Any
) -> str:
    """A BackendTLSPolicy for a Service, or one of its ports, by the CAs of these ConfigMaps."""
    target = {"group": "", "kind": "Service", "name": service, **({"sectionName": section} if section else {})}
    refs = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": ca} for ca in cas]} if cas else {}
    spec = {"targetRefs": [target], "validation": {**refs, "hostname": hostname, **more}}
    return document("BackendTLSPolicy", name, spec, **({"creationTimestamp": created} if created else {}))


def elsewhere(text: str, namespace: str) -> str:
    """The same objects in another namespace."""
    found = [json.loads(part) for part in text.split("\n---\n") if part.strip()]
    for each in found:
        each["metadata"]["namespace"] = namespace
    return "".join(json.dumps(each) + "\n---\n" for each in found)
