"""Secrets: certificates with their keys, and the CAs that clients and backends are checked against.

Everything that Envoy would refuse is found here, before Envoy sees it: a certificate that cannot be read, a key that
cannot be read, a key that belongs to another certificate or that is of no use to Envoy.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from translator.decode import Problem
from translator.kubernetes.boringssl import UNKNOWN_SORT, blocks_of, has_open_block, unfitness_of
from translator.kubernetes.shapes import misshapen_secret

CHAIN_KEYS = ("tls.crt", "cert-chain.pem")
PRIVATE_KEYS = ("tls.key", "key.pem", "user.key")
CA_KEYS = ("root-cert.pem", "ca.crt")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a Secret holds for TLS, as PEM. `problem` says why it cannot be used; nothing of it is used then.

    `unfit` says why it cannot be shown to a peer, though it can be what peers are checked against: CAs often have keys,
    and a CA may have one that no server may have.

    A Secret that holds only a certificate (no key) is a CA by its `tls.crt`, as in Emissary. `brings_ca`: the CA came
    as `root-cert.pem`, which Emissary trusts beside the certificate without being asked. `required`: the data key
    `cert_required` says that whoever is checked against this CA must show a certificate.
    """

    chain: bytes | None = None
    key: bytes | None = None
    ca: bytes | None = None
    problem: str | None = None
    brings_ca: bool = False
    required: bool = False
    unfit: str | None = None
    misshapen: tuple[Problem, ...] = ()
    """What is wrong with the shape of the Secret; the first of it is the `problem`."""

    @property
    def has_certificate(self) -> bool:
        """Whether it can be shown to a peer: a chain and its private key."""
        return self.chain is not None and self.key is not None

    @property
    def has_ca(self) -> bool:
        """Whether peers can be checked against it."""
        return self.ca is not None or self.chain is not None

    def __repr__(self) -> str:
        return f"Certificate(has_certificate={self.has_certificate}, has_ca={self.has_ca}, problem={self.problem!r})"


def certificate_of(document: Mapping[str, Any]) -> Certificate | None:
    """Read a Secret object; None when nothing in it is about TLS."""
    misshapen = misshapen_secret(document)
    if misshapen:
        return Certificate(problem=f"{misshapen[0].path}: {misshapen[0].message}", misshapen=misshapen)
    entries = _entries_of(document)
    if isinstance(entries, str):
        return Certificate(problem=entries)
    chain, key, ca = (_first(entries, keys) for keys in (CHAIN_KEYS, PRIVATE_KEYS, CA_KEYS))
    if chain is None and key is None and ca is None:
        return None
    problem = _problem_of(chain, key, ca)
    if problem:
        return Certificate(problem=problem)
    required = entries.get("cert_required", b"").strip().lower() == b"true"
    unfit = _unfitness_of(chain) if chain is not None and key is not None else None
    return Certificate(chain, key, ca, brings_ca=bool(entries.get("root-cert.pem")), required=required, unfit=unfit)


def _entries_of(document: Mapping[str, Any]) -> dict[str, bytes] | str:
    entries: dict[str, bytes] = {}
    for name, text in (document.get("data") or {}).items():
        try:
            entries[name] = base64.b64decode("".join((text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            return f"data[{name}]: must be base64"
    for name, text in (document.get("stringData") or {}).items():
        entries[name] = (text or "").encode()
    return entries


def _first(entries: Mapping[str, bytes], names: tuple[str, ...]) -> bytes | None:
    return next((entries[name] for name in names if entries.get(name)), None)


def _problem_of(chain: bytes | None, key: bytes | None, ca: bytes | None) -> str | None:
    if key is not None and chain is None:
        return "data[tls.crt]: missing, though there is a private key"
    certificates = _load(chain, "tls.crt") if chain is not None else []
    if isinstance(certificates, str):
        return certificates
    if ca is not None and isinstance(authorities := _load(ca, "root-cert.pem"), str):
        return authorities
    return _problem_of_key(key, certificates[0]) if key is not None else None


def _unfitness_of(chain: bytes) -> str | None:
    said = unfitness_of(x509.load_pem_x509_certificate(blocks_of(chain)))
    return f"data[tls.crt]: {said}" if said else None


def _problem_of_key(key: bytes, certificate: x509.Certificate) -> str | None:
    private = _load_key(key)
    if isinstance(private, str):
        return private
    try:
        certified = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return f"data[tls.crt]: {UNKNOWN_SORT}"
    if _spki(private.public_key()) != _spki(certified):
        return "data[tls.key]: does not belong to the first certificate of tls.crt"
    return None


def _load(pem: bytes, name: str) -> list[x509.Certificate] | str:
    if has_open_block(pem):
        return (
            f"data[{name}]: has a block that does not end: its END line is missing, or not at the beginning of a line"
        )
    try:
        return x509.load_pem_x509_certificates(blocks_of(pem))
    except ValueError:
        return f"data[{name}]: holds no certificate in PEM that can be read"


def _load_key(pem: bytes) -> PrivateKeyTypes | str:
    try:
        return load_pem_private_key(blocks_of(pem), password=None)
    except TypeError:
        return "data[tls.key]: is encrypted with a password; store it without one"
    except (ValueError, UnsupportedAlgorithm):
        return "data[tls.key]: holds no private key in PEM that can be read (PKCS#1, PKCS#8 or EC)"


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
