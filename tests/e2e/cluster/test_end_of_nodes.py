"""Idle nodes end with the last test that needs them, and not with the session."""

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import fixtures


def test_nodes_end_after_the_last_test_that_needs_them() -> None:
    config = SimpleNamespace(stash=pytest.Stash())
    config.stash[fixtures._building] = {}
    session = SimpleNamespace()
    session.items = [
        _item(session, config, marks) for marks in ((), ("cluster",), ("image",), ("cluster",), ("image",))
    ]
    nodes, ended = ExitStack(), []
    nodes.callback(lambda: ended.append("nodes"))
    config.stash[fixtures._nodes] = nodes
    after = []
    for item in session.items:
        assert _run(item)
        after.append(list(ended))
    assert after == [[], [], [], ["nodes"], ["nodes"]]


def _item(session: Any, config: Any, marks: tuple[str, ...]) -> Any:
    return SimpleNamespace(
        session=session, config=config, get_closest_marker=lambda name: object() if name in marks else None
    )


def _run(item: Any) -> bool:
    """As pytest runs it; what the hook answers."""
    hook = fixtures.pytest_runtest_protocol(item, None)
    next(hook)
    try:
        hook.send(True)
    except StopIteration as stopped:
        return bool(stopped.value)
    raise AssertionError
