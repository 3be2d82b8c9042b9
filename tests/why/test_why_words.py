"""A request as it is written, what Envoy's words mean, and the report in words; nothing is started."""

from typing import Any

import click
import pytest

from why.finding import answered, served
from why.request import Answer, Request, RequestError, _as_sent
from why.text import lines


@pytest.mark.parametrize(
    ("url", "authority", "target", "name"),
    [
        ("http://a.test/x?q=1#f", "a.test", "/x?q=1", "a.test"),
        ("https://a.test:443", "a.test", "/", "a.test"),
        ("https://a.test:8443/", "a.test:8443", "/", "a.test"),
        ("a.test/x", "a.test", "/x", "a.test"),
        ("https://127.0.0.1/", "127.0.0.1", "/", None),
        ("http://[::1]:8080/", "[::1]:8080", "/", None),
    ],
)
def test_a_url_says_what_a_client_would_send(url: str, authority: str, target: str, name: str | None) -> None:
    request = Request.of("GET", url, (), "127.0.0.1")
    assert (request.authority, request.target, request.asked_name) == (authority, target, name)


@pytest.mark.parametrize(
    ("method", "url", "header", "client", "said"),
    [
        ("GET", "ftp://a.test/", "a: b", "127.0.0.1", "must be http://HOST/PATH"),
        ("GET", "http:///x", "a: b", "127.0.0.1", "must be http://HOST/PATH"),
        ("GET", "http://a.test:x/", "a: b", "127.0.0.1", "Port could not be cast"),
        ("GET", "http://a.test/a b", "a: b", "127.0.0.1", "must be written as %XX"),
        ("G T", "http://a.test/", "a: b", "127.0.0.1", "is no method"),
        ("GET", "http://a.test/", "no colon", "127.0.0.1", "must be NAME: VALUE"),
        ("GET", "http://a.test/", "a: b\r\nc: d", "127.0.0.1", "cannot be sent"),
        ("GET", "http://a.test/", "X-Dragoman-Why-Passed: ;1;", "127.0.0.1", "this command's own"),
        ("GET", "http://a.test/", "a: b", "a.test", "must be an IP address"),
        ("GET", "http://日本.test/", "a: b", "127.0.0.1", "as xn--"),
        ("GET", "https://.a.test/", "a: b", "127.0.0.1", "cannot be asked for in TLS"),
        ("GET", f"https://{'a' * 64}.test/", "a: b", "127.0.0.1", "cannot be asked for in TLS"),
    ],
)
def test_what_cannot_be_sent_is_told(method: str, url: str, header: str, client: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Request.of(method, url, (header,), client)


def test_a_name_that_is_empty_is_not_asked_for() -> None:
    assert Request.of("GET", "https://a.test/", (), "127.0.0.1", "").asked_name is None


ANSWERED = {"details": "direct_response"}
FORWARDED = {"details": "no_healthy_upstream", "cluster": "c", "path": "/", "method": "GET", "authority": "a.test"}


@pytest.mark.parametrize(
    ("status", "told", "headers", "kind"),
    [
        (503, FORWARDED, {}, "forwards"),
        (503, {**FORWARDED, "details": "cluster_not_found"}, {}, "nothing"),
        (301, {"details": "direct_response"}, {"location": "/x"}, "redirects"),
        (200, {"details": "direct_response"}, {}, "answers"),
        (404, {"details": "route_not_found"}, {}, "nothing"),
        (307, {"details": "path_normalization_failed"}, {"location": "/x"}, "answers"),
        (400, {}, {}, "nothing"),
        (200, {"details": "filter_chain_not_found"}, {"grpc-status": "14"}, "nothing"),
    ],
)
def test_envoys_words_say_what_it_would_do(
    status: int, told: dict[str, str], headers: dict[str, str], kind: str
) -> None:
    assert answered(Answer(status, told, headers))["kind"] == kind


def report(**more: Any) -> dict[str, Any]:
    objects = [{"kind": "Mapping", "namespace": "default", "name": "a\x1b[31m", "source": "a.yaml#1"}]
    rule = {
        "route": "r",
        "objects": objects,
        "asks": "prefix /",
        "share": 40.0,
        "before": [],
        "does": {},
        "after": None,
    }
    return {
        "request": {"method": "GET", "url": "http://a.test/"},
        "listener": {"name": "default/http", "port": 8080, "objects": []},
        "chain": None,
        "host": None,
        "rule": rule,
        "answer": {**answered(Answer(503, FORWARDED, {}))},
        "others": [{**rule, "share": None, "after": "its prefix is shorter"}],
        "left_out": 3,
        "endpoints": [{"address": "10.0.0.1:80", "healthy": False, "troubles": ["failed active health check"]}],
        "errors": {"since": "7s", "found": [], "looked_at": ["the cluster"]},
        "notes": [],
        **more,
    }


def test_what_a_header_became_is_shown_as_clients_send_it() -> None:
    sent = ("a€".encode(), b"caf\xe9", b"\x1b")
    assert [_as_sent(value.decode("latin-1")) for value in sent] == ["a€", "café", "\x1b"]


def test_a_call_that_is_refused_is_told_by_its_own_status() -> None:
    told = report(answer=answered(Answer(200, ANSWERED, {"grpc-status": "14"})), endpoints=None)
    assert "answers  200: grpc-status 14" in click.unstyle("\n".join(lines(told)))


def test_what_went_wrong_before_is_told_or_what_was_looked_at() -> None:
    assert "errors  none in 7s since Envoy began: the cluster" in click.unstyle("\n".join(lines(report())))
    line = {"where": "access log x", "line": "GET /\x1b 503"}
    counted = {"where": "cluster", "what": "answers with 5xx", "count": 3, "of": 1204}
    told = report(errors={"since": "7s", "found": [counted, line], "looked_at": []})
    text = click.unstyle("\n".join(lines(told)))
    assert "errors  cluster: answers with 5xx, 3 of 1,204 in 7s since Envoy began\n" in text
    assert r"access log x: GET /\u001b 503" in text


def test_the_report_in_words_escapes_what_people_wrote() -> None:
    text = click.unstyle("\n".join(lines(report())))
    assert "\x1b" not in text
    assert r"a\u001b[31m" in text
    assert "40 % of the requests" in text
    assert "10.0.0.1:80  failed active health check" in text
    assert "prefix /: its prefix is shorter" in text
    assert "3 more rules, which were not tried" in text


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"endpoints": []}, False),
        ({"endpoints": None}, True),
        ({"answer": {"kind": "redirects"}}, True),
        ({"answer": {"kind": "nothing"}}, False),
        ({"answer": answered(Answer(421, ANSWERED, {})), "rule": None}, False),
        ({"answer": answered(Answer(200, ANSWERED, {"grpc-status": "14"})), "rule": None}, False),
        ({"answer": answered(Answer(500, ANSWERED, {}))}, True),
    ],
)
def test_whether_something_serves_it(more: dict[str, Any], expected: bool) -> None:
    assert served(report(**more)) is expected
