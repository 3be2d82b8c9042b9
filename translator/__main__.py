"""The translator's process: hears of changes, lets the state machine think, writes what it says. All I/O is here."""

import asyncio
import gc
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace

from process import logs
from process.main import run, until
from process.pulse import PULSE
from process.settings import Settings
from snapshot import OPENING, Changes, Reader, Snapshot, SnapshotFullError
from snapshot.bell import Bell
from translator.asking import Asking
from translator.explaining import Explainer
from translator.ir import ObjectKey
from translator.pipeline import FILES, SOURCES
from translator.publication import Publication
from translator.publishing import Cause, Publisher, edition_of, hold_of, is_connected, verdict_of
from translator.resources import RESOURCE_TYPES
from translator.settings import Machine, options_of
from translator.statuses import Status
from translator.translation import Translation
from translator.xds.shards import chains_of

FILES_SECONDS = 1.0
"""So long is waited for files that objects name and that nobody has read yet, before it is published without them."""

POLL_SECONDS = 1.0
"""The safety net under the doorbell."""

LINES = 10
"""Lines about the problems of one object that a change of it gives, and one more that counts the rest."""

MOST_LINES = 1000
"""Lines about objects in one turn, about; what more of them is to be told, the diagnostics tell."""

ACKS_ABOUT_RESOURCES = tuple(f"{resource_type}/" for resource_type in RESOURCE_TYPES)

STREAM_KEY = "stream"

log = logs.get("translator")


