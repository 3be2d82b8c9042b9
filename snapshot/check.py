"""Whether a snapshot file is sound, found out where a crash does no harm.

LMDB trusts its file: a truncated or damaged one can kill the process that reads it. So a file that a crash may have
touched is first read from end to end by this program, in a process of its own. It is run as a script, without our
packages or site's, because it stands between a crash and the restart: about 20 ms. What it knows of the format is
told it by its caller.

    python -I -S check.py '{"path": ..., "map_size": ..., "compact": ..., "databases": [...], "past": [...],
                            "format": {...}, "site": the folder that holds the package lmdb}'

It prints {"problem": TEXT or null, "compacted": BOOL} and exits 0; when it cannot tell, it exits 1. A file that
makes LMDB crash ends it with a signal.
"""

import errno
import json
import os
import resource
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct
from time import sleep
from typing import Any
from zlib import crc32

_FRAME = Struct(">II")

_META = Struct("<16xII16xI36xQ40xQQQ")
"""Of one of LMDB's two meta pages: magic, format, page size, roots of free list and data, last page, commit."""

_MAGIC, _LMDB_FORMAT, _NO_PAGE = 0xBEEFC0DE, 1, 2**64 - 1
_MORE_LOOKS = 3
_NOT_THE_FILE = {
    errno.EACCES,
    errno.EAGAIN,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ENOSPC,
    errno.EPERM,
}
_PAGE_SIZES = frozenset(512 << n for n in range(8))


class Unsound(Exception):  # noqa: N818 -- what was found, not what failed
    """The file is not one that our writers left; the text says why."""


def header_problem(data: Path) -> str | None:
    """What can be seen of a file without opening it in LMDB: whether it is LMDB's, and has the pages it speaks of.

    A live process may be writing the header at this moment, so a problem is believed when it has stayed.
    """
    problem = _seen_of(data)
    for _ in range(_MORE_LOOKS):
        if problem is None:
            break
        sleep(0.002)
        problem = _seen_of(data)
    return problem


def _seen_of(data: Path) -> str | None:
    if not stat.S_ISREG(data.lstat().st_mode):
        return "it is not a regular file"
    with data.open("rb", buffering=0) as file:
        first = _meta(file.read(_META.size))
        if first is None:
            return "it is not an LMDB file of this format"
        page_size = first[2]
        file.seek(page_size)
        second = _meta(file.read(_META.size))
        size = os.fstat(file.fileno()).st_size  # after the headers: a writer makes the file longer, then says so
    if second is None or second[2] != page_size:
        return "its second header is damaged"
    *_, free, root, last, _ = max(first, second, key=lambda meta: meta[-1])
    if any(page > last for page in (free, root) if page != _NO_PAGE):
        return "its header speaks of pages that it does not have"
    if size < (last + 1) * page_size:
        return f"it is truncated: {size} bytes of {(last + 1) * page_size}"
    return None


def _meta(raw: bytes) -> tuple[int, ...] | None:
    if len(raw) < _META.size:
        return None
    meta = _META.unpack(raw)
    return meta if meta[:2] == (_MAGIC, _LMDB_FORMAT) and meta[2] in _PAGE_SIZES else None


