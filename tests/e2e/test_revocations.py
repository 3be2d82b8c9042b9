"""Certificates that no longer count: those of clients and of services, by lists that change while Envoy serves."""

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.certificates import Authority, Pair, authority, new_authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def revoked(name: str, signer: Authority, *pairs: Pair) -> str:
    """A Secret that revokes these."""
    return tls_secret(name, b"", b"", crl_pem=signer.revoking(*pairs))


def showing(folder: Path, pair: Pair) -> ssl.SSLContext:
    """A client with a certificate."""
    context = trusting(authority())
    (folder / "pair.pem").write_bytes(pair.certificate + pair.key)
    context.load_cert_chain(folder / "pair.pem")
    return context


def is_let_in(gateway: Gateway, name: str, context: ssl.SSLContext) -> bool:
    try:
        return gateway.request(name, tls=True, context=context).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("inline", [False, True], ids=["TLSContext", "tls of a Host"])
def test_a_client_whose_certificate_is_revoked_is_kept_out(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path, *, inline: bool
) -> None:
    name, clients = f"revoked-{inline}.test".lower(), new_authority("Revoking Clients")
    good, bad = clients.sign("good"), clients.sign("bad")
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    trusted, distrusted = showing(tmp_path / "good", good), showing(tmp_path / "bad", bad)
    pair = authority().sign(name)
    strict: dict[str, Any] = {"ca_secret": "crl-ca", "cert_required": True, "crl_secret": "crl"}
    texts = tls_secret("crl-host", pair.certificate, pair.key) + tls_secret("crl-ca", clients.pair.certificate, b"")
    texts += an_object("TLSContext", "crl", strict) + mapping("crl", name, red.service)
    more = {"tls": strict} if inline else {"tlsContext": {"name": "crl"}}
    texts += host("crl", name, tlsSecret={"name": "crl-host"}, **more)
    with gateway.applied("crl", texts), gateway.applied("crl-list", revoked("crl", clients)):
        wait_until(lambda: is_let_in(gateway, name, trusted), what=lambda: f"served; the log: {gateway.log()[-2000:]}")
        assert is_let_in(gateway, name, distrusted)
        gateway.apply("crl-list", revoked("crl", clients, bad))
        wait_until(lambda: not is_let_in(gateway, name, distrusted), what="the revoked one kept out")
        assert is_let_in(gateway, name, trusted)
        gateway.remove("crl-list")
        wait_until(lambda: not is_let_in(gateway, name, trusted), what="nobody let in without the list")


def test_a_service_whose_certificate_is_revoked_is_not_spoken_to(gateway: Gateway, tmp_path: Path) -> None:
    name, signer = "revoked-service.test", new_authority("Revoking Services")
    pair = signer.sign("backend.test")
    (tmp_path / "server.pem").write_bytes(pair.certificate + pair.key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem")
    with HttpUpstream("secure", tls=tls) as upstream:
        texts = tls_secret("service-ca", signer.pair.certificate, b"") + host("revoked-service", name)
        context = {"ca_secret": "service-ca", "crl_secret": "service-crl", "sni": "backend.test"}
        texts += an_object("TLSContext", "revoked-service", context)
        texts += mapping("revoked-service", name, f"https://{upstream.service}", tls="revoked-service")
        with gateway.applied("service", texts), gateway.applied("service-list", revoked("service-crl", signer, pair)):
            gateway.wait_served(name, status=503)
            gateway.apply("service-list", revoked("service-crl", signer))
            gateway.wait_served(name)


def test_a_list_that_cannot_be_read_is_told(gateway: Gateway, red: HttpUpstream) -> None:
    pair = authority().sign("unread.test")
    texts = tls_secret("unread", pair.certificate, pair.key) + tls_secret("unread-ca", pair.certificate, b"")
    texts += tls_secret("unread-crl", b"", b"", crl_pem=pair.certificate)
    strict = {"ca_secret": "unread-ca", "crl_secret": "unread-crl"}
    texts += host("unread", "unread.test", tlsSecret={"name": "unread"}, tls=strict)
    with gateway.applied("unread", texts + mapping("unread", "unread.test", red.service)):
        wait_until(lambda: gateway.diag()["objects"].get("getambassador.io/Host/default/unread"), what="the Host read")
        told = gateway.diag()["objects"]["getambassador.io/Host/default/unread"]["problems"]
        assert [problem["path"] for problem in told] == ["spec.tls.crl_secret"]
        assert "is no list of revoked certificates" in told[0]["message"]
