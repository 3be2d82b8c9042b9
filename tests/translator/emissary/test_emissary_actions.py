"""What becomes of a request: rewrites, headers, redirects, timeouts, retries, upgrades."""

import pytest

from tests.translator.emissary.world import World, world
from translator import ir
from translator.features.idle_timeout import IdleTimeout
from translator.features.retry_policy import RetryPolicy
from translator.features.upgrades import Upgrades
from translator.options import OwnPort


def forward(**fields: object) -> ir.Forward:
    """What the route of a Mapping with these fields does."""
    made = world()
    made.mapping("a", **fields)
    return made.forward()


def test_the_prefix_becomes_a_slash_or_what_is_said_or_stays() -> None:
    assert forward().rewrite == ir.Rewrite("matched", "/")
    assert forward(rewrite="/v2/").rewrite == ir.Rewrite("matched", "/v2/")
    assert forward(rewrite="").rewrite is None


def test_a_regex_rewrite_wins_and_says_so_only_when_both_were_given() -> None:
    made = world()
    regex = {"pattern": "^/(a|b)/", "substitution": r"/\1/\0"}
    silent = made.mapping("a", regex_rewrite=regex)
    told = made.mapping("b", prefix="/b", regex_rewrite=regex, rewrite="/x")
    assert made.forward("default/a").rewrite == ir.Rewrite("regex", r"/\1/\0", "^/(a|b)/")
    assert made.problems(silent) == {}
    assert made.problems(told) == {"spec.rewrite": "warning: has no effect beside regex_rewrite"}


def test_the_host_may_be_rewritten_to_a_text_or_the_services_own_name() -> None:
    assert forward().host is None
    assert forward(host_rewrite="example.com").host == "example.com"
    assert forward(auto_host_rewrite=True, service="quote:8080", namespace="default").host == "quote"
    made = world()
    key = made.mapping("a", auto_host_rewrite=True, host_rewrite="example.com")
    assert made.forward().host == "example.com"
    assert made.problems(key) == {"spec.auto_host_rewrite": "warning: has no effect beside host_rewrite"}
    made.mapping("b", prefix="/b", auto_host_rewrite=True, namespace="other")
    assert made.forward("other/b").host == "quote.other"


def test_timeouts() -> None:
    assert forward().timeout_ms == 3000
    assert forward(timeout_ms=0).timeout_ms == 0
    assert forward(timeout_ms=1, idle_timeout_ms=0).features == (IdleTimeout(0),)
    made = world()
    made.module(cluster_request_timeout_ms=0)
    made.mapping("a")
    assert made.forward().timeout_ms == 0


def test_retries() -> None:
    policy = {"retry_on": "gateway-error", "num_retries": 0, "per_try_timeout": "1.5s"}
    assert forward(retry_policy=policy).features == (RetryPolicy(("gateway-error",), 0, 1500),)
    made = world()
    made.module(retry_policy={"retry_on": "5xx"})
    made.mapping("a")
    made.mapping("b", prefix="/b", retry_policy=policy)
    assert made.forward("default/a").features == (RetryPolicy(("5xx",)),)
    assert made.forward("default/b").features == (RetryPolicy(("gateway-error",), 0, 1500),)


def test_upgrades_are_named_once() -> None:
    assert forward(allow_upgrade=["websocket", "spdy/3.1", "WebSocket"]).features == (
        Upgrades(("spdy/3.1", "websocket")),
    )
    assert forward(use_websocket=True).features == (Upgrades(("websocket",)),)
    assert forward(use_websocket=True, allow_upgrade=["spdy/3.1"]).features == (Upgrades(("spdy/3.1", "websocket")),)
    assert forward(use_websocket=False).features == ()
    assert forward(allow_upgrade=[]).features == ()


def edits(made: World, name: str = "default/a") -> ir.HeaderEdits:
    """The header edits of a Mapping."""
    return made.route(name).headers


def test_headers_are_added_to_or_replaced_and_removed() -> None:
    made = world()
    made.mapping(
        "a",
        add_request_headers={"x-b": {"value": "1", "append": False}, "x-a": "%PROTOCOL%"},
        add_response_headers={"x-c": {"value": ""}},
        remove_request_headers=["x-d"],
        remove_response_headers=["x-e", "x-f"],
    )
    assert edits(made) == ir.HeaderEdits(
        add_request=(ir.HeaderValue("x-a", "%PROTOCOL%"), ir.HeaderValue("x-b", "1", append=False)),
        remove_request=("x-d",),
        add_response=(ir.HeaderValue("x-c", ""),),
        remove_response=("x-e", "x-f"),
    )


