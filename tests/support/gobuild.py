"""Programs of others, built from their Go modules into the cache: once, the folder is named by all that makes them.

A module of ours names the versions (go.mod, go.sum), and may hold a `main.go` where theirs cannot be had.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.cluster.binaries import cache
from tests.e2e.cluster.toolchain import Release, go_command

_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags", "-s -w")

Say = Callable[[str], None]


class BuildError(RuntimeError):
    """A program could not be built; the message is the compiler's."""


@dataclass(frozen=True, slots=True)
class GoModule:
    """A module of ours, and what is made of it.

    `commands`: what `go` is told for each program, with `{place}` for where it goes. `about`: said before the first
    build. `files`: of a module that it names, those of this pattern, which are kept beside the programs.
    """

    name: str
    folder: Path
    go: Release
    commands: Mapping[str, tuple[str, ...]]
    about: str
    files: Mapping[str, str] = field(default_factory=dict)


def build(package: str) -> tuple[str, ...]:
    """The command for a program of a package."""
    return ("build", *_FLAGS, "-o", "{place}", package)


def build_test(package: str) -> tuple[str, ...]:
    """The command for a package's tests as one program."""
    return ("test", "-c", "-vet=off", *_FLAGS, "-o", "{place}", package)


def ensure(module: GoModule, say: Say) -> Path:
    """The folder of its programs; what is absent is built. BuildError, or ToolchainError where there is no Go."""
    folder = cache() / f"{module.name}-{_key(module)}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        absent = [name for name in module.commands if not (folder / name).exists()]
        lacking = [name for name in module.files if not (folder / _leaf(name)).exists()]
        if absent or lacking:
            go, given = go_command(cache(), say, module.go)
            environ = {**os.environ, **given, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
            say(f"building {module.about}, once")
            for name in absent:
                _build(module, name, folder, (go, environ), say)
            for name in lacking:
                _keep_files(module, name, folder, (go, environ))
    return folder


def files(module: GoModule, folder: Path) -> list[Path]:
    """What was kept beside its programs."""
    return sorted(path for name in module.files for path in (folder / _leaf(name)).iterdir())


def _leaf(name: str) -> str:
    return f"files-{name.replace('/', '-')}"


def _key(module: GoModule) -> str:
    made_from = hashlib.sha256(repr((module.go.version, sorted(module.commands.items()))).encode())
    for path in sorted(module.folder.iterdir()):
        made_from.update(repr((path.name, path.read_bytes())).encode())
    if module.files:
        made_from.update(repr(sorted(module.files.items())).encode())
    return made_from.hexdigest()[:16]


def _build(module: GoModule, name: str, folder: Path, go: tuple[Path, Mapping[str, str]], say: Say) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as work:
        made = Path(work, name)
        _go(module, go, name, *(each.format(place=made) for each in module.commands[name]))
        made.rename(folder / name)
    say(f"built {name} in {time.monotonic() - began:.0f} s")


def _keep_files(module: GoModule, name: str, folder: Path, go: tuple[Path, Mapping[str, str]]) -> None:
    root = _go(module, go, name, "list", "-m", "-f", "{{.Dir}}", name).strip()
    with tempfile.TemporaryDirectory(prefix=".files-", dir=folder) as work:
        made = Path(work, "made")
        made.mkdir()
        for path in Path(root).glob(module.files[name]):
            shutil.copyfile(path, made / path.name)
        made.rename(folder / _leaf(name))


def _go(module: GoModule, go: tuple[Path, Mapping[str, str]], what: str, *arguments: str) -> str:
    program, environ = go
    done = subprocess.run(
        [str(program), *arguments], cwd=module.folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"{what} could not be built:\n{done.stderr[-2000:]}")
    return done.stdout
