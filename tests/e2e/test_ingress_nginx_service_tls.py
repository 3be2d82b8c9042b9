"""TLS with services by the annotations of ingress-nginx: what they are shown, and who is not asked."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import authority, two_authorities
from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, rule, told
from tests.support.objects import tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


ROOT, BELOW = two_authorities("Chained")


def _server(folder: Path, name: str) -> ssl.SSLContext:
    """TLS of a service of this name, and the names that it was asked for."""
    pair = (BELOW if name == "chained" else authority("Backends")).sign(f"{name}.test")
    between = BELOW.pair.certificate if name == "chained" else b""
    (folder / f"{name}.pem").write_bytes(pair.certificate + between + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")

    def note(ssl_object: ssl.SSLObject, asked_for: str | None, _: ssl.SSLContext) -> None:
        ssl_object.asked_for = asked_for  # type: ignore[attr-defined]

    context.set_servername_callback(note)  # type: ignore[arg-type]
    return context


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpUpstream]:
    with HttpUpstream("secure", tls=_server(tmp_path_factory.mktemp("secure"), "secure")) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpUpstream]:
    """A service between whose certificate and the CA there is another CA."""
    with HttpUpstream("chained", tls=_server(tmp_path_factory.mktemp("chained"), "chained")) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def choosy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpUpstream]:
    """A service that answers who shows a certificate of a CA, and nobody else."""
    folder = tmp_path_factory.mktemp("choosy")
    context = _server(folder, "choosy")
    context.verify_mode = ssl.CERT_REQUIRED
    (folder / "ca.pem").write_bytes(authority("Gateways").pair.certificate)
    context.load_verify_locations(folder / "ca.pem")
    with HttpUpstream("choosy", tls=context) as upstream:
        yield upstream


def one(name: str, to: str = "secure", **nginx: str) -> str:
    """An Ingress for the host of its name, spoken with by TLS; in the names of annotations `_` stands for `-`."""
    said = {"backend-protocol": "HTTPS", **{key.replace("_", "-"): value for key, value in nginx.items()}}
    return ingress(name, rule(f"{name}.test", path("/", to)), nginx=said)


def _secrets() -> str:
    shown = authority("Gateways").client("gateway")
    strange = authority("Strangers").client("gateway")
    ca = authority("Backends").pair.certificate
    only_ca = tls_secret("only-ca", b"", b"", ca_crt=ca).replace("kubernetes.io/tls", "Opaque")
    return (
        tls_secret("shown", shown.certificate, shown.key)
        + tls_secret("strange", strange.certificate, strange.key)
        + tls_secret("both", shown.certificate, shown.key, ca_crt=ca)
        + tls_secret("elsewhere", shown.certificate, shown.key).replace('"default"', '"other"')
        + only_ca
        + tls_secret("root", b"", b"", ca_crt=ROOT).replace("kubernetes.io/tls", "Opaque")
        + tls_secret("wrong-ca", b"", b"", ca_crt=authority("Strangers").pair.certificate).replace(
            "kubernetes.io/tls", "Opaque"
        )
    )


def _ingresses() -> str:
    verifies = {"proxy_ssl_verify": "on", "proxy_ssl_name": "secure.test"}
    return (
        one("nothing-shown", "choosy")
        + one("shown", "choosy", proxy_ssl_secret="default/shown")
        + one("strange", "choosy", proxy_ssl_secret="strange")
        + one("both", "choosy", proxy_ssl_secret="both", proxy_ssl_verify="on", proxy_ssl_name="choosy.test")
        + one("verified", proxy_ssl_secret="only-ca", **verifies)
        + one("deep", "chained", proxy_ssl_secret="root", proxy_ssl_verify="on", proxy_ssl_name="chained.test")
        + one("other-ca", proxy_ssl_secret="wrong-ca", **verifies)
        + one("other-name", proxy_ssl_secret="only-ca", proxy_ssl_verify="on", proxy_ssl_name="other.test")
        + one("not-verified", proxy_ssl_secret="wrong-ca", proxy_ssl_verify="off", proxy_ssl_name="secure.test")
        + one("asked-by-name", proxy_ssl_server_name="on", proxy_ssl_name="secure.test")
        + one("older", proxy_ssl_protocols="TLSv1.1 TLSv1.2")
        + one("newer", proxy_ssl_protocols="TLSv1.3")
        + one("any-version", proxy_ssl_protocols="SSLv3", proxy_ssl_ciphers="DEFAULT")
        + one("by-cipher", proxy_ssl_protocols="TLSv1.2", proxy_ssl_ciphers="HIGH:ECDHE-ECDSA-AES256-GCM-SHA384")
        + one("without-secret", **verifies)
        + one("without-name", proxy_ssl_secret="only-ca", proxy_ssl_verify="on")
        + one("without-ca", proxy_ssl_secret="shown", **verifies)
        + one("missing", proxy_ssl_secret="default/missing")
        + one("others", proxy_ssl_secret="other/elsewhere")
        + one("odd-flag", proxy_ssl_secret="only-ca", proxy_ssl_verify="yes", proxy_ssl_name="secure.test")
    )


@pytest.fixture(scope="module")
def served(secure: HttpUpstream, choosy: HttpUpstream, chained: HttpUpstream) -> Iterator[Gateway]:
    made = Gateway(listeners=False, patience=180)
    made.apply("class", ingress_class())
    services = {"secure": secure, "choosy": choosy, "chained": chained}
    made.apply("services", "".join(backing(name, upstream.port) for name, upstream in services.items()))
    made.apply("secrets", _secrets())
    made.apply("ingresses", _ingresses() + one("open"))
    with made:
        made.wait_served("open.test")
        yield made


def test_services_are_shown_a_certificate(served: Gateway) -> None:
    for name in ("shown", "both"):
        assert served.wait_served(f"{name}.test").json()["upstream"] == "choosy"
    for name in ("nothing-shown", "strange"):
        assert served.request(f"{name}.test").status_code == 503


def test_services_are_verified(served: Gateway, secure: HttpUpstream) -> None:
    for name, by in (("verified", "secure"), ("not-verified", "secure"), ("deep", "chained")):
        assert served.wait_served(f"{name}.test").json()["upstream"] == by
    before = len(secure.seen)
    for name in ("other-ca", "other-name"):
        assert served.request(f"{name}.test").status_code == 503
    assert len(secure.seen) == before


def test_names_in_tls(served: Gateway) -> None:
    for name, sni in (("asked-by-name", "secure.test"), ("verified", None), ("open", None)):
        assert served.wait_served(f"{name}.test").json()["sni"] == sni


def test_versions_and_ciphers(served: Gateway) -> None:
    versions = {"older": "TLSv1.2", "by-cipher": "TLSv1.2", "newer": "TLSv1.3", "any-version": "TLSv1.3"}
    for name, version in versions.items():
        assert served.wait_served(f"{name}.test").json()["tls"] == version
    told(served, "any-version", "SSLv3")
    told(served, "by-cipher", "HIGH")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("without-secret", "wants proxy-ssl-secret"),
        ("without-name", "wants proxy-ssl-name"),
        ("without-ca", "holds no CA with the key ca.crt"),
        ("missing", "default/missing does not exist"),
        ("others", "must be a Secret of the namespace default"),
        ("odd-flag", "must be true or false"),
    ],
)
def test_what_cannot_be_verified_is_not_asked(served: Gateway, secure: HttpUpstream, name: str, said: str) -> None:
    before = len(secure.seen)
    assert served.request(f"{name}.test").status_code == 503
    assert len(secure.seen) == before
    told(served, name, said)
