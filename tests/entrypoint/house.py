"""The entrypoint as a process, over parts of a test's choice: our supervisord configuration with other commands."""

import configparser
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrypoint.supervision import CONF
from tests.support.envoy import short_folder, wait_until
from tests.support.ports import unused_ports

STANDIN = Path(__file__).with_name("standin.py")
BEGIN = """
import os, pathlib, sys
import entrypoint.life
from entrypoint.start import begin
entrypoint.life.REST = float(os.environ.get("DRAGOMAN_TEST_REST", entrypoint.life.REST))
sys.exit(begin(os.environ, conf=pathlib.Path(sys.argv[1])))
"""
ROOT = CONF.parent.parent
MARK = "DRAGOMAN_TEST_MARK"


def conf_of(folder: Path, behaviours: Mapping[str, str]) -> Path:
    """Our supervisord configuration with a stand-in for each part; a behaviour with a slash is a command."""
    real = configparser.RawConfigParser()
    real.read(CONF)
    made = configparser.RawConfigParser()
    for section in real.sections():
        if not section.startswith("program:"):
            made[section] = real[section]
    for part, behaviour in behaviours.items():
        standin = shlex.join([sys.executable, "-S", str(STANDIN), part, behaviour])
        made[f"program:{part}"] = {
            option: value.replace("envoy.", f"{part}.") for option, value in real["program:envoy"].items()
        } | {"command": behaviour if "/" in behaviour else standin}
    path = folder / "supervisord.conf"
    with path.open("w") as file:
        made.write(file)
    return path


@dataclass(frozen=True, slots=True)
class House:
    """A running entrypoint. `folder` holds its run directory and what the stand-ins tell; its processes have `mark`."""

    process: subprocess.Popen[bytes]
    folder: Path
    mark: str

    @property
    def log(self) -> str:
        """What it wrote so far to stderr."""
        return (self.folder / "err").read_text(errors="replace")

    @property
    def out(self) -> str:
        """What it wrote so far to stdout."""
        return (self.folder / "out").read_text(errors="replace")

    def pids(self, part: str) -> list[int]:
        """The processes that the part has had, oldest first."""
        try:
            return [int(line) for line in (self.folder / f"{part}.pids").read_text().split()]
        except FileNotFoundError:
            return []

    def new_pid(self, part: str, but: int = 0) -> int:
        """Wait until the part's last process is another than `but`."""
        return wait_until(lambda: next((pid for pid in self.pids(part)[-1:] if pid != but), 0), what=f"{part} starts")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.code()

    def code(self) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(60)

    def supervisord(self) -> int:
        """The process id of its supervisord."""
        return next(pid for pid, command in left(self.mark).items() if "entrypoint.supervisord" in command)


@contextlib.contextmanager
def house(
    behaviours: Mapping[str, str], *, within: Sequence[str] = (), output: int | None = None, **environment: str
) -> Iterator[House]:
    """Start it; at the end it is gone with all its processes, whatever the test did.

    `within`: a command that becomes the entrypoint. `output`: a descriptor to write to, in place of the files that
    `House.log` and `House.out` read.
    """
    folder = short_folder()
    mark = uuid.uuid4().hex
    environ = {
        **os.environ,
        "DRAGOMAN_RUN_DIR": str(folder / "run"),
        "DRAGOMAN_DRAIN_MIN": "0",
        "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "127.0.0.1",
        "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(unused_ports(1)[0]),
        "PYTHONPATH": str(ROOT),
        "DRAGOMAN_TEST_FOLDER": str(folder),
        MARK: mark,
        **environment,
    }
    command = [*within, sys.executable, "-P", "-c", BEGIN, str(conf_of(folder, behaviours))]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(command, env=environ, stdout=output or out, stderr=output or err, cwd="/")
    try:
        yield House(process, folder, mark)
    finally:
        process.kill()
        process.wait()
        for pid in left(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not left(mark), what="the test's processes end")
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def left(mark: str) -> dict[int, str]:
    """The living processes that carry the mark in their environment, and their commands."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark.encode() in (process / "environ").read_bytes():
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(process.name)] = command
    return found
