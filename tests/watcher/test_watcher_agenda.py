"""When what is looked at, on a clock of the test's own."""

from itertools import pairwise

import pytest

from watcher.agenda import PATIENCE, QUIET, SETTLE, WINDOW, Agenda, Item, Sign


def test_an_isolated_change_is_looked_at_at_once() -> None:
    agenda = Agenda()
    assert agenda.wake_at() is None
    agenda.note("/a", Sign.COMPLETE, 5.0)
    assert agenda.wake_at() == 5.0
    assert agenda.take(5.0) == [Item("/a", calm=False)]
    assert agenda.take(5.0) == []


def test_a_burst_is_taken_in_batches_a_window_apart() -> None:
    agenda = Agenda()
    taken: list[tuple[float, int]] = []
    now = 0.0
    for number in range(200):
        now = number * 0.001
        agenda.note(f"/{number}", Sign.COMPLETE, now)
        if items := agenda.take(now):
            taken.append((now, len(items)))
    assert taken[0] == (0.0, 1)
    assert [after - before for (before, _), (after, _) in pairwise(taken)] == pytest.approx([WINDOW] * 3, abs=0.0011)
    assert sum(count for _, count in taken) + len(agenda.take(now + WINDOW)) == 200


def test_a_file_that_is_written_is_left_alone_until_it_is_closed_or_quiet() -> None:
    agenda = Agenda()
    agenda.note("/a", Sign.GROWING, 0.0)
    assert "/a" in agenda
    assert agenda.take(QUIET - 0.1) == []
    agenda.note("/a", Sign.COMPLETE, QUIET - 0.1)
    assert agenda.take(QUIET - 0.1) == [Item("/a", calm=False)]
    agenda.note("/a", Sign.GROWING, 10.0)
    assert agenda.take(10.0 + QUIET) == [Item("/a", calm=True)]


def test_a_file_that_is_written_for_ever_is_looked_at_after_all() -> None:
    agenda = Agenda()
    now = 0.0
    while not agenda.take(now):
        agenda.note("/a", Sign.GROWING, now)
        now += 0.5
    assert now <= PATIENCE + 0.5


def test_a_file_that_is_gone_is_believed_after_a_while_unless_it_comes_back() -> None:
    agenda = Agenda()
    agenda.note("/a", Sign.GONE, 0.0)
    assert agenda.take(SETTLE / 2) == []
    agenda.note("/a", Sign.GROWING, SETTLE / 2)
    assert agenda.take(SETTLE) == []
    agenda.note("/a", Sign.GONE, 1.0)
    assert agenda.take(1.0 + SETTLE) == [Item("/a", calm=True)]


def test_new_rights_neither_hurry_nor_delay_what_is_awaited() -> None:
    agenda = Agenda()
    agenda.note("/a", Sign.TOUCHED, 0.0)
    assert "/a" not in agenda
    agenda.note("/a", Sign.COMPLETE, 0.1)
    agenda.note("/a", Sign.TOUCHED, 0.1)
    assert agenda.take(0.1) == [Item("/a", calm=False)]


def test_what_was_moved_away_can_be_taken_early_with_its_folder() -> None:
    agenda = Agenda()
    agenda.note("/r/old", Sign.GONE, 0.0)
    agenda.note("/r/new", Sign.GROWING, 0.0)
    assert agenda.take_gone("/r/new") == []
    assert agenda.take_gone("/r/other/a.yaml") == []
    assert agenda.take_gone("/r/old/deep/a.yaml") == [Item("/r/old", calm=True)]
    assert agenda.take_gone("/r/old/deep/a.yaml") == []


def test_a_file_that_is_being_written_is_not_read_with_its_folder_but_another_one_is() -> None:
    agenda = Agenda()
    for path, sign in (("/r/growing", Sign.GROWING), ("/r/gone", Sign.GONE), ("/r/complete", Sign.COMPLETE)):
        agenda.note(path, sign, 0.0)
    assert [agenda.claim(path) for path in ("/r/growing", "/r/gone", "/r/complete", "/r/new")] == [
        False,
        True,
        True,
        True,
    ]
    assert agenda.take(QUIET) == [Item("/r/growing", calm=True)]
