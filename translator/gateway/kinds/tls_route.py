"""TLSRoute: where connections go by the name that clients ask for in TLS.

Source: Gateway API v1.7.0, TLSRoute v1.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, Any, ClassVar, Final

from translator.decode import Problem, Rule, rule
from translator.gateway.kinds.passing import PassingRules
from translator.gateway.kinds.shared import Hostname, ParentRef, checked_parents, hostnames_of
from translator.values import dataclass

MOST_HOSTNAMES: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSRouteSpec:
    """What a TLSRoute says."""

    OPEN: ClassVar[bool] = True

    parent_refs: Annotated[tuple[ParentRef, ...], Rule(max_size=32)] = field(
        default=(), metadata=rule(name="parentRefs")
    )
    hostnames: Annotated[tuple[Hostname, ...], Rule(min_size=1, max_size=MOST_HOSTNAMES)]
    rules: PassingRules

    def cross_check(self) -> Iterable[Problem]:
        """What its parts say of each other. An address is no name: clients ask for none of these."""
        yield from checked_parents(self.parent_refs)
        for place, hostname in enumerate(self.hostnames):
            if _is_address(hostname):
                yield Problem(f"hostnames[{place}]", f"must be a name, not the address {hostname}")


def names_of_connections(spec: dict[str, Any]) -> tuple[str, ...]:
    """The hostnames of a route of which something else, or one of them, cannot be read."""
    return hostnames_of(spec, MOST_HOSTNAMES)


def _is_address(hostname: str) -> bool:
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        return False
    return True
