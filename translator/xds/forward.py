"""What becomes of a request that is sent on: backends, rewrites, limits, and the features that others declare."""

from typing import Any

from envoyapi.config_route_v3 import (
    RouteAction,
    RouteActionClusterNotFoundResponseCode,
    RouteActionRequestMirrorPolicy,
    WeightedCluster,
    WeightedClusterClusterWeight,
)
from envoyapi.wire import duration_ms
from translator import ir
from translator.features import action_fields
from translator.xds.headers import header_options
from translator.xds.matches import encode_share, encode_substitution
from translator.xds.names import cluster_name

BROKEN = "broken"
"""The cluster that never exists: a request sent there is answered 500."""


def encode_forward(forward: ir.Forward) -> RouteAction:
    """The route action of a forwarded request."""
    rewrite = forward.rewrite
    fields: dict[str, Any] = {}
    for feature in forward.features:
        fields.update(action_fields(feature))
    if any(backend.backend is None for backend in forward.backends):
        fields["cluster_not_found_response_code"] = RouteActionClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR
    if forward.mirrors:
        fields["request_mirror_policies"] = [_mirror(mirror) for mirror in forward.mirrors]
    single = forward.backends[0] if len(forward.backends) == 1 else None
    plain = single is not None and single.headers == ir.HeaderEdits()
    return RouteAction(
        cluster=_name(single) if single is not None and plain else None,
        weighted_clusters=None if plain else _weighted(forward.backends),
        prefix_rewrite=rewrite.text if rewrite and rewrite.kind == "matched" else None,
        regex_rewrite=encode_substitution(_whole(rewrite)) if rewrite and rewrite.kind != "matched" else None,
        host_rewrite_literal=forward.host,
        timeout=duration_ms(forward.timeout_ms) if forward.timeout_ms is not None else None,
        **fields,
    )


def _whole(rewrite: ir.Rewrite) -> ir.Rewrite:
    if rewrite.kind == "regex":
        return rewrite
    return ir.Rewrite("regex", rewrite.text.replace("\\", "\\\\"), "^.*$")


def _name(backend: ir.WeightedBackend) -> str:
    return cluster_name(backend.backend) if backend.backend else BROKEN


def _weighted(backends: tuple[ir.WeightedBackend, ...]) -> WeightedCluster:
    return WeightedCluster(
        clusters=[
            WeightedClusterClusterWeight(
                name=_name(backend),
                weight=backend.weight,
                request_headers_to_add=header_options(backend.headers.add_request),
                request_headers_to_remove=backend.headers.remove_request,
                response_headers_to_add=header_options(backend.headers.add_response),
                response_headers_to_remove=backend.headers.remove_response,
            )
            for backend in backends
        ]
    )


def _mirror(mirror: ir.Mirror) -> RouteActionRequestMirrorPolicy:
    return RouteActionRequestMirrorPolicy(
        cluster=cluster_name(mirror.backend), runtime_fraction=encode_share(mirror.share)
    )


def backends_of(route: ir.Route) -> tuple[ir.Backend, ...]:
    """Every backend that a route may send a request to."""
    if not isinstance(route.action, ir.Forward):
        return ()
    direct = tuple(share.backend for share in route.action.backends if share.backend)
    return direct + tuple(mirror.backend for mirror in route.action.mirrors)
