"""What other programs write into a cluster when they use a gateway, as their sources say; recorded, without them.

Argo Rollouts 1.10.2: rollout/trafficrouting/ambassador; Flagger 1.36.1: pkg/router/gateway_api.go; cert-manager 1.21.2:
pkg/issuer/acme/http.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

CHALLENGE = "/.well-known/acme-challenge/"
SOLVER_PORT = 8089
_WHITELIST = "nginx.ingress.kubernetes.io/whitelist-source-range"
_LABELS = {"acme.cert-manager.io/http01-solver": "true", "acme.cert-manager.io/http-domain": "1234567"}


def canary_mapping(base: Mapping[str, Any], stable: str, canary: str, weight: int) -> dict[str, Any]:
    """Argo Rollouts' Mapping beside a person's: a copy, `status` and all, of whose metadata only names are left."""
    made = copy.deepcopy(dict(base))
    named = {"name": base["metadata"]["name"] + "-canary", "namespace": base["metadata"]["namespace"]}
    spec = {**base["spec"], "service": base["spec"]["service"].replace(stable, canary, 1), "weight": weight}
    return {**made, "metadata": named, "spec": spec}


def solver_ingress(host: str, token: str, service: str, class_annotation: str = "", class_name: str = "") -> Any:
    """cert-manager's Ingress for one challenge, by `class` or by `ingressClassName` of its solver."""
    annotations = {_WHITELIST: "0.0.0.0/0,::/0"}
    if class_annotation:
        annotations["kubernetes.io/ingress.class"] = class_annotation
    backend = {"service": {"name": service, "port": {"number": SOLVER_PORT}}}
    path = {"path": CHALLENGE + token, "pathType": "Exact", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": f"cm-acme-http-solver-{token}",
            "namespace": "default",
            "labels": _LABELS,
            "annotations": annotations,
        },
        "spec": {
            **({"ingressClassName": class_name} if class_name else {}),
            "rules": [{"host": host, "http": {"paths": [path]}}],
        },
    }


def solver_route(
    host: str, token: str, service: str, parents: Sequence[Mapping[str, Any]], namespace: str = "default"
) -> Any:
    """cert-manager's HTTPRoute for one challenge, by `gatewayHTTPRoute` of its solver."""
    backend = {
        "group": "",
        "kind": "Service",
        "name": service,
        "namespace": namespace,
        "port": SOLVER_PORT,
        "weight": 1,
    }
    match = {"path": {"type": "Exact", "value": CHALLENGE + token}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": f"cm-acme-http-solver-{token}", "namespace": namespace, "labels": _LABELS},
        "spec": {
            "parentRefs": list(parents),
            "hostnames": [host],
            "rules": [{"matches": [match], "backendRefs": [backend]}],
        },
    }


class Canary:
    """Flagger's HTTPRoute for a Canary `name` with the provider `gatewayapi:v1`, step by step."""

    def __init__(self, name: str, host: str, parents: Sequence[Mapping[str, Any]], port: int = 80) -> None:
        self.name, self.host, self.parents, self.port = name, host, list(parents), port

    def weighted(self, primary: int, canary: int) -> dict[str, Any]:
        """The step of an analysis with weights."""
        return self._route(self._rule(self._to("primary", primary), self._to("canary", canary)))

    def mirrored(self) -> dict[str, Any]:
        """Blue and green, with `mirror: true`: the canary has copies alone."""
        rule = self._rule(self._to("primary", 100), self._to("canary", 0))
        copied = {"type": "RequestMirror", "requestMirror": {"backendRef": self._to("canary", None)}}
        return self._route({**rule, "filters": [copied]})

    def by_header(self, header: str, value: str, timeout: str | None) -> dict[str, Any]:
        """A/B testing by a header; without a `timeout` Flagger writes an empty one."""
        wanted = {"headers": [{"type": "Exact", "name": header, "value": value}]}
        first = self._rule(self._to("primary", 0), self._to("canary", 100))
        first["matches"] = [{**each, **wanted} for each in first["matches"]]
        rest = {**self._rule(self._to("primary", 100)), "timeouts": {"request": timeout or ""}}
        return self._route({**first, **({"timeouts": {"request": timeout}} if timeout else {})}, rest)

    def sticky(self, primary: int, canary: int, cookie: str) -> dict[str, Any]:
        """Weights with session affinity: who was given the canary stays with it by a cookie."""
        name, _, value = cookie.partition("=")
        kept = self._rule(self._to("primary", 0), self._to("canary", 100))
        asks = {"headers": [{"type": "RegularExpression", "name": "Cookie", "value": f".*{name}.*{value}.*"}]}
        kept["matches"] = [{**each, **asks} for each in kept["matches"]]
        said = {"add": [{"name": "Set-Cookie", "value": f"{cookie}; Max-Age=86400"}]}
        given = {"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": said}]}
        return self._route(kept, self._rule(self._to("primary", primary), {**self._to("canary", canary), **given}))

    def _to(self, which: str, weight: int | None) -> dict[str, Any]:
        shared = {} if weight is None else {"weight": weight}
        return {"group": "", "kind": "Service", "name": f"{self.name}-{which}", "port": self.port, **shared}

    def _rule(self, *backends: Mapping[str, Any]) -> dict[str, Any]:
        return {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": list(backends)}

    def _route(self, *rules: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": self.name, "namespace": "default"},
            "spec": {"parentRefs": self.parents, "hostnames": [self.host], "rules": list(rules)},
        }
