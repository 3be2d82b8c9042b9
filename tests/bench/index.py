"""What an index and shards are worth: a changed Mapping among very many, with them and without, by turns.

Two gateways serve the same folder in clear text, one of them with `DRAGOMAN_INDEX_FROM` out of reach. CPU times are the
kernel's: of all our parts, and of Envoy's main thread, which is what a change of routes costs Envoy.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.inputs import PER_HOST, Layout, hosts_of
from tests.bench.processes import OURS, cpu_ms, main_ms, resident_mb
from tests.bench.report import Line, beside, sizes_up_to
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_ports
from tests.support.raw import RawConnection

CHANGES = 15
SIZES = (10_000,)
LISTENERS = 1
LAYOUTS: tuple[Layout, ...] = ("50", "one")
OUT_OF_REACH = "1000000000"


class Served:
    """One gateway with its folder; every file has the Mappings of a Host, or some of one's."""

    def __init__(self, count: int, layout: Layout, listeners: int, *, index: bool = True) -> None:
        environ = {"AES_LOG_LEVEL": "warning"} | ({} if index else {"DRAGOMAN_INDEX_FROM": OUT_OF_REACH})
        self.gateway = Gateway(listeners=False, environ=environ, patience=240)
        self.ports = unused_ports(listeners)
        self.name = hosts_of(count, layout)[-1][0]
        for port in self.ports:
            self.gateway.apply(f"listener-{port}", self.way_in(port))
        for name, size in hosts_of(count, layout):
            if text := self.host(name):
                self.gateway.apply(name, text)
            for first in range(0, size, PER_HOST):
                self.gateway.apply(f"{name}-{first}", self.mappings(name, first, min(first + PER_HOST, size), "v0"))
        self.last = (size - 1) // PER_HOST * PER_HOST
        self.end = size
        self.served: list[float] = []
        self.ours: list[float] = []
        self.main: list[float] = []

    def way_in(self, port: int) -> str:
        """What opens a port."""
        everywhere = {"namespace": {"from": "ALL"}}
        spec = {"port": port, "protocol": "HTTP", "securityModel": "INSECURE", "hostBinding": everywhere}
        return an_object("Listener", f"l{port}", spec)

    def host(self, name: str) -> str:
        """What a name needs beside its Mappings."""
        return host(name.replace(".", "-"), name)

    def mapping(self, name: str, number: int) -> str:
        """One that leads to a service."""
        return mapping(f"{name}-{number}", name, f"10.0.{number % 250}.1:80", f"/m{number}/")

    def redirect(self, name: str, number: int, answer: str) -> str:
        """One that redirects to a name."""
        return mapping(f"{name}-{number}", name, f"{answer}.test", f"/m{number}/", host_redirect=True)

    def mappings(self, name: str, first: int, end: int, answer: str) -> str:
        """Mappings; the last of them redirects to `answer`, so that Envoy itself tells the version."""
        texts = [self.mapping(name, each) for each in range(first, end - 1)]
        return "".join([*texts, self.redirect(name, end - 1, answer)])

    def start(self) -> None:
        """Until it serves the last Mapping."""
        self.gateway.start()
        wait_until(lambda: self.answer() is not None, 240, what="the last Mapping")
        time.sleep(3)  # what the start left to do is not part of a change
        self.pids = [wait_until(lambda part=part: self.gateway.pid_of(part)) for part in OURS]  # type: ignore[misc]
        self.envoy = wait_until(lambda: self.gateway.pid_of("envoy"))

    def memory(self) -> float:
        """Of our parts, in MB."""
        return sum(resident_mb(pid) for pid in self.pids)

    def answer(self, name: str = "") -> str | None:
        """What the last Mapping of a Host, else of the last one, redirects to, at the last Listener."""
        with RawConnection(self.ports[-1]) as connection:
            return connection.ask(name or self.name, f"/m{self.end - 1}/x").header("location")

    def serve(self, number: int) -> float:
        """One Mapping is another; the milliseconds until Envoy serves it at all Listeners."""
        text = self.mappings(self.name, self.last, self.end, f"v{number}")
        began = time.perf_counter()
        self.gateway.apply(f"{self.name}-{self.last}", text)
        while f"//v{number}.test" not in (self.answer() or ""):
            time.sleep(0.0005)
        return (time.perf_counter() - began) * 1000

    def change(self, number: int) -> None:
        """The same with what it costs: what follows the answer is a part of that."""
        ours, main = cpu_ms(self.pids), main_ms(self.envoy)
        self.served.append(self.serve(number))
        time.sleep(0.3)
        self.ours.append(cpu_ms(self.pids) - ours)
        self.main.append(main_ms(self.envoy) - main)


def measure(count: int, layout: Layout, listeners: int) -> Iterator[Line]:
    """CPU first: ours, Envoy's, then the time until a change is served, and Envoy's memory."""
    with ExitStack() as stack:
        both = [Served(count, layout, listeners, index=index) for index in (False, True)]
        for each in both:
            stack.callback(each.gateway.close)
            each.start()
        for number in range(1, CHANGES + 1):
            for each in both:
                each.change(number)
        hosts = "all of one Host" if layout == "one" else "50 a Host"
        what = f"{count:,} Mappings, {hosts}, {listeners} Listener{'s' if listeners > 1 else ''}"
        without, indexed = both
        for name, old, new in (
            ("CPU of our parts a change", without.ours, indexed.ours),
            ("CPU of Envoy's main thread a change", without.main, indexed.main),
            ("a change until served", without.served, indexed.served),
        ):
            yield beside(f"{what}: {name}", statistics.median(new), "ms", statistics.median(old), "without an index")
        memory = [resident_mb(each.envoy) for each in both]
        yield beside(f"{what}: Envoy's memory", memory[1], "MB", memory[0], "without an index")


def lines(largest: int) -> Iterator[Line]:
    """By layout and size."""
    for layout in LAYOUTS:
        for count in sizes_up_to(largest, SIZES):
            yield from measure(count, layout, LISTENERS)
