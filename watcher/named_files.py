"""Files that objects name: which of them may be read, and their bytes. What may not be is told, and never read.

Whoever may write a TLSContext or a Mapping may write any path. So a certificate is read from anywhere but where the
system and the pod keep what is theirs, since what is no PEM is used for nothing; a text, which clients are shown, only
from folders that are for that. Where a path leads counts, not how it is written, and it is what is open that is asked.
"""

import base64
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson

from process.settings import SERVICE_ACCOUNT, Settings
from snapshot import Record
from watcher.tree import Identity, counts, identity_of, within

MOST_BYTES: Final = 1 << 20
"""Of certificates and keys, as of a Secret."""

MOST_OF_TEXT: Final = 1 << 16
"""Of a text, as of one that a Mapping holds."""

MOST_TOGETHER: Final = 32 << 20
"""Of what was read of all files, as it is kept: whoever names many paths must not fill the memory."""

SYSTEM: Final = ("/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets", str(SERVICE_ACCOUNT))
_OPEN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BEGIN: Final = b"-----BEGIN "
_KEYS: Final = b" PRIVATE KEY-----"

MISSING: Final = "does not exist"


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files that belong together, as the translator wants them."""

    sort: str
    paths: tuple[str, ...]
    optional: frozenset[str]

    @property
    def is_text(self) -> bool:
        """Whether clients are shown it."""
        return self.sort == "Text"


def file_set(record: Record) -> FileSet:
    """The files that a record of `wanted` tells of."""
    said: dict[str, Any] = orjson.loads(record.body)
    return FileSet(str(said["sort"]), tuple(map(str, said["paths"])), frozenset(map(str, said["optional"])))


@dataclass(frozen=True, slots=True)
class Guard:
    """Where nothing is read from, and the folders where texts are."""

    closed: tuple[str, ...]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> "Guard":
        """What the settings say."""
        folders = (settings.base_dir, settings.config_dir, *settings.more_config_dirs)
        texts = dict.fromkeys(str(folder.absolute()) for folder in folders if folder)
        return cls((*SYSTEM, os.path.realpath(settings.run_dir)), tuple(texts))

    def refusal(self, real: str, files: FileSet) -> str | None:
        """Why a file is not read, by where it is; None when it is."""
        if files.sort != "Istio" and any(within(real, folder) for folder in self.closed):
            return "is where the system, or the pod, keeps what is its own: not read"
        if not files.is_text:
            return None
        if not any(within(real, os.path.realpath(folder)) for folder in self.texts):  # which may be links, and swapped
            return f"is in none of the folders with texts for clients: {', '.join(self.texts)}"
        return "may hold objects: not shown to clients" if counts(Path(real).name) else None


@dataclass(frozen=True, slots=True)
class Sight:
    """A file as it is now, without its content: what tells that it is another one than before."""

    real: str
    identity: Identity | None


def sight_of(path: str) -> Sight:
    """Where a path leads, and what is there."""
    real = os.path.realpath(path)
    try:
        return Sight(real, identity_of(os.stat(real)))  # noqa: PTH116 -- often
    except (OSError, ValueError):
        return Sight(real, None)


def read_set(files: FileSet, guard: Guard) -> Record:
    """What is in the files, or what is wrong with them, as a record of `catalog`."""
    data: dict[str, str] = {}
    troubles: dict[str, str] = {}
    for path in files.paths:
        found = _read(path, files, guard)
        if isinstance(found, bytes):
            data[path] = base64.b64encode(found).decode()
        elif not (found == MISSING and path in files.optional):
            troubles[path] = found
    return _record(data, troubles)


def _record(data: Mapping[str, str], troubles: Mapping[str, str]) -> Record:
    body = orjson.dumps({"data": data, "troubles": troubles})
    return Record(blake2b(body, digest_size=8).hexdigest(), body)


def _read(path: str, files: FileSet, guard: Guard) -> bytes | str:
    """The bytes of a file, or why there are none."""
    most = MOST_OF_TEXT if files.is_text else MOST_BYTES
    try:
        real = os.path.realpath(path, strict=True)
        refusal = guard.refusal(real, files)
        if refusal or not stat.S_ISREG(os.stat(real).st_mode):  # noqa: PTH116
            return refusal or "is no file"
        descriptor = os.open(real, _OPEN | os.O_NOFOLLOW)
        try:
            opened = str(Path("/proc/self/fd", str(descriptor)).readlink())
            found = os.fstat(descriptor)
            if opened != real or not stat.S_ISREG(found.st_mode):
                return MISSING  # it was swapped meanwhile: the next look says what it is
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(most + 1)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or 'it has no such name'}"
    return _usable(data, most, is_text=files.is_text)


def _usable(data: bytes, most: int, *, is_text: bool) -> bytes | str:
    if not data:
        return "is empty"
    if len(data) > most:
        return f"is larger than {most >> 10} KiB"
    if not is_text and _BEGIN not in data:
        return "holds nothing in PEM"
    return "holds a private key: not shown to clients" if is_text and _KEYS in data else data


SETTLED: Final = 0.5
"""Seconds that files must have been as they are: of two that belong together, one is replaced first."""

ABSENCE: Final = 5.0
"""Seconds that one that was there must have been missing: whoever writes may remove it first."""


@dataclass(slots=True)
class _Known:
    files: FileSet
    sights: tuple[Sight, ...] | None = None
    """As they were when they were read."""
    seen: tuple[Sight, ...] | None = None
    since: float = 0.0
    weight: int = 0
    is_refused: bool = False


class NamedFiles:
    """What is known of the files that are wanted. `look` says what changed; who calls it, and when, is the shell's."""

    def __init__(self, guard: Guard, sight: Callable[[str], Sight] = sight_of) -> None:
        self._guard = guard
        self._sight = sight
        self._known: dict[str, _Known] = {}

    def __len__(self) -> int:
        """How many are wanted."""
        return len(self._known)

    def want(self, key: str, files: FileSet) -> None:
        """These are wanted, and read with the next look."""
        self._known[key] = _Known(files)

    def forget(self, keys: Iterable[str]) -> None:
        """Nobody wants these any more."""
        gone = [self._known.pop(key) for key in keys if key in self._known]
        if any(known.weight for known in gone):
            self.read_again([key for key, known in self._known.items() if known.is_refused])

    def read_again(self, keys: Iterable[str]) -> None:
        """What was found of these could not be kept."""
        for key in keys:
            if key in self._known:
                self._known[key].sights = None

    def look(self, now: float) -> Mapping[str, Record]:
        """What is to be told by now, of files that are new or different."""
        found = {}
        for key, known in list(self._known.items()):
            sights = self._sights(known.files)
            if sights == known.sights:
                known.seen = None
                continue
            if sights != known.seen:
                known.seen, known.since = sights, now
            if known.sights is not None and now - known.since < _patience(known.sights, sights):
                continue
            record = read_set(known.files, self._guard)
            if self._sights(known.files) == sights:  # else it was written to meanwhile
                known.sights, known.seen = sights, None
                found[key] = self._weighed(known, record)
        return found

    def _weighed(self, known: _Known, record: Record) -> Record:
        """The record, if there is room for it beside the others."""
        known.weight, known.is_refused = 0, False
        if sum(each.weight for each in self._known.values()) + len(record.body) > MOST_TOGETHER:
            known.is_refused = True
            said = f"is not read: all files that objects name have more than {MOST_TOGETHER >> 20} MiB together"
            return _record({}, dict.fromkeys(known.files.paths, said))
        known.weight = len(record.body)
        return record

    def _sights(self, files: FileSet) -> tuple[Sight, ...]:
        return tuple([self._sight(path) for path in files.paths])


def _patience(before: tuple[Sight, ...], now: tuple[Sight, ...]) -> float:
    """How long files must have been as they are now, to be believed."""
    is_gone = any(old.identity and not new.identity for old, new in zip(before, now, strict=True))
    return ABSENCE if is_gone else SETTLED
