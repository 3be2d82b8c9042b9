"""TLS towards clients and backends, and what becomes of requests that come without it."""

import contextlib
import socket
import ssl

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.support.certificates import Pair, authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def serial(gateway: Gateway, sni: str, *, context: ssl.SSLContext | None = None) -> int | None:
    """The serial number of the certificate that is shown to this name; None when the handshake fails."""
    tls = context or trusting(authority())
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.https_port), timeout=10))
        secure = stack.enter_context(tls.wrap_socket(connection, server_hostname=sni))
        shown = secure.getpeercert() or {}
        return int(str(shown["serialNumber"]), 16)
    return None


def secure_host(name: str, pair: Pair, insecure: str = "Redirect", **spec: object) -> str:
    secret = name.replace(".", "-")
    return tls_secret(secret, pair.certificate, pair.key) + host(
        name, name, insecure=insecure, tlsSecret={"name": secret}, **spec
    )


def host_with_context(name: str, pair: Pair, **spec: object) -> str:
    """A Host whose TLS is as a TLSContext says."""
    secret = name.replace(".", "-")
    context = an_object("TLSContext", secret, {"hosts": [name], "secret": secret, **spec})
    return context + secure_host(name, pair, "Route", tlsContext={"name": secret})


def test_each_host_shows_its_own_certificate_by_sni(gateway: Gateway, red: HttpUpstream) -> None:
    one, two = authority().sign("one.sni.test"), authority().sign("two.sni.test")
    texts = secure_host("one.sni.test", one) + secure_host("two.sni.test", two)
    texts += mapping("sni", "*.sni.test", red.service)
    with gateway.applied("sni", texts):
        tls = trusting(authority())
        assert gateway.wait_served("one.sni.test", tls=True, context=tls).json()["upstream"] == "red"
        gateway.wait_served("two.sni.test", tls=True, context=tls)
        assert serial(gateway, "one.sni.test") == one.serial
        assert serial(gateway, "two.sni.test") == two.serial
        assert serial(gateway, "unknown.test") is None


def test_a_wildcard_certificate_serves_every_name_of_its_host(gateway: Gateway, red: HttpUpstream) -> None:
    pair = authority().sign("*.wild.test")
    texts = tls_secret("wild", pair.certificate, pair.key)
    texts += host("wild", "*.wild.test", tlsSecret={"name": "wild"}) + mapping("wild", "a.wild.test", red.service)
    with gateway.applied("wild", texts):
        gateway.wait_served("a.wild.test", tls=True, context=trusting(authority()))


def test_another_hosts_name_on_this_hosts_connection_is_misdirected(gateway: Gateway, red: HttpUpstream) -> None:
    one, two = authority().sign("one.iso.test"), authority().sign("two.iso.test")
    texts = secure_host("one.iso.test", one) + secure_host("two.iso.test", two)
    texts += mapping("iso", "*.iso.test", red.service)
    with gateway.applied("iso", texts):
        tls = trusting(authority())
        gateway.wait_served("two.iso.test", tls=True, context=tls)
        gateway.wait_served("one.iso.test", tls=True, context=tls)
        response = gateway.request("two.iso.test", tls=True, sni="one.iso.test", context=tls)
        assert response.status_code == 421


