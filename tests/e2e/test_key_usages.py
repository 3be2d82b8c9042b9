"""Certificates that look right and fail: RSA keys that may not sign, as OpenSSL's clients take them and Envoy does not.

What a real Envoy does is the claim here, so that the words of the warning stay true: a new Envoy may be stricter.
"""

import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.certificates import Pair, authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

ENCIPHERS_ONLY = x509.KeyUsage(False, False, True, False, False, False, False, False, False)
KEY_EXCHANGE = "AES128-GCM-SHA256"
"""TLS 1.2 in which the client encrypts a secret with the server's key, and nobody signs."""

LOG = "LINE %REQ(X-CASE)% %RESPONSE_CODE% %RESPONSE_FLAGS% [%UPSTREAM_TRANSPORT_FAILURE_REASON%]"
REASON = "KEY_USAGE_BIT_INCORRECT"
WARNING = "names the Secret default/odd: data[tls.crt]: has a key usage without digitalSignature"


@pytest.fixture(scope="module")
def odd() -> Pair:
    key = rsa.generate_private_key(65537, 2048)
    return authority().sign("odd.test", key=key, key_usage=ENCIPHERS_ONLY)


@pytest.fixture(scope="module")
def logging(gateway: Gateway, odd: Pair) -> Iterator[Gateway]:
    module = {"config": {"envoy_log_type": "text", "envoy_log_format": LOG}}
    texts = an_object("Module", "ambassador", module) + tls_secret("odd", odd.certificate, odd.key)
    texts += an_object("TLSContext", "exchange", {"max_tls_version": "v1.2", "cipher_suites": [KEY_EXCHANGE]})
    with gateway.applied("key-usages", texts):
        yield gateway


def logged(gateway: Gateway, case: str) -> str:
    """The line of the access log of a request with this `x-case`."""
    pattern = re.compile(rf"^LINE {case} .*$", re.MULTILINE)
    return wait_until(lambda: pattern.findall(gateway.log()), what=f"the access log of {case}")[-1]


def failed_handshakes(gateway: Gateway) -> int:
    """As the gateway's metrics count them, at all listeners."""
    lines = gateway.diagnostics("/metrics").text.splitlines()
    return sum(int(line.rpartition(" ")[2]) for line in lines if line.startswith("envoy_listener_ssl_connection_error"))


