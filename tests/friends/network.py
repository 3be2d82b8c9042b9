"""The network in which other programs are tried: a namespace with a loopback alone, whose addresses are all the tests'.

An ACME server asks for port 80, and the API server refuses pods with loopback addresses: here both do no harm.
"""

import os
from collections.abc import Sequence

PODS = "10.244.0.0/16"

_INSIDE = "DRAGOMAN_FRIENDS_NETWORK"
_BEGIN = f'ip link set lo up && ip route add local {PODS} dev lo && exec "$@"'

PROGRAMS = ("unshare", "ip", "setpriv")
"""What making it needs, and root."""


def become(command: Sequence[str], **environ: str) -> None:
    """Be this command, in a network of its own; `environ`: variables that it has beside ours."""
    inside = {**os.environ, **environ, _INSIDE: "1"}
    os.execvpe("unshare", ["unshare", "--net", "sh", "-c", _BEGIN, "sh", *command], inside)


def is_inside() -> bool:
    """Whether this process runs in one."""
    return os.environ.get(_INSIDE) == "1"
