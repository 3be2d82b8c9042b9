"""Protocols that a connection may change to: WebSockets and their kin."""

from envoyapi.config_route_v3 import RouteActionUpgradeConfig
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Upgrades:
    """The names of the protocols, as in the Upgrade header. No two may be the same but for case: Envoy refuses them."""

    protocols: tuple[str, ...]


def action_fields(upgrades: Upgrades) -> dict[str, object]:
    """What Envoy's RouteAction says of it."""
    return {"upgrade_configs": tuple(RouteActionUpgradeConfig(upgrade_type=name) for name in upgrades.protocols)}
