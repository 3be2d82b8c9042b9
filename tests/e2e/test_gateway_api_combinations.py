"""Filters, timeouts and policies of Gateway API together, where each has a say in what the other does."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.test_gateway_api_policies import of_route
from tests.support.authorization import ALLOWED, HttpAuthorization
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, gateway_class, listener, route, rule, to
from tests.support.objects import an_object
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

PAGE = "https://page.test"
GUARDED = "guarded.test"
CORS = {"type": "CORS", "cors": {"allowOrigins": [PAGE], "allowMethods": ["PUT"]}}


def prefix(to_what: str) -> dict[str, str]:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": to_what}


def redirect(to_what: str) -> dict[str, object]:
    return {"type": "RequestRedirect", "requestRedirect": {"path": prefix(to_what), "statusCode": 302}}


def mirror(**share: object) -> dict[str, object]:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": to("c-blue"), **share}}


class Asking:
    """A Gateway at a port of its own."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway, self._port = gateway, port

    def ask(self, path: str, host: str = "open.test", method: str = "GET", **headers: str) -> httpx.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        with httpx.Client(timeout=20) as client:
            return client.request(method, f"http://127.0.0.1:{self._port}{path}", headers={"host": host, **more})


@pytest.fixture(scope="module")
def asked() -> Iterator[HttpAuthorization]:
    with HttpAuthorization("auth") as service:
        yield service


@pytest.fixture(scope="module")
def asking(red: HttpUpstream, blue: HttpUpstream, asked: HttpAuthorization) -> Iterator[Asking]:
    port = unused_port()
    texts = gateway_class() + backing("c-red", red.port) + backing("c-blue", blue.port)
    texts += api_gateway("web", listener("http", port))
    moved = {"type": "URLRewrite", "urlRewrite": {"path": prefix("/was")}}
    tries = {"timeouts": {"request": "20s", "backendRequest": "100ms"}, "retry": {"codes": [503, 504], "attempts": 2}}
    plain = [
        rule("/to-root", filters=[redirect("/")]),
        rule("/to-nothing", filters=[redirect("")]),
        rule("/to-slash/", filters=[redirect("/new/")]),
        rule("/none", to("c-red"), filters=[mirror(percent=0)]),
        rule("/all", to("c-red"), filters=[mirror(percent=100), moved]),
        rule("/tries", to("c-red"), **tries),
        {"name": "patient", **rule("/patient", to("c-red"), timeouts=tries["timeouts"])},
    ]
    guarded = [
        rule("/cors", to("c-red"), filters=[CORS]),
        rule("/away", filters=[redirect("/x")]),
        rule("/copied", to("c-red"), filters=[mirror()]),
    ]
    texts += route("plain", "web", *plain) + route("guarded", "web", *guarded, hostnames=[GUARDED])
    texts += of_route("guarded", external_auth=True)
    texts += of_route("plain", "patient", retry_policy={"retry_on": "5xx", "num_retries": 2})
    texts += an_object("AuthService", "auth", {"auth_service": asked.service, "timeout_ms": 10_000})
    with Gateway() as gateway:
        gateway.settle("combined", texts)
        made = Asking(gateway, port)
        wait_until(lambda: is_served(made), what=lambda: f"it is served: {gateway.diag()['objects']}")
        yield made


def is_served(asking: Asking) -> bool:
    try:
        return asking.ask("/none").status_code == 200 and asking.ask("/copied", GUARDED).status_code == 401
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/to-root", "/"),
        ("/to-root/", "/"),
        ("/to-root/a/b?q=1", "/a/b?q=1"),
        ("/to-root//a", "/a"),
        ("/to-nothing", "/"),
        ("/to-nothing/", "/"),
        ("/to-nothing/a", "/a"),
        ("/to-slash", "/new"),
        ("/to-slash/a?q", "/new/a?q"),
    ],
)
def test_a_redirect_with_another_prefix(asking: Asking, path: str, place: str) -> None:
    answer = asking.ask(path)
    assert answer.status_code == 302
    assert answer.headers["location"].partition("open.test")[2].lstrip(":0123456789") == place


def test_a_share_of_copies_and_what_is_copied(asking: Asking, blue: HttpUpstream) -> None:
    for _ in range(20):
        assert asking.ask("/none").status_code == 200
    for number in range(10):
        assert asking.ask(f"/all/{number}").status_code == 200
    wait_until(lambda: len(blue.seen) == 10, what=lambda: f"ten copies: {len(blue.seen)}")
    assert {each["path"] for each in blue.seen} == {f"/was/{number}" for number in range(10)}


def test_a_browser_may_ask_before_it_says_who_it_is(asking: Asking, asked: HttpAuthorization) -> None:
    asked.seen.clear()
    answer = asking.ask("/cors", GUARDED, "OPTIONS", origin=PAGE, access_control_request_method="PUT")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    assert asked.seen == []
    refused = asking.ask("/cors", GUARDED, "PUT", origin=PAGE)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
    assert asking.ask("/cors", GUARDED, "OPTIONS").status_code == 401, "which is no question of a browser"


def test_who_is_not_let_in_is_sent_nowhere_and_copied_to_nobody(asking: Asking, blue: HttpUpstream) -> None:
    assert asking.ask("/away/a", GUARDED).status_code == 401
    assert asking.ask("/copied", GUARDED).status_code == 401
    assert asking.ask("/away/a", GUARDED, authorization=ALLOWED).headers["location"].endswith("/x/a")
    assert asking.ask("/copied/in", GUARDED, authorization=ALLOWED).status_code == 200
    wait_until(lambda: blue.seen, what="a copy")
    assert [each["path"] for each in blue.seen] == ["/copied/in"]


def test_a_try_that_takes_too_long_is_sent_again_by_a_policy_alone(asking: Asking, red: HttpUpstream) -> None:
    red.delay = 5.0
    assert asking.ask("/tries").status_code == 504
    assert len(red.seen) == 1
    red.seen.clear()
    assert asking.ask("/patient").status_code == 504
    assert len(red.seen) == 3
