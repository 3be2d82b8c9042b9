"""What changed: each change of an object that the snapshot remembers, with when, what, and what came of it. Pure.

What an object was before is in the snapshot's past, what it became in the next change's, or it is what it is now.
Envoy's word about it is in the log of its answers, and a refusal where the translator held exactly this version back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

from diagnostics.changes import Answers
from diagnostics.differing import difference
from diagnostics.rows import FILE_PREFIX, NOT_SERVED, Status, text
from diagnostics.view import View
from snapshot import Former, Record

What = Literal["made", "changed", "removed"]

MOST: Final = 100
"""Changes that are told as JSON."""
_PRIVATE: Final = ("core/", FILE_PREFIX)
_OPEN: Final = "core/Service/"


@dataclass(frozen=True, slots=True)
class Event:
    """A change: `later` is the next one of the same object, if there was one."""

    former: Former
    later: Former | None

    @property
    def key(self) -> str:
        """The object's."""
        return self.former.key

    @property
    def what(self) -> What:
        """What became of the object."""
        if self.former.was is None:
            return "made"
        return "removed" if self.former.becomes is None else "changed"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is told. `lines` None: it is not told what is different, and `note` says why."""

    key: str
    at: float
    what: What
    source: str
    state: str | None
    """What became of it (`ok`, `stopped` ...), as long as it has not changed since."""
    seconds: float | None
    """How long it took until Envoy had answered for it; None: it has not, or it is stopped, or nothing for Envoy."""
    refused: str | None
    """Why Envoy refused it."""
    lines: list[str] | None
    note: str


def events(view: View) -> list[Event]:
    """All that are remembered, the newest first."""
    found: list[Event] = []
    later: dict[str, Former] = {}
    for former in reversed(view.objects.past()):
        found.append(Event(former, later.get(former.key)))
        later[former.key] = former
    return found


def untold(found: Iterable[Event]) -> int:
    """How many changes more there were, in commits with too many of them."""
    return sum(event.former.untold for event in found)


def told(view: View, chosen: Iterable[Event]) -> Iterator[Told]:
    """These, with what is different; as dear as they are many."""
    answers, refusals = Answers.of(view.acks.commits()), _refusals(view)
    for event in chosen:
        before, after = event.former.record, _after(view, event)
        lines, note = _different(event, before, after)
        refused = refusals.get((event.key, _digest(after.body))) if after and after.body else None
        status = view.statuses.rows.get(event.key) if event.later is None and event.former.becomes else None
        refused = refused if refused is not None else _blamed(status)
        is_served = refused is None and (status is None or status.state not in NOT_SERVED)
        yield Told(
            key=event.key,
            at=event.former.at,
            what=event.what,
            source=next((said for each in (after, before) if each and (said := text(each.notes.get("source")))), ""),
            state=status.state if status else None,
            seconds=answers.took(event.former.at) if is_served else None,
            refused=refused,
            lines=lines,
            note=note,
        )


def _after(view: View, event: Event) -> Record | None:
    """What the object became; None: nothing, or nobody knows any more."""
    version = event.former.becomes
    if version is None:
        return None
    if event.later is not None:
        return event.later.record if event.later.was == version else None
    now = view.objects.record(event.key)
    return now if now is not None and now.version == version else None


def _different(event: Event, before: Record | None, after: Record | None) -> tuple[list[str] | None, str]:
    if event.key.startswith(_PRIVATE) and not event.key.startswith(_OPEN):
        return None, "" if event.key.startswith(FILE_PREFIX) else "what is in it is not shown"
    if (event.former.was and before is None) or (event.former.becomes and after is None):
        return None, "it is too large to be remembered, or what came next is not known any more"
    lines = difference(before.body if before else b"", after.body if after else b"")
    return (None, "it is too large to be compared") if lines is None else (lines, "" if lines else _ALIKE)


_ALIKE: Final = "nothing in it is another: it is written elsewhere, or in another order"


def _refusals(view: View) -> dict[tuple[str, str], str]:
    """Envoy's words about objects that it refused, by their keys and digests; also of those that are mended by now."""
    past = [(former.key, former.record) for former in view.holds.past()]
    now = [(key, view.holds.record(key)) for key in view.holds.rows]
    return {
        (key, refused): text(record.notes.get("message")) or ""
        for key, record in (*past, *now)
        if record is not None and (refused := text(record.notes.get("refused")))
    }


def _blamed(status: Status | None) -> str | None:
    """Envoy's word about an object that is not held back for it, as where its port is taken: known of now alone."""
    problems = status.problems if status else ()
    return next((str(each["message"]) for each in problems if each.get("from") == "envoy"), None)


def _digest(body: bytes) -> str:
    """As the database `holds` names a refused object."""
    return blake2b(body, digest_size=16).hexdigest()


def history(view: View) -> list[Mapping[str, Any]]:
    """The newest changes as JSON has them; what is different as one text."""
    return [
        {
            "key": each.key,
            "at": each.at,
            "what": each.what,
            "source": each.source or None,
            "state": each.state,
            "served_after_s": each.seconds,
            "refused": each.refused,
            "diff": None if each.lines is None else "\n".join(each.lines),
            "note": each.note or None,
        }
        for each in told(view, events(view)[:MOST])
    ]
