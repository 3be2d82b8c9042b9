"""What a machine must have to run a whole node."""

import os
import shutil
from pathlib import Path

from tests.e2e.cluster.constants import CNI_FOLDERS

PROGRAMS = ("nsenter", "unshare", "setpriv", "findmnt", "ip", "nft", "runc")

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def missing() -> str:
    """What is missing here, in a sentence; nothing when nothing is."""
    lacking = [program for program in PROGRAMS if shutil.which(program, path=_PATH) is None]
    if not any(Path(place, "bridge").exists() for place in CNI_FOLDERS):
        lacking.append("the CNI plugins")
    if lacking:
        return f"missing from the system: {', '.join(lacking)} (scripts/install-system installs them)"
    if os.geteuid() != 0:
        return "only root can run a Kubernetes node"
    return ""
