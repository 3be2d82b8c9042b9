"""Prefixes and patterns that are told to match nothing: a real Envoy is asked whether they do."""

import http.client

import pytest

from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "pitfalls.test"


def status(gateway: Gateway, path: str) -> int:
    """The answer to a path that is sent as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http_port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", NAME)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("prefix", "asked", "regex"),
    [
        ("/a//b/", "/a//b/", False),
        ("/a/./b/", "/a/./b/", False),
        ("/a/x/../b/", "/a/x/../b/", False),
        ("/a%2Fb/", "/a%2Fb/", False),
        ("/caf\N{LATIN SMALL LETTER E WITH ACUTE}/", "/caf%C3%A9/", False),
        ("/x/*", "/x/y", False),
        ("/users/{id}", "/users/5", False),
        ("/users/:id/", "/users/5/", False),
        (r"/a\?b=c", "/a?b=c", True),
        ("/a/[?]", "/a/?", True),
    ],
)
def test_what_is_told_to_match_nothing_matches_nothing(
    gateway: Gateway, red: HttpUpstream, prefix: str, asked: str, regex: bool
) -> None:
    texts = (
        host(NAME, NAME)
        + mapping("doubtful", NAME, red.service, prefix, prefix_regex=regex)
        + mapping("sure", NAME, red.service, "/sure/")
    )
    with gateway.applied("pitfalls", texts):
        gateway.wait_served(NAME, "/sure/")
        told = gateway.diag()["objects"]["getambassador.io/Mapping/default/doubtful"]
        assert told["state"] == "warned"
        assert [problem["path"] for problem in told["problems"]] == ["spec.prefix"]
        assert status(gateway, asked) in {404, 307}


def test_what_is_advised_instead_matches(gateway: Gateway, red: HttpUpstream) -> None:
    texts = host(NAME, NAME) + mapping("cafe", NAME, red.service, "/caf%C3%A9/")
    with gateway.applied("pitfalls", texts):
        gateway.wait_served(NAME, "/caf%C3%A9/")
