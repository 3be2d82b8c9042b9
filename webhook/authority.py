"""Certificates: our own authority, which signs for the webhook alone, and what the webhook serves with.

All of it is in one Secret that the replicas share. What serves is signed for half a year, the authority for two; either
is renewed when a third of that is left. A new authority does not replace the old one: both are trusted (`ca.crt` holds
both) for a day, and the pair that served before stays beside the new one, for as long as an API server may not have
heard of the new authority (`webhook.decision.Trust`).
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE: Final = dt.timedelta(days=730)
SERVING_LIFE: Final = dt.timedelta(days=180)
EARLIER: Final = dt.timedelta(days=1)
"""Signed as if a day ago: the API server's clock, or another replica's, may be behind."""
MOST_AUTHORITIES: Final = 4
MOST_BYTES: Final = 16384
"""Of a certificate or a key: ours have a few hundred, and what somebody else put there must not keep us busy."""

UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, InternalError, x509.InvalidVersion)
"""What the library raises for what it cannot read."""


class BrokenError(ValueError):
    """Certificates or keys that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes

    def checked(self, name: str) -> x509.Certificate:
        """The certificate, when the key is its own; BrokenError otherwise."""
        if max(len(self.certificate), len(self.key)) > MOST_BYTES:
            raise BrokenError(f"{name} or its key is larger than any that we made")
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate)
            key = load_pem_private_key(self.key, None, unsafe_skip_rsa_key_validation=True)
            fits = _public(key.public_key()) == _public(certificate.public_key())
        except UNREADABLE as error:
            raise BrokenError(f"{name} cannot be read") from error
        if not fits:
            raise BrokenError(f"the key of {name} is not the certificate's")
        return certificate


@dataclass(frozen=True, slots=True)
class Material:
    """What the Secret holds. `bundle` are the authorities that are trusted, the signing one first."""

    bundle: tuple[bytes, ...]
    authority_key: bytes
    serving: Pair
    previous: Pair | None = None

    @classmethod
    def of(cls, data: Mapping[str, bytes]) -> Self:
        """Read the entries of the Secret, but for what served before; BrokenError names what is wrong with them."""
        missing = [name for name in ("ca.crt", "ca.key", "tls.crt", "tls.key") if not data.get(name)]
        if missing:
            raise BrokenError(f"{', '.join(missing)} is missing")
        found = cls(authorities(data["ca.crt"]), data["ca.key"], Pair(data["tls.crt"], data["tls.key"]))
        found.signer.checked("ca.crt")
        served = found.serving.checked("tls.crt")
        try:
            served.verify_directly_issued_by(x509.load_pem_x509_certificate(found.bundle[0]))
        except (InvalidSignature, ValueError, TypeError) as error:
            raise BrokenError("tls.crt is not signed by the first certificate of ca.crt") from error
        return found

    def with_previous(self, data: Mapping[str, bytes]) -> Self:
        """With what served before, if the Secret holds that; BrokenError when it cannot be used."""
        before = Pair(data.get("previous.crt", b""), data.get("previous.key", b""))
        if not (before.certificate or before.key):
            return self
        before.checked("previous.crt")
        return replace(self, previous=before)

    @property
    def data(self) -> dict[str, bytes]:
        """The entries of the Secret."""
        before = self.previous or Pair(b"", b"")
        return {
            "ca.crt": b"".join(self.bundle),
            "ca.key": self.authority_key,
            "tls.crt": self.serving.certificate,
            "tls.key": self.serving.key,
            "previous.crt": before.certificate,
            "previous.key": before.key,
        }

    @property
    def signer(self) -> Pair:
        """The authority that signs."""
        return Pair(self.bundle[0], self.authority_key)


def authorities(text: bytes) -> tuple[bytes, ...]:
    """The certificates of a bundle, each in PEM of our layout; BrokenError when one cannot be read."""
    try:
        found = x509.load_pem_x509_certificates(text)
    except UNREADABLE as error:
        raise BrokenError("ca.crt cannot be read") from error
    return tuple(dict.fromkeys(one.public_bytes(Encoding.PEM) for one in found))


def still_valid(bundle: Iterable[bytes], now: dt.datetime) -> tuple[bytes, ...]:
    """Those that have not ended, the first few of them."""
    kept = [one for one in dict.fromkeys(bundle) if x509.load_pem_x509_certificate(one).not_valid_after_utc > now]
    return tuple(kept[:MOST_AUTHORITIES])


def is_due(certificate: bytes, now: dt.datetime) -> bool:
    """Whether a third or less of a certificate's life is left."""
    found = x509.load_pem_x509_certificate(certificate)
    life = found.not_valid_after_utc - found.not_valid_before_utc
    return now >= found.not_valid_after_utc - life / 3


def signed_at(certificate: bytes) -> dt.datetime:
    """When a certificate of ours was made."""
    return x509.load_pem_x509_certificate(certificate).not_valid_before_utc + EARLIER


def names_of(certificate: bytes) -> frozenset[str]:
    """The names and addresses that a certificate is for."""
    found = x509.load_pem_x509_certificate(certificate)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return frozenset([*names.get_values_for_type(x509.DNSName), *addresses])


def made(signer: Material | None, trusted: tuple[bytes, ...], names: frozenset[str], now: dt.datetime) -> Material:
    """New certificates, of a new authority unless there is one to sign; random."""
    authority = signer.signer if signer else new_authority(now)
    bundle = tuple(dict.fromkeys((authority.certificate, *trusted)))[:MOST_AUTHORITIES]
    return Material(bundle, authority.key, new_serving(authority, names, now))


def new_authority(now: dt.datetime) -> Pair:
    """An authority; random."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"dragoman-webhook {now:%Y-%m-%d}")])
    usage = _usage(signs_certificates=True)
    builder = _builder(name, name, key, key, now, AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return _pair(builder, key, key)


def new_serving(signer: Pair, names: frozenset[str], now: dt.datetime) -> Pair:
    """What the webhook serves with under these names; random."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate(signer.certificate)
    signing = load_pem_private_key(signer.key, None)
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise BrokenError("ca.key is not a key that we made")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dragoman-webhook")])
    builder = _builder(subject, authority.subject, key, signing, now, SERVING_LIFE)
    alternatives = x509.SubjectAlternativeName([_name(name) for name in sorted(names)])
    builder = builder.add_extension(alternatives, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    return _pair(builder, key, signing)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signing: ec.EllipticCurvePrivateKey,
    now: dt.datetime,
    life: dt.timedelta,
) -> x509.CertificateBuilder:
    """Both key identifiers are there: RFC 5280, sections 4.2.1.1 and 4.2.1.2, and strict clients ask for them."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signing: ec.EllipticCurvePrivateKey
) -> Pair:
    certificate = builder.sign(signing, hashes.SHA256())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM), text)


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _public(key: object) -> bytes:
    text: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return text
