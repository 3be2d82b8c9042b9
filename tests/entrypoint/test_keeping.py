"""What supervisord says, and what an end is answered with."""

import configparser
from pathlib import Path

import pytest

from entrypoint.keeping import (
    CONFIGURATION,
    CONTROL_PLANE,
    DISPENSABLE,
    Ended,
    Event,
    GivenUp,
    Keeper,
    Said,
    Started,
    Stopped,
    Verdict,
    read,
)
from entrypoint.start import _of_the_parts
from entrypoint.supervision import CONF
from process.settings import Settings

AT = "2026-11-21 09:35:54,112"


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (f"{AT} INFO spawned: 'envoy' with pid 23629", Started("envoy", 23629)),
        (f"{AT} WARN exited: envoy (exit status 3; not expected)", Ended("envoy", "exit status 3")),
        (f"{AT} INFO exited: envoy (exit status 0; expected)", Ended("envoy", "exit status 0")),
        (
            f"{AT} WARN exited: envoy (terminated by SIGSEGV (core dumped); not expected)",
            Ended("envoy", "terminated by SIGSEGV (core dumped)"),
        ),
        (f"{AT} WARN stopped: a-b (terminated by SIGTERM)", Stopped("a-b", "terminated by SIGTERM")),
        (f"{AT} INFO gave up: envoy entered FATAL state, too many start retries too quickly", GivenUp("envoy")),
        (f"{AT} CRIT Supervisor is running as root.", Said("CRIT", "Supervisor is running as root.")),
        ("Error: no such file", Said("", "Error: no such file")),
    ],
)
def test_a_line_of_supervisord_is_read(line: str, event: Event) -> None:
    assert read(line) == event


def killed(part: str = "envoy") -> Ended:
    return Ended(part, "terminated by SIGKILL")


@pytest.mark.parametrize("part", sorted(DISPENSABLE))
def test_a_part_that_requests_are_served_without_rests_where_another_is_given_up(part: str) -> None:
    keeper = Keeper()
    assert keeper.judge(Ended(part, f"exit status {CONFIGURATION}"), 0) is Verdict.REST
    assert keeper.judge(GivenUp(part), 1) is Verdict.REST
    assert keeper.judge(killed(part), 2) is Verdict.PARDON
    assert keeper.judge(Ended("envoy", f"exit status {CONFIGURATION}"), 0) is Verdict.GIVE_UP


@pytest.mark.parametrize("part", sorted(CONTROL_PLANE))
def test_a_part_that_configures_envoy_is_given_up_before_anything_is_served_and_rests_later(part: str) -> None:
    keeper = Keeper()
    assert keeper.judge(GivenUp(part), 0) is Verdict.GIVE_UP
    keeper.serving = True
    assert keeper.judge(GivenUp(part), 1) is Verdict.REST
    assert keeper.judge(Ended(part, f"exit status {CONFIGURATION}"), 2) is Verdict.REST
    assert keeper.judge(killed(part), 3) is Verdict.PARDON
    assert {keeper.judge(GivenUp(other), 4) for other in ("envoy", "diagnostics")} == {Verdict.GIVE_UP}


def test_each_part_is_there_and_envoy_and_what_answers_probes_are_indispensable() -> None:
    parser = configparser.RawConfigParser()
    parser.read(CONF)
    parts = {section.removeprefix("program:") for section in parser.sections() if section.startswith("program:")}
    assert parts - DISPENSABLE - CONTROL_PLANE - {"demo"} == {"envoy", "diagnostics"}
    assert parts >= DISPENSABLE | CONTROL_PLANE


def test_dispensable_parts_are_those_of_kubernetes_alone() -> None:
    parser = configparser.RawConfigParser()
    parser.read(CONF)
    found = {
        section.removeprefix("program:")
        for section in parser.sections()
        if parser.get(section, "autostart", fallback="") == "%(ENV_DRAGOMAN_REPORTER)s"
    }
    assert found == DISPENSABLE


@pytest.mark.parametrize(
    ("settings", "word"),
    [(Settings(), "true"), (Settings(gateway="a/web"), "false"), (Settings(config_dir=Path("/config")), "false")],
)
def test_neither_a_folder_nor_pods_of_one_gateway_have_a_reporter(settings: Settings, word: str) -> None:
    """The statuses of such a Gateway are those of whoever serves all the others: two writers would fight."""
    assert _of_the_parts(settings, None, {})["DRAGOMAN_REPORTER"] == word


def test_a_killed_part_is_pardoned() -> None:
    assert Keeper().judge(killed(), 0) is Verdict.PARDON


def test_a_killed_part_that_supervisord_gave_up_is_pardoned() -> None:
    keeper = Keeper()
    keeper.judge(killed(), 0)
    assert keeper.judge(GivenUp("envoy"), 0) is Verdict.PARDON


def test_pardons_are_not_endless() -> None:
    keeper = Keeper()
    verdicts = [keeper.judge(killed(), number / 100) for number in range(60)]
    assert verdicts == [Verdict.PARDON] * 50 + [Verdict.LEAVE] * 10
    assert keeper.judge(GivenUp("envoy"), 1) is Verdict.GIVE_UP
    assert keeper.judge(killed("watcher"), 1) is Verdict.PARDON
    assert keeper.judge(killed(), 100) is Verdict.PARDON


def test_a_failed_part_is_left_to_supervisord_until_that_gives_up() -> None:
    keeper = Keeper()
    assert keeper.judge(Ended("envoy", "exit status 3"), 0) is Verdict.LEAVE
    assert keeper.judge(Ended("envoy", "exit status 1"), 1) is Verdict.LEAVE
    assert keeper.judge(GivenUp("envoy"), 1) is Verdict.GIVE_UP
    reason = keeper.reason("envoy", "no such thing")
    assert reason == (
        "envoy cannot be kept alive: it ended again and again, the last time with exit status 1; "
        "its last line was: no such thing"
    )


def test_a_part_that_fails_after_each_good_start_is_given_up_in_the_end() -> None:
    keeper = Keeper()
    verdicts = [keeper.judge(Ended("envoy", "terminated by SIGSEGV"), 2.0 * number) for number in range(10)]
    assert verdicts == [Verdict.LEAVE] * 9 + [Verdict.GIVE_UP]


def test_rare_failures_are_forgotten() -> None:
    keeper = Keeper()
    verdicts = {keeper.judge(Ended("envoy", "exit status 1"), 10.0 * number) for number in range(100)}
    assert verdicts == {Verdict.LEAVE}


def test_a_part_that_can_never_work_is_given_up_at_once() -> None:
    keeper = Keeper()
    assert keeper.judge(Ended("envoy", "exit status 78"), 0) is Verdict.GIVE_UP
    assert keeper.reason("envoy", "") == "envoy cannot be kept alive: it ended with exit status 78"


def test_a_program_that_never_started_is_given_up_without_a_manner_of_its_end() -> None:
    keeper = Keeper()
    assert keeper.judge(GivenUp("envoy"), 0) is Verdict.GIVE_UP
    assert keeper.reason("envoy", "") == "envoy cannot be kept alive: it could not be started"
