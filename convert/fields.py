"""What conversions make of each field of Emissary's kinds, or why nothing: so that none is passed over.

A field that stands in neither table of its kind is told as one that cannot be said; a test holds that every field of
the kinds stands in one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from convert.values import Notes
from translator.decode import join, step
from translator.emissary.objects import words
from translator.ir import ObjectKey

_KEEP: Final = "keep the Mapping beside the routes"
_NO_EFFECT: Final = "had no effect, and goes"

OF_ROUTES: Final = words(
    "timeout_ms idle_timeout_ms retry_policy priority cors labels auth_context_extensions error_response_overrides"
)
"""Fields of a Mapping that a RoutePolicy has by the same name."""
OF_BACKENDS: Final = words(
    "connect_timeout_ms circuit_breakers keepalive cluster_idle_timeout_ms cluster_max_connection_lifetime_ms"
    " load_balancer health_checks outlier_detection"
)
"""Fields of a Mapping that a BackendPolicy has by the same name."""

MAPPING_SAID: Final = (
    OF_ROUTES
    | OF_BACKENDS
    | words(
        "prefix prefix_exact prefix_regex case_sensitive hostname host headers regex_headers method method_regex"
        " query_parameters regex_query_parameters service weight grpc rewrite host_rewrite auto_host_rewrite"
        " add_linkerd_headers add_request_headers remove_request_headers add_response_headers remove_response_headers"
        " host_redirect path_redirect prefix_redirect redirect_response_code allow_upgrade use_websocket bypass_auth"
        " shadow ambassador_id v2ExplicitTLS v2BoolHeaders v2BoolQueryParameters bypass_error_response_overrides"
    )
)
"""Fields of a Mapping that conversions look at: what of them cannot be said, they tell."""
MAPPING_UNSAID: Final[Mapping[str, tuple[str, str]]] = {
    "precedence": ("routes have no precedence: the more specific match goes first", "make the match more specific"),
    "host_regex": ("a hostname is no regular expression", "name the hostnames, each or as *.example.com"),
    "resolver": ("a route leads to a Service's pods, whatever finds them elsewhere", _KEEP),
    "tls": ("a route does not say how TLS is spoken with a Service", "write a BackendTLSPolicy for the Service"),
    "cluster_tag": ("all routes to a Service share its cluster", "make another Service for the same pods"),
    "dns_type": ("no name is asked of DNS for a Service", _KEEP),
    "respect_dns_ttl": ("no name is asked of DNS for a Service", _KEEP),
    "enable_ipv4": ("no name is asked of DNS for a Service", _KEEP),
    "enable_ipv6": ("no name is asked of DNS for a Service", _KEEP),
    "stats_name": ("no policy names a Service in statistics", "use the name of its cluster there"),
    "regex_rewrite": ("a path is rewritten by its prefix, or as a whole", _KEEP),
    "regex_redirect": ("a path is redirected by its prefix, or as a whole", _KEEP),
    "docs": (_NO_EFFECT, "nothing"),
    "envoy_override": (_NO_EFFECT, "nothing"),
    "modules": (_NO_EFFECT, "nothing"),
}

TCP_SAID: Final = words("port host service weight circuit_breakers ambassador_id v2ExplicitTLS")
TCP_UNSAID: Final[Mapping[str, tuple[str, str]]] = {
    "address": ("a port of a Gateway is open at all of its addresses", "keep the TCPMapping"),
    "tls": ("a route does not say how TLS is spoken with a Service", "keep the TCPMapping"),
    "resolver": ("a route leads to a Service's pods, whatever finds them elsewhere", "keep the TCPMapping"),
    "idle_timeout_ms": ("no route says how long a connection may be silent", "keep the TCPMapping"),
    **{name: MAPPING_UNSAID[name] for name in ("cluster_tag", "enable_ipv4", "enable_ipv6", "stats_name")},
}

HOST_SAID: Final = words("hostname mappingSelector selector tlsSecret tlsContext tls requestPolicy ambassador_id")
HOST_UNSAID: Final[Mapping[str, tuple[str, str]]] = {
    "acmeProvider": ("no certificate is asked for", "have cert-manager make the Secret"),
    "previewUrl": (_NO_EFFECT, "nothing"),
}

LISTENER_SAID: Final = words("port protocol protocolStack securityModel hostBinding ambassador_id l7Depth")
LISTENER_UNSAID: Final[Mapping[str, tuple[str, str]]] = {
    "statsPrefix": ("a Gateway names no statistics", "use Dragoman's own names there"),
    "http2MaxConcurrentStreams": ("a Gateway does not say it", "say it in the Module, for all"),
}

MODULE_SAID: Final = words("cluster_request_timeout_ms retry_policy cors gzip ip_allow ip_deny defaults") | words(
    "circuit_breakers keepalive cluster_idle_timeout_ms cluster_max_connection_lifetime_ms load_balancer"
    " add_linkerd_headers use_ambassador_namespace_for_service_resolution"
)
"""Fields of the Module that are for Mappings, and become policies. The Module stays, for what is for all."""
MODULE_UNSAID: Final[Mapping[str, tuple[str, str]]] = dict.fromkeys(
    words(
        "buffer default_labels diagnostics enable_grpc_http11_bridge enable_grpc_web enable_ipv4 enable_ipv6 grpc_stats"
        " liveness_probe lua_scripts readiness_probe resolver"
    ),
    ("is for Mappings, and no policy says it for routes", _KEEP),
)


def tell_unsaid(
    notes: Notes, key: ObjectKey, spec: Mapping[str, Any], said: Iterable[str], known: Mapping[str, tuple[str, str]]
) -> None:
    """Tell of the fields that are given and that a conversion does not say."""
    understood = frozenset(said)
    for name, value in spec.items():
        if name in understood or value is None or value is False or (name == "precedence" and not value):
            continue
        reason, instead = known.get(name, ("is not known to conversions", "keep the object"))
        where = join("spec", step(name))
        if reason == _NO_EFFECT:
            notes.otherwise(key, where, reason, instead)
        else:
            notes.lost(key, where, reason, instead)
