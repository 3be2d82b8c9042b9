"""What is to be published, from what the sources say: events in, changes out, no input or output.

A source is something that can list its objects: a file of a folder, later a kind of an API server. The rules:

- Nothing is published before every source has been asked: a first view is never partial.
- What a source said last stays while it cannot be asked or is only partly readable.
- An object that two sources have is taken from the first in their order; the other is told.
- Equal means silent: a record with the version that was published before is no change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from heapq import nsmallest
from types import MappingProxyType

import orjson

from snapshot import Record
from watcher.sources import (
    Event,
    ObjectChanged,
    ObjectGone,
    Problem,
    Source,
    SourceFailed,
    SourceGone,
    SourceListed,
    SourceRecovered,
)
from watcher.standing import UNNAMED
from watcher.standing import VERSION as STANDING
from watcher.staying import is_in_part, staying

_MAX_PROBLEMS = 20
_MAX_NEWS = 10
"""Problems of a source that are news in one step, and one more that counts the rest."""


@dataclass(frozen=True, slots=True)
class LocatedProblem:
    """A problem of a source, for the log."""

    source: Source
    problem: Problem


@dataclass(frozen=True, slots=True)
class Changes:
    """What a step changed.

    `records` by key, None for one that is gone; when `whole`, they are all there are (once, with the first view).
    Problems are also records; `appeared` and `healed` say which are news.
    """

    records: Mapping[str, Record | None] = field(default_factory=dict)
    whole: bool = False
    appeared: tuple[LocatedProblem, ...] = ()
    healed: tuple[LocatedProblem, ...] = ()


class State:
    """What every source has, and what of it has been published.

    `remembered` is what sources had according to an earlier process: it stands until they are asked. A remembered
    source has to be asked too before the first view.
    """

    def __init__(self, remembered: Mapping[Source, Mapping[str, Record]] | None = None) -> None:
        self._held: dict[Source, dict[str, Record]] = {}
        self._holders: dict[str, tuple[Source, ...]] = {}  # of almost all objects those that one alone has: shared
        self._alone: dict[Source, tuple[Source]] = {}
        self._own: dict[Source, tuple[Problem, ...]] = {}
        self._shadowed: dict[Source, dict[str, Source]] = {}
        self._told: dict[Source, tuple[Problem, ...]] = {}
        self._published: dict[str, Record] = {}
        self._waiting: set[Source] = set()
        self._complete = False
        self._touched: set[str] = set()
        self._concerned: set[Source] = set()
        for source, objects in (remembered or {}).items():
            self.expect([source])
            for key, record in objects.items():
                self._put(source, key, record)

    @property
    def complete(self) -> bool:
        """Whether the first view has been given."""
        return self._complete

    @property
    def problems(self) -> tuple[LocatedProblem, ...]:
        """All that is told of the sources, in their order."""
        return tuple(LocatedProblem(source, problem) for source in sorted(self._told) for problem in self._told[source])

    def expect(self, sources: Iterable[Source]) -> None:
        """These have to be listed, or be gone, before the first view."""
        self._waiting.update(sources)

    @property
    def waiting(self) -> list[Source]:
        """The sources that the first view waits for, in order."""
        return sorted(self._waiting)

    def has(self, source: Source) -> bool:
        """Whether a source has objects."""
        return bool(self._held.get(source))

    def holders(self, key: str) -> list[Source]:
        """The sources that have an object, the one that counts first."""
        return list(self._holders.get(key, ()))

    def others(self, source: Source, keys: Iterable[str]) -> Iterator[Source]:
        """The other sources that have some of a source's objects."""
        for key in keys:
            holders = self._holders.get(key, ())
            if len(holders) > 1 or (holders and holders[0] is not source):
                yield from [holder for holder in holders if holder != source]

    def completed(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events as they are taken in: with what stays of annotations of which a part cannot be read."""
        latest: dict[tuple[Source, str], Record] = {}
        for event in events:
            match event:
                case SourceListed(source, objects) if any(is_in_part(*each) for each in objects.items()):
                    kept = {key: self._staying(source, key, record, latest) for key, record in objects.items()}
                    yield replace(event, objects=kept)
                case ObjectChanged(source, key, record):
                    latest[source, key] = record = self._staying(source, key, record, latest)
                    yield replace(event, record=record)
                case _:
                    yield event

    def step(self, events: Iterable[Event]) -> Changes:
        """Take what happened, all of it at once, and give what changed by it."""
        for event in events:
            self._take(event)
        records = self._settle_objects()
        appeared, healed = self._settle_problems(records)
        first = not self._complete and not self._waiting
        if first:
            self._complete = True
        if first or not self._complete:
            return Changes(dict(self._published) if first else {}, first, appeared, healed)
        return Changes(records, False, appeared, healed)

    def _take(self, event: Event) -> None:
        self._concerned.add(event.source)
        match event:
            case SourceListed(source, objects, problems, whole):
                self._waiting.discard(source)
                self._own[source] = problems
                self._take_listed(source, objects, whole=whole)
            case SourceFailed(source, problem):
                self._own[source] = (problem,)
            case SourceRecovered(source, problems):
                self._own[source] = problems
            case SourceGone(source):
                self._waiting.discard(source)
                self._own.pop(source, None)
                self._drop(source, list(self._held.get(source, ())))
            case ObjectChanged(source, key, record):
                self._put(source, key, record)
            case ObjectGone(source, key):
                self._drop(source, [key])

    def _take_listed(self, source: Source, objects: Mapping[str, Record], *, whole: bool) -> None:
        self._drop(
            source, [key for key in self._held.get(source, ()) if key not in objects and (whole or _is_nameless(key))]
        )
        held = self._held.get(source, {})
        for key, record in objects.items():
            before = held.get(key)
            if before is not None and before.version == record.version:
                continue  # as most of a large file's are at a change
            if not self._is_known_better(source, key, record, objects):
                self._put(source, key, record)

    def _is_known_better(self, source: Source, key: str, record: Record, listed: Mapping[str, Record]) -> bool:
        """Whether a record only stands for an object of which there is what was read once, from any source.

        One without a name may be any of its kind that stays since its document cannot be found.
        """
        if not record.version.startswith(STANDING):
            return False
        if _is_nameless(key):
            of_kind = key.rpartition("/")[0] + "/"
            return any(other.startswith(of_kind) and other not in listed for other in self._held.get(source, ()))
        held = self._held.get(source, {}).get(key)
        others = any(holder != source for holder in self._holders.get(key, ()))
        return others or (held is not None and not held.version.startswith(STANDING))

    def _staying(
        self,
        source: Source,
        key: str,
        record: Record,
        latest: Mapping[tuple[Source, str], Record] = MappingProxyType({}),
    ) -> Record:
        """A record with what stays of what the source said before; `latest` is what it has said since."""
        before = latest.get((source, key)) or self._held.get(source, {}).get(key)
        return staying(before, record) if before is not None and is_in_part(key, record) else record

    def _put(self, source: Source, key: str, record: Record) -> None:
        record = self._staying(source, key, record)
        held = self._held.setdefault(source, {})
        if key not in held:
            holders = self._holders.get(key)
            alone = self._alone.get(source) or self._alone.setdefault(source, (source,))
            self._holders[key] = tuple(sorted((*holders, source))) if holders else alone
        elif held[key].version == record.version:
            return
        held[key] = record
        self._touched.add(key)

    def _drop(self, source: Source, keys: Iterable[str]) -> None:
        held = self._held.get(source, {})
        for key in keys:
            if held.pop(key, None) is None:
                continue
            self._touched.add(key)
            self._concerned.add(source)
            self._shadowed.get(source, {}).pop(key, None)
            holders = tuple([holder for holder in self._holders[key] if holder != source])
            if holders:
                self._holders[key] = holders
            else:
                del self._holders[key]
        if not held:
            self._held.pop(source, None)
            self._alone.pop(source, None)

    def _settle_objects(self) -> dict[str, Record | None]:
        """Who counts for each object that was touched, and what of that differs from what was published."""
        records: dict[str, Record | None] = {}
        for key in self._touched:
            holders = self._holders.get(key, ())
            for source in holders:
                self._shadow(source, key, holders[0])
            record = self._held[holders[0]][key] if holders else None
            self._publish(key, record, records)
        self._touched.clear()
        return records

    def _shadow(self, source: Source, key: str, winner: Source) -> None:
        shadowed = self._shadowed.get(source, {})
        if source == winner:
            if shadowed.pop(key, None) is not None:
                self._concerned.add(source)
        elif shadowed.get(key) != winner:
            self._shadowed.setdefault(source, {})[key] = winner
            self._concerned.add(source)

    def _settle_problems(
        self, records: dict[str, Record | None]
    ) -> tuple[tuple[LocatedProblem, ...], tuple[LocatedProblem, ...]]:
        appeared: list[LocatedProblem] = []
        healed: list[LocatedProblem] = []
        for source in sorted(self._concerned):
            before, now = self._told.get(source, ()), self._problems(source)
            if now == before:
                continue
            self._told[source] = now
            appeared += _few(source, _news(now, before))
            broken = {problem.document for problem in now} - {None}
            healed += _few(source, [problem for problem in _news(before, now) if problem.document not in broken])
            self._publish(source.key, _record(source, now) if now else None, records)
            if not now:
                del self._told[source]
        self._concerned.clear()
        return tuple(appeared), tuple(healed)

    def _problems(self, source: Source) -> tuple[Problem, ...]:
        shadowed = self._shadowed.get(source, {})
        if not shadowed:
            self._shadowed.pop(source, None)
        if source.yields:
            return self._own.get(source, ())
        told = [
            Problem(f"{key} is in {winner.name} already, which counts", sort="Twice", about=key)
            for key, winner in nsmallest(_MAX_PROBLEMS, shadowed.items())
        ]
        if len(shadowed) > len(told):
            more = len(shadowed) - len(told)
            said = f"{more} more of its objects are in other files already, which count"
            told.append(Problem(said, sort="Twice"))
        return (*self._own.get(source, ()), *told)

    def _publish(self, key: str, record: Record | None, records: dict[str, Record | None]) -> None:
        published = self._published.get(key)
        if record is None:
            if published is not None:
                del self._published[key]
                records[key] = None
        elif published is None or published.version != record.version:
            self._published[key] = record
            records[key] = record


def _is_nameless(key: str) -> bool:
    """Whether it stands for an object that has no name, so that nobody can say that it is the same one."""
    return f"/{UNNAMED}" in key


def _news(these: tuple[Problem, ...], those: tuple[Problem, ...]) -> list[Problem]:
    """The problems of `these` that are not among `those`, wherever their lines have moved."""
    known = {(problem.document, problem.message) for problem in those}
    return [problem for problem in these if (problem.document, problem.message) not in known]


def _few(source: Source, problems: list[Problem]) -> Iterator[LocatedProblem]:
    yield from (LocatedProblem(source, problem) for problem in problems[:_MAX_NEWS])
    if len(problems) > _MAX_NEWS:
        yield LocatedProblem(source, Problem(f"and {len(problems) - _MAX_NEWS:,} more"))


def _record(source: Source, problems: tuple[Problem, ...]) -> Record:
    shown = problems[:_MAX_PROBLEMS]
    message = "; ".join(map(_sentence, shown))
    if len(problems) > len(shown):
        message += f"; and {len(problems) - len(shown):,} more"
    told = [{"document": problem.document, "line": problem.line, "message": problem.message} for problem in shown]
    body = {"message": message, "line": problems[0].line, "problems": told}
    encoded = orjson.dumps(body)
    return Record(blake2b(encoded, digest_size=8).hexdigest(), encoded, {"source": source.name})


def _sentence(problem: Problem) -> str:
    places = [f"{word} {at}" for word, at in (("document", problem.document), ("line", problem.line)) if at is not None]
    return f"{', '.join(places)}: {problem.message}" if places else problem.message
