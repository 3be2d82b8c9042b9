"""However much is wrong at once, the log of the watcher stays one that can be read."""

from pathlib import Path
from typing import Any

import pytest

from snapshot import Snapshot
from watcher.publishing import MOST_LINES, Publisher
from watcher.sources import Problem, Source, SourceListed
from watcher.state import State


def test_a_change_gives_so_many_lines_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []

    class Heard:
        def _hear(self, event: str, **circumstances: Any) -> None:
            lines.append((event, circumstances))

        info = warning = debug = error = _hear

    monkeypatch.setattr("watcher.publishing.log", Heard())
    bells = tmp_path / "bells"
    bells.mkdir()
    sources = [Source(0, f"{number:04}.yaml") for number in range(MOST_LINES + 500)]
    state = State()
    with Snapshot.open(tmp_path / "snapshot", bells=bells) as snapshot:
        publisher = Publisher(snapshot.writer("objects"))
        publisher.publish(state.step([SourceListed(source, {}, (Problem("bad", 1),)) for source in sources]))
        told = [event for event, _ in lines]
        assert told.count("a file has a problem") == MOST_LINES
        assert ("more problems appeared or are gone", 500) in [(event, more.get("how_many")) for event, more in lines]
        lines.clear()
        publisher.publish(state.step([SourceListed(source, {}) for source in sources]))
        told = [event for event, _ in lines]
        assert told.count("the problem is gone") == MOST_LINES
        assert told.count("more problems appeared or are gone") == 1
