"""What is watched of Gateway API, and only where somebody wants it from us.

Its CRDs are in many clusters, for other gateways: GKE installs them unasked. So of all its kinds GatewayClasses alone
are watched until one of them names us; then the rest is, for as long as the process lives. Where there is no such
class, no object is kept, no connection held and no right missed.

ReferenceGrants are read as v1beta1, which every release serves that has a Gateway of v1; their v1 is younger.
"""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from snapshot import Record
from watcher.kinds import GATEWAY_API, OURS, Document, Kind

CONTROLLER: Final = "getambassador.io/dragoman"
"""What a GatewayClass of ours has as `spec.controllerName`."""

CA: Final = "ca.crt"


def _spec(document: Document) -> dict[str, Any]:
    return {"spec": document.get("spec")}


def _nothing(_: Document) -> dict[str, Any]:
    return {}


def _ca(document: Document) -> dict[str, Any]:
    """A ConfigMap may hold a megabyte of anything: a CA is what anybody names it for."""
    data = document.get("data")
    return {"data": {CA: data[CA]} if isinstance(data, dict) and CA in data else {}}


def _kind(name: str, plural: str, version: str = "v1", *, reported: bool = True) -> Kind:
    return Kind(GATEWAY_API, version, name, plural, _spec, needed=False, optional=True, gated=True, reported=reported)


def _policy(name: str, plural: str) -> Kind:
    """A kind of ours for its objects: no route is served before what is said of it is known, as of all kinds here."""
    return Kind(OURS, "v3alpha1", name, plural, _spec, needed=False, optional=True, gated=True)


GATEWAY_CLASS: Final = Kind(
    GATEWAY_API,
    "v1",
    "GatewayClass",
    "gatewayclasses",
    _spec,
    needed=False,
    optional=True,
    reported=True,
    is_everywhere=True,
)
CONFIG_MAP: Final = Kind(
    "", "v1", "ConfigMap", "configmaps", _ca, annotated=False, needed=False, gated=True, by_name=True
)
NAMESPACE: Final = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    _nothing,
    annotated=False,
    needed=False,
    gated=True,
    is_everywhere=True,
    chosen=False,
)

GATEWAY_KINDS: Final = (
    GATEWAY_CLASS,
    _kind("Gateway", "gateways"),
    _kind("ListenerSet", "listenersets"),
    _kind("HTTPRoute", "httproutes"),
    _kind("GRPCRoute", "grpcroutes"),
    _kind("TLSRoute", "tlsroutes"),
    _kind("TCPRoute", "tcproutes"),
    _kind("UDPRoute", "udproutes"),
    _kind("BackendTLSPolicy", "backendtlspolicies"),
    _policy("BackendPolicy", "backendpolicies"),
    _policy("RoutePolicy", "routepolicies"),
    _kind("ReferenceGrant", "referencegrants", "v1beta1", reported=False),
    NAMESPACE,
    CONFIG_MAP,
)
"""Watched where all namespaces are: GatewayClasses are of none, and without them nobody knows whose a Gateway is."""


def any_is_ours(classes: Iterable[Record]) -> bool:
    """Whether one of these GatewayClasses names us."""
    return any(_controller(orjson.loads(each.body)) == CONTROLLER for each in classes)


def _controller(document: Any) -> Any:
    spec = document.get("spec") if isinstance(document, dict) else None
    return spec.get("controllerName") if isinstance(spec, dict) else None
