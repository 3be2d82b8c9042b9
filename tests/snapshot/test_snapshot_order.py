"""Whatever is committed and whenever a reader looks: what it was told adds up to what is there."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from snapshot_processes import Start

from snapshot import Record, Snapshot

KEYS = st.sampled_from([f"key/{number}" for number in range(8)] + ["k" * 511])
RECORDS = st.builds(Record, st.sampled_from(["1", "2", "3"]), st.just(b"body"))


class Readers(RuleBasedStateMachine):
    """One writer and three readers, with a log so small that it fails them often."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.patches = [patch("snapshot.writer.LOG_COMMITS", 3), patch("snapshot.writer.LOG_BYTES", 700)]
        for each in self.patches:
            each.start()
        self.open()
        self.model: dict[str, Record] = {}
        self.sequence = 0

    def open(self) -> None:
        self.snapshot = Snapshot.open(Path(self.folder.name) / "snapshot")
        assert self.snapshot.replaced is None
        self.writer = self.snapshot.writer("objects")
        self.readers = [self.snapshot.reader("objects") for _ in range(3)]
        self.views: list[dict[str, Record]] = [{} for _ in self.readers]

    def expect(self, before: dict[str, Record], committed: int | None, first: bool = False) -> None:
        if self.model != before or first:
            self.sequence += 1
            assert committed == self.sequence
        else:
            assert committed is None

    @rule(changes=st.dictionaries(KEYS, st.none() | RECORDS, max_size=6))
    def commit(self, changes: dict[str, Record | None]) -> None:
        before = dict(self.model)
        for key, record in changes.items():
            if record is None:
                self.model.pop(key, None)
            else:
                self.model[key] = record
        self.expect(before, self.writer.commit(changes))

    @rule(records=st.dictionaries(KEYS, RECORDS, max_size=9))
    def replace(self, records: dict[str, Record]) -> None:
        before, self.model = self.model, records
        self.expect(before, self.writer.replace(records), first=not self.sequence)

    @rule(which=st.integers(0, 2))
    def look(self, which: int) -> None:
        changes = self.readers[which].changes()
        view = self.views[which]
        for key, record in changes.records.items():
            if record is None:
                del view[key]
            else:
                view[key] = record
        assert view == self.model == self.readers[which].all()
        assert changes.sequence == self.sequence == self.writer.sequence

    @precondition(lambda self: self.sequence % 5 == 4)  # it costs a process that checks the file
    @rule()
    def restart(self) -> None:
        self.snapshot.close()
        self.open()

    def teardown(self) -> None:
        self.snapshot.close()
        for each in self.patches:
            each.stop()
        self.folder.cleanup()


Readers.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, derandomize=True)
TestReaders = Readers.TestCase


WRITER = """
import random, sys
from pathlib import Path
from snapshot import Record, Snapshot
path, database, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
chance = random.Random(seed)
with Snapshot.open(path) as snapshot:
    writer = snapshot.writer(database)
    for number in range(1, 1501):
        version = str(number)
        changes = {"left": Record(version, b"l"), "right": Record(version, b"r")}
        for key in chance.sample(range(50), 5):
            changes[f"key {key}"] = Record(version, bytes(chance.randrange(900))) if chance.random() < 0.7 else None
        assert writer.commit(changes) == number
"""

READER = """
import json, sys
from pathlib import Path
from snapshot import Snapshot
path, database, until = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
view, looks, sequence = {}, 0, -1
with Snapshot.open(path) as snapshot:
    reader = snapshot.reader(database)
    while sequence < until:
        changes = reader.changes()
        assert changes.sequence >= sequence
        assert (changes.sequence > sequence) or not changes.records
        sequence = changes.sequence
        for key, record in changes.records.items():
            if record is None:
                del view[key]
            else:
                view[key] = record
        assert {key: view[key].version for key in ("left", "right") if key in view} == (
            {"left": str(sequence), "right": str(sequence)} if sequence else {}
        ), (sequence, view.get("left"), view.get("right"))
        looks += 1
    assert view == reader.all()
    print(json.dumps({"looks": looks, "view": {key: record.version for key, record in view.items()}}))
"""


def test_readers_beside_writers_see_every_commit_whole_and_miss_none(path: Path, start: Start) -> None:
    databases = ("objects", "resources")
    readers = [start(READER, path, database, 1500) for database in databases for _ in range(2)]
    writers = [start(WRITER, path, database, seed) for seed, database in enumerate(databases)]
    assert [process.wait(60) for process in [*writers, *readers]] == [0] * 6
    told = [json.loads(process.communicate()[0]) for process in readers]
    assert told[0]["view"] == told[1]["view"]
    assert told[2]["view"] == told[3]["view"]
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None
        for database, view in zip(databases, (told[0]["view"], told[2]["view"]), strict=True):
            assert {key: record.version for key, record in snapshot.reader(database).all().items()} == view
