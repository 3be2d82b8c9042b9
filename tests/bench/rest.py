"""When a gateway on a real API server is at rest: all statuses are written, and each has been looked at once more.

CPU that is measured sooner is that of a start: the reporter compares every object once, writes 100 statuses a second at
most, and looks at each again when the watcher must have heard of the write.
"""

import time
from typing import Any

from reporter.looking import ANSWER_COUNTS
from tests.e2e.cluster.client import ApiClient

WRITING = 900.0
AGAIN = ANSWER_COUNTS + 5.0
EVERY = 5.0
"""Seconds between two lists of everything, which cost the API server more than the gateway costs."""


def wait_for_rest(api: ApiClient, *paths: str) -> float:
    """Wait until all objects of these paths have their statuses and nothing happens; the seconds of the writing."""
    began = time.monotonic()
    for path in paths:
        while missing := missing_of(api, path):
            if time.monotonic() - began > WRITING:
                raise TimeoutError(f"{missing} objects of {path} have no status yet")
            time.sleep(EVERY)
    written = time.monotonic() - began
    time.sleep(AGAIN)
    return written


def missing_of(api: ApiClient, path: str) -> int:
    """How many statuses do not have Envoy's word on the present version of their objects."""
    return sum(not is_told(found) for found in api.get(path)["items"])


def is_told(found: dict[str, Any]) -> bool:
    """Whether one has."""
    conditions = {each["type"]: each for each in found.get("status", {}).get("conditions", [])}
    told = conditions.get("Programmed", {"status": "Unknown"})
    return told["status"] != "Unknown" and told["observedGeneration"] == found["metadata"]["generation"]
