"""What a route means by itself: its rules with their backends, and what is wrong with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from translator import ir
from translator.decode import Invalid, Problem, join
from translator.gateway.authorization import external_auth_of
from translator.gateway.backends import Backends, Found, Place
from translator.gateway.conditions import Condition, false
from translator.gateway.filters import Treatment, treatment_of
from translator.gateway.kinds.grpc_route import GrpcMatch, GrpcRule
from translator.gateway.kinds.http_route import BackendRef, Match, RouteRule, Timeouts
from translator.gateway.kinds.passing import PassingRule
from translator.gateway.kinds.shared import BackendObjectRef, Object
from translator.gateway.matches import Rank, call_match, http_match
from translator.gateway.names import PASSING
from translator.gateway.route_policies import RoutePolicies
from translator.gateway.rules import Rule, Share, mirror_of
from translator.gateway.sessions import session_of, unserved
from translator.ir import ObjectKey

Matched = tuple[int, ir.RouteMatch, Rank]
AnyRule = RouteRule | GrpcRule


@dataclass(frozen=True, slots=True)
class Understood:
    """What a route means: its rules; the references that lead nowhere; and the rules that cannot be served, with why.

    `is_unserved`: none of them can. `concerned` are the ports of Services that policies are about, `policies` those
    that count there, and `unasked` are backends that get no requests since a policy cannot be used. `passed` and
    `secured`: of a route that passes on what comes in, instead of rules; as it comes, and as policies demand it.
    """

    rules: tuple[Rule, ...]
    references: tuple[Condition, ...] = ()
    dropped: tuple[Condition, ...] = ()
    is_unserved: bool = False
    concerned: tuple[Place, ...] = ()
    policies: tuple[ObjectKey, ...] = ()
    unasked: tuple[Problem, ...] = ()
    passed: tuple[ir.WeightedBackend, ...] = ()
    secured: tuple[ir.WeightedBackend, ...] = ()


@dataclass(slots=True)
class _Notes:
    """What is found while a route is read."""

    references: list[Condition] = field(default_factory=list)
    dropped: list[Condition] = field(default_factory=list)
    unserved: set[int] = field(default_factory=set)
    concerned: set[Place] = field(default_factory=set)
    policies: set[ObjectKey] = field(default_factory=set)
    unasked: list[Problem] = field(default_factory=list)

    def drop(self, path: str, message: str, rule: int | None = None) -> None:
        """Something cannot be served; perhaps it is a rule as a whole."""
        self.dropped.append(false("Accepted", "UnsupportedValue", message, path))
        if rule is not None:
            self.unserved.add(rule)

    def find(self, found: Found, path: str, what: str = "requests") -> None:
        """What a reference leads to, or that it leads nowhere. `what` is sent there, for people."""
        if found.problem is not None:
            self.references.append(found.problem)
        if found.concerned is not None:
            self.concerned.add(found.concerned)
        self.policies.update(found.policies)
        if found.demand is not None:
            self.policies.add(found.demand.policy)
            if found.demand.tls is None:
                said = f"gets no {what}, since the {found.demand.named} cannot be used"
                self.unasked.append(Problem(path, said, stops=False))


class Understanding:
    """Each route by itself. The method is for rules that a sweep runs: it asks for Services and ReferenceGrants."""

    def __init__(self, backends: Backends, policies: RoutePolicies) -> None:
        self._backends = backends
        self._policies = policies

    def understand(self, route: Object[Any]) -> Understood | None:
        """What a route means; None when a problem stops it."""
        if route.spec is None:
            return None
        if route.kind in PASSING:
            return self._passed(route, route.spec.rules)
        notes = _Notes()
        names = frozenset([each.name for each in route.spec.rules if each.name])
        rules = tuple([self._rule(route, place, each, notes, names) for place, each in enumerate(route.spec.rules)])
        unserved = bool(rules) and len(notes.unserved) == len(rules)
        return Understood(
            rules,
            tuple(notes.references),
            tuple(notes.dropped),
            unserved,
            tuple(sorted(notes.concerned)),
            tuple(sorted(notes.policies)),
            tuple(notes.unasked),
        )

    def _passed(self, route: Object[Any], rules: Iterable[PassingRule]) -> Understood:
        """What a route with these rules means that passes on what comes in."""
        refs = [
            (each, f"spec.rules[{place}].backendRefs[{number}]")
            for place, rule in enumerate(rules)
            for number, each in enumerate(rule.backend_refs)
        ]
        by_datagrams, notes = route.kind == "UDPRoute", _Notes()
        find = partial(self._backends.find_passed, by_datagrams=by_datagrams)
        found = [(ref.weight, find(route, ref, path), path) for ref, path in refs]
        what = "connections whose TLS ends here" if route.kind == "TLSRoute" else "connections"
        for _, each, path in found:
            notes.find(each, path, what)
        return Understood(
            (),
            tuple(notes.references),
            concerned=tuple(sorted(notes.concerned)),
            policies=tuple(sorted(notes.policies)),
            unasked=tuple(notes.unasked),
            passed=tuple([ir.WeightedBackend(each.plain, weight) for weight, each, _ in found if weight]),
            secured=tuple([ir.WeightedBackend(each.backend, weight) for weight, each, _ in found if weight]),
        )

    def _rule(self, route: Object[Any], place: int, written: AnyRule, notes: _Notes, names: frozenset[str]) -> Rule:
        path, of_calls = f"spec.rules[{place}]", isinstance(written, GrpcRule)
        matches = tuple(_matches(written, path, notes))
        treatment = treatment_of(written.filters, path, of_calls=of_calls)
        session = written.session_persistence
        wrong = unserved(session, len(written.backend_refs)) if session is not None else None
        if wrong is not None:
            told = (join(f"{path}.sessionPersistence", wrong[0]), wrong[1])
            treatment = replace(treatment, unserved=(*treatment.unserved, told))
        for where, said in treatment.unserved:
            notes.drop(where, said, place)
        auth = None
        if treatment.auth is not None:
            at, asking = treatment.auth
            asked = self._find(route, asking.backend_ref, at, notes, of_calls=asking.protocol == "GRPC").backend
            auth = external_auth_of(asking, asked) if asked is not None else None
            if auth is None:  # nobody can be asked, so nobody is let through
                treatment = replace(treatment, unserved=(*treatment.unserved, (at, "leads nowhere")))
        if not matches:
            notes.unserved.add(place)
        shares = tuple(
            [
                self._share(route, each, f"{path}.backendRefs[{number}]", notes, of_calls=of_calls)
                for number, each in enumerate(written.backend_refs)
            ]
        )
        mirrors = tuple(self._mirrors(route, treatment, notes, of_calls=of_calls))
        timeouts, retry = (Timeouts(), None) if isinstance(written, GrpcRule) else (written.timeouts, written.retry)
        kept = session_of(session, route.key, place) if session is not None and wrong is None else None
        of_policies = self._policies.of_rule(route.key, written.name, names)
        return Rule(place, matches, treatment, mirrors, shares, timeouts, retry, of_calls, kept, of_policies, auth)

    def _share(self, route: Object[Any], ref: BackendRef, path: str, notes: _Notes, *, of_calls: bool) -> Share:
        found = self._find(route, ref, path, notes, of_calls=of_calls)
        backend, treatment = found.backend, treatment_of(ref.filters, path, of_calls=of_calls, of_backend=True)
        for where, said in treatment.unserved:
            notes.drop(where, said)
            backend = None
        mirrors = tuple(self._mirrors(route, treatment, notes, of_calls=of_calls))
        return Share(backend, ref.weight, treatment, mirrors, found.hash_policy)

    def _mirrors(
        self, route: Object[Any], treatment: Treatment, notes: _Notes, *, of_calls: bool
    ) -> Iterator[ir.Mirror]:
        """The copies that are sent; one whose backend is missing is not."""
        for path, mirror in treatment.mirrors:
            backend = self._find(route, mirror.backend_ref, path, notes, of_calls=of_calls).backend
            if backend is not None:
                yield mirror_of(backend, mirror)

    def _find(self, route: Object[Any], ref: BackendObjectRef, path: str, notes: _Notes, *, of_calls: bool) -> Found:
        found = self._backends.find(route, ref, path, of_calls=of_calls)
        notes.find(found, path)
        return found


def _matches(written: AnyRule, path: str, notes: _Notes) -> Iterator[Matched]:
    """The matches of a rule that can be asked; without any it matches everything."""
    if isinstance(written, GrpcRule):
        every: tuple[Match | GrpcMatch, ...] = written.matches or (GrpcMatch(),)
    else:
        every = written.matches or (Match(),)
    for number, match in enumerate(every):
        try:
            found = call_match(match) if isinstance(match, GrpcMatch) else http_match(match)
        except Invalid as invalid:
            notes.drop(f"{path}.matches[{number}].{invalid.at}", invalid.message)
        else:
            yield number, *found
