"""What becomes of a request on its way: paths, headers, redirects, time limits, retries, shares."""

from collections import Counter

import pytest

from tests.support import plain
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

EMPTYING = {"pattern": "^/api(.*)", "substitution": "\\1"}


@pytest.mark.parametrize(
    ("prefix", "spec", "path", "arrives"),
    [
        ("/foo/", {}, "/foo/bar?x=1", "/bar?x=1"),
        ("/foo", {}, "/foo", "/"),
        ("/foo", {}, "/foo/bar", "/bar"),
        ("/foo/", {"rewrite": ""}, "/foo/bar", "/foo/bar"),
        ("/foo/", {"rewrite": "/v2/"}, "/foo/bar", "/v2/bar"),
        ("/foo", {"prefix_exact": True}, "/foo", "/"),
        ("/v([0-9]+)/.*", {"prefix_regex": True, "rewrite": ""}, "/v1/x", "/v1/x"),
        ("/", {"regex_rewrite": {"pattern": "/v([0-9]+)/", "substitution": "/version/\\1/"}}, "/v3/a", "/version/3/a"),
        ("/api", {"regex_rewrite": EMPTYING}, "/api", "/"),
        ("/api", {"regex_rewrite": EMPTYING}, "/api?x=1", "/?x=1"),
        ("/api", {"regex_rewrite": EMPTYING}, "/api/", "/"),
        ("/api", {"regex_rewrite": EMPTYING}, "/api/x", "/x"),
        ("/api", {"regex_rewrite": EMPTYING, "prefix_exact": True}, "/api", "/"),
        ("/", {"regex_rewrite": {"pattern": "^/api$", "substitution": ""}}, "/api", "/api"),
    ],
)
def test_rewrite(
    gateway: Gateway, red: HttpUpstream, prefix: str, spec: dict[str, object], path: str, arrives: str
) -> None:
    name = "rewrite.test"
    with gateway.applied(name, host(name, name) + mapping("rewrite", name, red.service, prefix, **spec)):
        assert gateway.wait_served(name, path).json()["path"] == arrives
    gateway.wait_served(name, path, status=404)


def test_host_rewrite(gateway: Gateway, red: HttpUpstream) -> None:
    name = "host-rewrite.test"
    with gateway.applied(name, host(name, name) + mapping("hr", name, red.service, host_rewrite="inside.test")):
        assert gateway.wait_served(name).json()["host"] == "inside.test"


def test_headers_are_added_and_removed_on_both_ways(gateway: Gateway, red: HttpUpstream) -> None:
    name = "edits.test"
    red.response_headers.update({"x-secret": "s", "x-both": "upstream"})
    text = mapping(
        "edits",
        name,
        red.service,
        add_request_headers={
            "x-plain": "text",
            "x-client": {"value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"},
            "x-set": {"value": "ours", "append": False},
            "x-append": {"value": "ours", "append": True},
        },
        remove_request_headers=["x-unwanted"],
        add_response_headers={"x-both": {"value": "gateway", "append": False}, "x-served-by": {"value": "dragoman"}},
        remove_response_headers=["x-secret"],
    )
    with gateway.applied(name, host(name, name) + text):
        sent = {"x-unwanted": "1", "x-set": "theirs", "x-append": "theirs"}
        response = gateway.wait_served(name, headers=sent)
        arrived = response.json()["headers"]
        assert arrived["x-plain"] == "text"
        assert arrived["x-client"] == "127.0.0.1"
        assert arrived["x-set"] == "ours"
        assert "ours" in arrived["x-append"]
        assert "x-unwanted" not in arrived
        assert response.headers["x-both"] == "gateway"
        assert response.headers["x-served-by"] == "dragoman"
        assert "x-secret" not in response.headers


def test_what_clients_say_of_proxies_is_not_believed(gateway: Gateway, red: HttpUpstream) -> None:
    name = "spoof.test"
    untrusted = {
        "x-forwarded-host": "evil",
        "x-original-url": "/admin",
        "x-forwarded-prefix": "/x",
        "x-real-ip": "9.9.9.9",
    }
    text = mapping("spoof", name, red.service, add_request_headers={"x-forwarded-port": {"value": "8080"}})
    with gateway.applied(name, host(name, name) + text):
        arrived = gateway.wait_served(name, headers=untrusted).json()["headers"]
        assert not untrusted.keys() & arrived.keys()
        assert arrived["x-forwarded-port"] == "8080"  # what a Mapping adds stays


