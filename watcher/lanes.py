"""Who reads documents, so that nobody waits for a large file, and no file can end or hold up the watcher.

Two lanes, each with a reader process and a thread that waits for it: one for files whose documents are small, one for
the others. In a lane the smaller file is first, and a file is read in batches of a fraction of a second: a file that
just changed waits for one batch at most, and for files that are smaller. A reader that ends is started again, and the
document that it was reading is told. But what somebody stops or kills is no document's fault: another reader is asked
the same, once.
"""

import heapq
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from process import logs
from watcher.frames import LENGTH, found_of, message_of
from watcher.parsing import BATCH, Batch, Parsed, Work, unread

READER: Final = (sys.executable, "-P", "-m", "watcher.reader")
PATIENCE: Final = 60.0
"""Seconds for a batch, and six more for each MiB, by the clock: a reader that does nothing any more is ended then."""

STOPPED: Final = 4.0
"""Seconds after which a reader that is stopped (SIGSTOP, a debugger) is replaced, as any part is."""

_LOOK: Final = 0.5
"""Seconds between two looks at whether it is."""

IDLE: Final = 10.0
"""Seconds without work after which the reader of large documents ends: it is seldom needed."""

DEATHS: Final = 3
"""Readers that one reading of a file may cost; then the rest of it is not read."""

_ROOT: Final = Path(__file__).resolve().parent.parent

log = logs.get()


