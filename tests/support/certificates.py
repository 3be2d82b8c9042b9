"""Certificates for tests, signed by a CA of the test's own; what the product itself signs is not made here."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes

    @property
    def serial(self) -> int:
        """What tells this certificate from another."""
        return x509.load_pem_x509_certificate(self.certificate).serial_number

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """The pair as `NAME.crt` and `NAME.key`; their paths."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        key.chmod(0o600)
        return certificate, key


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that signs for a month."""

    pair: Pair

    def sign(self, *names: str, key: Key | None = None, key_usage: x509.KeyUsage | None = None) -> Pair:
        """A new certificate, for any use, with these names (DNS, or URIs); the first is also its subject."""
        return self._sign(_subject(names[0]), names, key=key, key_usage=key_usage)

    def server(self, name: str, alternatives: Sequence[str]) -> Pair:
        """A certificate for a server with these DNS names and addresses."""
        return self._sign(_subject(name), alternatives, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, name: str, groups: Sequence[str] = ()) -> Pair:
        """A certificate for a client; a Kubernetes API server takes its name and groups from it."""
        return self._sign(_subject(name, groups), (), ExtendedKeyUsageOID.CLIENT_AUTH)

    def revoking(self, *revoked: Pair) -> bytes:
        """The list of certificates that no longer count, as PEM."""
        now = dt.datetime.now(dt.UTC)
        signer = load_pem_private_key(self.pair.key, None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate(self.pair.certificate).subject
        builder = x509.CertificateRevocationListBuilder(issuer, now - dt.timedelta(days=1), now + dt.timedelta(days=30))
        for pair in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(pair.serial).revocation_date(now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _sign(
        self,
        subject: x509.Name,
        alternatives: Sequence[str],
        *usages: x509.ObjectIdentifier,
        key: Key | None = None,
        key_usage: x509.KeyUsage | None = None,
    ) -> Pair:
        key = key or ec.generate_private_key(ec.SECP256R1())
        signer = load_pem_private_key(self.pair.key, None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate(self.pair.certificate).subject
        builder = _builder(subject, key, issuer, signer)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if key_usage:
            builder = builder.add_extension(key_usage, critical=True)
        if alternatives:
            names = x509.SubjectAlternativeName([_general_name(each) for each in alternatives])
            builder = builder.add_extension(names, critical=False)
        return _pair(builder, key, signer)


def new_authority(name: str) -> Authority:
    """A CA that nobody else has."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_subject(name), key, _subject(name), key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Authority(_pair(builder.add_extension(_SIGNS_CERTIFICATES, critical=True), key, key))


def two_authorities(name: str) -> tuple[bytes, Authority]:
    """The certificate of a CA, and another CA, which is certified by it."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    made = []
    for place, key in enumerate(keys):
        builder = _builder(_subject(f"{name} {place}"), key, _subject(f"{name} 0"), keys[0])
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1 - place), critical=True)
        made.append(_pair(builder.add_extension(_SIGNS_CERTIFICATES, critical=True), key, keys[0]))
    return made[0].certificate, Authority(made[1])


@lru_cache
def authority(name: str = "Test CA") -> Authority:
    """A CA, the same for the same name within a run."""
    return new_authority(name)


def trusting(*authorities: Authority) -> ssl.SSLContext:
    """A client that verifies servers against these CAs."""
    return strict(*[each.pair.certificate for each in authorities])


def strict(*authorities: bytes) -> ssl.SSLContext:
    """A client that verifies servers against these CAs (PEM) by the letter of RFC 5280, as since Python 3.13 all do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    for each in authorities:
        context.load_verify_locations(cadata=each.decode())
    return context


def unverified() -> ssl.SSLContext:
    """A client that takes any certificate.

    It has none of its own: to read those of the system takes 40 ms of CPU, more than all else in a request.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def private_pem(key: Key) -> bytes:
    """A private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _builder(
    subject: x509.Name, key: Key, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _pair(builder: x509.CertificateBuilder, key: Key, signer: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM), private_pem(key))


def _subject(name: str, groups: Sequence[str] = ()) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(text: str) -> x509.GeneralName:
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
