"""Public keys of certificates that peers are shown: which ones Envoy takes.

Keys of CAs and of certificates in between are not looked at before they are used, and so are not looked at here.
"""

from typing import Final

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from translator.kubernetes.der import BIT_STRING, bits, content_of, only_value, parts_of

SMALLEST_RSA: Final = 2048
LARGEST_RSA: Final = 8192
"""Envoy takes 16384 bits, and is busy for a fifth of a second at each handshake then."""

LARGEST_EXPONENT_BITS: Final = 33
CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
POINT_FORMS: Final = frozenset({b"\2", b"\3", b"\4"})
"""How a point of a curve may begin: two forms with one coordinate, one with both."""

_UNKNOWN_SORT: Final = "has a key of a sort that Envoy does not take; it takes RSA, EC and Ed25519"
_UNUSUAL_FORM: Final = "has a key in a form that Envoy does not take"
_MOST_BYTES: Final = 4096
"""RSA of 16384 bits has 2,086."""

_EC: Final = bytes.fromhex("06072a8648ce3d0201")
_RSASSA_PSS: Final = bytes.fromhex("06092a864886f70d01010a")
_PRIME_FIELD: Final = bytes.fromhex("06072a8648ce3d0101")
"""Is there only where a curve is spelled out instead of named."""

_TOLD_BY_IDENTIFIER: Final = {
    _RSASSA_PSS: "has an RSA key that is for RSASSA-PSS alone, which Envoy does not take",
    _PRIME_FIELD: "has an EC key whose curve is spelled out; Envoy takes curves by their names alone",
}


def is_elliptic(encoded: bytes) -> bool:
    """Whether it is an EC key."""
    return _EC in encoded


def problem_of_public_key(encoded: bytes) -> str | None:
    """Why Envoy does not take a key (SubjectPublicKeyInfo, as DER); None when it does."""
    if len(encoded) > _MOST_BYTES:
        return "has a key that is larger than any that Envoy takes"
    for identifier, said in _TOLD_BY_IDENTIFIER.items():
        if identifier in encoded:
            return said
    try:
        key = load_der_public_key(encoded)
    except (ValueError, UnsupportedAlgorithm, InternalError):
        return _UNKNOWN_SORT
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _problem_of_curve(key, encoded)
    if not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return _UNKNOWN_SORT
    problem = _problem_of_rsa(key) if isinstance(key, rsa.RSAPublicKey) else None
    is_usual = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == encoded
    return problem or (None if is_usual else _UNUSUAL_FORM)


def _problem_of_rsa(key: rsa.RSAPublicKey) -> str | None:
    if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
        return f"has an RSA key of {key.key_size} bits; it must have from {SMALLEST_RSA} to {LARGEST_RSA}"
    numbers = key.public_numbers()
    if numbers.e.bit_length() > LARGEST_EXPONENT_BITS:
        return "has an RSA key with a public exponent that is too large for Envoy; 65537 is usual"
    return None if numbers.e > 1 and numbers.e & numbers.n & 1 else "has an RSA key with numbers that cannot be"


def _problem_of_curve(key: ec.EllipticCurvePublicKey, encoded: bytes) -> str | None:
    if key.curve.name not in CURVES:
        return f"has an EC key on the curve {key.curve.name}; Envoy takes {', '.join(CURVES.values())}"
    _, point = parts_of(encoded, only_value(encoded))
    return None if bits(content_of(encoded, point, BIT_STRING))[:1] in POINT_FORMS else _UNUSUAL_FORM
