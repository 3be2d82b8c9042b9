"""A reign and its objects: what is told once and only once, what is written later, and to whom nothing is done."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeapi.connection import Answer
from reporter.reporting import SOON
from tests.reporter.reign import WRONG, Reign, key_of, refusal, reign_in

KEY = key_of()
WEBHOOK_DOWN = refusal(500, 'Internal error occurred: failed calling webhook "v.example.com"')


@pytest.fixture
def reign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reign]:
    with reign_in(tmp_path, monkeypatch) as made:
        yield made


class Gate:
    """An Event is under way until the test opens it."""

    def __init__(self, reign: Reign) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        reign.api.rule = lambda method, _path: self._pass() if method == "POST" else None

    async def _pass(self) -> Answer:
        self.reached.set()
        await self.opened.wait()
        return Answer(201, b"{}")


async def an_event_under_way(reign: Reign) -> Gate:
    """That of a wrong object, which was told nothing yet."""
    gate = Gate(reign)
    reign.has(KEY)
    reign.says(KEY, WRONG)
    reign.start()
    await gate.reached.wait()
    return gate


# What is told.


async def test_a_recovery_is_told_once_while_the_status_cannot_be_written(reign: Reign) -> None:
    reign.has(KEY, status=reign.status_of(KEY, WRONG))
    reign.says(KEY)
    reign.api.rule = lambda method, _path: WEBHOOK_DOWN if method == "PATCH" else None
    await reign.live_on(60)
    assert len(reign.writes()) > 2
    assert reign.events() == [("one", "Recovered")]
    reign.says(KEY, WRONG)
    await reign.live_on(60)
    assert reign.events() == [("one", "Recovered"), ("one", "Invalid")], "the same problem is news again"


async def test_a_status_that_is_not_written_tells_of_nothing_that_was_told(reign: Reign) -> None:
    reign.begin(mapping_statuses=False)
    reign.has(KEY, status=reign.status_of(KEY, WRONG))
    reign.says(KEY)
    await reign.settle()
    assert reign.events() == [], "what it says is of a time when statuses were written"
    reign.says(KEY, WRONG)
    await reign.settle()
    reign.says(KEY)
    await reign.settle()
    assert reign.events() == [("one", "Invalid"), ("one", "Recovered")]
    assert reign.writes() == []


async def test_a_successor_has_its_own_problems(reign: Reign) -> None:
    for uid in ("one", "two"):
        reign.loses(KEY)
        reign.has(KEY, uid)
        reign.says(KEY, WRONG, uid=uid)
        await reign.settle()
    reign.loses(KEY)
    reign.has(KEY, "three")
    reign.says(KEY, uid="three")
    await reign.settle()
    assert reign.events() == [("one", "Invalid"), ("two", "Invalid")], "and the third has nothing to recover from"


async def test_what_is_told_of_an_object_that_is_gone_is_not_remembered_of_its_successor(reign: Reign) -> None:
    gate = await an_event_under_way(reign)
    reign.loses(KEY)
    reign.reporting.follow()
    gate.opened.set()
    await reign.reporting.end()
    reign.has(KEY, "two")
    reign.says(KEY, WRONG, uid="two")
    await reign.settle()
    assert reign.events() == [("one", "Invalid"), ("two", "Invalid")]


async def test_a_status_that_fell_to_a_successor_says_nothing_of_what_was_told_of_him(reign: Reign) -> None:
    gate = await an_event_under_way(reign)
    reign.has(KEY, "two")  # before anybody could see that there was none
    gate.opened.set()
    await reign.reporting.end()
    assert reign.writes() == ["default/mappings/m"], "it has the status of another one"
    reign.says(KEY, WRONG, uid="two")
    await reign.settle()
    assert reign.events() == [("one", "Invalid"), ("two", "Invalid")]


# Who is gone, and who leads no more.


@pytest.mark.parametrize("fails", [False, True])
async def test_an_object_that_is_deleted_while_its_event_is_told_is_let_go(
    reign: Reign, capsys: pytest.CaptureFixture[str], *, fails: bool
) -> None:
    gate = await an_event_under_way(reign)
    reign.loses(KEY)
    reign.reporting.follow()
    if fails:
        reign.api.rule = lambda _method, _path: WEBHOOK_DOWN
    gate.opened.set()
    await reign.live_on(5)
    assert reign.writes() == []
    assert "bug" not in capsys.readouterr().out


async def test_an_object_that_is_deleted_while_its_write_fails_is_let_go(
    reign: Reign, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(method: str, _path: str) -> Answer | None:
        if method != "PATCH":
            return None
        reign.loses(KEY)
        reign.reporting.follow()
        return WEBHOOK_DOWN

    reign.has(KEY)
    reign.says(KEY)
    reign.api.rule = gone
    await reign.live_on(60)
    assert len(reign.writes()) == 1
    assert "bug" not in capsys.readouterr().out


async def test_a_lease_that_lapses_for_a_moment_loses_no_status(reign: Reign) -> None:
    gate = await an_event_under_way(reign)
    reign.leads = False
    gate.opened.set()
    await reign.reporting.end()
    assert reign.writes() == []
    reign.leads = True
    await reign.live_on(2 * SOON)
    assert reign.writes() == ["default/mappings/m"]
    assert reign.events() == [("one", "Invalid")], "and what was told is not told again"


async def test_what_is_not_told_since_the_lease_lapsed_is_told_when_it_is_held_again(reign: Reign) -> None:
    reign.has(KEY)
    reign.says(KEY, WRONG)
    reign.start()
    reign.leads = False  # before the errand that was begun has run
    await reign.reporting.end()
    assert reign.events() == []
    reign.leads = True
    await reign.live_on(2 * SOON)
    assert reign.events() == [("one", "Invalid")]


# Whom another gateway speaks for.


async def test_what_was_given_away_before_this_reign_keeps_nothing_of_ours(reign: Reign) -> None:
    reign.has(KEY, status=reign.status_of(KEY))
    reign.gives_away(KEY)
    await reign.live_on(5)
    assert reign.writes() == ["default/mappings/m"]
    assert ["status" in document for method, _, document in reign.api.asked if method == "PATCH"] == [False]
    reign.has(KEY, status=reign.status_of(KEY, WRONG))
    await reign.live_on(2000)
    reign.has(KEY, status=reign.status_of(KEY))
    await reign.live_on(5)
    assert reign.writes() == ["default/mappings/m"], "what says the same later is the other gateway's"
    assert reign.events() == []


async def test_who_never_had_a_status_of_ours_is_not_asked_for(reign: Reign) -> None:
    reign.has(KEY, status={"state": "Running"})
    reign.gives_away(KEY)
    await reign.live_on(5)
    assert reign.writes() == []


async def test_many_objects_of_another_gateway_keep_none_of_ours_waiting(reign: Reign) -> None:
    for number in range(50):
        key = key_of(f"theirs-{number:02}")
        reign.has(key, status=reign.status_of(key))
        reign.gives_away(key)
    await reign.settle()
    reign.has(KEY)
    reign.says(KEY)
    await reign.settle()
    assert reign.writes() == ["default/mappings/m"]
    await reign.live_on(20)
    assert len(reign.writes()) == 51


async def test_with_statuses_of_mappings_turned_off_none_is_withdrawn(reign: Reign) -> None:
    reign.begin(mapping_statuses=False)
    reign.has(KEY, status=reign.status_of(KEY))
    reign.gives_away(KEY)
    await reign.live_on(5)
    assert reign.writes() == []
