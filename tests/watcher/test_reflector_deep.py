"""One object that is nested deeper than can be read: it alone is not served, and the others go on."""

from typing import Any

import orjson
import pytest
from model_apiserver import World
from worlds import END, KEY, MAPPING, asked, filled, line, synced, world

from watcher.kinds import Kind
from watcher.watch_events import Changed, Gone, Unreadable

DEEP = orjson.Fragment(b'{"x":' * 1100 + b"1" + b"}" * 1100)
STEPS = "spec.unknown.x.x.x.x.x.x..."
SAID = f"the Mapping a/deep is nested too deeply, and is not served: {STEPS} is nested more than 250 levels deep"


def put_deep(run: World, kind: Kind = MAPPING, name: str = "deep", **more: Any) -> None:
    """Where an API server has it: below spec, and in what it notes of who wrote which field."""
    run.model.put(kind, name, 1)
    made = run.model.objects[kind.plural][name]
    made["spec"] = {"unknown": DEEP}
    made["metadata"]["managedFields"] = [{"fieldsV1": DEEP}]
    made.update(more)


@pytest.mark.parametrize("fault", ["none", "no streams"])
def test_at_the_first_look_it_is_told_and_the_others_are_served(fault: str) -> None:
    run = world(model=filled(3))
    put_deep(run)
    run.model.fault = fault
    run.run(5)
    assert sorted(run.objects) == [MAPPING.key("a", f"m{number}") for number in range(3)]
    assert run.problems == {"mappings.getambassador.io": SAID}


def test_while_it_is_there_it_is_told_once_and_no_longer_when_it_is_gone() -> None:
    run = world(model=filled(1))
    run.run(5)
    asked_before = len(run.model.asked)
    put_deep(run)
    run.model.put(MAPPING, "after", 1)
    run.run(1)
    assert sorted(run.objects) == [MAPPING.key("a", "after"), MAPPING.key("a", "m0")]
    assert run.problems == {"mappings.getambassador.io": SAID}
    published = run.publications
    run.run(2000, tick=5.0)
    assert run.publications == published, "not told again when the watch begins anew"
    assert run.problems == {"mappings.getambassador.io": SAID}
    assert len(run.model.asked) - asked_before < 10, "and nothing is asked for anew because of it"
    run.model.delete(MAPPING, "deep")
    run.run(1)
    assert run.problems == {}


def test_an_object_that_becomes_so_is_served_no_longer_and_again_when_it_is_mended() -> None:
    run = world(model=filled(2))
    run.run(5)
    put_deep(run, name="m0")
    run.run(1)
    assert list(run.objects) == [MAPPING.key("a", "m1")]
    assert MAPPING.key("a", "m0") not in run.live
    run.model.put(MAPPING, "m0", 2)
    run.run(1)
    assert sorted(run.objects) == sorted(run.live) == [MAPPING.key("a", "m0"), MAPPING.key("a", "m1")]
    assert run.problems == {}


def test_the_watch_goes_on_from_it() -> None:
    reflector = synced(10)
    made = {"metadata": {"name": "deep", "namespace": "a", "resourceVersion": "12"}, "spec": DEEP}
    for said in ("ADDED", "MODIFIED"):
        made["metadata"]["resourceVersion"] = "12" if said == "ADDED" else "13"
        (found,) = reflector.heard(1, [orjson.dumps({"type": said, "object": made})])
        assert found == Unreadable(MAPPING.key("a", "deep"), SAID.replace(".unknown", ".x"))
    made["metadata"]["resourceVersion"] = "14"
    events = reflector.heard(1, [orjson.dumps({"object": made, "type": "DELETED"}), line("ADDED", 15)])
    assert events[0] == Gone(MAPPING.key("a", "deep"))
    assert isinstance(events[1], Changed)
    reflector.ended(100)
    assert asked(reflector, 100).params["resourceVersion"] == "15"


def test_one_that_is_mended_before_all_was_said_is_no_problem() -> None:
    run = world(model=filled(0))
    (reflector,) = run.cluster.reflectors.values()
    asked(reflector)
    made = {"metadata": {"name": "m", "namespace": "a", "resourceVersion": "2"}, "spec": DEEP}
    lines = [orjson.dumps({"type": "ADDED", "object": made}), line("MODIFIED", 3), line("BOOKMARK", 4, **END)]
    (listed,) = reflector.heard(0, lines)
    assert (list(listed.objects), listed.problems) == ([KEY], {})  # type: ignore[union-attr]


def test_a_status_that_is_so_is_none() -> None:
    run = world(model=filled(0))
    put_deep(run, spec={"value": 1}, status={"state": DEEP})
    run.run(2)
    key = MAPPING.key("a", "deep")
    assert run.problems == {}
    assert (run.objects[key]["spec"], run.live[key].body) == ({"value": 1}, b"{}")


def test_of_many_some_are_told() -> None:
    run = world(model=filled(1))
    for number in range(7):
        put_deep(run, name=f"d{number}")
    run.run(5)
    assert run.problems["mappings.getambassador.io"].endswith("and 2 more")
    run.model.delete(MAPPING, "d0")
    run.run(1)
    assert "and 1 more" in run.problems["mappings.getambassador.io"]
