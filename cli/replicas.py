"""`dragoman why --all-replicas`: what the pods of a gateway answer, and where they differ. Pure; `cli.pods` asks."""

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


@dataclass(frozen=True, slots=True)
class Replica:
    """What a pod answered: a report, or why there is none."""

    pod: str
    report: Mapping[str, Any] | None
    error: str | None = None


def replica_of(pod: str, code: int, out: bytes, errors: str) -> Replica:
    """What a pod said by what its command printed, which ends with 1 where nothing serves the request."""
    if code in (0, 1):
        try:
            return Replica(pod, orjson.loads(out))
        except orjson.JSONDecodeError:
            return Replica(pod, None, "its answer is no report: is it of the same version?")
    return Replica(pod, None, errors.strip().removeprefix("Error: ") or f"its command ended with {code}")


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
        "replicas": [{"pod": each.pod, "report": each.report, "error": each.error} for each in replicas],
    }


def in_words(replicas: Sequence[Replica]) -> Iterator[str]:
    """What they say: the whole of those that are most, and of each that says something else."""
    groups = groups_of(replicas)
    for group in groups:
        named = escaped(", ".join(each.pod for each in group))
        first, report = groups[0][0].report or {}, group[0].report or {}
        if group is groups[0]:
            yield click.style(f"{len(group)} of {len(replicas)} replicas: {named}", bold=True)
        else:
            said = ", ".join(differences(first, report))
            yield click.style(f"otherwise, in {said}: {named}", fg="red", bold=True)
        yield from lines(report)
    for each in replicas:
        if each.error is not None:
            yield click.style(f"not asked: {escaped(each.pod)}: {escaped(each.error)}", fg="red")
