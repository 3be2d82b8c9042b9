"""A leadership and its objects: what is told once and only once, what is written later, and to whom nothing is done."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeapi.connection import Answer
from reporter.reporting import SOON
from tests.reporter.leadership import WRONG, Leadership, key_of, refusal, reign_in

KEY = key_of()
WEBHOOK_DOWN = refusal(500, 'Internal error occurred: failed calling webhook "v.example.com"')


@pytest.fixture
def leadership(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leadership]:
    with reign_in(tmp_path, monkeypatch) as made:
        yield made


class Gate:
    """An Event is under way until the test opens it."""

    def __init__(self, leadership: Leadership) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        leadership.api.rule = lambda method, _path: self._pass() if method == "POST" else None

    async def _pass(self) -> Answer:
        self.reached.set()
        await self.opened.wait()
        return Answer(201, b"{}")


async def an_event_under_way(leadership: Leadership) -> Gate:
    """That of a wrong object, which was told nothing yet."""
    gate = Gate(leadership)
    leadership.has(KEY)
    leadership.says(KEY, WRONG)
    leadership.start()
    await gate.reached.wait()
    return gate


# What is told.


async def test_a_recovery_is_told_once_while_the_status_cannot_be_written(leadership: Leadership) -> None:
    leadership.has(KEY, status=leadership.status_of(KEY, WRONG))
    leadership.says(KEY)
    leadership.api.rule = lambda method, _path: WEBHOOK_DOWN if method == "PATCH" else None
    await leadership.live_on(60)
    assert len(leadership.writes()) > 2
    assert leadership.events() == [("one", "Recovered")]
    leadership.says(KEY, WRONG)
    await leadership.live_on(60)
    assert leadership.events() == [("one", "Recovered"), ("one", "Invalid")], "the same problem is news again"


async def test_a_status_that_is_not_written_tells_of_nothing_that_was_told(leadership: Leadership) -> None:
    leadership.begin(mapping_statuses=False)
    leadership.has(KEY, status=leadership.status_of(KEY, WRONG))
    leadership.says(KEY)
    await leadership.settle()
    assert leadership.events() == [], "what it says is of a time when statuses were written"
    leadership.says(KEY, WRONG)
    await leadership.settle()
    leadership.says(KEY)
    await leadership.settle()
    assert leadership.events() == [("one", "Invalid"), ("one", "Recovered")]
    assert leadership.writes() == []


async def test_a_successor_has_its_own_problems(leadership: Leadership) -> None:
    for uid in ("one", "two"):
        leadership.loses(KEY)
        leadership.has(KEY, uid)
        leadership.says(KEY, WRONG, uid=uid)
        await leadership.settle()
    leadership.loses(KEY)
    leadership.has(KEY, "three")
    leadership.says(KEY, uid="three")
    await leadership.settle()
    assert leadership.events() == [("one", "Invalid"), ("two", "Invalid")], "and the third has nothing to recover from"


async def test_what_is_told_of_an_object_that_is_gone_is_not_remembered_of_its_successor(
    leadership: Leadership,
) -> None:
    gate = await an_event_under_way(leadership)
    leadership.loses(KEY)
    leadership.reporting.follow()
    gate.opened.set()
    await leadership.reporting.end()
    leadership.has(KEY, "two")
    leadership.says(KEY, WRONG, uid="two")
    await leadership.settle()
    assert leadership.events() == [("one", "Invalid"), ("two", "Invalid")]


async def test_a_status_that_fell_to_a_successor_says_nothing_of_what_was_told_of_him(leadership: Leadership) -> None:
    gate = await an_event_under_way(leadership)
    leadership.has(KEY, "two")  # before anybody could see that there was none
    gate.opened.set()
    await leadership.reporting.end()
    assert leadership.writes() == ["default/mappings/m"], "it has the status of another one"
    leadership.says(KEY, WRONG, uid="two")
    await leadership.settle()
    assert leadership.events() == [("one", "Invalid"), ("two", "Invalid")]


# Who is gone, and who leads no more.


@pytest.mark.parametrize("fails", [False, True])
async def test_an_object_that_is_deleted_while_its_event_is_told_is_let_go(
    leadership: Leadership, capsys: pytest.CaptureFixture[str], *, fails: bool
) -> None:
    gate = await an_event_under_way(leadership)
    leadership.loses(KEY)
    leadership.reporting.follow()
    if fails:
        leadership.api.rule = lambda _method, _path: WEBHOOK_DOWN
    gate.opened.set()
    await leadership.live_on(5)
    assert leadership.writes() == []
    assert "bug" not in capsys.readouterr().out


async def test_an_object_that_is_deleted_while_its_write_fails_is_let_go(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(method: str, _path: str) -> Answer | None:
        if method != "PATCH":
            return None
        leadership.loses(KEY)
        leadership.reporting.follow()
        return WEBHOOK_DOWN

    leadership.has(KEY)
    leadership.says(KEY)
    leadership.api.rule = gone
    await leadership.live_on(60)
    assert len(leadership.writes()) == 1
    assert "bug" not in capsys.readouterr().out


async def test_a_lease_that_lapses_for_a_moment_loses_no_status(leadership: Leadership) -> None:
    gate = await an_event_under_way(leadership)
    leadership.leads = False
    gate.opened.set()
    await leadership.reporting.end()
    assert leadership.writes() == []
    leadership.leads = True
    await leadership.live_on(2 * SOON)
    assert leadership.writes() == ["default/mappings/m"]
    assert leadership.events() == [("one", "Invalid")], "and what was told is not told again"


async def test_what_is_not_told_since_the_lease_lapsed_is_told_when_it_is_held_again(leadership: Leadership) -> None:
    leadership.has(KEY)
    leadership.says(KEY, WRONG)
    leadership.start()
    leadership.leads = False  # before the errand that was begun has run
    await leadership.reporting.end()
    assert leadership.events() == []
    leadership.leads = True
    await leadership.live_on(2 * SOON)
    assert leadership.events() == [("one", "Invalid")]


# Whom another gateway speaks for.


async def test_what_was_given_away_before_this_reign_keeps_nothing_of_ours(leadership: Leadership) -> None:
    leadership.has(KEY, status=leadership.status_of(KEY))
    leadership.gives_away(KEY)
    await leadership.live_on(5)
    assert leadership.writes() == ["default/mappings/m"]
    assert ["status" in document for method, _, document in leadership.api.asked if method == "PATCH"] == [False]
    leadership.has(KEY, status=leadership.status_of(KEY, WRONG))
    await leadership.live_on(2000)
    leadership.has(KEY, status=leadership.status_of(KEY))
    await leadership.live_on(5)
    assert leadership.writes() == ["default/mappings/m"], "what says the same later is the other gateway's"
    assert leadership.events() == []


async def test_who_never_had_a_status_of_ours_is_not_asked_for(leadership: Leadership) -> None:
    leadership.has(KEY, status={"state": "Running"})
    leadership.gives_away(KEY)
    await leadership.live_on(5)
    assert leadership.writes() == []


async def test_many_objects_of_another_gateway_keep_none_of_ours_waiting(leadership: Leadership) -> None:
    for number in range(50):
        key = key_of(f"theirs-{number:02}")
        leadership.has(key, status=leadership.status_of(key))
        leadership.gives_away(key)
    await leadership.settle()
    leadership.has(KEY)
    leadership.says(KEY)
    await leadership.settle()
    assert leadership.writes() == ["default/mappings/m"]
    await leadership.live_on(20)
    assert len(leadership.writes()) == 51


async def test_with_statuses_of_mappings_turned_off_none_is_withdrawn(leadership: Leadership) -> None:
    leadership.begin(mapping_statuses=False)
    leadership.has(KEY, status=leadership.status_of(KEY))
    leadership.gives_away(KEY)
    await leadership.live_on(5)
    assert leadership.writes() == []
