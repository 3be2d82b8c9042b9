"""Resources are read from their bytes as Envoy's own library writes them; what is broken is left out."""

import pytest

from diagnostics.published import Cluster, Route, addresses_of, clusters_of, routes_of
from envoyapi.canonical import from_json

SOCKET = {"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}}}
PIPE = {"endpoint": {"address": {"pipe": {"path": "/run/x"}}}}
ASSIGNMENT = {"cluster_name": "a", "endpoints": [{"lb_endpoints": [SOCKET]}, {"lb_endpoints": [PIPE]}]}
ADDRESSES = (("10.0.0.1", 80), ("/run/x", 0))


def route(name: str, **action: object) -> dict[str, object]:
    return {"name": name, "match": {"prefix": "/"}, "route": action}


def test_a_cluster_is_read() -> None:
    static = from_json(
        "envoy.config.cluster.v3.Cluster",
        {
            "name": "a:80",
            "type": "STRICT_DNS",
            "lb_policy": "LEAST_REQUEST",
            "alt_stat_name": "b",
            "load_assignment": ASSIGNMENT,
            "transport_socket": {"name": "tls"},
        },
    )
    discovered = from_json(
        "envoy.config.cluster.v3.Cluster", {"name": "k", "type": "EDS", "eds_cluster_config": {"service_name": "k/1"}}
    )
    assert clusters_of([static, b"\x78", discovered]) == {
        "a:80": Cluster("a:80", "STRICT_DNS", "LEAST_REQUEST", "b", True, None, ADDRESSES),
        "k": Cluster("k", "EDS", "ROUND_ROBIN", "k", False, "k/1", ()),
    }


def test_addresses_are_read() -> None:
    body = from_json("envoy.config.endpoint.v3.ClusterLoadAssignment", ASSIGNMENT)
    assert addresses_of(body) == ADDRESSES
    assert addresses_of(b"") == addresses_of(b"\x78") == ()


@pytest.mark.parametrize("kind", ["list", "tree", "list of matchers"])
def test_routes_are_read_wherever_they_stand(kind: str) -> None:
    routes = [
        route("one", cluster="a", request_mirror_policies=[{"cluster": "s"}]),
        route("two", weighted_clusters={"clusters": [{"name": "b", "weight": 1}, {"name": "c", "weight": 2}]}),
        {"match": {"prefix": "/"}, "direct_response": {"status": 404}},
    ]
    listed = {
        "action": {
            "name": "routes",
            "typed_config": {"@type": "type.googleapis.com/envoy.config.route.v3.RouteList", "routes": routes},
        }
    }
    asked = {"name": "path", "typed_config": {"@type": "type.googleapis.com/google.protobuf.Empty"}}
    tree = {"matcher_tree": {"input": asked, "prefix_match_map": {"map": {"/": listed}}}}
    condition = {"single_predicate": {"input": asked, "value_match": {"exact": "x"}}}
    rest = {"matcher": tree}
    matchers = {"matcher_list": {"matchers": [{"predicate": condition, "on_match": listed}]}, "on_no_match": rest}
    host = {"list": {"routes": routes}, "tree": {"matcher": tree}, "list of matchers": {"matcher": matchers}}[kind]
    body = from_json(
        "envoy.config.route.v3.RouteConfiguration", {"virtual_hosts": [{"name": "h", "domains": ["*"], **host}]}
    )
    assert routes_of([body, b"\x78"]) == {"one": Route("one", ("a",), ("s",)), "two": Route("two", ("b", "c"), ())}
