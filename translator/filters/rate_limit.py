"""Rate limits: a service of the user's counts requests by what describes them, and says which are too many.

What describes the requests of a route is said at the route; who counts is one for all.

Source: envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto, envoy/config/route/v3/route_components.proto.
"""

from typing import Final, Literal

from envoyapi.config_core_v3 import ApiVersion, GrpcService, GrpcServiceEnvoyGrpc
from envoyapi.config_ratelimit_v3 import RateLimitServiceConfig
from envoyapi.config_route_v3 import (
    RateLimit,
    RateLimitAction,
    RateLimitActionDestinationCluster,
    RateLimitActionGenericKey,
    RateLimitActionRemoteAddress,
    RateLimitActionRequestHeaders,
    RateLimitActionSourceCluster,
)
from envoyapi.http_ratelimit_v3 import RateLimit as RateLimitFilter
from envoyapi.http_ratelimit_v3 import RateLimitPerRoute
from envoyapi.wire import duration_ms
from translator.filters.external_auth import NOBODY
from translator.filters.part import Discovered, HttpFilter, NameOf
from translator.ir import Backend
from translator.values import dataclass

NAME: Final = "envoy.filters.http.ratelimit"


@dataclass(frozen=True, slots=True)
class Text:
    """An entry that is the same for all requests."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Header:
    """An entry with the value of a header. Where there is none, the descriptor goes without it, or is not counted."""

    key: str
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An entry with what Envoy knows itself; it is the entry's key as well."""

    what: Literal["remote_address", "source_cluster", "destination_cluster"]


Entry = Text | Header | Known


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The descriptors that are counted for each request: each is a list of entries."""

    descriptors: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True, slots=True)
class LimitedBy:
    """Who counts. `backend` None: nobody that could be asked, so that `failure` says what becomes of the requests.

    `grpc_status` is what a client that speaks gRPC is told of requests that are too many.
    """

    backend: Backend | None
    domain: str
    timeout_ms: int = 20
    failure: Literal["deny", "allow"] = "allow"
    grpc_status: Literal["unavailable", "resource_exhausted"] = "unavailable"


_KNOWN: Final = {
    "remote_address": RateLimitAction(remote_address=RateLimitActionRemoteAddress()),
    "source_cluster": RateLimitAction(source_cluster=RateLimitActionSourceCluster()),
    "destination_cluster": RateLimitAction(destination_cluster=RateLimitActionDestinationCluster()),
}


def _action(entry: Entry) -> RateLimitAction:
    match entry:
        case Text(key, value):
            return RateLimitAction(generic_key=RateLimitActionGenericKey(descriptor_key=key, descriptor_value=value))
        case Header(key, name, optional):
            return RateLimitAction(
                request_headers=RateLimitActionRequestHeaders(
                    descriptor_key=key, header_name=name, skip_if_absent=optional
                )
            )
        case Known(what):
            return _KNOWN[what]


def _switch(limits: RateLimits) -> RateLimitPerRoute:
    return RateLimitPerRoute(
        rate_limits=[RateLimit(actions=[_action(entry) for entry in entries]) for entries in limits.descriptors]
    )


def _encode(limited: LimitedBy, name_of: NameOf) -> RateLimitFilter:
    cluster = NOBODY if limited.backend is None else name_of(limited.backend)
    return RateLimitFilter(
        domain=limited.domain,
        timeout=duration_ms(limited.timeout_ms),
        failure_mode_deny=limited.failure == "deny",
        rate_limited_as_resource_exhausted=limited.grpc_status == "resource_exhausted",
        rate_limit_service=RateLimitServiceConfig(
            transport_api_version=ApiVersion.V3,
            grpc_service=GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=cluster)),
        ),
    )


FILTER: Final = HttpFilter(
    name=NAME,
    idle=_encode(LimitedBy(None, "nobody"), lambda _: NOBODY),
    switches={RateLimits: _switch},
    off=RateLimitPerRoute(),
    discovered=Discovered(LimitedBy, _encode, lambda limited: (limited.backend,) if limited.backend else ()),
)
