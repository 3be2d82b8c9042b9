"""Hosts at Listeners: filter chains, certificates, and what becomes of insecure requests."""

import pytest

from tests.support.certificates import authority
from tests.translator.emissary.world import TLS, World, https
from translator import ir
from translator.ir import SecretRef

CLIENTS_CA = authority("Clients").pair.certificate


def test_each_name_in_tls_has_a_chain_and_all_clear_text_another() -> None:
    made = https()
    made.host("foo", "Foo.com", **TLS)
    made.host("wild", "*.bar.com", **TLS)
    made.host("all", "*", **TLS)
    made.host("plain", "plain.com")
    chains = made.chains
    assert {name: chain.server_names for name, chain in chains.items()} == {
        "default/https/foo.com": ("foo.com",),
        "default/https/*.bar.com": ("*.bar.com",),
        "default/https/*": (),
        "default/https/cleartext": (),
    }
    assert chains["default/https/foo.com"].tls == ir.TlsTermination((SecretRef("default", "tls"),))
    assert chains["default/https/cleartext"].tls is None
    assert set(made.virtual_hosts("default/https/cleartext")) == {"foo.com", "*.bar.com", "*", "plain.com"}
    assert set(made.virtual_hosts("default/https/foo.com")) == {"foo.com"}
    assert made.virtual_hosts("default/https/foo.com")["foo.com"].name == "default/foo"
    assert chains["default/https/foo.com"].origins == ("getambassador.io/Host/default/foo",)


def test_the_name_in_tls_is_without_the_port_and_hosts_that_differ_in_it_share_the_chain() -> None:
    made = https()
    made.host("one", "foo.com", **TLS)
    made.host("two", "foo.com:8443", **TLS)
    assert made.chains["default/https/foo.com"].server_names == ("foo.com",)
    assert set(made.virtual_hosts("default/https/foo.com")) == {"foo.com", "foo.com:8443"}
    assert made.all_problems() == {}


def test_a_host_that_is_called_as_our_chains_are_takes_nothing_from_them() -> None:
    made = https()
    made.host("odd", "cleartext", **TLS)
    assert set(made.chains) == {"default/https/cleartext:tls", "default/https/cleartext"}


def test_the_second_host_with_a_hostname_is_told() -> None:
    made = https()
    made.host("one", "foo.com", **TLS)
    second = made.host("two", "foo.com", requestPolicy={"insecure": {"action": "Route"}})
    assert made.problems(second) == {
        "spec.hostname": "foo.com is already served at Listener default/https, by Host default/one"
    }
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].origins == ("getambassador.io/Host/default/one",)


def test_one_name_in_tls_has_one_kind_of_tls_the_first_keeps_it() -> None:
    made = https()
    made.secret("other")
    made.host("one", "foo.com", **TLS)
    second = made.host("two", "foo.com:8443", tlsSecret={"name": "other"})
    assert made.problems(second) == {
        "spec.tlsSecret": "must have the TLS settings of Host default/one, since TLS knows both by one name"
    }
    assert set(made.virtual_hosts("default/https/cleartext")) == {"foo.com"}


@pytest.mark.parametrize("hostname", ["*foo.com", "foo.*"])
def test_a_glob_that_tls_cannot_ask_for_stops_a_host_with_tls_but_no_other(hostname: str) -> None:
    made = https()
    wrong = made.host("one", hostname, **TLS)
    made.host("two", hostname.replace("foo", "bar"))
    said = f"{hostname} cannot be asked for in TLS: * may only stand for whole labels, as in *.example.com"
    assert made.problems(wrong) == {"spec.hostname": said}
    clear = made.virtual_hosts("default/https/cleartext")
    assert {name: host.insecure for name, host in clear.items()} == {
        hostname: "reject",
        hostname.replace("foo", "bar"): "redirect",
    }


def test_a_missing_secret_stops_the_host_and_never_opens_clear_text() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    key = made.host("one", "foo.com", **TLS)
    assert made.problems(key) == {
        "spec.tlsSecret": "names the Secret default/tls, which does not exist, may not be read, or holds no certificate"
    }
    assert set(made.chains) == {"default/https/cleartext"}
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == "reject"
    made.secret("tls")
    assert set(made.chains) == {"default/https/foo.com", "default/https/cleartext"}
    assert set(made.listeners) == {"default/https"}


