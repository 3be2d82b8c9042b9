"""What the snapshot says, kept small: no bodies of objects and resources, so no secrets either. For one thread."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import orjson

from diagnostics.changes import Change, last_changes
from snapshot import JSON, Commit, Database, Reader, Record, Snapshot

DATABASES: Final[tuple[Database, ...]] = ("objects", "resources", "statuses", "acks", "holds")

TYPES: Final = ("cluster", "endpoint", "extension", "listener", "route", "runtime", "scope", "secret")

FILE_PREFIX: Final = "dragoman/"
"""Begins the keys of records that tell of a source of objects, like a file, not of an object."""

STREAM_KEY: Final = "stream"
SERVED_KEY: Final = "served"

LISTED: Final = 1000
"""Objects with problems that are named among the numbers, those first that are stopped."""

_LISTENER: Final = "listener/"
_HOST: Final = "getambassador.io/Host/"
_SECRETS: Final = f"{FILE_PREFIX}Watch//secrets"

LONGEST_ANSWER: Final = 4000
"""Characters of Envoy's text on a resource that are shown; it may repeat all that it was given."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ack:
    """What Envoy said of a resource: the version it accepted, the newer one it refuses, and why; Unix times."""

    accepted: str | None = None
    accepted_at: float | None = None
    refused: str | None = None
    refused_at: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What became of an object; `problems` as the translator wrote them."""

    state: str
    problems: tuple[Mapping[str, Any], ...]
    more: int = 0
    """So many more problems there are than are listed."""
    carrier: str | None = None
    """The object that carries it in an annotation."""


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
class Served:
    """How long changes took until they were served, in classes of seconds, since the adsserver began."""

    bounds: tuple[float, ...] = ()
    classes: tuple[int, ...] = ()
    """One more than there are bounds."""
    seconds: float = 0.0
    last: float | None = None
    """When the last one was (Unix time)."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many resources Envoy refused, by type."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """An object with problems, and how many there are that stop it, and others."""

    key: str
    stopping: int
    others: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """The snapshot in numbers."""

    sequences: Mapping[str, int]
    objects: Mapping[str, int]
    """By kind."""
    files: int
    """Those that cannot be read."""
    stopping: int
    """Problems that stop what they are about; `others` do not."""
    others: int
    resources: Mapping[str, int]
    """By type; those that are published."""
    refused: int
    unanswered: Mapping[str, int]
    """By type; those of whose published version Envoy has said nothing yet."""
    pending: int
    """Objects that the translator has not judged yet."""
    troubled: tuple[Troubled, ...]
    more_troubled: int
    """So many more there are than are listed."""
    served: Served


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

    def commits(self) -> list[Commit]:
        """What the log remembers, read anew."""
        return self._reader.commits()

    def bodies(self, beginning: str = "") -> Mapping[str, Record]:
        """The whole records whose keys begin so, read anew: they are not kept."""
        return {key: record for key, record in self._reader.all(beginning).items() if key in self.rows}


