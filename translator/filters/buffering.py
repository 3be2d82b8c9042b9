"""A request goes on only when all of its body is there; one that is too large is answered 413.

Source: envoy/extensions/filters/http/buffer/v3/buffer.proto.
"""

from typing import Final

from envoyapi.http_buffer_v3 import Buffer, BufferPerRoute
from translator.filters.part import HttpFilter
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class WholeBodies:
    """Bodies are gathered, of so many bytes at most."""

    most_bytes: int


@dataclass(frozen=True, slots=True)
class AsItComes:
    """Nothing is gathered, though it is for all: what follows a request for another protocol does not end."""


OFF: Final = BufferPerRoute(disabled=True)

FILTER: Final = HttpFilter(
    name="envoy.filters.http.buffer",
    idle=Buffer(max_request_bytes=1),  # Envoy wants a number; what counts is said where the filter is switched on
    switches={
        WholeBodies: lambda whole: BufferPerRoute(buffer=Buffer(max_request_bytes=whole.most_bytes)),
        AsItComes: lambda _: OFF,
    },
    off=OFF,
    acts_idle=True,
)
