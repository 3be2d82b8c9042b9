"""TCPMappings: connections that are passed on."""

import pytest

from tests.translator.emissary.world import World
from translator import ir
from translator.ir import Addresses, Backend, SecretRef, WeightedBackend

TLS = {"tlsSecret": {"name": "tls"}}


def tcp(made: World, name: str, service: str = "10.0.0.1:5432", port: int = 5432, **fields: object) -> str:
    """Put a TCPMapping."""
    return made.put("TCPMapping", name, {"port": port, "service": service, **fields})


def backend(address: str) -> Backend:
    """The backend of an address at port 5432."""
    return Backend(Addresses(((address, 5432),)), "tcp")


def test_a_whole_port_at_its_listener() -> None:
    made = World()
    made.listener("db", 5432, protocol="TCP")
    key = tcp(made, "a", idle_timeout_ms="5000")
    assert made.chains == {
        "default/db/tcp": ir.FilterChain(
            "default/db/tcp",
            "default/db",
            (),
            None,
            ir.TcpChain((WeightedBackend(backend("10.0.0.1"), 100),), "ingress_tcp_5432", 5000),
            (key,),
        )
    }
    assert set(made.listeners) == {"default/db"}
    assert made.all_problems() == {}


def test_a_port_is_opened_where_there_is_no_listener() -> None:
    made = World(bind_address="127.0.0.1")
    key = tcp(made, "a")
    other = tcp(made, "b", address="127.0.0.2")
    assert made.listeners == {
        "listener-127.0.0.1-5432": ir.Listener("listener-127.0.0.1-5432", "127.0.0.1", 5432, origins=(key,)),
        "listener-127.0.0.2-5432": ir.Listener("listener-127.0.0.2-5432", "127.0.0.2", 5432, origins=(other,)),
    }
    made.listener("db", 5432, protocol="TCP")
    assert set(made.listeners) == {"default/db", "listener-127.0.0.2-5432"}


def test_weights_are_each_ones_own_not_cumulative() -> None:
    made = World()
    tcp(made, "a", weight=70)
    tcp(made, "b", "10.0.0.2:5432", weight=30)
    tcp(made, "c", "10.0.0.3:5432", weight=0)
    beyond = tcp(made, "d", "10.0.0.4:5432", weight=1)
    (chain,) = made.chains.values()
    assert isinstance(chain.body, ir.TcpChain)
    assert chain.body.backends == (WeightedBackend(backend("10.0.0.1"), 70), WeightedBackend(backend("10.0.0.2"), 30))
    assert set(made.problems(beyond)) == {"spec.weight"}


def test_if_nobody_gets_anything_everybody_is_told() -> None:
    made = World()
    keys = [tcp(made, "a", weight=0), tcp(made, "b", weight=0)]
    assert made.chains == {}
    for key in keys:
        assert made.problems(key) == {"spec.weight": "gives no connection to anyone"}


def test_a_name_in_tls_ends_here_by_the_host_that_serves_it() -> None:
    made = World()
    made.secret("tls")
    made.listener("https", 8443, protocol="HTTPS")
    made.host("wild", "*.example.com", **TLS)
    made.put("TLSContext", "mine-context", min_tls_version="v1.3", alpn_protocols="postgresql")
    key = tcp(made, "a", port=8443, host="db.example.com")
    chain = made.chains["default/https/db.example.com"]
    assert chain.server_names == ("db.example.com",)
    assert chain.tls == ir.TlsTermination((SecretRef("default", "tls"),), alpn=())
    assert chain.origins == (key,)
    assert made.all_problems() == {}
    made.host("mine", "db.example.com", **TLS)
    tls = made.chains["default/https/db.example.com"].tls
    assert tls is not None
    assert (tls.versions, tls.alpn) == (ir.TlsVersions("v1.3"), ("postgresql",))


def test_a_context_that_lists_the_name_will_do_without_a_host() -> None:
    made = World()
    made.secret("tls")
    made.put("TLSContext", "ctx", hosts=["db.example.com"], secret="tls")
    tcp(made, "a", host="db.example.com")
    assert made.chains["listener-0.0.0.0-5432/db.example.com"].tls == ir.TlsTermination(
        (SecretRef("default", "tls"),), alpn=()
    )


