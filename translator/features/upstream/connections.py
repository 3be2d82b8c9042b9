"""How long a connection to a backend is kept: without requests, and at most."""

from envoyapi.wire import duration_ms
from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Connections:
    """In milliseconds. `idle_ms` 0 is no limit, None is Envoy's default, an hour; `lifetime_ms` None is no limit."""

    idle_ms: int | None = None
    lifetime_ms: int | None = None


def part(connections: Connections) -> Part:
    """What Envoy's HttpProtocolOptions say of it."""
    fields: dict[str, object] = {}
    if connections.idle_ms is not None:
        fields["idle_timeout"] = duration_ms(connections.idle_ms)
    if connections.lifetime_ms is not None:
        fields["max_connection_duration"] = duration_ms(connections.lifetime_ms)
    return Part(http=fields)
