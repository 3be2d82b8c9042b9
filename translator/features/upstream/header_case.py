"""The case in which a service of HTTP/1 gets the names of headers."""

from translator.features.header_case import Case, key_format
from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class HeaderCase:
    """It means nothing to a service of HTTP/2, where all names are in lower case."""

    case: Case


def part(written: HeaderCase) -> Part:
    """What Envoy's Http1ProtocolOptions say of it."""
    return Part(http1={"header_key_format": key_format(written.case)})
