"""The keys and certificates of a test cluster: one CA, what it signs, and kubeconfigs that hold them."""

import base64
import datetime as dt
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADMINISTRATORS = "system:masters"

_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=False,
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

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """The pair as `NAME.crt` and `NAME.key`; their paths."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        key.chmod(0o600)
        return certificate, key


class Authority:
    """A CA that is made for one cluster, and signs for a month."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test cluster")])
        builder = self._builder(self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def server(self, name: str, alternatives: Sequence[str]) -> Pair:
        """A certificate for a server with these DNS names and addresses."""
        return self._sign(name, (), ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def client(self, name: str, groups: Sequence[str] = ()) -> Pair:
        """A certificate for a client; the API server takes its name and groups from it."""
        return self._sign(name, groups, ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def _sign(
        self, name: str, groups: Sequence[str], usage: x509.ObjectIdentifier, alternatives: Sequence[str]
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
        builder = self._builder(x509.Name(subject), key).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if alternatives:
            names = x509.SubjectAlternativeName([_general_name(each) for each in alternatives])
            builder = builder.add_extension(names, critical=False)
        return Pair(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM), private_pem(key))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def write_signing_key(folder: Path, name: str) -> tuple[Path, Path]:
    """A key pair that signs tokens, as `NAME.pub` and `NAME.key`; their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    public, private = folder / f"{name}.pub", folder / f"{name}.key"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(private_pem(key))
    return public, private


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM, in the form that Go's programs read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def certificate_user(pair: Pair) -> Mapping[str, str]:
    """The user of a kubeconfig, by a client certificate."""
    return {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}


def kubeconfig(url: str, authority: bytes, user: Mapping[str, Any], namespace: str = "default") -> str:
    """A kubeconfig with one cluster and one user (JSON, which is YAML too)."""
    cluster = {"server": url, "certificate-authority-data": _base64(authority)}
    context = {"cluster": "test", "user": "test", "namespace": namespace}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": dict(user)}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        },
        indent=2,
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
