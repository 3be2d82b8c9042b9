"""Shadows: copies of requests for a service whose answers nobody gets, and shares that are exact at their ends."""

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

MANY = 100


def test_a_shadow_gets_a_copy_of_each_request_and_its_answers_are_dropped(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "shadow.test"
    texts = (
        host(name, name)
        + mapping("real", name, red.service, "/api/", rewrite="/v2/", add_request_headers={"x-added": {"value": "1"}})
        + mapping("shadow", name, blue.service, "/api/", shadow=True)
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/api/")
        wait_until(lambda: gateway.request(name, "/api/") and blue.seen, what="a first copy")
        blue.status, blue.delay = 500, 2.0
        blue.seen.clear()
        response = gateway.request(name, "/api/pay?by=card", method="POST", content=b"much")
        assert (response.status_code, response.json()["upstream"]) == (200, "red")
        copy = wait_until(lambda: next((one for one in blue.seen if one.get("body") == "much"), None), what="the copy")
        assert (copy["method"], copy["path"], copy["headers"]["x-added"]) == ("POST", "/v2/pay?by=card", "1")
        assert copy["host"] == f"{name}-shadow"
        gateway.request(name, "/api/")
        assert response.json()["host"] == name


def test_a_shadow_may_edit_the_headers_of_its_copies(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "shadow-edits.test"
    edits = {
        "add_request_headers": {"x-copy": {"value": "of %REQ(:PATH)%", "append": False}},
        "remove_request_headers": ["authorization"],
        "host_rewrite": "copies.test",
    }
    texts = (
        host(name, name)
        + mapping("real", name, red.service, "/api/")
        + mapping("shadow", name, blue.service, "/api/", shadow=True, **edits)
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/api/")
        wait_until(lambda: gateway.request(name, "/api/") and blue.seen, what="a first copy")
        red.seen.clear()
        blue.seen.clear()
        gateway.request(name, "/api/pay", headers={"authorization": "secret", "x-copy": "no"})
        copy = wait_until(lambda: next((one for one in blue.seen if one["path"] == "/pay"), None), what="the copy")
        assert (copy["host"], copy["headers"]["x-copy"]) == ("copies.test", "of /pay")
        assert "authorization" not in copy["headers"]
        real = next(one for one in red.seen if one["path"] == "/pay")
        assert (real["host"], real["headers"]["authorization"]) == (name, "secret")
        assert real["headers"]["x-copy"] == "no"


def test_the_weight_of_a_shadow_is_the_share_of_requests_that_are_copied(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "shadow-share.test"
    shares = {"none": 0, "half": 50, "all": 100}
    texts = host(name, name) + "".join(
        mapping(f"real-{word}", name, red.service, f"/{word}/", rewrite="")
        + mapping(f"shadow-{word}", name, blue.service, f"/{word}/", shadow=True, weight=share)
        for word, share in shares.items()
    )
    with gateway.applied(name, texts):
        wait_until(lambda: gateway.request(name, "/all/") and blue.seen, what="a first copy")
        blue.seen.clear()
        for word in shares:
            for _ in range(MANY):
                assert gateway.request(name, f"/{word}/{word}").json()["upstream"] == "red"

        def copies(word: str) -> int:
            return sum(one["path"] == f"/{word}/{word}" for one in blue.seen)

        wait_until(lambda: copies("all") == MANY, what="a copy of each")
        assert copies("none") == 0
        assert 10 < copies("half") < 90


def test_a_shadow_alone_answers_nobody_and_is_told(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "shadow-alone.test"
    texts = (
        host(name, name)
        + mapping("real", name, red.service, "/real/")
        + mapping("alone", name, blue.service, "/alone/", shadow=True)
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/real/")
        assert gateway.request(name, "/alone/").status_code == 404
        assert blue.seen == []


def test_weights_are_exact_at_their_ends_and_what_they_leave_over_falls_through(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "exact.test"
    texts = (
        host(name, name)
        + mapping("none", name, blue.service, "/exact/", weight=0)
        + mapping("every", name, red.service, "/exact/", weight=100)
        + mapping("zero", name, blue.service, "/over/", weight=0)
        + mapping("zero-too", name, blue.service, "/over/", weight=0)
        + mapping("below", name, red.service, "/")
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/exact/")
        gateway.wait_served(name, "/over/")
        for _ in range(MANY):
            assert gateway.request(name, "/exact/").json()["upstream"] == "red"
            assert gateway.request(name, "/over/").json()["upstream"] == "red"
        assert blue.seen == []
