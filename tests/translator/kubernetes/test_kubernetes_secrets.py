"""Secrets with certificates: what Envoy would refuse is told before Envoy sees it, and nothing else is."""

import base64
import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.certificates import Pair
from tests.translator.emissary.world import World
from tests.translator.kubernetes.der_corpus import der_of, name, pem_of, with_field
from tests.translator.kubernetes.key_corpus import numbers
from tests.translator.kubernetes.odd_certificates import RSASSA_PSS, SECP160R1, SPELLED_OUT, UNKNOWN_KEY
from translator.decode import Problem
from translator.kubernetes.boringssl import WITHOUT_SIGNATURE, shown_chain
from translator.kubernetes.pem import read_pem
from translator.kubernetes.secret import MOST_BYTES, certificate_of

P256 = ec.generate_private_key(ec.SECP256R1())
SMALL = rsa.generate_private_key(65537, 1024)
SIGNS_ONLY = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
ENCIPHERS_ONLY = x509.KeyUsage(False, False, True, False, False, False, False, False, False)
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


def distrusted(certificate: bytes, use: str) -> bytes:
    """A certificate that says that it is not to be trusted for a use, as `openssl x509 -addreject` writes it."""
    identifier = bytes.fromhex(use)
    refused = bytes([0xA0, len(identifier) + 2, 0x06, len(identifier)]) + identifier
    made = der_of(certificate) + bytes([0x30, len(refused)]) + refused
    return pem_of(made).replace(b" CERTIFICATE-", b" TRUSTED CERTIFICATE-")


def chained(first: Pair, text: bytes) -> Pair:
    return Pair(first.certificate + text, first.key)


GOOD = pair(P256)
CUT_OFF = GOOD.certificate[:200]
INDENTED = GOOD.certificate.replace(b"\n", b"\n  ")
BOM = b"\xef\xbb\xbf"
OTHER = pair(ec.generate_private_key(ec.SECP256R1()))
LOCKED = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))

TAKEN = {
    "RSA 2048": pair(rsa.generate_private_key(65537, 2048)),
    "P-256": GOOD,
    "P-384": pair(ec.generate_private_key(ec.SECP384R1())),
    "P-521": pair(ec.generate_private_key(ec.SECP521R1())),
    "Ed25519": pair(ed25519.Ed25519PrivateKey.generate()),
    "RSA with an exponent of 33 bits": numbers(2048, 2**32 + 15).pair(),
    "signed with a small RSA key": chained(pair(P256, signer=SMALL), pair(SMALL).certificate),
    "a comment before": Pair(b"subject=CN\n" + GOOD.certificate, GOOD.key),
    "a comment after": chained(GOOD, b"hello"),
    "a key beside": chained(GOOD, GOOD.key),
    "the lines of Windows": Pair(GOOD.certificate.replace(b"\n", b"\r\n"), GOOD.key.replace(b"\n", b"\r\n")),
    "no last line end": Pair(GOOD.certificate.strip(), GOOD.key.strip()),
    "a commented one after a mark": chained(GOOD, BOM + b"# " + GOOD.certificate.replace(b"\n", b"\n# ")),
    "a commented one after": chained(GOOD, b"# " + GOOD.certificate.replace(b"\n", b"\n# ")),
    "a name that is not printable": Pair(with_field(GOOD.certificate, "subject", name(b"*.x.test", 0x13)), GOOD.key),
}
TRUSTED = OTHER.certificate.replace(b" CERTIFICATE-", b" TRUSTED CERTIFICATE-")
PASSED = (
    "block 2 (TRUSTED CERTIFICATE) is passed over, and peers miss it: behind the first one it must be a CERTIFICATE"
)
DISTRUSTED = "block 1 (TRUSTED CERTIFICATE) says that it is not trusted for"
REMARKED = {
    "RSA that may only sign certificates": (
        pair(rsa.generate_private_key(65537, 2048), SIGNS_ONLY),
        f"data[tls.crt]: {WITHOUT_SIGNATURE}",
    ),
    "RSA that may only encipher keys": (
        pair(rsa.generate_private_key(65537, 2048), ENCIPHERS_ONLY),
        f"data[tls.crt]: {WITHOUT_SIGNATURE}",
    ),
    "a trusted one behind the first": (
        chained(GOOD, TRUSTED),
        f"data[tls.crt]: {PASSED}",
    ),
}
"""What Envoy shows, and its peers may not take, or may miss."""
REFUSED = {
    "RSA 1024": (pair(SMALL), "has an RSA key of 1024 bits"),
    "RSA with a large exponent": (numbers(2048, 2**33 + 17).pair(), "a public exponent that is too large"),
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
    "joined on one line": (Pair(GOOD.certificate.strip() * 2, GOOD.key), "with text behind it"),
    "text behind END": (Pair(GOOD.certificate.strip() + b" x", GOOD.key), "with text behind it"),
    "headers": (Pair(GOOD.certificate.replace(b"-----\n", b"-----\nA: b\n\n", 1), GOOD.key), "has headers"),
    "no base64": (Pair(GOOD.certificate.replace(b"M", b"!"), GOOD.key), "is not base64"),
    "an empty block": (chained(GOOD, b"-----BEGIN A-----\n-----END A-----\n"), "block 2 (A) is empty"),
    "another certificate's key": (Pair(GOOD.certificate, OTHER.key), "does not belong to the first certificate"),
    "the issuer first": (Pair(OTHER.certificate + GOOD.certificate, GOOD.key), "does not belong to the first"),
    "an encrypted key": (Pair(GOOD.certificate, LOCKED), "is encrypted with a password"),
    "RSA 8200": (numbers(8200).pair(), "has an RSA key of 8200 bits"),
    "RSA whose numbers are no key": (replace(numbers(2048), iqmp=5).pair(), "numbers do not belong together"),
    "a mark before": (Pair(BOM + GOOD.certificate, GOOD.key), "has a byte order mark before a BEGIN (CERTIFICATE)"),
    "a mark before the key": (Pair(GOOD.certificate, BOM + GOOD.key), "holds no private key in PEM"),
}


