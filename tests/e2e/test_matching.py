"""Which Mapping takes a request: asked of a real Envoy through the whole system."""

import pytest

from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def test_prefix_takes_every_path_that_begins_so(gateway: Gateway, red: HttpUpstream) -> None:
    name = "prefix.test"
    with gateway.applied(name, host(name, name) + mapping("prefix", name, red.service, "/foo", rewrite="")):
        assert gateway.wait_served(name, "/foo").json()["path"] == "/foo"
        assert gateway.request(name, "/foo/bar?x=1").json()["path"] == "/foo/bar?x=1"
        assert gateway.request(name, "/foobar").status_code == 200
        assert gateway.request(name, "/fo").status_code == 404
        assert gateway.request(name, "/Foo").status_code == 404


def test_a_prefix_without_regard_to_case(gateway: Gateway, red: HttpUpstream) -> None:
    name = "case.test"
    text = mapping("case", name, red.service, "/foo/", case_sensitive=False, rewrite="")
    with gateway.applied(name, host(name, name) + text):
        assert gateway.wait_served(name, "/FOO/x").json()["path"] == "/FOO/x"


def test_prefix_exact_takes_that_path_only(gateway: Gateway, red: HttpUpstream) -> None:
    name = "exact.test"
    text = mapping("exact", name, red.service, "/foo", prefix_exact=True, rewrite="")
    with gateway.applied(name, host(name, name) + text):
        assert gateway.wait_served(name, "/foo?q=1").json()["path"] == "/foo?q=1"
        assert gateway.request(name, "/foo/").status_code == 404
        assert gateway.request(name, "/foobar").status_code == 404


def test_prefix_regex_matches_the_whole_path(gateway: Gateway, red: HttpUpstream) -> None:
    name = "regex.test"
    text = mapping("regex", name, red.service, "/v[0-9]+/item", prefix_regex=True, rewrite="")
    with gateway.applied(name, host(name, name) + text):
        assert gateway.wait_served(name, "/v12/item").json()["path"] == "/v12/item"
        assert gateway.request(name, "/v12/item/more").status_code == 404
        assert gateway.request(name, "/vx/item").status_code == 404


