"""Who gets in, by the address: those that are allowed, without those that are denied. The others are answered 403.

Source: envoy/extensions/filters/http/rbac/v3/rbac.proto, envoy/config/rbac/v3/rbac.proto.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, Literal

from envoyapi.config_core_v3 import CidrRange
from envoyapi.config_rbac_v3 import Permission, Policy, Principal, PrincipalSet, RbacAction
from envoyapi.config_rbac_v3 import Rbac as Rules
from envoyapi.http_rbac_v3 import Rbac, RbacPerRoute
from translator.filters.part import HttpFilter
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses that begin alike: of the connection's `peer`, or of the `remote` client as trusted proxies tell it."""

    whose: Literal["peer", "remote"]
    address: str
    length: int


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Who gets in. `allowed` None: everyone; (): nobody.

    `also` are rules that hold besides: what a route says takes the place of what its chain says. `only_noted`: nobody
    is kept out by them, and a filter behind reads in NOTED, by the key RESULT, whether they are ALLOWED.
    """

    allowed: tuple[AddressRange, ...] | None = None
    denied: tuple[AddressRange, ...] = ()
    also: "AddressRules | None" = None
    only_noted: bool = False


NAME: Final = "envoy.filters.http.rbac"
NOTED: Final = NAME
"""The space of a request's metadata in which Envoy notes what rules would have done."""
RESULT: Final = "shadow_engine_result"
ALLOWED: Final = "allowed"


def _switch(rules: AddressRules) -> RbacPerRoute:
    every = tuple(_every(rules))
    principals = [principal for each in every for principal in _principals(each)]
    policy = Policy(permissions=[Permission(any=True)], principals=[Principal(and_ids=PrincipalSet(ids=principals))])
    policies = {} if any(each.allowed == () for each in every) else {"addresses": policy}
    said = Rules(action=RbacAction.ALLOW, policies=policies)
    return RbacPerRoute(rbac=Rbac(shadow_rules=said) if rules.only_noted else Rbac(rules=said))


def both(one: AddressRules, other: AddressRules) -> AddressRules:
    """The rules by which only those get in who get in by both."""
    return replace(one, also=other if one.also is None else both(one.also, other))


def _every(rules: AddressRules | None) -> Iterator[AddressRules]:
    while rules is not None:
        yield rules
        rules = rules.also


def _principals(rules: AddressRules) -> Iterator[Principal]:
    if rules.allowed is not None:
        yield _any_of(rules.allowed)
    if rules.denied:
        yield Principal(not_id=_any_of(rules.denied))


def _any_of(ranges: Iterable[AddressRange]) -> Principal:
    return Principal(or_ids=PrincipalSet(ids=[_principal(each) for each in ranges]))


def _principal(each: AddressRange) -> Principal:
    cidr = CidrRange(address_prefix=each.address, prefix_len=each.length)
    return Principal(direct_remote_ip=cidr) if each.whose == "peer" else Principal(remote_ip=cidr)


FILTER: Final = HttpFilter(name=NAME, idle=Rbac(), switches={AddressRules: _switch}, off=RbacPerRoute())