@pytest.mark.parametrize(
    ("secret", "called"),
    [
        ({"name": "x", "namespace": "../../../healthz?x="}, "../../../healthz?x=/x"),
        ({"name": "a,b"}, "default/a,b"),
        ({"name": "example.com-tls", "namespace": "other"}, "other/example.com-tls"),
        ({"name": "example.com-tls"}, "default/example.com-tls"),
    ],
)
def test_what_is_taken_for_a_secret_and_is_none_is_told_by_its_name(secret: dict[str, str], called: str) -> None:
    """Which names are asked for in a cluster is the watcher's business; that nothing came of one is told here."""
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    key = made.host("one", "foo.com", tlsSecret=secret)
    said = f"names the Secret {called}, which does not exist, may not be read, or holds no certificate"
    if "." in secret["name"] and "namespace" not in secret:
        said += "; nor does com-tls/example, as its dot may be read"
    assert made.problems(key) == {"spec.tlsSecret": said}


def test_a_host_that_no_listener_binds_is_told_and_so_are_its_mappings() -> None:
    made = World()
    listener = made.listener("http", hostBinding={"namespace": {"from": "SELF"}})
    made.secret("tls", namespace="team")
    key = made.host("one", "foo.com", namespace="team", **TLS)
    mapping = made.mapping("a", hostname="foo.com")
    lost = "warning: leads to no Host that is served: see Host team/one, which is stopped or has no Listener"
    assert made.problems(key)["spec.hostname"].startswith("warning: is served at no Listener")
    assert made.problems(mapping) == {"spec.hostname": lost}
    made.listener("http")
    assert made.problems(key) == made.problems(mapping) == {}
    made.secret_of("tls", {}, namespace="team")
    assert set(made.problems(key)) == {"spec.tlsSecret"}
    assert made.problems(mapping) == {"spec.hostname": lost}
    made.host("all", "*")
    assert made.problems(mapping) == {}
    made.delete(listener)
    assert set(made.problems(mapping)) == {"spec.hostname"}


def test_a_broken_secret_stops_the_host() -> None:
    made = https()
    made.secret_of("tls", {"tls.crt": b"nonsense", "tls.key": b"nonsense"})
    key = made.host("one", "foo.com", **TLS)
    assert "which cannot be used: data[tls.crt]: holds no certificate" in made.problems(key)["spec.tlsSecret"]
    made.secret_of("tls", {"tls.crt": b""})
    assert "does not exist" in made.problems(key)["spec.tlsSecret"]


def test_a_listener_without_tls_serves_a_host_with_tls_in_clear_text() -> None:
    made = World()
    made.listener()
    made.secret("tls")
    made.host("one", "foo.com", **TLS)
    assert set(made.chains) == {"default/http/cleartext"}


def test_a_change_of_one_host_touches_its_own_chain_and_the_clear_text_alone() -> None:
    made = https()
    for name in ("one", "two", "three"):
        made.host(name, f"{name}.com", **TLS)
    made.sweep()
    made.host("two", "two.com", requestPolicy={"insecure": {"action": "Reject"}}, **TLS)
    changed = made.sweep().changed(made.emissary.chains)
    assert set(changed) == {"default/https/two.com", "default/https/cleartext"}


# No Host at all


def test_without_any_host_everything_is_served_in_clear_text() -> None:
    made = World()
    listener = made.listener()
    made.mapping("a", hostname="foo.com")
    (host,) = made.virtual_hosts("default/http/cleartext").values()
    assert (host.hostname, host.secure, host.insecure) == ("*", "never", "route")
    assert made.hosts_of("default/a") == {"default/default-host"}
    assert made.problems(listener) == {"spec.hostBinding": "warning: serves every hostname, since no Host is declared"}
    assert made.all_problems().keys() == {listener}


def test_without_any_host_the_fallback_certificate_is_used_where_there_is_one() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    made.secret("fallback-self-signed-cert")
    assert made.chains["default/https/*"].tls == ir.TlsTermination((SecretRef("default", "fallback-self-signed-cert"),))
    assert made.virtual_hosts("default/https/cleartext")["*"].insecure == "route", "nobody asked for a redirect"


def test_a_mapping_that_no_listener_serves_is_told_so_without_a_host_that_is_not_there() -> None:
    made = World()
    mapping = made.mapping("a", hostname="foo.com")
    assert made.problems(mapping) == {"spec.hostname": "warning: is served nowhere: no Listener speaks HTTP"}


@pytest.mark.parametrize("spec", [{"hostname": "foo.com", "tlsSecret": {"name": "x"}}, {"hostname": "a*b"}, "nonsense"])
def test_a_broken_host_is_a_host_so_nothing_is_opened_by_default(spec: object) -> None:
    made = World()
    made.listener()
    made.put("Host", "one", spec)
    made.mapping("a")
    for chain in made.chains:
        assert {(host.hostname, host.insecure) for host in made.virtual_hosts(chain).values()} == {
            ("foo.com", "reject")
        }


def test_a_host_of_another_gateway_is_none() -> None:
    made = World()
    made.listener()
    made.host("one", "foo.com", ambassador_id=["other"])
    assert set(made.virtual_hosts("default/http/cleartext")) == {"*"}