def test_an_exact_and_a_prefix_mapping_of_one_text_both_serve(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "both.test"
    texts = mapping("both-exact", name, red.service, "/foo", prefix_exact=True) + mapping(
        "both-prefix", name, blue.service, "/foo"
    )
    with gateway.applied(name, host(name, name) + texts):
        assert gateway.wait_served(name, "/foo/x").json()["upstream"] == "blue"
        assert gateway.request(name, "/foo").json()["upstream"] == "red"


def test_headers_that_read_alike_are_asked_for_apart(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "signs.test"
    texts = mapping("signs-a", name, red.service, headers={"x~": "v"})
    texts += mapping("signs-b", name, blue.service, regex_headers={"x": "=v"})
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name, headers={"x~": "v"})
        gateway.wait_served(name, headers={"x": "=v"})
        for headers, expected in (({"x~": "v"}, "red"), ({"x": "=v"}, "blue")):
            answers = [gateway.request(name, headers=headers) for _ in range(16)]
            assert {answer.json().get("upstream") for answer in answers if answer.status_code == 200} == {expected}
            assert {answer.status_code for answer in answers} == {200}


def test_the_longer_prefix_wins_whatever_the_order(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "longer.test"
    texts = mapping("a-short", name, red.service, "/") + mapping("b-long", name, blue.service, "/long/")
    with gateway.applied(name, host(name, name) + texts):
        assert gateway.wait_served(name, "/long/x").json()["upstream"] == "blue"
        assert gateway.request(name, "/other").json()["upstream"] == "red"


def test_precedence_beats_length(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "precedence.test"
    texts = mapping("short", name, red.service, "/", precedence=1) + mapping("long", name, blue.service, "/long/")
    with gateway.applied(name, host(name, name) + texts):
        assert gateway.wait_served(name, "/long/x").json()["upstream"] == "red"


def test_a_wildcard_host_serves_a_mapping_only_under_the_mappings_own_name(gateway: Gateway, red: HttpUpstream) -> None:
    texts = host("glob", "*.glob.test") + mapping("glob", "one.glob.test", red.service)
    with gateway.applied("glob", texts):
        gateway.wait_served("one.glob.test")
        assert gateway.request("two.glob.test").status_code == 404
        assert gateway.request("glob.test").status_code == 404


def test_a_name_is_the_wider_hosts_again_when_its_own_host_is_gone(gateway: Gateway, red: HttpUpstream) -> None:
    """While it is there, the wider one has no routes for the name."""
    name = "one.back.test"
    texts = host("back", "*.back.test") + mapping("back", name, red.service)
    with gateway.applied("back", texts):
        with gateway.applied("back-one", host("back-one", name, mappingSelector={"matchLabels": {"no": "one"}})):
            gateway.wait_served(name, status=404)
        gateway.wait_served(name)
        with gateway.applied("back-one", host("back-one", name) + mapping("more", name, red.service, "/more/")):
            gateway.wait_served(name, "/more/")
            gateway.wait_served(name)
        gateway.wait_served(name, "/more/")


def test_a_mapping_for_all_names_serves_under_every_host(gateway: Gateway, red: HttpUpstream) -> None:
    texts = host("star-a", "a.star.test") + host("star-b", "b.star.test") + mapping("star", "*.star.test", red.service)
    with gateway.applied("star", texts):
        gateway.wait_served("a.star.test")
        gateway.wait_served("b.star.test")


def test_headers_must_be_equal(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "headers.test"
    texts = mapping("plain", name, red.service) + mapping("team", name, blue.service, headers={"x-team": "blue"})
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name)
        assert gateway.wait_served(name, headers={"x-team": "blue"}).json()["upstream"] == "blue"
        assert gateway.request(name, headers={"x-team": "bluer"}).json()["upstream"] == "red"
        assert gateway.request(name).json()["upstream"] == "red"


def test_regex_headers_match_the_whole_value(gateway: Gateway, red: HttpUpstream) -> None:
    name = "regex-headers.test"
    text = mapping("regex-headers", name, red.service, regex_headers={"x-version": "v[0-9]+"})
    with gateway.applied(name, host(name, name) + text):
        gateway.wait_served(name, headers={"x-version": "v12"})
        assert gateway.request(name, headers={"x-version": "v12b"}).status_code == 404
        assert gateway.request(name).status_code == 404


def test_method(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "method.test"
    texts = mapping("get", name, red.service, method="GET") + mapping("post", name, blue.service, method="POST")
    with gateway.applied(name, host(name, name) + texts):
        assert gateway.wait_served(name).json()["upstream"] == "red"
        assert gateway.request(name, method="POST", content=b"hello").json()["body"] == "hello"
        assert gateway.request(name, method="PUT").status_code == 404


def test_method_regex(gateway: Gateway, red: HttpUpstream) -> None:
    name = "method-regex.test"
    text = mapping("methods", name, red.service, method="GET|HEAD", method_regex=True)
    with gateway.applied(name, host(name, name) + text):
        gateway.wait_served(name)
        assert gateway.request(name, method="HEAD").status_code == 200
        assert gateway.request(name, method="POST").status_code == 404


def test_query_parameters(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "query.test"
    texts = mapping("any", name, red.service) + mapping("v2", name, blue.service, query_parameters={"v": "2"})
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name)
        assert gateway.wait_served(name, "/?v=2").json()["upstream"] == "blue"
        assert gateway.request(name, "/?v=22").json()["upstream"] == "red"
        assert gateway.request(name, "/?w=2").json()["upstream"] == "red"


def test_regex_query_parameters(gateway: Gateway, red: HttpUpstream) -> None:
    name = "regex-query.test"
    text = mapping("regex-query", name, red.service, regex_query_parameters={"v": ".*"})
    with gateway.applied(name, host(name, name) + text):
        gateway.wait_served(name, "/?v=anything")
        assert gateway.request(name, "/?w=1").status_code == 404


def test_labels_bind_mappings_to_hosts_by_selector(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    texts = (
        host("selecting", "selecting.test", mappingSelector={"matchLabels": {"team": "red"}})
        + mapping("mine", None, red.service, "/mine/", labels_={"team": "red"})
        + mapping("theirs", None, blue.service, "/theirs/", labels_={"team": "blue"})
    )
    with gateway.applied("selecting", texts):
        gateway.wait_served("selecting.test", "/mine/")
        assert gateway.request("selecting.test", "/theirs/").status_code == 404


def test_a_host_with_more_than_a_hundred_mappings(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    """Such a Host is a matcher tree; what its leaves cannot decide falls back to shorter prefixes."""
    name = "many.test"
    texts = "".join(mapping(f"many-{index}", name, red.service, f"/p{index}/", rewrite="") for index in range(150))
    texts += mapping("many-team", name, blue.service, "/p7/", headers={"x-team": "blue"}, rewrite="")
    texts += mapping("many-all", name, blue.service, "/", rewrite="")
    with gateway.applied(name, host(name, name) + texts):
        assert gateway.wait_served(name, "/p149/x").json()["upstream"] == "red"
        assert gateway.request(name, "/p7/x").json()["upstream"] == "red"
        assert gateway.request(name, "/p7/x", headers={"x-team": "blue"}).json()["upstream"] == "blue"
        assert gateway.request(name, "/nothing").json()["upstream"] == "blue"
