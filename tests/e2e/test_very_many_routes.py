"""A gateway that comes to have very many routes: an index and shards, there and back, and no request fails."""

import json
from collections.abc import Iterator

import pytest

from tests.support.envoy import EnvoyAdmin, wait_until
from tests.support.gateway import Gateway
from tests.support.load import Load
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.faults]

FROM = 200
HOSTS = 12


@pytest.fixture
def growing(red: HttpUpstream) -> Iterator[Gateway]:
    with Gateway(environ={"DRAGOMAN_INDEX_FROM": str(FROM)}) as gateway:
        gateway.apply("steady", host("steady", "steady.test") + mapping("steady", "steady.test", red.service))
        gateway.wait_served("steady.test")
        yield gateway


def is_indexed(gateway: Gateway) -> bool:
    """Whether the listener for clear text takes its routes by scope."""
    listeners = EnvoyAdmin(gateway.run_dir / "admin.sock").config("dynamic_listeners", name="default/http")
    return "scoped_routes" in json.dumps([each["active_state"] for each in listeners])


def many(count: int, upstream: HttpUpstream, *, timeout: int = 3000) -> str:
    """Hosts with Mappings, and one with a lot of them."""
    texts = "".join(host(f"h{number}", f"h{number}.test") for number in range(HOSTS)) + host("large", "large.test")
    for number in range(count):
        texts += mapping(f"m{number}", f"h{number % HOSTS}.test", upstream.service, f"/m{number}/", timeout_ms=timeout)
        texts += mapping(f"l{number}", "large.test", upstream.service, f"/l{number}/", timeout_ms=timeout)
    return texts


def change(gateway: Gateway, number: int, upstream: HttpUpstream) -> None:
    """Everything at once: all Mappings change, some come, a Host comes for another, an exact one within a wide one."""
    gateway.apply("many", many(300 + number, upstream, timeout=4000 + number))
    gateway.apply("more", host("more", f"x{number}.test") + mapping("more", f"x{number}.test", upstream.service))
    wide = host("wide", "*.wide.test") + mapping("wide", "*.wide.test", upstream.service)
    exact = host("exact", "y.wide.test") + mapping("exact", "y.wide.test", upstream.service)
    gateway.apply("wide", wide + (exact if number % 2 else ""))
    gateway.wait_served(f"x{number}.test")
    gateway.wait_served("large.test", f"/l{299 + number}/")


def test_an_index_comes_changes_and_goes_and_nobody_notices(growing: Gateway, red: HttpUpstream) -> None:
    with Load(growing.http_port, host="steady.test", rate=40) as steady:
        growing.apply("many", many(20, red))
        growing.wait_served("h1.test", "/m1/")
        assert not is_indexed(growing)
        growing.apply("many", many(300, red))
        growing.wait_served("large.test", "/l299/")
        wait_until(lambda: is_indexed(growing), what="an index")
        growing.apply("wide", host("wide", "*.wide.test") + mapping("wide", "*.wide.test", red.service))
        growing.wait_served("y.wide.test")
        with (
            Load(growing.http_port, host="h3.test", path="/m3/", rate=40) as small,
            Load(growing.http_port, host="large.test", path="/l7/", rate=40) as large,
            Load(growing.http_port, host="y.wide.test", rate=40) as wide,
        ):
            for number in range(10):
                change(growing, number, red)
            for part in ("translator", "adsserver", "watcher"):
                killed = growing.kill(part)
                wait_until(lambda part=part, killed=killed: growing.pid_of(part) not in {None, killed}, what=part)
                growing.apply("more", host("more", f"{part}.test") + mapping("more", f"{part}.test", red.service))
                growing.wait_served(f"{part}.test")
            assert is_indexed(growing)
            growing.apply("many", many(150, red))
            growing.wait_served("large.test", "/l290/", status=404)
            assert is_indexed(growing), "down to half of the number"
            wait_until(lambda: min(each.requests for each in (small, large, wide)) > 100, what="enough requests")
        growing.apply("many", many(10, red))
        growing.wait_served("h11.test", "/m11/", status=404)
        wait_until(lambda: not is_indexed(growing), what="no index")
        growing.wait_served("large.test", "/l9/")
    for load in (steady, small, large, wide):
        assert load.failures == []
    assert steady.requests > 100


def test_an_envoy_that_comes_anew_has_all_of_it(growing: Gateway, red: HttpUpstream) -> None:
    growing.apply("many", many(150, red))
    growing.wait_served("large.test", "/l149/")
    killed = growing.kill("envoy")
    wait_until(lambda: growing.pid_of("envoy") not in {None, killed}, what="another Envoy")
    growing.wait_served("large.test", "/l149/")
    growing.wait_served("h5.test", "/m5/")
    wait_until(lambda: is_indexed(growing), what="an index")
    assert growing.request("h5.test", "/m6/").status_code == 404


def test_shards_have_no_statistics_of_their_own(growing: Gateway, red: HttpUpstream) -> None:
    """There would be a dozen of each, under names that change."""
    growing.apply("many", many(150, red))
    growing.wait_served("large.test", "/l149/")
    wait_until(lambda: is_indexed(growing), what="an index")

    def named() -> set[str]:
        names = EnvoyAdmin(growing.run_dir / "admin.sock").stats("[.]rds[.]")
        return {name.rpartition(".")[0].rpartition("/")[2] for name in names}

    wait_until(lambda: named() == {"cleartext", "cleartext_index"}, what=lambda: f"no others than {named()}")
