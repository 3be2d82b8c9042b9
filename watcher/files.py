"""The bytes of a file of a folder, and why there are none: a pipe, a link that leads outside, no right to read."""

import os
import stat
import time
from dataclasses import dataclass
from typing import Final

from watcher.tree import UNKNOWN, Identity, OutsideError, identity_at, identity_of, opened, resolve

GRAIN: Final = 100_000_000
"""Nanoseconds: a file read so soon after its last write may be written again without its time changing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's bytes; None when it is missing, or cannot be read for a `reason`."""

    path: str
    data: bytes | None = None
    identity: Identity | None = None
    reason: str | None = None
    settled: bool = False
    """Whether its identity can be trusted to change with the next write."""


def read_file(path: str, root: str, most: int) -> Reading:
    """The bytes of a root's file as they are now, one more than `most` if there are more."""
    try:
        if said := _unlike_a_file(os.stat(resolve(path, root)).st_mode):  # noqa: PTH116 -- not even opened
            return Reading(path, identity=identity_at(path, root), reason=said, settled=True)
        with opened(path, root) as descriptor, open(descriptor, "rb", closefd=False) as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return Reading(path)
            data = file.read(min(found.st_size, most) + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Reading(path)
    except OutsideError as error:
        return Reading(path, identity=_identity_at(path, root), reason=str(error), settled=True)
    except OSError as error:
        reason = f"it cannot be read: {error.strerror}"
        return Reading(path, identity=_identity_at(path, root), reason=reason, settled=True)
    settled = abs(time.time_ns() - found.st_ctime_ns) > GRAIN
    return Reading(path, data, identity_of(found), settled=settled)


def _unlike_a_file(mode: int) -> str | None:
    """What it is, if it is neither a file nor a folder."""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return f"it is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a file"


def _identity_at(path: str, root: str) -> Identity:
    try:
        return identity_at(path, root)
    except OSError:
        return UNKNOWN
