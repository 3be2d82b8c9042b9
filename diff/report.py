"""Differences as JSON, with what people want to know of each object beside its key. Pure."""

from typing import Any

from diff.comparing import OURS, Compared, Difference
from diff.making import Made
from diff.sources import Side
from translator.ir import ObjectKey

Report = dict[str, Any]


def report(before: Side, after: Side, made_before: Made, made_after: Made, compared: Compared) -> Report:
    """The report: teams, their objects, and what of each is different."""
    newly = made_after.stopped - made_before.stopped

    def objects(those: list[tuple[ObjectKey, list[Difference]]]) -> list[Report]:
        return [
            {
                **_named(key),
                "source": after.places.get(key) or before.places.get(key),
                "edited": key in compared.edited,
                "stopped": key in newly,
                "differences": [each.json() for each in some],
            }
            for key, some in those
        ]

    failures = [*made_before.failures, *made_after.failures]
    failed = [f"Dragoman itself failed at {each.table}, which is a bug of its own: {each.error!r}" for each in failures]
    return {
        "before": before.label,
        "after": after.label,
        "differs": bool(compared.differences),
        "teams": [{"namespace": team, "objects": objects(those)} for team, those in compared.by_team()],
        "stopped": sorted(newly),
        "notes": [*before.notes, *after.notes, *failed],
    }


def _named(key: ObjectKey) -> Report:
    if key == OURS:
        return {"key": None, "kind": None, "namespace": "", "name": ""}
    _, kind, namespace, name = key.split("/", 3)
    return {"key": key, "kind": kind, "namespace": namespace, "name": name}
