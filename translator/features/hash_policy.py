"""By what of a request its endpoint is chosen, where a backend's load balancer hashes."""

from typing import Literal

from envoyapi.config_route_v3 import (
    RouteActionHashPolicy,
    RouteActionHashPolicyConnectionProperties,
    RouteActionHashPolicyCookie,
    RouteActionHashPolicyCookieAttribute,
    RouteActionHashPolicyHeader,
)
from envoyapi.wire import duration_ms
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class HashPolicy:
    """What is hashed: a header or cookie of this name, or the client's address.

    A client without the cookie is given one that lives `ttl_s` seconds, 0 until the browser ends; with None, it is
    given none, and its requests go anywhere. `attributes` are said of the cookie beside: names and values, or none.
    """

    by: Literal["header", "cookie", "source_ip"]
    name: str = ""
    path: str = ""
    ttl_s: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()


def action_fields(policy: HashPolicy) -> dict[str, object]:
    """What Envoy's RouteAction says of it."""
    match policy.by:
        case "header":
            said = RouteActionHashPolicy(header=RouteActionHashPolicyHeader(header_name=policy.name))
        case "cookie":
            ttl = None if policy.ttl_s is None else duration_ms(policy.ttl_s * 1_000)
            attributes = [
                RouteActionHashPolicyCookieAttribute(name=name, value=value) for name, value in policy.attributes
            ]
            said = RouteActionHashPolicy(
                cookie=RouteActionHashPolicyCookie(name=policy.name, path=policy.path, ttl=ttl, attributes=attributes)
            )
        case "source_ip":
            said = RouteActionHashPolicy(
                connection_properties=RouteActionHashPolicyConnectionProperties(source_ip=True)
            )
    return {"hash_policy": [said]}
