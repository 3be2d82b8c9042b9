"""What Envoy fills in to a header: what is of the request, and nothing of the pod; other texts it sends as they are."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream
from translator import checks, operators
from translator.decode import Invalid

pytestmark = [pytest.mark.envoy, pytest.mark.system]

SECRET = "a-secret-of-the-pod"


def asked(name: str) -> str:
    """An operator as the checks take it."""
    for given in ("", "(a)", "(a:b)"):
        try:
            return checks.header_format(f"%{name}{given}%")
        except Invalid:
            continue
    raise AssertionError(f"no way to write {name}")


def test_no_operator_that_is_taken_shows_the_environment_and_envoy_has_nearly_none(red: HttpUpstream) -> None:
    name = "formats.test"
    given = {f"x-{each.lower().replace('_', '-')}": {"value": asked(each)} for each in operators.NAMES}
    texts = mapping("formats", name, red.service, add_request_headers=given) + mapping(
        "back", name, red.service, "/back/", add_response_headers=given
    )
    with Gateway(environ={"DATABASE_PASSWORD": SECRET, "TZ": "UTC"}) as gateway:
        gateway.apply("formats", host(name, name) + texts)
        there = gateway.wait_served(name).json()["headers"]
        back = gateway.wait_served(name, "/back/").headers
        assert there["x-protocol"] == back["x-protocol"] == "HTTP/1.1"
        assert SECRET not in "".join([*there.values(), *back.values()])
        process = wait_until(lambda: gateway.pid_of("envoy"), what="envoy running")
        environ = dict(pair.split("=", 1) for pair in Path(f"/proc/{process}/environ").read_text().split("\0") if pair)
        assert environ == {"TZ": "UTC"}


@pytest.mark.parametrize("where", ["add_request_headers", "add_response_headers"])
@pytest.mark.parametrize(
    "value", ["%ENVIRONMENT(HOME)%", '%COALESCE({"operators": [{"command": "ENVIRONMENT", "param": "HOME"}]})%', "50%"]
)
def test_an_operator_that_is_not_for_headers_stops_its_mapping_alone(
    gateway: Gateway, red: HttpUpstream, where: str, value: str
) -> None:
    name = "pod.test"
    wrong = mapping("reading", name, red.service, "/wrong/", **{where: {"x-a": {"value": value}}})
    wrong += mapping("reading-short", name, red.service, "/short/", **{where: {"x-a": value}})
    with gateway.applied(name, host(name, name) + mapping("good", name, red.service, "/good/") + wrong):
        gateway.wait_served(name, "/good/")
        for path in ("/wrong/", "/short/"):
            assert gateway.request(name, path).status_code == httpx.codes.NOT_FOUND
        problems = wait_until(lambda: _problems(gateway, "Mapping/default/reading"))
        assert any(f"spec.{where}.x-a" in problem for problem in problems), problems


def _problems(gateway: Gateway, name: str) -> list[str]:
    return [str(each) for key, each in _walk(gateway.diag()) if name in key]


def _walk(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(path, value)]
    return [pair for key, each in value.items() for pair in _walk(each, f"{path} {key}")]


OPERATOR = "%ENVIRONMENT(TZ)%%PROTOCOL%"


def test_nothing_else_that_people_write_is_a_format(red: HttpUpstream) -> None:
    name = "literal.test"
    module = an_object("Module", "ambassador", {"config": {"server_name": OPERATOR}})
    regex = {"pattern": "^/re/", "substitution": f"/{OPERATOR}/"}
    redirect: dict[str, Any] = {"host_redirect": True}
    texts = [
        mapping("rewrite", name, red.service, "/rewrite/", rewrite=f"/{OPERATOR}/"),
        mapping("regex", name, red.service, "/re/", regex_rewrite=regex),
        mapping("host", name, red.service, "/host/", host_rewrite=OPERATOR),
        mapping("path", name, "a.test", "/path/", path_redirect=f"/{OPERATOR}/", **redirect),
        mapping("prefix", name, "a.test", "/prefix/", prefix_redirect=f"/{OPERATOR}/", **redirect),
        mapping("redirect", name, "a.test", "/red/", regex_redirect={**regex, "pattern": "^/red/"}, **redirect),
    ]
    with Gateway(environ={"TZ": "UTC"}) as gateway:
        gateway.apply("literal", host(name, name) + module + "".join(texts))
        answer = gateway.wait_served(name, "/rewrite/x")
        assert answer.headers["server"] == OPERATOR
        assert answer.json()["path"] == f"/{OPERATOR}/x"
        assert gateway.request(name, "/re/x").json()["path"] == f"/{OPERATOR}/x"
        assert gateway.request(name, "/host/x").json()["host"] == OPERATOR
        for path, rest in (("/path/x", ""), ("/prefix/x", "x"), ("/red/x", "x")):
            assert gateway.request(name, path).headers["location"] == f"http://a.test/{OPERATOR}/{rest}"
