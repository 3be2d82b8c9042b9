"""What one changed Mapping costs among many, beside an Envoy without a control plane.

A folder with a file for each Host, the whole system, and a bare Envoy that reads its own finished file, change by
change in turn. CPU is of all our processes and of Envoy together, against the bare Envoy's: what a change costs a
machine.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.inputs import Layout, documents_of, hosts_of, write_folder
from tests.bench.processes import OURS, cpu_ms, main_ms, resident_mb
from tests.bench.reference import BareEnvoy, wait_for_answer
from tests.bench.report import Goal, Line, beside, sizes_up_to
from tests.bench.tls import NamedConnection
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway

CHANGES = 15
SIZES = (1000, 10_000)
LAYOUTS: tuple[Layout, ...] = ("50", "one")
SETTLING = 3.0
"""Seconds after a start: what that left to do (acknowledgements) is not part of a change."""

GOALS = {1000: Goal("<=", 1.0), 10_000: Goal("<=", 0.25)}
"""Of the time until served, with 50 Mappings a Host."""


@dataclass
class Turns:
    """What each change took, in milliseconds."""

    cpu: list[float] = field(default_factory=list)
    envoy: list[float] = field(default_factory=list)
    bare_cpu: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    bare_served: list[float] = field(default_factory=list)


def lines(largest: int) -> Iterator[Line]:
    """By layout and size."""
    for layout in LAYOUTS:
        for count in sizes_up_to(largest, SIZES):
            yield from measure(count, layout)


def measure(count: int, layout: Layout) -> Iterator[Line]:
    """Start, change by change in turn with the bare Envoy, stop."""
    name, size = hosts_of(count, layout)[0]
    gateway = Gateway(environ={"AES_LOG_LEVEL": "warning"}, patience=120)
    write_folder(gateway.folder, count, layout)
    began = time.perf_counter()
    with gateway, BareEnvoy(count, layout) as bare:
        gateway.wait_served(name, f"/m{size - 1}/x", status=301, tls=True)
        cold_start = time.perf_counter() - began
        pids = [wait_until(lambda part=part: gateway.pid_of(part)) for part in OURS]
        envoy = wait_until(lambda: gateway.pid_of("envoy"))
        time.sleep(SETTLING)
        turns = Turns()
        connection = NamedConnection(gateway.https_port, name)
        for turn in range(CHANGES):
            answer = f"v{turn + 1}.bench.test"
            text = documents_of(name, size, answer=answer)
            ours, main, start = cpu_ms(pids), main_ms(envoy), time.perf_counter()
            gateway.apply(name, text)
            wait_for_answer(connection, name, f"/m{size - 1}/x", answer)
            turns.served.append((time.perf_counter() - start) * 1000)
            time.sleep(0.3)
            turns.cpu.append(cpu_ms(pids) - ours)
            turns.envoy.append(main_ms(envoy) - main)
            before = main_ms(bare.pid)
            turns.bare_served.append(bare.change(answer))
            time.sleep(0.1)
            turns.bare_cpu.append(main_ms(bare.pid) - before)
        connection.close()
        translator, ours = resident_mb(pids[OURS.index("translator")]), sum(resident_mb(pid) for pid in pids)
    yield from said(turns, count, layout)
    yield Line(f"{_of(count, layout)}: until served after a start", cold_start, "s")
    yield Line(f"{_of(count, layout)}: translator's memory", translator, "MB")
    yield Line(f"{_of(count, layout)}: our parts' memory", ours, "MB")


def _of(count: int, layout: Layout) -> str:
    return f"{count:,} Mappings, {'all of one Host' if layout == 'one' else '50 a Host'}"


def said(turns: Turns, count: int, layout: Layout) -> Iterator[Line]:
    """What the changes took; CPU first."""
    what = _of(count, layout)
    ours, envoy, bare = (statistics.median(each) for each in (turns.cpu, turns.envoy, turns.bare_cpu))
    against = "bare Envoy reading its own finished file"
    yield beside(f"{what}: CPU of a change, our parts and Envoy's main thread", ours + envoy, "ms", bare, against)
    yield beside(f"{what}: of it Envoy's main thread", envoy, "ms", bare, against)
    goal = GOALS.get(count) if layout == "50" else None
    times = statistics.median(turns.served), statistics.median(turns.bare_served)
    yield beside(f"{what}: a change until served", times[0], "ms", times[1], against, goal=goal)
