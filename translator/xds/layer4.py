"""What is passed on as it is: connections by TCP and datagrams by UDP, without a look into them.

A share that leads nowhere is a share still: it is sent to a cluster that never exists, so that Envoy closes its
connections at once, and drops its datagrams.

Envoy's UDP proxy knows no weights. It asks a matcher to which cluster a new session belongs, that is a new address and
port of a client; of its port the hash is taken, and shared out.
"""

from collections.abc import Iterable
from typing import Final

from envoyapi.config_core_v3 import UdpSocketConfig
from envoyapi.config_listener_v3 import Filter, ListenerFilter
from envoyapi.matching_common_inputs_network_v3 import SourcePortInput
from envoyapi.matching_input_matchers_consistent_hashing_v3 import ConsistentHashing
from envoyapi.network_tcp_proxy_v3 import TcpProxy, TcpProxyWeightedCluster, TcpProxyWeightedClusterClusterWeight
from envoyapi.udp_udp_proxy_v3 import Route, UdpProxyConfig
from envoyapi.wire import any_of, duration_ms
from envoyapi.xds_core_v3 import TypedExtensionConfig
from envoyapi.xds_type_matcher_v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicateSinglePredicate,
    MatcherOnMatch,
)
from translator import ir
from translator.features.http.grpc_log import access_log
from translator.features.labels import label
from translator.xds.forward import BROKEN
from translator.xds.names import cluster_name

LONGEST_DATAGRAM: Final = 9_216
"""Bytes of a datagram, either way: those of a jumbo frame. Longer ones are dropped; Envoy's own limit is 1,500."""

_PRECISE: Final = 1_000_000


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


def udp_filter(chain: ir.UdpChain) -> ListenerFilter:
    """The listener filter that passes datagrams on."""
    proxy = UdpProxyConfig(
        stat_prefix=label(chain.stat_prefix),
        matcher=_shared_out([share for share in shares_of(chain.backends) if share[1]]),
        upstream_socket_config=UdpSocketConfig(max_rx_datagram_size=LONGEST_DATAGRAM),
    )
    return ListenerFilter(name="envoy.filters.udp_listener.udp_proxy", typed_config=any_of(proxy))


def _shared_out(shares: list[tuple[str, int]]) -> Matcher:
    """A matcher that gives each cluster its share of all hashes: to the last one what is left of them."""
    total, left = sum(weight for _, weight in shares), sum(weight for _, weight in shares)
    matchers = []
    for name, weight in shares[:-1]:
        left -= weight
        at_least = ConsistentHashing(threshold=round(left * _PRECISE / total), modulo=_PRECISE)
        asked = MatcherMatcherListPredicateSinglePredicate(
            input=TypedExtensionConfig(name="source_port", typed_config=any_of(SourcePortInput())),
            custom_match=TypedExtensionConfig(name="share", typed_config=any_of(at_least)),
        )
        predicate = MatcherMatcherListPredicate(single_predicate=asked)
        matchers.append(MatcherMatcherListFieldMatcher(predicate=predicate, on_match=_to(name)))
    listed = MatcherMatcherList(matchers=matchers) if matchers else None
    return Matcher(matcher_list=listed, on_no_match=_to(shares[-1][0]))


def _to(name: str) -> MatcherOnMatch:
    return MatcherOnMatch(action=TypedExtensionConfig(name="route", typed_config=any_of(Route(cluster=name))))


def _weighted(shares: list[tuple[str, int]]) -> TcpProxyWeightedCluster:
    return TcpProxyWeightedCluster(
        clusters=[TcpProxyWeightedClusterClusterWeight(name=name, weight=weight) for name, weight in shares if weight]
    )
