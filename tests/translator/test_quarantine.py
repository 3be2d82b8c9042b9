"""What is known to be good, and how the guilty object is found among many."""

import pytest

from translator.quarantine import SETTLED_AFTER, Hold, Memory, begin, judged

NOBODY: frozenset[str] = frozenset()


def test_an_object_is_good_when_envoy_has_accepted_what_was_made_of_it() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1", "cluster/c": "v1"})
    memory.accepted("route/r", "v1")
    memory.settle(0.1, NOBODY)
    assert memory.good == {}
    memory.accepted("cluster/c", "v1")
    memory.settle(0.1, NOBODY)
    assert memory.good == {"a": b"1"}


def test_what_nobody_refuses_is_good_after_a_while() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"1"}, {"secret/never-asked-for": "v1"})
    assert memory.next_settling(0.5) == SETTLED_AFTER
    memory.settle(SETTLED_AFTER, NOBODY)
    assert memory.good == {"a": b"1"}


def test_a_newer_version_stands_for_the_older_one_it_overtook() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1"})
    memory.published(0.1, {"b": b"1"}, {"route/r": "v2"})
    memory.accepted("route/r", "v2")
    memory.settle(0.2, NOBODY)
    assert memory.good == {"a": b"1", "b": b"1"}


def test_an_object_that_changed_again_proves_only_its_newest_body() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1"})
    memory.published(0.1, {"a": b"2"}, {"route/r": "v2"})
    memory.settle(SETTLED_AFTER, NOBODY)
    assert memory.good == {}
    memory.accepted("route/r", "v2")
    memory.settle(SETTLED_AFTER, NOBODY)
    assert memory.good == {"a": b"2"}


def test_objects_of_a_refused_resource_stay_unproven_until_it_is_accepted() -> None:
    memory = Memory()
    memory.published(0.0, {"guilty": b"1", "innocent": b"1", "far": b"1"}, {"route/r": "v1"})
    memory.settle(SETTLED_AFTER, frozenset({"guilty", "innocent"}))
    assert memory.good == {"far": b"1"}
    memory.published(3.0, {"guilty": None}, {"route/r": "v2"})
    memory.accepted("route/r", "v2")
    memory.settle(3.0, NOBODY)
    assert memory.good == {"far": b"1", "innocent": b"1"}


def test_an_object_that_is_gone_is_no_longer_good() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"1"}, {})
    memory.settle(0.0, NOBODY)
    memory.published(1.0, {"a": None}, {"route/r": None})
    memory.settle(1.0, NOBODY)
    assert memory.good == {}


@pytest.mark.parametrize("guilty", range(13))
def test_a_trial_ends_with_the_guilty_one(guilty: int) -> None:
    suspects = [f"object-{index}" for index in range(13)]
    trial, rounds = begin("route/r", "no", suspects), 0
    while len(trial.suspects) > 1:
        refused = f"object-{guilty}" in trial.active
        trial, rounds = judged(trial, accepted=not refused), rounds + 1
    assert trial.suspects == (f"object-{guilty}",)
    assert rounds <= 4


def test_a_body_that_was_overtaken_unproven_is_fallen_back_on_before_the_good_one() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"good"}, {})
    memory.settle(0.0, NOBODY)
    memory.published(1.0, {"a": b"quick"}, {"route/r": "v1"})
    memory.published(1.1, {"a": b"bad"}, {"route/r": "v2"})
    first = memory.fallback("a", None)
    assert first == b"quick"
    second = memory.fallback("a", Hold("bad", first, "refused"))
    assert second == b"good"
    assert memory.fallback("a", Hold("bad", second, "refused")) is None


def test_what_was_refused_is_never_fallen_back_on() -> None:
    memory = Memory()
    memory.published(0.0, {"a": b"bad"}, {"route/r": "v1"})
    memory.published(0.1, {"a": None}, {"route/r": "v2"})
    memory.forget("a")
    assert memory.fallback("a", None) is None
