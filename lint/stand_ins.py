"""A certificate in place of one that is not in the files, so that who names it can be judged further.

It is good for whatever a Secret may be named for: to be shown, to check others, and with a list of what is revoked. It
lives as long as the process, and is written nowhere.
"""

import datetime as dt
import functools

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def stand_in(namespace: str, name: str) -> bytes:
    """The body of a Secret of this name."""
    metadata = {"name": name, "namespace": namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls"}
    return orjson.dumps({**secret, "stringData": _entries()})


@functools.cache
def _entries() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("stand-in.invalid")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    revoked = x509.CertificateRevocationListBuilder(name, now, now + dt.timedelta(days=365)).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = Encoding.PEM
    return {
        "tls.crt": certificate.public_bytes(pem).decode(),
        "tls.key": private.decode(),
        "crl.pem": revoked.public_bytes(pem).decode(),
    }
