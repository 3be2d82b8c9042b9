"""What is known to be good, what only counts as good, and what there is to fall back on."""

from collections.abc import Mapping, Sequence

from translator.memory import LONGEST_PATIENCE, MOST_BATCHES, MOST_VERSIONS, SETTLED_AFTER, Memory
from translator.quarantine import Hold

NOBODY: frozenset[str] = frozenset()


def a_memory(connected: float | None = 0.0) -> Memory:
    memory = Memory()
    if connected is not None:
        memory.stream_changed(connected, connected=True)
    return memory


def settle(
    memory: Memory, now: float, refused: frozenset[str] = NOBODY, due: Mapping[str, Sequence[str]] | None = None
) -> None:
    """`due` are the resources that Envoy owes an answer for, and what they are made of."""
    owed = due or {}
    memory.settle(now, refused, owed.__contains__, owed.__getitem__)


def test_an_object_is_good_when_envoy_has_accepted_what_was_made_of_it() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1", "cluster/c": "v1"})
    memory.answered(0.1, "route/r", "v1")
    settle(memory, 0.1)
    assert memory.good == {}
    memory.answered(0.1, "cluster/c", "v1")
    settle(memory, 0.1)
    assert memory.good == {"a": b"1"}


def test_what_nobody_refuses_is_good_after_a_while() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"1"}, {"secret/never-asked-for": "v1"})
    assert memory.next_settling(0.5) == SETTLED_AFTER
    settle(memory, SETTLED_AFTER)
    assert memory.good == {"a": b"1"}


def test_a_newer_version_stands_for_the_older_one_it_overtook() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1"})
    memory.published(0.1, {"b": b"1"}, {"route/r": "v2"})
    memory.answered(0.1, "route/r", "v2")
    settle(memory, 0.2)
    assert memory.good == {"a": b"1", "b": b"1"}


def test_an_object_that_changed_again_proves_only_its_newest_body() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1"})
    memory.published(0.1, {"a": b"2"}, {"route/r": "v2"})
    assert memory.good == {}
    memory.answered(0.1, "route/r", "v2")
    settle(memory, SETTLED_AFTER)
    assert memory.good == {"a": b"2"}


def test_objects_of_a_refused_resource_stay_unproven_until_it_is_accepted() -> None:
    memory = a_memory()
    memory.published(0.0, {"guilty": b"1", "innocent": b"1", "far": b"1"}, {"route/r": "v1"})
    settle(memory, SETTLED_AFTER, frozenset({"guilty", "innocent"}))
    assert memory.good == {"far": b"1"}
    memory.published(3.0, {"guilty": None}, {"route/r": "v2"})
    memory.answered(0.1, "route/r", "v2")
    settle(memory, 3.0)
    assert memory.good == {"far": b"1", "innocent": b"1"}


def test_an_object_that_is_gone_is_no_longer_good() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"1"}, {})
    settle(memory, 0.0)
    memory.published(1.0, {"a": None}, {"route/r": None})
    settle(memory, 1.0)
    assert memory.good == {}


def test_a_body_that_was_overtaken_unproven_is_fallen_back_on_before_the_good_one() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"good"}, {})
    settle(memory, 0.0)
    memory.published(1.0, {"a": b"quick"}, {"route/r": "v1"})
    memory.published(1.1, {"a": b"bad"}, {"route/r": "v2"})
    first = memory.fallback("a", None)
    assert first == b"quick"
    second = memory.fallback("a", Hold("bad", first, "refused"))
    assert second == b"good"
    assert memory.fallback("a", Hold("bad", second, "refused")) is None


def test_what_was_refused_is_never_fallen_back_on() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"bad"}, {"route/r": "v1"})
    memory.published(0.1, {"a": None}, {"route/r": "v2"})
    memory.forget("a")
    assert memory.fallback("a", None) is None


def test_no_time_runs_while_no_envoy_is_connected() -> None:
    memory = a_memory(connected=None)
    memory.published(0.0, {"a": b"1"}, {"secret/s": "v1"})
    settle(memory, 3600.0)
    assert (memory.good, memory.next_settling(0.0)) == ({}, None)
    memory.stream_changed(3600.0, connected=True)
    settle(memory, 3601.0)
    assert memory.good == {}
    memory.stream_changed(3601.5, connected=False)
    memory.stream_changed(3602.0, connected=True)
    settle(memory, 3603.9)
    assert memory.good == {}
    settle(memory, 3604.0)
    assert memory.good == {"a": b"1"}


def test_no_time_speaks_for_what_envoy_owes_an_answer_for() -> None:
    memory = a_memory()
    memory.published(0.0, {"in it": b"1", "beside it": b"1"}, {"route/r": "v1", "secret/s": "v1"})
    settle(memory, SETTLED_AFTER, due={"route/r": ["in it"]})
    assert memory.good == {"beside it": b"1"}
    settle(memory, 3600.0, due={"route/r": ["in it"]})
    assert "in it" not in memory.good
    memory.answered(3600.0, "route/r", "v1")
    settle(memory, 3600.1)
    assert "in it" not in memory.good  # what comes after the route may be asked for only now
    settle(memory, 3600.0 + LONGEST_PATIENCE)
    assert memory.good == {"in it": b"1", "beside it": b"1"}


def test_what_is_good_by_time_alone_is_doubted_until_envoy_accepts_it() -> None:
    memory = a_memory()
    memory.published(0.0, {"a": b"1"}, {"route/r": "v1"})
    settle(memory, SETTLED_AFTER)
    memory.published(3.0, {"b": b"1"}, {"route/r": "v2"})
    assert memory.doubted("route/r") == {"a", "b"}
    memory.answered(4.0, "route/r", "v1")
    assert memory.doubted("route/r") == {"b"}
    memory.published(5.0, {"a": b"2"}, {"route/r": "v3"})
    memory.answered(6.0, "route/r", "v3")
    settle(memory, 6.0)
    assert memory.doubted("route/r") == set()
    assert memory.good == {"a": b"2", "b": b"1"}


def test_a_resource_that_changes_faster_than_envoy_answers_proves_what_was_in_it() -> None:
    memory = a_memory()
    for number in range(10):
        memory.published(float(number), {f"o{number}": b"1"}, {"route/r": f"v{number}"})
    memory.answered(10.0, "route/r", "v7")
    settle(memory, 10.0, due={"route/r": ["o8", "o9"]})
    assert memory.good == {f"o{number}": b"1" for number in range(8)}


def test_hours_without_envoy_cost_no_memory_and_prove_everything_in_the_end() -> None:
    memory = a_memory(connected=None)
    for number in range(5000):
        name = f"canary-{number}"
        memory.published(
            number, {name: b"1", "steady": b"%d" % number}, {"route/r": f"a{number}", f"cluster/{name}": "v"}
        )
        memory.published(number, {name: None}, {"route/r": f"b{number}", f"cluster/{name}": None})
    assert len(memory._open) <= MOST_BATCHES
    assert {key for batch in memory._open for key in batch.objects} == {"steady"}
    assert len(memory._versions["route/r"]) <= MOST_VERSIONS
    assert memory._versions.keys() == {"route/r"}
    assert memory.overtaken.keys() == {"steady"}
    memory.stream_changed(6000.0, connected=True)
    settle(memory, 6003.0, due={"route/r": ["steady"]})
    assert memory.good == {}
    memory.answered(6004.0, "route/r", "b4999")
    settle(memory, 6004.0)
    assert memory.good == {"steady": b"4999"}
    assert (memory._open, memory._presumed, memory._versions, memory.overtaken) == ([], [], {}, {})
