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


# Where a Secret is


def test_a_secret_of_another_namespace() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    made.secret("tls", "certs")
    made.host("by-field", "a.com", tlsSecret={"name": "tls", "namespace": "certs"})
    made.host("by-name", "b.com", tlsSecret={"name": "tls.certs"})
    for name in ("a.com", "b.com"):
        tls = made.chains[f"default/https/{name}"].tls
        assert tls is not None
        assert tls.certificates == (SecretRef("certs", "tls"),)


def test_dots_belong_to_the_name_where_namespacing_is_off_or_the_namespace_is_given() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    made.secret("my.tls")
    made.host("one", "a.com", tlsSecret={"name": "my.tls", "namespace": "default"})
    off = made.host("two", "b.com", tlsSecret={"name": "my.tls"})
    assert set(made.problems(off)) == {"spec.tlsSecret"}
    made.module(defaults={"tls_secret_namespacing": False})
    assert made.problems(off) == {}


# TLS settings


def termination(made: World, name: str = "foo.com") -> ir.TlsTermination:
    """How TLS is ended for a name."""
    tls = made.chains[f"default/https/{name}"].tls
    assert tls is not None
    return tls


def test_settings_of_a_named_context() -> None:
    made = https()
    made.secret_of("ca", {"tls.crt": CLIENTS_CA})
    made.put(
        "TLSContext",
        "strict",
        min_tls_version="v1.2",
        max_tls_version="v1.3",
        alpn_protocols="h2, http/1.1",
        cipher_suites=["ECDHE-RSA-AES128-GCM-SHA256"],
        ecdh_curves=["P-256"],
        ca_secret="ca",
        cert_required=True,
    )
    made.host("one", "foo.com", tlsContext={"name": "strict"}, **TLS)
    assert termination(made) == ir.TlsTermination(
        certificates=(SecretRef("default", "tls"),),
        client_ca=SecretRef("default", "ca"),
        require_client_certificate=True,
        versions=ir.TlsVersions("v1.2", "v1.3"),
        alpn=("h2", "http/1.1"),
        cipher_suites=("ECDHE-RSA-AES128-GCM-SHA256",),
        ecdh_curves=("P-256",),
    )


def test_settings_said_by_the_host_itself_in_either_spelling() -> None:
    made = https()
    made.host("one", "foo.com", tls={"min_tls_version": "v1.3"}, **TLS)
    made.host("two", "bar.com", tls={"minTlsVersion": "v1.3"}, **TLS)
    assert termination(made).versions == termination(made, "bar.com").versions == ir.TlsVersions("v1.3")


def test_a_context_beside_the_host_that_bears_its_name() -> None:
    made = https()
    made.put("TLSContext", "one-context", min_tls_version="v1.3")
    made.put("TLSContext", "two-context", namespace="other", min_tls_version="v1.3")
    made.host("one", "foo.com", **TLS)
    made.host("two", "bar.com", **TLS)
    assert termination(made).versions == ir.TlsVersions("v1.3")
    assert termination(made, "bar.com").versions == ir.TlsVersions()


def test_mistakes_about_contexts_stop_the_host() -> None:
    made = https()
    made.secret("other")
    made.put("TLSContext", "mismatch", secret="other")
    made.put("TLSContext", "broken", secret="nowhere")
    both = made.host("both", "a.com", tlsContext={"name": "x"}, tls={}, **TLS)
    unknown = made.host("unknown", "b.com", tlsContext={"name": "x"}, **TLS)
    mismatch = made.host("mismatch", "c.com", tlsContext={"name": "mismatch"}, **TLS)
    broken = made.host("broken", "d.com", tlsContext={"name": "broken"}, **TLS)
    version = made.host("version", "e.com", tls={"min_tls_version": "v1.3", "max_tls_version": "v1.2"}, **TLS)
    anyone = made.host("anyone", "f.com", tls={"cert_required": True}, **TLS)
    assert made.problems(both) == {"spec.tlsContext": "cannot be given together with tls"}
    assert made.problems(unknown) == {"spec.tlsContext": "names the TLSContext x, which does not exist"}
    assert made.problems(mismatch) == {
        "spec.tlsSecret": "is not the Secret of the TLSContext default/mismatch; they must be the same"
    }
    assert made.problems(broken) == {
        "spec.tlsContext": "needs the TLSContext default/broken, which its own problems stop"
    }
    assert made.problems(version) == {
        "spec.tls.min_tls_version": "must not be newer than max_tls_version, which is v1.2"
    }
    assert made.problems(anyone) == {"spec.tls": "has cert_required, but no ca_secret that clients are checked against"}
    assert set(made.chains) == {"default/https/cleartext"}
    assert {host.insecure for host in made.virtual_hosts("default/https/cleartext").values()} == {"reject"}


