"""Each part, killed ten times: how long until a new process of it does its work again.

The time is from the kill to the work, seen from outside: a change that is served (watcher, translator, adsserver), an
answer (diagnostics, Envoy). So it holds the noticing, the start of a Python or an Envoy, and the work itself.
"""

import socket
import statistics
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.pace import is_within
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.faults]

KILLS, ROUNDS = 10, 3
BACK = 0.5
"""Seconds, at the median, until there is a new process; more on a busy machine, as `is_within` says."""
WORK = 3.0
"""Seconds, at the median, until it works: a guard against what hangs; the measure is printed, since machines differ."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[HttpUpstream]:
    with HttpUpstream("some") as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gateway(upstream: HttpUpstream) -> Iterator[Gateway]:
    with Gateway() as gateway:
        gateway.apply("some", host("some", "some.test") + mapping("some", "some.test", upstream.service))
        gateway.wait_served("some.test")
        yield gateway


def measure(
    gateway: Gateway, part: str, work: Callable[[int], bool], change: Callable[[int], None] = lambda _: None
) -> None:
    """Measure from each kill, followed by a change, until the work is done; both are told the number of the kill.

    What else the machine does only adds to it, so of a few rounds the best one counts.
    """
    rounds = []
    for first in range(0, ROUNDS * KILLS, KILLS):
        back, times = _one_round(gateway, part, range(first, first + KILLS), work, change)
        for what, numbers in (("back", back), ("at work", times)):
            middle, most = statistics.median(numbers) * 1000, max(numbers) * 1000
            print(f"{part} {what} after {middle:.0f} ms at the median, {most:.0f} ms at most")
        rounds.append((statistics.median(back), statistics.median(times)))
        if is_within(rounds[-1][0], BACK) and is_within(rounds[-1][1], WORK, times=20):
            return
    pytest.fail(f"{part}: medians until it was back, and at work, in each round: {rounds}")


def _one_round(
    gateway: Gateway, part: str, numbers: range, work: Callable[[int], bool], change: Callable[[int], None]
) -> tuple[list[float], list[float]]:
    back, times = [], []
    for number in numbers:
        killed = gateway.kill(part)
        begin = time.monotonic()
        change(number)
        wait_until(lambda killed=killed: gateway.pid_of(part) not in {None, killed}, what=f"{part} back")
        back.append(time.monotonic() - begin)
        wait_until(lambda number=number: work(number), what=f"{part} at work again")
        times.append(time.monotonic() - begin)
    return back, times


@pytest.mark.parametrize("part", ["watcher", "translator", "adsserver"])
def test_a_change_is_served_soon_after_a_kill(gateway: Gateway, upstream: HttpUpstream, part: str) -> None:
    def change(number: int) -> None:
        gateway.apply(
            "new", host("new", "new.test") + mapping("new", "new.test", upstream.service, f"/{part}-{number}/")
        )

    def work(number: int) -> bool:
        return status(gateway.http_port, "new.test", f"/{part}-{number}/") == httpx.codes.OK

    measure(gateway, part, work, change)


def test_diagnostics_answers_soon_after_a_kill(gateway: Gateway) -> None:
    def work(_: int) -> bool:
        return status(gateway.diagnostics_port, "x", "/ambassador/v0/check_ready") == httpx.codes.OK

    measure(gateway, "diagnostics", work)


def test_envoy_serves_soon_after_a_kill(gateway: Gateway) -> None:
    measure(gateway, "envoy", lambda _: status(gateway.http_port, "some.test", "/") == httpx.codes.OK)


def status(port: int, name: str, path: str) -> int:
    """The status that a GET answers, 0 for none; without a client, whose cost would be part of what is measured."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {name}\r\n\r\n".encode())
            words = connection.recv(64).split()
    except OSError:
        return 0
    return int(words[1]) if len(words) > 1 else 0
