"""A ConversionReview to its answer: bytes in, bytes out.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/
"""

from typing import Any, Final

import orjson

from conversion import GROUP, UnconvertibleError, convert
from webhook.deep import shallow

API_VERSION: Final = "apiextensions.k8s.io/v1"
_NAMED: Final = 5


class NoReviewError(ValueError):
    """What came is no ConversionReview; the message says why."""


def answer(body: bytes) -> tuple[bytes, int]:
    """The answer to a review, and how many objects it is about.

    An object that cannot be converted fails the review, as the API wants it, with a message that names it.

    Raises:
        NoReviewError: when it cannot be answered in the form of a review.
    """
    try:
        return _answer(body)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # no JSON, or too deep
        text, aside = shallow(body)
    try:
        made, count = _answer(text)
    except orjson.JSONDecodeError as error:
        raise NoReviewError(f"it is not JSON: {error}") from error
    return aside.put_back(made), count


def _answer(body: bytes) -> tuple[bytes, int]:
    request = _request(orjson.loads(body))
    objects, wanted = request.get("objects"), str(request.get("desiredAPIVersion"))
    if not isinstance(objects, list):
        raise NoReviewError("request.objects is not a list")
    group, _, version = wanted.partition("/")
    converted, wrong = [], []
    for number, document in enumerate(objects):
        try:
            converted.append(convert(document, version if group == GROUP else wanted))
        except UnconvertibleError as error:
            wrong.append(f"{_name_of(document, number)}: {error}")
    response: dict[str, Any] = {"uid": request.get("uid"), "convertedObjects": [] if wrong else converted}
    response["result"] = {"status": "Failure", "message": _told(wrong)} if wrong else {"status": "Success"}
    return orjson.dumps({"apiVersion": API_VERSION, "kind": "ConversionReview", "response": response}), len(objects)


def _request(review: Any) -> dict[str, Any]:
    request = review.get("request") if isinstance(review, dict) else None
    if not isinstance(request, dict) or review.get("kind") != "ConversionReview":
        raise NoReviewError("it is not a ConversionReview with a request")
    if review.get("apiVersion") != API_VERSION:
        raise NoReviewError(f"its apiVersion is {review.get('apiVersion')!r}, not {API_VERSION!r}")
    return request


def _name_of(document: Any, number: int) -> str:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return f"objects[{number}]"
    return f"{document.get('kind')} {metadata.get('namespace', '')}/{metadata['name']}"


def _told(wrong: list[str]) -> str:
    more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return "; ".join(wrong[:_NAMED]) + more
