"""The agenda under generated histories: nobody is forgotten or written too often, the server is left in peace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.agenda import AT_LEISURE, FORGIVEN_AFTER, WRITES, WRITES_A_SECOND, WRITES_AT_ONCE, Agenda
from reporter.allowance import Allowance
from reporter.refusals import LONGEST_BACKOFF

KEYS = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.one_of(
    st.tuples(st.just("touch"), KEYS, st.floats(0, 5)),
    st.tuples(st.just("wish"), KEYS, st.just(0.0)),
    st.tuples(st.sampled_from(["work", "write", "fail"]), st.just(""), st.just(0.0)),
    st.tuples(st.just("pass"), st.just(""), st.floats(0, 10)),
)


def _agenda() -> Agenda:
    return Agenda(lambda: 0.5)


def _drain(agenda: Agenda, now: float) -> list[str]:
    """Look at all that comes until nothing does, time passing as the agenda asks."""
    seen = []
    while (wait := agenda.wait(now)) is not None:
        now += wait + 1e-6
        key = agenda.next(now)
        if key is not None:
            seen.append(key)
            agenda.looked(key, now)
    return seen


@given(st.lists(STEPS, max_size=60))
def test_all_that_was_touched_is_looked_at_and_the_same_is_written_twice_at_most(
    steps: list[tuple[str, str, float]],
) -> None:
    agenda, now = _agenda(), 0.0
    outstanding: set[str] = set()
    versions = dict.fromkeys("abcd", 0)
    writes: dict[tuple[str, int], int] = {}
    for what, key, seconds in steps:
        if what == "touch":
            agenda.touch(key, now + seconds)
            outstanding.add(key)
        elif what == "wish":
            versions[key] += 1
            agenda.touch(key, now)
            outstanding.add(key)
        elif what == "pass":
            now += seconds
        else:
            found = agenda.next(now)
            if found is None:
                continue
            outstanding.discard(found)
            agenda.waits_since(found, "uid", str(versions[found]), now)
            if what == "fail":
                agenda.looked(found, now, again_in=agenda.unreachable(now))
                outstanding.add(found)
                assert agenda.next(now) is None, "after a failure everybody rests"
                continue
            if what == "write" and agenda.may_write(found):
                agenda.writes(found, now)
                mark = (found, versions[found])
                writes[mark] = writes.get(mark, 0) + 1
            agenda.looked(found, now)
    assert set(_drain(agenda, now)) == outstanding
    assert all(count <= WRITES for count in writes.values())


def test_who_is_touched_while_he_is_written_is_looked_at_afterwards() -> None:
    agenda = _agenda()
    agenda.touch("a", 0.0)
    assert agenda.next(0.0) == "a"
    agenda.touch("a", 0.0)
    assert agenda.next(0.0) is None, "nobody is written twice at the same time"
    agenda.looked("a", 1.0)
    assert agenda.next(1.0) == "a"


def test_an_earlier_time_counts() -> None:
    agenda = _agenda()
    agenda.touch("a", 100.0)
    agenda.touch("a", 1.0)
    agenda.touch("a", 50.0)
    assert agenda.next(1.0) == "a"
    agenda.looked("a", 1.0)
    assert agenda.wait(1.0) is None


def test_writes_are_limited_and_looks_are_not() -> None:
    agenda, now, written, looked = _agenda(), 0.0, 0, 0
    for number in range(2000):
        agenda.touch(f"object-{number}", 0.0)
    while looked < 2000:
        now += agenda.wait(now) or 0.0
        key = agenda.next(now)
        if key is None:
            now += 1e-6
            continue
        looked += 1
        if looked % 2:
            agenda.waits_since(key, "uid", "1", now)
            agenda.writes(key, now)
            written += 1
        agenda.looked(key, now)
    assert written == 1000
    expected = (written - WRITES_AT_ONCE) / WRITES_A_SECOND
    assert expected - 1 <= now <= expected + 1


def test_the_limit_holds_for_those_who_write_at_the_same_time() -> None:
    agenda, now = _agenda(), 0.0
    for number in range(1000):
        agenda.touch(str(number), 0.0)
    while (wait := agenda.wait(now)) is not None:
        now += wait + 1e-6
        together = [key for key in (agenda.next(now) for _ in range(4)) if key is not None]
        for key in together:
            agenda.waits_since(key, "uid", "1", now)
            agenda.writes(key, now)
            agenda.looked(key, now)
    assert now >= (1000 - WRITES_AT_ONCE - 4) / WRITES_A_SECOND


def test_writes_of_long_ago_are_no_fight() -> None:
    agenda = _agenda()
    for now in (0.0, 1.0):
        agenda.waits_since("a", "uid", "1", now)
        agenda.writes("a", now)
    agenda.waits_since("a", "uid", "1", 2.0)
    assert not agenda.may_write("a")
    agenda.waits_since("a", "uid", "1", 2.0 + FORGIVEN_AFTER)
    assert agenda.may_write("a")


def test_rests_grow_up_to_a_limit_and_begin_anew_after_an_answer() -> None:
    agenda, now, rests = _agenda(), 0.0, []
    agenda.touch("a", now)
    for _ in range(12):
        while (key := agenda.next(now)) is None:
            now += agenda.wait(now) or 1e-6
        rests.append(agenda.unreachable(now))
        agenda.looked(key, now, again_in=rests[-1])
    assert rests == sorted(rests)
    assert rests[0] < 1
    assert LONGEST_BACKOFF / 2 <= rests[-1] <= LONGEST_BACKOFF
    agenda.answered()
    assert agenda.unreachable(now) == rests[0]


def test_the_servers_own_word_on_the_rest_is_heard_within_reason() -> None:
    assert _agenda().unreachable(0.0, 7.0) == 7.0
    assert _agenda().unreachable(0.0, 1e6) == LONGEST_BACKOFF


def test_who_fails_alone_rests_alone_until_something_else_is_wanted_of_him() -> None:
    agenda = _agenda()
    for key in "ab":
        agenda.touch(key, 0.0)
        agenda.waits_since(key, "uid", "1", 0.0)
    assert agenda.next(0.0) == "a"
    rests = [agenda.failed("a", 0.0) for _ in range(12)]
    assert [failures for failures, _ in rests] == list(range(1, 13))
    assert LONGEST_BACKOFF / 2 <= rests[-1][1] <= LONGEST_BACKOFF
    assert agenda.rests("a", 0.0) == rests[-1][1]
    assert agenda.rests("b", 0.0) == 0
    assert agenda.next(0.0) == "b"
    agenda.waits_since("a", "uid", "2", 0.0)
    assert agenda.rests("a", 0.0) == 0


def test_who_was_taken_after_failures_is_news_once() -> None:
    agenda = _agenda()
    agenda.waits_since("a", "uid", "1", 0.0)
    assert not agenda.took("a")
    agenda.failed("a", 0.0)
    assert agenda.took("a")
    assert not agenda.took("a")
    assert agenda.rests("a", 0.0) == 0


def test_whatever_ends_after_its_object_is_gone_harms_nothing() -> None:
    agenda = _agenda()
    agenda.touch("a", 0.0)
    agenda.waits_since("a", "uid", "1", 0.0)
    assert agenda.next(0.0) == "a"
    assert agenda.version("a", "uid") == "1"
    assert agenda.version("a", "another") is None
    agenda.forget("a")
    assert agenda.version("a", "uid") is None
    assert not agenda.may_write("a")
    assert not agenda.is_written("a")
    agenda.writes("a", 0.0)
    agenda.unwritten("a")
    assert agenda.failed("a", 0.0)[0] == 1
    assert not agenda.took("a")
    assert agenda.rests("a", 0.0) == 0
    agenda.looked("a", 0.0)
    assert agenda.wait(0.0) is None


def test_who_has_no_hurry_comes_one_after_another() -> None:
    agenda = _agenda()
    assert [agenda.leisure(5.0) for _ in range(3)] == [
        pytest.approx(AT_LEISURE),
        pytest.approx(2 * AT_LEISURE),
        pytest.approx(3 * AT_LEISURE),
    ]
    assert agenda.leisure(100.0) == pytest.approx(AT_LEISURE)


@given(st.lists(st.floats(0, 3), max_size=80))
def test_an_allowance_gives_what_it_says(pauses: list[float]) -> None:
    allowance, now, taken = Allowance(2.0, 5.0), 0.0, 0
    for pause in pauses:
        now += pause
        free = allowance.wait(now) == 0
        assert allowance.take(now) == free
        taken += free
    assert taken <= 5 + 2 * now + 1e-6
