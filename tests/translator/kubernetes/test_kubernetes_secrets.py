"""Secrets with certificates: what Envoy would refuse is told before Envoy sees it, and nothing else is."""

import base64
import datetime as dt
import json
import math
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.certificates import Pair
from tests.support.envoy import envoy_path
from tests.translator.emissary.world import World
from tests.translator.kubernetes.odd_certificates import RSASSA_PSS, SECP160R1, SPELLED_OUT, UNKNOWN_KEY
from translator.kubernetes.boringssl import unfitness_of
from translator.kubernetes.secret import certificate_of

P256 = ec.generate_private_key(ec.SECP256R1())
SMALL = rsa.generate_private_key(65537, 1024)
SIGNS_ONLY = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
MUST_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])


def pair(key: Key, *extensions: x509.ExtensionType, signer: Key | None = None) -> Pair:
    """A certificate with this key, and whatever is to be tried with it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x.test")])
    now, signer = dt.datetime.now(dt.UTC), signer or key
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    is_eddsa = isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    made = builder.sign(signer, None if is_eddsa else hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(made.public_bytes(Encoding.PEM), private)


def with_exponent(exponent: int) -> rsa.RSAPrivateKey:
    """An RSA key with this public exponent, or the next that can be."""
    given = rsa.generate_private_key(65537, 2048).private_numbers()
    p, q = given.p, given.q
    while math.gcd(exponent, (p - 1) * (q - 1)) != 1:
        exponent += 2
    d = pow(exponent, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), given.iqmp, public).private_key()


def chained(first: Pair, text: bytes) -> Pair:
    return Pair(first.certificate + text, first.key)


GOOD = pair(P256)
CUT_OFF = GOOD.certificate[:200]
INDENTED = GOOD.certificate.replace(b"\n", b"\n  ")
BOM = b"\xef\xbb\xbf"

TAKEN = {
    "RSA 2048": pair(rsa.generate_private_key(65537, 2048)),
    "P-256": GOOD,
    "P-384": pair(ec.generate_private_key(ec.SECP384R1())),
    "P-521": pair(ec.generate_private_key(ec.SECP521R1())),
    "Ed25519": pair(ed25519.Ed25519PrivateKey.generate()),
    "RSA with an exponent of 33 bits": pair(with_exponent(2**32 + 1)),
    "RSA that may only sign certificates": pair(rsa.generate_private_key(65537, 2048), SIGNS_ONLY),
    "signed with a small RSA key": chained(pair(P256, signer=SMALL), pair(SMALL).certificate),
    "a comment before": Pair(b"subject=CN\n" + GOOD.certificate, GOOD.key),
    "a comment after": chained(GOOD, b"hello"),
    "a key beside": chained(GOOD, GOOD.key),
    "the lines of Windows": Pair(GOOD.certificate.replace(b"\n", b"\r\n"), GOOD.key.replace(b"\n", b"\r\n")),
    "no last line end": Pair(GOOD.certificate.strip(), GOOD.key.strip()),
    "an indented one after": chained(GOOD, b"  " + INDENTED),
}
REFUSED = {
    "RSA 1024": (pair(SMALL), "has an RSA key of 1024 bits"),
    "RSA with a large exponent": (pair(with_exponent(2**33 + 1)), "a public exponent that is too large"),
    "P-224": (pair(ec.generate_private_key(ec.SECP224R1())), "on the curve secp224r1"),
    "secp256k1": (pair(ec.generate_private_key(ec.SECP256K1())), "on the curve secp256k1"),
    "Ed448": (pair(ed448.Ed448PrivateKey.generate()), "a key of a sort that Envoy does not take"),
    "DSA": (pair(dsa.generate_private_key(1024)), "a key of a sort that Envoy does not take"),
    "EC that may only sign certificates": (pair(P256, SIGNS_ONLY), "without digitalSignature"),
    "must-staple": (pair(P256, MUST_STAPLE), "must-staple"),
    "a curve that we do not know": (Pair(SECP160R1, GOOD.key), "a key of a sort that Envoy does not take"),
    "a key that we do not know": (Pair(GOOD.certificate, UNKNOWN_KEY), "holds no private key in PEM"),
    "cut off": (chained(GOOD, CUT_OFF), "does not end"),
    "another block cut off": (chained(GOOD, GOOD.key[:60]), "does not end"),
    "indented": (Pair(INDENTED, GOOD.key), "does not end"),
    "a mark before": (Pair(BOM + GOOD.certificate, GOOD.key), "holds no certificate in PEM"),
    "a mark before the key": (Pair(GOOD.certificate, BOM + GOOD.key), "holds no private key in PEM"),
}


def told(made: Pair) -> str:
    """Why a Host cannot have this certificate; empty when it can."""
    world = World()
    world.secret("tls", made=made)
    return world.problems(world.host("a", "x.test", tlsSecret={"name": "tls"})).get("spec.tlsSecret", "")


@pytest.mark.parametrize("made", TAKEN.values(), ids=TAKEN)
def test_what_envoy_takes_is_served(made: Pair) -> None:
    assert told(made) == ""


@pytest.mark.parametrize(("made", "said"), REFUSED.values(), ids=REFUSED)
def test_what_envoy_refuses_is_told_with_the_secret_and_the_fault(made: Pair, said: str) -> None:
    assert told(made).startswith("names the Secret default/tls, which cannot be used: data[tls.")
    assert said in told(made)


@pytest.mark.parametrize(
    ("text", "said"), [(RSASSA_PSS, "RSASSA-PSS"), (SPELLED_OUT, "curve is spelled out")], ids=["PSS", "spelled out"]
)
def test_keys_of_rare_sorts_are_told(text: bytes, said: str) -> None:
    assert said in (unfitness_of(x509.load_pem_x509_certificate(text)) or "")


@pytest.mark.parametrize("made", [pair(SMALL), pair(P256, SIGNS_ONLY)], ids=["RSA 1024", "may only sign certificates"])
def test_what_cannot_be_shown_may_still_be_a_ca(made: Pair) -> None:
    world = World()
    world.secret("tls", made=GOOD)
    world.secret("clients", made=made)
    key = world.host("a", "x.test", tlsSecret={"name": "tls"}, tls={"ca_secret": "clients", "cert_required": True})
    assert not any(path.startswith(("spec.tls", "spec.tlsSecret")) for path in world.problems(key))


@pytest.mark.parametrize("text", [CUT_OFF, BOM + GOOD.certificate, INDENTED], ids=["cut off", "a mark", "indented"])
def test_a_ca_that_envoy_refuses_is_told(text: bytes) -> None:
    found = certificate_of({"data": {"ca.crt": base64.b64encode(text).decode()}})
    assert found is not None
    assert found.problem


@pytest.mark.envoy
def test_envoy_takes_what_we_take_and_refuses_what_we_refuse(tmp_path: Path) -> None:
    assert {name for name, made in TAKEN.items() if is_refused(made, tmp_path)} == set()
    assert {name for name, (made, _) in REFUSED.items() if not is_refused(made, tmp_path)} == set()


def is_refused(made: Pair, folder: Path) -> bool:
    """Whether Envoy itself refuses to show a certificate to clients."""
    types = "type.googleapis.com/envoy.extensions"
    texts = {"certificate_chain": made.certificate, "private_key": made.key}
    inline = {name: {"inline_bytes": base64.b64encode(text).decode()} for name, text in texts.items()}
    tls = {
        "@type": f"{types}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_certificates": [inline]},
    }
    proxy = {"@type": f"{types}.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "a", "cluster": "a"}
    filters = [{"name": "tcp", "typed_config": proxy}]
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": filters, "transport_socket": {"name": "tls", "typed_config": tls}}],
    }
    path = folder / "envoy.json"
    path.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [{"name": "a"}]}}))
    command = [envoy_path(), "--mode", "validate", "-l", "critical", "-c", str(path)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0
