"""How the name of a backend is resolved; it means nothing where the endpoints are known without DNS."""

from typing import Final, Literal

from envoyapi.config_cluster_v3 import ClusterDiscoveryType, ClusterDnsLookupFamily
from translator.features.upstream.part import Part
from translator.values import dataclass

Family = Literal["v4", "v6", "v6_preferred"]

_FAMILIES: Final[dict[Family, ClusterDnsLookupFamily]] = {
    "v4": ClusterDnsLookupFamily.V4_ONLY,
    "v6": ClusterDnsLookupFamily.V6_ONLY,
    "v6_preferred": ClusterDnsLookupFamily.AUTO,
}


@dataclass(frozen=True, slots=True)
class Dns:
    """How DNS is asked, and what is made of its answer.

    `logical`: only new connections go to the address that was resolved last; else all addresses share the requests, and
    who is no longer among them gets none. `respect_ttl`: ask again when the answer has ended, else every 5 s.
    `family` None: addresses of IPv4, and of IPv6 where there is none.
    """

    logical: bool = False
    respect_ttl: bool = False
    family: Family | None = None


def part(dns: Dns) -> Part:
    """What Envoy's Cluster says of it."""
    fields: dict[str, object] = {}
    if dns.logical:
        fields["type"] = ClusterDiscoveryType.LOGICAL_DNS
    if dns.respect_ttl:
        fields["respect_dns_ttl"] = True
    if dns.family is not None:
        fields["dns_lookup_family"] = _FAMILIES[dns.family]
    return Part(cluster=fields)
