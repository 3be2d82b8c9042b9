"""Certificates for tests, signed by a CA of the test's own."""

import datetime as dt
import ssl
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes

    @property
    def serial(self) -> int:
        """What tells this certificate from another."""
        return x509.load_pem_x509_certificate(self.certificate).serial_number


@dataclass(frozen=True)
class Authority:
    """A CA that signs for names."""

    pair: Pair

    def sign(self, *names: str) -> Pair:
        """A new certificate for these DNS names, the first also its subject."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.load_pem_x509_certificate(self.pair.certificate)
        signer = ssl_key(self.pair.key)
        builder = _builder(names[0], issuer.subject, key).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
        return _pair(builder.sign(signer, hashes.SHA256()), key)


def ssl_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The private key that a PEM text holds."""
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@lru_cache
def authority(name: str = "Test CA") -> Authority:
    """A CA, the same for the same name within a run."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(name, subject, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Authority(_pair(builder.sign(key, hashes.SHA256()), key))


def trusting(*authorities: Authority) -> ssl.SSLContext:
    """A client that verifies servers against these CAs."""
    context = ssl.create_default_context()
    for each in authorities:
        context.load_verify_locations(cadata=each.pair.certificate.decode())
    return context


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
