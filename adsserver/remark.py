"""A Secret in words that Envoy has not read before, so that its answer is about the Secret.

Envoy 1.40 compares a Secret with the last one that it was given, be it one that it refused: what is equal it
acknowledges, unread. So each sending of a Secret has a remark of its own before the PEM, which nobody who reads PEM
looks at, and what Envoy says is always its verdict. Of the other kinds it judges again what it has refused.
"""

from collections.abc import Iterator

from envoyapi.config_core_v3 import DataSource
from envoyapi.reading import DecodeError, fields
from envoyapi.transport_sockets_tls_v3 import CertificateValidationContext, Secret, TlsCertificate

_TLS_CERTIFICATE, _VALIDATION_CONTEXT = 2, 4
_CERTIFICATE_CHAIN = _TRUSTED_CA = 1
_INLINE = (2, 3)


def remarked(body: bytes, remark: str) -> bytes:
    """An encoded Secret with a line before its certificates; as it is where none are found.

    A part of a message that comes twice is merged, and the later text counts.
    """
    try:
        found = next(_certificates(body), None)
    except DecodeError:
        return body  # what Envoy cannot decode it refuses each time
    if found is None:
        return body
    kind, pem = found
    text = DataSource(inline_bytes=b"# " + remark.encode() + b"\n" + pem)
    if kind == _TLS_CERTIFICATE:
        return bytes(body + Secret(tls_certificate=TlsCertificate(certificate_chain=text)))
    return bytes(body + Secret(validation_context=CertificateValidationContext(trusted_ca=text)))


def _certificates(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Which sort of Secret it is, and the PEM of the certificates that are given in it."""
    for kind in (_TLS_CERTIFICATE, _VALIDATION_CONTEXT):
        for context in _inside(body, kind):
            for source in _inside(context, _CERTIFICATE_CHAIN):
                for inline in _INLINE:
                    for pem in _inside(source, inline):
                        yield kind, pem


def _inside(message: bytes, wanted: int) -> Iterator[bytes]:
    return (value for number, value in fields(message) if number == wanted and isinstance(value, bytes))
