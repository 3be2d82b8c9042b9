"""The TLS of a chain: where its Secret is, and what Hosts and TLSContexts say of it."""

from tests.support.certificates import authority
from tests.translator.emissary.world import TLS, World, https
from translator import ir
from translator.ir import SecretRef

CLIENTS_CA = authority("Clients").pair.certificate


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


def test_a_dot_belongs_to_the_name_of_a_hosts_secret_where_there_is_such_a_secret() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    made.secret("my.tls")
    made.secret("my", "tls")
    made.host("one", "a.com", tlsSecret={"name": "my.tls", "namespace": "default"})
    made.host("two", "b.com", tlsSecret={"name": "my.tls"})
    for name in ("a.com", "b.com"):
        tls = made.chains[f"default/https/{name}"].tls
        assert tls is not None
        assert tls.certificates == (SecretRef("default", "my.tls"),)


def test_how_a_dot_was_read_is_said() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    host = made.host("a", "a.com", tlsSecret={"name": "a.test"})
    said = made.problems(host)["spec.tlsSecret"]
    assert said.startswith("names the Secret default/a.test, which does not exist")
    assert said.endswith("; nor does test/a, as its dot may be read")
    context = made.put("TLSContext", "c", hosts=["a.com"], secret="a.test")
    said = made.problems(context)["spec.secret"]
    assert said.startswith("names the Secret test/a, which does not exist")
    assert said.endswith("('a.test' is read as a of the namespace test: secret_namespacing: false makes it a name)")
    made.module(defaults={"tls_secret_namespacing": False})
    assert made.problems(host)["spec.tlsSecret"].endswith("holds no certificate")
    assert made.problems(context)["spec.secret"].startswith("names the Secret default/a.test")


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
    missing = (
        "spec.secret names the Secret default/nowhere, which does not exist, may not be read, or holds no certificate"
    )
    assert made.problems(broken) == {
        "spec.tlsContext": f"needs the TLSContext default/broken, which its own problems stop: {missing}"
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
