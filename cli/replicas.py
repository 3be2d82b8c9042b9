"""`dragoman why --all-replicas`: what the pods of a gateway answer, and where they differ. Pure; `cli.pods` asks."""

import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
import orjson

from process.text import escaped
from why.text import lines

_COMPARED: Final = ("served", "listener", "chain", "host", "rule", "answer", "others", "endpoints", "notes")
"""What two replicas should say alike; what went wrong before is each one's own."""
_KILLED: Final = (128 + signal.SIGKILL, 128 + signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Replica:
    """What a pod answered: a report, or why there is none. `is_ready`: whether Kubernetes sends it requests."""

    pod: str
    report: Mapping[str, Any] | None
    error: str | None = None
    is_ready: bool = True

    @property
    def called(self) -> str:
        """Its name for people."""
        return self.pod if self.is_ready else f"{self.pod} (not ready)"


def replica_of(pod: str, code: int, out: bytes, errors: str, *, is_ready: bool = True) -> Replica:
    """What a pod said by what its command printed, which ends with 1 where nothing serves the request."""
    if code in (0, 1):
        try:
            return Replica(pod, orjson.loads(out), None, is_ready)
        except orjson.JSONDecodeError:
            return Replica(pod, None, "its answer is no report: is it of the same version?", is_ready)
    said = errors.strip().removeprefix("Error: ")
    if not said and code in _KILLED:
        said = "its command was killed: the pod ended meanwhile, or has too little memory. Ask again"
    return Replica(pod, None, said or f"its command ended with {code}", is_ready)


def groups_of(replicas: Sequence[Replica]) -> list[list[Replica]]:
    """Those that answer alike together, the most first."""
    found: dict[bytes, list[Replica]] = defaultdict(list)
    for each in replicas:
        if each.report is not None:
            found[_said(each.report)].append(each)
    return sorted(found.values(), key=lambda group: (-len(group), group[0].pod))


def _said(report: Mapping[str, Any]) -> bytes:
    return orjson.dumps([report.get(name) for name in _COMPARED], option=orjson.OPT_SORT_KEYS)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """In what two reports differ."""
    return [name for name in _COMPARED if one.get(name) != other.get(name)]


def told(replicas: Sequence[Replica]) -> dict[str, Any]:
    """All of it, for programs."""
    groups = groups_of(replicas)
    first = groups[0][0].report if groups else None
    return {
        "alike": len(groups) == 1 and all(each.report is not None for each in replicas),
        "differ_in": sorted({name for group in groups[1:] for name in differences(first or {}, group[0].report or {})}),
        "replicas": [
            {"pod": each.pod, "ready": each.is_ready, "report": each.report, "error": each.error} for each in replicas
        ],
    }


def in_words(replicas: Sequence[Replica]) -> Iterator[str]:
    """What they say: the whole of those that are most, and of each that says something else."""
    groups = groups_of(replicas)
    for group in groups:
        named = escaped(", ".join(each.called for each in group))
        first, report = groups[0][0].report or {}, group[0].report or {}
        if group is groups[0]:
            yield click.style(f"{len(group)} of {len(replicas)} replicas: {named}", bold=True)
        else:
            said = ", ".join(differences(first, report))
            yield click.style(f"otherwise, in {said}: {named}", fg="red", bold=True)
        yield from lines(report)
    for each in replicas:
        if each.error is not None:
            yield click.style(f"not asked: {escaped(each.called)}: {escaped(each.error)}", fg="red")
