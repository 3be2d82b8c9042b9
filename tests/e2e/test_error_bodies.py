"""What clients read instead of the bodies of errors, whoever answers them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.authorization import HttpAuthorization
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.kept import KeptAlive
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "errors.test"
MAPPING = "getambassador.io/Mapping/default/errors"
TEXT = {"text_format": "sorry:\n%RESPONSE_CODE% %REQ(X-A)% %PROTOCOL% 100 %%"}
JSON = {"json_format": {"status": "%RESPONSE_CODE%", "said": "path %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"}}


def entry(status: int, **body: Any) -> dict[str, Any]:
    return {"on_status_code": status, "body": body}


OWN = [
    entry(404, **TEXT),
    entry(500, **JSON),
    entry(503, text_format="<b>gone</b>", content_type="text/html"),
    entry(404, text_format="twice"),
    entry(401, text_format="log in"),
    entry(200, text_format="too small"),
    entry(410, text_format="%NONSENSE%"),
    entry(411, text_format_source={"filename": "/etc/passwd"}),
    entry(412),
]


@pytest.fixture(autouse=True)
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[None]:
    texts = host("errors", NAME)
    added = {"x-added": "yes"}
    texts += mapping("errors", NAME, red.service, "/own/", error_response_overrides=OWN, add_response_headers=added)
    texts += mapping("errors-plain", NAME, red.service, "/plain/")
    texts += mapping("errors-bypass", NAME, red.service, "/bypass/", bypass_error_response_overrides=True)
    texts += mapping("errors-none", NAME, red.service, "/none/", error_response_overrides=[])
    gone = f"127.0.0.1:{unused_port()}"
    texts += mapping("errors-gone", NAME, gone, "/gone/", error_response_overrides=OWN)
    with gateway.applied("errors-served", texts):
        gateway.wait_served(NAME, "/none/")
        yield
    red.status = 200
    gateway.wait_served(NAME, "/none/", status=404)


def ask(gateway: Gateway, path: str, method: str = "GET") -> httpx.Response:
    return gateway.request(NAME, path, method=method, headers={"x-a": "A"})


def read(gateway: Gateway, red: HttpUpstream, path: str, status: int) -> str:
    red.status = status
    answer = ask(gateway, path)
    assert answer.status_code == status
    return answer.text


def test_a_text_with_what_is_about_the_request(gateway: Gateway, red: HttpUpstream) -> None:
    red.status = 404
    red.response_headers["x-own"] = "a" * 50_000
    answer = ask(gateway, "/own/")
    assert (answer.status_code, answer.text) == (404, "sorry:\n404 A HTTP/1.1 100 %")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-added"] == "yes"
    assert "x-own" not in answer.headers  # the answer is another one, as docs/reference/mapping.md says
    assert ask(gateway, "/own/", "HEAD").status_code == 404


def test_json(gateway: Gateway, red: HttpUpstream) -> None:
    red.status = 500
    answer = ask(gateway, "/own/")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"status": 500, "said": "path /own/"}


def test_errors_of_envoy_too(gateway: Gateway) -> None:
    answer = ask(gateway, "/gone/")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (503, "<b>gone</b>", "text/html")


def test_those_of_who_refuses_before_too(gateway: Gateway) -> None:
    with HttpAuthorization("auth") as asked:
        text = an_object("AuthService", "auth", {"auth_service": asked.service})
        with gateway.applied("errors-auth", text):
            wait_until(lambda: ask(gateway, "/own/").status_code == 401, what="the AuthService")
            assert ask(gateway, "/own/").text == "log in"
            assert ask(gateway, "/plain/").text == "who are you?"
        gateway.wait_served(NAME, "/own/")


def test_everything_else_is_as_it_is(gateway: Gateway, red: HttpUpstream) -> None:
    for status in (200, 400, 410, 411, 412):
        assert '"upstream": "red"' in read(gateway, red, "/own/", status)
    assert '"upstream": "red"' in read(gateway, red, "/plain/", 404)


def test_an_entry_that_is_wrong_is_told_and_left_out_alone(gateway: Gateway) -> None:
    problems = gateway.diag()["objects"][MAPPING]["problems"]
    assert {problem["path"]: problem["stops"] for problem in problems} == {
        "spec.error_response_overrides[3].on_status_code": False,
        "spec.error_response_overrides[5].on_status_code": False,
        "spec.error_response_overrides[6].body.text_format": False,
        "spec.error_response_overrides": False,
        "spec.error_response_overrides[8].body": False,
    }


def test_the_modules_are_for_all_others_and_for_what_nobody_serves(gateway: Gateway, red: HttpUpstream) -> None:
    config = {"error_response_overrides": [entry(404, text_format="ours"), entry(418, text_format="tea")]}
    with KeptAlive(gateway.http_port, host=NAME) as kept:
        assert kept.ask("/none/")
        with gateway.applied("errors-module", an_object("Module", "ambassador", {"config": config})):
            wait_until(lambda: ask(gateway, "/nowhere/").text == "ours", what="the Module's")
            assert gateway.request("nobody.test", "/").text == "ours"
            assert read(gateway, red, "/plain/", 404) == "ours"
            assert read(gateway, red, "/own/", 404).startswith("sorry:")
            assert '"upstream": "red"' in read(gateway, red, "/own/", 418)
            for path in ("/bypass/", "/none/"):
                assert '"upstream": "red"' in read(gateway, red, path, 404)
            changed = {"error_response_overrides": [entry(404, json_format={"a": "b"})]}
            gateway.apply("errors-module", an_object("Module", "ambassador", {"config": changed}))
            wait_until(lambda: ask(gateway, "/nowhere/").text.strip() == '{"a":"b"}', what="the changed one")
        wait_until(lambda: ask(gateway, "/nowhere/").text == "", what="no Module's any more")
        red.status = 200
        assert kept.ask("/none/")
        assert kept.ask("/none/")


def test_nobody_is_warned_who_does_not_ask_for_it() -> None:
    with Gateway() as gateway:
        assert "work-in-progress" not in gateway.log()
