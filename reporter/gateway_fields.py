"""Our part of the status of an object of Gateway API, as it compares with what the API server says: pure."""

from collections.abc import Mapping
from typing import Any, Final

_REFERENCE: Final = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
_DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "parentRef": _REFERENCE,
    "ancestorRef": _REFERENCE,
    "supportedKinds": {"group": "gateway.networking.k8s.io"},
    "addresses": {"type": "IPAddress"},
}
"""What the API server adds where nothing is said: so it is said, and compares equal."""


def observed(status: Any, generation: int) -> Any:
    """A status as it is wanted, each condition of it about this generation, and all said that has a default."""
    if isinstance(status, list):
        return [observed(each, generation) for each in status]
    if not isinstance(status, dict):
        return status
    found = {name: observed(_explicit(name, value), generation) for name, value in status.items()}
    if "conditions" in status:
        found["conditions"] = [each | {"observedGeneration": generation} for each in found["conditions"]]
    return found


def _explicit(name: str, value: Any) -> Any:
    default = _DEFAULTS.get(name)
    if default is None:
        return value
    return [{**default, **each} for each in value] if isinstance(value, list) else {**default, **value}
