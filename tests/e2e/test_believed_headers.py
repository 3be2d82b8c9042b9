"""What clients say in a proxy's name reaches no service, unless a proxy before us is trusted; then all of it does."""

import itertools
import json
import socket
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from tests.support.certificates import authority, trusting
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.raw import RawConnection
from tests.support.upstream import HttpUpstream
from translator.xds.believed import NAMES, PREFIXES

pytestmark = [pytest.mark.envoy, pytest.mark.system]

BELIEVED = (
    *NAMES,
    *(f"{prefix}{rest}" for prefix in PREFIXES if prefix.endswith("-") for rest in ("verify", "x-y")),
    *(
        "client-cert",
        "client-cert-chain",
        "x-client-cert",
        "x-client-cert-dn",
        "forwarded-for",
        "x-remote-extra-scopes",
    ),
    *(
        f"x-forwarded-{what}"
        for what in ("host", "port", "prefix", "uri", "path", "method", "ssl", "scheme", "protocol")
    ),
    *(f"x-forwarded-{what}" for what in ("by", "server", "user", "tls-client-cert", "for-original", "proto-version")),
    *(f"x-envoy-{what}" for what in ("attempt-count", "original-path", "original-host", "peer-metadata", "retry-on")),
    *(f"x-envoy-{what}" for what in ("decorator-operation", "force-trace", "original-method", "fault-abort-request")),
)
PASSED = (
    "x-http-method-override",
    "via",
    "traceparent",
    "x-b3-traceid",
    "x-amzn-trace-id",
    "cdn-loop",
    "authorization",
    "x-user",
    "x-forward",
    "proxy-authorization",
    "x-realm",
    "remote",
    "xforwarded-host",
)
BATCHES = tuple(
    {**dict.fromkeys(names, "evil"), **dict.fromkeys(PASSED, "kept")} for names in (BELIEVED[::2], BELIEVED[1::2])
)
"""What is sent at once: of more than a hundred headers Envoy takes none."""
# What Envoy takes away though a proxy is trusted, being about itself.
ABOUT_ENVOY = {name for name in BELIEVED if name.startswith("x-envoy-")}


def said_by_client(headers: dict[str, str]) -> set[str]:
    return {name for name, value in headers.items() if "evil" in value.lower()}


def lines(batch: dict[str, str]) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in batch.items())


