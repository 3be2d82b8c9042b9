"""Ingresses that mean what Kubernetes says, for tests, as YAML text with no more words than a case is about."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import endpoint_slice, service

CONTROLLER = "getambassador.io/dragoman"
CLASS = "dragoman"
NGINX = "nginx.ingress.kubernetes.io/"


def ingress_class(name: str = CLASS, controller: str = CONTROLLER, annotations: Mapping[str, str] | None = None) -> str:
    """An IngressClass."""
    metadata = {"name": name, "annotations": dict(annotations or {})}
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": metadata}
    return json.dumps({**made, "spec": {"controller": controller}}) + "\n---\n"


def backing(name: str, *ports: int, **more: Any) -> str:
    """A Service whose port 80 is called `http`, and where its pods are: at these ports of this machine."""
    made = service(name, {"http": 80}, **more)
    endpoint = {"addresses": ["127.0.0.1"], "conditions": {"ready": True}}
    return made + "".join(
        endpoint_slice(f"{name}-{number}", name, {"http": port}, endpoint) for number, port in enumerate(ports)
    )


def to(name: str, port: int | str = 80) -> dict[str, Any]:
    """A backend."""
    return {"service": {"name": name, "port": {"name": port} if isinstance(port, str) else {"number": port}}}


def path(text: str, backend: str, kind: str = "Prefix", port: int | str = 80) -> dict[str, Any]:
    """A path of a rule."""
    return {"path": text, "pathType": kind, "backend": to(backend, port)}


def rule(host: str | None, *paths: Mapping[str, Any]) -> dict[str, Any]:
    """A rule for a host, or for all."""
    return {**({"host": host} if host else {}), "http": {"paths": list(paths)}}


def ingress(
    name: str,
    *rules: Mapping[str, Any],
    of: str | None = CLASS,
    namespace: str = "default",
    created: str = "",
    annotations: Mapping[str, str] | None = None,
    nginx: Mapping[str, str] | None = None,
    **spec: Any,
) -> str:
    """An Ingress; `nginx` are annotations of ingress-nginx, without their prefix."""
    said = {**(annotations or {}), **{NGINX + key: value for key, value in (nginx or {}).items()}}
    metadata = {"name": name, "namespace": namespace, "annotations": said}
    if created:
        metadata["creationTimestamp"] = created
    content = {**({"ingressClassName": of} if of else {}), **({"rules": list(rules)} if rules else {}), **spec}
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": content}
    return json.dumps(made) + "\n---\n"


def guarded(user: str, hashed: str) -> str:
    """An Ingress with all that it names, which one user gets in to."""
    said = {"auth-type": "basic", "auth-secret": "users"}
    data = {"auth": base64.b64encode(f"{user}:{hashed}\n".encode()).decode()}
    users = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "default"}, "data": data}
    made = ingress("guarded", rule("guarded.test", path("/", "red")), nginx=said)
    return ingress_class() + backing("red", 8080) + json.dumps(users) + "\n---\n" + made


def problems_of(gateway: Gateway, name: str, namespace: str = "default") -> list[tuple[str, str]]:
    """What is told of an Ingress: paths and messages."""
    told = gateway.diag()["objects"][f"networking.k8s.io/Ingress/{namespace}/{name}"]["problems"]
    return [(each["path"], each["message"]) for each in told]


def told(gateway: Gateway, name: str, words: str, namespace: str = "default") -> tuple[str, str]:
    """Wait until a problem of an Ingress has these words in its path or its message; that problem."""

    def found() -> tuple[str, str] | None:
        key = f"networking.k8s.io/Ingress/{namespace}/{name}"
        row = gateway.diag()["objects"].get(key)
        listed: Iterable[Mapping[str, str]] = row["problems"] if row else ()
        return next(
            ((each["path"], each["message"]) for each in listed if words in each["path"] + each["message"]), None
        )

    return wait_until(found, what=lambda: f"{words!r} told of {name}: {gateway.diag()['objects']}")
