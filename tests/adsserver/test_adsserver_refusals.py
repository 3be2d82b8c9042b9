"""Batches of every kind before a real Envoy with some bad ones in them: exactly these are told as refused, each time.

Envoy's word on a batch is about all of it, and in each kind another part of a refused batch is applied nevertheless.
"""

from collections.abc import Callable

import pytest

from envoyapi.config_cluster_v3 import Cluster, ClusterDiscoveryType
from envoyapi.config_core_v3 import TransportSocket
from envoyapi.config_route_v3 import Route, RouteAction, RouteMatch
from envoyapi.http_router_v3 import Router
from envoyapi.type_matcher_v3 import RegexMatcher
from envoyapi.wire import any_of, duration_ms
from snapshot import Record
from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.resources import cluster, direct, endpoints, keyed, listener, record, routes

pytestmark = pytest.mark.envoy

COUNT = 40
NAMES = [f"n{number:02}" for number in range(COUNT)]


def bad_resource(kind: str, name: str, how: str) -> Record:
    """One that breaks the rules of a field (Envoy drops the whole response), or whose meaning is wrong."""
    made: dict[tuple[str, str], Callable[[], Record]] = {
        ("cluster", "rules"): lambda: cluster(name, connect_ms=0),
        ("cluster", "meaning"): lambda: unknown_cluster(name),
        ("endpoint", "rules"): lambda: endpoints(name, 70000),
        ("endpoint", "meaning"): lambda: endpoints(name, 9, host="not an address"),
        ("listener", "rules"): lambda: listener(name, 70000, rds=name),
        ("listener", "meaning"): lambda: listener(name, free_port(), rds=name, host="not an address"),
        ("route", "rules"): lambda: routes(name, direct("/", name, status=9999)),
        ("route", "meaning"): lambda: routes(name, bad_regex(name)),
    }
    return made[kind, how]()


def unknown_cluster(name: str) -> Record:
    """One with a transport socket that there is not."""
    return record(
        Cluster(
            name=name,
            type=ClusterDiscoveryType.STATIC,
            connect_timeout=duration_ms(1000),
            transport_socket=TransportSocket(name="unknown", typed_config=any_of(Router())),
        )
    )


def bad_regex(to: str) -> Route:
    return Route(match=RouteMatch(safe_regex=RegexMatcher(regex="((")), route=RouteAction(cluster=to))


def world(edition: int, ports: dict[str, int]) -> dict[str, Record]:
    """Forty of each kind, all good."""
    return keyed(
        cluster={name: cluster(name, connect_ms=1000 + edition) for name in NAMES},
        endpoint={name: endpoints(name, 10 + edition) for name in NAMES},
        listener={name: listener(name, ports[name], rds=name, stat_prefix=f"edition-{edition}") for name in NAMES},
        route={name: routes(name, direct("/", f"{name} {edition}")) for name in NAMES},
    )


def is_asked_for(key: str, bad: set[str]) -> bool:
    """Whether Envoy has that which would ask for it."""
    kind, name = key.split("/")
    user = {"endpoint": "cluster", "route": "listener"}.get(kind)
    return f"{user}/{name}" not in bad


def told(ads: Adsserver, wanted: dict[str, Record], bad: set[str]) -> None:
    for key, each in wanted.items():
        if key in bad:
            ads.wait_refused(key, each)
            assert ads.ack(key)["accepted"] != each.version
        else:
            ads.wait_accepted(key, each)
            assert not ads.ack(key)["refused"], key


@pytest.mark.parametrize("how", ["rules", "meaning"])
@pytest.mark.parametrize("kind", ["cluster", "endpoint", "listener", "route"])
def test_each_bad_one_is_told_and_no_other(ads: Adsserver, envoy: RealEnvoy, kind: str, how: str) -> None:
    """At the first delivery, after restarts of both sides, as a change, and sent again by way of a good one."""
    ports = {name: free_port() for name in NAMES}
    bad = {f"{kind}/{name}" for name in (NAMES[7], NAMES[23])}

    def spoilt(edition: int) -> dict[str, Record]:
        spoiling = {key: bad_resource(kind, key.split("/")[1], how) for key in bad}
        return world(edition, ports) | spoiling

    first = spoilt(0)
    asked_for = {key: each for key, each in first.items() if is_asked_for(key, bad)}
    ads.replace(first)
    told(ads, asked_for, bad)
    for process in (ads, envoy):
        since = ads.ack("stream")["since"]
        process.kill()
        process.start()
        wait_until(lambda was=since: ads.ack("stream")["connected"] and ads.ack("stream")["since"] > was)  # type: ignore[misc]
        envoy.wait_live()
        told(ads, asked_for, bad)
    for edition in (1, 2):
        good = world(edition, ports)
        ads.replace(good)
        told(ads, good, set())
        changed = spoilt(edition)
        ads.replace(changed)
        told(ads, changed, bad)
