"""kill -9 of a writer at any moment: what is found is what its last whole commit left."""

import random
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from snapshot_processes import Start

from snapshot import Record, Snapshot

CHANGES = """
import random
from snapshot import Record

def changes_of(commit):
    # What the commit of this number changes.
    chance = random.Random(commit)
    changes = {"left": Record(str(commit), bytes(5000)), "right": Record(str(commit), b"")}
    for _ in range(6):
        gone = chance.random() < 0.3
        changes[f"key {chance.randrange(40)}"] = None if gone else Record(str(commit), bytes(chance.randrange(3000)))
    return changes
"""

WRITER = f"""
{CHANGES}
import sys
from pathlib import Path
from snapshot import Snapshot
with Snapshot.open(Path(sys.argv[1])) as snapshot:
    assert snapshot.replaced is None, snapshot.replaced
    writer = snapshot.writer("objects")
    commit = writer.sequence
    print(commit, flush=True)
    while True:
        commit += 1
        assert writer.commit(changes_of(commit)) == commit
"""

_changes: dict[str, Any] = {}
exec(CHANGES, _changes)


class Model:
    """What each commit leaves behind."""

    def __init__(self) -> None:
        self.commit = 0
        self.contents: dict[str, Record] = {}

    def advance(self, until: int) -> None:
        for commit in range(self.commit + 1, until + 1):
            self.contents |= _changes["changes_of"](commit)
            self.contents = {key: record for key, record in self.contents.items() if record is not None}
        self.commit = until


def test_fifty_kills_leave_whole_commits_only(path: Path, start: Start) -> None:
    """Half of the time another process reads on meanwhile; otherwise nobody has the file open at the next start."""
    chance, model = random.Random(7), Model()
    Snapshot.open(path).close()
    for round_ in range(50):
        with ExitStack() as opened:
            reader = None
            if round_ % 2:
                snapshot = opened.enter_context(Snapshot.open(path))
                assert snapshot.replaced is None
                reader = snapshot.reader("objects")
                assert reader.changes().records == model.contents
            writer = start(WRITER, path)
            if round_ % 10:  # else it is killed at any time after its start, within the opening too
                assert writer.stdout.readline().strip() == str(model.commit)
            time.sleep(chance.uniform(0, 0.06))
            writer.kill()
            writer.wait()
            if reader:
                told, before = reader.changes(), dict(model.contents)
                model.advance(told.sequence)
                for key, record in told.records.items():
                    if record is None:
                        del before[key]
                    else:
                        before[key] = record
                assert before == model.contents == reader.all()
        with Snapshot.open(path) as snapshot:
            assert snapshot.replaced is None
            found = snapshot.reader("objects").changes()
            assert found.sequence >= model.commit
            model.advance(found.sequence)
            assert found.records == model.contents
    assert model.commit > 100


CREATOR = """
import sys
from pathlib import Path
print("started", flush=True)
from snapshot import Record, Snapshot
with Snapshot.open(Path(sys.argv[1])) as snapshot:
    snapshot.writer("objects").commit({"a": Record("1", b"a")})
    print("committed", flush=True)
    sys.stdin.readline()
"""


def test_a_kill_while_the_file_is_made_does_not_hinder_the_next(path: Path, start: Start) -> None:
    chance = random.Random(8)
    for round_ in range(20):
        here = path / str(round_)
        creator = start(CREATOR, here)
        assert creator.stdout.readline() == "started\n"
        time.sleep(chance.uniform(0, 0.08))
        creator.kill()
        committed = "committed" in creator.stdout.read()
        creator.wait()
        with Snapshot.open(here) as snapshot:
            found = snapshot.reader("objects").all()
            assert found in ({}, {"a": Record("1", b"a")})
            assert not (committed and (snapshot.replaced or not found))
            assert snapshot.writer("objects").commit({"b": Record("1", b"")}) == len(found) + 1
