"""Certificates with keys of many sorts and sizes, made of their parts: RSA keys too whose numbers do not fit together.

The numbers of these RSA keys are no primes, since nobody asks whether they are; so they are made at once, whatever
their size, and none must ever be used.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.certificates import Pair, authority
from tests.translator.kubernetes.der_corpus import INTEGER, OID, SEQUENCE, der_of, pem_of, tlv, with_field

RSA: Final = bytes.fromhex("2a864886f70d010101")
BIT_STRING, OCTET_STRING, NULL = 0x03, 0x04, b"\x05\x00"
LEAF: Final = authority().sign("leaf.test")


@dataclass(frozen=True)
class Numbers:
    """An RSA key."""

    n: int
    e: int
    d: int
    p: int
    q: int
    dmp1: int
    dmq1: int
    iqmp: int

    def pair(self) -> Pair:
        """A certificate with this key, and the key as PKCS#1."""
        public = tlv(SEQUENCE, number(self.n), number(self.e))
        spki = tlv(SEQUENCE, tlv(SEQUENCE, tlv(OID, RSA), NULL), tlv(BIT_STRING, b"\0", public))
        fields = (0, self.n, self.e, self.d, self.p, self.q, self.dmp1, self.dmq1, self.iqmp)
        private = tlv(SEQUENCE, *map(number, fields))
        return Pair(with_field(LEAF.certificate, "key", spki), pem_of(private, b"RSA PRIVATE KEY"))


