"""Whether a backend may be named before its name is resolved."""

from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class NoWarming:
    """It is there at once, be it without endpoints: what names it would be refused while it is not there.

    Envoy refuses a listener whose tracer names a cluster that still waits for DNS.
    """


def part(_: NoWarming) -> Part:
    """What Envoy's Cluster says of it."""
    return Part(cluster={"wait_for_warm_on_init": False})
