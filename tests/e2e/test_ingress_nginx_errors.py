"""Errors that another service answers, by annotations of ingress-nginx: asked of a real Envoy, also with an index."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, rule, told
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

CODES = "401,403,404,413,500,503"


class Failing(HttpUpstream):
    """Answers with the status and as many bytes as a request's headers say, and with headers of an error's own."""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await super()._answer(request)
        headers = {"x-stack-trace": "secret", "www-authenticate": "Bearer"}
        body = b"x" * int(request.headers.get("x-size", "0"))
        return web.Response(status=int(request.headers.get("x-fails", "200")), headers=headers, body=body)


class Pages(HttpUpstream):
    """Answers with the status that a request's header says, a page, and two cookies."""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await super()._answer(request)
        answer = web.Response(status=int(request.headers.get("x-page", "200")), text="a page", content_type="text/html")
        answer.headers.extend([("set-cookie", "one=1"), ("set-cookie", "two=2")])
        return answer


def one(name: str, *paths: Any, **nginx: str) -> str:
    """An Ingress for the host of its name; in the names of annotations `_` stands for `-`."""
    said = {key.replace("_", "-"): value for key, value in nginx.items()}
    return ingress(name, rule(f"{name}.test", *(paths or (path("/", "failing"),))), nginx=said)


def _ingresses() -> str:
    pages = {"custom_http_errors": CODES, "default_backend": "pages"}
    return (
        one("paged", path("/", "failing", port="http"), path("/empty", "empty"), path("/nowhere", "missing"), **pages)
        + one("rewritten", path("/a/(.*)", "failing", "ImplementationSpecific"), rewrite_target="/b/$1", **pages)
        + one("elsewhere", upstream_vhost="inside.test", **pages)
        + one("guarded", denylist_source_range="127.0.0.1", **pages)
        + one("asked", auth_url="http://failing.default.svc/", auth_response_headers="X-User", **pages)
        + one("small", proxy_body_size="1k", **pages)
        + one("by-empty", custom_http_errors="404", default_backend="empty")
        + one("stands-in", path("/", "empty"), path("/full", "failing"), default_backend="pages")
        + one("without-backend", custom_http_errors="404")
        + one("without-service", custom_http_errors="404", default_backend="missing")
        + one("wrong-codes", custom_http_errors="404,2xx", default_backend="pages")
        + one("others", custom_http_errors="404", default_backend="other/pages")
    )


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    with Failing("failing") as upstream:
        yield upstream


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with Pages("pages") as upstream:
        yield upstream


@pytest.fixture(scope="module", params=["few", "index"])
def served(request: pytest.FixtureRequest, failing: Failing, pages: Pages) -> Iterator[Gateway]:
    made = Gateway(
        listeners=False, patience=180, environ={"DRAGOMAN_INDEX_FROM": "1"} if request.param == "index" else {}
    )
    made.apply("class", ingress_class())
    made.apply("services", backing("failing", failing.port) + backing("pages", pages.port) + backing("empty"))
    made.apply("ingresses", _ingresses() + one("open"))
    with made:
        made.wait_served("open.test")
        made.wait_served("paged.test")
        yield made


def seen_by(upstream: HttpUpstream, count: int) -> dict[str, Any]:
    """What was asked since then, which was one request."""
    [found] = upstream.seen[count:]
    return found


def test_errors(served: Gateway, pages: Pages) -> None:
    before = len(pages.seen)
    headers = {
        "x-fails": "404",
        "accept": "text/html",
        "cookie": "a=b",
        "x-code": "200",
        "ssl-client-verify": "SUCCESS",
    }
    answer = served.request("paged.test", "/x?q=1", method="POST", content=b"body", headers=headers)
    assert (answer.status_code, answer.text) == (200, "a page")
    assert answer.headers.get_list("set-cookie") == ["one=1", "two=2"]
    assert answer.headers["content-type"].startswith("text/html")
    assert "x-stack-trace" not in answer.headers
    found = seen_by(pages, before)
    assert (found["method"], found["path"], found["host"], found["body"]) == ("POST", "/?q=1", "paged.test", "")
    said = found["headers"]
    assert said["x-request-id"]
    assert "ssl-client-verify" not in said
    assert "x-dragoman-scope" not in said
    expected = {
        "x-code": "404",
        "x-format": "text/html",
        "x-original-uri": "/x?q=1",
        "x-namespace": "default",
        "x-ingress-name": "paged",
        "x-service-name": "failing",
        "x-service-port": "http",
        "x-forwarded-for": "127.0.0.1",
        "cookie": "a=b",
    }
    assert {name: said[name] for name in expected} == expected


