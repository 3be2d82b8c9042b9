"""The log of commits: it is bounded, it makes small changes cheap, and a reader that it fails compares."""

from collections.abc import Iterator

import lmdb
import pytest

from snapshot import Changes, Reader, Record, Snapshot
from snapshot.layout import State, read_state
from snapshot.record import decode


def state_of(shared: Snapshot) -> tuple[State, list[int]]:
    """The state of `objects`, and the numbers of the commits in its log."""
    file = shared._file
    with file.reading() as txn:
        logged = txn.cursor(db=file.tables["objects"].log).iternext(keys=True, values=False)
        return read_state(txn, file.tables["objects"]), [int.from_bytes(key) for key in logged]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Grows by one whenever a reader compares instead of reading the log."""
    times: list[int] = []
    comparing = Reader._by_comparing
    monkeypatch.setattr(Reader, "_by_comparing", lambda *arguments: times.append(1) or comparing(*arguments))
    return times


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The keys of the records that readers decoded."""
    keys: list[bytes] = []
    monkeypatch.setattr("snapshot.reader.decode", lambda key, raw: keys.append(key) or decode(key, raw))
    return keys


def test_it_remembers_so_many_commits(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshot.writer.LOG_COMMITS", 3)
    writer = snapshot.writer("objects")
    for number in range(1, 8):
        writer.commit({"a": Record(str(number), b"")})
    state, logged = state_of(snapshot)
    assert logged == [5, 6, 7]
    assert (state.sequence, state.log_from) == (7, 4)


def test_it_remembers_so_many_bytes_of_keys(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshot.writer.LOG_BYTES", 1000)
    writer = snapshot.writer("objects")
    for number in range(1, 20):
        writer.commit({"k" * 190: Record(str(number), b"")})
        state, logged = state_of(snapshot)
        assert state.log_bytes <= 1000
    assert logged == [16, 17, 18, 19]


def test_a_commit_too_big_for_it_empties_it(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, compared: list[int]
) -> None:
    monkeypatch.setattr("snapshot.writer.LOG_BYTES", 1000)
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    writer.commit({"a": Record("1", b"")})
    assert reader.changes().sequence == 1
    assert not compared[1:]
    big = {f"key {number:03}": Record("1", b"") for number in range(200)}
    writer.commit(big)
    assert state_of(snapshot) == (State(2, 201, 201, state_of(snapshot)[0].seal, 2, 0), [])
    assert reader.changes() == Changes(2, big, whole=False)
    assert len(compared) == 2
    writer.commit({"a": None})
    assert reader.changes().records == {"a": None}
    assert len(compared) == 2


def test_a_reader_that_it_forgot_compares_keys_and_versions(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, compared: list[int], decoded: list[bytes]
) -> None:
    monkeypatch.setattr("snapshot.writer.LOG_COMMITS", 2)
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    writer.commit({name: Record("1", b"") for name in "abcde"})
    reader.changes()
    compared.clear()
    decoded.clear()
    writer.commit({"a": Record("2", b"")})
    writer.commit({"b": None})
    writer.commit({"f": Record("1", b"")})
    assert reader.changes() == Changes(4, {"a": Record("2", b""), "b": None, "f": Record("1", b"")}, whole=False)
    assert compared == [1]
    assert decoded == [b"a", b"f"]


def test_a_small_change_to_much_reads_little(snapshot: Snapshot, compared: list[int], decoded: list[bytes]) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    writer.replace({f"key {number}": Record("1", bytes(300)) for number in range(20_000)})
    reader.changes()
    compared.clear()
    decoded.clear()
    writer.commit({"key 77": Record("2", b""), "key 78": None})
    assert reader.changes().records == {"key 77": Record("2", b""), "key 78": None}
    assert not compared
    assert decoded == [b"key 77"]


def test_a_small_change_to_much_writes_little(snapshot: Snapshot) -> None:
    """LMDB copies the pages from the root to the leaf, in each of the tables that a commit touches."""
    writer = snapshot.writer("objects")
    writer.replace({f"key {number}": Record("1", bytes(300)) for number in range(20_000)})
    env: lmdb.Environment = snapshot._file._env
    before = env.info()["last_pgno"]
    for number in range(100):
        writer.commit({"key 77": Record(f"2.{number}", bytes(300))})
    assert env.info()["last_pgno"] - before < 60


def test_where_following_it_costs_more_than_comparing_a_reader_compares(
    snapshot: Snapshot, compared: list[int]
) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    writer.commit({"a": Record("0", b""), "b": Record("0", b"")})
    reader.changes()
    compared.clear()
    for number in range(1, 100):
        writer.commit({"a": Record(str(number), b"")})
    assert reader.changes() == Changes(100, {"a": Record("99", b"")}, whole=False)
    assert compared == [1]


def test_a_reader_of_some_keys_hears_of_no_others(snapshot: Snapshot, compared: list[int]) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects", beginning="b/")
    one, two = Record("1", b""), Record("2", b"")
    writer.replace({"a/1": one, "b/1": one, "b/2": one, "c/1": one})
    assert reader.changes() == Changes(1, {"b/1": one, "b/2": one}, whole=True)
    writer.commit({"a/1": two, "b/1": two, "b/2": None})
    assert reader.changes() == Changes(2, {"b/1": two, "b/2": None}, whole=False)
    writer.commit({"a/1": None})
    assert reader.changes() == Changes(3, {}, whole=False)
    assert compared == [1]
    for _ in range(80):  # more than the log is asked for
        writer.commit({"c/1": one, "b/1": one})
        writer.commit({"c/1": two, "b/1": None})
    assert reader.changes().records == {"b/1": None}
    assert compared == [1, 1]


def test_readers_are_told_when_the_first_of_what_led_to_the_news_began(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    writer.commit({"a": Record("1", b"")}, since=5.0)
    assert reader.changes().since is None, "a first look compares"
    writer.commit({"a": Record("2", b"")}, since=30.0)
    writer.commit({"b": Record("1", b"")}, since=20.5)
    writer.commit({"b": Record("2", b"")})
    assert reader.changes().since == 20.5
    writer.commit({"b": Record("3", b"")})
    assert reader.changes().since is None
