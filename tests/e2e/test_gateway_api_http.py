"""Gateways and HTTPRoutes, asked of a real Envoy: where requests go."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import Gateway
from tests.support.gateway_api import (
    api_gateway,
    backing,
    document,
    elsewhere,
    gateway_class,
    grant,
    listener,
    namespace,
    route,
    rule,
    to,
)
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


@pytest.fixture(scope="module")
def served(red: HttpUpstream, blue: HttpUpstream) -> Iterator[Gateway]:
    """A system with one Gateway, whose listener takes every hostname, and two Services."""
    made = Gateway(listeners=False)
    made.apply("class", gateway_class())
    made.apply("web", api_gateway("web", listener("http", made.http_port)))
    made.apply("services", backing("red", red.port) + backing("blue", blue.port))
    with made:
        yield made


def upstream_of(served: Gateway, host: str, path: str = "/", **more: Any) -> str:
    """Who answers, or the status where nobody does."""
    answer = served.request(host, path, **more)
    return answer.json()["upstream"] if answer.status_code == 200 else str(answer.status_code)


def test_prefixes_are_of_whole_segments_and_exact_paths_come_first(served: Gateway) -> None:
    rules = (
        rule("/", to("blue")),
        rule("/v2", to("red")),
        rule("/exact", to("red"), kind="Exact"),
        rule("/reg.x/[0-9]+", to("red"), kind="RegularExpression"),
    )
    with served.applied("paths", route("paths", "web", *rules, hostnames=["paths.test"])):
        served.wait_served("paths.test")
        asked = {path: upstream_of(served, "paths.test", path) for path in PATHS}
        assert asked == PATHS
        assert upstream_of(served, "other.test") == "404"
        assert upstream_of(served, "paths.test:1234", "/v2") == "red", "a port in Host does not count"


PATHS = {
    "/": "blue",
    "/v2": "red",
    "/v2/": "red",
    "/v2/more?x=1": "red",
    "/v2example": "blue",
    "/V2": "blue",
    "/exact": "red",
    "/exact/": "blue",
    "/EXACT": "blue",
    "/regex/12": "red",
    "/regex/12/": "blue",
}


def test_headers_parameters_and_methods(served: Gateway) -> None:
    def match(**asked: Any) -> list[dict[str, Any]]:
        return [asked]

    version = {"name": "Version", "value": "two"}
    rules = (
        rule("/", to("blue"), matches=match(headers=[version])),
        rule("/", to("red"), matches=match(headers=[version, {"name": "color", "value": "red"}])),
        rule("/", to("red"), matches=match(headers=[{"type": "RegularExpression", "name": "x", "value": "a+"}])),
        rule("/", to("red"), matches=match(queryParams=[{"name": "animal", "value": "whale"}])),
        rule("/", to("blue"), matches=[{"method": "POST"}, {"path": {"value": "/both"}, "method": "PUT"}]),
    )
    with served.applied("matches", route("matches", "web", *rules, hostnames=["matches.test"])):
        served.wait_served("matches.test", headers={"version": "two"})
        asked = [
            ({"headers": {"VERSION": "two"}}, "blue"),
            ({"headers": {"version": "two", "color": "red"}}, "red"),
            ({"headers": {"version": "TWO"}}, "404"),
            ({"headers": {"x": "aaa"}}, "red"),
            ({"headers": {"x": "aab"}}, "404"),
            ({"path": "/?animal=whale"}, "red"),
            ({"path": "/?animal=Whale"}, "404"),
            ({"path": "/?Animal=whale"}, "404"),
            ({"method": "POST"}, "blue"),
            ({"method": "PUT"}, "404"),
            ({"method": "PUT", "path": "/both/more"}, "blue"),
        ]
        assert [upstream_of(served, "matches.test", **more) for more, _ in asked] == [answer for _, answer in asked]


def test_rules_of_routes_that_share_a_host_are_ranked_together_and_the_older_wins(served: Gateway) -> None:
    older = route("z", "web", rule("/same", to("red")), hostnames=["shared.test"], created="2020-01-01T00:00:00Z")
    newer = route(
        "a",
        "web",
        rule("/same", to("blue")),
        rule("/same/longer", to("blue")),
        hostnames=["shared.test", "alone.test"],
        created="2021-01-01T00:00:00Z",
    )
    with served.applied("shared", older + newer):
        served.wait_served("shared.test", "/same/longer")
        assert upstream_of(served, "shared.test", "/same") == "red"
        assert upstream_of(served, "shared.test", "/same/longer") == "blue"
        assert upstream_of(served, "alone.test", "/same") == "blue"


def test_weights_and_shares_that_are_broken(served: Gateway) -> None:
    rules = (
        rule("/split", to("red", 3), to("blue", 1), to("missing", 0)),
        rule("/half", to("red", 1), to("missing", 1)),
        rule("/none", to("red", 0)),
        rule("/empty"),
        rule("/kind", to("red", kind="Teapot", group="example.com")),
        rule("/port", to("red", port=81)),
    )
    with served.applied("weights", route("weights", "web", *rules, hostnames=["weights.test"])):
        served.wait_served("weights.test", "/split")
        shares = Counter(upstream_of(served, "weights.test", "/split") for _ in range(200))
        assert set(shares) == {"red", "blue"}
        assert 115 <= shares["red"] <= 185
        halves = Counter(upstream_of(served, "weights.test", "/half") for _ in range(100))
        assert set(halves) == {"red", "500"}
        assert 25 <= halves["red"] <= 75
        for path in ("/none", "/empty", "/kind", "/port"):
            assert upstream_of(served, "weights.test", path) == "500", path
        told = served.diag()["objects"]["gateway.networking.k8s.io/HTTPRoute/default/weights"]["problems"]
        assert {each["path"]: each["message"] for each in told} == {
            "spec.rules[0].backendRefs[2]": "the Service default/missing does not exist",
            "spec.rules[1].backendRefs[1]": "the Service default/missing does not exist",
            "spec.rules[4].backendRefs[0]": "example.com/Teapot is not served: a backend must be a Service",
            "spec.rules[5].backendRefs[0]": "the Service default/red has no port 81",
        }


def test_a_service_without_pods_is_unavailable(served: Gateway) -> None:
    made = backing("nobody", 9, ready=False) + route(
        "nobody", "web", rule("/", to("nobody")), hostnames=["nobody.test"]
    )
    with served.applied("nobody", made):
        served.wait_served("nobody.test", status=503)


def test_a_service_of_another_namespace_takes_a_grant(served: Gateway, red: HttpUpstream) -> None:
    ref = to("far", namespace="far")
    made = elsewhere(backing("far", red.port), "far") + route("far", "web", rule("/", ref), hostnames=["far.test"])
    with served.applied("far", made):
        served.wait_served("far.test", status=500)
        for wrong in (
            grant("g", "far", {"kind": "GRPCRoute", "namespace": "default"}, "Service"),
            grant("g", "far", {"kind": "HTTPRoute", "namespace": "other"}, "Service"),
            grant("g", "far", {"kind": "HTTPRoute", "namespace": "default"}, "Secret"),
            grant("g", "far", {"kind": "HTTPRoute", "namespace": "default"}, "Service", "near"),
            grant("g", "other", {"kind": "HTTPRoute", "namespace": "default"}, "Service"),
        ):
            served.apply(
                "grant",
                wrong + backing("marker", 9) + route("m", "web", rule("/", to("marker")), hostnames=["marker.test"]),
            )
            served.wait_served("marker.test", status=503)
            assert upstream_of(served, "far.test") == "500"
            served.remove("grant")
            served.wait_served("marker.test", status=404)
        with served.applied("grant", grant("g", "far", {"kind": "HTTPRoute", "namespace": "default"}, "Service")):
            assert served.wait_served("far.test").json()["upstream"] == "red"
        served.wait_served("far.test", status=500)


def test_whose_routes_attach_to_a_listener(red: HttpUpstream) -> None:
    made = Gateway(listeners=False)
    chosen = {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}
    named = {"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "bare"}}}
    listeners = (
        listener("same", made.http_port, hostname="same.test", allowedRoutes={"namespaces": {"from": "Same"}}),
        listener("chosen", made.http_port, hostname="chosen.test", allowedRoutes={"namespaces": chosen}),
        listener("named", made.http_port, hostname="named.test", allowedRoutes={"namespaces": named}),
        listener("calls", made.http_port, hostname="calls.test", allowedRoutes={"kinds": [{"kind": "GRPCRoute"}]}),
    )
    texts = gateway_class() + api_gateway("web", *listeners)
    texts += namespace("labelled", team="web") + namespace("other", team="other") + backing("red", red.port)
    for place in ("default", "labelled", "other", "bare"):
        texts += elsewhere(backing("red", red.port), place) if place != "default" else ""
        parent = [{"name": "web", "namespace": "default"}]
        texts += route("all", parent, rule(f"/{place}", to("red")), namespace=place)
    made.apply("all", texts)
    with made:
        made.wait_served("same.test", "/default")
        made.wait_served("chosen.test", "/labelled")
        made.wait_served("named.test", "/bare")
        answers = {
            (host, place): made.request(f"{host}.test", f"/{place}").status_code
            for host in ("same", "chosen", "named", "calls")
            for place in ("default", "labelled", "other", "bare")
        }
        served = {("same", "default"), ("chosen", "labelled"), ("named", "bare")}
        assert {asked for asked, status in answers.items() if status == 200} == served
        assert {status for asked, status in answers.items() if asked not in served} == {404}
        told = made.diag()["objects"]["gateway.networking.k8s.io/HTTPRoute/other/all"]["problems"]
        assert told[0]["path"] == "spec.parentRefs[0]"


def test_a_route_finds_the_gateways_that_need_no_naming(served: Gateway) -> None:
    here = listener("http", served.http_port, hostname="default.test")
    rules = [rule("/", to("red"))]
    wanting = document("HTTPRoute", "wanting", {"useDefaultGateways": "All", "rules": rules})
    with served.applied("wanting", wanting):
        with served.applied("default", api_gateway("default", here, defaultScope="All")):
            assert served.wait_served("default.test").json()["upstream"] == "red"
            assert upstream_of(served, "other.test") == "404", "the other Gateway has to be named"
        served.wait_served("default.test", status=404)