@pytest.mark.parametrize("status", [200, 400, 401, 404, 410, 503])
def test_the_status_is_the_pages(served: Gateway, status: int) -> None:
    answer = served.request("paged.test", headers={"x-fails": "500", "x-page": str(status)})
    assert (answer.status_code, answer.text) == (status, "a page")


@pytest.mark.parametrize("size", [0, 10, 40_000, 3_000_000])
def test_an_error_may_be_of_any_size(served: Gateway, size: int) -> None:
    """Its body is nobody's: more of it than a connection's buffer has must not become another error."""
    answer = served.request("paged.test", headers={"x-fails": "503", "x-page": "503", "x-size": str(size)})
    assert (answer.status_code, answer.text) == (503, "a page")


def test_other_answers_stay_as_they_are(served: Gateway, pages: Pages) -> None:
    before = len(pages.seen)
    for host, status, size in (("paged", 200, 3_000_000), ("paged", 502, 10), ("open", 404, 40_000)):
        answer = served.request(f"{host}.test", headers={"x-fails": str(status), "x-size": str(size)})
        assert (answer.status_code, len(answer.content)) == (status, size)
        assert answer.headers["x-stack-trace"] == "secret"
    assert len(pages.seen) == before


def test_a_head_has_no_body(served: Gateway, pages: Pages) -> None:
    before = len(pages.seen)
    answer = served.request("paged.test", method="HEAD", headers={"x-fails": "404", "x-page": "404"})
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-type"].startswith("text/html")
    assert seen_by(pages, before)["method"] == "HEAD"


@pytest.mark.parametrize(
    ("host", "asked", "code", "said"),
    [
        ("paged", "/nowhere", "503", {}),  # a Service that does not exist
        ("guarded", "/", "403", {}),
        ("asked", "/", "403", {"x-fails": "403", "x-user": "mallory"}),
        ("small", "/", "413", {}),
    ],
)
def test_errors_of_the_gateway_itself(
    served: Gateway, pages: Pages, host: str, asked: str, code: str, said: dict[str, str]
) -> None:
    before = len(pages.seen)
    content = b"x" * 2_000 if code == "413" else None
    method = "POST" if content else "GET"
    headers = {"x-page": code, **said}
    answer = served.request(f"{host}.test", asked, method=method, content=content, headers=headers)
    assert (answer.status_code, answer.text) == (int(code), "a page")
    found = seen_by(pages, before)["headers"]
    assert found["x-code"] == code
    assert "x-user" not in found, "nobody but who is asked can set it"


def test_a_challenge_stays(served: Gateway) -> None:
    answer = served.request("paged.test", headers={"x-fails": "401", "x-page": "401"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_what_was_asked_is_told_as_the_client_said_it(served: Gateway, pages: Pages) -> None:
    for host in ("rewritten", "elsewhere"):
        before = len(pages.seen)
        served.request(f"{host}.test", "/a/b?c=d", headers={"x-fails": "404"})
        found = seen_by(pages, before)
        assert (found["host"], found["headers"]["x-original-uri"]) == (f"{host}.test", "/a/b?c=d")


def test_nobody_answers(served: Gateway) -> None:
    assert served.request("by-empty.test", headers={"x-fails": "404"}).status_code == 503


def test_a_service_without_pods(served: Gateway, failing: Failing, pages: Pages) -> None:
    before = len(pages.seen)
    assert served.request("stands-in.test", "/x?q=1").text == "a page"
    found = seen_by(pages, before)
    assert found["path"] == "/x?q=1"
    assert "x-code" not in found["headers"], "it is no error"
    assert served.request("stands-in.test", "/full", headers={"x-fails": "404"}).status_code == 404
    with served.applied("empty-pods", backing("empty", failing.port)):
        served.wait_served("stands-in.test", "/x", status=410, headers={"x-fails": "410", "x-page": "200"})
    served.wait_served("stands-in.test", "/x", status=200, headers={"x-fails": "410", "x-page": "200"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("without-backend", "is served beside default-backend alone"),
        ("without-service", "default/missing does not exist"),
        ("wrong-codes", "2xx"),
        ("others", "must be the name of a Service of this namespace"),
    ],
)
def test_wrong_ones_leave_errors_as_they_are(served: Gateway, pages: Pages, name: str, said: str) -> None:
    before = len(pages.seen)
    assert served.request(f"{name}.test", headers={"x-fails": "404"}).status_code == 404
    assert len(pages.seen) == before
    told(served, name, said)
