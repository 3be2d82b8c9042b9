"""Gateway API's conformance suite and the server that it asks, built from their Go modules into the cache: once.

    python -m tests.conformance.programs [PID]      builds what is absent, when this process has ended

The suite is one test binary, with all manifests in it. It wants a newer Go than Kubernetes does.
"""

import contextlib
import os
import select
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.cluster.toolchain import Release, ToolchainError
from tests.support.gobuild import BuildError, GoModule, build, build_test
from tests.support.gobuild import ensure as ensure_built

GO = Release(
    "1.27.3",
    (1, 27, 0),  # of the `go` line in go.mod
    {
        "amd64": "af4c06478303fdd1bfb335fab86c7ccb9b12e529044a946a16a1c4bcc779f8d7",
        "arm64": "0ec0774cad42ecf4df82691146ee0b10c303ea594f163acb1737baedd5cc2835",
    },
)
_SUITE = GoModule(
    "conformance",
    Path(__file__).parent / "suite",
    GO,
    {
        "echo-basic": build("sigs.k8s.io/gateway-api-conformance-images/echo-basic"),
        "conformance": build_test("."),
    },
    "the conformance suite: some 6 minutes on 2 cores",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """Where they are."""

    suite: Path
    echo: Path


def ensure(say: Callable[[str], None]) -> Programs:
    """Build what is absent. BuildError, or ToolchainError where there is no Go."""
    folder = ensure_built(_SUITE, say)
    return Programs(folder / "conformance", folder / "echo-basic")


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
