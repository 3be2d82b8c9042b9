"""How HTTP/1 is spoken with clients: old versions, loose framing, and the case of headers' names."""

from envoyapi.config_core_v3 import Http1ProtocolOptions
from translator.features.header_case import Case, key_format
from translator.features.http.part import Named, Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Http1:
    """`chunked_length`: a request may have a content-length beside chunks, which count; else it is refused.

    `version_1_0`: HTTP/1.0 is answered, rather than told to upgrade. `case` None: names are written in lower case.
    """

    chunked_length: bool = False
    version_1_0: bool = False
    case: Case | None = None


def part(http1: Http1, _: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    options = Http1ProtocolOptions(
        allow_chunked_length=True if http1.chunked_length else None,
        accept_http_10=True if http1.version_1_0 else None,
        header_key_format=key_format(http1.case) if http1.case else None,
    )
    return Part(manager={"http_protocol_options": options})
