"""What Envoy and its TLS library want of certificates and CAs: which blocks of a text they read, and what they refuse.

Envoy refuses the whole Secret for any of this, with a text that says little. A test asks a real one.

The work is bounded by the length of the text: what Envoy does not decode is not decoded, and no number is computed with
before its size is known.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError

from translator.kubernetes.certificate_fields import Fields, check_issuer_of_crl, fields_of
from translator.kubernetes.der import (
    BIT_STRING,
    OCTET_STRING,
    SEQUENCE,
    MalformedError,
    Value,
    bits,
    content_of,
    first_value,
    only_value,
    parts_of,
)
from translator.kubernetes.pem import Block, Found, PassedOver, Unreadable
from translator.kubernetes.private_key import problem_of_key_block
from translator.kubernetes.public_key import is_elliptic, problem_of_public_key
from translator.values import dataclass

NO_CERTIFICATE: Final = "holds no certificate in PEM that can be read"
NO_REVOCATIONS: Final = "holds no list of revoked certificates in PEM that can be read"

WITHOUT_SIGNATURE: Final = (
    "has a key usage without digitalSignature: Envoy, Chrome and other strict peers end the handshake (Envoy's log says"
    " KEY_USAGE_BIT_INCORRECT), but in TLS 1.2 with an RSA key exchange; it should be issued anew"
)

_PLAIN: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_TRUSTED: Final = "TRUSTED CERTIFICATE"
_CERTIFICATES: Final = _PLAIN | {_TRUSTED}
_CRL: Final = "X509 CRL"
_KEY_USAGE: Final = bytes.fromhex("551d0f")
_TLS_FEATURE: Final = bytes.fromhex("2b06010505070118")
_MUST_STAPLE: Final = bytes.fromhex("3003020105")
_DIGITAL_SIGNATURE: Final = 0x80

_REFUSED_USES: Final = 0xA0
_USES: Final = {
    bytes.fromhex("06082b06010505070301"): "serverAuth",
    bytes.fromhex("06082b06010505070302"): "clientAuth",
}
_AUXILIARY_TAGS: Final = (SEQUENCE, _REFUSED_USES, 0x0C, OCTET_STRING)
"""What `openssl x509 -trustout` may write behind a certificate, in this order: uses, refused uses, alias, key id."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why Envoy does not take a chain."""

    problem: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What peers are shown: the public key of the first certificate, as DER. `remark`: what they may stumble over."""

    public_key: bytes
    remark: str | None = None


def shown_chain(blocks: Iterable[Found]) -> Shown | Unfit:
    """What Envoy takes of a chain that peers are shown, or why it does not take it."""
    first: Fields | None = None
    remark: str | None = None
    for block in blocks:
        problem = _problem_of_form(block)
        if problem:
            return Unfit(problem)
        if isinstance(block, Block) and block.label == _TRUSTED and first:
            remark = f"{block.called} is passed over, and peers miss it: behind the first one it must be a CERTIFICATE"
        elif isinstance(block, Block) and _is_wanted(block, first):
            found = _read(block, with_auxiliary=first is None)
            if isinstance(found, str):
                return Unfit(found)
            first = first or found
    if first is None:
        return Unfit(NO_CERTIFICATE)
    unfit = problem_of_public_key(first.public_key) or _unfitness_of(first)
    return Unfit(unfit) if unfit else Shown(first.public_key, _remark_on(first) or remark)


def problem_of_authorities(blocks: Iterable[Found]) -> str | None:
    """Why Envoy does not take a text as CAs; None when it does. Lists of revoked certificates may be among them."""
    found_any = False
    for block in blocks:
        problem = _problem_of_authority(block) if isinstance(block, Block) else _problem_of_form(block)
        if problem:
            return problem
        found_any = found_any or (isinstance(block, Block) and block.label in _CERTIFICATES)
    return None if found_any else NO_CERTIFICATE


def remark_on_authorities(blocks: Iterable[Found]) -> str | None:
    """What Envoy takes of CAs, and then refuses whoever shows a certificate of them: a CA may say so of itself."""
    for block in blocks:
        if isinstance(block, Block) and block.label == _TRUSTED:
            rest = block.content[len(first_value(block.content)) :]
            refused = b"".join(rest[start:end] for tag, _, start, end in _auxiliary(rest) if tag == _REFUSED_USES)
            uses = [use for identifier, use in _USES.items() if identifier in refused]
            if uses:
                said = " and ".join(uses)
                return f"{block.called} says that it is not trusted for {said}: what it signed is refused there"
    return None


def problem_of_revocations(blocks: Iterable[Found]) -> str | None:
    """Why lists of revoked certificates cannot be used; None when they can."""
    found_any = False
    for block in blocks:
        problem = _problem_of_form(block)
        if problem is None and isinstance(block, Block):
            if block.label != _CRL:
                return f"{block.called} is no list of revoked certificates"
            problem, found_any = _problem_of_crl(block), True
        if problem:
            return problem
    return None if found_any else NO_REVOCATIONS


def _problem_of_form(block: Found) -> str | None:
    """Why what was found is no block; None when it is one, or one that nobody wants."""
    if isinstance(block, PassedOver):
        return block.problem if block.is_by_mistake and block.label in _CERTIFICATES else None
    return block.problem if isinstance(block, Unreadable) else None


def _is_wanted(block: Block, first: Fields | None) -> bool:
    """Whether it is a certificate of the chain; only the first may say what it is trusted for."""
    return block.label in (_CERTIFICATES if first is None else _PLAIN)


def _problem_of_authority(block: Block) -> str | None:
    if block.label == _CRL:
        return _problem_of_crl(block)
    if block.label not in _CERTIFICATES:
        return problem_of_key_block(block)
    found = _read(block, with_auxiliary=block.label == _TRUSTED)
    return found if isinstance(found, str) else None


def _read(block: Block, *, with_auxiliary: bool) -> Fields | str:
    if block.has_headers:
        return f"{block.called} has headers, or a blank line among its own"
    der = first_value(block.content)
    try:
        found = fields_of(der)
    except ValueError:
        return f"{block.called} is not a certificate that can be read"
    if with_auxiliary and not _is_auxiliary(block.content[len(der) :]):
        return f"{block.called} holds something behind the certificate"
    return found


def _is_auxiliary(rest: bytes) -> bool:
    """Whether what stands behind a certificate says what it is trusted for, or nothing does."""
    try:
        tags = [tag for tag, *_ in _auxiliary(rest)]
    except MalformedError:
        return False
    return tags == [tag for tag in _AUXILIARY_TAGS if tag in tags]


def _auxiliary(rest: bytes) -> Sequence[Value]:
    return parts_of(rest, only_value(rest)) if rest else ()


def _problem_of_crl(block: Block) -> str | None:
    if block.has_headers:
        return f"{block.called} has headers, or a blank line among its own"
    der = first_value(block.content)
    try:
        x509.load_der_x509_crl(der)
        check_issuer_of_crl(der)
    except (ValueError, x509.InvalidVersion, InternalError):
        return f"{block.called} is not a list of revoked certificates that can be read"
    return None


def _unfitness_of(certificate: Fields) -> str | None:
    usage = certificate.extension(_KEY_USAGE)
    if usage is not None and is_elliptic(certificate.public_key) and not _may_sign(usage):
        return "has a key usage without digitalSignature, which TLS with an EC key needs"
    if certificate.extension(_TLS_FEATURE) == _MUST_STAPLE:
        return "must be shown with an OCSP response (must-staple), which is not served"
    if certificate.common_name == b"":
        return "has an empty common name; it may have none, or a name"
    return None if certificate.has_name else "has neither a common name nor a name of a server (DNS, URI or address)"


def _remark_on(certificate: Fields) -> str | None:
    """What Envoy takes of who shows it, and refuses of its peers: so do other strict ones, and say little."""
    usage = certificate.extension(_KEY_USAGE)
    return None if usage is None or _may_sign(usage) else WITHOUT_SIGNATURE


def _may_sign(usage: bytes) -> bool:
    """Whether the bits of a key usage have the first one set."""
    try:
        content = bits(content_of(usage, only_value(usage), BIT_STRING))
    except MalformedError:
        return False
    return bool(content) and bool(content[0] & _DIGITAL_SIGNATURE)
