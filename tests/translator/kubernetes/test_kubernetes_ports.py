"""The ports of Services and EndpointSlices: those of TCP are meant, unless somebody asks for one of UDP."""

from typing import Any

import pytest

from tests.support.calls import calls_of
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
SLICE: Port = {"metadata": {"labels": {"kubernetes.io/service-name": "web"}}, "endpoints": []}


@pytest.mark.parametrize("ports", [(QUIC, HTTPS), (HTTPS, QUIC)], ids=["UDP first", "TCP first"])
@pytest.mark.parametrize("wanted", [443, "https"])
def test_of_two_ports_with_one_number_the_one_of_tcp_is_meant(ports: tuple[Port, ...], wanted: int | str) -> None:
    pods = slice_of({**QUIC, "port": 8444}, {**HTTPS, "port": 8443})
    assert addresses_of(service(*ports), [pods], wanted) == (("10.0.0.1", 8443),)


def test_of_two_ports_with_one_name_the_one_of_tcp_is_meant() -> None:
    pods = slice_of({"name": "dns", "port": 5301, "protocol": "UDP"}, {"name": "dns", "port": 5302})
    assert addresses_of(service({"name": "dns", "port": 53}), [pods], 53) == (("10.0.0.1", 5302),)


@pytest.mark.parametrize("ports", [(QUIC, HTTPS), (HTTPS, QUIC)], ids=["UDP first", "TCP first"])
def test_who_asks_for_a_port_of_udp_gets_that_one(ports: tuple[Port, ...]) -> None:
    pods = slice_of({**HTTPS, "port": 8443}, {**QUIC, "port": 8444})
    assert addresses_of(service(*ports), [pods], 443, by_datagrams=True) == (("10.0.0.1", 8444),)
    assert addresses_of(service(HTTPS), [pods], 443, by_datagrams=True) == ()
    assert addresses_of(service(), [pods], 443, by_datagrams=True) == ()


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
    made.pods("dns")
    made.host("any", "*")
    keys = made.mapping("a", service="dns:53"), made.put("TCPMapping", "b", port=53, service="dns:53")
    for key in keys:
        said = "warning: leads nowhere: the Service default/dns has no port 53, only 80"
        assert made.problems(key)["spec.service"] == said


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("name", ["", "web"])
def test_a_slice_with_two_ports_of_one_name_is_told_and_not_used(name: str, protocol: str) -> None:
    """Each endpoint would count as often as there are such ports: 83 KiB took 34 s and 1.7 GB."""
    ports = [{"name": name, "port": port, "protocol": protocol} for port in (80, 81)]
    found = endpoint_slice_of("default", {**SLICE, "ports": ports})
    assert isinstance(found, tuple)
    assert [(problem.path, problem.message) for problem in found] == [
        ("ports[1].name", f"is that of ports[0] too: {name!r}")
    ]


class Asked(str):
    """A name of which it can be counted how often it is compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str(self) == other

    __hash__ = str.__hash__


def test_to_find_a_port_costs_the_same_however_many_there_are() -> None:
    ports = [{"name": f"n{number}", "port": 1 + number} for number in range(5000)]
    found = service_of("default", "many", {"metadata": {}, "spec": {"ports": ports}})
    assert isinstance(found, Service)
    assert calls_of(lambda: found.port(Asked("n4999"))) < 10
    assert found.port(5000) == found.port("n4999") is not None
