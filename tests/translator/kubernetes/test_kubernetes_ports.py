"""The ports of Services and EndpointSlices: those of TCP, for nothing else is served."""

from typing import Any

import pytest

from tests.translator.emissary.world import World
from translator.kubernetes.endpoint_slice import EndpointSlice, addresses_of, endpoint_slice_of
from translator.kubernetes.service import Service, service_of

Port = dict[str, Any]


def service(*ports: Port) -> Service:
    found = service_of("default", "web", {"spec": {"ports": list(ports)}})
    assert isinstance(found, Service)
    return found


def slice_of(*ports: Port) -> EndpointSlice:
    metadata = {"labels": {"kubernetes.io/service-name": "web"}}
    endpoints = [{"addresses": ["10.0.0.1"]}]
    found = endpoint_slice_of("default", {"metadata": metadata, "ports": list(ports), "endpoints": endpoints})
    assert isinstance(found, EndpointSlice)
    return found


QUIC = {"name": "quic", "port": 443, "protocol": "UDP"}
HTTPS = {"name": "https", "port": 443, "protocol": "TCP"}


@pytest.mark.parametrize("ports", [(QUIC, HTTPS), (HTTPS, QUIC)], ids=["UDP first", "TCP first"])
@pytest.mark.parametrize("wanted", [443, "https"])
def test_of_two_ports_with_one_number_the_one_of_tcp_is_meant(ports: tuple[Port, ...], wanted: int | str) -> None:
    pods = slice_of({**QUIC, "port": 8444}, {**HTTPS, "port": 8443})
    assert addresses_of(service(*ports), [pods], wanted) == (("10.0.0.1", 8443),)


def test_of_two_ports_with_one_name_the_one_of_tcp_is_meant() -> None:
    pods = slice_of({"name": "dns", "port": 5301, "protocol": "UDP"}, {"name": "dns", "port": 5302})
    assert addresses_of(service({"name": "dns", "port": 53}), [pods], 53) == (("10.0.0.1", 5302),)


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_a_port_of_another_protocol_is_none(protocol: str) -> None:
    port = {"name": "dns", "port": 53, "protocol": protocol}
    assert service(port).port(53) is None
    assert service(port).port("dns") is None
    assert slice_of(port).ports == ()


def test_a_port_that_says_no_protocol_is_one_of_tcp() -> None:
    assert service({"port": 80}).port(80) is not None
    assert slice_of({"port": 8080}).ports == (("", 8080),)


def test_who_wants_a_port_that_is_only_udp_is_told() -> None:
    made = World()
    made.core("Service", "dns", {"spec": {"ports": [{"port": 53, "protocol": "UDP"}, {"name": "web", "port": 80}]}})
    made.host("any", "*")
    keys = made.mapping("a", service="dns:53"), made.put("TCPMapping", "b", port=53, service="dns:53")
    for key in keys:
        said = "warning: leads nowhere: the Service default/dns has no port 53, only 80"
        assert made.problems(key)["spec.service"] == said
