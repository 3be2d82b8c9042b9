"""What the last step of each request, the router, tells others of itself."""

from translator.features.http.part import Named, Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class NoEnvoyHeaders:
    """Neither services nor clients get Envoy's own `x-envoy-*` headers."""


def part(_: NoEnvoyHeaders, __: Named) -> Part:
    """What Envoy's Router says of it."""
    return Part(router={"suppress_envoy_headers": True})
