"""What a conversion costs: CPU of a review of 1,000 Mappings, in turn with reading and writing the same JSON."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from conversion import CURRENT, GROUP
from tests.bench.report import Line, beside
from webhook.review import API_VERSION, answer

COUNT = 1000
TURNS = 9
PLAIN = {"prefix": "/a/", "service": "quote", "host": "a.test"}
ODD = {
    **PLAIN,
    "ambassador_id": "default",
    "tls": True,
    "headers": {"x-any": True, "x-is": "v"},
    "add_request_headers": {"x-short": "v", "x-long": {"value": "w", "append": False}},
    "remove_request_headers": "x-gone",
    "cors": {"origins": "https://a, https://b"},
}


def review(objects: list[Any], version: str) -> bytes:
    """A ConversionReview of these objects to a version."""
    request = {"uid": "u", "desiredAPIVersion": f"{GROUP}/{version}", "objects": objects}
    return orjson.dumps({"apiVersion": API_VERSION, "kind": "ConversionReview", "request": request})


def lines(largest: int) -> Iterator[Line]:
    """To the present version and back, of Mappings with few fields and of odd ones."""
    for name, spec in (("plain", PLAIN), ("odd", ODD)):
        metadata = {"name": "a", "namespace": "b"}
        one = {"apiVersion": f"{GROUP}/v2", "kind": "Mapping", "metadata": metadata, "spec": spec}
        there = review([one] * COUNT, CURRENT)
        made, _ = answer(there)
        back = review(orjson.loads(made)["response"]["convertedObjects"], "v2")
        spent: list[list[float]] = [[], [], []]
        for _ in range(TURNS):
            for index, (task, body) in enumerate(((answer, there), (answer, back), (_json, there))):
                spent[index].append(_cpu_ms(task, body))
        medians = [statistics.median(each) for each in spent]
        for way, median in zip((f"v2 to {CURRENT}", f"{CURRENT} to v2"), medians, strict=False):
            what = f"{COUNT:,} {name} Mappings from {way}"
            yield beside(what, median, "ms CPU", medians[2], "reading and writing the same JSON")


def _json(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body))


def _cpu_ms(task: Callable[[bytes], Any], body: bytes) -> float:
    began = time.process_time()
    task(body)
    return (time.process_time() - began) * 1000
