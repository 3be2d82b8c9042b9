"""supervisord as a child: started, read, woken and asked. What it says comes out as events (`entrypoint.keeping`).

It looks at its children once a second. To be asked anything, or only connected to, wakes it: so the entrypoint watches
the parts' processes itself (a pidfd each, which costs nothing while they live), and when one ends it keeps waking
supervisord until the part is there again. A killed part is back in the time that its own start takes.
"""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import time
import xmlrpc.client
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from entrypoint.forked import Files, Part, begin
from entrypoint.keeping import Ended, Event, GivenUp, Said, Started, Stopped, read
from entrypoint.relay import Lines
from entrypoint.unixhttp import UnixTransport

CONF = Path(__file__).with_name("supervisord.conf")

_WAKE_EACH = 0.01
_TICK_EACH = 0.05
_WAKE_FOR = 3.0
"""Seconds after which a part that did not come back is left to supervisord's own pace."""
_FIRST, _TICK, _END = "the first start", "a kernel without pidfd", "the end"
_CHUNK = 1 << 16
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each try to have a part started."""


@dataclass(slots=True)
class _Child:
    pid: int
    code: int | None = None
    """How it ended, once it has."""


class Supervision:
    """One supervisord. `hear` gets its events, in the running event loop; `over` is set when it has ended."""

    def __init__(self, conf: Path, run_dir: Path, hear: Callable[[Event], None]) -> None:
        self._conf = conf
        self._socket = run_dir / "supervisor.sock"
        self._hear = hear
        self._lines = Lines()
        self._awaited: dict[str, float] = {}
        self._waking: asyncio.Task[None] | None = None
        self._watched: dict[str, int] = {}
        self.pids: dict[str, int] = {}
        """The process of each part that has one."""
        self._child: _Child | None = None
        self._pipe = -1
        self.over = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id of supervisord while it runs."""
        return self._child.pid if self._child and self._child.code is None else None

    def start(self, environment: Mapping[str, str], pipes: Collection[int] = ()) -> None:
        """Start it, as a fork, before this process has a second thread.

        `pipes`: the pipes that it writes to. It holds their reading ends too: were the entrypoint killed, it could
        not end the parts in order if each line that it writes were an error.
        """
        self._pipe, written = os.pipe()
        part = Part("entrypoint.supervisord", ("--nodaemon", "--configuration", str(self._conf)))
        self._child = _Child(begin(part, environment, Files(output=written, kept=(self._pipe, *pipes))))
        os.close(written)
        os.set_blocking(self._pipe, False)
        asyncio.get_running_loop().add_reader(self._pipe, self._read)
        self._await(_FIRST)

    def ended(self, code: int) -> None:
        """Take note that it has ended, which only who reaps all children can see; a second time is nothing."""
        if self._child is None or self._child.code is not None:
            return
        self._child.code = code
        self.over.set()
        self._read()
        asyncio.get_running_loop().remove_reader(self._pipe)
        os.close(self._pipe)
        self.pids.clear()
        for part in list(self._watched):
            self._unwatch(part)
        if self._waking is not None:
            self._waking.cancel()

    def stop(self) -> None:
        """Ask it to stop the parts, one after the other, and to end; wake it until it has."""
        self._signal(signal.SIGTERM)
        self._await(_END, float("inf"))

    def kill(self) -> None:
        """End it at once; its children become ours."""
        self._signal(signal.SIGKILL)

    def let_go_on(self) -> None:
        """Wake it from being stopped."""
        self._signal(signal.SIGCONT)

    def open_logs_anew(self) -> None:
        """Let it open the parts' pipes by their names again."""
        self._signal(signal.SIGUSR2)

    def kill_part(self, part: str, pid: int) -> None:
        """End a part's process at once, if it still has this one; nothing less ends one that is stopped."""
        if self.pids.get(part) == pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # it is supervisord's child: no other has its number before that reaps it

    async def start_again(self, part: str) -> bool:
        """Start a part that supervisord lets wait or has given up; nothing if it is running. Whether it was heard.

        supervisord may not hear it: its socket may be lost, and is made again in a moment. Nobody else would start it.
        """
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            if await asyncio.to_thread(self._start_again, part):
                return True
        return False

    async def stop_one(self, part: str) -> None:
        """Stop a part, and start it no more unless it is asked for."""
        await asyncio.to_thread(self._stop_one, part)

    def _stop_one(self, part: str) -> None:
        with (
            # A fault: it does not run, which is what is wanted. No connection: supervisord is ending.
            contextlib.suppress(xmlrpc.client.Fault, OSError, http.client.HTTPException),
            xmlrpc.client.ServerProxy("http://localhost", transport=UnixTransport(self._socket)) as proxy,
        ):
            cast("Any", proxy).supervisor.stopProcess(part, False)

    def _start_again(self, part: str) -> bool:
        """Whether supervisord has heard it; cut off between stopping and starting, it is to be said again."""
        with xmlrpc.client.ServerProxy("http://localhost", transport=UnixTransport(self._socket)) as proxy:
            ask = cast("Any", proxy).supervisor
            try:
                if ask.getProcessInfo(part)["statename"] == "BACKOFF":
                    ask.stopProcess(part, False)
                ask.startProcess(part, False)
            except (OSError, http.client.HTTPException):
                return False
            except xmlrpc.client.Fault:
                pass  # it has been started, or cannot be, which supervisord tells
            return True

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._pipe, _CHUNK):
                for line in self._lines.feed(chunk).decode(errors="replace").split("\n")[:-1]:
                    self._take(read(line))

    def _take(self, event: Event) -> None:
        match event:
            case Started(part, pid):
                self._awaited.pop(_FIRST, None)
                self._awaited.pop(part, None)
                self.pids[part] = pid
                self._watch(part, pid)
            case Ended(part):
                self._forget(part)
                self._await(part)
            case Stopped(part) | GivenUp(part):
                self._forget(part)
                self._awaited.pop(part, None)
            case Said():
                pass
        self._hear(event)

    def _watch(self, part: str, pid: int) -> None:
        """Be told when the process ends. Where the kernel cannot tell, wake supervisord all the time."""
        self._unwatch(part)
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._await(part)
        except OSError:
            self._await(_TICK, float("inf"))
        else:
            self._watched[part] = descriptor
            asyncio.get_running_loop().add_reader(descriptor, self._died, part)

    def _died(self, part: str) -> None:
        self._forget(part)
        self._await(part)

    def _forget(self, part: str) -> None:
        self.pids.pop(part, None)
        self._unwatch(part)

    def _unwatch(self, part: str) -> None:
        descriptor = self._watched.pop(part, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def _await(self, what: str, seconds: float = _WAKE_FOR) -> None:
        self._awaited[what] = time.monotonic() + seconds
        if self._waking is None or self._waking.done():
            self._waking = asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        """Connect to supervisord again and again while anything is awaited of it."""
        while self._awaited:
            now = time.monotonic()
            self._awaited = {what: until for what, until in self._awaited.items() if until > now}
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as knock:
                knock.connect_ex(str(self._socket))
            await asyncio.sleep(_TICK_EACH if self._awaited.keys() == {_TICK} else _WAKE_EACH)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