def server(folder: Path, pair: Pair, *, exchange: bool = False, trusts: bytes = b"") -> HttpUpstream:
    """A service that speaks TLS by OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair.write(folder, "server"))
    if exchange:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{KEY_EXCHANGE}:@SECLEVEL=0")
    if trusts:
        context.load_verify_locations(cadata=trusts.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    return HttpUpstream("odd", tls=context)


def test_a_host_is_warned_of_it_and_served_to_clients_that_do_not_look(
    logging: Gateway, odd: Pair, red: HttpUpstream
) -> None:
    """Demand 8: OpenSSL takes such a certificate; an Envoy in front of the gateway answers 503 with the reason."""
    front = f"https://127.0.0.1:{logging.https_port}"
    exchange = {"cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256", KEY_EXCHANGE]}
    asking = {"max_tls_version": "v1.2", "cipher_suites": [KEY_EXCHANGE]}
    texts = an_object("TLSContext", "both", exchange)
    texts += host("odd", "odd.test", tlsSecret={"name": "odd"}, tlsContext={"name": "both"})
    texts += mapping("odd", "odd.test", red.service) + host("fronting", "fronting.test")
    for name, settings in {"newest": {}, "older": {"max_tls_version": "v1.2"}, "exchanged": asking}.items():
        texts += an_object("TLSContext", name, {"sni": "odd.test", **settings})
        texts += mapping(name, "fronting.test", front, f"/{name}/", tls=name, host_rewrite="odd.test")
    with logging.applied("odd-host", texts):
        assert logging.wait_served("odd.test", tls=True, context=trusting(authority())).json()["upstream"] == "red"
        wait_until(lambda: WARNING in logging.log(), what="the Host warned")
        logging.wait_served("fronting.test", "/exchanged/")
        for name in ("newest", "older"):
            answer = logging.wait_served("fronting.test", f"/{name}/", status=503, headers={"x-case": name})
            assert answer.status_code == 503
            assert logged(logging, name).startswith(f"LINE {name} 503 UF [TLS_error:")
            assert REASON in logged(logging, name)


def test_the_access_log_says_why_a_service_with_it_is_not_reached(logging: Gateway, odd: Pair, tmp_path: Path) -> None:
    with ExitStack() as stack:
        strict = stack.enter_context(server(tmp_path, odd))
        exchanging = stack.enter_context(server(tmp_path, odd, exchange=True))
        texts = host("odd-services", "odd-services.test")
        texts += mapping("odd-strict", "odd-services.test", f"https://{strict.service}", "/strict/")
        texts += mapping(
            "odd-exchanging", "odd-services.test", f"https://{exchanging.service}", "/exchanging/", tls="exchange"
        )
        with logging.applied("odd-services", texts):
            logging.wait_served("odd-services.test", "/exchanging/")
            logging.wait_served("odd-services.test", "/strict/", status=503, headers={"x-case": "strict"})
            assert REASON in logged(logging, "strict")


def test_the_access_log_says_that_a_services_certificate_is_of_another_ca(logging: Gateway, tmp_path: Path) -> None:
    other = authority("Another")
    with server(tmp_path, authority().sign("fine.test")) as upstream:
        texts = host("other-ca", "other-ca.test") + tls_secret("other-ca", other.pair.certificate, b"")
        texts += an_object("TLSContext", "other-ca", {"ca_secret": "other-ca"})
        texts += mapping("other-ca", "other-ca.test", f"https://{upstream.service}", tls="other-ca")
        with logging.applied("other-ca", texts):
            logging.wait_served("other-ca.test", status=503, headers={"x-case": "other"})
            assert "503 UF [TLS_error:" in logged(logging, "other")
            assert "CERTIFICATE_VERIFY_FAILED" in logged(logging, "other")


def test_it_is_no_clients_certificate_for_a_service_and_its_context_is_warned(
    logging: Gateway, odd: Pair, tmp_path: Path
) -> None:
    """The log has no reason then: it is the service that ends the connection."""
    with server(tmp_path, authority().sign("fine.test"), trusts=authority().pair.certificate) as upstream:
        texts = host("odd-client", "odd-client.test") + an_object("TLSContext", "odd-client", {"secret": "odd"})
        texts += mapping("odd-client", "odd-client.test", f"https://{upstream.service}", tls="odd-client")
        with logging.applied("odd-client", texts):
            answer = logging.wait_served("odd-client.test", status=503, headers={"x-case": "client"})
            assert answer.status_code == 503
            assert upstream.seen == []
            assert re.search(r"LINE client 503 U[CF] \[-\]", logged(logging, "client"))
            wait_until(lambda: re.search(f"TLSContext/default/odd-client.*{re.escape(WARNING)}", logging.log()))


def test_a_ca_that_says_it_is_not_trusted_for_clients_refuses_all_and_is_told(
    logging: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    name, ca = "distrusting.test", authority("Distrusted")
    ca.pair.write(tmp_path, "ca")
    options = ["-in", str(tmp_path / "ca.crt"), "-trustout", "-addreject", "clientAuth"]
    made = subprocess.run(["openssl", "x509", *options], capture_output=True, check=True).stdout
    pair = authority().sign(name)
    member = trusting(authority())
    member.load_cert_chain(*ca.client("member").write(tmp_path, "member"))

    def texts(trusted: bytes) -> str:
        secrets = tls_secret("distrusting", pair.certificate, pair.key) + tls_secret("distrusted", trusted, b"")
        tls = {"ca_secret": "distrusted", "cert_required": True}
        served = host("distrusting", name, tlsSecret={"name": "distrusting"}, tls=tls)
        return secrets + served + mapping("distrusting", name, red.service)

    with logging.applied("distrusting", texts(ca.pair.certificate)):
        logging.wait_served(name, tls=True, context=member)
        logging.apply("distrusting", texts(made))
        said = "names the Secret default/distrusted: data[tls.crt]: block 1 (TRUSTED CERTIFICATE) says that it is not"
        wait_until(lambda: f"{said} trusted for clientAuth" in logging.log(), what="the Host warned")

        def is_refused() -> bool:
            try:
                logging.request(name, tls=True, context=member)
            except httpx.TransportError:
                return True
            return False

        wait_until(is_refused, what="the client refused")


def test_a_client_that_shows_it_is_refused(logging: Gateway, odd: Pair, red: HttpUpstream, tmp_path: Path) -> None:
    pair, ca = authority().sign("wanting.test"), authority().pair
    context = trusting(authority())
    texts = tls_secret("wanting", pair.certificate, pair.key) + tls_secret("clients", ca.certificate, b"")
    texts += an_object("TLSContext", "wanting", {"ca_secret": "clients", "cert_required": True})
    texts += host("wanting", "wanting.test", tlsSecret={"name": "wanting"}, tlsContext={"name": "wanting"})
    texts += mapping("wanting", "wanting.test", red.service)
    with logging.applied("wanting", texts):
        good = trusting(authority())
        good.load_cert_chain(*authority().client("good").write(tmp_path, "good"))
        logging.wait_served("wanting.test", tls=True, context=good)
        context.load_cert_chain(*odd.write(tmp_path, "odd"))
        before = failed_handshakes(logging)
        with pytest.raises(httpx.TransportError, match=r"(?i)illegal.parameter|unsupported.certificate"):
            logging.request("wanting.test", tls=True, context=context, headers={"x-case": "stranger"})
        wait_until(lambda: failed_handshakes(logging) > before, what="it counted")
        assert "LINE stranger" not in logging.log()
