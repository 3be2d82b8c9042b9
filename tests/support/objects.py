"""Objects for tests, as YAML text, with no more words than a case is about."""

import base64
import json
from collections.abc import Mapping
from typing import Any

API = "getambassador.io/v3alpha1"


def an_object(
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    *,
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
) -> str:
    """One document; JSON is YAML."""
    metadata = {"name": name, "namespace": namespace, **({"labels": labels} if labels else {})}
    return json.dumps({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}) + "\n---\n"


def mapping(name: str, host: str | None, service: str, prefix: str = "/", **spec: Any) -> str:
    """A Mapping; `host` None leaves the hostname out."""
    hostname = {} if host is None else {"hostname": host}
    labels, namespace = spec.pop("labels_", None), spec.pop("namespace_", "default")
    content = {"prefix": prefix, "service": service, **hostname, **spec}
    return an_object("Mapping", name, content, namespace=namespace, labels=labels)


def host(name: str, hostname: str, *, insecure: str = "Route", **spec: Any) -> str:
    """A Host; insecure requests are routed unless said otherwise."""
    policy = {"requestPolicy": {"insecure": {"action": insecure}}}
    return an_object("Host", name, {"hostname": hostname, **policy, **spec})


def tls_secret(name: str, certificate: bytes, key: bytes, **more: bytes) -> str:
    """A Secret of type kubernetes.io/tls; `more` are further entries, with `_` for `.`."""
    data = {"tls.crt": certificate, "tls.key": key, **{entry.replace("_", "."): value for entry, value in more.items()}}
    encoded = {entry: base64.b64encode(value).decode() for entry, value in data.items() if value}
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": "default"},
        "data": encoded,
    }
    return json.dumps(document) + "\n---\n"


def service(name: str, ports: Mapping[str, int], **spec: Any) -> str:
    """A core Service with named ports; one of another protocol than TCP is named so: `dns/UDP`."""
    document = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": _ports(ports), **spec},
    }
    return json.dumps(document) + "\n---\n"


def endpoint_slice(name: str, of: str, ports: Mapping[str, int], *endpoints: Mapping[str, Any]) -> str:
    """An EndpointSlice of a Service; for its ports see `service`."""
    document = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": of}},
        "ports": _ports(ports),
        "endpoints": list(endpoints),
    }
    return json.dumps(document) + "\n---\n"


def _ports(ports: Mapping[str, int]) -> list[dict[str, str | int]]:
    listed: list[dict[str, str | int]] = []
    for port, number in ports.items():
        name, _, protocol = port.partition("/")
        listed.append({"name": name, "port": number, **({"protocol": protocol} if protocol else {})})
    return listed
