"""What browsers are told of pages of other sites."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.authorization import HttpAuthorization
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "cors.test"
ALLOW = "access-control-allow-origin"
POLICY = {
    "origins": ["HTTPS://A.test:443/", "https://*.b.test", "nonsense"],
    "methods": ["PUT", "DELETE"],
    "headers": ["x-one", "x-two"],
    "exposed_headers": ["x-three", "x-four"],
    "credentials": True,
    "max_age": "600",
}


@pytest.fixture(autouse=True)
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[None]:
    texts = host("cors", NAME) + mapping("cors", NAME, red.service, "/own/", cors=POLICY)
    texts += mapping("cors-plain", NAME, red.service, "/plain/")
    older = {"origins": "https://c.test, https://d.test", "methods": "GET, PUT"}
    texts += (
        mapping("cors-older", NAME, red.service, "/older/", cors=older)
        .replace("v3alpha1", "v2")
        .replace('"hostname"', '"host"')
    )
    with gateway.applied("cors-served", texts):
        gateway.wait_served(NAME, "/older/")
        yield
    gateway.wait_served(NAME, "/older/", status=404)


def ask(gateway: Gateway, path: str, origin: str) -> httpx.Response:
    return gateway.request(NAME, path, headers={"origin": origin})


def preflight(gateway: Gateway, path: str, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "PUT"}
    return gateway.request(NAME, path, method="OPTIONS", headers=headers)


def test_a_preflight_is_answered_by_the_gateway(gateway: Gateway, red: HttpUpstream) -> None:
    red.seen.clear()
    answer = preflight(gateway, "/own/", "https://a.test")
    told = {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}
    assert (answer.status_code, red.seen) == (200, [])
    assert told == {
        ALLOW: "https://a.test",
        "access-control-allow-methods": "PUT, DELETE",
        "access-control-allow-headers": "x-one, x-two",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-three, x-four",
        "access-control-max-age": "600",
    }


def test_an_answer_tells_who_may_read_it(gateway: Gateway) -> None:
    answer = ask(gateway, "/own/", "https://a.test")
    assert answer.headers[ALLOW] == "https://a.test"
    assert answer.headers["access-control-expose-headers"] == "x-three, x-four"
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://x.b.test", True),
        ("https://x.y.b.test", True),
        ("https://b.test", False),
        ("https://xb.test", False),
        ("http://x.b.test", False),
        ("https://x.b.test.evil.test", False),
        ("https://evil.test/.b.test", False),
        ("https://xbb-test", False),
        ("https://a.test:8443", False),
        ("http://a.test", False),
        ("nonsense", False),
    ],
)
def test_who_else_may(gateway: Gateway, red: HttpUpstream, origin: str, allowed: bool) -> None:
    assert (ALLOW in ask(gateway, "/own/", origin).headers) is allowed
    red.seen.clear()
    assert (ALLOW in preflight(gateway, "/own/", origin).headers) is allowed
    assert bool(red.seen) is not allowed  # who is not known is the service's own matter


def test_item_45_an_older_version_separates_by_commas(gateway: Gateway) -> None:
    for origin in ("https://c.test", "https://d.test"):
        answer = preflight(gateway, "/older/", origin)
        assert (answer.headers[ALLOW], answer.headers["access-control-allow-methods"]) == (origin, "GET, PUT")


def test_item_40_a_preflight_is_not_refused_for_want_of_credentials(gateway: Gateway, red: HttpUpstream) -> None:
    with HttpAuthorization("auth") as asked:
        text = an_object("AuthService", "auth", {"auth_service": asked.service})
        with gateway.applied("cors-auth", text):
            wait_until(lambda: ask(gateway, "/own/", "https://a.test").status_code == 401, what="the AuthService")
            asked.seen.clear()
            assert preflight(gateway, "/own/", "https://a.test").status_code == 200
            assert asked.seen == []
            assert ask(gateway, "/own/", "https://a.test").headers[ALLOW] == "https://a.test"
            assert preflight(gateway, "/plain/", "https://a.test").status_code == 401
        gateway.wait_served(NAME, "/own/")


def test_the_modules_policy_is_for_mappings_without_one(gateway: Gateway) -> None:
    config = {"cors": {"origins": ["*"], "methods": ["PATCH"]}}
    with gateway.applied("cors-module", an_object("Module", "ambassador", {"config": config})):
        wait_until(lambda: ALLOW in ask(gateway, "/plain/", "https://e.test").headers, what="the Module's policy")
        answer = preflight(gateway, "/plain/", "https://e.test")
        assert answer.headers["access-control-allow-methods"] == "PATCH"
        assert ALLOW not in ask(gateway, "/own/", "https://e.test").headers
        assert "PATCH" not in preflight(gateway, "/own/", "https://a.test").headers["access-control-allow-methods"]
    wait_until(lambda: ALLOW not in ask(gateway, "/plain/", "https://e.test").headers, what="no policy any more")
