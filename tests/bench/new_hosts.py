"""A new hostname among very many, one route each: for an HTTPRoute, an Ingress, and a Host with its Mapping.

What is measured among many stands beside the same among a hundred. All are in clear text, in a folder.
"""

import statistics
import time
from collections.abc import Callable, Iterator

from tests.bench.inputs import PER_HOST
from tests.bench.processes import OURS, cpu_ms, main_ms
from tests.bench.report import Line, beside
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, gateway_class, listener, route, rule
from tests.support.ingresses import ingress, ingress_class
from tests.support.ingresses import path as ingress_path
from tests.support.ingresses import rule as ingress_rule
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.raw import RawConnection

FEW = 100
SIZES = (FEW, 3000, 8000)
CHANGES = 15

REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"hostname": "a.test"}}
ELSEWHERE = {"permanent-redirect": "http://a.test/"}


def _route(name: str) -> str:
    return route(name, "g", rule("/", filters=[REDIRECT]), hostnames=[f"{name}.test"])


def _ingress(name: str) -> str:
    return ingress(name, ingress_rule(f"{name}.test", ingress_path("/", "s")), nginx=ELSEWHERE)


def _host(name: str) -> str:
    return host(name, f"{name}.test") + mapping(name, f"{name}.test", "a.test", host_redirect=True)


class Many:
    """A gateway with so many hostnames of one API at a port."""

    def __init__(self, count: int, make: Callable[[str], str]) -> None:
        self._make = make
        self._gateway = Gateway(listeners=False, environ={"AES_LOG_LEVEL": "warning"}, patience=180)
        self._port = unused_port()
        self._gateway.apply("ways-in", self._way_in())
        for first in range(0, count, PER_HOST):
            names = [f"there-{number}" for number in range(first, min(first + PER_HOST, count))]
            self._gateway.apply(f"there-{first}", "".join(map(make, names)))
        self._last = f"there-{count - 1}"
        self.served: list[float] = []
        self.ours: list[float] = []
        self.main: list[float] = []

    def _way_in(self) -> str:
        if self._make is _route:
            return gateway_class() + api_gateway("g", listener("http", self._port))
        if self._make is _ingress:
            self._port = self._gateway.http_port
            return ingress_class()
        everywhere = {"namespace": {"from": "ALL"}}
        spec = {"port": self._port, "protocol": "HTTP", "securityModel": "INSECURE", "hostBinding": everywhere}
        return an_object("Listener", "l", spec)

    def measure(self) -> None:
        """Start, new hostname by new hostname, stop."""
        with self._gateway:
            wait_until(lambda: self._answers(self._last), 180, what="the last hostname")
            time.sleep(3)  # what the start left to do is not part of a change
            pids = [wait_until(lambda part=part: self._gateway.pid_of(part)) for part in OURS]  # type: ignore[misc]
            envoy = wait_until(lambda: self._gateway.pid_of("envoy"))
            for number in range(CHANGES):
                ours, main, began = cpu_ms(pids), main_ms(envoy), time.perf_counter()
                self._gateway.apply(f"new-{number}", self._make(f"new-{number}"))
                while not self._answers(f"new-{number}"):
                    time.sleep(0.001)
                self.served.append((time.perf_counter() - began) * 1000)
                time.sleep(0.3)
                self.ours.append(cpu_ms(pids) - ours)
                self.main.append(main_ms(envoy) - main)

    def _answers(self, name: str) -> bool:
        try:
            with RawConnection(self._port) as connection:
                return connection.ask(f"{name}.test", "/").header("location") is not None
        except OSError:
            return False


def lines(largest: int) -> Iterator[Line]:
    """By API and size: until it is served, CPU of ours, CPU of Envoy."""
    for what, make in (("HTTPRoutes", _route), ("Ingresses", _ingress), ("Hosts", _host)):
        few: tuple[float, ...] = ()
        for count in [size for size in SIZES if size <= max(largest, FEW)]:
            many = Many(count, make)
            many.measure()
            found = tuple(statistics.median(each) for each in (many.served, many.ours, many.main))
            few = few or found
            names = ("until served", "CPU of our parts", "CPU of Envoy's main thread")
            for name, value, reference in zip(names, found, few, strict=True):
                yield beside(f"a new hostname, {count:,} {what}: {name}", value, "ms", reference, f"{FEW} of them")
