"""`python -m watcher.reader`: reads the documents of the watcher's files in a process of its own.

What could end it, or keep it busy for ever, is one document's harm only: the watcher starts another one, and tells.
Batches come by stdin, answers go to stdout (`watcher/frames.py`); it ends when stdin does.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import BinaryIO, Final

from watcher.frames import LENGTH, answer_of, batch_of
from watcher.parsing import read

PATIENCE: Final = 10.0
"""Seconds of CPU for a batch, and one more for each MiB; the slowest text within the limits takes a tenth of it."""


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more messages."""
    while len(header := asked.read(LENGTH.size)) == LENGTH.size:
        batch = batch_of(asked.read(*LENGTH.unpack(header)))
        # The kernel counts CPU time and ends this process, whatever it is doing: a busy machine is no document's fault.
        signal.setitimer(signal.ITIMER_PROF, PATIENCE + batch.size / 2**20)
        answer = answer_of(read(batch))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def main() -> None:
    """Serve; what ends the watcher's group of processes is for the watcher to say."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing but answers goes the way of answers
    with suppress(BrokenPipeError):  # the watcher was killed
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
