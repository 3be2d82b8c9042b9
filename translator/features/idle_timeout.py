"""How long a stream may be silent, in both directions, before it is reset."""

from envoyapi.wire import duration_ms
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class IdleTimeout:
    """The limit in milliseconds; 0 is no limit."""

    milliseconds: int


def action_fields(timeout: IdleTimeout) -> dict[str, object]:
    """What Envoy's RouteAction says of it."""
    return {"idle_timeout": duration_ms(timeout.milliseconds)}
