"""Certificates of Hosts, for people: whose they are, for which names, and when they end. Never their keys."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from diagnostics.view import View

SOON: Final = 21 * 86_400.0
"""Seconds before its end from which a certificate is told as ending soon: what renews them does so a month before."""
MOST_NAMES: Final = 50

_OF_SECRETS: Final = "core/Secret/"
_CERTIFICATE: Final = "tls.crt"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a Secret has for a certificate; `trouble`: why nothing is known of it. Times are Unix times."""

    secret: str
    key: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    begins: float = 0.0
    ends: float = 0.0
    fingerprint: str = ""
    trouble: str = ""

    def state(self, now: float) -> str:
        """How it stands with it: ok, warned (it ends soon) or stopped."""
        if self.trouble or not self.begins <= now < self.ends:
            return "stopped"
        return "warned" if self.ends - now < SOON else "ok"


def certificate_of(view: View, secret: str) -> Certificate:
    """The certificate in a Secret, by `namespace/name`; or in a file, of which only the name is known here."""
    key = f"{_OF_SECRETS}{secret}"
    record = view.objects.record(key) if key in view.objects.rows else None
    if record is None:
        return Certificate(secret, trouble="" if secret.startswith("/") else "the Secret is not there")
    body = orjson.loads(record.body)
    try:
        said = (body.get("data") or {}).get(_CERTIFICATE) or ""
        pem = base64.b64decode(said) if said else (body.get("stringData") or {}).get(_CERTIFICATE, "").encode()
        found = x509.load_pem_x509_certificate(pem)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = tuple([str(each) for each in names.get_values_for_type(x509.DNSName)])
    except x509.ExtensionNotFound:
        told = ()
    except (AttributeError, TypeError, ValueError, binascii.Error):
        return Certificate(secret, key, trouble="no certificate can be read in it")
    return Certificate(
        secret,
        key,
        told[:MOST_NAMES] or (found.subject.rfc4514_string(),),
        found.issuer.rfc4514_string(),
        found.not_valid_before_utc.timestamp(),
        found.not_valid_after_utc.timestamp(),
        found.fingerprint(SHA256()).hex(":"),
    )