PASSED_OVER = {
    "a mark before the second": BOM + OTHER.certificate,
    "a blank before the second": b" " + OTHER.certificate,
    "the second indented": b"  " + INDENTED,
    "a blank of another width before the second": "\u00a0\u200b".encode() + OTHER.certificate,
}
"""What Envoy takes for a comment, and nobody can have meant as one: certificates behind the first."""


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


@pytest.mark.parametrize(("made", "said"), REMARKED.values(), ids=REMARKED)
def test_what_peers_stumble_over_is_told_and_served(made: Pair, said: str) -> None:
    """Demand 8: such certificates look right, and handshakes fail without a word."""
    world = World()
    world.secret("tls", made=made)
    named = world.host("a", "x.test", tlsSecret={"name": "tls"})
    context = world.put("TLSContext", "b", {"secret": "tls"})
    told = f"warning: names the Secret default/tls: {said}"
    assert world.problems(named)["spec.tlsSecret"] == told
    assert world.problems(context)["spec.secret"] == told


def test_a_ca_that_says_it_is_not_trusted_for_clients_is_told_where_it_is_named() -> None:
    """Envoy refuses all that it signed: asked in tests/e2e/test_key_usages.py."""
    world = World()
    world.secret_of("ca", {"tls.crt": distrusted(GOOD.certificate, "2b06010505070302")})
    said = f"data[tls.crt]: {DISTRUSTED} clientAuth: what it signed is refused there"
    told = {"spec.ca_secret": f"warning: names the Secret default/ca: {said}"}
    assert world.problems(world.put("TLSContext", "b", {"ca_secret": "ca"})) == told
    world.secret_of("ca", {"tls.crt": distrusted(GOOD.certificate, "2b06010505070303")})
    assert world.problems("getambassador.io/TLSContext/default/b") == {}


def test_a_ca_may_be_what_no_peer_is_shown() -> None:
    world = World()
    world.secret("tls", made=REMARKED["RSA that may only encipher keys"][0])
    assert world.problems(world.put("TLSContext", "b", {"ca_secret": "tls"})) == {}


@pytest.mark.parametrize("text", PASSED_OVER.values(), ids=PASSED_OVER)
def test_a_certificate_that_envoy_would_pass_over_in_silence_is_told(text: bytes) -> None:
    """Clients would miss it in the chain, and whoever it vouches for would be refused."""
    said = "before a BEGIN (CERTIFICATE), which must be at the beginning of its line"
    assert said in told(chained(GOOD, text))
    found = certificate_of(secret({"ca.crt": GOOD.certificate + text}))
    assert found is not None
    assert said in (found.problem or "")


@pytest.mark.parametrize(
    ("text", "said"), [(RSASSA_PSS, "RSASSA-PSS"), (SPELLED_OUT, "curve is spelled out")], ids=["PSS", "spelled out"]
)
def test_keys_of_rare_sorts_are_told(text: bytes, said: str) -> None:
    assert said in str(shown_chain(read_pem(text)))


@pytest.mark.parametrize("made", [pair(SMALL), pair(P256, SIGNS_ONLY)], ids=["RSA 1024", "may only sign certificates"])
def test_what_cannot_be_shown_may_still_be_a_ca(made: Pair) -> None:
    world = World()
    world.secret("tls", made=GOOD)
    world.secret("clients", made=made)
    key = world.host("a", "x.test", tlsSecret={"name": "tls"}, tls={"ca_secret": "clients", "cert_required": True})
    assert not any(path.startswith(("spec.tls", "spec.tlsSecret")) for path in world.problems(key))


@pytest.mark.parametrize("text", [CUT_OFF, BOM + GOOD.certificate, INDENTED], ids=["cut off", "a mark", "indented"])
def test_a_ca_that_envoy_refuses_is_told(text: bytes) -> None:
    found = certificate_of(secret({"ca.crt": text}))
    assert found is not None
    assert found.problem


