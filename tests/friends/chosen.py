"""Which programs the chosen tests need: each test says so by its mark, as in `pytest.mark.friends("flagger")`."""

import contextlib
import io
from collections.abc import Sequence

import pytest

TESTS = ("-m", "friends", "tests/friends")
"""What pytest is told, before what people add."""


def needs(item: pytest.Item) -> set[str]:
    """The programs of a test."""
    return {name for mark in item.iter_markers("friends") for name in mark.args}


def needed(arguments: Sequence[str]) -> set[str]:
    """The programs of all tests that these arguments choose; what is wrong with them pytest tells when it runs."""
    chosen = _Chosen()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*TESTS, *arguments, "--collect-only"], plugins=[chosen])
    return chosen.programs


class _Chosen:
    """A plugin that runs nothing, and remembers what would."""

    def __init__(self) -> None:
        self.programs: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.programs = {name for item in session.items for name in needs(item)}
