"""Objects of a cluster that cannot be kept, however many there are."""

from worlds import TARGET

from tests.support.calls import calls_of
from watcher.sources import Event, SourceRecovered
from watcher.trimming import seen
from watcher.unreadable_objects import UnreadableObjects
from watcher.watch_events import Changed, Gone, Listed, Recovered, Unreadable


def messages(events: list[Event]) -> list[str]:
    (event,) = events
    assert isinstance(event, SourceRecovered)
    return [problem.message for problem in event.problems]


def test_the_first_ones_are_told_and_the_rest_is_counted() -> None:
    unreadable_objects = UnreadableObjects()
    for number in range(2000):
        found = unreadable_objects.take(TARGET, Unreadable(f"{number:04}", f"bad {number}"))
    assert messages(found) == [*(f"bad {number}" for number in range(5)), "and 1,995 more"]
    assert messages(unreadable_objects.take(TARGET, Gone("0002")))[2] == "bad 3"
    assert messages(unreadable_objects.take(TARGET, Unreadable("0001", "worse")))[1] == "worse"
    here = seen(TARGET.kind, {"metadata": {"name": "m", "namespace": "a"}})
    assert unreadable_objects.take(TARGET, Changed(here)) == []
    assert unreadable_objects.take(TARGET, Listed({}, {"b": "two", "a": "one"})) == []
    assert messages(unreadable_objects.take(TARGET, Recovered())) == ["one", "two"]
    assert messages(unreadable_objects.take(TARGET, Unreadable(here.key, "three"))) == ["one", "two", "three"]
    assert messages(unreadable_objects.take(TARGET, Changed(here))) == ["one", "two"]


def test_one_more_costs_the_same_however_many_there_are() -> None:
    def cost(count: int) -> int:
        unreadable_objects = UnreadableObjects()
        for number in range(count):
            unreadable_objects.take(TARGET, Unreadable(f"{number:05}", "bad"))
        return calls_of(lambda: unreadable_objects.take(TARGET, Unreadable("x", "bad")))

    assert cost(5000) == cost(50)
