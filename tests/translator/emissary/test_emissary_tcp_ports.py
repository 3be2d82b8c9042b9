"""TCPMappings that meet others: at one port with addresses that overlap, or at one name with a Host."""

import itertools

import pytest

from tests.translator.emissary.world import TLS, World, https
from translator import ir
from translator.emissary.tcp import LATE

SERVICE = "10.0.0.1:5432"
HTTPS = "default/https"


def tcp(made: World, name: str, port: int = 5432, namespace: str = "default", **fields: object) -> str:
    """Put a TCPMapping."""
    return made.put("TCPMapping", name, {"port": port, "service": SERVICE, **fields}, namespace=namespace)


# Ports


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.0.7", "::ffff:127.0.0.1", "::"])
def test_a_listener_keeps_its_port_from_narrower_and_wider_addresses(address: str) -> None:
    made = World()
    made.listener("db", 5432, protocol="TCP")
    whole = tcp(made, "whole")
    key = tcp(made, "narrow", address=address, namespace="other")
    meant = address.removeprefix("::ffff:")
    said = f"at {meant} would take part of port 5432, which Listener default/db has at 0.0.0.0"
    assert made.problems(key) == {"spec.address": said}
    assert made.problems(whole) == {}
    assert set(made.listeners) == {"default/db"}


def test_another_family_is_another_port() -> None:
    made = World()
    made.listener("db", 5432, protocol="TCP")
    tcp(made, "whole")
    assert made.problems(tcp(made, "six", address="::1")) == {}
    assert set(made.listeners) == {"default/db", "listener-::1-5432"}


def test_a_listener_at_one_address_keeps_it_from_one_at_all() -> None:
    made = World(bind_address="10.0.0.5")
    made.listener("db", 5432, protocol="TCP")
    tcp(made, "mine")
    key = tcp(made, "all", address="0.0.0.0")
    assert set(made.problems(key)) == {"spec.address"}
    assert made.problems(tcp(made, "beside", address="10.0.0.6")) == {}


def test_an_address_in_another_spelling_is_the_listeners() -> None:
    made = World(bind_address="::")
    made.listener("db", 5432, protocol="TCP")
    tcp(made, "a", address="0:0:0:0:0:0:0:0")
    assert set(made.chains) == {"default/db/tcp"}


MISTAKES = (
    {"port": 8443, "l7Depth": "x"},
    {"port": 8443, "hostBinding": {"namespace": {"from": "NONE"}}},
    {"port": 8443, "protocol": "HTPS"},
    {"port": 8443, "protocol": None, "protocolStack": "TLS"},
    {"port": 8443, "statsPrefix": ["a"]},
    {"port": "8443"},
    {"port": 8443.0},
    {"port": 8443, "ambassador_id": 5},
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_nobody_opens_the_port_of_a_listener_that_its_own_mistake_stops(mistake: dict[str, object]) -> None:
    made = https()
    made.host("one", "one.test", **TLS)
    keys = [tcp(made, "whole", 8443, "other"), tcp(made, "named", 8443, "other", host="one.test")]
    keys += [tcp(made, "near", 8443, "other", address="127.0.0.1"), tcp(made, "own", 8443, host="two.test")]
    assert set(made.listeners) == {HTTPS}
    spec = {"protocol": "HTTPS", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}, **mistake}
    made.put("Listener", "https", spec)
    assert made.listeners == made.chains == {}
    said = {"spec.port": f"8443 is the port of Listener {HTTPS}, which its own problems stop: it stays shut"}
    assert {key: made.problems(key) for key in keys} == dict.fromkeys(keys, said)
    made.delete("getambassador.io/Listener/default/https")
    assert made.problems(keys[0]) == {"spec.port": f"warning: {LATE}"}, "it is nobody's"


def test_a_listener_that_is_well_has_the_port_beside_one_that_is_stopped() -> None:
    made = World()
    made.listener("a", 5432, protocol="TCP", l7Depth="x")
    made.listener("b", 5432, protocol="TCP")
    assert made.problems(tcp(made, "whole")) == {}
    assert set(made.listeners) == {"default/b"}


@pytest.mark.parametrize(
    "spec",
    [
        {"port": 5432, "protocol": "UDP"},
        {"port": 5432, "protocolStack": ["UDP"]},
        {"port": 5432, "protocol": "TCP", "l7Depth": "x", "ambassador_id": "another"},
        {"port": 0, "protocol": "TCP"},
        {"port": "five", "protocol": "TCP"},
        {"port": True, "protocol": "TCP"},
        {"port": 5433, "protocol": "TCP", "l7Depth": "x"},
    ],
    ids=str,
)
def test_a_listener_that_means_no_such_port_shuts_none(spec: dict[str, object]) -> None:
    made = World()
    made.put("Listener", "odd", {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}, **spec})
    assert made.problems(tcp(made, "whole")) == {}
    assert set(made.listeners) == {"listener-0.0.0.0-5432"}