def number(value: int) -> bytes:
    """A number in DER."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def numbers(bits: int, e: int = 65537) -> Numbers:
    """Numbers that fit together as those of an RSA key of this size."""
    chance = random.Random(bits)
    half = bits // 2
    while True:
        p, q = (chance.getrandbits(size) | 3 << (size - 2) | 1 for size in (bits - half, half))
        if p > q and math.gcd(e, (p - 1) * (q - 1)) == 1 and math.gcd(p, q) == 1 and (p * q).bit_length() == bits:
            d = pow(e, -1, (p - 1) * (q - 1))
            return Numbers(p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))


def sizes() -> dict[str, Pair]:
    """RSA keys by their size."""
    found = (1024, 2040, 2047, 2048, 2049, 3072, 4096, 7680, 8192, 8193, 16384, 16392)
    return {f"RSA {bits}": numbers(bits).pair() for bits in found}


def exponents() -> dict[str, Pair]:
    """RSA keys by their public exponent."""
    return {f"exponent {e}": numbers(2048, e).pair() for e in (3, 17, 257, 65537, 2**32 + 15, 2**33 - 9, 2**33 + 17)}


def inconsistent() -> dict[str, Pair]:
    """RSA keys of which one number is another one than it must be."""
    good = numbers(2048)
    found = {field: replace(good, **{field: getattr(good, field) + 2}) for field in Numbers.__dataclass_fields__}
    found |= {f"{field} 0": replace(good, **{field: 0}) for field in Numbers.__dataclass_fields__}
    found["p and q exchanged"] = replace(good, p=good.q, q=good.p)
    found["p and q exchanged with theirs"] = replace(
        good, p=good.q, q=good.p, dmp1=good.dmq1, dmq1=good.dmp1, iqmp=pow(good.p, -1, good.q)
    )
    found["d reduced"] = replace(good, d=good.d % math.lcm(good.p - 1, good.q - 1))
    found["d larger"] = replace(good, d=good.d + (good.p - 1) * (good.q - 1))
    found["iqmp larger"] = replace(good, iqmp=good.iqmp + good.p)
    return {f"wrong {title}": each.pair() for title, each in found.items()}


Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey


def _keys() -> Iterator[tuple[str, Key | ed448.Ed448PrivateKey | x25519.X25519PrivateKey]]:
    for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1, ec.SECP224R1, ec.SECP256K1, ec.BrainpoolP256R1):
        yield curve.name, ec.generate_private_key(curve())
    yield "Ed25519", ed25519.Ed25519PrivateKey.generate()
    yield "Ed448", ed448.Ed448PrivateKey.generate()
    yield "X25519", x25519.X25519PrivateKey.generate()
    yield "DSA", dsa.generate_private_key(1024)
    yield "RSA", rsa.generate_private_key(65537, 2048)


def sorts() -> dict[str, Pair]:
    """Keys of each sort in each form, under each label; and each with the certificate of another."""
    found: dict[str, Pair] = {}
    for title, key in _keys():
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        certificate = with_field(LEAF.certificate, "key", public)
        forms = {"PKCS#8": PrivateFormat.PKCS8}
        if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey):
            forms["a form of its own"] = PrivateFormat.TraditionalOpenSSL
        for called, form in forms.items():
            der = key.private_bytes(Encoding.DER, form, NoEncryption())
            for label in ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"):
                found[f"{title} as {called} in {label}"] = Pair(certificate, pem_of(der, label.encode()))
        found[f"{title}, another key"] = Pair(certificate, LEAF.key)
        found[f"{title}, another certificate"] = Pair(LEAF.certificate, found[f"{title} as PKCS#8 in PRIVATE KEY"].key)
    return found


def forms() -> dict[str, Pair]:
    """Forms of good keys that are rare, or almost good."""
    key = ec.generate_private_key(ec.SECP256R1())
    good = authority().sign("leaf.test", key=key)
    public = key.public_key()
    compressed = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    full = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = spki[2 : 2 + 2 + spki[3]]
    curve = tlv(OID, bytes.fromhex("2a8648ce3d030107"))
    scalar = tlv(OCTET_STRING, key.private_numbers().private_value.to_bytes(32, "big"))
    version = number(1)
    point, named = tlv(0xA1, tlv(BIT_STRING, b"\0", full)), tlv(0xA0, curve)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    wrong = tlv(0xA1, tlv(BIT_STRING, b"\0", other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)))
    hybrid = tlv(0xA1, tlv(BIT_STRING, b"\0", bytes([6 + (full[-1] & 1)]), full[1:]))
    small = tlv(0xA1, tlv(BIT_STRING, b"\0", compressed))
    plain = {
        "EC of all parts": (version, scalar, named, point),
        "EC without curve": (version, scalar, point),
        "EC without point": (version, scalar, named),
        "EC of the scalar alone": (version, scalar),
        "EC with a small point": (version, scalar, named, small),
        "EC with a hybrid point": (version, scalar, named, hybrid),
        "EC with another point": (version, scalar, named, wrong),
        "EC of version 2": (number(2), scalar, named, point),
        "EC with a short scalar": (version, tlv(OCTET_STRING, b"\5"), named),
        "EC with the scalar 0": (version, tlv(OCTET_STRING, bytes(32)), named),
        "EC with something behind": (version, scalar, named, point, number(1)),
    }
    found = {}
    for title, parts in plain.items():
        inner = tlv(SEQUENCE, *parts)
        found[title] = Pair(good.certificate, pem_of(inner, b"EC PRIVATE KEY"))
        whole = tlv(SEQUENCE, number(0), algorithm, tlv(OCTET_STRING, inner))
        found[f"{title}, in PKCS#8"] = Pair(good.certificate, pem_of(whole, b"PRIVATE KEY"))
    inner = tlv(SEQUENCE, version, scalar, named, point)
    for title, whole in {
        "PKCS#8 of version 1": tlv(SEQUENCE, number(1), algorithm, tlv(OCTET_STRING, inner)),
        "PKCS#8 with attributes": tlv(SEQUENCE, number(0), algorithm, tlv(OCTET_STRING, inner), tlv(0xA0)),
        "PKCS#8 with a number behind": tlv(SEQUENCE, number(0), algorithm, tlv(OCTET_STRING, inner), number(1)),
        "PKCS#8 of version 1 with its public half": tlv(
            SEQUENCE, number(1), algorithm, tlv(OCTET_STRING, inner), tlv(0x81, b"\0", full)
        ),
    }.items():
        found[title] = Pair(good.certificate, pem_of(whole, b"PRIVATE KEY"))
    for title, bits in {"a small point": compressed, "a hybrid point": bytes([6 + (full[-1] & 1)]) + full[1:]}.items():
        certificate = with_field(good.certificate, "key", tlv(SEQUENCE, algorithm, tlv(BIT_STRING, b"\0", bits)))
        found[f"a certificate with {title}"] = Pair(certificate, good.key)
    parameters = pem_of(curve, b"EC PARAMETERS")
    found["EC PARAMETERS before the key"] = Pair(good.certificate, parameters + pem_of(inner, b"EC PRIVATE KEY"))
    found["another key behind the key"] = Pair(good.certificate, good.key + LEAF.key)
    found["another key before the key"] = Pair(good.certificate, LEAF.key + good.key)
    found["the certificate in the key"] = Pair(good.certificate, good.certificate + good.key)
    found["the key in the certificate"] = Pair(good.key + good.certificate, good.key)
    found["the key in both"] = Pair(good.key, good.key)
    found["the certificate in both"] = Pair(good.certificate, good.certificate)
    found["exchanged"] = Pair(good.key, good.certificate)
    found["DER, not PEM"] = Pair(der_of(good.certificate), good.key)
    found["the key as DER"] = Pair(good.certificate, der_of(good.key))
    found["the issuer first"] = Pair(authority().pair.certificate + good.certificate, good.key)
    found["the issuer twice"] = Pair(good.certificate + authority().pair.certificate * 2, good.key)
    found["the certificate twice"] = Pair(good.certificate * 2, good.key)
    return found