def secret(data: Mapping[str, bytes]) -> dict[str, Any]:
    return {"data": {entry: base64.b64encode(value).decode() for entry, value in data.items()}}


def test_a_problem_names_the_data_key_that_it_is_in() -> None:
    for chain, key in (("tls.crt", "tls.key"), ("cert-chain.pem", "key.pem"), ("tls.crt", "user.key")):
        found = certificate_of(secret({chain: GOOD.certificate, key: OTHER.key}))
        assert found is not None
        assert found.unfit == f"data[{key}]: does not belong to the first certificate of {chain}"
    for ca in ("root-cert.pem", "ca.crt"):
        found = certificate_of(secret({"tls.crt": GOOD.certificate, "tls.key": GOOD.key, ca: CUT_OFF}))
        assert found is not None
        assert str(found.problem).startswith(f"data[{ca}]: block 1 (CERTIFICATE) does not end")


def test_a_ca_whose_key_is_locked_away_is_still_a_ca() -> None:
    world = World()
    world.secret("tls", made=GOOD)
    clients = world.secret("clients", made=Pair(GOOD.certificate, LOCKED))
    key = world.host("a", "x.test", tlsSecret={"name": "tls"}, tls={"ca_secret": "clients", "cert_required": True})
    assert not any(path.startswith(("spec.tls", "spec.tlsSecret")) for path in world.problems(key))
    (problem,) = [each for table in world.kubernetes.problems for each in table.view().get(clients, ())]
    assert problem == Problem("data[tls.key]", "is encrypted with a password; store it without one", stops=False)


def test_what_can_be_shown_but_not_be_a_ca_stops_only_who_wants_a_ca() -> None:
    """Envoy skips a key behind a certificate that is shown, and reads it behind a CA."""
    broken_key = pem_of(b"hello", b"RSA PRIVATE KEY")
    world = World()
    world.secret("tls", made=chained(GOOD, broken_key))
    assert "spec.tlsSecret" not in world.problems(world.host("a", "x.test", tlsSecret={"name": "tls"}))
    wants = world.host("b", "y.test", tlsSecret={"name": "tls"}, tls={"ca_secret": "tls"})
    assert "holds no private key" in world.problems(wants)["spec.tls.ca_secret"]


def test_a_secret_larger_than_kubernetes_allows_is_not_read() -> None:
    comment = b"# %s\n" % (b"x" * 60)
    for size, said in ((MOST_BYTES, None), (2 * MOST_BYTES, "data: is larger than 1 MiB")):
        text = comment * ((size - len(GOOD.certificate)) // len(comment)) + GOOD.certificate
        found = certificate_of(secret({"ca.crt": text}))
        assert found is not None
        assert str(found.problem).startswith(said) if said else found.problem is None


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"data": "text"}, "data: must be a mapping, not a string"),
        ({"data": ["tls.crt"]}, "data: must be a mapping, not a list"),
        ({"data": {"tls.crt": 7}}, 'data["tls.crt"]: must be a string, not an integer'),
        ({"data": {"tls.crt": None}}, None),
        ({"stringData": {"tls.crt": {}}}, 'stringData["tls.crt"]: must be a string, not a mapping'),
        ({"data": {"tls.crt": "\ud800"}}, "data[tls.crt]: must be base64"),
        ({"data": {"tls.crt": "AAA"}}, "data[tls.crt]: must be base64"),
        ({"data": None, "stringData": None}, None),
        ({}, None),
    ],
)
def test_secrets_of_a_wrong_shape_are_told(document: dict[str, Any], problem: str | None) -> None:
    found = certificate_of(document)
    assert (found.problem if found else None) == problem


EDITS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=4)


@settings(max_examples=300)
@given(
    text=st.sampled_from([GOOD.certificate, GOOD.key, LOCKED, numbers(2048).pair().key, SECP160R1, SPELLED_OUT]),
    entry=st.sampled_from(["tls.crt", "tls.key", "ca.crt"]),
    edits=EDITS,
    is_der=st.booleans(),
)
def test_no_text_whatever_makes_the_reader_fail(
    text: bytes, entry: str, edits: list[tuple[int, int, bytes]], is_der: bool
) -> None:
    """What is wrong is a problem of the Secret; anything else would be a bug of ours, told of nobody's object."""
    label = text.split(b"-----")[1].removeprefix(b"BEGIN ")
    written = der_of(text) if is_der else text
    for place, length, inserted in edits:
        at = place % (len(written) + 1)
        written = written[:at] + inserted + written[at + length :]
    data = {"tls.crt": GOOD.certificate, "tls.key": GOOD.key, entry: pem_of(written, label) if is_der else written}
    found = certificate_of(secret(data))
    assert found is None or found.problem or found.unfit or found.has_certificate or found.has_ca
