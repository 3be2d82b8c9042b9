"""AuthServices, asked of real ones: who is let through, what is told to whom, and that changes cost no connection."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.authorization import ALLOWED, GrpcAuthorization, HttpAuthorization
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.kept import KeptAlive
from tests.support.load import Load
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "auth.test"


@pytest.fixture
def asked() -> Iterator[HttpAuthorization]:
    with HttpAuthorization("auth") as service:
        yield service


@pytest.fixture
def asked_by_grpc() -> Iterator[GrpcAuthorization]:
    with GrpcAuthorization() as service:
        yield service


@pytest.fixture(autouse=True)
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[None]:
    """Mappings that are asked about, that are not, and one that sends elsewhere."""
    texts = host("auth", NAME) + host("auth-redirect", "redirect.auth.test", insecure="Redirect")
    texts += mapping("asked", NAME, red.service) + mapping("bypass", NAME, red.service, "/open/", bypass_auth=True)
    texts += mapping("away", NAME, "else.test", "/away/", host_redirect=True)
    texts += mapping("extended", NAME, red.service, "/extended/", auth_context_extensions={"team": "blue"})
    texts += mapping("by-https", "redirect.auth.test", red.service)
    with gateway.applied("auth-served", texts):
        gateway.wait_served(NAME)
        yield
    gateway.wait_served(NAME, status=404)


def auth(service: str, name: str = "auth", **spec: Any) -> str:
    return an_object("AuthService", name, {"auth_service": service, "timeout_ms": 10_000, **spec})


def ask(gateway: Gateway, path: str = "/", credentials: str = "", **more: Any) -> httpx.Response:
    headers = {**({"authorization": credentials} if credentials else {}), **more.pop("headers", {})}
    return gateway.request(NAME, path, headers=headers, **more)


class Applied:
    """AuthServices in force for the length of a block; afterwards nobody is asked any more."""

    def __init__(self, gateway: Gateway, text: str, status: int = 401) -> None:
        self._gateway, self._text, self._status = gateway, text, status

    def __enter__(self) -> None:
        self._gateway.settle("auth", self._text)
        wait_until(
            lambda: ask(self._gateway).status_code == self._status,
            what=lambda: f"the AuthService in force; the log ends {self._gateway.log()[-3000:]}",
        )

    def __exit__(self, *_: object) -> None:
        self._gateway.remove("auth")
        self._gateway.wait_served(NAME)


def test_a_request_goes_on_when_the_service_allows_it(
    gateway: Gateway, red: HttpUpstream, asked: HttpAuthorization
) -> None:
    said = {"allowed_authorization_headers": ["X-User"], "allowed_request_headers": ["x-asked"]}
    more = {"path_prefix": "/check", "add_auth_headers": {"x-gateway": "ours"}, "add_linkerd_headers": True}
    with Applied(gateway, auth(asked.service, **said, **more)):
        red.seen.clear()
        asked.seen.clear()
        answer = ask(gateway, "/a/b?c=d", ALLOWED, headers={"x-asked": "1", "x-private": "2", "x-user": "eve"})
        assert answer.status_code == 200
        (behind,) = red.seen
        assert (behind["headers"]["x-user"], behind["path"]) == ("ann", "/a/b?c=d")
        assert "x-secret" not in behind["headers"]
        (question,) = asked.seen
        assert (question["path"], question["host"], question["method"]) == ("/check/a/b?c=d", NAME, "GET")
        assert question["headers"]["x-asked"] == "1"
        assert question["headers"]["x-gateway"] == "ours"
        assert question["headers"]["l5d-dst-override"] == asked.service
        assert "x-private" not in question["headers"]


def test_the_module_says_whether_linkerd_is_told(gateway: Gateway, asked: HttpAuthorization) -> None:
    module = an_object("Module", "ambassador", {"config": {"add_linkerd_headers": True}})
    with Applied(gateway, auth(asked.service) + module):
        wait_until(lambda: ask(gateway) and "l5d-dst-override" in asked.seen[-1]["headers"], what="the Module's word")
        assert asked.seen[-1]["headers"]["l5d-dst-override"] == asked.service
        gateway.apply("auth", auth(asked.service, add_linkerd_headers=False) + module)
        wait_until(lambda: ask(gateway) and "l5d-dst-override" not in asked.seen[-1]["headers"], what="its own word")


def test_a_request_that_is_refused_gets_the_answer_of_the_service(
    gateway: Gateway, red: HttpUpstream, asked: HttpAuthorization
) -> None:
    asked.response_headers["location"] = "https://login.test/"
    asked.refusal = 403
    with Applied(gateway, auth(asked.service), 403):
        red.seen.clear()
        answer = ask(gateway, "/", "no")
        assert (answer.status_code, answer.text) == (403, "who are you?")
        assert answer.headers["www-authenticate"] == "Basic"
        assert answer.headers["location"] == "https://login.test/"
        assert "x-secret" not in answer.headers
        assert red.seen == []


def test_item_41_nobody_is_asked_about_what_bypasses_or_is_sent_elsewhere(
    gateway: Gateway, asked: HttpAuthorization
) -> None:
    with Applied(gateway, auth(asked.service)):
        asked.seen.clear()
        assert ask(gateway, "/open/").status_code == 200
        assert ask(gateway, "/away/").status_code == 301
        assert gateway.request("redirect.auth.test").status_code == 301
        assert ask(gateway, "/ambassador/v0/check_alive").status_code == 200
        assert asked.seen == []


def test_a_body_is_shown_as_far_as_it_is_wanted(gateway: Gateway, asked: HttpAuthorization) -> None:
    with Applied(gateway, auth(asked.service, include_body={"max_bytes": 4, "allow_partial": True})):
        asked.seen.clear()
        assert ask(gateway, "/", ALLOWED, method="POST", content=b"abcdefgh").status_code == 200
        assert asked.seen[-1]["body"] == "abcd"
        gateway.apply("auth", auth(asked.service, include_body={"max_bytes": 4, "allow_partial": False}))
        wait_until(
            lambda: ask(gateway, "/", ALLOWED, method="POST", content=b"abcdefgh").status_code == 413,
            what="a body that is too large refused",
        )
        assert ask(gateway, "/", ALLOWED, method="POST", content=b"abc").status_code == 200


def test_a_service_that_does_not_answer(gateway: Gateway) -> None:
    nobody = f"127.0.0.1:{unused_port()}"
    with Applied(gateway, auth(nobody), 403):
        gateway.apply("auth", auth(nobody, status_on_error={"code": 503}))
        wait_until(lambda: ask(gateway).status_code == 503, what="its own status")
        gateway.apply("auth", auth(nobody, failure_mode_allow=True))
        gateway.wait_served(NAME)


def test_by_grpc(gateway: Gateway, red: HttpUpstream, asked_by_grpc: GrpcAuthorization) -> None:
    with Applied(gateway, auth(asked_by_grpc.service, proto="grpc", protocol_version="v3"), 403):
        gateway.apply(
            "auth", auth(asked_by_grpc.service, proto="grpc", protocol_version="v3", add_linkerd_headers=True)
        )
        wait_until(
            lambda: ask(gateway) and asked_by_grpc.metadata.get("l5d-dst-override"), what="the header for Linkerd"
        )
        assert asked_by_grpc.metadata["l5d-dst-override"] == asked_by_grpc.service
        asked_by_grpc.seen.clear()
        red.seen.clear()
        assert ask(gateway, "/extended/", ALLOWED).status_code == 200
        (attributes,) = asked_by_grpc.seen
        assert attributes.context_extensions == {"team": "blue"}
        assert attributes.request.http.path == "/extended/"
        assert red.seen[-1]["headers"]["x-user"] == "ann"
        refused = ask(gateway, "/extended/")
        assert (refused.status_code, refused.text, refused.headers["x-user"]) == (403, "not you", "ann")


@pytest.mark.parametrize(
    ("service", "field"),
    [
        ({"auth_service": "http://"}, "spec.auth_service"),
        ({"tls": "nowhere"}, "spec.tls"),
        ({"proto": "grpc"}, "spec.protocol_version"),
        ({"timeout_ms": "soon"}, "spec.timeout_ms"),
        ({"path_prefix": "no slash"}, "spec.path_prefix"),
        ({"status_on_error": {"code": 299}}, "spec.status_on_error.code"),
    ],
)
def test_item_42_where_one_is_wrong_nobody_is_let_through(
    gateway: Gateway, red: HttpUpstream, asked: HttpAuthorization, service: dict[str, Any], field: str
) -> None:
    wrong = an_object("AuthService", "wrong", {"auth_service": asked.service, **service})
    with Applied(gateway, auth(asked.service) + wrong, 500):
        red.seen.clear()
        answer = ask(gateway, "/open/", ALLOWED)
        assert answer.status_code == 500
        assert answer.json()["status_code"] == 500
        assert red.seen == []
        assert ask(gateway, "/ambassador/v0/check_ready?x").status_code == 200
        status = gateway.diag()["objects"]["getambassador.io/AuthService/default/wrong"]
        assert [problem["path"] for problem in status["problems"]] == [field]


def test_several_share_the_requests(gateway: Gateway, asked: HttpAuthorization) -> None:
    with HttpAuthorization("second") as second:
        more = {"allowed_request_headers": ["x-second"], "timeout_ms": 1}
        with Applied(gateway, auth(asked.service, "a") + auth(second.service, "b", **more)):
            for service in (asked, second):
                service.seen.clear()
            answers = [ask(gateway, "/", ALLOWED, headers={"x-second": "1"}).status_code for _ in range(20)]
            assert answers == [200] * 20
            assert (len(asked.seen), len(second.seen)) == (10, 10)
            assert asked.seen[0]["headers"]["x-second"] == "1"
            status = gateway.diag()["objects"]["getambassador.io/AuthService/default/b"]
            assert [problem["path"] for problem in status["problems"]] == ["spec.timeout_ms"]


def test_one_that_comes_changes_and_goes_costs_no_connection_and_no_request(
    gateway: Gateway, asked: HttpAuthorization
) -> None:
    allowed = {"authorization": ALLOWED}
    with (
        HttpAuthorization("other") as other,
        KeptAlive(gateway.http_port, host=NAME) as kept,
        Load(gateway.http_port, host=NAME, headers=allowed) as load,
    ):
        for service in (asked, other):
            with Applied(gateway, auth(service.service)):
                assert ask(gateway, "/", ALLOWED).status_code == 200
                gateway.apply("auth", auth(service.service, path_prefix="/else"))
                wait_until(
                    lambda service=service: ask(gateway, "/", ALLOWED) and service.seen[-1]["path"] == "/else/",
                    what="the changed AuthService",
                )
        assert kept.ask("/open/")
        assert kept.ask("/open/")
        wait_until(lambda: load.requests > 100, what="enough requests")
    assert load.failures == []
    assert load.reconnects == 0
