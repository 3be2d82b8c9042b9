"""Services that the gateway itself asks or tells have names of its own namespace, wherever the object is."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.support.authorization import HttpAuthorization
from tests.support.collectors import LogSink
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.limiting import RateLimiter
from tests.support.objects import an_object, endpoint_slice, host, mapping, service
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "asking.test"
KINDS = ("AuthService", "RateLimitService", "LogService", "TracingService")
COUNTED = {"labels": {"ambassador": [{"all": [{"generic_key": {"value": "all"}}]}]}}


def served_as(name: str, port: int) -> str:
    """A Service of the gateway's namespace."""
    return service(name, {"tcp": 9000}) + endpoint_slice(f"{name}-1", name, {"tcp": port}, {"addresses": ["127.0.0.1"]})


def of_a_team(kind: str, **spec: object) -> str:
    return an_object(kind, "asking", spec, namespace="team")


def test_each_is_found_by_its_name_from_an_object_of_another_namespace(gateway: Gateway, red: HttpUpstream) -> None:
    with (
        HttpAuthorization("auth") as auth,
        RateLimiter() as limiter,
        LogSink() as log,
        HttpUpstream("collector") as collector,
    ):
        texts = host(NAME, NAME) + mapping(NAME, NAME, red.service, **COUNTED)
        ports = {"auth": auth.port, "limits": limiter.port, "log": log.port, "traces": collector.port}
        texts += "".join(served_as(f"asked-{name}", port) for name, port in ports.items())
        with gateway.applied("asking", texts):
            gateway.wait_served(NAME)
            texts = of_a_team("AuthService", auth_service="asked-auth:9000", timeout_ms=10_000)
            texts += of_a_team(
                "RateLimitService", service="asked-limits:9000", protocol_version="v3", timeout_ms=10_000
            )
            texts += of_a_team("LogService", service="asked-log:9000", driver="http", flush_interval_byte_size=0)
            texts += of_a_team("TracingService", service="asked-traces:9000", driver="zipkin")
            with gateway.applied("asking-team", texts):
                for what, seen in {
                    "authorization": lambda: auth.seen,
                    "counting": lambda: limiter.seen,
                    "an entry": lambda: log.entries("http"),
                    "traces": lambda: collector.seen,
                }.items():
                    wait_until(partial(asked_until, gateway, seen), what=what)
                objects = gateway.diag()["objects"].items()
                assert {key: each["problems"] for key, each in objects if "/team/" in key} == {
                    f"getambassador.io/{kind}/team/asking": [] for kind in KINDS
                }
            gateway.wait_served(NAME)


def asked_until(gateway: Gateway, seen: Callable[[], object]) -> object:
    gateway.request(NAME, headers={"authorization": "let me in"})
    return seen()
