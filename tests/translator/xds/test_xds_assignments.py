"""Endpoints are said in bytes joined by hand; here by the constructors of every level."""

import pytest

from envoyapi.config_core_v3 import Address, SocketAddress
from envoyapi.config_endpoint_v3 import ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints
from translator.xds.cluster import encode_assignment


@pytest.mark.parametrize("pairs", [(("10.0.0.1", 80),), (("10.0.0.1", 80), ("::1", 65535), ("a." * 120 + "test", 1))])
def test_an_assignment_is_what_the_constructors_make(pairs: tuple[tuple[str, int], ...]) -> None:
    addresses = [Address(socket_address=SocketAddress(address=at, port_value=port)) for at, port in pairs]
    endpoints = [LbEndpoint(endpoint=Endpoint(address=address)) for address in addresses]
    whole = ClusterLoadAssignment(cluster_name="a", endpoints=[LocalityLbEndpoints(lb_endpoints=endpoints)])
    assert encode_assignment("a", pairs) == whole


def test_no_endpoints_are_an_answer_too() -> None:
    assert encode_assignment("a", ()) == ClusterLoadAssignment(cluster_name="a")
