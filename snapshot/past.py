"""What records were before they changed, for people who ask what changed: in the very commit that changed them.

Whoever writes says of which keys: of some the whole record, of others (secrets, say) its version and notes alone. It
costs the file so many bytes and no more, since the oldest goes first, and no process anything but the one that writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from snapshot.layout import PAST_BYTES, PAST_LARGEST, PAST_OF_A_COMMIT, Table, Transaction, log_key
from snapshot.record import JSON, Record, decode, encode, frame, unframe, version_of

Keeps = Callable[[str], Literal["whole", "notes", "nothing"]]
"""How much is kept of what a key's record was; `nothing`: not even that it changed."""

_PLACES: Final = 4
"""Bytes that number the entries of a commit."""


@dataclass(frozen=True, slots=True)
class Former:
    """A change of a record: when (Unix time), and the versions before and after; None: there was none, or is none."""

    sequence: int
    at: float
    key: str
    was: str | None
    becomes: str | None
    untold: int
    """So many more records the same commit changed, of which nothing is kept; told with its first one."""
    _kept: bytes

    @property
    def record(self) -> Record | None:
        """What it was, as far as it is kept; None when there was nothing, or when it was too large."""
        return decode(self.key.encode(), self._kept) if self._kept else None


class Past:
    """For the writer of a database: writes what its records were, and forgets the oldest."""

    def __init__(self, table: Table, keeps: Keeps) -> None:
        self._table = table
        self._keeps = keeps
        self._bytes: int | None = None
        """Of all values; None: not counted yet."""

    def before(self, txn: Transaction, records: Table, keys: Iterable[tuple[bytes, str]]) -> list[tuple[str, bytes]]:
        """What the values of these keys are that will be another: to be kept when they are."""
        found: list[tuple[str, bytes]] = []
        for key, name in keys:
            how = self._keeps(name)
            if how == "nothing":
                continue
            raw = bytes(txn.get(key, b"", db=records)) if len(found) < PAST_OF_A_COMMIT else b""
            found.append((name, _without_body(key, raw) if raw and how == "notes" else raw))
        return found

    def keep(self, txn: Transaction, records: Table, sequence: int, at: float, before: list[tuple[str, bytes]]) -> None:
        """Write it. When the transaction fails after all, `forget` has to be called."""
        used = self._bytes if self._bytes is not None else self._counted(txn)
        untold = len(before[PAST_OF_A_COMMIT:])
        for place, (name, raw) in enumerate(before[:PAST_OF_A_COMMIT]):
            now = txn.get(name.encode(), db=records)
            header: dict[str, JSON] = {
                "key": name,
                "at": at,
                "was": version_of(raw) if raw else None,
                "becomes": None if now is None else version_of(now),
            }
            key = log_key(sequence) + place.to_bytes(_PLACES, "big")
            more: Mapping[str, JSON] = {"untold": untold} if untold and not place else {}
            entry = frame(key, {**header, **more}, raw if len(raw) <= PAST_LARGEST else b"")
            txn.put(key, entry, append=True, db=self._table)  # the last one yet: LMDB then fills its pages
            used += len(entry)
        self._bytes = self._trimmed(txn, used)

    def forget(self) -> None:
        """Count anew next time."""
        self._bytes = None

    def _counted(self, txn: Transaction) -> int:
        return sum(len(value) for value in txn.cursor(db=self._table).iternext(keys=False, values=True))

    def _trimmed(self, txn: Transaction, used: int) -> int:
        if used > PAST_BYTES:
            with txn.cursor(db=self._table) as cursor:
                while used > PAST_BYTES and cursor.first():
                    used -= len(cursor.value())
                    cursor.delete()
        return used


def _without_body(key: bytes, raw: bytes) -> bytes:
    record = decode(key, raw)
    return encode(key, Record(record.version, b"", record.notes))


def formers(txn: Transaction, table: Table) -> Iterator[Former]:
    """All that is kept, the oldest first."""
    for raw, value in txn.cursor(db=table).iternext(keys=True, values=True):
        key = bytes(raw)
        header, kept = unframe(key, value)
        yield Former(
            sequence=int.from_bytes(key[:-_PLACES], "big"),
            at=float(header["at"]),  # type: ignore[arg-type]
            key=str(header["key"]),
            was=header["was"],  # type: ignore[arg-type]
            becomes=header["becomes"],  # type: ignore[arg-type]
            untold=int(header.get("untold", 0)),  # type: ignore[arg-type]
            _kept=kept,
        )
