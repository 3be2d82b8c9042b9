"""RoutePolicies: what each says of requests, and what holds for a rule of a route where it is served.

The more specific word wins, field by field: of a rule before that of its route, then of the listener where the requests
come in, of the ListenerSet that declares it, and of its Gateway. Of overrides it is the other way round, and they come
before all else, also before what a route says itself. Whoever wrote rules about addresses, or wants to have
requests authorized, wants no request to go on without. So what cannot be used of these refuses them, as long as no more
specific word stands in its place; all else that cannot be used is only told.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from translator.decode import Problem
from translator.features.idle_timeout import IdleTimeout
from translator.fields.address_rules import address_rules_of
from translator.fields.buffer import bodies_of
from translator.fields.cors import cross_origin_of
from translator.fields.error_overrides import error_bodies_of, files_of, problems_of_files
from translator.fields.retry_policy import retry_policy_of
from translator.files.names import Files
from translator.filters.address_rules import AddressRules
from translator.filters.external_auth import DoNotAsk
from translator.gateway.astray import Guarding, guarding, is_route, meant
from translator.gateway.attached import WHOLE, Attached, guards_left, is_override
from translator.gateway.conditions import Condition, false, true
from translator.gateway.elsewhere import Elsewhere
from translator.gateway.kinds.route_policy import ADDRESSES, AUTHORIZATION, GUARDS, RoutePolicySpec, targets_of
from translator.gateway.kinds.shared import Object
from translator.gateway.kinds.targets import Place
from translator.gateway.listeners import Listener, ListenerKey
from translator.gateway.names import ROUTE_POLICY
from translator.gateway.problems import in_words
from translator.gateway.treatment import NOTHING, SILENCE, Closed, Said, Words
from translator.ir import ObjectKey
from translator.tables import Table, Tables, read
from translator.values import dataclass

REFUSED: Final = "refuses all requests (500)"
UNANSWERED: Final = f"{REFUSED}, since there is no AuthService that could be asked"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy says, whether that is sound, and what is left out of it; `overrides`: it is the last word."""

    said: Said
    accepted: Condition
    problems: tuple[Problem, ...] = ()
    overrides: bool = False


class RoutePolicies:
    """`judged` are the policies by themselves, `files` those that they name. The methods are for rules of a sweep."""

    def __init__(
        self, tables: Tables, listeners: Table[ListenerKey, Listener], elsewhere: Elsewhere, ambassador_id: str
    ) -> None:
        self._elsewhere = elsewhere
        self.attached = Attached(tables, ROUTE_POLICY, RoutePolicySpec, targets_of, ambassador_id)
        self.judged: Table[ObjectKey, Judged] = tables.each("route policies judged", self.attached.all, self._judge)
        self._said: Table[ObjectKey, Said] = tables.each(
            "what route policies say", self.judged, lambda _, row: row.said
        )
        self.files: Table[Files, bool] = tables.each(
            "files that route policies need",
            tables.group("files of route policies", self.attached.all, lambda _, row: _files_of(row)),
            lambda _, __: True,
        )
        self._guarding: Table[ObjectKey, Mapping[ObjectKey, Guarding]] = tables.group(
            "guards of rules by route", self.attached.all, lambda _, row: guarding(row, _guards_of(row))
        )
        self._of_listeners: Table[ListenerKey, Words] = tables.each(
            "what policies say of listeners", listeners, self._of_listener
        )

    def of_rule(self, route: ObjectKey, rule: str | None, names: Collection[str]) -> Words:
        """What is said of a rule of a route, by its name, and of the route; `names` are those of all its rules."""
        words = self.of((route, WHOLE))
        for policy, row in sorted((read(self._guarding, route) or {}).items()):
            if row.is_for(rule, names):
                shut = _shut(policy, row.guards)
                words = (Words(last=shut) if row.overrides else Words(shut)).under(words)
        return self.of((route, rule)).under(words) if rule else words

    def instead(self, key: ObjectKey, target: ObjectKey, section: str, names: Collection[str]) -> str:
        """What comes of a policy's word about a rule that is not there; empty: nothing. For rules."""
        row = read(self.attached.all, key)
        if row is None or not is_route(target) or not _guards_of(row):
            return ""
        rule = meant(section, names)
        return f", and it may be a guard: {f'the rule {rule}' if rule else 'each rule without a policy'} {REFUSED}"

    def of_listener(self, listener: ListenerKey) -> Words:
        """What is said of a listener, of who declares it, and of the Gateway that it is for."""
        return read(self._of_listeners, listener) or SILENCE

    def addresses_beside(self) -> AddressRules | None:
        """The rules about addresses at names that are shared."""
        return self._elsewhere.addresses()

    def _of_listener(self, key: ListenerKey, row: Listener) -> Words | None:
        """Most listeners have no policies: of these there is no row."""
        owner, name = key
        words = self.of((owner, name)).under(self.of((owner, WHOLE)))
        words = words if owner == row.gateway else words.under(self.of((row.gateway, WHOLE)))
        return None if words == SILENCE else words

    def of(self, place: Place) -> Words:
        """What is said of one target."""
        default, last = self._of(place, overrides=False), self._of(place, overrides=True)
        return SILENCE if default is last is NOTHING else Words(default, last)

    def _of(self, place: Place, *, overrides: bool) -> Said:
        """A policy that a failure of ours has kept from being judged refuses all."""
        owner = self.attached.owner(place, overrides=overrides)
        return NOTHING if owner is None else read(self._said, owner) or _shut(owner, GUARDS)

    def _judge(self, key: ObjectKey, row: Object[RoutePolicySpec]) -> Judged:
        spec = row.spec
        if spec is None or row.is_held:
            guards = _guards_of(row)
            accepted = true("Accepted") if spec else false("Accepted", "Invalid", in_words(row.problems))
            return Judged(_shut(key, guards), accepted, overrides=is_override(row))
        authorization, unanswered = self._authorization(key, spec)
        text = self._elsewhere.text
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
            bodies_of(spec.buffer),
            None if spec.error_response_overrides is None else error_bodies_of(spec.error_response_overrides, text),
            None if spec.access_log is None else self._elsewhere.log_mark(spec.access_log, key),
            (key,),
        )
        left_out = problems_of_files(spec.error_response_overrides, "spec.error_response_overrides", text)
        return Judged(said, unanswered or true("Accepted"), tuple(left_out), spec.override)

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


def _guards_of(row: Object[RoutePolicySpec]) -> frozenset[str]:
    """The fields on which security hangs, of a policy that is sound or of one that is stopped."""
    return guards_left(row) if row.spec is None else frozenset(_guards(row.spec))


def _guards(spec: RoutePolicySpec) -> list[str]:
    return [name for name in GUARDS if getattr(spec, name) is not None]


def _files_of(row: Object[RoutePolicySpec]) -> dict[Files, bool]:
    return files_of(row.spec.error_response_overrides) if row.spec else {}


def _addresses(spec: RoutePolicySpec) -> Any:
    """The rules about addresses; () where it is said that there are none."""
    if spec.ip_allow is None and spec.ip_deny is None:
        return None
    return address_rules_of(spec.ip_allow or (), spec.ip_deny or ()) or ()
