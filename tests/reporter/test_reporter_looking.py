"""One look at one object: what is written, what is told, what waits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.events import NewEvent, event, event_name, problems_in, recovery
from reporter.looking import (
    ANSWER_COUNTS,
    LONG_PATIENCE,
    PATIENCE,
    Deed,
    Later,
    Memory,
    known_after,
    known_before,
    look,
)
from reporter.objects import Live, Name, Wanted
from translator.conditions import kubernetes_status
from translator.statuses import ReportedProblem, Status
from translator.subjects import Edition, Subject

NOW = "2026-02-02T00:00:00Z"
WRONG = ReportedProblem("spec.prefix", "is wrong", stops=True)
LOOSE = ReportedProblem("spec.service", "leads nowhere", stops=False, reason="BackendNotFound")
NO_HOST = ReportedProblem("spec.hostname", "fits no Host", stops=False, reason="NotAttached")
REFUSED = ReportedProblem("", "Envoy refused it", stops=True, by="envoy")


def wanted(*told: ReportedProblem, generation: int = 1, uid: str = "uid", **more: Any) -> Wanted:
    status = kubernetes_status("Mapping", Status(told, subject=Subject(Edition(uid, generation)), **more))
    assert status is not None
    return Wanted(f"{told} {generation} {more}", uid, status)


def live(of: Wanted | None = None, generation: int = 1, version: str = "1") -> Live:
    """As the cluster has it after `of` was written; None: nothing was."""
    if of is None:
        return Live("uid", generation, version, {})
    written = {**of.status, "conditions": [c | {"lastTransitionTime": NOW} for c in of.status["conditions"]]}
    return Live("uid", generation, version, written)


def told(should: Wanted, there: Live, before: frozenset[NewEvent] | None = None) -> list[tuple[str, str]]:
    deed = look(should, there, known_before(there, before), PATIENCE, NOW)
    assert isinstance(deed, Deed)
    return [(news.type, news.reason) for news in deed.news]


def test_a_new_object_gets_a_status_and_no_event() -> None:
    deed = look(wanted(), live(), frozenset(), 0.0, NOW)
    assert isinstance(deed, Deed)
    assert deed.news == ()
    assert deed.status is not None


def test_a_status_that_is_right_is_left_alone() -> None:
    assert look(wanted(), live(wanted()), frozenset(), 0.0, NOW) == Deed((), None)


def test_what_waits_for_envoy_is_written_only_when_it_takes_long() -> None:
    assert look(wanted(waits=True), live(), frozenset(), 0.5, NOW) == Later(PATIENCE - 0.5)
    assert isinstance(look(wanted(waits=True), live(), frozenset(), PATIENCE, NOW), Deed)


def test_what_an_envoy_has_had_stays_programmed_while_another_begins() -> None:
    there = live(wanted())
    assert look(wanted(waits=True), there, frozenset(), PATIENCE, NOW) == Later(LONG_PATIENCE - PATIENCE)
    assert isinstance(look(wanted(waits=True), there, frozenset(), LONG_PATIENCE, NOW), Deed)
    assert isinstance(look(wanted(waits=True, generation=2), there, frozenset(), PATIENCE, NOW), Deed)


@pytest.mark.parametrize("there", [live(generation=2), Live("another", 1, "1", {})])
def test_nothing_is_said_of_another_version_of_the_object(there: Live) -> None:
    assert look(wanted(), there, frozenset(), PATIENCE, NOW) is None


def test_a_version_that_the_cluster_view_does_not_know_yet_is_written() -> None:
    assert isinstance(look(wanted(generation=2), live(generation=1), frozenset(), 0.0, NOW), Deed)


def test_each_problem_is_told_once_with_its_most_telling_reason() -> None:
    assert told(wanted(WRONG), live()) == [("Warning", "Invalid")]
    assert told(wanted(LOOSE), live()) == [("Warning", "BackendNotFound")]
    assert told(wanted(NO_HOST), live()) == [("Warning", "NotAttached")]
    assert told(wanted(REFUSED, is_held=True), live()) == [("Warning", "RefusedByEnvoy")]


def test_what_the_status_says_already_is_no_news() -> None:
    assert told(wanted(WRONG, generation=2), live(wanted(WRONG))) == []


def test_what_was_told_is_no_news_even_where_no_status_can_be_written() -> None:
    known = known_after(wanted(WRONG), frozenset())
    assert told(wanted(WRONG), live(), known) == []
    assert told(wanted(), live(), known) == [("Normal", "Recovered")]


def test_what_was_told_counts_more_than_a_status_that_could_not_be_written() -> None:
    ill = live(wanted(WRONG))
    known = known_after(wanted(), known_before(ill, None))
    assert told(wanted(), ill, known) == [], "that it recovered was told"
    assert told(wanted(WRONG), ill, known) == [("Warning", "Invalid")]


def test_what_could_not_be_told_is_not_known() -> None:
    untold = frozenset(problems_in(wanted(WRONG).status))
    assert known_after(wanted(WRONG), frozenset(), untold) == frozenset()
    assert known_after(wanted(WRONG, LOOSE), frozenset(), untold) == frozenset(problems_in(wanted(LOOSE).status))
    known = frozenset(problems_in(wanted(LOOSE).status))
    assert known_after(wanted(WRONG), known, untold) == known, "what was told is not over"
    assert known_after(wanted(), known, frozenset([recovery(wanted().status)])) == known


def test_another_problem_is_news() -> None:
    assert told(wanted(REFUSED, is_held=True), live(wanted(WRONG))) == [("Warning", "RefusedByEnvoy")]


def test_who_recovers_is_told_so() -> None:
    assert told(wanted(generation=2), live(wanted(WRONG))) == [("Normal", "Recovered")]


def test_nobody_has_recovered_before_envoy_says_so() -> None:
    ill, waiting, well = wanted(WRONG), wanted(waits=True, generation=2), wanted(generation=2)
    assert told(waiting, live(ill)) == []
    known = known_after(waiting, known_before(live(ill), None))
    assert told(well, live(waiting), known) == [("Normal", "Recovered")]
    assert known_after(well, known) == frozenset()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["conditions", "state", "reason", "errorReason", "errorTimestamp"])
CONDITION = st.dictionaries(st.sampled_from(["type", "status", "reason", "message", "lastTransitionTime"]), JSON)


@given(status=st.dictionaries(FIELDS, JSON | st.lists(CONDITION, max_size=3), max_size=4), ill=st.booleans())
def test_whatever_others_wrote_into_a_status_a_look_has_an_answer(status: dict[str, Any], ill: bool) -> None:
    should, there = wanted(*([WRONG] if ill else [])), Live("uid", 1, "1", status)
    assert isinstance(look(should, there, known_before(there, None), PATIENCE, NOW), Deed)


def test_an_answer_is_newer_than_a_view_that_lags_behind() -> None:
    memory = Memory()
    memory.answered("a", live(version="12"), 0.0)
    assert memory.newest("a", live(version="9"), 1.0).version == "12"
    assert memory.newest("a", live(version="12"), 1.0).version == "12"
    assert memory.newest("a", live(version="9"), 1.0).version == "9", "and once they agree, the view counts"


def test_a_view_that_stays_older_is_that_of_a_restored_cluster() -> None:
    memory = Memory()
    memory.answered("a", live(version="12"), 0.0)
    assert memory.newest("a", live(version="9"), ANSWER_COUNTS).version == "9"


def test_what_was_told_of_an_object_is_not_known_of_its_successor() -> None:
    memory, ill = Memory(), frozenset(problems_in(wanted(WRONG).status))
    assert memory.told("a", "one") is None
    memory.tell("a", "one", ill)
    assert memory.told("a", "one") == ill
    assert memory.told("a", "two") is None
    memory.tell("a", "one", frozenset())
    assert memory.told("a", "one") == frozenset(), "that nothing is wrong is remembered too"
    memory.forget("a")
    assert memory.told("a", "one") is None


def test_a_view_that_cannot_be_compared_counts() -> None:
    memory = Memory()
    memory.answered("a", live(version="12"), 0.0)
    assert memory.newest("a", Live("another", 1, "3", {}), 1.0).uid == "another"


def test_an_event_has_the_same_name_each_time_and_fits() -> None:
    name, news = Name("Mapping", "default", "m" * 253), NewEvent("Warning", "Invalid", "x")
    assert event_name(name, "uid", news) == event_name(name, "uid", news)
    assert event_name(name, "uid", news) != event_name(name, "another", news)
    assert len(event_name(name, "uid", news)) <= 253
    made = event(name, "uid", news, "pod", NOW)
    assert made["involvedObject"]["uid"] == "uid", "kubectl describe finds Events by it"


@pytest.mark.parametrize("sign", ["x", "é", "日", "😀"])
def test_an_event_is_no_longer_than_the_api_server_takes(sign: str) -> None:
    made = event(Name("Mapping", "default", "m"), "uid", NewEvent("Warning", "Invalid", sign * 1024), "pod", NOW)
    message = made["message"].encode()
    assert 1020 < len(message) <= 1024
    assert made["message"] == sign * len(made["message"])


def test_an_answer_is_let_go_of_once_the_snapshot_is_not_older() -> None:
    memory = Memory()
    memory.answered("key", live(wanted(), version="7"), 0.0)
    memory.heard("key", Live("uid", 1, "6", {}))
    assert memory.newest("key", live(version="6"), 1.0).version == "7"
    memory.heard("key", Live("uid", 1, "7", {}))
    assert memory._answered == {}
    assert memory.newest("key", live(version="7"), 1.0) == live(version="7")
