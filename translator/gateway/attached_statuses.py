"""What the statuses of BackendPolicies and RoutePolicies say: of each target, whether the policy counts there.

An entry is about a target, which stands as its ancestor: what becomes of a policy is the same at every Gateway, and
that a target is not there can be said of nothing else.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, Protocol

import orjson

from translator.decode import Problem
from translator.gateway.attached import WHOLE, Attached, is_override, targets
from translator.gateway.attachment import Attachment
from translator.gateway.conditions import Condition, false, listed
from translator.gateway.gateways import Gateways, declared
from translator.gateway.kinds.shared import Object
from translator.gateway.kinds.targets import Place, Target, place_of
from translator.gateway.names import CONTROLLER, GATEWAY, LISTENER_SET
from translator.gateway.problems import problems_of
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.tables import Table, Tables, read
from translator.values import dataclass

MOST_ANCESTORS: Final = 16
"""In a status, by the API's own limit."""

Sections = Callable[[ObjectKey], frozenset[str] | str]
"""The sections that an object has, else why it can be no target. For rules."""

Superseded = Callable[[ObjectKey, Place], Condition | None]
"""What is said of a policy at a target where others have the last word. For rules."""

Instead = Callable[[ObjectKey, ObjectKey, str, frozenset[str]], str]
"""What comes of a policy at a section that is not there among those that are: the rest of a sentence. For rules."""


class Sound(Protocol):
    """A policy by itself, and what is left out of it."""

    @property
    def accepted(self) -> Condition: ...  # noqa: D102
    @property
    def problems(self) -> tuple[Problem, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Standing:
    """What became of a target; `wrong` is why the policy does not count there, `superseded` where others do instead."""

    target: Target
    wrong: Condition | None
    superseded: Condition | None = None


class AttachedStatuses:
    """`statuses` are what the statuses of the policies of a kind are to say, as JSON; `problems` what is wrong."""

    def __init__(
        self,
        tables: Tables,
        attached: Attached[Any],
        judged: Table[ObjectKey, Any],
        sections: Sections,
        superseded: Superseded = lambda _, __: None,
        instead: Instead = lambda *_: "",
    ) -> None:
        self._attached = attached
        self._superseded, self._instead = superseded, instead
        self._judged: Table[ObjectKey, Sound] = judged
        self._sections = sections
        kind = attached.kind.partition("/")[2]
        self._standings: Table[ObjectKey, tuple[_Standing, ...]] = tables.each(
            f"targets of {kind}", attached.all, lambda key, row: tuple(self._stand(key, row))
        )
        self.statuses: Table[ObjectKey, bytes] = tables.each(f"statuses of {kind}", attached.all, self._status)
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            f"{kind} problems", attached.all, self._problems_of
        )

    def _stand(self, key: ObjectKey, row: Object[Any]) -> Iterator[_Standing]:
        overrides = is_override(row)
        for number, target in enumerate(targets(row)):
            place = place_of(target, row.namespace)
            path = f"spec.targetRefs[{number}]"
            wrong = self._missing(key, place, path) or self._conflict(key, place, path, overrides=overrides)
            yield _Standing(target, wrong, None if wrong else self._superseded(key, place))

    def _missing(self, policy: ObjectKey, place: Place, path: str) -> Condition | None:
        key, section = place
        called, found = _called(key), self._sections(key)
        if isinstance(found, str):
            return false("Accepted", "TargetNotFound", f"{called} {found}", path)
        if section and section not in found:
            said = f"{called} has no section of the name {section}{self._instead(policy, key, section, found)}"
            return false("Accepted", "TargetNotFound", said, f"{path}.sectionName")
        return None

    def _conflict(self, key: ObjectKey, place: Place, path: str, *, overrides: bool) -> Condition | None:
        owner = self._attached.owner(place, overrides=overrides) or key
        if owner == key:
            return None
        target, section = place
        what = f"{section} of {_called(target)}" if section else _called(target)
        said = f"{what} belongs to the {_called(owner).removeprefix('the ')}, which comes first"
        return false("Accepted", "Conflicted", said, path)

    def _status(self, key: ObjectKey, row: Object[Any]) -> bytes:
        judged = read(self._judged, key)
        if judged is None:
            return orjson.dumps({"ancestors": []})
        # A policy that is stopped, since it names a target twice, is told of it once.
        told = {
            orjson.dumps(reference): {
                "ancestorRef": reference,
                "controllerName": CONTROLLER,
                "conditions": listed(_conditions(judged.accepted, each)),
            }
            for each in read(self._standings, key) or ()
            for reference in [_reference(each.target, row.namespace)]
        }
        return orjson.dumps({"ancestors": list(told.values())[:MOST_ANCESTORS]})

    def _problems_of(self, key: ObjectKey, row: Object[Any]) -> tuple[Problem, ...] | None:
        judged = read(self._judged, key)
        said = [judged.accepted] if judged is not None else []
        standings = read(self._standings, key) or ()
        said += [each.wrong for each in standings if each.wrong is not None]
        own = judged.problems if judged is not None else ()
        return (*row.problems, *own, *map(_plainer, problems_of(said)), *_without_effect(standings)) or None


