"""RateLimitServices, asked of a real one: what it is told of requests, and that changes cost no connection."""

import re
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.kept import KeptAlive
from tests.support.limiting import RateLimiter
from tests.support.load import Load
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import GrpcUpstream, HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "limit.test"
ALL = {"generic_key": {"value": "all"}}
LABELS = {
    "ambassador": [
        {"by_user": [ALL, {"request_headers": {"key": "user", "header_name": "X-User"}}]},
        {
            "by_team": [
                {"generic_key": {"value": "teams", "key": "what"}},
                {"request_headers": {"key": "team", "header_name": "x-team", "omit_if_not_present": True}},
            ]
        },
        {"by_place": [{"remote_address": {"key": "remote_address"}}]},
        {"by_cluster": [{"source_cluster": {}}, {"destination_cluster": {}}]},
        {"wrong": [{"generic_key": {"value": 5}}]},
    ],
    "else": [{"by_all": [{"generic_key": {"value": "else"}}]}],
}


@pytest.fixture
def limiter() -> Iterator[RateLimiter]:
    with RateLimiter() as service:
        yield service


@pytest.fixture(autouse=True)
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[None]:
    """Mappings with labels, without, with those of an older version, and one that sends elsewhere."""
    texts = host("limit", NAME)
    texts += mapping("counted", NAME, red.service, labels={"ambassador": [{"all": [ALL]}]})
    texts += mapping("labelled", NAME, red.service, "/labelled/", labels=LABELS)
    texts += mapping("unlabelled", NAME, red.service, "/unlabelled/")
    texts += mapping("never", NAME, red.service, "/never/", labels={"ambassador": []})
    texts += mapping("away", NAME, "else.test", "/away/", host_redirect=True, labels=LABELS)
    older = ["remote_address", "text", {"generic_key": "more"}, {"user": {"header": "x-user"}}]
    texts += (
        mapping("older", NAME, red.service, "/older/", labels={"ambassador": [{"older": older}]})
        .replace("v3alpha1", "v2")
        .replace('"hostname"', '"host"')
    )
    with gateway.applied("limit-served", texts):
        gateway.wait_served(NAME, "/older/")
        yield
    gateway.wait_served(NAME, status=404)


def limits(service: str, name: str = "limits", **spec: Any) -> str:
    return an_object(
        "RateLimitService",
        name,
        {"service": service, "protocol_version": "v3", "timeout_ms": 10_000, **spec},
    )


def ask(gateway: Gateway, path: str = "/", **headers: str) -> httpx.Response:
    return gateway.request(NAME, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Applied:
    """RateLimitServices in force for the length of a block; afterwards nothing is counted any more."""

    def __init__(self, gateway: Gateway, text: str, limiter: RateLimiter) -> None:
        self._gateway, self._text, self._limiter = gateway, text, limiter

    def __enter__(self) -> None:
        self._gateway.settle("limits", self._text)
        wait_until(
            lambda: ask(self._gateway) and self._limiter.seen,
            what=lambda: f"the RateLimitService in force; the log ends {self._gateway.log()[-3000:]}",
        )
        self._limiter.seen.clear()

    def __exit__(self, *_: object) -> None:
        self._gateway.remove("limits")

        def uncounted() -> bool:
            self._limiter.seen.clear()
            return ask(self._gateway).status_code == 200 and not self._limiter.seen

        wait_until(uncounted, what="nothing counted any more")


def test_each_group_is_a_descriptor_with_its_entries_in_their_order(gateway: Gateway, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service), limiter):
        answer = ask(gateway, "/labelled/", x_user="ann", x_team="blue")
        assert (answer.status_code, answer.headers["x-counted"]) == (200, "4")
        ((domain, descriptors),) = limiter.seen
        assert domain == "ambassador"
        *told, cluster = descriptors
        assert told == [
            (("generic_key", "all"), ("user", "ann")),
            (("what", "teams"), ("team", "blue")),
            (("remote_address", "127.0.0.1"),),
        ]
        assert cluster[0] == ("source_cluster", "ambassador-default")
        assert cluster[1][0] == "destination_cluster"
        assert "127.0.0.1" in cluster[1][1]
        status = gateway.diag()["objects"]["getambassador.io/Mapping/default/labelled"]
        assert [problem["path"] for problem in status["problems"]] == [
            "spec.labels.ambassador[4].wrong[0].generic_key.value"
        ]


