"""Our own ports: what would take one is stopped, and what leads to a closed one, as far as can be known."""

from typing import Any

import pytest

from tests.translator.emissary.world import World, key_of, world
from translator import ir
from translator.emissary.own_ports import SAID, canonical, overlap
from translator.options import OwnPort

HERE: dict[str, Any] = {"own_addresses": frozenset({"10.1.0.7", "fd00::7"}), "own_names": frozenset({"dragoman-0"})}


def diagnostics(address: str, number: int = 9999) -> dict[str, Any]:
    return {"own_ports": (OwnPort(address, number, "diagnostics", closed=True),)}


def slice_of(made: World, name: str, port: int, *addresses: str, namespace: str = "default", number: int = 1) -> str:
    """Put an EndpointSlice of a Service whose one port has no name."""
    body = {
        "metadata": {"namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"port": port}],
        "endpoints": [{"addresses": [address]} for address in addresses],
    }
    key = f"discovery.k8s.io/EndpointSlice/{namespace}/{name}-{number}"
    return made._put(key, body)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::", "127.0.0.1", True),
        ("::", "0.0.0.0", True),
        ("::", "::1", True),
        ("0.0.0.0", "::1", False),
        ("::1", "fd00::1", False),
        ("localhost", "10.0.0.1", True),
    ],
)
def test_which_addresses_overlap(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("0:0:0:0:0:ffff:7f00:1", "127.0.0.1"),
        ("::ffff:0:0", "0.0.0.0"),
        ("0:0::0", "::"),
        ("FD00::0001", "fd00::1"),
    ],
)
def test_an_address_has_one_spelling(written: str, meant: str) -> None:
    assert canonical(written) == meant


# Who would take one


def test_a_listener_or_tcp_mapping_on_a_port_of_ours_is_stopped_and_told() -> None:
    made = world(**diagnostics("0.0.0.0"))
    listener = made.listener("greedy", 9999)
    whole = made.put("TCPMapping", "whole", port=9999, service="10.0.0.1:5432")
    near = made.put("TCPMapping", "near", port=9999, address="127.0.0.1", service="10.0.0.1:5432")
    other = made.put("TCPMapping", "other", port=9999, address="::1", service="10.0.0.1:5432")
    said = {"spec.port": "9999 is a port of Dragoman's own, for diagnostics at 0.0.0.0: take another"}
    assert {key: made.problems(key) for key in (listener, whole, near)} == dict.fromkeys((listener, whole, near), said)
    assert made.problems(other) == {}, "another family"
    assert set(made.listeners) == {"default/http", "listener-::1-9999"}
    assert "default/greedy/cleartext" not in made.chains


@pytest.mark.parametrize(("ours", "theirs"), [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "::"), ("10.0.0.5", "10.0.0.5")])
def test_addresses_that_overlap_are_one_port(ours: str, theirs: str) -> None:
    made = World(**diagnostics(ours), bind_address=theirs)
    key = made.listener("greedy", 9999)
    assert set(made.problems(key)) == {"spec.port"}
    assert made.listeners == {}


def test_a_port_of_ours_at_another_address_is_free() -> None:
    made = world(**diagnostics("127.0.0.1"), bind_address="10.0.0.5")
    key = made.listener("next", 9999)
    assert made.problems(key) == {}
    assert set(made.listeners) == {"default/http", "default/next"}


def test_a_listener_is_served_when_it_takes_another_port() -> None:
    made = world(**diagnostics("0.0.0.0"))
    key = made.listener("greedy", 9999)
    assert set(made.problems(key)) == {"spec.port"}
    made.listener("greedy", 9998)
    assert made.problems(key) == {}
    assert set(made.listeners) == {"default/http", "default/greedy"}


def test_the_demo_upstreams_port_is_ours_too_but_is_there_to_be_led_to() -> None:
    made = world(own_ports=(OwnPort("localhost", 8089, "the demo upstream", closed=False),))
    key = made.listener("greedy", 8089)
    assert made.problems(key) == {
        "spec.port": "8089 is a port of Dragoman's own, for the demo upstream at localhost: take another"
    }
    made.mapping("a", service="127.0.0.1:8089")
    assert made.backend().target == ir.Addresses((("127.0.0.1", 8089),))


def test_a_listener_of_udp_is_told_of_udp_alone() -> None:
    made = World(**diagnostics("0.0.0.0"))
    key = made.listener("names", 9999, protocol="UDP")
    assert set(made.problems(key)) == {"spec.protocol"}


