"""`make friends`: tests with the programs of others, after what they need is built, in a network of their own.

    python -m tests.friends [PYTEST ARGUMENTS]

The exit code is pytest's; 2 when the machine cannot run them. Tests of a program that cannot be built fail, with the
reason; the others run.
"""

import json
import os
import shutil
import sys

from tests.e2e.cluster.binaries import LIGHT, BinariesError
from tests.e2e.cluster.binaries import ensure as ensure_kubernetes
from tests.e2e.cluster.toolchain import ToolchainError
from tests.friends import network
from tests.friends.chosen import TESTS, needed
from tests.friends.programs import UNBUILT, build_all
from tests.support.gateway_crds import release


def main(arguments: list[str]) -> int:
    """Build, and become pytest."""
    if lacking := [each for each in network.PROGRAMS if shutil.which(each) is None]:
        print(f"friends: missing from the system: {', '.join(lacking)}")
        return 2
    if os.geteuid() != 0:
        print("friends: only root can make a network")
        return 2
    try:
        ensure_kubernetes(LIGHT, print)
        release()
    except (BinariesError, ToolchainError) as error:
        print(f"friends: {error}")
        return 2
    failed = build_all(needed(arguments), lambda line: print(line, flush=True))
    network.become([sys.executable, "-m", "pytest", *TESTS, *arguments], **{UNBUILT: json.dumps(failed)})
    raise AssertionError("it was replaced")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
