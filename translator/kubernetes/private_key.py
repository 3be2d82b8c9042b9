"""Private keys in PEM: whether Envoy's TLS library reads one, found without the work that nobody needs.

The usual way to load an RSA key proves that its factors are primes, which takes seconds for a large one. Envoy does not
ask that; it asks that the numbers fit together, and that costs next to nothing once their size is known to be bounded.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key

from translator.kubernetes.der import (
    BIT_STRING,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    MalformedError,
    bits,
    content_of,
    first_value,
    only_value,
    parts_of,
)
from translator.kubernetes.pem import Block, Found, Unreadable
from translator.kubernetes.public_key import LARGEST_EXPONENT_BITS, LARGEST_RSA, POINT_FORMS
from translator.values import dataclass

PLAIN: Final = "PRIVATE KEY"
ENCRYPTED: Final = "ENCRYPTED PRIVATE KEY"
SORTS: Final[Mapping[str, type]] = {
    "RSA PRIVATE KEY": rsa.RSAPrivateKey,
    "EC PRIVATE KEY": ec.EllipticCurvePrivateKey,
    "DSA PRIVATE KEY": dsa.DSAPrivateKey,
}
"""The labels of keys in a form of their own, as they were before PKCS#8; PKCS#8 is taken under them too."""

_SMALLEST_RSA: Final = 512
_MOST_BYTES: Final = 8192
"""A key with RSA of 8192 bits has 4,700, one of 16384 bits 9,300."""

UNREADABLE: Final = "holds no private key in PEM that can be read (PKCS#1, PKCS#8 or EC)"
_CURVES: Final = frozenset({"secp224r1", "secp256r1", "secp384r1", "secp521r1"})
"""Those that can be read; a certificate must have one of the larger three."""

_PUBLIC_HALF: Final = 0xA1
_LOCKED: Final = "is encrypted with a password; store it without one"
_TOO_LARGE: Final = f"has an RSA key of more than {LARGEST_RSA} bits, which costs too much at each connection"
_INCONSISTENT: Final = "has an RSA key whose numbers do not belong together"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why there is no key that Envoy takes."""

    problem: str


def read_private_key(blocks: Iterable[Found]) -> PrivateKeyTypes | Wrong:
    """The first private key of a text; what comes behind it is not read."""
    for block in blocks:
        if isinstance(block, Unreadable):
            return Wrong(block.problem)
        if isinstance(block, Block) and block.label in {PLAIN, ENCRYPTED, *SORTS}:
            return _read(block)
    return Wrong(UNREADABLE)


def problem_of_key_block(block: Block) -> str | None:
    """Why a key that stands where CAs are expected prevents reading them; None when it does not, or is passed over."""
    if block.label not in SORTS or block.has_headers:
        return None
    found = _read(block)
    return found.problem if isinstance(found, Wrong) else None


def _read(block: Block) -> PrivateKeyTypes | Wrong:
    if block.label == ENCRYPTED or block.has_headers:
        return Wrong(_LOCKED)
    der = first_value(block.content)
    if len(der) > _MOST_BYTES:
        return Wrong(_TOO_LARGE)
    try:
        if block.label == PLAIN or _is_pkcs8(der):
            _check_pkcs8(der)
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            _check_point(der)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        return Wrong(UNREADABLE)
    if block.label != PLAIN and not isinstance(key, SORTS[block.label]):
        return Wrong(f"{block.called} holds a key of another sort than its label says")
    problem = None
    if isinstance(key, rsa.RSAPrivateKey):
        problem = _problem_of_rsa(key.private_numbers())
    elif isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in _CURVES:
        problem = f"has an EC key on the curve {key.curve.name}, which Envoy does not know"
    return Wrong(problem) if problem else key


def _is_pkcs8(der: bytes) -> bool:
    """Whether it is a PrivateKeyInfo, which has an algorithm behind its version."""
    return [value[0] for value in parts_of(der, only_value(der))][1:2] == [SEQUENCE]


def _check_pkcs8(der: bytes) -> None:
    version, algorithm, *_ = parts_of(der, only_value(der))
    if content_of(der, version, INTEGER) != b"\0" or algorithm[0] != SEQUENCE:
        raise MalformedError


def _check_point(der: bytes) -> None:
    """The public half of an EC key, where it is written beside the private one, is in a form that Envoy reads."""
    parts = parts_of(der, only_value(der))
    if _is_pkcs8(der):
        _, _, inner, *_ = parts
        _check_point(content_of(der, inner, OCTET_STRING))
        return
    for part in parts:
        if part[0] == _PUBLIC_HALF:
            (point,) = parts_of(der, part, _PUBLIC_HALF)
            if bits(content_of(der, point, BIT_STRING))[:1] not in POINT_FORMS:
                raise MalformedError


def _problem_of_rsa(key: rsa.RSAPrivateNumbers) -> str | None:
    n, e, p, q = key.public_numbers.n, key.public_numbers.e, key.p, key.q
    if n.bit_length() > LARGEST_RSA:
        return _TOO_LARGE
    if n.bit_length() < _SMALLEST_RSA or e.bit_length() > LARGEST_EXPONENT_BITS or not (n & e & 1) or e == 1:
        return "has an RSA key that Envoy does not take"
    if not (p * q == n and p < n and q < n and key.d < n):
        return _INCONSISTENT
    fits = (
        key.d * e % (p - 1) == 1
        and key.d * e % (q - 1) == 1
        and _is_inverse(e, key.dmp1, p - 1)
        and _is_inverse(e, key.dmq1, q - 1)
        and _is_inverse(q, key.iqmp, p)
    )
    return None if fits else _INCONSISTENT


def _is_inverse(number: int, inverse: int, modulus: int) -> bool:
    return inverse < modulus and number * inverse % modulus == 1
