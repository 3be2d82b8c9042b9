"""Endpoints that are not well: asked by health checks, or known by their answers, they get no requests."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.h2c import H2cUpstream
from tests.support.objects import endpoint_slice, host, mapping, service
from tests.support.upstream import GrpcUpstream, HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


@pytest.fixture
def red() -> Iterator[HttpUpstream]:
    """One of this module's own: it is asked whether it is well as long as some listener drains that knows it."""
    with HttpUpstream("red") as upstream:
        yield upstream


@pytest.fixture
def blue() -> Iterator[HttpUpstream]:
    with HttpUpstream("blue") as upstream:
        yield upstream


SOON = {"interval": "100ms"}
OFTEN = {"timeout": "2s"} | SOON


@contextmanager
def pods(
    gateway: Gateway, name: str, *upstreams: HttpUpstream | GrpcUpstream | H2cUpstream, **spec: Any
) -> Iterator[None]:
    """A Host and a Mapping of this name, to a Service with an endpoint for each of these, a file each."""
    text = (
        host(f"{name}.test", f"{name}.test") + service(name, {"web": 80}) + mapping(name, f"{name}.test", name, **spec)
    )
    with gateway.applied(name, text):
        for each in upstreams:
            at = {"addresses": ["127.0.0.1"]}
            gateway.apply(f"{name}-{each.name}", endpoint_slice(f"{name}-{each.name}", name, {"web": each.port}, at))
        try:
            yield
        finally:
            for each in upstreams:
                gateway.remove(f"{name}-{each.name}")


def serving(gateway: Gateway, name: str) -> set[str]:
    """Who answers 16 requests: the names in the answers that are good, the statuses of the others."""
    answers = [gateway.request(f"{name}.test", "/asked") for _ in range(16)]
    return {one.json()["upstream"] if one.text.startswith("{") else str(one.status_code) for one in answers}


def stat(gateway: Gateway, name: str, cluster: str) -> float:
    pattern = rf'{name}\{{envoy_cluster_name="{cluster}"\}} (\S+)'
    return sum(float(value) for value in re.findall(pattern, gateway.diagnostics("/metrics").text))


