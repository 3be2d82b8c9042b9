"""What can be said of a forwarded request beyond its backends, one file a feature.

A feature is a frozen value, which any API may put into `ir.Forward.features`, and the words in which Envoy is told of
it. A new one is a new file here and one line in FEATURES.
"""

from collections.abc import Callable, Mapping
from typing import Any

from translator.features import hash_policy, idle_timeout, priority, retry_policy, upgrades

FEATURES: Mapping[type, Callable[[Any], dict[str, object]]] = {
    hash_policy.HashPolicy: hash_policy.action_fields,
    idle_timeout.IdleTimeout: idle_timeout.action_fields,
    priority.HighPriority: priority.action_fields,
    retry_policy.RetryPolicy: retry_policy.action_fields,
    upgrades.Upgrades: upgrades.action_fields,
}


def action_fields(feature: object) -> dict[str, object]:
    """The fields of Envoy's RouteAction that a feature sets.

    Raises:
        KeyError: when the value is of a class that FEATURES does not list: a bug of ours.
    """
    return FEATURES[type(feature)](feature)