@pytest.mark.parametrize("name", ["", "cap"])
def test_what_a_client_says_in_a_proxys_name_reaches_no_service(gateway: Gateway, red: HttpUpstream, name: str) -> None:
    name, spelled = (f"{name}believed.test", str.title if name else str)
    pair = authority().sign(name)
    texts = tls_secret("believed", pair.certificate, pair.key) + host(name, name, tlsSecret={"name": "believed"})
    with gateway.applied(name, texts + mapping("believed", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        for batch in BATCHES:
            with RawConnection(gateway.http_port) as connection:
                sent = [spelled(line) for line in lines(batch)]
                arrived = json.loads(connection.ask(name, "/", *sent).body)["headers"]
            assert not said_by_client(arrived)
            assert arrived.keys() >= set(PASSED)
            for tls in (False, True):
                answer = gateway.request(name, headers=batch, tls=tls, http2=True, context=trusting(authority()))
                assert not said_by_client(answer.json()["headers"])
                assert answer.json()["headers"].keys() >= set(PASSED)


def test_each_of_them_alone_and_said_twice(gateway: Gateway, red: HttpUpstream) -> None:
    name = "alone.test"
    with (
        gateway.applied(name, host(name, name) + mapping("alone", name, red.service)),
        RawConnection(gateway.http_port) as connection,
    ):
        gateway.wait_served(name)
        for each in BELIEVED:
            answer = connection.ask(name, "/", f"{each}: evil", f"{each.upper()}: evil")
            assert each not in json.loads(answer.body)["headers"] or each.startswith("x-envoy-")
            assert not said_by_client(json.loads(answer.body)["headers"])


def test_no_route_format_or_upgrade_sees_them_and_what_a_mapping_adds_stays(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "added.test"
    added = {
        "x-forwarded-port": "8443",
        "x-forwarded-prefix": {"value": "/api", "append": False},
        "x-real-ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "x-copied": "%REQ(x-forwarded-host)%",
    }
    texts = mapping("added", name, red.service, add_request_headers=added, allow_upgrade=["websocket"])
    texts += mapping("asking", name, blue.service, headers={"x-forwarded-host": "evil"})
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name)
        arrived = gateway.request(name, headers=dict.fromkeys([*list(added)[:3], "x-forwarded-host"], "evil")).json()
        assert arrived["upstream"] == "red"
        assert not said_by_client(arrived["headers"])
        assert "x-copied" not in arrived["headers"]
        assert arrived["headers"]["x-forwarded-port"] == "8443"
        assert arrived["headers"]["x-forwarded-prefix"] == "/api"
        assert arrived["headers"]["x-real-ip"] == "127.0.0.1"
        red.seen.clear()
        with (
            socket.create_connection(("127.0.0.1", gateway.http_port)) as connection,
            connect(f"ws://{name}/ws", sock=connection, additional_headers={"x-forwarded-host": "evil"}) as websocket,
        ):
            websocket.send("hello")
            assert websocket.recv(timeout=10) == "red: hello"
        assert not said_by_client(red.seen[-1]["headers"])


def test_where_the_module_says_that_a_proxy_stands_before_us_all_of_them_pass(red: HttpUpstream) -> None:
    module = an_object("Module", "ambassador", {"config": {"use_remote_address": False}})
    with Gateway() as gateway:
        gateway.apply("all", host("all", "all.test") + module + mapping("all", "all.test", red.service))
        gateway.wait_served("all.test")
        for http2, batch in itertools.product((False, True), BATCHES):
            believed = {**batch, "x-forwarded-for": "9.9.9.9", "x-forwarded-proto": "https"}
            arrived = gateway.request("all.test", headers=believed, http2=http2).json()["headers"]
            assert said_by_client(arrived) >= (batch.keys() & set(BELIEVED)) - ABOUT_ENVOY
            assert (arrived["x-forwarded-for"], arrived["x-forwarded-proto"]) == ("9.9.9.9", "https")


def test_where_a_listener_has_proxies_in_front_all_of_them_pass_there_alone(
    gateway: Gateway, red: HttpUpstream
) -> None:
    name = "depth.test"
    (port,) = unused_ports(1)
    spec = {"port": port, "protocol": "HTTP", "securityModel": "XFP", "l7Depth": 1}
    listener = an_object("Listener", "deep", {**spec, "hostBinding": {"namespace": {"from": "ALL"}}})
    with gateway.applied(name, host(name, name) + listener + mapping("depth", name, red.service)):
        gateway.wait_served(name)
        for batch in BATCHES:
            assert not said_by_client(gateway.request(name, headers=batch).json()["headers"])
            with RawConnection(port) as connection:
                arrived = json.loads(connection.ask(name, "/", *lines(batch)).body)["headers"]
            assert said_by_client(arrived) >= (batch.keys() & set(BELIEVED)) - ABOUT_ENVOY


@pytest.mark.parametrize("action", ["ALLOW", "DROP_HEADER", None])
def test_underscores_are_no_way_around(red: HttpUpstream, action: str | None) -> None:
    name = "under.test"
    config = {} if action is None else {"headers_with_underscores_action": action}
    spellings = ("x_forwarded_host", "X_Forwarded-Host", "x-forwarded_for", "x_forwarded_proto", "X_Real_IP")
    spellings += ("ssl_client_verify", "x_envoy_attempt_count", "x_forwarded_client_cert", "remote_user")
    with Gateway() as gateway, RawConnection(gateway.http_port) as connection:
        module = an_object("Module", "ambassador", {"config": config})
        gateway.apply("all", host(name, name) + module + mapping("under", name, red.service))
        gateway.wait_served(name)
        for each in spellings:
            answer = connection.ask(name, "/", f"{each}: evil")
            assert answer.status == (400 if action is None else 200)
            assert action is None or not said_by_client(json.loads(answer.body)["headers"])
        kept = json.loads(connection.ask(name, "/", "x_mine: 1").body or b"{}") if action == "ALLOW" else None
        assert kept is None or kept["headers"]["x_mine"] == "1"
