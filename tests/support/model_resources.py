"""Resources as the model of Envoy reads them: JSON in their bodies, that of a Secret as its PEM."""

from dataclasses import dataclass
from typing import Any

import orjson

from adsserver.resources import Entry, Kind
from envoyapi.config_core_v3 import DataSource
from envoyapi.reading import fields
from envoyapi.transport_sockets_tls_v3 import Secret, TlsCertificate


@dataclass(frozen=True)
class Held:
    """A resource in Envoy."""

    version: str
    content: Any
    sent_at: float


def held(entry: Entry, sent_at: float) -> Held:
    """What Envoy makes of an entry."""
    return Held(entry.version, content_of(entry.kind, entry.body), sent_at)


def content_of(kind: Kind, body: bytes) -> Any:
    """What a body says."""
    return orjson.loads(_pem_of(body) if kind is Kind.SECRET else body)


def secret_saying(content: bytes) -> bytes:
    """An encoded Secret with this content."""
    return bytes(Secret(tls_certificate=TlsCertificate(certificate_chain=DataSource(inline_bytes=content))))


def _pem_of(body: bytes) -> bytes:
    """The last line of its last certificate."""
    for _ in range(3):
        body = [value for _, value in fields(body) if isinstance(value, bytes)][-1]
    return body.splitlines()[-1]
