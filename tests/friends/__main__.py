"""`make friends`: the tests with the programs of others, after these are built, in a network of their own.

    python -m tests.friends [PYTEST ARGUMENTS]

The exit code is pytest's; 2 when the machine cannot run them.
"""

import os
import shutil
import sys

from tests.e2e.cluster.binaries import LIGHT, BinariesError
from tests.e2e.cluster.binaries import ensure as ensure_kubernetes
from tests.e2e.cluster.toolchain import ToolchainError
from tests.friends import network
from tests.friends.programs import main as build
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
    if failed := build([]):
        return failed
    network.become([sys.executable, "-m", "pytest", "-m", "friends", "tests/friends", *arguments])
    raise AssertionError("it was replaced")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