class View:
    """The five databases of one open snapshot."""

    def __init__(self, snapshot: Snapshot, path: Path) -> None:
        self._lock = path / "writer.acks.lock"
        self.objects = Followed(snapshot.reader("objects"), _source_of)
        self.resources = Followed(snapshot.reader("resources"), _version_of)
        self.statuses = Followed(snapshot.reader("statuses"), _status_of)
        self.acks = Followed(snapshot.reader("acks"), _ack_of)
        self.holds = Followed(snapshot.reader("holds"), _version_of)
        self._stream: Mapping[str, JSON] = {}
        self._served = Served()
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
                self._served = _served_of(self.acks.record(key))
        published, answered = self.resources.rows, self.acks.rows
        self._listeners = {key for key in self._listeners if key in published or key in answered}

    @property
    def changes(self) -> dict[str, Change]:
        """The last change of each object, as far as the logs remember; as dear as these are long."""
        return last_changes(self.objects.commits(), self.acks.commits())

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
        states = [status.state for key, status in self.statuses.rows.items() if key.startswith(_HOST)]
        return bool(states) and all(state == "stopped" for state in states)

    @property
    def connection(self) -> Connection:
        """The connection that the adsserver told of; it ends with the adsserver."""
        told = self._stream
        if not told.get("connected") or not _holder_lives(self._lock):
            return Connection(node=_text(told.get("node")))
        return Connection(True, _number(told.get("since")), _text(told.get("node")))

    @property
    def numbers(self) -> Numbers:
        """The numbers, counted again only when something changed."""
        if self._numbers is None or self._numbers.sequences != self.sequences:
            self._numbers = self._counted()
        return self._numbers

    def _counted(self) -> Numbers:
        told, acks = self.statuses.rows.values(), self.acks.rows
        stops = Counter(bool(each["stops"]) for status in told for each in status.problems)
        kinds = Counter(kind_of(key) for key in self.objects.rows if not key.startswith(FILE_PREFIX))
        types = Counter(key.partition("/")[0] for key in self.resources.rows)
        unanswered = Counter(
            key.partition("/")[0]
            for key, version in self.resources.rows.items()
            if (ack := acks.get(key)) is None or version not in (ack.accepted, ack.refused)
        )
        judged = self.statuses.rows
        troubled = _troubled(judged)
        return Numbers(
            sequences=self.sequences,
            objects=kinds,
            files=len(self.objects.rows) - kinds.total(),
            stopping=stops[True],
            others=stops[False] + sum(status.more for status in told),
            resources={name: types[name] for name in TYPES},
            refused=sum(ack.refused is not None for ack in acks.values()),
            unanswered={name: unanswered[name] for name in TYPES},
            pending=sum(key not in judged and not key.startswith(FILE_PREFIX) for key in self.objects.rows),
            troubled=tuple(troubled[:LISTED]),
            more_troubled=len(troubled[LISTED:]),
            served=self._served,
        )


def kind_of(key: str) -> str:
    """The kind in an object's key `<group>/<Kind>/<namespace>/<name>`."""
    return key.split("/", 2)[1]


def _troubled(judged: Mapping[str, Status]) -> list[Troubled]:
    """The objects with problems: first those that are stopped, each by their keys."""
    found = []
    for key, status in judged.items():
        if status.problems and not key.startswith(FILE_PREFIX):
            stopping = sum(bool(each["stops"]) for each in status.problems)
            found.append(Troubled(key, stopping, len(status.problems) - stopping + status.more))
    return sorted(found, key=lambda each: (not each.stopping, each.key))


def _served_of(record: Record | None) -> Served:
    told: Mapping[str, Any] = record.notes if record else {}
    return Served(
        tuple(told.get("bounds", ())),
        tuple(told.get("classes", ())),
        float(told.get("seconds", 0.0)),
        _number(told.get("last")),
        dict(told.get("refused", {})),
    )


def _holder_lives(lock: Path) -> bool:
    """Whether the process whose pid is in a writer's lock file runs. Trying the lock would keep it from others."""
    try:
        pid = lock.read_text()
    except (OSError, UnicodeDecodeError):
        return False
    return pid.isdigit() and Path("/proc", pid).exists()


def _source_of(record: Record) -> str:
    return _text(record.notes.get("source")) or ""


def _version_of(record: Record) -> str:
    return record.version


_FINE: Final = Status("ok", ())


def _status_of(record: Record) -> Status:
    told = orjson.loads(record.body)
    problems, carrier = tuple(told["problems"]), told.get("carrier")
    return Status(told["state"], problems, told.get("more", 0), carrier) if problems or carrier else _FINE


def _ack_of(record: Record) -> Ack:
    notes = record.notes
    return Ack(
        accepted=_text(notes.get("accepted")),
        accepted_at=_number(notes.get("accepted_at")),
        refused=_text(notes.get("refused")),
        refused_at=_number(notes.get("refused_at")),
        message=(_text(notes.get("message")) or "")[:LONGEST_ANSWER],
    )


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, int | float) else None
