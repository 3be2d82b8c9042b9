"""What is passed on as it is: connections by TCP, without a look into them.

A share that leads nowhere is a share still: its connections are sent to a cluster that never exists, so that Envoy
closes them at once.
"""

from collections.abc import Iterable

from envoyapi.config_listener_v3 import Filter
from envoyapi.network_tcp_proxy_v3 import TcpProxy, TcpProxyWeightedCluster, TcpProxyWeightedClusterClusterWeight
from envoyapi.wire import any_of, duration_ms
from translator import ir
from translator.features.http.grpc_log import access_log
from translator.features.labels import label
from translator.xds.forward import BROKEN
from translator.xds.names import cluster_name


def tcp_filter(chain: ir.TcpChain) -> Filter:
    """The network filter that passes connections on."""
    shares = shares_of(chain.backends)
    single = shares[0][0] if len(shares) == 1 else None
    proxy = TcpProxy(
        stat_prefix=label(chain.stat_prefix),
        cluster=single,
        weighted_clusters=None if single else _weighted(shares),
        idle_timeout=duration_ms(chain.idle_timeout_ms) if chain.idle_timeout_ms is not None else None,
        access_log=[access_log(log, cluster_name) for log in chain.logs],
    )
    return Filter(name="envoy.filters.network.tcp_proxy", typed_config=any_of(proxy))


def shares_of(backends: Iterable[ir.WeightedBackend]) -> list[tuple[str, int]]:
    """The clusters of backends with their weights; where there is none, the one that never exists has all."""
    shares = [(cluster_name(each.backend) if each.backend else BROKEN, each.weight) for each in backends]
    return shares or [(BROKEN, 1)]


def _weighted(shares: list[tuple[str, int]]) -> TcpProxyWeightedCluster:
    return TcpProxyWeightedCluster(
        clusters=[TcpProxyWeightedClusterClusterWeight(name=name, weight=weight) for name, weight in shares if weight]
    )
