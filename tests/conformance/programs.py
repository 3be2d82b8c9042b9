"""Gateway API's conformance suite and the server that it asks, built from their Go modules into the cache: once.

    python -m tests.conformance.programs [PID]      builds what is absent, when this process has ended

The suite is one test binary, with all manifests in it. It wants a newer Go than Kubernetes does.
"""

import contextlib
import fcntl
import hashlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.cluster.binaries import cache
from tests.e2e.cluster.toolchain import Release, ToolchainError, go_command

MODULE = Path(__file__).parent / "suite"
GO = Release(
    "1.27.3",
    (1, 27, 0),  # of the `go` line in go.mod
    {
        "amd64": "af4c06478303fdd1bfb335fab86c7ccb9b12e529044a946a16a1c4bcc779f8d7",
        "arm64": "0ec0774cad42ecf4df82691146ee0b10c303ea594f163acb1737baedd5cc2835",
    },
)
_ECHO = "sigs.k8s.io/gateway-api-conformance-images/echo-basic"
_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags", "-s -w")
_COMMANDS = {
    "echo-basic": ("build", *_FLAGS, "-o", "{place}", _ECHO),
    "conformance": ("test", "-c", "-vet=off", *_FLAGS, "-o", "{place}", "."),
}


class BuildError(RuntimeError):
    """A program could not be built; the message is the compiler's."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where they are."""

    suite: Path
    echo: Path


def ensure(say: Callable[[str], None]) -> Programs:
    """Build what is absent. BuildError, or ToolchainError where there is no Go."""
    folder = cache() / f"conformance-{_key()}"
    folder.mkdir(parents=True, exist_ok=True)
    places = {name: folder / name for name in _COMMANDS}
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        absent = [name for name, place in places.items() if not place.exists()]
        if absent:
            go, environ = go_command(cache(), say, GO)
            say("building the conformance suite: some 6 minutes on 2 cores, once")
            for name in absent:
                _build(go, {**os.environ, **environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}, places[name], say)
    return Programs(places["conformance"], places["echo-basic"])


def _key() -> str:
    made_from = hashlib.sha256(repr((GO.version, sorted(_COMMANDS.items()))).encode())
    for path in sorted(MODULE.iterdir()):
        made_from.update(repr((path.name, path.read_bytes())).encode())
    return made_from.hexdigest()[:16]


def _build(go: Path, environ: dict[str, str], place: Path, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".building-", dir=place.parent) as work:
        made = Path(work, place.name)
        command = [str(go), *(each.format(place=made) for each in _COMMANDS[place.name])]
        done = subprocess.run(command, cwd=MODULE, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"{place.name} could not be built:\n{done.stderr[-2000:]}")
        made.rename(place)
    say(f"built {place.name} in {time.monotonic() - began:.0f} s")


def _wait_for_end(pid: int) -> None:
    """Until a process has ended, whoever has started it."""
    with contextlib.suppress(ProcessLookupError):
        ends = os.pidfd_open(pid)
        select.select([ends], [], [])
        os.close(ends)


if __name__ == "__main__":
    for other in sys.argv[1:]:
        _wait_for_end(int(other))
    try:
        ensure(lambda line: print(line, file=sys.stderr, flush=True))
    except (BuildError, ToolchainError) as error:
        sys.exit(str(error))
