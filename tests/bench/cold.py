"""What a translation from nothing costs beside the floor, for many objects."""

import gc
import statistics
import time
from collections.abc import Iterator

from tests.bench import floor
from tests.bench.guard import Inputs
from tests.bench.inputs import PER_HOST
from tests.bench.report import Goal, Line, sizes_up_to

SIZES = (1000, 10_000)
TURNS = 3


def lines(largest: int) -> Iterator[Line]:
    """By size, 50 Mappings a Host; each turn has names of its own."""
    floor.translate(Inputs(-1, 1).objects.values())  # loads descriptors, once
    for count in sizes_up_to(largest, SIZES):
        ours, least = [], []
        for turn in range(TURNS):
            inputs = Inputs(turn, max(1, count // PER_HOST))
            gc.collect()
            gc.disable()
            spent, _ = inputs.translated()
            began = time.process_time()
            floor.translate(inputs.objects.values())
            least.append((time.process_time() - began) * 1000)
            gc.enable()
            ours.append(spent)
        ratio = statistics.median(a / b for a, b in zip(ours, least, strict=True))
        what = f"{count:,} Mappings translated from nothing"
        medians = statistics.median(ours), statistics.median(least)
        yield Line(what, medians[0], "ms CPU", "the floor script", medians[1], ratio, Goal("<=", 10))
