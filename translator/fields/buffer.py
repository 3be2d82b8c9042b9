"""`buffer`: requests go on when all of their bodies are there; of all requests by the Module, of some by a policy."""

from dataclasses import field
from typing import Annotated, Final

from translator.decode import Rule, rule
from translator.filters.buffering import AsItComes, WholeBodies
from translator.values import dataclass

_MOST: Final = 4_294_967_295


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """Requests go on when all of their bodies are there."""

    max_request_bytes: Annotated[int, Rule(minimum=1, maximum=_MOST)] = field(
        metadata=rule("The largest body; requests with a larger one are answered 413.")
    )
    max_request_time: object = field(
        default=None, metadata=rule("How long it may take.", warn="has no effect: Envoy knows no such limit any more")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferOfSome:
    """Requests go on when all of their bodies are there; those of a WebSocket, which have no end, as they come."""

    max_request_bytes: Annotated[int, Rule(minimum=0, maximum=_MOST)] = field(
        metadata=rule("The largest body; requests with a larger one are answered 413. 0: bodies are not gathered.")
    )


def bodies_of(buffer: BufferOfSome | None) -> WholeBodies | AsItComes | None:
    """What is said to the filter; None: nothing."""
    if buffer is None:
        return None
    return WholeBodies(buffer.max_request_bytes) if buffer.max_request_bytes else AsItComes()