def test_a_rotated_certificate_is_served_and_touches_no_listener(gateway: Gateway, red: HttpUpstream) -> None:
    name = "rotate.test"
    first, second = authority().sign(name), authority().sign(name)
    with gateway.applied(name, secure_host(name, first) + mapping("rotate", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        with httpx.Client(verify=trusting(authority())) as client:

            def ask() -> int:
                url = f"https://127.0.0.1:{gateway.https_port}/"
                return client.get(url, headers={"host": name}, extensions={"sni_hostname": name}).status_code

            assert ask() == 200
            gateway.apply(name, secure_host(name, second) + mapping("rotate", name, red.service))
            wait_until(lambda: serial(gateway, name) == second.serial, what="the new certificate")
            assert ask() == 200  # the old connection goes on


def test_a_host_whose_certificate_breaks_is_stopped_and_never_opens_clear_text(
    gateway: Gateway, red: HttpUpstream
) -> None:
    name = "broken.test"
    good, other = authority().sign(name), authority().sign(name)
    with gateway.applied(name, secure_host(name, good) + mapping("broken", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        mismatched = Pair(other.certificate, good.key)
        gateway.apply(name, secure_host(name, mismatched) + mapping("broken", name, red.service))
        gateway.wait_served(name, status=404)
        gateway.wait_logged("does not belong to the first certificate")
        gateway.apply(name, secure_host(name, other) + mapping("broken", name, red.service))
        gateway.wait_served(name, tls=True, context=trusting(authority()))


def test_a_key_that_envoy_does_not_take_is_told_by_its_host(gateway: Gateway, red: HttpUpstream) -> None:
    name, tls, route = "keys.test", trusting(authority()), mapping("keys", "keys.test", red.service)
    small = authority().sign(name, key=rsa.generate_private_key(65537, 1024))
    edwards = authority().sign(name, key=ed25519.Ed25519PrivateKey.generate())
    said = "names the Secret default/keys-test, which cannot be used: data[tls.crt]: has an RSA key of 1024 bits"
    with gateway.applied("keys", secure_host(name, small) + route):
        wait_until(lambda: said in gateway.log(), what="the Host told")
        assert serial(gateway, name) is None
        gateway.apply("keys", secure_host(name, edwards) + route)
        gateway.wait_served(name, tls=True, context=tls)
        assert serial(gateway, name) == edwards.serial


def test_tls_versions_and_alpn_of_a_tlscontext(gateway: Gateway, red: HttpUpstream) -> None:
    name = "versions.test"
    texts = host_with_context(name, authority().sign(name), min_tls_version="v1.3", alpn_protocols="http/1.1")
    with gateway.applied(name, texts + mapping("versions", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert gateway.request(name, tls=True, http2=False, context=trusting(authority())).http_version == "HTTP/1.1"
        old = trusting(authority())
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert serial(gateway, name, context=old) is None
        wanting = trusting(authority())
        wanting.set_alpn_protocols(["h2", "http/1.1"])
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.https_port)))
            secure = stack.enter_context(wanting.wrap_socket(connection, server_hostname=name))
            assert secure.selected_alpn_protocol() == "http/1.1"


def test_a_maximum_version(gateway: Gateway, red: HttpUpstream) -> None:
    name = "max.test"
    texts = host_with_context(name, authority().sign(name), min_tls_version="v1.2", max_tls_version="v1.2")
    with gateway.applied(name, texts + mapping("max", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        new = trusting(authority())
        new.minimum_version = ssl.TLSVersion.TLSv1_3
        assert serial(gateway, name, context=new) is None


def test_client_certificates(gateway: Gateway, red: HttpUpstream, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = "mtls.test"
    client = authority("Clients").sign("client")
    texts = tls_secret("mtls-ca", authority("Clients").pair.certificate, b"")
    texts += host_with_context(name, authority().sign(name), ca_secret="mtls-ca", cert_required=True)
    folder = tmp_path_factory.mktemp("mtls")
    (folder / "client.pem").write_bytes(client.certificate + client.key)
    with gateway.applied(name, texts + mapping("mtls", name, red.service)):
        shown = trusting(authority())
        shown.load_cert_chain(folder / "client.pem")
        gateway.wait_served(name, tls=True, context=shown)
        with pytest.raises(httpx.TransportError):
            gateway.request(name, tls=True, context=trusting(authority()))


def test_a_host_that_asks_more_of_clients_is_never_served_by_one_with_a_wider_name(
    gateway: Gateway, red: HttpUpstream
) -> None:
    name, tls = "strict.wider.test", trusting(authority())
    pair, clients = authority().sign("*.wider.test"), authority("Clients").pair
    wide = tls_secret("wider", pair.certificate, pair.key) + mapping("wider", "*.wider.test", red.service)
    wide += host("wider", "*.wider.test", insecure="Route", tlsSecret={"name": "wider"})
    wide += host("strict", name, insecure="Route", tlsSecret={"name": "wider"}, tlsContext={"name": "strict"})
    wide += an_object("TLSContext", "strict", {"ca_secret": "strict-ca", "cert_required": True})
    with gateway.applied("wider", wide + tls_secret("strict-ca", clients.certificate, b"")):
        gateway.wait_served("other.wider.test", tls=True, context=tls)
        wait_until(
            lambda: gateway.request(name, tls=True, sni="other.wider.test", context=tls).status_code == 421,
            what="an answer that the connection is for another name",
        )
        gateway.apply("wider", wide)
        gateway.wait_served(name, status=404)
        assert gateway.request(name, tls=True, sni=name, context=tls).status_code == 421
        assert gateway.request("other.wider.test", tls=True, context=tls).status_code == 200


def test_a_port_or_a_final_dot_in_the_name_leads_round_no_host(gateway: Gateway, red: HttpUpstream) -> None:
    tls, clients = trusting(authority()), authority("Clients").pair
    pair = authority().sign("*.round.test")
    texts = tls_secret("round", pair.certificate, pair.key) + tls_secret("round-ca", clients.certificate, b"")
    texts += an_object("TLSContext", "round", {"ca_secret": "round-ca", "cert_required": True})
    texts += host("round-all", "*", insecure="Route", tlsSecret={"name": "round"})
    texts += host("round-one", "one.round.test", insecure="Route", tlsSecret={"name": "missing"})
    texts += host("round-below", "*.below.round.test", tlsSecret={"name": "round"}, tlsContext={"name": "round"})
    with gateway.applied("round", texts + mapping("round", "*", red.service)):
        gateway.wait_served("other.round.test", tls=True, context=tls)
        for name in ("one.round.test", "a.below.round.test", "A.Below.Round.Test"):
            for spelling in (name, f"{name}:443", f"{name}.", f"{name}.:8443"):
                answer = gateway.request(spelling, tls=True, sni="other.round.test", context=tls)
                assert answer.status_code == 421, spelling
        for spelling in ("one.round.test", "one.round.test:8080", "one.round.test."):
            assert gateway.request(spelling).status_code == 404
        assert gateway.request("other.round.test:8080").status_code == 200
        near = gateway.request("xbelow.round.test:443", tls=True, sni="other.round.test", context=tls)
        assert near.status_code == 200


@pytest.mark.parametrize(
    ("action", "status"), [("Redirect", 301), ("Reject", 404), ("Route", 200)], ids=["redirect", "reject", "route"]
)
def test_the_insecure_action_decides_about_clear_text(
    gateway: Gateway, red: HttpUpstream, action: str, status: int
) -> None:
    name = f"{action.lower()}.insecure.test"
    pair = authority().sign(name)
    acme = mapping(f"acme-{action.lower()}", name, red.service, "/.well-known/acme-challenge/")
    text = secure_host(name, pair, action) + mapping(f"insecure-{action.lower()}", name, red.service) + acme
    with gateway.applied(name, text):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        response = gateway.wait_served(name, "/x", status=status)
        assert response.headers.get("location") == (f"https://{name}/x" if action == "Redirect" else None)
        assert gateway.request(name, "/.well-known/acme-challenge/token").status_code == 200


def test_a_client_cannot_claim_to_have_come_by_tls(gateway: Gateway, red: HttpUpstream) -> None:
    name = "claim.test"
    with gateway.applied(name, secure_host(name, authority().sign(name)) + mapping("claim", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert gateway.request(name, headers={"x-forwarded-proto": "https"}).status_code == 301


def test_tls_to_the_backend(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = "origination.test"
    pair = authority("Backends").sign("backend.test")
    folder = tmp_path_factory.mktemp("origination")
    (folder / "server.pem").write_bytes(pair.certificate + pair.key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    with HttpUpstream("secure", tls=tls) as upstream:
        texts = tls_secret("backends", authority("Backends").pair.certificate, b"")
        texts += tls_secret("strangers", authority("Strangers").pair.certificate, b"")
        texts += an_object("TLSContext", "verifying", {"ca_secret": "backends", "sni": "backend.test"})
        texts += an_object("TLSContext", "distrusting", {"ca_secret": "strangers", "sni": "backend.test"})
        texts += mapping("plain-tls", name, f"https://{upstream.service}", "/plain/")
        texts += mapping("verified", name, f"https://{upstream.service}", "/verified/", tls="verifying")
        texts += mapping("distrusted", name, f"https://{upstream.service}", "/distrusted/", tls="distrusting")
        with gateway.applied(name, host(name, name) + texts):
            assert gateway.wait_served(name, "/plain/").json()["upstream"] == "secure"
            assert gateway.wait_served(name, "/verified/").json()["upstream"] == "secure"
            assert gateway.request(name, "/distrusted/").status_code == 503
