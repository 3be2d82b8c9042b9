"""The product's own processes one by one, each as `python -m NAME`, with nothing but the settings that a test gives."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.child import Child
from tests.support.envoy import wait_until

ROOT = Path(__file__).parents[2]


def product_environ(settings: Mapping[str, str]) -> dict[str, str]:
    """Our environment with these settings, and none that the person who runs the tests may have."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DRAGOMAN_", "AMBASSADOR_"))}
    return {**inherited, "PYTHONPATH": str(ROOT), **settings}


class Part(Child):
    """One process of the product. `program` is the text of a Python program to run in its place."""

    ready = ""
    """What it logs when it has begun to do its work; empty: nobody waits for that."""

    def __init__(self, name: str, log: Path, settings: Mapping[str, str], *, program: str = "") -> None:
        command = ["-c", program] if program else ["-m", name]
        super().__init__(name, [sys.executable, *command], log, environ=product_environ(settings), cwd=Path("/"))

    def begin(self) -> None:
        """Start it; returns at once."""
        super().start()

    def start(self) -> None:
        """Start it; returns when it has begun to do its work."""
        before = self.log().count(self.ready)

        def begun() -> bool:
            self.check()
            return self.has_begun(before)

        self.begin()
        if self.ready:
            wait_until(begun, what=f"{self.name} {self.ready}")

    def has_begun(self, before: int) -> bool:
        """Whether it does its work, when it had said `before` times that it does."""
        return self.log().count(self.ready) > before
