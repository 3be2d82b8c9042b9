"""Secrets: certificates with their keys, and the CAs that clients and backends are checked against.

Everything that Envoy would refuse is found here, before Envoy sees it: a certificate that cannot be read, a key that
cannot be read, a key that belongs to another certificate or that is of no use to Envoy.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from translator.decode import Problem
from translator.kubernetes.boringssl import (
    NO_CERTIFICATE,
    NO_REVOCATIONS,
    Shown,
    Unfit,
    problem_of_authorities,
    problem_of_revocations,
    remark_on_authorities,
    shown_chain,
)
from translator.kubernetes.pem import Found, PassedOver, read_pem
from translator.kubernetes.private_key import UNREADABLE, Wrong, read_private_key
from translator.kubernetes.shapes import misshapen_secret
from translator.values import dataclass

CHAIN_KEYS = ("tls.crt", "cert-chain.pem")
PRIVATE_KEYS = ("tls.key", "key.pem", "user.key")
CA_KEYS = ("root-cert.pem", "ca.crt")
REVOCATION_KEYS = ("crl.pem",)

MOST_BYTES: Final = 1 << 20
"""As much as Kubernetes lets a Secret hold; from a folder more could come."""

_MOST_CHARACTERS: Final = MOST_BYTES * 3 // 2
"""What that is in base64, in lines."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a Secret holds for TLS, as PEM. `problem` says why it cannot be used; nothing of it is used then.

    `unfit` says why it cannot be shown to a peer, though it can be what peers are checked against: CAs often have keys,
    and a CA may have one that no server may have. `untrusted` says why it cannot be what peers are checked against.
    `remark` is what peers may stumble over when it is shown, though it can be; `remark_on_ca` is why peers are refused
    that are checked against it.
    `refusal` is what Envoy said of a newer version, when this one is in use in its place.

    A Secret that holds only a certificate (no key) is a CA by its `tls.crt`, as in Emissary. `brings_ca`: the CA came
    as `root-cert.pem`, which Emissary trusts beside the certificate without being asked. `revocations` are lists of
    revoked certificates, and `unusable_revocations` why they are none. `required`: the data key
    `cert_required` says that whoever is checked against this CA must show a certificate.
    """

    chain: bytes | None = None
    key: bytes | None = None
    ca: bytes | None = None
    revocations: bytes | None = None
    problem: str | None = None
    brings_ca: bool = False
    required: bool = False
    unfit: str | None = None
    remark: str | None = None
    remark_on_ca: str | None = None
    untrusted: str | None = None
    unusable_revocations: str | None = None
    refusal: str | None = None
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


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of a Secret, or a file: what it is called, where that is, and the blocks of PEM that it holds."""

    name: str
    place: str
    value: bytes
    blocks: Sequence[Found]

    def told(self, problem: str | None) -> str | None:
        """What is wrong with it, with where it is."""
        return None if problem is None else self.where(problem)

    def where(self, problem: str) -> str:
        """The same of what is wrong."""
        if problem in {NO_CERTIFICATE, NO_REVOCATIONS, UNREADABLE}:
            passed = next((block for block in self.blocks if isinstance(block, PassedOver)), None)
            problem = f"{problem}; it {passed.problem}" if passed else problem
        return f"{self.place}: {problem}"


def certificate_of(document: Mapping[str, Any]) -> Certificate | None:
    """Read a Secret object; None when nothing in it is about TLS."""
    misshapen = misshapen_secret(document)
    if misshapen:
        return Certificate(problem=f"{misshapen[0].path}: {misshapen[0].message}", misshapen=misshapen)
    entries = entries_of(document)
    if isinstance(entries, str):
        return Certificate(problem=entries)
    chain, key, ca = (_first(entries, keys) for keys in (CHAIN_KEYS, PRIVATE_KEYS, CA_KEYS))
    revocations = _first(entries, REVOCATION_KEYS)
    if chain is None:
        if key is not None:
            return Certificate(problem="data[tls.crt]: missing, though there is a private key")
        if ca is None and revocations is None:
            return None
    found = _judged(chain, key, ca)
    if found.problem:
        return found
    return replace(
        found,
        revocations=revocations.value if revocations else None,
        brings_ca=bool(entries.get("root-cert.pem")),
        required=entries.get("cert_required", b"").strip().lower() == b"true",
        unusable_revocations=revocations.told(problem_of_revocations(revocations.blocks)) if revocations else None,
    )


