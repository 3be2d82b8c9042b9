"""A real Envoy holds requests to what a route says: by the whole script, and while that is not there yet."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, Final

import pytest

from envoyapi import canonical
from envoyapi.config_route_v3 import DirectResponseAction, Route, RouteConfiguration, RouteMatch, VirtualHost
from envoyapi.wire import Message
from tests.support.envoy import RealEnvoy, free_port
from tests.support.raw import RawConnection
from translator.filters import checks, configuration_of, switches_of
from translator.filters.checks import Checking, Checks
from translator.filters.passwords import Passwords
from translator.filters.unavailable import Unavailable
from translator.ir import Backend

pytestmark = pytest.mark.envoy

FILTERS: Final = "type.googleapis.com/envoy.extensions.filters"
SHA: Final = "{SHA}" + base64.b64encode(hashlib.sha1(b"let me in").digest()).decode()
RIGHT: Final = base64.b64encode(b"ann:let me in").decode()
SAID: Final = {"checked": Checks(Passwords((("ann", SHA),))), "unavailable": Unavailable(), "open": None}
ALIVE: Final = "/ambassador/v0/check_alive"


def nobody(_: Backend) -> str:
    return "nobody"


def as_json(message: Message) -> dict[str, Any]:
    return canonical.to_json(message.FULL_NAME, message)


def virtual_host(name: str, said: object) -> VirtualHost:
    answer = DirectResponseAction(status=200)
    filters = switches_of([said], nobody) if said is not None else None
    route = Route(match=RouteMatch(prefix="/"), direct_response=answer, typed_per_filter_config=filters)
    return VirtualHost(name=name, domains=[f"{name}.test"], routes=[route])


def listener(port: int, value: object) -> dict[str, Any]:
    """Where the filter has this configuration."""
    routes = RouteConfiguration(virtual_hosts=[virtual_host(name, said) for name, said in SAID.items()])
    script = as_json(configuration_of(checks.NAME, value, nobody))
    router = {"name": "router", "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"}}
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": as_json(routes),
        "http_filters": [script, router],
    }
    return {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    found = {"idle": free_port(), "whole": free_port()}
    listeners = [listener(found["idle"], None), listener(found["whole"], Checking())]
    with RealEnvoy({"static_resources": {"listeners": listeners}}) as envoy:
        envoy.wait_live()
        yield found


@pytest.mark.parametrize("path", ["/", ALIVE, f"{ALIVE}?x", "/ambassador/v0/check_ready"])
def test_without_the_script_nobody_gets_in_where_it_should_look(ports: dict[str, int], path: str) -> None:
    connection = RawConnection(ports["idle"])
    found = {name: connection.ask(f"{name}.test", path, f"authorization: Basic {RIGHT}").status for name in SAID}
    connection.close()
    assert found == {"checked": 500, "unavailable": 500 if path == "/" else 200, "open": 200}


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        (RIGHT, 200),
        (f"{RIGHT}{'=' * 1500}", 200),
        # A long text is not decoded, though it says the same: it would cost as much as a password that is looked at.
        (f"{RIGHT}{'=' * 3000}", 401),
        (f"{RIGHT}x", 401),
    ],
    ids=["right", "padded", "too long", "wrong"],
)
def test_the_script_looks_at_what_may_be_a_password(ports: dict[str, int], given: str, answered: int) -> None:
    connection = RawConnection(ports["whole"])
    found = {name: connection.ask(f"{name}.test", ALIVE, f"authorization: Basic {given}").status for name in SAID}
    connection.close()
    assert found == {"checked": answered, "unavailable": 200, "open": 200}
