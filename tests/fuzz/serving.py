"""Mutated objects in the folder of a running gateway, while requests go to the good ones: none may fail.

The translation's own fuzzer knows only what Dragoman gives; here Envoy has its word, and every part may fall.
"""

import json
from random import Random
from typing import Any

from tests.fuzz.mutations import mutated, places_of
from tests.fuzz.worlds import originals
from tests.support.envoy import wait_until
from tests.support.gateway import PARTS, Gateway
from tests.support.load import Load
from tests.support.objects import host, mapping
from tests.support.scoped import Scoped
from tests.support.upstream import HttpUpstream

NAME = "good.test"


class Serving(Scoped):
    """A gateway with a good Host, under load; `storm` lets a batch of mutated objects come and go."""

    def __init__(self) -> None:
        self._upstream = HttpUpstream("good")
        self._gateway = Gateway()

    def start(self) -> None:
        self._upstream.start()
        self._gateway.apply("good", "")
        self._gateway.start()
        self._say("first")
        self._pids = {part: self._gateway.pid_of(part) for part in PARTS}
        self._load = Load(self._gateway.http_port, host=NAME, rate=20.0)
        self._load.start()

    def close(self) -> None:
        self._load.close()
        self._gateway.close()
        self._upstream.close()

    def storm(self, seed: int, count: int) -> None:
        """`count` mutated objects, a file each; then a change of a good object is served.

        Raises:
            AssertionError: a request failed, a part was restarted, or the change is not served in time.
        """
        random = Random(seed)
        spares = [container[key] for document in originals() for container, key in places_of(document)]
        # An AuthService is for everybody, and one that is wrong lets nobody through: tests/e2e/test_auth_services.py.
        chosen = [document for document in originals() if document["kind"] != "AuthService"]
        for number in range(count):
            document = mutated(random, random.choice(chosen), spares)
            self._gateway.apply(f"storm-{number}", json.dumps(_elsewhere(document, random)))
        self._say(f"storm-{seed}")
        assert self._load.failures == [], f"storm {seed}: {self._load.failures[:3]}"
        pids = {part: self._gateway.pid_of(part) for part in PARTS}
        assert pids == self._pids, f"storm {seed} ended a part:\n{self._gateway.log()[-3000:]}"

    def _say(self, word: str) -> None:
        """Change a good object and wait until Envoy serves the change."""
        # A mutated Mapping for every name is no mistake: this one comes before it.
        spec = {"precedence": 1_000_000, "add_response_headers": {"x-word": {"value": word, "append": False}}}
        good = mapping("good", NAME, self._upstream.service, namespace_="a-good", **spec)
        self._gateway.apply("good", host("a-good", NAME) + good)
        wait_until(lambda: self._hears(word), 30, what=f"{word} served; the log ends:\n{self._gateway.log()[-3000:]}")

    def _hears(self, word: str) -> bool:
        return self._gateway.request(NAME).headers.get("x-word") == word


def _elsewhere(document: Any, random: Random) -> Any:
    """Ports that nobody has here, since a mutated object may well be valid; and no second Module for everybody."""
    if not isinstance(document, dict):
        return document
    spec = document.get("spec")
    if isinstance(spec, dict) and isinstance(spec.get("port"), int) and 1 <= spec["port"] <= 65_535:
        spec["port"] = random.randrange(20_000, 30_000)
    if document.get("kind") == "Module":
        document["metadata"] = {"name": "other", "namespace": "team"}
    return document
