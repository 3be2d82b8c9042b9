"""What the bench prints and keeps: a table, bars, and an entry a run."""

from datetime import UTC, datetime

from tests.bench import history
from tests.bench.history import Run, entry, last_ratios
from tests.bench.report import Failed, Goal, Line, beside, sizes_up_to
from tests.bench.table import WIDTH, bar, number, plot, table

RUN = Run(datetime(2026, 11, 30, 10, 25, tzinfo=UTC), "commit abc1234", 2, "A Processor", 7.4, "3.11.7", "1.40.0")
GOOD = beside("a change", 5.0, "ms", 100.0, "bare Envoy", goal=Goal("<=", 0.25)).of("changes")
BAD = Line("an answer", 200.0, "ms", goal=Goal("<=", 150.0, "value")).of("streams")
ALONE = Line("memory", 40.5, "MB").of("streams")
FAILED = Failed("cluster", "TimeoutError: not within 20 s")


def test_a_number_has_the_three_digits_that_count() -> None:
    shown = [number(each) for each in (0, 0.00123, 0.0123, 0.5, 1.234, 12.34, 123.4, 1234.5, 99.96)]
    assert shown == ["0", "0.0012", "0.0123", "0.500", "1.23", "12.3", "123", "1,234", "100.0"]


def test_a_line_says_what_it_is_compared_with_and_whether_its_goal_is_met() -> None:
    text = table([GOOD, BAD, ALONE])
    row = next(line for line in text.splitlines() if line.startswith("a change"))
    assert " ".join(row.split()) == "a change 5.00 ms 100 ms bare Envoy 0.0500 x <= 0.250 x: met"
    assert "200 ms" in text
    assert "<= 150 ms: MISSED" in text
    assert text.index("changes:") < text.index("a change") < text.index("streams:") < text.index("memory")


def test_columns_stand_one_below_the_other() -> None:
    rows = [line for line in table([GOOD, BAD, ALONE]).splitlines() if " ms" in line or " MB" in line]
    assert len({row.index(" m" if " ms" in row else " MB") for row in rows}) == 1


def test_a_part_that_ended_early_is_told_in_the_table_and_in_the_history() -> None:
    found: list[Line | Failed] = [GOOD, FAILED]
    assert "ended early: TimeoutError: not within 20 s" in table(found)
    assert "cluster ended early: TimeoutError: not within 20 s" in entry(RUN, found)


def test_bars_go_left_for_less_and_right_for_more_on_one_scale() -> None:
    assert bar(1.0) == " " * WIDTH + "|" + " " * WIDTH
    assert bar(0.1) == ("#" * (WIDTH // 2)).rjust(WIDTH) + "|" + " " * WIDTH
    assert bar(10.0) == " " * WIDTH + "|" + ("#" * (WIDTH // 2)).ljust(WIDTH)
    assert bar(0.0001) == "<" + "#" * (WIDTH - 1) + "|" + " " * WIDTH
    assert bar(10_000.0) == " " * WIDTH + "|" + "#" * (WIDTH - 1) + ">"


def test_the_plot_has_a_bar_for_each_ratio_below_its_scale() -> None:
    scale, row = plot([GOOD, BAD, ALONE, FAILED]).splitlines()
    assert row.startswith("changes: a change")
    assert scale.index(" 1 ") + 1 == row.index("|")
    assert scale.index("0.1") == row.index("|") - WIDTH // 2
    assert plot([BAD]) == ""


def test_an_entry_tells_where_and_when_and_nothing_of_whose_machine() -> None:
    title = entry(RUN, [GOOD]).splitlines()[1]
    assert title == (
        "## 2026-11-30 10:25 UTC, commit abc1234; 2 cores of A Processor, load 7; Python 3.11.7, Envoy 1.40.0"
    )


def test_the_last_ratio_of_each_line_is_found_again() -> None:
    later = beside("a change", 6.0, "ms", 100.0, "bare Envoy").of("changes")
    text = entry(RUN, [GOOD, BAD, ALONE]) + entry(RUN, [later])
    assert last_ratios(text) == {("changes", "a change"): "0.0600 x"}


def test_the_history_that_is_kept_can_be_read_back() -> None:
    text = history.HISTORY.read_text()
    assert all(ratio.endswith(" x") for ratio in last_ratios(text).values())
    assert (text.count("\n## ") > 0) == bool(last_ratios(text))


def test_smaller_runs_take_smaller_sizes() -> None:
    assert sizes_up_to(10_000, (0, 10_000)) == [0, 10_000]
    assert sizes_up_to(1000, (0, 10_000)) == [0]
    assert sizes_up_to(300, (1000, 10_000)) == [300]
