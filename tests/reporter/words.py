"""What the translator says of a Gateway's Service, for tests that are the translator: by its own function."""

from typing import Any

from translator.gateway.dedicated import NO_WAY, wish
from translator.gateway.kinds.gateway import Infrastructure
from translator.gateway.kinds.shared import Object


def service_said(name: str, **more: Any) -> dict[str, Any]:
    """All that is said of a Service of this name; `more` says some of it otherwise, and nothing that is not said."""
    gateway: Object[Any] = Object("gateway.networking.k8s.io/Gateway/default/web", "default", "web", "", None)
    said = wish(name, gateway, [("TCP", 80)], NO_WAY, {"app": "us"}, (Infrastructure(), ()), ())
    assert more.keys() <= said.keys(), more
    return said | {"labels": {}} | more  # else the labels that are on every one would be in each expectation
