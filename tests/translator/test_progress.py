"""Who waits for Envoy's word, held against a model that remembers everything."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from translator.progress import MOST_BATCHES, MOST_RESOURCES, PATIENCE, Progress

OBJECTS = st.sampled_from(["a", "b", "c", "d"])
RESOURCES = st.sampled_from(["route/1", "route/2", "cluster/1", "cluster/2", "listener/1"])
PUBLISHED = st.tuples(
    st.just("published"), st.frozensets(OBJECTS, max_size=3), st.dictionaries(RESOURCES, st.booleans(), max_size=3)
)
ANSWERED = st.tuples(st.just("answered"), RESOURCES, st.booleans())


class Model:
    """Each object with the resources that it waits for, each of them with the version that counts."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.batches: list[tuple[frozenset[str], set[str]]] = []

    def waits(self, key: str) -> bool:
        return any(key in objects and waiting & self.versions.keys() for objects, waiting in self.batches)


@given(st.lists(st.one_of(PUBLISHED, ANSWERED), max_size=40))
def test_an_object_waits_until_all_that_it_changed_is_answered(history: list[tuple[object, ...]]) -> None:
    progress, model = Progress(), Model()
    for number, event in enumerate(history, 1):
        before = {key for key in "abcd" if model.waits(key)}
        if event[0] == "published":
            _, objects, changed = event
            assert isinstance(objects, frozenset)
            assert isinstance(changed, dict)
            resources = {name: f"v{number}" if stays else None for name, stays in changed.items()}
            done = progress.published(float(number), objects, resources)
            for name, version in resources.items():
                if version is None:
                    model.versions.pop(name, None)
                    for _, waiting in model.batches:
                        waiting.discard(name)
                else:
                    model.versions[name] = version
            new = {name for name, version in resources.items() if version is not None}
            after_removals = {key for key in before if model.waits(key)}
            model.batches.append((objects, new))
        else:
            _, name, newest = event
            assert isinstance(name, str)
            version = model.versions.get(name, "v0") if newest else "v0"
            done = progress.answered(name, version)
            if newest:
                model.versions.pop(name, None)
                for _, waiting in model.batches:
                    waiting.discard(name)
            after_removals = {key for key in before if model.waits(key)}
        assert {key for key in "abcd" if progress.waits(key)} == {key for key in "abcd" if model.waits(key)}
        assert done == before - after_removals


def nothing(_: str) -> Iterable[str]:
    return ()


def test_what_changes_nothing_for_envoy_does_not_wait() -> None:
    progress = Progress()
    progress.published(0.0, ["a"], {})
    progress.published(0.0, ["b"], {"route/1": None})
    assert not progress.waits("a")
    assert not progress.waits("b")
    assert progress.next_time(0.0) is None


def test_an_old_version_that_is_answered_is_not_the_one_that_is_waited_for() -> None:
    progress = Progress()
    progress.published(0.0, ["a"], {"route/1": "v1"})
    progress.published(0.1, ["b"], {"route/1": "v2"})
    assert progress.answered("route/1", "v1") == set()
    assert progress.answered("route/1", "v2") == {"a", "b"}


def test_after_a_while_only_those_wait_that_the_unanswered_is_made_of() -> None:
    progress = Progress()
    progress.published(0.0, ["guilty", "innocent", "other"], {"route/1": "v1", "route/2": "v1"})
    progress.answered("route/2", "v1")
    assert progress.next_time(0.0) == PATIENCE
    assert progress.time_passed(PATIENCE - 0.1, lambda _: ["guilty"]) == set()
    made_of = {"route/1": ["guilty", "a stranger"]}
    assert progress.time_passed(PATIENCE, lambda resource: made_of[resource]) == {"innocent", "other"}
    assert progress.waits("guilty")
    assert progress.next_time(PATIENCE) is None, "it is looked at once"
    assert progress.time_passed(2 * PATIENCE, nothing) == set()
    assert progress.answered("route/1", "v1") == {"guilty"}


def test_while_much_is_unanswered_nobody_is_asked_where_it_comes_from() -> None:
    progress = Progress()
    resources = {f"route/{number}": "v1" for number in range(MOST_RESOURCES + 1)}
    progress.published(0.0, ["a", "b"], dict(resources))
    assert progress.time_passed(PATIENCE, nothing) == set()
    progress.answered("route/0", "v1")
    assert progress.time_passed(PATIENCE, nothing) == {"a", "b"}


def test_an_envoy_that_is_away_does_not_make_the_list_grow() -> None:
    progress = Progress()
    for number in range(10 * MOST_BATCHES):
        progress.published(float(number), [f"object-{number}"], {f"route/{number}": "v1"})
        assert len(progress._batches) <= MOST_BATCHES
    done = set()
    for number in range(10 * MOST_BATCHES):
        done |= progress.answered(f"route/{number}", "v1")
    assert done == {f"object-{number}" for number in range(10 * MOST_BATCHES)}