def test_when_a_listener_comes_or_goes_its_port_does() -> None:
    made = World()
    key = tcp(made, "narrow", address="127.0.0.1")
    assert set(made.listeners) == {"listener-127.0.0.1-5432"}
    listener = made.listener("db", 5432, protocol="HTTP")
    made.host("any", "*")
    assert set(made.problems(key)) == {"spec.address"}
    assert set(made.listeners) == {"default/db"}
    made.delete(listener)
    assert made.problems(key) == {}
    assert set(made.listeners) == {"listener-127.0.0.1-5432"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_of_tcp_mappings_the_first_by_its_key_has_the_port_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    made = World()
    made.secret("tls")
    made.put("TLSContext", "ctx", hosts=["db.test"], secret="tls")
    put = (
        lambda: tcp(made, "b", address="127.0.0.1", namespace="first"),
        lambda: tcp(made, "a", namespace="second"),
        lambda: tcp(made, "c", namespace="second", host="db.test"),
        lambda: tcp(made, "d", address="::ffff:127.0.0.2", namespace="third"),
    )
    keys = {index: put[index]() for index in order}
    said = "at {} would take part of port 5432, which TCPMapping first/b has at 127.0.0.1"
    for index in (1, 2):
        assert made.problems(keys[index]) == {"spec.address": said.format("0.0.0.0")}
    assert made.problems(keys[0]) == made.problems(keys[3]) == {}
    assert set(made.listeners) == {"listener-127.0.0.1-5432", "listener-127.0.0.2-5432"}
    made.delete(keys[0])
    assert set(made.listeners) == {"listener-0.0.0.0-5432"}
    assert set(made.problems(keys[3])) == {"spec.address"}


def test_ports_with_other_numbers_have_nothing_to_do_with_each_other() -> None:
    made = World()
    keys = [tcp(made, "a"), tcp(made, "b", 5433, address="127.0.0.1")]
    assert [made.problems(key) for key in keys] == [{}, {}]
    assert len(made.listeners) == 2


# Names


@pytest.mark.parametrize("hostname", ["db.test", "*.test", "*"])
def test_a_name_that_a_host_has_at_a_listener_goes_to_no_tcp_mapping_of_another_namespace(hostname: str) -> None:
    made = https()
    host = made.host("one", hostname, **TLS)
    made.put("TLSContext", "ctx", {"hosts": ["db.test"], "secret": "tls.default"}, namespace="other")
    key = tcp(made, "mine", 8443, "other", host="db.test")
    other = tcp(made, "too", 8443, "another", host="db.test")
    assert not any(isinstance(chain.body, ir.TcpChain) for chain in made.chains.values())
    said = "db.test belongs to Host default/one ({}) at Listener default/https, and so to no TCPMapping of another "
    said = (
        said.format(hostname)
        + "namespace"
        + ("" if hostname == "db.test" else ": it takes a Host db.test of one's own")
    )
    assert made.problems(key) == made.problems(other) == {"spec.host": said}
    kept = "keeps db.test at Listener default/https, which TCPMapping another/too and 1 more of another namespace"
    assert made.problems(host) == {"spec.hostname": f"warning: {kept} cannot have"}
    assert f"default/https/{hostname}" in made.chains


def test_where_a_host_is_not_served_by_tls_it_has_no_name_to_keep() -> None:
    made = https()
    made.host("one", "db.test", **TLS)
    made.host("any", "*")
    elsewhere = tcp(made, "elsewhere", 5432, "other", host="db.test")
    assert made.problems(elsewhere) == {}
    made.put("TLSContext", "ctx", {"hosts": ["web.test"], "secret": "tls.default"}, namespace="other")
    assert made.problems(tcp(made, "web", 8443, "other", host="web.test")) == {}, "Host * has no TLS"
    assert {"listener-0.0.0.0-5432/db.test", "default/https/web.test"} <= set(made.chains)


def test_of_both_namespaces_the_hosts_own_gets_the_name() -> None:
    made = https()
    host = made.host("one", "db.test", **TLS)
    stranger = tcp(made, "a", 8443, "other", host="db.test")
    own = tcp(made, "b", 8443, host="db.test")
    assert made.chains["default/https/db.test"].origins == (own,)
    assert set(made.problems(stranger)) == {"spec.host"}
    assert made.problems(own) == {}
    said = made.problems(host)["spec.hostname"]
    assert said.startswith("warning: ")


def test_a_host_of_ones_own_for_the_very_name_gives_it() -> None:
    made = https()
    made.host("wide", "*.test", **TLS)
    key = tcp(made, "a", 8443, "other", host="db.test")
    assert set(made.problems(key)) == {"spec.host"}
    made.secret("tls", namespace="other")
    made.put("Host", "own", {"hostname": "db.test", **TLS}, namespace="other")
    assert made.problems(key) == {}
    assert made.chains["default/https/db.test"].origins == (key,)


def test_the_host_that_is_made_up_where_there_is_none_keeps_no_name() -> None:
    made = https()
    made.secret("fallback-self-signed-cert")
    made.put("TLSContext", "ctx", {"hosts": ["db.test"], "secret": "tls.default"}, namespace="other")
    key = tcp(made, "a", 8443, "other", host="db.test")
    assert made.problems(key) == {}
    assert made.chains["default/https/db.test"].origins == (key,)
