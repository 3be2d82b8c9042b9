"""Which kinds there are, in which versions, and of what parts their specs are made."""

from collections.abc import Mapping
from typing import Final

from conversion.headers import CORS, added, constraints, listed
from conversion.labels import LABELS, TAGS
from conversion.names import HOST, IDS, SELECTOR, renamed, renamed_within
from conversion.parts import Part
from conversion.services import tls_to

GROUP: Final = "getambassador.io"
CURRENT: Final = "v3alpha1"
OLDER: Final = ("v1", "v2")
"""They have the same fields."""
VERSIONS: Final = (*OLDER, CURRENT)

_STATS: Final = renamed("v3StatsName", "stats_name")
_PROTOCOL: Final = renamed("v3ProtocolVersion", "protocol_version")

PARTS: Final[Mapping[str, tuple[Part, ...]]] = {
    "AuthService": (IDS, tls_to("auth_service"), _STATS, renamed("v3CircuitBreakers", "circuit_breakers")),
    "ConsulResolver": (IDS,),
    "DevPortal": (IDS,),
    "Host": (IDS, SELECTOR, renamed_within("tls", "v3CRLSecret", "crl_secret")),
    "KubernetesEndpointResolver": (IDS,),
    "KubernetesServiceResolver": (IDS,),
    "LogService": (IDS, _STATS, _PROTOCOL),
    "Mapping": (
        IDS,
        HOST,
        tls_to("service"),
        constraints("headers", "regex_headers", "v2BoolHeaders"),
        constraints("query_parameters", "regex_query_parameters", "v2BoolQueryParameters"),
        added("add_request_headers"),
        added("add_response_headers"),
        listed("remove_request_headers"),
        listed("remove_response_headers"),
        CORS,
        LABELS,
        _STATS,
        renamed("v3health_checks", "health_checks"),
    ),
    "Module": (IDS,),
    "RateLimitService": (IDS, tls_to("service"), _STATS, renamed("v3GRPC", "grpc")),
    "TCPMapping": (IDS, tls_to("service", schemes=False), _STATS),
    "TLSContext": (IDS, renamed("v3CRLSecret", "crl_secret")),
    "TracingService": (IDS, TAGS, _STATS, renamed_within("config", "v3PropagationModes", "propagation_modes")),
}
"""The kinds that have older versions. Listener has none."""


def versions_of(kind: str) -> tuple[str, ...]:
    """The versions in which a kind exists, the oldest first."""
    if kind not in PARTS:
        return (CURRENT,)
    return ("v2", CURRENT) if kind == "Host" else VERSIONS