def test_who_fails_a_health_check_gets_no_requests_until_it_is_well(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    question = {
        "path": "/health?deep=1",
        "hostname": "checked.example.com",
        "add_request_headers": {"x-check": {"value": "yes"}, "x-plain": "too"},
        "remove_request_headers": ["user-agent"],
    }
    checks = [{**OFTEN, "health_check": {"http": question}}]
    with pods(gateway, "checked", red, blue, health_checks=checks):
        wait_until(lambda: serving(gateway, "checked") == {"red", "blue"}, what="both")
        asked = wait_until(lambda: next((one for one in blue.seen if one["path"] != "/asked"), None), what="a check")
        assert (asked["method"], asked["path"], asked["host"]) == ("GET", "/health?deep=1", "checked.example.com")
        assert (asked["headers"]["x-check"], asked["headers"]["x-plain"]) == ("yes", "too")
        assert "user-agent" not in asked["headers"]
        blue.status = 500
        wait_until(lambda: serving(gateway, "checked") == {"red"}, what="the one that is well alone")
        blue.status = 200
        wait_until(lambda: serving(gateway, "checked") == {"red", "blue"}, what="both again")
        # What Kubernetes takes away gets no requests, however well it is.
        gateway.remove("checked-blue")
        wait_until(lambda: serving(gateway, "checked") == {"red"}, what="the one that is left")


def test_expected_statuses_are_good_at_both_ends(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    ranges = [{"min": 300, "max": 299}, {"min": 400, "max": 404}]
    checks = [{**OFTEN, "health_check": {"http": {"path": "/", "expected_statuses": ranges}}}]
    red.status, blue.status = 404, 405
    with HttpUpstream("green") as green, pods(gateway, "expected", red, blue, green, health_checks=checks):
        green.status = 400
        wait_until(lambda: serving(gateway, "expected") == {"red", "green"}, what="those with expected statuses")


def test_one_bad_answer_is_not_enough_where_the_threshold_is_higher(gateway: Gateway) -> None:
    """Envoy alone takes a wrong status for enough, whatever the threshold is."""
    checks = [
        {**OFTEN, "unhealthy_threshold": 3, "healthy_threshold": 1000, "health_check": {"http": {"path": "/"}}},
    ]
    with (
        HttpUpstream("own") as own,
        pods(gateway, "patient", own, health_checks=checks, stats_name="patient"),
    ):
        wait_until(lambda: stat(gateway, "envoy_cluster_health_check_success", "patient") > 0, what="a first check")
        own.failures = 1
        wait_until(lambda: stat(gateway, "envoy_cluster_health_check_failure", "patient") > 0, what="a bad answer")
        good = stat(gateway, "envoy_cluster_health_check_success", "patient")
        wait_until(lambda: stat(gateway, "envoy_cluster_health_check_success", "patient") > good, what="a good answer")
        assert stat(gateway, "envoy_cluster_membership_healthy", "patient") == 1


def test_grpc_has_a_health_protocol_of_its_own(gateway: Gateway) -> None:
    checks = [
        {**OFTEN, "health_check": {"grpc": {"upstream_name": "test.Echo", "authority": "echo.example.com"}}},
        {"health_check": {"http": {"path": "/never"}}},
    ]
    with GrpcUpstream("one") as one, GrpcUpstream("two") as two:
        spec = {"rewrite": "", "grpc": True, "health_checks": checks}
        with pods(gateway, "grpc-checked", one, two, **spec):
            channel = grpc.insecure_channel(
                f"127.0.0.1:{gateway.http_port}", options=[("grpc.default_authority", "grpc-checked.test")]
            )
            with channel:
                say = channel.unary_unary("/test.Echo/Say")

                def answering() -> set[str]:
                    try:
                        return {say(b"", timeout=5).decode().partition(":")[0] for _ in range(16)}
                    except grpc.RpcError:
                        return set()

                wait_until(lambda: answering() == {"one", "two"}, what="both")
                two.is_well = False
                wait_until(lambda: answering() == {"one"}, what="the one that is well alone")
                assert two.asked_after == {"test.Echo"}


def test_the_http_check_of_a_service_of_http2_is_asked_in_http2(gateway: Gateway) -> None:
    checks = [{**OFTEN, "health_check": {"http": {"path": "/health"}}}]
    with H2cUpstream("two") as two, pods(gateway, "h2-checked", two, grpc=True, health_checks=checks):
        wait_until(lambda: any(one[":path"] == "/health" for one in two.seen), what="a check in HTTP/2")
        wait_until(lambda: serving(gateway, "h2-checked") == {"two"}, what="an answer")


@pytest.mark.parametrize(
    "given",
    [
        {"consecutive_5xx": 3, "base_ejection_time": "8s"} | SOON,
        json.dumps({"consecutive_gateway_failure": 3, "base_ejection_time": "8s", "max_ejection_percent": 50} | SOON),
    ],
    ids=["object", "text"],
)
def test_who_answers_badly_gets_no_requests_for_a_while(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream, given: object
) -> None:
    with pods(gateway, "outliers", red, blue, outlier_detection=given):
        wait_until(lambda: serving(gateway, "outliers") == {"red", "blue"}, what="both")
        blue.status = 503
        wait_until(lambda: serving(gateway, "outliers") == {"red"}, what="the good one alone")
        blue.status = 200
        wait_until(lambda: serving(gateway, "outliers") == {"red", "blue"}, 90, what="both again")


def test_outlier_detection_that_says_nothing_is_told_and_the_mapping_is_served(
    gateway: Gateway, red: HttpUpstream
) -> None:
    """Emissary drops such a Mapping."""
    with pods(gateway, "odd", red, outlier_detection="yes please"):
        gateway.wait_served("odd.test")
        told = gateway.diag()["objects"]["getambassador.io/Mapping/default/odd"]["problems"]
        assert [one["path"] for one in told] == ["spec.outlier_detection"]


def test_nobody_is_asked_any_more_some_seconds_after_the_mapping_went() -> None:
    """Where no listener drains that may send requests there still."""
    checks = [{"health_check": {"http": {"path": "/health"}}, **OFTEN}]
    with HttpUpstream("green") as green, Gateway() as quiet:
        quiet.apply("green-host", host("green.test", "green.test"))
        quiet.apply("green", mapping("green", "green.test", green.service, health_checks=checks))
        quiet.wait_served("green.test")
        wait_until(lambda: any(each["path"] == "/health" for each in green.seen), what="a first question")
        quiet.remove("green")
        quiet.wait_served("green.test", status=404)

        def is_silent() -> bool:
            green.seen.clear()
            time.sleep(1)
            return not green.seen

        wait_until(is_silent, 60, what="no more questions")
