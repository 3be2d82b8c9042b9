"""What Envoy's TLS library wants of a certificate, beside what can be read at all.

Envoy refuses the whole Secret for any of this, with a text that says little. A test asks a real one.
"""

import re
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

SMALLEST_RSA: Final = 2048
LARGEST_EXPONENT_BITS: Final = 33
CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
UNKNOWN_SORT: Final = "has a key of a sort that Envoy does not take; it takes RSA, EC and Ed25519"

_EXPLICIT_CURVE: Final = bytes.fromhex("06072a8648ce3d0101")
"""The object identifier of prime fields, which is there only where a curve is spelled out instead of named."""

_BLOCK: Final = re.compile(
    rb"^-----BEGIN ([^\n]*?)-----[ \t\r]*\n.*?^-----END \1-----[ \t\r]*$", re.DOTALL | re.MULTILINE
)
_BEGINNING: Final = re.compile(rb"^-----BEGIN [^\n]*-----[ \t\r]*$", re.MULTILINE)


def blocks_of(pem: bytes) -> bytes:
    """What counts of a text in PEM: blocks that begin and end at the beginning of a line; all else is a comment."""
    return b"\n".join(match.group() for match in _BLOCK.finditer(pem)) + b"\n"


def has_open_block(pem: bytes) -> bool:
    """Whether a block begins and does not end, as in a text that was cut off."""
    return _BEGINNING.search(_BLOCK.sub(b"", pem)) is not None


def unfitness_of(certificate: x509.Certificate) -> str | None:
    """Why a certificate cannot be shown to peers; None when it can. As a CA it may be good enough."""
    return _unfitness_of_key(certificate) or _unfitness_of_extensions(certificate)


def _unfitness_of_key(certificate: x509.Certificate) -> str | None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return _unfitness_of_rsa(certificate, key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _unfitness_of_curve(certificate, key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return None
    return UNKNOWN_SORT


def _unfitness_of_rsa(certificate: x509.Certificate, key: rsa.RSAPublicKey) -> str | None:
    if certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        return "has an RSA key that is for RSASSA-PSS alone, which Envoy does not take"
    if key.key_size < SMALLEST_RSA:
        return f"has an RSA key of {key.key_size} bits; Envoy takes those from {SMALLEST_RSA} bits"
    if key.public_numbers().e.bit_length() > LARGEST_EXPONENT_BITS:
        return "has an RSA key with a public exponent that is too large for Envoy; 65537 is usual"
    return None


def _unfitness_of_curve(certificate: x509.Certificate, key: ec.EllipticCurvePublicKey) -> str | None:
    if key.curve.name not in CURVES:
        return f"has an EC key on the curve {key.curve.name}; Envoy takes {', '.join(CURVES.values())}"
    if _EXPLICIT_CURVE in certificate.tbs_certificate_bytes:
        return "has an EC key whose curve is spelled out; Envoy takes curves by their names alone"
    return None


def _unfitness_of_extensions(certificate: x509.Certificate) -> str | None:
    try:
        extensions = certificate.extensions
    except ValueError:
        return None  # Envoy reads only those that it needs
    is_ec = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and is_ec and not value.digital_signature:
            return "has a key usage without digitalSignature, which TLS with an EC key needs"
        if isinstance(value, x509.TLSFeature) and x509.TLSFeatureType.status_request in value:
            return "must be shown with an OCSP response (must-staple), which is not served"
    return None
