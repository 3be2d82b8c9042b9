"""The parts' output: from their pipes to the container's stdout and stderr, in whole lines, never waiting for a reader.

supervisord writes what a part says into a named pipe for each part and stream. Were the way from there to the terminal
blocked (a stopped pager, a slow log driver), the pipes would fill, and at last Envoy would stand still in the middle of
a log line. So a thread does the writing, and what it cannot write in time is dropped, and counted.

Our own lines are made fit in `process.logs`. What Envoy, a library or a crash writes is made fit here: a line has a
length at most, and what cannot be printed is escaped, since it may be somebody's text.
"""

import asyncio
import contextlib
import fcntl
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson

from process.text import escaped

STREAMS = {"out": 1, "err": 2}
"""The ends of the pipes' names, and the file descriptors that they go to."""

_CHUNK = 1 << 16
_PIPE = 1 << 20
_JSON = orjson.OPT_UTC_Z
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n\t"
"""The bytes that mean nothing but themselves, whoever shows them."""
_CUT = b"... (cut)\n"
LONGEST = 1 << 15
"""Bytes of a line on stderr."""
_QUEUE = 8 << 20
"""Bytes that may wait for a reader before lines are dropped."""


class Outlet:
    """Writes to a file descriptor from a thread of its own. It is also a text stream, for our own logs."""

    def __init__(self, descriptor: int, limit: int = _QUEUE) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._run, name=f"outlet-{descriptor}", daemon=True)

    def start(self) -> None:
        """Begin to write. Until then lines wait, and this process has no thread, so that it can fork."""
        self._thread.start()

    def put(self, lines: bytes) -> None:
        """Queue whole lines; they are dropped when too much is waiting already."""
        with self._changed:
            if self._size + len(lines) > self._limit:
                self._dropped += lines.count(b"\n")
                return
            if self._dropped:
                lost, self._dropped = f"({self._dropped} lines dropped: the reader is too slow)\n", 0
                lines = lost.encode() + lines
            self._waiting.append(lines)
            self._size += len(lines)
            self._changed.notify_all()

    def write(self, text: str) -> int:
        """`put`, for a logger."""
        self.put(text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self, patience: float) -> None:
        """Wait at most `patience` s until all is written."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._thread.join(patience)

    def _run(self) -> None:
        while lines := self._next():
            try:
                while lines:
                    lines = lines[os.write(self._descriptor, lines) :]
            except OSError:  # nobody reads any more: the gateway serves on without being heard
                continue

    def _next(self) -> bytes:
        with self._changed:
            while not self._waiting and self._open:
                self._changed.wait()
            lines = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            return lines


class Lines:
    """Puts the chunks that a pipe gives together to whole lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._skips = False

    def feed(self, chunk: bytes) -> bytes:
        """The whole lines that end in this chunk.

        Of a line longer than a pipe the beginning counts: what follows would pass for a line of its own.
        """
        if self._skips:
            _, newline, chunk = chunk.partition(b"\n")
            self._skips = not newline
        whole, newline, self._rest = (self._rest + chunk).rpartition(b"\n")
        if len(self._rest) >= _CHUNK:
            cut, self._rest, self._skips = self._rest[:_CHUNK], b"", True
            return whole + newline + cut + _CUT
        return whole + newline


def shown(lines: bytes, most: int | None = None) -> bytes:
    """Whole lines, with what cannot be printed escaped; those with more than `most` bytes cut."""
    is_plain = not lines.translate(None, _PLAIN)
    if is_plain and (most is None or len(lines) <= most):
        return lines
    return b"".join([_shown(line, most) for line in lines.split(b"\n")[:-1]])


def _shown(line: bytes, most: int | None) -> bytes:
    end = b"\n" if most is None or len(line) <= most else _CUT
    text = line[:most].decode(errors="replace")
    return "\t".join(map(escaped, text.split("\t"))).encode() + end


def as_json(part: str, lines: bytes) -> bytes:
    """Lines that are all JSON objects: plain text, of a library or a crash, becomes an event of the part."""
    now = datetime.now(UTC)
    return b"".join(
        [
            line if _is_object(line) else orjson.dumps(_event(now, part, line), option=_JSON) + b"\n"
            for line in lines.splitlines(keepends=True)
        ]
    )


def _is_object(line: bytes) -> bool:
    """Whether a line is a JSON object; one that only begins like one may have been cut."""
    try:
        return line.startswith(b"{") and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _event(now: datetime, part: str, line: bytes) -> dict[str, object]:
    return {"time": now, "level": "warning", "part": part, "event": line.decode(errors="replace").rstrip("\n")}


class Relay:
    """Carries what the parts say to the outlets, and remembers what each said last on stderr.

    `json_logs`: stderr is to hold nothing but JSON objects.
    """

    def __init__(self, folder: Path, outlets: Mapping[int, Outlet], *, json_logs: bool = False) -> None:
        self._folder = folder
        self._outlets = outlets
        self._json_logs = json_logs
        self._last: dict[str, bytes] = {}
        self._carriers: dict[int, Callable[[], bool]] = {}
        self.pipes: dict[Path, int] = {}
        """The descriptors of the pipes, each open for reading and writing."""

    def open(self, parts: list[str]) -> None:
        """Make the pipes of `parts` and listen to them in the running event loop."""
        for part in parts:
            for ending, descriptor in STREAMS.items():
                remembered = part if ending == "err" else ""
                path = self._folder / f"{part}.{ending}"
                self.pipes[path] = _named_pipe(path)
                self._listen(self.pipes[path], remembered, self._outlets[descriptor])

    def last_line(self, part: str) -> str:
        """What `part` wrote last on stderr; empty if it wrote nothing."""
        self._carry_all()  # it may still be on its way
        lines = self._last.get(part, b"").rstrip(b"\n").splitlines()
        return lines[-1].decode(errors="replace") if lines else ""

    def close(self) -> None:
        """Carry what is left in the pipes, and close them."""
        loop = asyncio.get_running_loop()
        self._carry_all()
        for pipe in self._carriers:
            loop.remove_reader(pipe)
            os.close(pipe)
        self._carriers.clear()

    def _carry_all(self) -> None:
        for carry in self._carriers.values():
            while carry():
                pass

    def _listen(self, pipe: int, remembered: str, outlet: Outlet) -> None:
        lines = Lines()

        def carry() -> bool:
            try:
                chunk = os.read(pipe, _CHUNK)
            except BlockingIOError:
                return False
            if whole := shown(lines.feed(chunk), LONGEST if remembered else None):
                outlet.put(as_json(remembered, whole) if remembered and self._json_logs else whole)
                if remembered:
                    self._last[remembered] = whole
            return True

        self._carriers[pipe] = carry
        asyncio.get_running_loop().add_reader(pipe, carry)


def _named_pipe(path: Path) -> int:
    """A named pipe, open at both ends: so that opening it never waits, and it never ends when its writers do."""
    if not (path.exists() and stat.S_ISFIFO(path.stat().st_mode)):
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # the kernel grants each user only so much
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
    return pipe