def test_what_a_missing_header_leaves_out(gateway: Gateway, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service), limiter):
        ask(gateway, "/labelled/")
        ((_, descriptors),) = limiter.seen
        assert descriptors[0] == (("what", "teams"),)
        assert len(descriptors) == 3


def test_labels_of_an_older_version(gateway: Gateway, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service), limiter):
        assert ask(gateway, "/older/", x_user="ann").status_code == 200
        ((_, descriptors),) = limiter.seen
        assert descriptors == [
            (("remote_address", "127.0.0.1"), ("generic_key", "text"), ("generic_key", "more"), ("user", "ann"))
        ]


def test_a_request_that_is_too_many(gateway: Gateway, red: HttpUpstream, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service), limiter):
        limiter.full.add((("generic_key", "all"),))
        red.seen.clear()
        answer = ask(gateway)
        assert (answer.status_code, answer.headers["x-envoy-ratelimited"]) == (429, "true")
        assert answer.headers["x-counted"] == "1"
        assert red.seen == []
        assert ask(gateway, "/unlabelled/").status_code == 200
        limiter.full.clear()


def test_nothing_is_counted_where_nobody_asked_for_it(gateway: Gateway, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service), limiter):
        for path, status in (
            ("/unlabelled/", 200),
            ("/never/", 200),
            ("/away/", 301),
            ("/ambassador/v0/check_alive", 200),
        ):
            assert ask(gateway, path).status_code == status
        assert limiter.seen == []


def test_the_modules_defaults_go_before_each_group_or_stand_alone(gateway: Gateway, limiter: RateLimiter) -> None:
    config = {
        "default_label_domain": "else",
        "default_labels": {"else": {"defaults": [{"generic_key": {"value": "default"}}]}},
    }
    with (
        gateway.applied("limit-module", an_object("Module", "ambassador", {"config": config})),
        Applied(gateway, limits(limiter.service), limiter),
    ):
        ask(gateway, "/labelled/")
        ask(gateway, "/unlabelled/")
        default = ("generic_key", "default")
        assert limiter.seen == [("else", [(default, ("generic_key", "else"))]), ("else", [(default,)])]
        gateway.apply("limits", limits(limiter.service, domain="ambassador"))

        def domain() -> str:
            limiter.seen.clear()
            ask(gateway)
            return limiter.seen[-1][0] if limiter.seen else ""

        wait_until(lambda: domain() == "ambassador", what="the domain that the service names itself")


@pytest.mark.parametrize("wrong", [{}, {"protocol_version": "v2"}], ids=["away", "stopped"])
def test_where_nobody_can_count_what_failure_mode_deny_says_counts(gateway: Gateway, wrong: dict[str, Any]) -> None:
    nobody = f"127.0.0.1:{unused_port()}"
    with gateway.applied("limits", limits(nobody, failure_mode_deny=True, **wrong)):
        gateway.wait_served(NAME, status=500)
        assert ask(gateway, "/unlabelled/").status_code == 200
        gateway.apply("limits", limits(nobody, **wrong))
        gateway.wait_served(NAME)
        problems = gateway.diag()["objects"]["getambassador.io/RateLimitService/default/limits"]["problems"]
        assert [problem["path"] for problem in problems] == (["", "spec.protocol_version"] if wrong else [])


@pytest.mark.parametrize("version", [None, "v2"])
def test_item_44_another_version_of_the_protocol_is_told(
    gateway: Gateway, limiter: RateLimiter, version: str | None
) -> None:
    spec = {"service": limiter.service, **({"protocol_version": version} if version else {})}
    with gateway.applied("limits", an_object("RateLimitService", "limits", spec)):
        key = "getambassador.io/RateLimitService/default/limits"
        found = wait_until(lambda: gateway.diag()["objects"].get(key), what="the RateLimitService read")
        assert [problem["path"] for problem in found["problems"]] == ["", "spec.protocol_version"]
        assert ask(gateway).status_code == 200
        assert limiter.seen == []


