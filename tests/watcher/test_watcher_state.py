"""The seam: events of sources in, changes out. Nothing partial, nothing lost, nothing said twice."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from snapshot import Record
from tests.support.calls import calls_of
from watcher.sources import (
    Event,
    ObjectChanged,
    ObjectGone,
    Problem,
    Source,
    SourceFailed,
    SourceGone,
    SourceListed,
)
from watcher.state import Changes, LocatedProblem, State

A, B, C = Source(0, "a.yaml"), Source(0, "b.yaml"), Source(1, "a-generated.yaml")


def record(version: str) -> Record:
    return Record(version, b"{}")


ONE, TWO, THREE = record("1"), record("2"), record("3")
BROKEN = Problem("it is broken", 1, 3)


def begun(*events: Event) -> State:
    state = State()
    state.step(events)
    assert state.complete
    return state


def objects(changes: Changes) -> dict[str, Record | None]:
    return {key: value for key, value in changes.records.items() if not key.startswith("dragoman/")}


def told(changes: Changes) -> dict[str, str | None]:
    return {
        key.removeprefix("dragoman/File//"): orjson.loads(value.body)["message"] if value else None
        for key, value in changes.records.items()
        if key.startswith("dragoman/")
    }


def test_nothing_is_published_before_every_source_was_listed() -> None:
    state = State()
    state.expect([A, B])
    assert state.step([SourceListed(A, {"x": ONE})]) == Changes()
    assert state.step([SourceFailed(B, BROKEN)]).records == {}
    assert not state.complete
    assert state.step([SourceListed(B, {"y": TWO})]).records == {"x": ONE, "y": TWO}
    assert state.complete


def test_the_first_view_is_whole_and_the_only_one() -> None:
    state = State()
    assert state.step([]) == Changes({}, whole=True)
    assert state.step([SourceListed(A, {"x": ONE})]) == Changes({"x": ONE})


def test_equal_is_silent() -> None:
    state = begun(SourceListed(A, {"x": ONE}))
    assert state.step([SourceListed(A, {"x": record("1")})]) == Changes()
    assert state.step([ObjectChanged(A, "x", ONE), ObjectGone(A, "y"), SourceGone(B)]) == Changes()


def test_single_objects_change_and_go() -> None:
    state = begun(SourceListed(A, {"x": ONE}))
    assert state.step([ObjectChanged(A, "x", TWO), ObjectChanged(A, "y", ONE)]).records == {"x": TWO, "y": ONE}
    assert state.step([ObjectGone(A, "x")]).records == {"x": None}
    assert state.step([ObjectChanged(A, "x", THREE), ObjectGone(A, "x")]).records == {}


def test_an_object_of_two_sources_is_the_first_ones_and_the_other_is_told() -> None:
    state = begun(SourceListed(C, {"x": THREE}))
    changes = state.step([SourceListed(B, {"x": TWO, "y": ONE})])
    assert objects(changes) == {"x": TWO, "y": ONE}
    assert told(changes) == {"a-generated.yaml": "x is in b.yaml already, which counts"}
    changes = state.step([SourceListed(A, {"x": ONE})])
    assert objects(changes) == {"x": ONE}
    assert told(changes) == dict.fromkeys(("b.yaml", "a-generated.yaml"), "x is in a.yaml already, which counts")
    changes = state.step([SourceGone(A)])
    assert objects(changes) == {"x": TWO}
    assert told(changes) == {"b.yaml": None, "a-generated.yaml": "x is in b.yaml already, which counts"}
    assert {at.source for at in changes.healed} == {B, C}
    assert objects(state.step([SourceListed(B, {"y": ONE})])) == {"x": THREE}


def test_a_source_that_is_read_in_part_keeps_what_it_had() -> None:
    state = begun(SourceListed(A, {"x": ONE, "y": ONE}))
    changes = state.step([SourceListed(A, {"y": TWO}, (BROKEN,), whole=False)])
    assert objects(changes) == {"y": TWO}
    assert changes.appeared == (LocatedProblem(A, BROKEN),)
    changes = state.step([SourceListed(A, {"y": TWO})])
    assert objects(changes) == {"x": None}
    assert changes.healed == (LocatedProblem(A, BROKEN),)


def test_a_source_that_fails_keeps_what_it_had() -> None:
    state = begun(SourceListed(A, {"x": ONE}))
    assert objects(state.step([SourceFailed(A, BROKEN)])) == {}
    assert told(state.step([SourceListed(A, {"x": ONE})])) == {"a.yaml": None}


def test_problems_are_told_when_they_appear_and_when_they_are_healed_and_not_in_between() -> None:
    state = begun(SourceListed(A, {}, (BROKEN,), whole=False))
    moved = Problem("it is broken", 1, 30)
    other = Problem("it is broken differently", 1, 30)
    second = Problem("no kind", 2, 40)
    changes = state.step([SourceListed(A, {}, (moved,), whole=False)])
    assert (changes.appeared, changes.healed) == ((), ())
    assert told(changes) == {"a.yaml": "document 1, line 30: it is broken"}
    changes = state.step([SourceListed(A, {}, (other, second), whole=False)])
    assert changes.appeared == (LocatedProblem(A, other), LocatedProblem(A, second))
    assert changes.healed == ()
    changes = state.step([SourceListed(A, {}, (other,), whole=False)])
    assert (changes.appeared, changes.healed) == ((), (LocatedProblem(A, second),))
    assert state.step([SourceGone(A)]).healed == (LocatedProblem(A, other),)


def test_the_record_of_a_problem_has_message_and_line_and_each_problem() -> None:
    changes = State().step([SourceListed(A, {}, (BROKEN, Problem("too large")), whole=False)])
    found = changes.records["dragoman/File//a.yaml"]
    assert found
    assert found.notes == {"source": "a.yaml"}
    assert orjson.loads(found.body) == {
        "message": "document 1, line 3: it is broken; too large",
        "line": 3,
        "problems": [
            {"document": 1, "line": 3, "message": "it is broken"},
            {"document": None, "line": None, "message": "too large"},
        ],
    }


def test_many_problems_do_not_make_an_endless_record() -> None:
    problems = tuple(Problem("it is broken", number, number) for number in range(1000))
    (found,) = State().step([SourceListed(A, {}, problems, whole=False)]).records.values()
    assert found
    assert orjson.loads(found.body)["message"].endswith("; and 980 more")


def test_of_many_problems_a_few_are_news() -> None:
    def many(word: str, count: int) -> SourceListed:
        return SourceListed(A, {}, tuple(Problem(f"{word} {number}", number) for number in range(count)), whole=False)

    state = begun(SourceListed(A, {}))
    changes = state.step([many("bad", 1000)])
    assert [told.problem.message for told in changes.appeared] == [*(f"bad {n}" for n in range(10)), "and 990 more"]
    assert state.step([many("bad", 1000)]) == Changes()
    assert [told.problem.message for told in state.step([many("bad", 1001)]).appeared] == ["bad 1000"]
    changes = state.step([SourceListed(A, {})])
    assert [told.problem.message for told in changes.healed] == [*(f"bad {n}" for n in range(10)), "and 991 more"]


def test_to_compare_many_problems_takes_linear_time() -> None:
    def compared(count: int) -> int:
        state = begun(SourceListed(A, {}))
        before, after = (tuple(Problem(f"{word} {n}", n) for n in range(count)) for word in ("bad", "worse"))
        state.step([SourceListed(A, {}, before, whole=False)])
        return calls_of(lambda: state.step([SourceListed(A, {}, after, whole=False)]))

    assert compared(4000) < 4.5 * compared(1000)


def test_what_a_problem_quotes_is_bounded_and_on_one_line() -> None:
    for text in ("x" * 10**6, "\x1b[31m\n\u202e" * 10**5):
        message = Problem(f"it says {text}").message
        assert len(message) < 1100
        assert message.isprintable()


def test_long_names_of_sources_still_have_keys_of_their_own() -> None:
    keys = {Source(0, "ä" * 1000 + end).key for end in "ab"}
    assert len(keys) == 2
    assert all(len(key.encode()) < 511 for key in keys)


def test_what_is_remembered_stands_until_its_source_is_asked() -> None:
    state = State({A: {"x": ONE}, B: {"y": ONE}})
    assert state.step([SourceListed(A, {}, (BROKEN,), whole=False)]) == Changes(appeared=(LocatedProblem(A, BROKEN),))
    changes = state.step([SourceGone(B)])
    assert changes.whole
    assert objects(changes) == {"x": ONE}


KEYS, SOURCES = st.sampled_from("uvwxyz"), st.sampled_from([A, B, C])
RECORDS = st.sampled_from([ONE, TWO, THREE])
PROBLEMS = st.lists(st.sampled_from([BROKEN, Problem("other", 2)]), max_size=2, unique=True).map(tuple)
EVENTS = st.one_of(
    st.builds(SourceListed, SOURCES, st.dictionaries(KEYS, RECORDS, max_size=4), PROBLEMS, st.booleans()),
    st.builds(SourceFailed, SOURCES, st.just(BROKEN)),
    st.builds(SourceGone, SOURCES),
    st.builds(ObjectChanged, SOURCES, KEYS, RECORDS),
    st.builds(ObjectGone, SOURCES, KEYS),
)


@given(st.lists(st.lists(EVENTS, max_size=5), max_size=12))
def test_changes_add_up_to_what_the_sources_have(batches: list[list[Event]]) -> None:
    """For any events in any batches: what was published = each object of its first source, and each one's problems."""
    state = begun()
    held: dict[Source, dict[str, Record]] = {}
    broken: dict[Source, tuple[Problem, ...]] = {}
    published: dict[str, Record] = {}
    standing: set[LocatedProblem] = set()
    for batch in batches:
        for event in batch:
            _model(event, held, broken)
        changes = state.step(batch)
        for key, value in changes.records.items():
            assert published.get(key) != value
            if value is None:
                del published[key]
            else:
                published[key] = value
        standing = (standing | set(changes.appeared)) - set(changes.healed)
    expected: dict[str, Record] = {}
    for source in sorted(held, reverse=True):
        expected |= held[source]
    assert {key: value for key, value in published.items() if not key.startswith("dragoman/")} == expected
    conflicts = {
        source: tuple(
            Problem(f"{key} is in {winner.name} already, which counts")
            for key in sorted(mine)
            if (winner := min(other for other, its in held.items() if key in its)) != source
        )
        for source, mine in held.items()
    }
    problems = {source: broken.get(source, ()) + conflicts.get(source, ()) for source in (A, B, C)}
    assert {key for key in published if key.startswith("dragoman/")} == {s.key for s, all_ in problems.items() if all_}
    assert {(at.source, at.problem) for at in standing} >= {(s, p) for s, all_ in problems.items() for p in all_}


def _model(event: Event, held: dict[Source, dict[str, Record]], broken: dict[Source, tuple[Problem, ...]]) -> None:
    mine = held.setdefault(event.source, {})
    match event:
        case SourceListed(source, listed, problems, whole):
            held[source] = {**({} if whole else mine), **listed}
            broken[source] = problems
        case SourceFailed(source, problem):
            broken[source] = (problem,)
        case SourceGone(source):
            held[source], broken[source] = {}, ()
        case ObjectChanged(source, key, changed):
            mine[key] = changed
        case ObjectGone(source, key):
            mine.pop(key, None)
