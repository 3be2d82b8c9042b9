"""A damaged file: whatever happened to it, opening it gives the last commits whole or a new file, and says which.

The file is damaged between runs, so that whoever opens it is the only one. The battery runs in a process of its own,
so that a crash of LMDB in the process that opens would fail the test instead of ending all tests.
"""

import json
from pathlib import Path

from snapshot_processes import Start

BATTERY = """
import json, random, sys
from pathlib import Path
from snapshot import Record, Snapshot

path, damage, seed, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
data, chance = path / "data.mdb", random.Random(seed)


def fill(snapshot, numbers):
    objects, acks = snapshot.writer("objects"), snapshot.writer("acks")
    for number in numbers:
        changes = {}
        for _ in range(12):
            body = chance.randbytes(chance.choice((20, 200, 900, 9000)))
            changes[f"key {chance.randrange(60)}"] = Record(str(number), body) if chance.random() < 0.7 else None
        objects.commit(changes)
        acks.commit({f"ack {number % 5}": Record(str(number), b"", {"accepted": str(number)})})
    return contents(snapshot)


def contents(snapshot):
    return {name: snapshot.reader(name).all() for name in ("objects", "acks", "resources")}


def flip(raw):
    for _ in range(chance.choice((1, 1, 2, 8))):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)


def smear(raw):
    start = chance.randrange(len(raw))
    length = min(chance.choice((8, 64, 4096, 20000)), len(raw) - start)
    raw[start:start + length] = chance.choice((bytes(length), chance.randbytes(length)))


def swap(raw):
    pages = len(raw) // 4096
    one, other = chance.randrange(pages) * 4096, chance.randrange(pages) * 4096
    raw[one:one + 4096], raw[other:other + 4096] = raw[other:other + 4096], raw[one:one + 4096]


def truncate(raw):
    del raw[chance.randrange(len(raw)):]


with Snapshot.open(path) as snapshot:
    good = fill(snapshot, range(1, 80))
sound = data.read_bytes()
outcomes = {"kept": 0, "replaced": 0}
for _ in range(times):
    raw = bytearray(sound)
    {"flip": flip, "smear": smear, "swap": swap, "truncate": truncate}[damage](raw)
    data.write_bytes(raw)
    with Snapshot.open(path) as snapshot:
        found = contents(snapshot)
        if snapshot.replaced:
            outcomes["replaced"] += 1
            assert found == {name: {} for name in good}, "a replaced file is empty"
            assert all(not snapshot.reader(name).changes().sequence for name in good)
        else:
            outcomes["kept"] += 1
            assert found == good, "a file that is kept is as it was"
        after = fill(snapshot, range(100, 104))
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None, snapshot.replaced
        assert contents(snapshot) == after
print(json.dumps(outcomes))
"""


def outcomes(start: Start, path: Path, damage: str, times: int) -> dict[str, int]:
    battery = start(BATTERY, path, damage, 1, times)
    told, _ = battery.communicate()
    assert battery.returncode == 0
    counted: dict[str, int] = json.loads(told)
    return counted


def test_flipped_bits_never_show(path: Path, start: Start) -> None:
    counted = outcomes(start, path, "flip", 40)
    assert min(counted.values()) >= 5


def test_overwritten_stretches_never_show(path: Path, start: Start) -> None:
    counted = outcomes(start, path, "smear", 25)
    assert min(counted.values()) >= 2


def test_pages_in_the_wrong_place_never_show(path: Path, start: Start) -> None:
    counted = outcomes(start, path, "swap", 20)
    assert min(counted.values()) >= 2


def test_a_truncated_file_is_replaced(path: Path, start: Start) -> None:
    counted = outcomes(start, path, "truncate", 20)
    assert counted["replaced"] >= 18