class Translator:
    """Reads objects and verdicts from the snapshot, writes resources, statuses and holds."""

    def __init__(self, snapshot: Snapshot, settings: Settings) -> None:
        self._objects: Reader = snapshot.reader("objects")
        self._catalog: Reader = snapshot.reader("catalog")
        self._acks: Reader = snapshot.reader("acks")
        self._publisher = Publisher(snapshot)
        holds = {key: hold_of(row) for key, row in snapshot.reader("holds").all().items()}
        self._translation = Translation(
            options_of(settings, Machine.this(labels=settings.pod_labels)), holds, PULSE.beat
        )
        published = snapshot.reader("resources").all("scope/")
        self._translation.pipeline.were_scoped(chains_of(key.partition("/")[2] for key in published))
        self._statuses: dict[ObjectKey, Status] = {}
        self._files: dict[ObjectKey, str] = {}
        self._failed: dict[str, str] = {}
        self._started = False
        self._behind = False
        self._wanted = -1
        self._answered: set[ObjectKey] = set()
        self._held = Publication()
        self._holding = False
        self._missed_since: float | None = None
        self._seen = 0
        self._cause: Cause | None = None

    @property
    def wait(self) -> float:
        """Seconds until there is something to do though no bell rang."""
        if self._holding:
            return FILES_SECONDS / 4
        now = time.monotonic()
        due = self._translation.next_time(now)
        return POLL_SECONDS if due is None else min(POLL_SECONDS, due - now)

    def turn(self) -> None:
        """One round: take in what changed, and publish what follows from it."""
        objects = self._objects.changes()
        if objects.sequence == 0:
            return  # The watcher has not spoken yet: an empty world is not the same as none.
        began = time.perf_counter()
        now = time.monotonic()
        self._cause = self._caused(objects)
        catalog = self._catalog.changes().records
        self._answered -= {key for key, record in catalog.items() if record is None}
        self._answered |= {key for key, record in catalog.items() if record is not None}
        bodies = self._take_in(objects) | {key: record.body if record else None for key, record in catalog.items()}
        publications = []
        if bodies or not self._started:
            editions = {key: edition_of(record) for key, record in objects.records.items() if record}
            publications.append(self._translation.objects_changed(now, bodies, editions))
        verdicts = self._acks.changes().records
        if STREAM_KEY in verdicts:
            self._translation.stream_changed(now, connected=is_connected(verdicts[STREAM_KEY]))
        if verdicts:
            about = {key: row for key, row in verdicts.items() if key.startswith(ACKS_ABOUT_RESOURCES)}
            publications.append(
                self._translation.verdicts_changed(
                    now, {k: verdict_of(row) if row else None for k, row in about.items()}
                )
            )
        publications.append(self._translation.time_passed(now))
        self._report_failures()
        together, self._held = self._held, Publication()
        for publication in publications:
            together.then(publication)
        if self._may_miss_files(catalog):
            self._holding = self._waits_for_files(now)
        if self._holding:
            self._held = together
            return
        self._report(together)
        self._publish(together)
        changed = len(together.resources)
        if changed:
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            log.info("published", objects=len(bodies), resources=changed, ms=milliseconds)

    def _caused(self, news: Changes) -> Cause | None:
        """What there is to be published for, with what was not published yet of former turns."""
        before, first, self._seen = self._cause, self._seen + 1, news.sequence
        if news.whole or not news.records:
            return before
        if before is None:
            return Cause(news.since, first, news.sequence, time.time())
        return replace(before, since=before.since or news.since, last=news.sequence)

    def _may_miss_files(self, catalog: Mapping[str, object]) -> bool:
        """Whether the answer may be another than in the last turn; else nobody goes through all files for a change."""
        is_news = self._translation.pipeline.wanted_changes != self._wanted
        return self._holding or is_news or any(key.startswith(FILES) for key in catalog)

    def _waits_for_files(self, now: float) -> bool:
        """Whether files are wanted that nobody has read yet: in a moment they are, and nothing is shut until then."""
        if all(files.key in self._answered for files in self._translation.pipeline.files_wanted()):
            self._missed_since = None
            return False
        with suppress(SnapshotFullError):
            self._want()
        self._missed_since = now if self._missed_since is None else self._missed_since
        return now - self._missed_since < FILES_SECONDS

    def _report_failures(self) -> None:
        """Say what failed in the verdicts, once while it stays the same."""
        failures = self._translation.take_failures()
        for key, error in failures.items():
            if self._failed.get(key) != repr(error):
                self._failed[key] = repr(error)
                log.error("a verdict failed: a bug of ours", resource=key, exc_info=error)

    def _take_in(self, changes: Changes) -> dict[ObjectKey, bytes | None]:
        for key, record in changes.records.items():
            if record is None:
                self._files.pop(key, None)
            else:
                self._files[key] = str(record.notes.get("source", ""))
        return {key: record.body if record else None for key, record in changes.records.items()}

    def _publish(self, publication: Publication) -> None:
        try:
            if self._started and not self._behind:
                self._publisher.publish(publication, self._cause)
            else:
                self._publisher.publish(Publication(holds=publication.holds))
                self._publisher.replace(self._translation.resources(), self._statuses)
            self._want()
        except SnapshotFullError as error:
            self._behind = True
            log.error("the snapshot is full: the last good configuration stays", reason=str(error))  # noqa: TRY400
            return
        if not self._started:
            gc.collect()
            gc.freeze()  # A full collection would walk all tables and cost more than a change.
            gc.enable()
        self._started, self._behind, self._cause = True, False, None

    def _want(self) -> None:
        wanted = self._translation.pipeline.wanted_changes
        if wanted != self._wanted:
            pipeline = self._translation.pipeline
            self._publisher.want(pipeline.services_wanted(), pipeline.files_wanted())
            self._wanted = wanted

    def _report(self, publication: Publication) -> None:
        for failure in publication.failures:
            log.error(
                "a rule failed: the last good row stays",
                table=failure.table,
                key=str(failure.key),
                error=repr(failure.error),
            )
        lines, untold = 0, 0
        for key, status in publication.statuses.items():
            before = self._statuses.pop(key, None)
            if status is not None:
                self._statuses[key] = status
            if key.startswith(SOURCES):  # the watcher told of it, with more to say
                continue
            if lines < MOST_LINES:
                lines += self._tell(key, before or Status(), status)
            elif status is not None and status.problems and status.problems != (before or Status()).problems:
                untold += 1
        if untold:
            log.warning("more objects have problems", how_many=untold, see="/ambassador/v0/diag/?json=true")

    def _tell(self, key: ObjectKey, before: Status, status: Status | None) -> int:
        """Say in the log what is new about an object; in how many lines."""
        names: Mapping[str, str] = {"object": key} | ({"file": self._files[key]} if self._files.get(key) else {})
        if status is None or not status.problems:
            solved = bool(before.problems and status is not None)
            if solved:
                log.info("solved", **names)
            return int(solved)
        known = set(before.problems)
        news = [told for told in status.problems if told not in known]
        for told in news[:LINES]:
            tell = log.error if told.stops else log.info if told.notice else log.warning
            tell("left out" if told.notice else "problem", **names, field=told.path, reason=told.message)
        more = len(news[LINES:]) + (status.more if status.more != before.more else 0)
        if more:
            log.warning("more problems", **names, how_many=more)
        return len(news[:LINES]) + bool(more)

    def explainer(self) -> Explainer:
        """Who tells why requests are served as they are, by the tables as they are now."""
        return Explainer(self._translation.pipeline, self._source_of)

    def _source_of(self, key: ObjectKey) -> str:
        """Where an object is written: its file, or who carries it in an annotation."""
        return self._files.get(key) or self._translation.carrier_of(key) or ""

    @property
    def is_behind(self) -> bool:
        """Whether something could not be written, and is still to be."""
        return self._behind

    def catch_up(self) -> None:
        """Try again to write what there was no room for."""
        self._publish(Publication())


async def main(settings: Settings, stopping: asyncio.Event) -> None:
    """Translate until told to stop."""
    gc.disable()  # The first translation makes little garbage and much that stays; collecting meanwhile costs a third.
    bell = Bell.listen(settings.bells_dir, "translator", "objects", "catalog", "acks")
    try:
        with PULSE.patience(OPENING):
            snapshot = Snapshot.open(settings.snapshot_path, bells=settings.bells_dir)
        with snapshot, ExitStack() as closing:
            translator = Translator(snapshot, settings)
            asking = Asking(settings.why_socket, translator.explainer)
            await asking.start()
            closing.callback(asking.close)
            await until(stopping, _translate(translator, asking, bell))
    finally:
        bell.close()


async def _translate(translator: Translator, asking: Asking, bell: Bell) -> None:
    """Turn by turn; endless."""
    while True:
        PULSE.beat()
        if translator.is_behind:
            translator.catch_up()
        translator.turn()
        await asking.keep()
        await bell.wait(translator.wait)


if __name__ == "__main__":
    sys.exit(run("translator", main))
