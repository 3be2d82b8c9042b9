"""A busy API server is given rest, a slow one is got used to, and every status is written all the same."""

from hypothesis import given
from hypothesis import strategies as st

from reporter.pacing import AT_A_TIME, LONGEST_REST, QUICK, Pace


def _after(*seconds: float) -> tuple[Pace, float]:
    pace, rest = Pace(), 0.0
    for each in seconds:
        rest = pace.took(each)
    return pace, rest


def test_an_api_server_that_answers_as_usual_is_written_to_at_full_speed() -> None:
    for usual in (0.001, 0.02, 3.0):
        pace, rest = _after(*[usual, usual * 1.5] * 20)
        assert (pace.at_a_time, rest) == (AT_A_TIME, 0.0), usual


def test_one_that_became_slow_has_one_write_at_a_time_and_as_long_a_rest() -> None:
    pace, rest = _after(*[0.01] * 20, *[0.06] * 10)
    assert (pace.at_a_time, rest) == (1, 0.06)
    pace, rest = _after(*[0.01] * 20, *[2.0] * 10)
    assert (pace.at_a_time, rest) == (1, LONGEST_REST)


def test_one_slow_answer_among_others_is_forgotten_after_a_few() -> None:
    pace, _ = _after(*[0.01] * 20, 0.1)
    assert pace.at_a_time == 1
    pace, rest = _after(*[0.01] * 20, 0.1, *[0.01] * 6)
    assert (pace.at_a_time, rest) == (AT_A_TIME, 0.0)


def test_what_is_quick_enough_is_never_slow() -> None:
    pace, rest = _after(0.0001, *[QUICK] * 20)
    assert (pace.at_a_time, rest) == (AT_A_TIME, 0.0)


def test_one_that_is_slow_for_good_is_got_used_to() -> None:
    pace, rest = _after(*[0.02] * 20, *[0.1] * 1800)
    assert (pace.at_a_time, rest) == (AT_A_TIME, 0.0)


@given(st.lists(st.floats(0, 1e4), max_size=50))
def test_there_is_always_a_write_to_come(seconds: list[float]) -> None:
    pace, rest = _after(*seconds)
    assert pace.at_a_time >= 1
    assert 0 <= rest <= LONGEST_REST
