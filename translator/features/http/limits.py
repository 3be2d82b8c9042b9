"""How large the headers of a request may be."""

from translator.features.http.part import Named, Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """All headers of a request together, in KiB; a larger request is answered 431."""

    most_kib: int


def part(limit: RequestHeaders, _: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    return Part(manager={"max_request_headers_kb": limit.most_kib})
