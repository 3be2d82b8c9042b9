"""Parts are killed under load, while changes go on: no request fails but those that Envoy itself had in its hands."""

import contextlib
import os
import signal
import statistics
import time
from collections.abc import Iterator

import pytest

from tests.support.envoy import RealEnvoy, wait_until
from tests.support.gateway import Gateway
from tests.support.load import Load
from tests.support.objects import host, mapping
from tests.support.pace import is_within
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.faults]

KILLS = 10
CONTROL_PLANE = ("watcher", "translator", "adsserver", "diagnostics")


@pytest.fixture(scope="module")
def own_gateway(red: HttpUpstream) -> Iterator[Gateway]:
    with Gateway() as gateway:
        gateway.apply("steady", host("steady", "steady.test") + mapping("steady", "steady.test", red.service))
        gateway.wait_served("steady.test")
        yield gateway


def change(gateway: Gateway, number: int, upstream: HttpUpstream) -> str:
    """A change of every sort: a new Mapping, a changed one, one less; the path of the new one."""
    path = f"/n{number}/"
    texts = host("changing", "changing.test")
    texts += mapping(f"new-{number}", "changing.test", upstream.service, path)
    texts += mapping("changed", "changing.test", upstream.service, "/c/", timeout_ms=3000 + number)
    gateway.apply("changing", texts)
    return path


def plain_envoy() -> None:
    """An Envoy starts that has nothing to do."""
    with RealEnvoy({}) as envoy:
        envoy.wait_live()


@pytest.mark.parametrize("part", CONTROL_PLANE)
def test_killing_a_part_ten_times_fails_no_request(own_gateway: Gateway, red: HttpUpstream, part: str) -> None:
    times = []
    with Load(own_gateway.http_port, host="steady.test") as load:
        for number in range(KILLS):
            path = change(own_gateway, number, red)
            killed = own_gateway.kill(part)
            began = time.monotonic()
            change(own_gateway, number, red)
            wait_until(lambda killed=killed: own_gateway.pid_of(part) not in {None, killed}, what=f"{part} back")
            times.append(time.monotonic() - began)
            own_gateway.wait_served("changing.test", path)
    assert load.failures == []
    assert load.requests > 50
    assert is_within(statistics.median(times), 0.5), times
    wait_until(own_gateway.is_ready, what="ready again")


def test_killing_all_of_the_control_plane_at_once(own_gateway: Gateway, red: HttpUpstream) -> None:
    with Load(own_gateway.http_port, host="steady.test") as load:
        for number in range(3):
            for part in CONTROL_PLANE:
                own_gateway.kill(part)
            own_gateway.wait_served("changing.test", change(own_gateway, 100 + number, red))
    assert load.failures == []


def test_a_killed_envoy_serves_again_within_half_a_second(own_gateway: Gateway) -> None:
    times = []
    for _ in range(KILLS):
        own_gateway.wait_served("steady.test")
        own_gateway.kill("envoy")
        began = time.monotonic()
        own_gateway.wait_served("steady.test")
        times.append(time.monotonic() - began)
    assert is_within(statistics.median(times), 0.5, plain=plain_envoy), times


def test_changes_of_every_sort_under_load(own_gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    """The Mapping under load moves between two upstreams, its Host's neighbours come and go: make before break."""
    name = "moving.test"
    own_gateway.apply("moving", host("moving", name) + mapping("moving", name, red.service))
    own_gateway.wait_served(name)
    with Load(own_gateway.http_port, host=name) as load:
        for number in range(40):
            upstream = (red, blue)[number % 2]
            texts = host("moving", name) + mapping("moving", name, upstream.service, timeout_ms=3000 + number)
            texts += mapping(f"neighbour-{number}", name, upstream.service, f"/n{number}/")
            own_gateway.apply("moving", texts)
            own_gateway.wait_served(name, f"/n{number}/")
    assert load.failures == []
    own_gateway.remove("moving")


def test_a_restart_of_the_adsserver_sends_nothing_again(own_gateway: Gateway) -> None:
    def updates() -> dict[str, str]:
        text = own_gateway.diagnostics("/metrics").text
        wanted = ("envoy_listener_manager_lds_update_success", "envoy_cluster_manager_cds_update_success")
        return {
            line.split("{")[0].split(" ")[0]: line.rsplit(" ", 1)[1]
            for line in text.splitlines()
            if line.startswith(wanted)
        }

    def settled() -> dict[str, str] | None:
        """What was sent, when nothing has been sent for half a second: earlier changes are over."""
        first = updates()
        time.sleep(0.5)
        return first if updates() == first else None

    wait_until(own_gateway.is_ready)
    before = wait_until(settled)
    killed = own_gateway.kill("adsserver")
    wait_until(lambda: own_gateway.pid_of("adsserver") not in {None, killed})
    wait_until(lambda: own_gateway.diag()["envoy"]["connected"], what="Envoy connected again")
    assert updates() == before


def test_parts_that_crash_again_and_again_take_no_envoy_with_them(red: HttpUpstream) -> None:
    """As something in the objects might make them, which every replica reads."""
    with Gateway() as gateway:
        gateway.apply("steady", host("steady", "steady.test") + mapping("steady", "steady.test", red.service))
        gateway.wait_served("steady.test")
        wait_until(lambda: " ready " in gateway.log(), what="ready")
        with Load(gateway.http_port, host="steady.test") as load:
            for part in ("watcher", "translator", "adsserver"):
                wait_until(lambda part=part: is_let_be(gateway, part), what=f"{part} is done without")
            served = load.requests
            wait_until(lambda: load.requests > served + 50, what="requests go on")
        assert load.failures == []
        assert gateway.is_ready()


def is_let_be(gateway: Gateway, part: str) -> bool:
    """End the part's process, if it has one, by a signal that is no pardon; whether it is not started any more."""
    pid = gateway.pid_of(part)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSEGV)
    return f"doing without  what={part}" in gateway.log()