def certificate_of_files(files: Mapping[str, bytes]) -> Certificate:
    """Read files by their paths: a certificate or CAs, the certificate's key, and CAs that are trusted beside it."""
    chain, key, ca, *_ = (
        *(_Entry(path, path, text, tuple(read_pem(text))) for path, text in files.items()),
        None,
        None,
    )
    return replace(_judged(chain, key, ca), brings_ca=ca is not None)


def certificate_of_authorities(place: str, text: bytes) -> Certificate:
    """Read CAs, of which `place` is where they are."""
    return _judged(None, None, _Entry(place, place, text, tuple(read_pem(text))))


def refused_with(found: Certificate | None, said: str) -> Certificate:
    """What is known of one that was refused: the version that is still in use, or that there is none."""
    return Certificate(problem=said) if found is None else replace(found, refusal=said)


def _judged(chain: _Entry | None, key: _Entry | None, ca: _Entry | None) -> Certificate:
    """What a certificate, its key, and CAs are good for."""
    shown = _shown(chain, key) if chain and key else None
    unfit = shown.problem if isinstance(shown, Unfit) else None
    untrusted = _distrust_of(ca or chain)
    if untrusted and (unfit or ca or not key):
        return Certificate(problem=unfit or untrusted)
    return Certificate(
        chain.value if chain else None,
        key.value if key else None,
        ca.value if ca else None,
        unfit=unfit,
        remark=chain.told(shown.remark) if chain and isinstance(shown, Shown) else None,
        remark_on_ca=_remark_on(ca or chain) if not untrusted else None,
        untrusted=untrusted,
    )


def entries_of(document: Mapping[str, Any]) -> dict[str, bytes] | str:
    """What a Secret holds, by its keys; or why that cannot be read."""
    written = {field: document.get(field) or {} for field in ("data", "stringData")}
    if sum(len(text or "") for values in written.values() for text in values.values()) > _MOST_CHARACTERS:
        return f"data: is larger than {MOST_BYTES >> 20} MiB, which is more than a Secret may hold"
    entries: dict[str, bytes] = {}
    for name, text in written["data"].items():
        try:
            entries[name] = base64.b64decode((text or "").encode().translate(None, b" \t\r\n"), validate=True)
        except (binascii.Error, ValueError):
            return f"data[{name}]: must be base64"
    return entries | {name: (text or "").encode(errors="replace") for name, text in written["stringData"].items()}


def _first(entries: Mapping[str, bytes], names: tuple[str, ...]) -> _Entry | None:
    name = next((name for name in names if entries.get(name)), None)
    return _Entry(name, f"data[{name}]", entries[name], tuple(read_pem(entries[name]))) if name else None


def _shown(chain: _Entry, key: _Entry) -> Shown | Unfit:
    """What peers are shown of a chain with its key, or why it cannot be shown; with where that is."""
    shown = shown_chain(chain.blocks)
    if isinstance(shown, Unfit):
        return Unfit(chain.where(shown.problem))
    private = read_private_key(key.blocks)
    if isinstance(private, Wrong):
        return Unfit(key.where(private.problem))
    if _spki(private.public_key()) != _spki(load_der_public_key(shown.public_key)):
        return Unfit(key.where(f"does not belong to the first certificate of {chain.name}"))
    return shown


def _distrust_of(authorities: _Entry | None) -> str | None:
    """Why peers cannot be checked against what is in here."""
    return authorities.told(problem_of_authorities(authorities.blocks)) if authorities else None


def _remark_on(authorities: _Entry | None) -> str | None:
    return authorities.told(remark_on_authorities(authorities.blocks)) if authorities else None


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