@pytest.mark.parametrize(
    ("spec", "path", "code", "location"),
    [
        ({}, "/foo/x", 301, "http://elsewhere.test/foo/x"),
        ({"redirect_response_code": 307}, "/foo/x", 307, "http://elsewhere.test/foo/x"),
        ({"path_redirect": "/new"}, "/foo/x", 301, "http://elsewhere.test/new"),
        ({"prefix_redirect": "/new/"}, "/foo/x", 301, "http://elsewhere.test/new/x"),
        (
            {"regex_redirect": {"pattern": "/foo/([a-z]+)", "substitution": "/\\1/foo"}},
            "/foo/x",
            301,
            "http://elsewhere.test/x/foo",
        ),
    ],
)
def test_host_redirect(gateway: Gateway, spec: dict[str, object], path: str, code: int, location: str) -> None:
    name = "redirect.test"
    text = mapping("redirect", name, "elsewhere.test", "/foo/", host_redirect=True, **spec)
    with gateway.applied(name, host(name, name) + text):
        response = gateway.wait_served(name, path, status=code)
        assert response.headers["location"] == location
    gateway.wait_served(name, path, status=404)


def test_timeout(gateway: Gateway, red: HttpUpstream) -> None:
    name = "timeout.test"
    texts = mapping("short", name, red.service, "/short/", timeout_ms=100) + mapping(
        "none", name, red.service, "/none/", timeout_ms=0
    )
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name, "/short/")
        red.delay = 0.5  # far below the default, so that only the Mapping's own limit can end the request
        assert gateway.request(name, "/short/").status_code == 504
        assert gateway.request(name, "/none/").status_code == 200


def test_retry_policy(gateway: Gateway, red: HttpUpstream) -> None:
    name = "retry.test"
    texts = mapping("once", name, red.service, "/once/") + mapping(
        "thrice", name, red.service, "/thrice/", retry_policy={"retry_on": "5xx", "num_retries": 3}
    )
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name, "/thrice/")
        red.failures = 1
        assert gateway.request(name, "/once/").status_code == 503
        red.seen.clear()
        red.failures = 3
        assert gateway.request(name, "/thrice/").status_code == 200
        assert len(red.seen) == 4


def test_weights_split_requests(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "weight.test"
    texts = mapping("stable", name, red.service) + mapping("canary", name, blue.service, weight=30)
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name)
        with plain.Client() as client:
            url = f"http://127.0.0.1:{gateway.http_port}/"
            got = Counter(client.get(url, headers={"host": name}).json()["upstream"] for _ in range(1000))
        assert 230 < got["blue"] < 370  # 30 %, five standard deviations to each side
    texts = mapping("stable", name, red.service) + mapping("canary", name, blue.service, weight=0)
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name)
        assert {gateway.wait_served(name).json()["upstream"] for _ in range(50)} == {"red"}


def test_a_lone_mapping_takes_all_whatever_its_weight(gateway: Gateway, red: HttpUpstream) -> None:
    name = "lone.test"
    with gateway.applied(name, host(name, name) + mapping("lone", name, red.service, weight=10)):
        gateway.wait_served(name)
        assert {gateway.request(name).status_code for _ in range(50)} == {200}


def test_a_share_that_no_weight_takes_falls_through(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "rest.test"
    texts = (
        mapping("ten", name, red.service, "/x/", weight=10)
        + mapping("twenty", name, red.service, "/x/", weight=20)
        + mapping("below", name, blue.service, "/")
    )
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name, "/x/")
        got = Counter(gateway.request(name, "/x/").json()["upstream"] for _ in range(300))
        assert 0.15 < got["red"] / 300 < 0.45
        assert got["blue"] > 0


def test_module_defaults(red: HttpUpstream) -> None:
    name = "defaults.test"
    module = an_object(
        "Module",
        "ambassador",
        {
            "config": {
                "cluster_request_timeout_ms": 150,
                "retry_policy": {"retry_on": "5xx", "num_retries": 2},
                "defaults": {"httpmapping": {"add_request_headers": {"x-default": {"value": "yes"}}}},
                "server_name": "ours",
            }
        },
    )
    texts = mapping("inherits", name, red.service, "/inherits/") + mapping(
        "masks", name, red.service, "/masks/", add_request_headers={}, timeout_ms=2000
    )
    with Gateway() as gateway:
        gateway.apply("all", host(name, name) + module + texts)
        response = gateway.wait_served(name, "/inherits/")
        assert response.json()["headers"]["x-default"] == "yes"
        assert response.headers["server"] == "ours"
        assert "x-default" not in gateway.request(name, "/masks/").json()["headers"]
        red.failures = 2
        assert gateway.request(name, "/inherits/").status_code == 200
        red.delay = 0.4
        assert gateway.request(name, "/inherits/").status_code == 504
        assert gateway.request(name, "/masks/").status_code == 200
