"""What things are called: the controller that we are, and the keys of objects."""

from typing import Final

from translator.ir import ObjectKey

GROUP: Final = "gateway.networking.k8s.io"
CONTROLLER: Final = "getambassador.io/dragoman"
"""What a GatewayClass names whose Gateways are ours."""

GATEWAY_CLASS: Final = f"{GROUP}/GatewayClass"
GATEWAY: Final = f"{GROUP}/Gateway"
LISTENER_SET: Final = f"{GROUP}/ListenerSet"
HTTP_ROUTE: Final = f"{GROUP}/HTTPRoute"
GRPC_ROUTE: Final = f"{GROUP}/GRPCRoute"
BACKEND_TLS_POLICY: Final = f"{GROUP}/BackendTLSPolicy"
TLS_ROUTE: Final = f"{GROUP}/TLSRoute"
TCP_ROUTE: Final = f"{GROUP}/TCPRoute"
UDP_ROUTE: Final = f"{GROUP}/UDPRoute"
BACKEND_POLICY: Final = "getambassador.io/BackendPolicy"
ROUTE_POLICY: Final = "getambassador.io/RoutePolicy"
REFERENCE_GRANT: Final = f"{GROUP}/ReferenceGrant"
NAMESPACE: Final = "core/Namespace"

PASSING: Final = {"TLSRoute": TLS_ROUTE, "TCPRoute": TCP_ROUTE, "UDPRoute": UDP_ROUTE}
"""The kinds of routes that pass on what comes in as it is, with no look into it."""

ROUTES: Final = {"HTTPRoute": HTTP_ROUTE, "GRPCRoute": GRPC_ROUTE, **PASSING}
"""The kinds of routes that are served."""

POLICIES: Final = frozenset({BACKEND_TLS_POLICY, BACKEND_POLICY, ROUTE_POLICY})
"""The kinds that attach to targets, and say more of them."""

PARENTS: Final = {"Gateway": GATEWAY, "ListenerSet": LISTENER_SET}
"""The kinds that routes attach to."""

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label that every namespace has: its name."""


def gateway_key(namespace: str, name: str) -> ObjectKey:
    """The key of a Gateway."""
    return f"{GATEWAY}/{namespace}/{name}"