def test_defaults_of_the_module_hold_unless_the_mapping_says_something_even_nothing() -> None:
    made = world()
    made.module(
        defaults={
            "add_request_headers": {"x-general": "1"},
            "remove_request_headers": ["x-general"],
            "httpmapping": {"remove_request_headers": ["x-special"]},
        }
    )
    made.mapping("a")
    made.mapping("b", prefix="/b", add_request_headers={}, remove_request_headers=[])
    made.mapping("c", prefix="/c", add_request_headers={"x-own": "1"})
    general = (ir.HeaderValue("x-general", "1"),)
    assert edits(made) == ir.HeaderEdits(add_request=general, remove_request=("x-special",))
    assert edits(made, "default/b") == ir.HeaderEdits()
    assert edits(made, "default/c") == ir.HeaderEdits(
        add_request=(ir.HeaderValue("x-own", "1"),), remove_request=("x-special",)
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ir.Redirect(host="example.com")),
        ({"path_redirect": "/x"}, ir.Redirect(host="example.com", rewrite=ir.Rewrite("whole", "/x"))),
        ({"prefix_redirect": "/x"}, ir.Redirect(host="example.com", rewrite=ir.Rewrite("matched", "/x"))),
        (
            {"regex_redirect": {"pattern": "/(.)", "substitution": r"\1"}},
            ir.Redirect(host="example.com", rewrite=ir.Rewrite("regex", r"\1", "/(.)")),
        ),
        ({"redirect_response_code": 308}, ir.Redirect(host="example.com", code=308)),
        ({"service": "https://example.com:8443"}, ir.Redirect("https", "example.com", 8443)),
        ({"service": "[::1]"}, ir.Redirect(host="[::1]")),
    ],
)
def test_redirects(fields: dict[str, object], expected: ir.Redirect) -> None:
    made = world()
    key = made.mapping("a", **{"service": "example.com", "host_redirect": True, **fields})
    assert made.route().action == expected
    assert made.problems(key) == {}


def test_of_several_paths_of_a_redirect_the_first_counts() -> None:
    made = world()
    key = made.mapping("a", service="example.com", host_redirect=True, path_redirect="/x", prefix_redirect="/y")
    assert made.route().action == ir.Redirect(host="example.com", rewrite=ir.Rewrite("whole", "/x"))
    assert made.problems(key) == {"spec.prefix_redirect": "warning: has no effect beside path_redirect, which is used"}


def test_paths_of_a_redirect_need_a_redirect() -> None:
    made = world()
    key = made.mapping("a", path_redirect="/x")
    assert made.problems(key) == {"spec.path_redirect": "warning: has no effect without host_redirect"}


HERE = (
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "LOCALHOST.",
    "https://localhost",
)


@pytest.mark.parametrize("name", HERE)
def test_no_mapping_leads_to_the_diagnostics_by_an_address_of_the_pod_itself(name: str) -> None:
    made = world(own_ports=(OwnPort("127.0.0.1", 9999, "diagnostics", closed=True),))
    key = made.mapping("leak", hostname="*", prefix="/leak/", service=f"{name}:9999")
    near = made.mapping("near", hostname="*", prefix="/near/", service=f"{name}:9998")
    problems = made.all_problems()
    assert "leads to Dragoman's diagnostics" in problems[key]["spec.service"]
    assert near not in problems
    assert "leak" not in made.names()


def test_probes_are_on_every_host_and_the_diagnostics_only_where_they_are_wanted() -> None:
    made = world(diagnostics_socket="/run/d/diagnostics.sock")
    made.host("other", "foo.com")
    made.sweep()
    rows = made.emissary.routes.view()
    assert set(rows) == {"probe liveness_probe", "probe readiness_probe"}
    assert set(made.emissary.hosts_of.view()["probe liveness_probe"]) == {"default/any", "default/other"}
    (route,) = rows["probe liveness_probe"]
    assert route.match.path == ir.PathMatch("prefix", "/ambassador/v0/check_alive")
    assert route.action == ir.Forward(
        backends=(ir.WeightedBackend(ir.Backend(ir.LocalSocket("/run/d/diagnostics.sock"))),),
        rewrite=ir.Rewrite("matched", "/ambassador/v0/check_alive"),
        timeout_ms=10_000,
    )
    made.module(
        liveness_probe={"enabled": False},
        readiness_probe={"prefix": "/ready", "rewrite": "/x", "service": "probes:8080"},
        diagnostics={"enabled": True},
    )
    made.sweep()
    rows = made.emissary.routes.view()
    assert set(rows) == {"probe readiness_probe", "probe diagnostics"}
    (ready,) = rows["probe readiness_probe"]
    assert isinstance(ready.action, ir.Forward)
    assert ready.action.backends == (ir.WeightedBackend(ir.Backend(ir.DnsName("probes", 8080))),)
    assert ready.action.rewrite == ir.Rewrite("matched", "/x")
