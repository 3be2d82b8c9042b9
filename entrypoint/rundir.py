"""The run directory: a folder of mode 0700 on a memory filesystem, for the snapshot, the sockets and the log pipes.

The image names it (DRAGOMAN_RUN_DIR), so that a pod can mount memory there; otherwise each start makes one of its own
and removes it at the end. What cannot remove its own, an entrypoint killed with SIGKILL, leaves a folder whose lock
nobody holds: the next start removes it.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PREFIX = "dragoman-"

FALLBACK = "fallback-certificate.yaml"
LOCK = "entrypoint.lock"
FOLDERS = ("beats", "bells", "generated", "logs", "tmp")
SNAPSHOT = "snapshot"
_LONGEST_PATH = 107
"""Bytes of a unix socket's path: sun_path has 108 with the closing zero (unix(7))."""
_LONGEST_NAME = len("/bells/diagnostics.4194304.sock")
"""The longest socket name that a process makes in the directory: a doorbell with the greatest process id."""


class RunDirectoryError(Exception):
    """The run directory cannot be made or used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A prepared run directory and its lock. `ours`: made by this process, hence removed at the end."""

    path: Path
    ours: bool
    lock: int

    @classmethod
    def prepare(cls, wanted: Path | None) -> Self:
        """Take the directory `wanted`, which is made when absent, or make a new one; RunDirectoryError says why not."""
        if wanted is None:
            return cls._fresh()
        made = not wanted.exists()
        try:
            wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = take_lock(wanted)
        except OSError as error:
            raise RunDirectoryError(f"the run directory {wanted} cannot be used: {error.strerror}") from error
        if lock is None:
            raise RunDirectoryError(f"the run directory {wanted} is in use by another dragoman")
        return cls(_short_enough(wanted.resolve()), made, lock)

    @classmethod
    def _fresh(cls) -> Self:
        problems = []
        for parent in (Path("/dev/shm"), Path(tempfile.gettempdir())):  # noqa: S108 -- a new folder in it
            remove_left(parent)
            try:
                path = _short_enough(Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)))
                lock = take_lock(path)
            except OSError as error:
                problems.append(f"{parent}: {error.strerror}")
                continue
            if lock is not None:
                return cls(path, ours=True, lock=lock)
        raise RunDirectoryError(f"no run directory can be made ({'; '.join(problems)}): name one in DRAGOMAN_RUN_DIR")

    def furnish(self) -> None:
        """Make the folders that the parts expect in it; links there are of a life before (`entrypoint.upkeep`)."""
        for folder in (self.path, *(self.path / name for name in FOLDERS)):
            folder.mkdir(mode=0o700, exist_ok=True)
            for entry in folder.iterdir():
                if entry.is_symlink():
                    entry.unlink()

    def remove(self) -> None:
        """Remove the directory if it is ours; else all in it but the snapshot, for the next start."""
        if self.ours:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            for left in self.path.iterdir() if self.path.is_dir() else ():
                if left.is_dir() and not left.is_symlink():
                    if left.name != SNAPSHOT:
                        shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)
        os.close(self.lock)


def environment(run_dir: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the parts: `environ`, with a home and a place for temporary files that can be written.

    A user id without an entry in /etc/passwd has no home, and a read-only root has no /tmp.
    """
    return {**environ, "DRAGOMAN_RUN_DIR": str(run_dir), "HOME": str(run_dir), "TMPDIR": str(run_dir / "tmp")}


def remove_left(parent: Path) -> list[Path]:
    """Remove the run directories in `parent` that an ended process of this user left; which ones."""
    left = []
    for path in parent.glob(PREFIX + "*"):
        try:
            if path.stat().st_uid != os.geteuid() or not (path / LOCK).exists():
                continue
            lock = take_lock(path)
        except OSError:
            continue
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
            left.append(path)
    return left


def take_lock(path: Path) -> int | None:
    """Hold the directory's lock while this process lives: its file descriptor, or None when another holds it."""
    lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if not (path / LOCK).exists():  # removed as left over between our making and our locking it
        os.close(lock)
        raise OSError(errno.ENOENT, "it was removed meanwhile", str(path))
    return lock


def _short_enough(path: Path) -> Path:
    if len(os.fsencode(path)) + _LONGEST_NAME > _LONGEST_PATH:
        raise RunDirectoryError(
            f"the run directory {path} has a path too long for unix sockets: "
            f"{_LONGEST_PATH - _LONGEST_NAME} bytes at most"
        )
    return path
