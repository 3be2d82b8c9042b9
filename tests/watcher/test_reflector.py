"""How the reflector asks, and what it believes: one rule after the other, each as a small history."""

import pytest
from worlds import END, KEY, MAPPING, TARGET, asked, filled, line, synced, world

from watcher.kinds import Target
from watcher.outage import Server
from watcher.reflector import Reflector
from watcher.watch_events import Changed, Listed


def test_all_objects_are_asked_for_by_a_stream_of_the_newest_state() -> None:
    params = asked(Reflector(Target(MAPPING, "a", labels="x=y", fields="f=g"), Server(lambda: 0), lambda: 0.5)).params
    assert params == {
        "labelSelector": "x=y",
        "fieldSelector": "f=g",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "timeoutSeconds": "450",
    }


def test_nothing_is_known_before_the_server_said_that_this_was_all() -> None:
    reflector = Reflector(TARGET, Server(lambda: 0), lambda: 0)
    asked(reflector)
    assert reflector.heard(0, [line("ADDED", 5), line("BOOKMARK", 6)]) == []
    (listed,) = reflector.heard(0, [line("BOOKMARK", 7, **END)])
    assert isinstance(listed, Listed)
    assert list(listed.objects) == [KEY]


def test_a_server_without_such_streams_is_listed_page_by_page() -> None:
    run = world(model=filled(5))
    run.model.fault = "no streams"
    run.run(3)
    assert len(run.objects) == 5
    assert [plural for _, plural in run.model.asked] == ["mappings"] * 5, "a refusal, three pages, a watch"


@pytest.mark.parametrize("fault", ["ignored streams", "mute"])
def test_a_stream_that_never_says_that_it_was_all_is_given_up(fault: str) -> None:
    run = world(model=filled())
    run.model.fault = fault
    run.run(20)
    assert run.publications == 0
    if fault == "mute":
        run.model.fault = "none"
    run.run(20)
    assert len(run.objects) == 3


def test_pages_that_expire_are_not_asked_for_again_one_by_one() -> None:
    run = world(model=filled(5))
    run.model.fault = "no streams"
    run.run(1)
    run.model.delete(MAPPING, "m0")
    run.model.fault = "down"
    run.run(5)
    run.model.fault = "expired pages"
    run.cluster.reflectors[TARGET]._streams = False
    run.cluster.reflectors[TARGET].doubt(run.now, 0)
    run.run(40)
    assert len(run.objects) == 4


def test_what_is_said_again_of_a_known_version_never_goes_back() -> None:
    reflector = synced(10)
    events = reflector.heard(1, [line("MODIFIED", 12), line("MODIFIED", 11), line("ADDED", 9), line("DELETED", 12)])
    assert [event.seen.record.notes["generation"] for event in events if isinstance(event, Changed)] == [12]
    assert len(events) == 1


def test_a_watch_goes_on_from_the_last_bookmark() -> None:
    reflector = synced(10)
    reflector.heard(1, [line("BOOKMARK", 40)])
    reflector.ended(100)
    params = asked(reflector, 100).params
    assert params["resourceVersion"] == "40"
    assert "sendInitialEvents" not in params


def test_a_server_that_falls_back_behind_what_it_told_is_asked_for_everything() -> None:
    reflector = synced(10)
    reflector.heard(1, [line("BOOKMARK", 10)])
    assert not reflector.over
    reflector.heard(1, [line("BOOKMARK", 9)])
    assert reflector.over
    assert "sendInitialEvents" in asked(reflector, 3).params


def test_a_watch_that_is_too_old_begins_anew() -> None:
    run = world(model=filled())
    run.run(10)
    run.model.delete(MAPPING, "m0")
    run.streams.clear()
    run.model.log.clear()
    run.model.compact()
    run.model.compacted += 1
    run.cluster.reflectors[TARGET].ended(run.now)
    run.model.version += 2
    run.run(10)
    assert sorted(run.objects) == [MAPPING.key("a", "m1"), MAPPING.key("a", "m2")]


def test_a_deletion_that_was_missed_is_seen_and_a_change_too() -> None:
    run = world(model=filled())
    run.run(10)
    run.model.fault = "down"
    run.run(10)
    run.model.delete(MAPPING, "m0")
    run.model.put(MAPPING, "m1", 7)
    run.model.compact()
    run.model.fault = "none"
    run.run(10)
    assert {key[-2:]: found["spec"]["value"] for key, found in run.objects.items()} == {"m1": 7, "m2": 1}


def test_an_older_state_after_a_restore_is_taken_over() -> None:
    run = world(model=filled())
    run.run(10)
    copy = run.model.copy()
    for number in range(3):
        run.model.put(MAPPING, f"m{number}", 5)
    run.run(10)
    run.model.restore(copy, run.now)
    run.run(20)
    assert {found["spec"]["value"] for found in run.objects.values()} == {1}
    run.model.put(MAPPING, "m0", 9)
    run.run(2)
    assert run.objects[MAPPING.key("a", "m0")]["spec"]["value"] == 9