class Lanes:
    """The two lanes. A context manager. `wake` is called, from another thread, when there is something to collect."""

    def __init__(self, wake: Callable[[], None] = lambda: None, command: Sequence[str] = READER) -> None:
        self._done: list[Work] = []
        self._wake = wake
        self._lock = threading.Lock()
        self._small = _Lane(command, self._finished, idle=None)
        self._large = _Lane(command, self._finished, idle=IDLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the readers; what is not finished never will be."""
        self._small.close()
        self._large.close()

    def submit(self, work: Work) -> None:
        """Begin to read a file."""
        if not work.batches:
            self._finished(work)
            return
        is_small = all(batch.size <= BATCH for batch in work.batches)
        (self._small if is_small else self._large).submit(work)

    def collect(self) -> list[Work]:
        """The files that were read to their end since the last time."""
        with self._lock:
            done, self._done = self._done, []
        return done

    def do(self, work: Work) -> None:
        """Read a file, and wait for its end; for whoever does nothing else."""
        over = threading.Event()
        wake, self._wake = self._wake, over.set
        self.submit(work)
        over.wait()
        self._wake = wake
        self.collect()

    def _finished(self, work: Work) -> None:
        with self._lock:
            self._done.append(work)
        self._wake()


class _Lane:
    """A queue of files, the smallest first, and the thread that has them read."""

    def __init__(self, command: Sequence[str], finished: Callable[[Work], None], idle: float | None) -> None:
        self._reader = _Reader(command)
        self._finished = finished
        self._idle = idle
        self._queue: list[tuple[int, int, Work]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def submit(self, work: Work) -> None:
        with self._changed:
            heapq.heappush(self._queue, (work.size, next(self._numbers), work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lane", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._reader.kill()
        if self._thread is not None:
            self._thread.join()
        self._reader.end()

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            work = entry[2]
            batch = work.batches.pop()
            work.take(batch, self._read(work, batch))
            if self._closing:
                return
            if work.batches:
                with self._changed:
                    heapq.heappush(self._queue, entry)
            else:
                self._finished(work)

    def _next(self) -> tuple[int, int, Work] | None:
        """The file to go on with; None at the end."""
        with self._changed:
            while not self._queue and not self._closing:
                if not self._changed.wait(self._idle):
                    self._reader.end()
            return None if self._closing else heapq.heappop(self._queue)

    def _read(self, work: Work, batch: Batch) -> Iterable[tuple[Parsed, ...]]:
        try:
            return self._reader.read(batch)
        except ReaderDiedError as error:
            if len(batch.pieces) == 1:
                work.deaths += 1
                return [unread(f"it cannot be read: {error}")]
        return [documents for single in batch.singly() for documents in self._read_single(work, single)]

    def _read_single(self, work: Work, batch: Batch) -> Iterable[tuple[Parsed, ...]]:
        if work.deaths >= DEATHS:
            return [unread(f"it is not read: reading this file has failed {DEATHS} times")]
        return self._read(work, batch)


class ReaderDiedError(Exception):
    """The reader ended before it answered; the message says how."""


class _EndedByOthersError(ReaderDiedError):
    """Somebody stopped or killed it, so that another one may answer."""


class _StoppedError(Exception):
    """The reader is stopped."""


class _Reader:
    """A reader process; started when it is needed."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._starting = threading.Lock()

    def read(self, batch: Batch) -> list[tuple[Parsed, ...]]:
        """What the pieces of a batch give. ReaderDiedError."""
        try:
            return self._read(batch)
        except _EndedByOthersError as error:
            if self._closed:
                raise
            log.error("replacing what hangs or was killed", what="reader", how=str(error))  # noqa: TRY400 -- no bug
        return self._read(batch)

    def _read(self, batch: Batch) -> list[tuple[Parsed, ...]]:
        try:
            answer = self._ask(batch, time.monotonic() + PATIENCE + 6 * batch.size / 2**20)
        except _StoppedError as error:
            self.end()
            raise _EndedByOthersError("the process that read it was stopped") from error
        except OSError as error:  # a pipe broke, or no process can be started
            reason = str(error)
        except (ValueError, TypeError) as error:
            reason = f"its answer is none: {error}"
        else:
            if answer is not None:
                return answer
            reason = f"it took longer than {PATIENCE:g} s"
        said = self._obituary(reason)
        raise (_EndedByOthersError if said.endswith(signal.SIGKILL.name) else ReaderDiedError)(said)

    def kill(self) -> None:
        """End it in the middle of its work; there is no other after it."""
        with self._starting:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def end(self) -> None:
        """End it, if it runs."""
        process, self._process = self._process, None
        if process is not None and process.stdin and process.stdout:
            process.kill()
            process.wait()
            with suppress(OSError):
                process.stdin.close()
            process.stdout.close()

    def _obituary(self, reason: str) -> str:
        """End what is left of it, and say how it ended."""
        process = self._process
        if process is None:
            return f"no process to read it: {reason}"
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
        code = process.returncode
        self.end()
        if code is None:
            return reason
        if code == -signal.SIGPROF:
            return "it took too long"
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        return f"the process that read it {how}"

    def _ask(self, batch: Batch, until: float) -> list[tuple[Parsed, ...]] | None:
        """What it answers; None when that did not come in time. OSError when it is gone, ValueError for nonsense."""
        message = message_of(batch)
        process = self._running()
        asked, answers = process.stdin, process.stdout
        assert asked is not None  # noqa: S101 -- both are pipes
        assert answers is not None  # noqa: S101
        wait = _Wait(process.pid, until)
        _send(asked.fileno(), LENGTH.pack(len(message)) + message, wait)
        header = _receive(answers.fileno(), LENGTH.size, wait)
        answer = None if header is None else _receive(answers.fileno(), LENGTH.unpack(header)[0], wait)
        found = None if answer is None else found_of(answer)
        if found is not None and len(found) != len(batch.pieces):
            raise ValueError("it is about something else")
        return found

    def _running(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._closed:
                raise BrokenPipeError("the watcher ends")
            if self._process is not None and self._process.poll() is not None:
                self.end()  # it ended while it had nothing to do
            if self._process is None:
                path = os.environ.get("PYTHONPATH")
                environ = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{path}" if path else str(_ROOT)}
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, cwd="/"
                )
            return self._process


class _Wait:
    """Waits for one end of a pipe of a process, up to a time; _StoppedError while that process is stopped."""

    def __init__(self, pid: int, until: float) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._until = until
        self._stopped_since: float | None = None

    def is_ready(self, descriptor: int, *, to_write: bool = False) -> bool:
        """Whether it is ready in time."""
        asked = ([], [descriptor]) if to_write else ([descriptor], [])
        while (rest := self._until - time.monotonic()) > 0:
            read, written, _ = select.select(*asked, [], min(rest, _LOOK))
            if read or written:
                return True
            self._look()
        return False

    def _look(self) -> None:
        with suppress(OSError):
            if self._stat.read_bytes().rpartition(b")")[2].split()[0] in {b"T", b"t"}:
                self._stopped_since = self._stopped_since or time.monotonic()
                if time.monotonic() - self._stopped_since >= STOPPED:
                    raise _StoppedError
                return
        self._stopped_since = None


def _send(descriptor: int, data: bytes, wait: _Wait) -> None:
    os.set_blocking(descriptor, False)
    rest = memoryview(data)
    while rest:
        if not wait.is_ready(descriptor, to_write=True):
            raise TimeoutError("it takes nothing any more")
        rest = rest[os.write(descriptor, rest) :]


def _receive(descriptor: int, size: int, wait: _Wait) -> bytes | None:
    chunks: list[bytes] = []
    while size:
        if not wait.is_ready(descriptor):
            return None
        chunk = os.read(descriptor, min(size, 1 << 20))
        if not chunk:
            raise BrokenPipeError("it ended")
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
