"""What the snapshot says, kept small: no bodies of objects and resources, so no secrets either. For one thread."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

import orjson

from diagnostics.changes import Change, last_changes
from diagnostics.numbers import Numbers, Rows, Served, counted, served_of
from diagnostics.rows import FILE_PREFIX, Ack, ack_of, number, source_of, status_of, text, version_of
from snapshot import JSON, Commit, Database, Former, Reader, Record, Snapshot

DATABASES: Final[tuple[Database, ...]] = ("objects", "resources", "statuses", "acks", "holds")

TRACED: Final[tuple[Database, ...]] = ("acks", "statuses", "resources", "objects")
"""The logs of which traces are made, so ordered that of what is in one all that led to it is in the next ones."""

STREAM_KEY: Final = "stream"
SERVED_KEY: Final = "served"
UNASKED_KEY: Final = "unasked"

_LISTENER: Final = "listener/"
_HOST: Final = "getambassador.io/Host/"
_SECRETS: Final = f"{FILE_PREFIX}Watch//secrets"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a configuration has come: the names of the published listeners, and what Envoy said of listeners.

    `is_blind`: no Host at all is in force, and Secrets are kept from us, so that this may be why.
    """

    is_published: bool = False
    listeners: frozenset[str] = frozenset()
    acks: Mapping[str, Ack] = field(default_factory=dict)
    is_blind: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether Envoy is connected to the adsserver, since when (Unix time), and its node id."""

    connected: bool = False
    since: float | None = None
    node: str | None = None


class Followed(Generic[T]):
    """A database's records, each reduced to what matters here."""

    def __init__(self, reader: Reader, reduce: Callable[[Record], T]) -> None:
        self._reader = reader
        self._reduce = reduce
        self.sequence = 0
        self.rows: dict[str, T] = {}

    def catch_up(self) -> Iterable[str]:
        """Take over what is new, and tell of which keys. Raises what `Reader.changes` does."""
        news = self._reader.told(self._reduce)
        self.sequence = news.sequence
        for key, made in news.records.items():
            if made is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = made
        return news.records.keys()

    def record(self, key: str) -> Record | None:
        """The whole record of a key, read anew."""
        return self._reader.get(key)

    def commits(self, after: int = 0) -> list[Commit]:
        """What the log remembers after the commit of this number, read anew."""
        return self._reader.commits(after)

    @property
    def last_commit(self) -> int:
        """The number of the last commit that there is, read anew."""
        return self._reader.sequence

    def past(self) -> list[Former]:
        """What its records were before they changed, read anew."""
        return self._reader.past()

    def bodies(self, beginning: str = "") -> Mapping[str, Record]:
        """The whole records whose keys begin so, read anew: they are not kept."""
        return {key: record for key, record in self._reader.all(beginning).items() if key in self.rows}


class View:
    """The five databases of one open snapshot."""

    def __init__(self, snapshot: Snapshot, path: Path) -> None:
        self._lock = path / "writer.acks.lock"
        self.objects = Followed(snapshot.reader("objects"), source_of)
        self.resources = Followed(snapshot.reader("resources"), version_of)
        self.statuses = Followed(snapshot.reader("statuses"), status_of)
        self.acks = Followed(snapshot.reader("acks"), ack_of)
        self.holds = Followed(snapshot.reader("holds"), version_of)
        self._stream: Mapping[str, JSON] = {}
        self._served = Served()
        self.unasked: frozenset[str] = frozenset()
        """What is published and Envoy does not ask for, so that it says nothing of it."""
        self._listeners: set[str] = set()
        self._numbers: Numbers | None = None

    def catch_up(self) -> None:
        """Take over all that is new. Raises what `Reader.changes` does."""
        for followed in (self.objects, self.statuses, self.holds):
            followed.catch_up()
        for key in self.resources.catch_up():
            if key.startswith(_LISTENER):
                self._listeners.add(key)
        for key in self.acks.catch_up():
            if key.startswith(_LISTENER):
                self._listeners.add(key)
            elif key == STREAM_KEY:
                stream = self.acks.record(key)
                self._stream = stream.notes if stream else {}
            elif key == SERVED_KEY:
                self._served = served_of(self.acks.record(key))
            elif key == UNASKED_KEY:
                unasked = self.acks.record(key)
                self.unasked = frozenset(orjson.loads(unasked.body) if unasked else ())
        published, answered = self.resources.rows, self.acks.rows
        self._listeners = {key for key in self._listeners if key in published or key in answered}

    @property
    def changes(self) -> dict[str, Change]:
        """The last change of each object, as far as the logs remember; as dear as these are long."""
        return last_changes(self.objects.commits(), self.acks.commits())

    def logs(self, after: Mapping[str, int]) -> dict[str, list[Commit]]:
        """What the logs of which traces are made remember after these commits, read in their order."""
        return {name: getattr(self, name).commits(after.get(name, 0)) for name in TRACED}

    def last_commits(self) -> dict[str, int]:
        """The numbers of the last commits in these logs."""
        return {name: getattr(self, name).last_commit for name in TRACED}

    @property
    def sequences(self) -> dict[str, int]:
        """The number of each database's last commit; 0 before the first."""
        return {name: getattr(self, name).sequence for name in DATABASES}

    @property
    def progress(self) -> Progress:
        """How far a configuration has come; as dear as there are objects."""
        published, acks = self.resources.rows, self.acks.rows
        return Progress(
            self.resources.sequence > 0,
            frozenset(key.removeprefix(_LISTENER) for key in self._listeners if key in published),
            {key.removeprefix(_LISTENER): acks[key] for key in self._listeners if key in acks},
            self._is_blind,
        )

    @property
    def _is_blind(self) -> bool:
        if not any(key.startswith(_SECRETS) for key in self.objects.rows):
            return False
        hosts = {status.state for key, status in self.statuses.rows.items() if key.startswith(_HOST)}
        return hosts - {"other"} == {"stopped"}

    @property
    def connection(self) -> Connection:
        """The connection that the adsserver told of; it ends with the adsserver."""
        told = self._stream
        if not told.get("connected") or not _holder_lives(self._lock):
            return Connection(node=text(told.get("node")))
        return Connection(True, number(told.get("since")), text(told.get("node")))

    @property
    def numbers(self) -> Numbers:
        """The numbers, counted again only when something changed."""
        if self._numbers is None or self._numbers.sequences != self.sequences:
            kept = (self.objects.rows, self.resources.rows, self.statuses.rows, self.acks.rows, self.unasked)
            rows = Rows(self.sequences, *kept)
            self._numbers = counted(rows, self._served)
        return self._numbers


def _holder_lives(lock: Path) -> bool:
    """Whether the process whose pid is in a writer's lock file runs. Trying the lock would keep it from others."""
    try:
        pid = lock.read_text()
    except (OSError, UnicodeDecodeError):
        return False
    return pid.isdigit() and Path("/proc", pid).exists()
