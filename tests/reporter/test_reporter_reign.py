"""A reign and its objects: what is told once and only once, what is written later, and to whom nothing is done."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reporter.reign import WRONG, Reign, key_of, refusal, reign_in

KEY = key_of()
WEBHOOK_DOWN = refusal(500, 'Internal error occurred: failed calling webhook "v.example.com"')


@pytest.fixture
def reign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reign]:
    with reign_in(tmp_path, monkeypatch) as made:
        yield made


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
