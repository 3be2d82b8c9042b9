"""What reading and writing keep in memory: of a large commit one record at a time, and of what was told nothing."""

import tracemalloc
from collections.abc import Callable, Iterator, Mapping

from snapshot import Record, Snapshot

MIB = 1 << 20
COUNT = 12


class Made(Mapping[str, Record]):
    """Records of one MiB, each made when it is asked for, and kept by nobody here."""

    def __iter__(self) -> Iterator[str]:
        return (str(number) for number in range(COUNT))

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, key: str) -> Record:
        if key not in {*self}:
            raise KeyError(key)
        return Record("1", bytes(MIB), {"key": key})


def peak_of(work: Callable[[], object]) -> float:
    """MiB that Python had at most while this ran, beside what it had before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        return (tracemalloc.get_traced_memory()[1] - before) / MIB
    finally:
        tracemalloc.stop()


def test_a_large_commit_is_encoded_record_by_record(snapshot: Snapshot) -> None:
    for write in (snapshot.writer("objects").replace, snapshot.writer("live").commit):
        assert peak_of(lambda write=write: write(Made())) < 5  # type: ignore[misc]
    assert snapshot.reader("objects").all() == snapshot.reader("live").all() == dict(Made())


def test_a_reader_that_reduces_has_one_record_at_a_time(snapshot: Snapshot) -> None:
    snapshot.writer("objects").replace(Made())
    reader, whole = snapshot.reader("objects"), snapshot.reader("objects")
    assert peak_of(lambda: reader.told(lambda record: record.notes["key"])) < 5
    assert peak_of(whole.changes) > COUNT


def test_a_reader_has_its_keys_in_common_with_who_was_told(snapshot: Snapshot) -> None:
    snapshot.writer("objects").replace(Made())
    reader = snapshot.reader("objects")
    told = reader.told(lambda _: True).records
    assert {id(key) for key in told} == {id(key) for key in reader._headers}


def test_what_is_reduced_is_told_as_what_is_whole(snapshot: Snapshot) -> None:
    writer, reader, whole = snapshot.writer("objects"), snapshot.reader("objects"), snapshot.reader("objects")
    for changes in ({"a": Record("1", b"x"), "b": Record("1", b"")}, {"a": Record("2", b"yy")}, {"a": None}):
        writer.commit(changes)
        news, told = whole.changes(), reader.told(lambda record: len(record.body))
        lengths = {key: None if record is None else len(record.body) for key, record in news.records.items()}
        assert (told.sequence, told.records, told.whole) == (news.sequence, lengths, news.whole)
