"""What the statuses of BackendTLSPolicies say: of each Gateway by which requests get to what a policy is about.

A policy may be about several Services, or ports. At a Gateway those of them count that its routes lead to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from translator.decode import Problem
from translator.gateway.attachment import Attachment
from translator.gateway.conditions import Condition, false, listed
from translator.gateway.gateways import Gateways
from translator.gateway.kinds.backend_tls_policy import TargetRef
from translator.gateway.listeners import ListenerKey
from translator.gateway.names import CONTROLLER, GROUP, TLS_ROUTE
from translator.gateway.policies import WHOLE, Judged, Policy, TlsPolicies, targets
from translator.gateway.problems import problems_of
from translator.gateway.termination import resolved
from translator.gateway.understanding import Understood
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables, Name
from translator.tables import Table, Tables, read
from translator.values import dataclass

MOST_ANCESTORS: Final = 16
"""In a status, by the API's own limit."""

_Way = tuple[str, str, str, ObjectKey]
"""A Service by namespace and name, a port of it by its name, and a Gateway whose routes lead there."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What became of a target: `section` is the port that it is about, None for all; `wrong` why it has no effect."""

    service: Name
    section: str | None
    wrong: Condition | None


class PolicyStatuses:
    """`statuses` are what the statuses of policies are to say, as JSON; `problems` what is wrong with them."""

    def __init__(
        self,
        tables: Tables,
        gateways: Gateways,
        kubernetes: KubernetesTables,
        policies: TlsPolicies,
        attachments: Table[ObjectKey, tuple[Attachment, ...]],
        understood: Table[ObjectKey, Understood],
    ) -> None:
        self._gateways = gateways
        self._kubernetes = kubernetes
        self._policies = policies
        self._attachments = attachments
        led = tables.group("ways to services with policies", understood, self._ways)
        ways = tables.each("ways to services", led, lambda _, __: True)
        self._led: Table[Name, Mapping[_Way, bool]] = tables.group(
            "ways by service", ways, lambda way, _: {(way[0], way[1]): True}
        )
        self._standings: Table[ObjectKey, tuple[_Standing, ...]] = tables.each(
            "targets of backend TLS policies", policies.all, lambda key, row: tuple(self._stand(key, row))
        )
        self.statuses: Table[ObjectKey, bytes] = tables.each(
            "statuses of backend TLS policies", policies.judged, self._status
        )
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "backend TLS policy problems", policies.all, self._problems_of
        )

    def _ways(self, key: ObjectKey, understood: Understood) -> dict[_Way, bool]:
        if not understood.concerned:
            return {}
        spots = [spot.key for each in read(self._attachments, key) or () for spot in each.spots]
        owners = {listener[0] for listener in spots if self._is_bound(key, listener)}
        return {(*place, gateway): True for gateway in map(self._gateway_of, owners) for place in understood.concerned}

    def _is_bound(self, route: ObjectKey, listener: ListenerKey) -> bool:
        """Whether policies count for what comes in at a listener: not for what goes on in the client's own TLS."""
        found = read(self._gateways.listeners, listener) if route.startswith(f"{TLS_ROUTE}/") else None
        return found is None or found.ends_tls

    def _gateway_of(self, owner: ObjectKey) -> ObjectKey:
        """The Gateway of whoever declares a listener."""
        found = read(self._gateways.sets, owner)
        return owner if found is None else found.gateway

    def _stand(self, key: ObjectKey, row: Policy) -> Iterator[_Standing]:
        for place, target in enumerate(targets(row)):
            if target.is_service:
                yield self._standing(key, row, target, f"spec.targetRefs[{place}]")

    def _standing(self, key: ObjectKey, row: Policy, target: TargetRef, path: str) -> _Standing:
        name, section = (row.namespace, target.name), target.section_name or WHOLE
        service, called = read(self._kubernetes.services, name), f"the Service {'/'.join(name)}"
        if service is None:
            return _Standing(name, None, false("Accepted", "TargetNotFound", f"{called} does not exist", path))
        if section and service.port(section) is None:
            said = f"{called} has no port of the name {section}"
            return _Standing(name, None, false("Accepted", "TargetNotFound", said, f"{path}.sectionName"))
        owner = (read(self._policies.owners, name) or {}).get(section, key)
        if owner == key:
            return _Standing(name, section or None, None)
        what = f"the port {section} of {called}" if section else called
        said = f"{what} belongs to the BackendTLSPolicy {owner.split('/', 2)[2]}, which comes first"
        return _Standing(name, section or None, false("Accepted", "Conflicted", said, path))

    def _status(self, key: ObjectKey, judged: Judged) -> bytes:
        met: dict[ObjectKey, list[Condition | None]] = {}
        for each in read(self._standings, key) or ():
            gateways = {way[3] for way in read(self._led, each.service) or () if each.section in {None, way[2]}}
            for gateway in gateways:
                met.setdefault(gateway, []).append(each.wrong)
        return orjson.dumps(
            {
                "ancestors": [
                    {
                        "ancestorRef": _reference(gateway),
                        "controllerName": CONTROLLER,
                        "conditions": listed((_accepted(judged, met[gateway]), resolved(judged.references))),
                    }
                    for gateway in sorted(met)[:MOST_ANCESTORS]
                ]
            }
        )

    def _problems_of(self, key: ObjectKey, row: Policy) -> tuple[Problem, ...] | None:
        judged = read(self._policies.judged, key)
        said = [judged.accepted, *judged.references] if judged is not None else []
        wrong = [replace(each, reason=_plainer(each)) for each in problems_of(said)]
        standings = [each.wrong for each in read(self._standings, key) or () if each.wrong is not None]
        wrong += [_unattached(each) for each in problems_of(standings)]
        return (*row.problems, *_unserved(row), *wrong) or None


def _accepted(judged: Judged, met: Iterable[Condition | None]) -> Condition:
    """Whether a policy counts for a Gateway that leads to some of its targets, of which that is wrong."""
    if judged.accepted.status == "False":
        return judged.accepted
    wrong = [each for each in met if each is not None]
    found = [each for each in wrong if each.reason == "Conflicted"]
    missing = [each for each in wrong if each.reason != "Conflicted"]
    if found:
        return found[0]
    return missing[0] if missing and None not in met else judged.accepted


def _unserved(row: Policy) -> Iterator[Problem]:
    for place, target in enumerate(targets(row)):
        if not target.is_service:
            said = f"{target.group or 'core'}/{target.kind} is not served: a target must be a Service"
            yield Problem(f"spec.targetRefs[{place}]", said, stops=False, reason="NotServed")


def _plainer(problem: Problem) -> Any:
    """A kind that is not served is a backend's where a route says it; here it is a CA's."""
    return "Invalid" if problem.reason == "BackendNotFound" else problem.reason


def _unattached(problem: Problem) -> Problem:
    """A Service that is not there is a backend's where a route says it; here it is what the policy attaches to."""
    return replace(problem, reason="NotAttached") if problem.reason == "BackendNotFound" else problem


def _reference(gateway: ObjectKey) -> dict[str, str]:
    _, kind, namespace, name = gateway.split("/", 3)
    return {"group": GROUP, "kind": kind, "namespace": namespace, "name": name}
