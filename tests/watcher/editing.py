"""Files as people and programs write them, for a watcher that follows their folder."""

import time
from pathlib import Path

from tests.support.envoy import wait_until
from tests.watcher.running_watcher import RunningWatcher, key, mapping, text

A, B, C = mapping("a", "/a/"), mapping("b", "/b/"), mapping("c", "/c/")

BROKEN = "a: [\n"


def replace(path: Path, content: str) -> None:
    """As most editors do: write beside, move over."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(content)
    beside.replace(path)


def quietly(watcher: RunningWatcher, path: Path) -> None:
    """Wait until the watcher has surely dealt with everything before: it has seen a file made after it."""
    marker = path / f"marker-{time.monotonic_ns()}.yaml"
    name = f"m{time.monotonic_ns()}"
    marker.write_text(text(mapping(name)))
    wait_until(lambda: key(name) in watcher.objects(), what="the marker")
    marker.unlink()
    wait_until(lambda: key(name) not in watcher.objects(), what="the marker to go")
