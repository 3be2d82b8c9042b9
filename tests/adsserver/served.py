"""A small world to serve, and what a client gets of it."""

from pathlib import Path

import httpx

from snapshot import Record
from tests.support import plain
from tests.support.envoy import wait_until
from tests.support.part import Part
from tests.support.resources import cluster, direct, endpoints, keyed, listener, routes

UPDATES = "update_success|update_rejected"


def ask(port: int, path: str = "/") -> str:
    """The body of an answer, or what went wrong instead of a 200."""
    try:
        response = plain.get(f"http://127.0.0.1:{port}{path}", timeout=5)
    except httpx.HTTPError as error:
        return repr(error)
    return response.text if response.status_code == httpx.codes.OK else f"status {response.status_code}"


def wait_answer(port: int, wanted: str, path: str = "/") -> None:
    last = ""

    def answers() -> bool:
        nonlocal last
        last = ask(port, path)
        return last == wanted

    wait_until(answers, what=lambda: f"the answer {wanted!r}; last: {last!r}")


def wait_idle(ads: Part) -> None:
    """Until it has done all that it was told to: it sleeps, and still does when it is looked at again and again."""
    looks = 0

    def is_idle() -> bool:
        nonlocal looks
        tasks = Path(f"/proc/{ads.pid}/task").glob("*/stat")
        states = {path.read_text().rpartition(")")[2].split()[0] for path in tasks}
        looks = looks + 1 if states == {"S"} else 0
        return looks > 50  # a quarter of a second, or more

    wait_until(is_idle, what="it has nothing to do")


def small_world(port: int, body: str = "one") -> dict[str, Record]:
    """A listener that answers by itself, and beside it a cluster that nobody asks."""
    return keyed(
        cluster={"a": cluster("a")},
        endpoint={"a": endpoints("a", 9)},
        listener={"main": listener("main", port, rds="main")},
        route={"main": routes("main", direct("/", body))},
    )