def main(arguments: str) -> dict[str, Any]:
    """Check the file, and copy it without its free pages to `data.mdb.new` if that is asked and there is room."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = json.loads(arguments)
    sys.path.append(asked["site"])
    import lmdb  # noqa: PLC0415 -- found by the path that was given

    compacted = False
    try:
        size = 1 + 2 * len(asked["databases"]) + len(asked["past"])
        with lmdb.open(asked["path"], asked["map_size"], readonly=True, max_dbs=size, lib_version=0) as env:
            with env.begin(buffers=True) as txn:
                walk(env, txn, asked["databases"], asked["past"], asked["format"])
            if asked["compact"]:
                compacted = _copy(env, Path(asked["path"]) / "data.mdb.new", lmdb.Error)
    except Unsound as found:
        return {"problem": str(found), "compacted": False}
    except lmdb.NotFoundError:
        return {"problem": "it is an LMDB file of another program", "compacted": False}
    except lmdb.Error as error:
        if error.code in _NOT_THE_FILE or isinstance(error, lmdb.ReadersFullError | lmdb.MapResizedError):
            raise
        return {"problem": str(error), "compacted": False}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {"problem": f"{type(error).__name__}: {error}", "compacted": False}
    return {"problem": None, "compacted": compacted}


def walk(env: Any, txn: Any, databases: Iterable[str], past: Iterable[str], wanted: dict[str, Any]) -> None:
    """Read every value. Unsound when one is damaged, or when they are not those of their database's last commit."""
    meta = env.open_db(b"meta", txn=txn, create=False)
    found = _value(b"format", txn.get(b"format", db=meta))
    if found != wanted:
        raise Unsound(f"it is of format {found}, not {wanted}")
    for database in databases:
        records = env.open_db(database.encode(), txn=txn, create=False)
        log = env.open_db(f"{database}.log".encode(), txn=txn, create=False)
        raw = txn.get(database.encode(), db=meta)
        state = _value(database.encode(), raw) if raw is not None else dict.fromkeys(_STATE, 0)
        count, seal = _sum(txn.cursor(db=records), state["count"])
        if (count, seal % 2**64) != (state["count"], state["seal"]):
            raise Unsound(f"the records of {database} are not those of one commit")
        _check_log(database, txn.cursor(db=log), state)
    for database in past:
        for key, value in _entries(txn.cursor(db=env.open_db(f"{database}.past".encode(), txn=txn, create=False))):
            _verified(key, value)


_STATE = ("sequence", "changed", "count", "seal", "log_from", "log_bytes")


def _sum(cursor: Any, at_most: int) -> tuple[int, int]:
    count = seal = 0
    for key, raw in _entries(cursor):
        seal += _verified(key, raw)
        count += 1
        if count > at_most:
            break
    return count, seal


def _check_log(database: str, cursor: Any, state: dict[str, int]) -> None:
    size, sequence = 0, state["log_from"]
    for key, raw in _entries(cursor):
        sequence += 1
        _verified(key, raw)
        size += len(raw)
        if key != sequence.to_bytes(8, "big") or sequence > state["sequence"]:
            raise Unsound(f"the log of {database} has a gap")
    if (sequence, size) != (state["sequence"], state["log_bytes"]):
        raise Unsound(f"the log of {database} is not that of its last commit")


def _entries(cursor: Any) -> Iterator[tuple[bytes, Any]]:
    last = b""
    for raw, value in cursor.iternext(keys=True, values=True):
        key = bytes(raw)
        if key <= last:
            raise Unsound("its keys are out of order")
        last = key
        yield key, value


def _verified(key: bytes, raw: Any) -> int:
    if len(raw) < _FRAME.size:
        raise Unsound(f"value {key!r} is too short")
    checksum: int = _FRAME.unpack_from(raw)[1]
    if checksum != crc32(raw[8:], crc32(raw[:4], crc32(key))):
        raise Unsound(f"value {key!r} does not agree with its checksum")
    return checksum


def _value(key: bytes, raw: Any) -> Any:
    if raw is None:
        raise Unsound(f"it has no {key.decode()} record")
    _verified(key, raw)
    return json.loads(bytes(raw[8 : 8 + _FRAME.unpack_from(raw)[0]]))


def _copy(env: Any, target: Path, error: type[Any]) -> bool:
    try:
        copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        env.copyfd(copy, compact=True)
    except error as failed:
        target.unlink(missing_ok=True)
        if failed.code in _NOT_THE_FILE:
            return False
        raise
    finally:
        os.close(copy)
    return True


if __name__ == "__main__":
    json.dump(main(sys.argv[1]), sys.stdout)
