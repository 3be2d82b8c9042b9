"""The costs, each beside what it is compared with: `make bench`, or `make bench ARGS="--only guard changes"`.

On a shared machine only ratios mean much: each is of two things measured in turn, in the same minute. CPU times are the
kernel's; wall times are medians. A whole run is noted in history.md; one of some parts, or of smaller sizes, only with
`--note`.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.bench import history
from tests.bench.report import Failed, Line, Lines
from tests.bench.table import cells, plot, table

PARTS = {
    "guard": "the translator's CPU beside the floor's, as CI guards it",
    "cold": "a translation of many objects from nothing",
    "endpoints": "EndpointSlices among 10,000 clusters",
    "streams": "one change to 1,000 Envoys",
    "cluster": "the whole on a real API server",
    "served": "Envoy's CPU a request, of the whole on a big Host",
    "changes": "one changed Mapping among many in a folder",
    "steady": "one change among few and very many, its slowest hundredth, and a thousand at once",
    "http_routes": "one changed HTTPRoute beside one changed Mapping",
    "route_probes": "HTTPRoutes that come and change on a real API server",
    "new_hosts": "a new hostname among many: an HTTPRoute, an Ingress, a Host",
    "big_hosts": "Envoy's CPU a request, by the routes of a big Host alone",
    "requests": "Envoy's CPU a request, for what stands in every listener",
    "index": "what an index and shards are worth",
    "conversion": "older versions of the kinds",
}
LARGEST = 10_000


def found_by(part: str, largest: int) -> Iterator[Line | Failed]:
    """The lines of a part; what ends it early is the last of them."""
    lines: Lines = importlib.import_module(f"tests.bench.{part}").lines
    try:
        for line in lines(largest):
            yield line.of(part)
    except Exception as error:  # noqa: BLE001 - one part that fails must not cost the others' hour
        first = (str(error).strip() or "no reason given").splitlines()[0]
        yield Failed(part, f"{type(error).__name__}: {first[:200]}")


def compared(line: Line, before: dict[tuple[str, str], str]) -> Line:
    """With the ratio of the last run in its name, where there was one."""
    last = before.get((line.part, line.name))
    return replace(line, name=f"{line.name} (last: {last})") if last else line


def run(parts: Sequence[str], largest: int) -> list[Line | Failed]:
    """Measure; each line is told on stderr as it comes, for those who wait. Ctrl-C ends it with what there is."""
    found: list[Line | Failed] = []
    for part in parts:
        began = time.monotonic()
        try:
            for each in found_by(part, largest):
                found.append(each)
                told = "  ".join(filter(None, cells(each))) if isinstance(each, Line) else each.reason
                print(f"{part}: {told}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            return [*found, Failed(part, "interrupted, and what comes after it")]
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Measure and show; 1 when a part ended early."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog="\n".join(f"{name:11} {what}" for name, what in PARTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help="these parts (see below)")
    parser.add_argument("--largest", type=int, default=LARGEST, metavar="N", help="no more Mappings than these")
    parser.add_argument("--note", action="store_true", help="note a run of some parts in history.md, too")
    arguments = parser.parse_args()
    before = history.last_ratios(history.HISTORY.read_text())
    this = history.Run.this()
    found = run(arguments.only or list(PARTS), arguments.largest)
    print(f"\n{this.title()}\n")
    print(table(compared(each, before) if isinstance(each, Line) else each for each in found))
    print(f"\n{plot(found)}")
    if arguments.note or (not arguments.only and arguments.largest == LARGEST):
        history.append(this, found)
        print("\nnoted in tests/bench/history.md")
    return int(any(isinstance(each, Failed) for each in found))


if __name__ == "__main__":
    sys.exit(main())