def _conditions(judged: Condition, standing: _Standing) -> list[Condition | None]:
    accepted = _accepted(judged, standing.wrong)
    return [accepted, standing.superseded if accepted.status == "True" else None]


def _without_effect(standings: Iterable[_Standing]) -> Iterator[Problem]:
    for number, each in enumerate(standings):
        if each.superseded is not None:
            said = f"is overridden: {each.superseded.message}"
            yield Problem(f"spec.targetRefs[{number}]", said, stops=False, reason="Conflict")


def _accepted(judged: Condition, wrong: Condition | None) -> Condition:
    """Whether a policy counts for a target: who is not valid does nowhere as it is meant."""
    return judged if judged.status == "False" or wrong is None else wrong


def _plainer(problem: Problem) -> Problem:
    """What is not there is a backend's where a route says it; here it is what the policy attaches to."""
    return replace(problem, reason="NotAttached") if problem.reason == "BackendNotFound" else problem


def _called(key: ObjectKey) -> str:
    kind = key.split("/", 2)[1]
    return f"the {kind} {'/'.join(name_of(key))}"


def _reference(target: Target, namespace: str) -> dict[str, str]:
    said = {"group": "" if target.group == "core" else target.group, "kind": target.kind, "namespace": namespace}
    section = {"sectionName": target.section_name} if target.section_name else {}
    return {**said, "name": target.name, **section}


def sections_of_services(kubernetes: KubernetesTables) -> Sections:
    """The ports of Services."""

    def sections(key: ObjectKey) -> frozenset[str] | str:
        service = read(kubernetes.services, name_of(key))
        return "does not exist" if service is None else frozenset(port.name for port in service.ports) - {WHOLE}

    return sections


def sections_of_routes(
    gateways: Gateways,
    routes: Table[ObjectKey, Object[Any]],
    attachments: Table[ObjectKey, tuple[Attachment, ...]],
) -> Sections:
    """The listeners of Gateways and ListenerSets, and the rules of routes."""

    def declared_by(key: ObjectKey) -> Object[Any] | None:
        found = read(gateways.sets, key)
        return read(gateways.all, key) if found is None else found.found

    def sections(key: ObjectKey) -> frozenset[str] | str:
        if key.startswith((f"{GATEWAY}/", f"{LISTENER_SET}/")):
            parent = declared_by(key)
            if parent is not None:
                return _names(declared(parent))
            other = "is no Gateway" if key.startswith(f"{GATEWAY}/") else "is for no Gateway"
            return f"{other} of this controller" if gateways.is_there(key) else "does not exist"
        route = read(routes, key)
        if route is None:
            return "does not exist"
        if read(attachments, key) is None:
            return "names no Gateway of this controller"
        return _names(route.spec.rules) if route.spec else frozenset()

    return sections


def _names(parts: Iterable[Any]) -> frozenset[str]:
    return frozenset(each.name for each in parts if each.name)
