"""Reviews: many objects at a time, wrong ones named, and what is no review refused."""

import time
from typing import Any

import orjson
import pytest

from tests.conversion.test_conversion_rules import an
from webhook.review import NoReviewError, answer


def review(objects: Any, version: str = "getambassador.io/v3alpha1", **more: Any) -> bytes:
    request = {"uid": "u", "desiredAPIVersion": version, "objects": objects}
    return orjson.dumps(
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "request": request, **more}
    )


def response(body: bytes) -> Any:
    made, _ = answer(body)
    said = orjson.loads(made)
    assert said["apiVersion"] == "apiextensions.k8s.io/v1"
    assert said["kind"] == "ConversionReview"
    assert said["response"]["uid"] == "u"
    return said["response"]


def test_objects_come_back_in_their_order() -> None:
    given = [an("Mapping", "v2", {"prefix": f"/{number}/", "host": "a"}) for number in range(50)]
    said = response(review(given))
    assert said["result"] == {"status": "Success"}
    assert [each["spec"]["prefix"] for each in said["convertedObjects"]] == [each["spec"]["prefix"] for each in given]
    assert {each["apiVersion"] for each in said["convertedObjects"]} == {"getambassador.io/v3alpha1"}


def test_no_objects_are_no_mistake() -> None:
    assert response(review([]))["convertedObjects"] == []


def test_wrong_objects_fail_the_review_and_are_named() -> None:
    said = response(review([an("Mapping", "v2", {}), an("Listener", "v2", {}), 7, an("Mapping", "v7", {})]))
    assert said["convertedObjects"] == []
    assert said["result"]["status"] == "Failure"
    assert said["result"]["message"] == (
        "Listener b/a: Listener has no version 'v2', only v3alpha1; objects[1]: it is not an object; "
        "Mapping b/a: Mapping has no version 'v7', only v1, v2, v3alpha1"
    ).replace("objects[1]", "objects[2]")


def test_many_wrong_objects_are_counted() -> None:
    said = response(review([7] * 20))
    assert said["result"]["message"].endswith("objects[4]: it is not an object; and 15 more")


def test_another_group_is_not_converted() -> None:
    said = response(review([an("Mapping", "v2", {})], "example.com/v3alpha1"))
    assert "Mapping has no version 'example.com/v3alpha1'" in said["result"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a ConversionReview"),
        (b'{"kind": "ConversionReview"}', "not a ConversionReview"),
        (review([], apiVersion="apiextensions.k8s.io/v1beta1"), "v1beta1"),
        (review({}), "not a list"),
        (b"[" * 5000, "not JSON"),
    ],
)
def test_what_is_no_review_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(NoReviewError, match=said):
        answer(body)


def nested(levels: int, leaf: bytes = b'"]} \\\\\\" {["') -> bytes:
    return b'{"a":[' * (levels // 2) + leaf + b"]}" * (levels // 2)


@pytest.mark.parametrize("levels", [20, 60, 70, 100, 250, 600, 1000, 1030, 5000, 9980])
@pytest.mark.parametrize("field", [b"labels", b"headers", b"nobody_knows"])
def test_an_object_of_any_depth_is_answered_and_so_are_those_beside_it(levels: int, field: bytes) -> None:
    spec = {"prefix": "/", "host": "a", "DEEP": "DEEP"}
    given = [an("Mapping", "v2", {"host": "b"}), an("Mapping", "v2", spec), an("Mapping", "v2", {"host": "c"})]
    deep = b'"%b":%b' % (field, nested(levels))
    made, count = answer(review(given).replace(b'"DEEP":"DEEP"', deep))
    assert count == 3
    assert deep in made
    for host in (b"a", b"b", b"c"):
        assert b'"hostname":"%b"' % host in made
    upgraded = made.partition(b'"convertedObjects":')[2].partition(b'],"result')[0] + b"]"
    whole = b'{"uid":"u","desiredAPIVersion":"getambassador.io/v2","objects":%b}' % upgraded
    back = answer(b'{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":%b}' % whole)[0]
    assert deep in back
    assert b"written-as" not in back


def test_an_object_that_names_what_was_set_aside_has_to_guess() -> None:
    body = review([an("Mapping", "v2", {"mine": "DEEP", "other": '"0"'})]).replace(b'"DEEP"', nested(2000))
    assert answer(body)[0].count(nested(2000)) == 1


@pytest.mark.parametrize("body", [b"[" * 5000 + b"]" * 4000, b"{" * 5000, b'{"a":' * 2000, nested(2000) + b"}", b'"'])
def test_what_is_deep_and_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NoReviewError):
        answer(body)


def test_a_thousand_objects_are_quick() -> None:
    """Generous by twenty: what is told in docs/older-versions.md was measured."""
    spec = {"prefix": "/a/", "host": "a.test", "tls": True, "service": "quote", "headers": {"x": True}}
    body = review([an("Mapping", "v2", spec) for _ in range(1000)])
    began = time.process_time()
    answer(body)
    assert time.process_time() - began < 2
