"""The priority of requests: which of a backend's circuit breakers count for them."""

from envoyapi.config_core_v3 import RoutingPriority
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class HighPriority:
    """The requests go before others, as far as circuit breakers are concerned."""


def action_fields(_: HighPriority) -> dict[str, object]:
    """What Envoy's RouteAction says of it."""
    return {"priority": RoutingPriority.HIGH}
