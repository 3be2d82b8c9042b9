"""What becomes of a request that is sent on: backends, rewrites, limits, and the features that others declare."""

from dataclasses import replace
from typing import Any, NamedTuple

import re2

from envoyapi.config_common_mutation_rules_v3 import HeaderMutation
from envoyapi.config_route_v3 import (
    RouteAction,
    RouteActionClusterNotFoundResponseCode,
    RouteActionRequestMirrorPolicy,
    WeightedCluster,
    WeightedClusterClusterWeight,
)
from envoyapi.wire import duration_ms, tag, utf8
from translator import ir
from translator.features import action_fields
from translator.filters import backends_asked
from translator.remembering import remembered, text_size
from translator.xds.headers import header_options
from translator.xds.matches import encode_share, encode_substitution
from translator.xds.names import cluster_name
from translator.xds.paths import looks_at

_CLUSTER = tag(1, 2)

BROKEN = "broken"
"""The cluster that never exists: a request sent there is answered 500, or 503, which is Envoy's own choice.

A connection for it is closed, and a datagram is dropped.
"""


def encode_forward(asked: ir.Forward, path: ir.PathMatch) -> RouteAction:
    """The route action of a forwarded request, of which `path` is what was matched."""
    forward = _looked_at(asked)
    rewrite = in_envoys_words(forward.rewrite, path)
    if not (forward.features or forward.mirrors) and (rewrite is None or rewrite.kind == "matched"):
        [share, *others] = forward.backends
        if not others and share.backend is not None and share.headers is ir.NO_EDITS:
            beside = _Beside(rewrite.text if rewrite else None, forward.host, forward.timeout_ms)
            return RouteAction.of(_CLUSTER + utf8(cluster_name(share.backend)) + _beside(beside))
    fields: dict[str, Any] = {}
    for feature in forward.features:
        fields.update(action_fields(feature))
    if forward.broken == 500 and any(backend.backend is None for backend in forward.backends):
        fields["cluster_not_found_response_code"] = RouteActionClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR
    if forward.mirrors:
        fields["request_mirror_policies"] = [_mirror(mirror) for mirror in forward.mirrors]
    single = forward.backends[0] if len(forward.backends) == 1 else None
    plain = single is not None and single.headers == ir.NO_EDITS
    return RouteAction(
        cluster=_name(single) if single is not None and plain else None,
        weighted_clusters=None if plain else _weighted(forward.backends),
        prefix_rewrite=rewrite.text if rewrite and rewrite.kind == "matched" else None,
        regex_rewrite=encode_substitution(rewrite) if rewrite and rewrite.kind == "regex" else None,
        host_rewrite_literal=forward.host,
        timeout=duration_ms(forward.timeout_ms) if forward.timeout_ms is not None else None,
        **fields,
    )


class _Beside(NamedTuple):
    """What a plain forward has beside its cluster: alike in very many."""

    prefix_rewrite: str | None
    host: str | None
    timeout_ms: int | None


def _size(beside: _Beside) -> int:
    return text_size(beside.prefix_rewrite or "") + text_size(beside.host or "")


@remembered(_size)
def _beside(beside: _Beside) -> RouteAction:
    return RouteAction(
        prefix_rewrite=beside.prefix_rewrite,
        host_rewrite_literal=beside.host,
        timeout=duration_ms(beside.timeout_ms) if beside.timeout_ms is not None else None,
    )


def in_envoys_words(rewrite: ir.Rewrite | None, path: ir.PathMatch) -> ir.Rewrite | None:
    """A rewrite in the two words that Envoy has: what was matched, and what a regular expression finds."""
    if rewrite is None or rewrite.kind in {"matched", "regex"}:
        return rewrite
    pattern = "^.*$"
    if rewrite.kind == "joined":
        pattern = f"{'' if path.case_sensitive else '(?i)'}^{re2.escape(path.text)}/?"
    return ir.Rewrite("regex", rewrite.text.replace("\\", "\\\\"), pattern)


def _looked_at(forward: ir.Forward) -> ir.Forward:
    """The same, with backends that look at what the rewrite has made, where only they can."""
    if not looks_at(forward):
        return forward
    return replace(
        forward,
        backends=tuple([replace(each, backend=_checked(each.backend)) for each in forward.backends]),
        mirrors=tuple([replace(each, backend=replace(each.backend, checked=True)) for each in forward.mirrors]),
    )


def _checked(backend: ir.Backend | None) -> ir.Backend | None:
    return replace(backend, checked=True) if backend else None


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
    edits = mirror.headers
    return RouteActionRequestMirrorPolicy(
        cluster=cluster_name(mirror.backend),
        runtime_fraction=encode_share(mirror.share),
        request_headers_mutations=[
            *(HeaderMutation(remove=name) for name in edits.remove_request),
            *(HeaderMutation(append=option) for option in header_options(edits.add_request)),
        ],
        host_rewrite_literal=mirror.host,
        disable_shadow_host_suffix_append=True if mirror.same_host else None,
    )


def backends_of(route: ir.Route) -> tuple[ir.Backend, ...]:
    """Every backend that a route may send a request to."""
    asked = tuple(backends_asked(route.filters)) if route.filters else ()
    if not isinstance(route.action, ir.Forward):
        return asked
    forward = _looked_at(route.action)
    direct = tuple(share.backend for share in forward.backends if share.backend)
    return direct + tuple(mirror.backend for mirror in forward.mirrors) + asked
