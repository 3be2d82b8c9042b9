"""Routes that are left out of wider Hosts are missed by no request: a real Envoy is asked with and without them."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from envoyapi import canonical
from tests.support.envoy import RealEnvoy, free_port
from tests.support.raw import RawConnection
from tests.translator.emissary.test_emissary_owners import ENDS, GLOBS, NAMES
from tests.translator.emissary.world import World
from translator.emissary.association import HostEntry
from translator.emissary.grouping import HostPattern
from translator.emissary.reach import Reach
from translator.xds.route import encode_route
from translator.xds.route_configuration import Head, encode_route_configuration, listed
from translator.xds.virtual_host import encode_virtual_host

WORLDS = 12
REQUESTS = 150
FILTERS = "type.googleapis.com/envoy.extensions.filters"


def a_world(seed: int) -> World:
    """Hosts, some of them stopped, and Mappings that Envoy itself answers, by a redirect to their names."""
    rng = random.Random(seed)
    made = World()
    made.listener()
    for number, hostname in enumerate(rng.sample((*NAMES, *GLOBS), rng.randint(2, 8))):
        policy = {"requestPolicy": {"insecure": {"action": rng.choice(("Route", "Route", "Route", "Reject"))}}}
        made.host(f"h{number}", hostname, **(policy if rng.random() < 0.9 else {"tlsSecret": 5}))
    for number in range(12):
        host: dict[str, Any] = {"hostname": rng.choice((*NAMES, *NAMES, *GLOBS))}
        if rng.random() < 0.1:
            host = {"hostname": None, "host": "a[.].*", "host_regex": True}
        made.mapping(f"m{number}", rng.choice(("/", "/a/", "/b")), f"m{number}.test", host_redirect=True, **host)
    return made


def listener(port: int, made: World) -> dict[str, Any]:
    """Envoy's listener for all clear text of a world."""
    chain = made.chains["default/http/cleartext"]
    body: Any = chain.body
    encoded = [
        encode_virtual_host(host, [encode_route(route) for route in made.routes(host.name)])
        for host in body.virtual_hosts
    ]
    routes = encode_route_configuration(chain.name, Head(), listed(encoded)).body
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": canonical.to_json("envoy.config.route.v3.RouteConfiguration", routes),
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"}}],
    }
    return {
        "name": f"{port}",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def everywhere(_: Reach, hosts: tuple[HostEntry, ...], __: HostPattern | None) -> tuple[HostEntry, ...]:
    return hosts


def both(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[World, World]:
    """A world as it is, and the same with every route wherever its Mapping fits."""
    with monkeypatch.context() as patched:
        patched.setattr(Reach, "of", everywhere)
        whole = a_world(seed)
        assert whole.chains
    return a_world(seed), whole


def held(made: World) -> int:
    return sum(len(made.hosts_of(f"default/m{number}")) for number in range(12))


def differences(seeds: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], int, int]:
    """What is answered otherwise, how many requests found a Mapping, and how many routes were left out."""
    worlds = [both(seed, monkeypatch) for seed in seeds]
    worlds = [pair for pair in worlds if "default/http/cleartext" in pair[0].chains]
    ports = [(free_port(), free_port()) for _ in worlds]
    listeners = [
        listener(port, made)
        for pair, numbers in zip(worlds, ports, strict=True)
        for made, port in zip(pair, numbers, strict=True)
    ]
    wrong, found = [], 0
    with RealEnvoy({"static_resources": {"listeners": listeners}}) as envoy:
        envoy.wait_live(60)
        for seed, numbers in zip(seeds, ports, strict=False):
            rng = random.Random(seed)
            with RawConnection(numbers[0]) as one, RawConnection(numbers[1]) as other:
                for _ in range(REQUESTS):
                    name = rng.choice((*NAMES, "c.x", "c.b.x", "z")) + rng.choice(("", "", "", *ENDS))
                    name = name.upper() if rng.random() < 0.2 else name
                    path = rng.choice(("/", "/a/x", "/b", "/bc?d"))
                    answers = [
                        (answer.status, answer.header("location"))
                        for connection in (one, other)
                        for answer in [connection.ask(name, path)]
                    ]
                    found += answers[0][0] == 301
                    if answers[0] != answers[1]:
                        wrong.append((seed, name, path, answers))
    return wrong, found, sum(held(whole) - held(made) for made, whole in worlds)


@pytest.mark.envoy
def test_no_request_misses_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, found, left_out = differences(range(WORLDS), monkeypatch)
    assert wrong == []
    assert found > WORLDS * REQUESTS / 8
    assert left_out > WORLDS
