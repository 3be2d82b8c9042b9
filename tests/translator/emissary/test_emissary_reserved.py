"""Names for which nobody else may answer: of Hosts that are stopped, ask more of clients, or reject everything."""

from tests.support.certificates import authority
from tests.translator.emissary.world import TLS, World, https

CLIENTS_CA = authority("Clients").pair.certificate
ROUTE = {"requestPolicy": {"insecure": {"action": "Route"}}}
REJECT = {"requestPolicy": {"insecure": {"action": "Reject"}}}


def test_nobody_else_answers_for_a_host_that_is_stopped() -> None:
    made = https()
    made.host("all", "*", **TLS, requestPolicy={"insecure": {"action": "Route"}})
    made.host("other", "other.com", **TLS)
    stopped = made.host("one", "foo.com", tlsSecret={"name": "missing"})
    clear = made.virtual_hosts("default/https/cleartext")
    assert (clear["foo.com"].secure, clear["foo.com"].insecure) == ("never", "reject")
    assert clear["foo.com"].origins == (stopped,)
    assert made.virtual_hosts("default/https/*")["foo.com"].insecure == "misdirected"
    assert set(made.virtual_hosts("default/https/other.com")) == {"other.com"}
    made.secret("missing")
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == "redirect"
    assert set(made.virtual_hosts("default/https/*")) == {"*"}


def test_a_reserved_name_is_so_with_a_port_and_with_a_final_dot_too() -> None:
    made = https()
    made.host("all", "*", **TLS, **ROUTE)
    made.host("dot", "foo.com.", **TLS, **ROUTE)
    made.host("one", "foo.com", tlsSecret={"name": "missing"})
    made.host("port", "bar.com:8443", tlsSecret={"name": "missing"})
    made.host("below", "*.glob.com", tlsSecret={"name": "missing"})
    for chain, status in (("default/https/cleartext", 404), ("default/https/*", 421)):
        hosts = made.virtual_hosts(chain)
        dotted = () if chain.endswith("cleartext") else ("foo.com.",)
        assert hosts["foo.com"].also == (*dotted, "foo.com:*", "foo.com.:*")
        assert hosts["bar.com:8443"].also == ("bar.com.:8443",)
        assert (hosts["*.glob.com"].also, hosts["*"].closed, hosts["*"].closed_status) == ((), ("*.glob.com",), status)


def test_a_stopped_host_takes_a_name_from_nobody_who_serves_it_or_at_other_listeners() -> None:
    made = https(hostBinding={"namespace": {"from": "SELF"}})
    made.host("all", "*", **TLS)
    made.host("a", "foo.com", tlsSecret={"name": "missing"})
    made.host("b", "foo.com", **TLS)
    made.host("c", "bar.com", namespace="elsewhere", tlsSecret={"name": "missing"})
    clear = made.virtual_hosts("default/https/cleartext")
    assert {name: host.name for name, host in clear.items()} == {"*": "default/all", "foo.com": "default/b"}


def test_who_wants_a_certificate_of_clients_is_not_reached_by_a_connection_for_a_wider_name() -> None:
    made = https()
    made.secret_of("ca", {"ca.crt": CLIENTS_CA})
    made.put("TLSContext", "strict", ca_secret="ca", cert_required=True)
    made.host("all", "*", **TLS)
    made.host("below", "*.foo.com", **TLS)
    made.host("one", "one.foo.com", **TLS, tlsContext={"name": "strict"})
    made.host("two", "two.foo.com", **TLS)
    assert made.all_problems() == {}
    for chain in ("default/https/*", "default/https/*.foo.com"):
        answers = {name: host.insecure for name, host in made.virtual_hosts(chain).items() if host.origins}
        assert answers["one.foo.com"] == "misdirected"
        assert "two.foo.com" not in answers
    assert made.virtual_hosts("default/https/cleartext")["one.foo.com"].insecure == "redirect"


def test_where_all_hosts_wait_for_their_certificates_the_port_is_open_and_nothing_is_served() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    key = made.host("one", "foo.com", **TLS, **ROUTE)
    made.mapping("a", hostname="foo.com")
    made.mapping("acme", hostname="foo.com", prefix="/.well-known/acme-challenge/")
    assert set(made.listeners) == {"default/https"}
    assert set(made.chains) == {"default/https/cleartext"}
    (host,) = made.virtual_hosts("default/https/cleartext").values()
    assert (host.hostname, host.secure, host.insecure, host.origins) == ("foo.com", "never", "reject", (key,))
    assert made.hosts_of("default/acme") == {host.name}


def test_who_rejects_everything_at_a_listener_is_not_served_there_by_a_wider_name() -> None:
    made = https(securityModel="INSECURE")
    made.host("all", "*", **TLS, **ROUTE)
    made.host("one", "foo.com", **TLS, **REJECT)
    clear = made.virtual_hosts("default/https/cleartext")
    assert {name: host.insecure for name, host in clear.items()} == {"*": "route", "foo.com": "reject"}
    assert made.virtual_hosts("default/https/*")["foo.com"].insecure == "misdirected"
    assert "default/https/foo.com" not in made.chains
