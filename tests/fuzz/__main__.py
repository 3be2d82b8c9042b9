"""`make fuzz`: cases without end, or for so many minutes; each case that fails is told with its seed and its objects.

    python -m tests.fuzz --minutes 60 --seed 0 --serving

A seed makes the same case always: `--seed N --cases 1` shows one again.
"""

import argparse
import sys
import time

from tests.fuzz.beside import Beside, case_of
from tests.fuzz.serving import Serving

STORM = 25
"""Objects at once in front of a running gateway."""


def main() -> None:
    """Run; exit code 1 when a case failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Mutated objects beside good ones.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first case (default: the time)")
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="at most so many")
    parser.add_argument("--serving", action="store_true", help="in front of a running gateway, and not by translation")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    failed = _serve(given.seed, given.cases, end) if given.serving else _translate(given.seed, given.cases, end)
    sys.exit(failed > 0)


def _translate(first: int, cases: int, end: float) -> int:
    beside, failed, seed = Beside(), 0, first
    while seed < first + cases and time.monotonic() < end:
        try:
            beside.check(case_of(seed))
        except AssertionError as error:
            failed += 1
            print(f"FAILED {error}\n", flush=True)
            beside = Beside()
        seed += 1
    print(f"{seed - first} cases from seed {first}: {failed} failed")
    return failed


def _serve(first: int, cases: int, end: float) -> int:
    seed = first
    with Serving() as serving:
        while seed < first + cases and time.monotonic() < end:
            try:
                serving.storm(seed, STORM)
            except AssertionError as error:
                print(f"FAILED {error}\nstorm {seed - first + 1} from seed {first}, after those before it")
                return 1
            seed += 1
    print(f"{seed - first} storms of {STORM} objects from seed {first}: no request failed, no part was restarted")
    return 0


if __name__ == "__main__":
    main()
