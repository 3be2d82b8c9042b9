"""The certificate of last resort: self-signed, made for this start, for Hosts that name `fallback-self-signed-cert`.

Emissary makes the same Secret. It lets the quickstart answer on https without anybody making a certificate first; it is
never used unless a Host asks for it by name.
"""

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from entrypoint.folder import FALLBACK_SECRET, Document
from entrypoint.rundir import FALLBACK

_LIFE = timedelta(days=365)


def write_fallback(folder: Path, namespace: str) -> Path:
    """Write the Secret as YAML into `folder`, readable by its owner only; the file."""
    file = folder / FALLBACK
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(fallback_secret(namespace), sort_keys=False))
    return file


def fallback_secret(namespace: str) -> Document:
    """A kubernetes.io/tls Secret: a new key (ECDSA P-256), a certificate for localhost, *.localhost and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": FALLBACK_SECRET, "namespace": namespace},
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": base64.b64encode(_certificate(key)).decode(),
            "tls.key": base64.b64encode(pem).decode(),
        },
    }


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The certificate as PEM: valid for a year from a minute ago, since clocks differ."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dragoman fallback")])
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("*.localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    start = datetime.now(UTC) - timedelta(minutes=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
