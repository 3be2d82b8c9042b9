"""Readers that died take no slot from the living."""

from pathlib import Path

import pytest
from snapshot_processes import Start, kill

from snapshot import Snapshot


def test_slots_of_dead_readers_are_cleared(path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = """
import sys
from pathlib import Path
from snapshot import Snapshot
snapshot = Snapshot.open(Path(sys.argv[1]))
with snapshot._file.reading():
    print("reading", flush=True)
    sys.stdin.readline()
"""
    with Snapshot.open(path) as snapshot:
        reader = snapshot.reader("objects")
        for _ in range(2):
            dead = start(reading, path)
            assert dead.stdout.readline()
            kill(dead)
        slots = snapshot._file._env.readers
        reader.changes()
        assert str(dead.pid) in slots()
        monkeypatch.setattr("snapshot.file.READER_CHECK_EVERY", -1.0)
        reader.changes()
        assert str(dead.pid) not in slots()


def test_when_dead_readers_hold_all_slots_a_living_one_reads_nevertheless(path: Path, start: Start) -> None:
    greedy = """
import sys
from pathlib import Path
import lmdb
from snapshot import Snapshot
snapshot, held = Snapshot.open(Path(sys.argv[1])), []
try:
    while True:
        held.append(snapshot._file._env.begin())
except lmdb.ReadersFullError:
    print(len(held), flush=True)
sys.stdin.readline()
"""
    with Snapshot.open(path) as snapshot:
        reader = snapshot.reader("objects")
        dead = start(greedy, path)
        assert int(dead.stdout.readline()) > 500
        kill(dead)
        assert reader.changes().sequence == 0
