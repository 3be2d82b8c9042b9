"""A real Envoy takes whatever the checks take, and refuses what they refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.envoy import envoy_path
from tests.translator.header_formats import BAD_FORMATS, GOOD_FORMATS
from translator import checks, operators
from translator.decode import Invalid


def refusal_by_envoy(routes: Iterable[Mapping[str, Any]], domains: Iterable[str] = ("*",)) -> str:
    """What a real Envoy says about these routes; empty when it takes them all."""
    http = "type.googleapis.com/envoy.extensions.filters"
    hosts = [
        {
            "name": "v",
            "domains": list(domains),
            "routes": [{"direct_response": {"status": 200}, **route} for route in routes],
        }
    ]
    manager = {
        "@type": f"{http}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{http}.http.router.v3.Router"}}],
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    bootstrap = {
        "static_resources": {"listeners": [listener]},
        "layered_runtime": {"layers": [{"name": "a", "static_layer": {"re2.max_program_size.error_level": 200}}]},
    }
    command = [envoy_path(), "--mode", "validate", "-l", "critical", "--config-yaml", json.dumps(bootstrap)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else done.stderr


def _adding(value: str, name: str = "x-a") -> dict[str, Any]:
    return {"match": {"prefix": "/"}, "request_headers_to_add": [{"header": {"key": name, "value": value}}]}


def _matching(pattern: str) -> dict[str, Any]:
    return {"match": {"safe_regex": {"regex": pattern}}}


def taken(check: Callable[[str], object], values: Iterable[str]) -> list[str]:
    good = []
    for value in values:
        try:
            check(value)
        except Invalid:
            continue
        good.append(value)
    return good


OPERATOR = st.builds(
    lambda name, given, length: f"%{name}{given}{length}%",
    st.sampled_from(sorted(operators.NAMES | operators.REFUSED.keys())) | st.sampled_from(["NO", "req", ""]),
    st.sampled_from(
        ["", "", "()", "(a)", "(a?b)", "(a:b)", "(a:PLAIN)", "(ROUTE:a)", "(a:b:ms)", "(WQ)", "(%Y)", "(a b)"]
    ),
    st.sampled_from(["", "", ":5", ":"]),
)

FORMAT = st.lists(OPERATOR | st.sampled_from(["%%", "%", "a", " ", "ä", "(", ")", "\x7f", "\t"]), max_size=3).map(
    "".join
)

PATTERN = st.lists(
    st.sampled_from([*"ab/.*+?|()[]^$\\", "[^/]", "{2}", "{60}", "(?i)", "(?P<n>", "\\d", "\\pL", "é", "\\1", "日"]),
    max_size=8,
).map("".join)

HOST = st.text(st.sampled_from("ab.*-:80/ _A[]é"), max_size=6)

NAME = st.text(st.sampled_from("aZ-_:. \t%é!"), max_size=6)


@pytest.mark.envoy
@settings(max_examples=8, derandomize=True, deadline=None)
@given(st.lists(FORMAT, min_size=100, max_size=100), st.lists(PATTERN, min_size=100, max_size=100))
def test_envoy_takes_the_formats_and_patterns_that_we_take(formats: list[str], patterns: list[str]) -> None:
    routes = [_adding(text) for text in taken(checks.header_format, formats)]
    routes += [_matching(text) for text in taken(lambda text: checks.regex(text, 200), patterns)]
    assert refusal_by_envoy(routes) == ""


@pytest.mark.envoy
@settings(max_examples=8, derandomize=True, deadline=None)
@given(st.lists(HOST, min_size=100, max_size=100), st.lists(NAME, min_size=100, max_size=100))
def test_envoy_takes_the_names_that_we_take(hosts: list[str], names: list[str]) -> None:
    domains = {host.lower() for host in taken(checks.host_glob, hosts)}
    routes = [_adding("a", name) for name in taken(checks.edited_header_name, names)]
    matched = [{"name": name, "present_match": True} for name in taken(checks.header_name, names)]
    routes.append({"match": {"prefix": "/", "headers": matched}})
    assert refusal_by_envoy(routes, domains or ("*",)) == ""


@pytest.mark.envoy
def test_envoy_knows_every_operator_and_takes_what_is_said_to_be_good() -> None:
    given = dict.fromkeys(operators.NAMES, "")
    given |= dict.fromkeys(operators.NAMES - set(taken(lambda name: checks.header_format(f"%{name}%"), given)), "(a)")
    given |= {"COMMON_DURATION": "(a:b)"}
    formats = [f"%{name}{parameter}%" for name, parameter in sorted(given.items())]
    assert taken(checks.header_format, formats) == formats
    assert refusal_by_envoy(_adding(text) for text in [*formats, *GOOD_FORMATS]) == ""


@pytest.mark.envoy
@pytest.mark.parametrize(
    "route",
    [
        *(_adding(text) for text in BAD_FORMATS),
        *(_adding("a", name) for name in ("Host", ":path", "")),
        _matching("(?=a)"),
        _matching("a{197}"),
        _matching(""),
        {"match": {"prefix": "/"}, "response_headers_to_add": [{"header": {"key": "a", "value": "b\nc"}}]},
    ],
    ids=str,
)
def test_envoy_refuses_what_we_refuse(route: dict[str, Any]) -> None:
    """So that nothing is refused for nothing; a{197} is the first of its sort that is over a program size of 200."""
    assert refusal_by_envoy([route]) != ""