def test_a_context_whose_hosts_do_not_list_the_host_is_used_and_told() -> None:
    made = https()
    made.put("TLSContext", "ctx", hosts=["bar.com"], min_tls_version="v1.3")
    key = made.host("one", "foo.com", tlsContext={"name": "ctx"}, **TLS)
    assert termination(made).versions == ir.TlsVersions("v1.3")
    assert made.problems(key) == {
        "spec.tlsContext": "warning: uses the TLSContext default/ctx, although its hosts do not list foo.com"
    }


def test_a_secret_that_brings_a_ca_and_a_ca_that_wants_certificates() -> None:
    made = https()
    made.secret("tls", root__cert_pem=CLIENTS_CA)
    made.secret_of("ca", {"tls.crt": CLIENTS_CA, "cert_required": b"true"})
    made.host("one", "foo.com", **TLS)
    made.host("two", "bar.com", tls={"ca_secret": "ca"}, **TLS)
    assert termination(made).client_ca == SecretRef("default", "tls")
    assert termination(made).require_client_certificate is False
    assert termination(made, "bar.com").require_client_certificate is True


def test_settings_without_a_secret_have_no_effect_and_are_told() -> None:
    made = https()
    key = made.host("one", "foo.com", tlsContext={"name": "x"}, acmeProvider={"authority": "none"})
    assert made.problems(key) == {"spec.tlsContext": "warning: has no effect without tlsSecret"}
    assert set(made.chains) == {"default/https/cleartext"}


# Security


@pytest.mark.parametrize(
    ("model", "more", "tls", "clear"),
    [
        ("XFP", {}, "always", "never"),
        ("XFP", {"l7Depth": 1}, "forwarded", "forwarded"),
        ("SECURE", {}, "always", "always"),
        ("INSECURE", {}, "never", "never"),
    ],
)
def test_what_counts_as_secure(model: str, more: dict[str, object], tls: str, clear: str) -> None:
    made = https(securityModel=model, **more)
    made.host("one", "foo.com", **TLS)
    assert made.virtual_hosts("default/https/foo.com")["foo.com"].secure == tls
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].secure == clear


def test_the_header_decides_where_envoy_trusts_it() -> None:
    made = https()
    made.module(use_remote_address=False)
    made.host("one", "foo.com", **TLS)
    assert made.virtual_hosts("default/https/foo.com")["foo.com"].secure == "forwarded"


@pytest.mark.parametrize("action", ["Route", "Redirect", "Reject"])
def test_insecure_requests_get_what_the_host_says(action: str) -> None:
    made = https()
    made.host("one", "foo.com", requestPolicy={"insecure": {"action": action}})
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == action.lower()


def test_redirect_is_what_a_host_says_when_it_says_nothing() -> None:
    made = https()
    made.host("one", "foo.com")
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == "redirect"


def test_a_host_that_rejects_everything_at_a_listener_has_no_chain_there() -> None:
    made = https(securityModel="INSECURE")
    made.host("one", "foo.com", requestPolicy={"insecure": {"action": "Reject"}}, **TLS)
    assert made.chains == {}


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
    assert made.virtual_hosts("default/https/cleartext")["*"].insecure == "redirect"


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
