"""One change acknowledged by 1,000 delta streams of one adsserver, in turn with one stream of another.

The streams are connections of a process of their own (delta_clients.py). The change is a route configuration of 3 kB,
published in the snapshot as the translator does; its time ends with the last acknowledgement.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from snapshot import Record
from tests.bench.delta_clients import ROUTES
from tests.bench.processes import cpu_ms, resident_mb
from tests.bench.report import Goal, Line, beside
from tests.support import resources
from tests.support.adsserver import Adsserver
from tests.support.part import ROOT
from tests.support.scoped import Scoped

STREAMS = 1000
TURNS = 15
ROUTES_IN_ONE = 50


class Fanout(Scoped):
    """An adsserver and so many streams on it, which hold everything."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ads = Adsserver()
        self._clients: subprocess.Popen[str] | None = None
        self._version = 0

    def start(self) -> None:
        listener = resources.listener("http", 10080, rds=ROUTES)
        self.ads.publish(resources.keyed(listener={"http": listener}, route={ROUTES: self._routes()}))
        self.ads.start()
        command = [sys.executable, "-m", "tests.bench.delta_clients", str(self.ads.socket), str(self.count)]
        self._clients = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._last_acknowledgement()
        time.sleep(1)

    def close(self) -> None:
        if self._clients is not None:
            self._clients.kill()
            self._clients.communicate()
        self.ads.close()

    def _routes(self) -> Record:
        self._version += 1
        return resources.routes(
            ROUTES,
            *(resources.direct(f"/a-prefix-of-mapping-{each}/", f"{self._version}") for each in range(ROUTES_IN_ONE)),
        )

    def _last_acknowledgement(self) -> float:
        assert self._clients is not None
        assert self._clients.stdout is not None
        line = self._clients.stdout.readline()
        if not line:
            raise RuntimeError(f"the streams ended; the adsserver's log ends:\n{self.ads.log()[-2000:]}")
        return float(line)

    def change(self) -> tuple[float, float]:
        """Milliseconds until the last acknowledgement, and milliseconds of the adsserver's CPU."""
        published = resources.keyed(route={ROUTES: self._routes()})
        before, began = cpu_ms([self.ads.pid]), time.perf_counter()
        self.ads.publish(published)
        took = (self._last_acknowledgement() - began) * 1000
        time.sleep(0.3)
        return took, cpu_ms([self.ads.pid]) - before

    @property
    def memory_mb(self) -> float:
        """Of the adsserver."""
        return resident_mb(self.ads.pid)


def lines(largest: int) -> Iterator[Line]:
    """CPU a stream first."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Fanout(STREAMS) as many, Fanout(1) as one:
        pairs = [(many.change(), one.change()) for _ in range(TURNS)]
        memory = (many.memory_mb - one.memory_mb) * 1024 / (STREAMS - 1)
    took, alone = (statistics.median(pair[index][0] for pair in pairs) for index in (0, 1))
    cpu, cpu_alone = (statistics.median(pair[index][1] for pair in pairs) for index in (0, 1))
    what = f"a change to {STREAMS:,} streams"
    yield beside(
        f"{what}: CPU of the adsserver a stream", cpu * 1000 / STREAMS, "us", cpu_alone * 1000, "one stream alone"
    )
    goal = Goal("<=", 150, "value")
    yield beside(
        f"{what}: until the last acknowledgement", took, "ms", STREAMS * alone, f"{STREAMS:,} times one", goal=goal
    )
    yield Line(f"{what}: memory of the adsserver a stream", memory, "kB")
