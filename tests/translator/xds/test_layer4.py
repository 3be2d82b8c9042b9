"""What is passed on as it is, as Envoy is told of it: shares, also those that lead nowhere, and listeners of UDP."""

from typing import Any

import pytest

from envoyapi import canonical
from translator import ir
from translator.xds.layer4 import tcp_filter, udp_filter
from translator.xds.listener import encode_filter_chain, encode_listener, wants
from translator.xds.names import cluster_name

RED = ir.Backend(ir.DnsName("red", 80), "tcp")
DNS = ir.Backend(ir.ServicePort("default", "dns", 53, by_datagrams=True), "udp")


def sharing(*weights: int) -> tuple[ir.WeightedBackend, ...]:
    """Shares, of which every second one leads nowhere."""
    return tuple([ir.WeightedBackend(None if place % 2 else RED, weight) for place, weight in enumerate(weights)])


def tcp(*weights: int) -> dict[str, Any]:
    shown = canonical.to_json("envoy.config.listener.v3.Filter", tcp_filter(ir.TcpChain(sharing(*weights), "x")))
    return dict(shown["typed_config"])


def test_connections_for_nobody_go_to_a_cluster_that_never_exists() -> None:
    name = cluster_name(RED)
    assert tcp()["cluster"] == "broken"
    assert tcp(5)["cluster"] == name
    clusters = [{"name": name, "weight": 3}, {"name": "broken", "weight": 1}]
    assert tcp(3, 1)["weighted_clusters"] == {"clusters": clusters}


def test_tls_that_is_passed_through_is_for_those_alone_who_speak_tls() -> None:
    chain = ir.FilterChain("c", "l", (), None, ir.TcpChain((), "x"), passthrough=True)
    shown = canonical.to_json("envoy.config.listener.v3.FilterChain", encode_filter_chain(chain))
    assert shown["filter_chain_match"] == {"transport_protocol": "tls"}
    assert "transport_socket" not in shown


@pytest.mark.parametrize(
    ("weights", "thresholds", "clusters"),
    [
        ((), [], ["broken"]),
        ((4,), [], ["red"]),
        ((3, 1), [250_000], ["red", "broken"]),
        ((1, 1, 2), [750_000, 500_000], ["red", "broken", "red"]),
        ((1_000_000, 0, 1_000_000), [500_000], ["red", "red"]),
    ],
)
def test_of_all_hashes_each_cluster_has_its_share(
    weights: tuple[int, ...], thresholds: list[int], clusters: list[str]
) -> None:
    chain = ir.UdpChain(sharing(*weights), "x")
    shown = canonical.to_json("envoy.config.listener.v3.ListenerFilter", udp_filter(chain))
    matcher = shown["typed_config"]["matcher"]
    listed = matcher.get("matcher_list", {}).get("matchers", [])
    asked = [each["predicate"]["single_predicate"]["custom_match"]["typed_config"] for each in listed]
    assert [each["threshold"] for each in asked] == thresholds
    assert {each["modulo"] for each in asked} <= {1_000_000}
    actions = [each["on_match"] for each in listed] + [matcher["on_no_match"]]
    found = [each["action"]["typed_config"]["cluster"] for each in actions]
    assert found == [cluster_name(RED) if name == "red" else name for name in clusters]


def test_a_listener_of_datagrams_has_a_filter_and_no_chain() -> None:
    chain = ir.FilterChain("c", "l", (), None, ir.UdpChain((ir.WeightedBackend(DNS),), "x"))
    assert wants(chain) == "datagrams"
    assert isinstance(chain.body, ir.UdpChain)
    listener = ir.Listener("l", "::", 53, by_datagrams=True, more_addresses=("127.0.0.1",))
    row = encode_listener(listener, {"c": (wants(chain), bytes(udp_filter(chain.body)))})
    shown = canonical.to_json("envoy.config.listener.v3.Listener", row.body)
    address = {"protocol": "UDP", "address": "::", "port_value": 53, "ipv4_compat": True}
    assert shown["address"] == {"socket_address": address}
    assert shown["additional_addresses"][0]["address"]["socket_address"]["protocol"] == "UDP"
    assert [each["name"] for each in shown["listener_filters"]] == ["envoy.filters.udp_listener.udp_proxy"]
    assert "filter_chains" not in shown


def test_a_port_of_udp_has_endpoints_of_its_own() -> None:
    by_tcp = ir.Backend(ir.ServicePort("default", "dns", 53), "tcp")
    assert cluster_name(DNS).startswith("k8s/default/dns/53/udp")
    assert cluster_name(by_tcp).startswith("k8s/default/dns/53~")
