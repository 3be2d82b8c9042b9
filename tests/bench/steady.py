"""Whether a change costs the same always: among few and very many, in its slowest hundredth, and a thousand at once.

All of it in a folder in clear text, with 50 Mappings a Host, which is one file.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.index import CHANGES, Served
from tests.bench.inputs import PER_HOST, hosts_of
from tests.bench.report import Goal, Line, beside, sizes_up_to

FEW = 100
SIZES = (10_000, 50_000)
MORE = 5
"""The largest size here is so many times the largest of other parts: it costs a start, and no more."""

MANY = 5000
"""Changes whose slowest hundredth is looked at."""

BURST = 1000
BURSTS = 5


class Steady(Served):
    """One gateway, in which the Mappings of many Hosts can change at once."""

    def burst(self, answer: str) -> float:
        """So many Mappings are others at once; the milliseconds until Envoy serves the last of each Host."""
        hosts = hosts_of(BURST, "50")
        texts = {name: "".join([self.redirect(name, number, answer) for number in range(size)]) for name, size in hosts}
        began = time.perf_counter()
        for name, text in texts.items():
            self.gateway.apply(f"{name}-0", text)
        for name in texts:
            while f"//{answer}.test" not in (self.answer(name) or ""):
                time.sleep(0.001)
        return (time.perf_counter() - began) * 1000


def _flat(largest: int) -> Iterator[Line]:
    """CPU of a change among very many beside that among few, by turns."""
    with ExitStack() as stack:
        served = [Steady(count, "50", 1) for count in (FEW, *sizes_up_to(MORE * largest, SIZES))]
        for each in served:
            stack.callback(each.gateway.close)
            each.start()
        for number in range(1, CHANGES + 1):
            for each in served:
                each.change(number)
        few, *others = served
        for count, each in zip(sizes_up_to(MORE * largest, SIZES), others, strict=True):
            costs = [
                statistics.median(ours + main for ours, main in zip(one.ours, one.main, strict=True))
                for one in (each, few)
            ]
            what = f"a change among {count:,} Mappings: CPU of our parts and Envoy's main thread"
            yield beside(what, costs[0], "ms", costs[1], f"among {FEW}", goal=Goal("<=", 1.5))
            yield beside(
                f"a change among {count:,} Mappings: CPU of our parts",
                statistics.median(each.ours),
                "ms",
                statistics.median(few.ours),
                f"among {FEW}",
                goal=Goal("<=", 1.5),
            )


def _slowest(largest: int) -> Iterator[Line]:
    """The slowest hundredth of very many changes, one after the other, and then a thousand at once."""
    count = max(BURST, min(largest, SIZES[0]))
    one = Steady(count, "50", 1)
    with ExitStack() as stack:
        stack.callback(one.gateway.close)
        one.start()
        took = [one.serve(number) for number in range(1, MANY + 1)]
        bursts = [one.burst(f"b{number}") for number in range(BURSTS)]
    median, p99 = statistics.median(took), statistics.quantiles(took, n=100)[-1]
    what = f"{MANY:,} changes among {count:,} Mappings"
    yield Line(f"{what}: until served", median, "ms")
    yield beside(f"{what}: p99 until served", p99, "ms", median, "their median", goal=Goal("<=", 2.5))
    yield Line(
        f"{BURST:,} Mappings of {BURST // PER_HOST} Hosts changed at once: until all are served",
        statistics.median(bursts),
        "ms",
        goal=Goal("<=", 500, "value"),
    )


def lines(largest: int) -> Iterator[Line]:
    """CPU first."""
    yield from _flat(largest)
    yield from _slowest(largest)