def test_a_name_without_tls_settings_is_told() -> None:
    made = World()
    key = tcp(made, "a", host="db.example.com")
    assert made.chains == {}
    assert made.problems(key) == {
        "spec.host": "has no TLS settings: no Host with TLS serves it, and no TLSContext lists it in hosts"
    }


@pytest.mark.parametrize("wider", [True, False], ids=["another Host", "a TLSContext"])
def test_a_name_whose_host_is_stopped_is_not_served_by_what_asks_less_of_clients(wider: bool) -> None:
    made = World()
    made.secret("tls")
    made.listener("https", 8443, protocol="HTTPS")
    if wider:
        made.host("any", "*", **TLS)
    else:
        made.put("TLSContext", "ctx", hosts=["db.example.com"], secret="tls")
    made.host("db", "db.example.com", tls={"ca_secret": "clients", "cert_required": True}, **TLS)
    key = tcp(made, "a", port=8443, host="db.example.com")
    assert "default/https/db.example.com" not in made.chains
    missing = "names the Secret default/clients, which does not exist, may not be read, or holds no certificate"
    said = "would have the TLS settings of Host default/db, which its own problems stop"
    said = f"{said}: spec.tls.ca_secret {missing}"
    assert made.problems(key) == {"spec.host": said}
    secret = made.secret("clients")
    assert made.problems(key) == {}
    tls = made.chains["default/https/db.example.com"].tls
    assert tls is not None
    assert tls.require_client_certificate
    made.delete(secret)
    assert "default/https/db.example.com" not in made.chains


def test_a_stopped_host_that_comes_later_takes_nothing_away() -> None:
    made = World()
    made.secret("tls")
    made.host("own", "db.example.com", **TLS)
    made.host("any", "*", tlsSecret={"name": "missing"})
    key = tcp(made, "a", host="db.example.com")
    assert made.problems(key) == {}
    assert set(made.chains) == {"listener-0.0.0.0-5432/db.example.com"}


def test_a_name_belongs_to_the_tcp_mapping_and_the_host_is_told() -> None:
    made = World()
    made.secret("tls")
    made.listener("https", 8443, protocol="HTTPS")
    key = made.host("one", "db.example.com", **TLS)
    tcp(made, "a", port=8443, host="db.example.com")
    assert isinstance(made.chains["default/https/db.example.com"].body, ir.TcpChain)
    assert set(made.virtual_hosts("default/https/cleartext")) == {"db.example.com"}
    assert made.problems(key) == {
        "spec.hostname": "warning: is not served by TLS at Listener default/https, "
        "where the name belongs to TCPMapping default/a"
    }


def test_a_whole_port_cannot_be_had_where_hosts_are_served_in_clear_text() -> None:
    made = World()
    made.listener()
    made.host("one", "foo.com")
    key = tcp(made, "a", port=8080)
    assert set(made.chains) == {"default/http/cleartext"}
    assert made.problems(key) == {
        "spec.port": "cannot have the whole port: Hosts are served there in clear text, at Listener default/http"
    }
    made.listener(protocol="TCP")
    assert set(made.chains) == {"default/http/tcp"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"port": 70000}, "spec.port"),
        ({"address": "localhost"}, "spec.address"),
        ({"address": "::%1"}, "spec.address"),
        ({"address": "fe80::1%lo"}, "spec.address"),
        ({"host": "*.foo.com"}, "spec.host"),
        ({"host": "foo.com:443"}, "spec.host"),
        ({"service": "a b"}, "spec.service"),
        ({"tls": "nowhere"}, "spec.tls"),
        ({"weight": 101}, "spec.weight"),
        ({"idle_timeout_ms": "soon"}, "spec.idle_timeout_ms"),
    ],
)
def test_mistakes(fields: dict[str, object], path: str) -> None:
    made = World()
    key = tcp(made, "a", **fields)  # type: ignore[arg-type]
    assert set(made.problems(key)) == {path}
    assert made.chains == {}
    assert made.listeners == {}
