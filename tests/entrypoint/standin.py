"""A stand-in for a part: one process that behaves as its arguments say, for tests of the supervision.

standin.py NAME BEHAVIOUR      live       lives until it is asked to end
                               deaf       the same, but for being asked
                               fail       ends at once with exit status 3
                               refuse     ends at once with exit status 78
                               crash      ends itself with SIGSEGV
                               talk       writes many lines to both streams, then lives
                               father     leaves an orphan in a session of its own, then lives
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def talk() -> None:
    """10,000 lines a stream, of every length that a log line has."""
    for number in range(10_000):
        print(f"out {number} " + "o" * (number % 300))
        print(f"err {number} " + "e" * (number % 300), file=sys.stderr)


def main(name: str, behaviour: str) -> int:
    folder = Path(os.environ["DRAGOMAN_TEST_FOLDER"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "deaf" else lambda *_: sys.exit(0))
    with (folder / f"{name}.pids").open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    match behaviour:
        case "fail" | "refuse":
            print(f"{name} is of no use", file=sys.stderr)
            return 3 if behaviour == "fail" else 78
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "talk":
            talk()
            (folder / f"{name}.said").touch()
        case "father":
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
    while True:
        time.sleep(1000)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
