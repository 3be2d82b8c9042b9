"""As a strict cluster runs it: a read-only root, a user without a name, no capability, output that it does not own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RequiresProgram
from tests.entrypoint.house import ROOT, House, house, left
from tests.support.envoy import EnvoyAdmin, wait_until

pytestmark = [pytest.mark.system, pytest.mark.envoy]

USER = 54321
STRICT = f"""
set -e
# This machine's Python may be in a home that others may not enter: an open folder takes its place.
if [ -n "$CLOSED" ]; then
  mount --bind "$BASE" /mnt
  mount -t tmpfs -o mode=755 none "$CLOSED"
  mkdir -p "$BASE"
  mount --move /mnt "$BASE"
fi
mount -t tmpfs -o mode=1777 none /dev/shm
mount --bind "$DRAGOMAN_TEST_FOLDER" "$DRAGOMAN_TEST_FOLDER"  # stays writable: what the stand-ins tell the test
mount -o remount,bind,ro /
exec setpriv --reuid {USER} --regid {USER} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
"""

ASK = """
from pathlib import Path
from entrypoint.unixhttp import ask
print(ask(Path("/dev/shm/dragoman/admin.sock"), "GET", "/ready")[1], end="")
"""


@pytest.fixture
def strict(requires_program: RequiresProgram) -> Iterator[House]:
    requires_program("unshare", "setpriv", "mount", as_root=True)
    base = Path(sys.base_prefix)
    closed = next((str(folder) for folder in reversed(base.parents) if not folder.stat().st_mode & 0o001), "")
    parts = {"anna": "live", "envoy": f"{sys.executable} -P -m entrypoint.envoy"}
    with house(
        parts,
        within=["unshare", "--mount", "--propagation", "private", "sh", "-c", STRICT, "sh"],
        DRAGOMAN_RUN_DIR="/dev/shm/dragoman",
        HOME="/nowhere",
        TMPDIR="",
        ENVOY_CONCURRENCY="1",
        CLOSED=closed,
        BASE=str(base),
    ) as running:
        running.folder.chmod(0o777)
        yield running


def test_it_lives_and_ends_there(strict: House) -> None:
    pid = strict.new_pid("anna")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert status["Uid"].split() == [str(USER)] * 4
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    assert [mount[5].split(",")[0] for mount in mounts if mount[4] == "/"] == ["ro"]
    memory = Path("/proc", str(pid), "root", "dev", "shm")
    EnvoyAdmin(memory / "dragoman/admin.sock").wait_admin()
    assert [path.name for path in memory.iterdir()] == ["dragoman"]

    root = os.open(memory, os.O_RDONLY)  # keeps the mount in sight when its processes have ended
    try:
        assert strict.end() == 0
        wait_until(lambda: not left(strict.mark), what="its processes end")
        assert os.listdir(root) == []  # noqa: PTH208 -- there is no path to it any more
    finally:
        os.close(root)


def test_what_is_lost_is_put_back_there_too(strict: House) -> None:
    """Rights count there, as they do not for root, and links to handles have to be followed without a capability."""
    folder = Path("/proc", str(strict.new_pid("anna")), "root", "dev", "shm", "dragoman")
    admin = EnvoyAdmin(folder / "admin.sock")
    admin.wait_admin()
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0)
    wait_until(lambda: folder.stat().st_mode & 0o700 == 0o700, what="the rights of the run directory")
    wait_until(lambda: all(path.lstat().st_mode & 0o600 for path in folder.rglob("*")), what="all others' rights")
    lost = ("admin.sock", "supervisor.sock", "logs/envoy.err", "beats/watcher")
    for name in lost:
        (folder / name).unlink()
    wait_until(lambda: all(os.path.lexists(folder / name) for name in lost), what="all is put back")
    assert answer_of_envoy(strict) == "PRE_INITIALIZING\n"
    anna = strict.new_pid("anna")
    os.kill(anna, signal.SIGKILL)
    strict.new_pid("anna", but=anna)
    stopped = strict.new_pid("anna", but=anna)
    os.kill(stopped, signal.SIGSTOP)
    strict.new_pid("anna", but=stopped)
    assert strict.end() == 0


def answer_of_envoy(strict: House) -> str:
    """What Envoy's admin interface answers the user that the gateway has, where it runs."""
    run = ["nsenter", "--mount", "--target", str(strict.new_pid("anna"))]
    run += ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups"]
    run += ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", sys.executable, "-S", "-c", ASK]
    return subprocess.run(run, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True).stdout
