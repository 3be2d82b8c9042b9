"""`buffer` of the Module: requests go on when all of their bodies are there."""

from dataclasses import field
from typing import Annotated

from translator.decode import Rule, rule
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """Requests go on when all of their bodies are there."""

    max_request_bytes: Annotated[int, Rule(minimum=1, maximum=4_294_967_295)] = field(
        metadata=rule("The largest body; requests with a larger one are answered 413.")
    )
    max_request_time: object = field(
        default=None, metadata=rule("How long it may take.", warn="has no effect: Envoy knows no such limit any more")
    )
