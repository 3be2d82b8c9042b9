"""A part is started again though supervisord's socket is lost when it is to be told so."""

import asyncio
from pathlib import Path

import pytest

from entrypoint import supervision
from entrypoint.supervision import Supervision


class _Deaf(Supervision):
    """A supervisord that hears nothing for some tries."""

    def __init__(self, tries: int) -> None:
        self.tries = tries
        self.heard: list[str] = []

    def _start_again(self, part: str) -> bool:
        self.tries -= 1
        if self.tries < 0:
            self.heard.append(part)
        return self.tries < 0


@pytest.mark.parametrize("tries", [0, 1, 6])
def test_it_is_said_until_it_is_heard(tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_PAUSES", (0.0,) * 8)
    deaf = _Deaf(tries)
    assert asyncio.run(deaf.start_again("diagnostics"))
    assert deaf.heard == ["diagnostics"]


def test_that_nobody_heard_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_PAUSES", (0.0,) * 8)
    assert not asyncio.run(_Deaf(8).start_again("diagnostics"))


def test_a_socket_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    lost = object.__new__(Supervision)
    lost._socket = tmp_path / "supervisor.sock"
    assert not lost._start_again("diagnostics")
