"""Statistics of gRPC: how many calls succeeded and failed, of all methods together, of some, or of each.

Source: envoy/extensions/filters/http/grpc_stats/v3/config.proto.
"""

from typing import Final

from envoyapi.config_core_v3 import GrpcMethodList, GrpcMethodListService
from envoyapi.http_grpc_stats_v3 import FilterConfig
from translator.filters.part import AS_CONFIGURED, Discovered, HttpFilter, NameOf
from translator.values import dataclass

NAME: Final = "envoy.filters.http.grpc_stats"


@dataclass(frozen=True, slots=True)
class CountCalls:
    """Calls are counted, as GrpcStats says."""


@dataclass(frozen=True, slots=True)
class GrpcStats:
    """What is counted. `methods`: of these each by itself, by service; where there are none, maybe of every one."""

    methods: tuple[tuple[str, tuple[str, ...]], ...] = ()
    each_method: bool = False
    durations: bool = False


def _encode(stats: GrpcStats, _: NameOf) -> FilterConfig:
    listed = [GrpcMethodListService(name=name, method_names=methods) for name, methods in stats.methods]
    return FilterConfig(
        individual_method_stats_allowlist=GrpcMethodList(services=listed) if listed else None,
        stats_for_all_methods=None if listed else stats.each_method,
        enable_upstream_stats=stats.durations,
    )


FILTER: Final = HttpFilter(
    name=NAME,
    idle=FilterConfig(),
    switches={CountCalls: lambda _: AS_CONFIGURED},
    discovered=Discovered(GrpcStats, _encode),
)
