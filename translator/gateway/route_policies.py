"""RoutePolicies: what each says of requests, and what holds for a rule of a route where it is served.

The more specific word wins, field by field: of a rule before that of its route, then of the listener where the requests
come in, of the ListenerSet that declares it, and of its Gateway. Whoever wrote rules about addresses, or wants to have
requests authorized, wants no request to go on without. So what cannot be used of these refuses them, as long as no more
specific word stands in its place; all else that cannot be used is only told.
"""

from collections.abc import Iterable
from typing import Any, Final

from translator.features.idle_timeout import IdleTimeout
from translator.fields.address_rules import address_rules_of
from translator.fields.cors import cross_origin_of
from translator.fields.retry_policy import retry_policy_of
from translator.filters.address_rules import AddressRules
from translator.filters.external_auth import DoNotAsk
from translator.gateway.attached import WHOLE, Attached, guards_left
from translator.gateway.conditions import Condition, false, true
from translator.gateway.elsewhere import Elsewhere
from translator.gateway.kinds.route_policy import ADDRESSES, AUTHORIZATION, RoutePolicySpec, targets_of
from translator.gateway.kinds.shared import Object
from translator.gateway.listeners import Listener, ListenerKey
from translator.gateway.names import ROUTE_POLICY
from translator.gateway.problems import in_words
from translator.gateway.treatment import NOTHING, Closed, Said
from translator.ir import ObjectKey
from translator.tables import Table, Tables, read
from translator.values import dataclass

REFUSED: Final = "refuses all requests (500)"
UNANSWERED: Final = f"{REFUSED}, since there is no AuthService that could be asked"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy says, and whether that is sound."""

    said: Said
    accepted: Condition


class RoutePolicies:
    """`judged` are the policies by themselves. The methods are for rules that a sweep runs."""

    def __init__(
        self, tables: Tables, listeners: Table[ListenerKey, Listener], elsewhere: Elsewhere, ambassador_id: str
    ) -> None:
        self._elsewhere = elsewhere
        self.attached = Attached(tables, ROUTE_POLICY, RoutePolicySpec, targets_of, ambassador_id)
        self.judged: Table[ObjectKey, Judged] = tables.each("route policies judged", self.attached.all, self._judge)
        self._said: Table[ObjectKey, Said] = tables.each(
            "what route policies say", self.judged, lambda _, row: row.said
        )
        self._of_listeners: Table[ListenerKey, Said] = tables.each(
            "what policies say of listeners", listeners, self._of_listener
        )

    def of_rule(self, route: ObjectKey, rule: str | None) -> Said:
        """What is said of a rule of a route, by its name, and of the route."""
        said = self._of(route, WHOLE)
        return self._of(route, rule).over(said) if rule else said

    def of_listener(self, listener: ListenerKey) -> Said:
        """What is said of a listener, of who declares it, and of the Gateway that it is for."""
        return read(self._of_listeners, listener) or NOTHING

    def addresses_beside(self) -> AddressRules | None:
        """The rules about addresses at names that are shared."""
        return self._elsewhere.addresses()

    def _of_listener(self, key: ListenerKey, row: Listener) -> Said | None:
        """Most listeners have no policies: of these there is no row."""
        owner, name = key
        said = self._of(owner, name).over(self._of(owner, WHOLE))
        said = said if owner == row.gateway else said.over(self._of(row.gateway, WHOLE))
        return None if said is NOTHING else said

    def _of(self, target: ObjectKey, section: str) -> Said:
        """What is said of one target. A policy that a failure of ours has kept from being judged refuses all."""
        owner = self.attached.owner(target, section)
        if owner is None:
            return NOTHING
        return read(self._said, owner) or _shut(owner, (*ADDRESSES, *AUTHORIZATION))

    def _judge(self, key: ObjectKey, row: Object[RoutePolicySpec]) -> Judged:
        spec = row.spec
        if spec is None or row.is_held:
            guards = guards_left(row) if spec is None else _guards(spec)
            accepted = true("Accepted") if spec else false("Accepted", "Invalid", in_words(row.problems))
            return Judged(_shut(key, guards), accepted)
        authorization, unanswered = self._authorization(key, spec)
        said = Said(
            spec.timeout_ms,
            None if spec.idle_timeout_ms is None else IdleTimeout(spec.idle_timeout_ms),
            retry_policy_of([spec.retry_policy], None),
            None if spec.priority is None else spec.priority == "HIGH",
            cross_origin_of(spec.cors, None),
            None if spec.labels is None else self._elsewhere.rate_limits(spec.labels),
            _addresses(spec),
            authorization,
            spec.compress,
            (key,),
        )
        return Judged(said, unanswered or true("Accepted"))

    def _authorization(
        self, key: ObjectKey, spec: RoutePolicySpec
    ) -> tuple[tuple[Any, ...] | Closed | None, Condition | None]:
        if spec.external_auth is None:
            return None, None
        asked = self._elsewhere.authorization(spec.auth_context_extensions)
        if not spec.external_auth:  # said to Envoy, too, since all are asked about at names that are shared
            return () if asked is None else (DoNotAsk(),), None
        if asked is None:
            return Closed(key), false("Accepted", "Invalid", UNANSWERED, "spec.external_auth")
        return asked, None


def _shut(key: ObjectKey, guards: Iterable[str]) -> Said:
    """What is left of a policy that has these fields: that its requests are refused."""
    shut = frozenset(guards)
    return Said(
        addresses=None if shut.isdisjoint(ADDRESSES) else Closed(key),
        authorization=None if shut.isdisjoint(AUTHORIZATION) else Closed(key),
        policies=(key,),
    )


def _guards(spec: RoutePolicySpec) -> list[str]:
    return [name for name in (*ADDRESSES, *AUTHORIZATION) if getattr(spec, name) is not None]


def _addresses(spec: RoutePolicySpec) -> Any:
    """The rules about addresses; () where it is said that there are none."""
    if spec.ip_allow is None and spec.ip_deny is None:
        return None
    return address_rules_of(spec.ip_allow or (), spec.ip_deny or ()) or ()