def test_how_long_it_may_take(gateway: Gateway, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service), limiter):
        limiter.delay = 0.2
        gateway.apply("limits", limits(limiter.service, timeout_ms=20, failure_mode_deny=True))
        gateway.wait_served(NAME, status=500)
        gateway.apply("limits", limits(limiter.service, timeout_ms=0, failure_mode_deny=True))
        gateway.wait_served(NAME)  # 0 is no limit
        limiter.delay = 0.0


def test_one_counts_and_the_others_are_told(gateway: Gateway, limiter: RateLimiter) -> None:
    with RateLimiter() as second:
        text = limits(second.service, "a", protocol_version="v2") + limits(limiter.service, "b")
        with Applied(gateway, text + limits(second.service, "c"), limiter):
            assert ask(gateway).status_code == 200
            assert len(limiter.seen) == 1
            assert second.seen == []
            found = gateway.diag()["objects"]["getambassador.io/RateLimitService/default/c"]
            assert [problem["path"] for problem in found["problems"]] == ["metadata.name"]


def test_what_a_client_that_speaks_grpc_is_told(gateway: Gateway, limiter: RateLimiter) -> None:
    limiter.full.add((("generic_key", "all"),))

    def code() -> grpc.StatusCode | None:
        options = [("grpc.default_authority", "grpc.limit.test")]
        with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options) as channel:
            try:
                channel.unary_unary("/test.Echo/Say")(b"hello", timeout=10)
            except grpc.RpcError as error:
                found = error.code()  # type: ignore[attr-defined]
                return found if isinstance(found, grpc.StatusCode) else None
        return None

    with GrpcUpstream("grpc") as upstream:
        text = host("limit-grpc", "grpc.limit.test") + mapping(
            "limit-grpc",
            "grpc.limit.test",
            upstream.service,
            "/test.Echo/",
            rewrite="",
            grpc=True,
            labels={"ambassador": [{"all": [ALL]}]},
        )
        with gateway.applied("limit-grpc", text):
            wait_until(lambda: code() is None, what="the service by gRPC")
            with gateway.applied("limits", limits(limiter.service)):
                wait_until(lambda: code() == grpc.StatusCode.UNAVAILABLE, what="UNAVAILABLE")
                gateway.apply("limits", limits(limiter.service, grpc={"use_resource_exhausted_code": True}))
                wait_until(lambda: code() == grpc.StatusCode.RESOURCE_EXHAUSTED, what="RESOURCE_EXHAUSTED")
            wait_until(lambda: code() is None, what="nothing counted any more")


def test_item_27_its_name_in_statistics(gateway: Gateway, limiter: RateLimiter) -> None:
    with Applied(gateway, limits(limiter.service, stats_name="counting"), limiter):

        def counted() -> bool:
            ask(gateway)
            lines = gateway.diagnostics("/metrics").text.splitlines()
            return any(
                re.match(r'envoy_cluster_upstream_rq_total\{.*"counting".*\} [1-9]', line) is not None for line in lines
            )

        wait_until(counted, what="requests of the service counted by its name")


def test_one_that_comes_changes_and_goes_costs_no_connection_and_no_request(
    gateway: Gateway, limiter: RateLimiter
) -> None:
    with (
        RateLimiter() as other,
        KeptAlive(gateway.http_port, host=NAME) as kept,
        Load(gateway.http_port, host=NAME) as load,
    ):
        for service in (limiter, other):
            with Applied(gateway, limits(service.service), service):
                gateway.apply("limits", limits(service.service, domain="else"))
                wait_until(
                    lambda service=service: (
                        ask(gateway, "/labelled/") and service.seen and service.seen[-1][0] == "else"
                    ),
                    what="the changed RateLimitService",
                )
                gateway.apply("limits", limits(service.service))
                wait_until(
                    lambda service=service: ask(gateway) and service.seen[-1][0] == "ambassador",
                    what="the changed RateLimitService",
                )
        assert kept.ask("/never/")
        assert kept.ask("/never/")
        wait_until(lambda: load.requests > 100, what="enough requests")
    assert load.failures == []
    assert load.reconnects == 0