def test_a_listener_of_udp_may_have_the_number_of_a_port_of_ours() -> None:
    made = World(**diagnostics("0.0.0.0"))
    key = made.listener("quic", 8877, protocol=None, protocolStack=["TLS", "HTTP", "UDP"])
    assert "spec.port" not in made.problems(key)


# Who would lead there


@pytest.mark.parametrize(
    "host",
    ["a.localhost", "dragoman-0", "10.1.0.7", "[fd00::7]", "[FD00:0::07]", "[::ffff:10.1.0.7]", "DRAGOMAN-0.", "[::]"],
)
def test_names_and_addresses_of_the_pod_are_known(host: str) -> None:
    made = world(**diagnostics("0.0.0.0"), **HERE)
    keys = [
        made.mapping("a", service=f"{host}:9999"),
        made.put("TCPMapping", "t", port=5432, service=f"{host}:9999"),
    ]
    assert [made.problems(key) for key in keys] == [{"spec.service": SAID}] * 2
    near = made.mapping("near", "/near/", service=f"{host}:9998")
    assert made.problems(near) == {}


def test_the_port_of_https_counts_where_none_is_said() -> None:
    made = world(**diagnostics("0.0.0.0", 443))
    assert made.problems(made.mapping("a", service="https://localhost")) == {"spec.service": SAID}
    assert made.problems(made.mapping("b", "/b/", service="http://localhost")) == {}


def test_a_service_that_is_an_alias_of_the_pod_leads_there() -> None:
    made = world(**diagnostics("0.0.0.0"), **HERE)
    made.service("one", type="ExternalName", externalName="localhost")
    made.service("two", type="ExternalName", externalName="one.default.svc.cluster.local")
    made.service("ring", type="ExternalName", externalName="ring.default.svc.cluster.local")
    keys = [made.mapping(name, f"/{name}/", service=f"{name}:9999") for name in ("one", "two", "ring")]
    assert [made.problems(key) for key in keys] == [{"spec.service": SAID}, {"spec.service": SAID}, {}]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.0.7", "::ffff:10.1.0.7", "fd00:0::7"])
def test_a_service_whose_endpoints_are_the_pod_leads_there_until_they_are_others(address: str) -> None:
    made = world(**diagnostics("0.0.0.0"), **HERE)
    made.service("quote", 80)
    made.service("alias", type="ExternalName", externalName="quote.default.svc.cluster.local")
    slice_of(made, "quote", 9999, "10.1.0.8", address)
    keys = [
        made.mapping("a", service="quote"),
        made.mapping("b", "/b/", service="alias"),
        made.put("TCPMapping", "t", port=5432, service="quote:80"),
    ]
    assert [made.problems(key) for key in keys] == [{"spec.service": SAID}] * 3
    slice_of(made, "quote", 9999, "10.1.0.8")
    assert [made.problems(key) for key in keys] == [{}] * 3
    assert made.backend("default/a").target == ir.ServicePort("default", "quote", 80)
    slice_of(made, "quote", 8080, address)
    assert [made.problems(key) for key in keys] == [{}] * 3


def test_endpoints_that_change_and_lead_elsewhere_touch_no_mapping() -> None:
    made = world(**diagnostics("0.0.0.0"), **HERE)
    made.service("quote", 80)
    slice_of(made, "quote", 9999, "10.1.0.8")
    made.mapping("a", service="quote")
    made.sweep()
    slice_of(made, "quote", 9999, "10.1.0.9", "10.1.0.10")
    swept = made.sweep()
    touched = [table.name for table in made.tables._tables if swept.changed(table)]
    assert touched == [
        "endpoint slice objects",
        "endpoint slices or problems",
        "endpoint slices and endpoints",
        "endpoint slices by service",
    ]


@pytest.mark.parametrize("service", ["127.0.0.1:9999", "dragoman-0:9999", "own:80", "alias:9999"])
def test_the_module_may_name_the_diagnostics_for_its_probes(service: str) -> None:
    made = world(**diagnostics("0.0.0.0"), **HERE, diagnostics_socket="/run/d.sock")
    made.service("own", 80)
    slice_of(made, "own", 9999, "10.1.0.7")
    made.service("alias", type="ExternalName", externalName="localhost")
    made.module(readiness_probe={"service": service}, liveness_probe={"enabled": False})
    made.sweep()
    ((route,),) = made.emissary.routes.view().values()
    assert isinstance(route.action, ir.Forward)
    assert route.action.backends == (ir.WeightedBackend(ir.Backend(ir.LocalSocket("/run/d.sock"))),)
    assert made.problems(key_of("Module", "ambassador")) == {}
