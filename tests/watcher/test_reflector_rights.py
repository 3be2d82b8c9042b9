"""Kinds that are missing, forbidden or all at once empty: what is published without them."""

import pytest
from model_apiserver import World
from worlds import HOST, KEY, MAPPING, SERVICE, SLICE, TARGET, filled, without_problems, world

from watcher.kinds import KINDS, KNATIVE, SECRET, Kind, Target


def test_a_missing_kind_is_empty_and_used_when_it_appears() -> None:
    run = world(MAPPING, HOST, model=filled())
    run.model.absent = {"hosts"}
    run.run(2)
    assert len(run.objects) == 3
    run.model.absent = set()
    run.model.put(HOST, "h", 1)
    (reflectors,) = run.cluster.missing().values()
    for reflector in reflectors:
        reflector.wake(run.now)
    run.run(1)
    assert HOST.key("a", "h") in run.objects
    assert run.cluster.missing() == {}


def test_knatives_kind_may_be_missing_and_its_statuses_are_known_when_it_is_there() -> None:
    (ingress,) = KNATIVE
    run = world(MAPPING, ingress, model=filled())
    run.model.absent = {"ingresses"}
    run.run(2)
    assert len(run.objects) == 3
    run.model.absent = set()
    run.model.put(ingress, "hello", 1)
    for reflectors in run.cluster.missing().values():
        for reflector in reflectors:
            reflector.wake(run.now)
    run.run(1)
    key = ingress.key("a", "hello")
    assert key in run.objects
    assert key in run.live
    run.model.delete(ingress, "hello")
    run.run(1)
    assert key not in run.live


def test_a_kind_that_goes_is_dropped_after_a_second_look() -> None:
    run = world(MAPPING, SERVICE, model=filled())
    run.model.put(SERVICE, "s", 1)
    run.run(5)
    run.model.absent = {"mappings"}
    run.streams.pop(TARGET)
    run.cluster.reflectors[TARGET].ended(run.now)
    run.run(20)
    assert len(run.objects) == 4
    run.run(20)
    assert list(run.objects) == [SERVICE.key("a", "s")]


def test_that_all_is_gone_at_once_is_believed_only_after_a_while() -> None:
    run = world(model=filled())
    run.run(5)
    run.model.fault = "down"
    run.run(2)
    run.model.objects, kept = {}, run.model.objects
    run.model.fault = "none"
    run.run(20)
    assert len(run.objects) == 3
    run.model.objects = kept
    run.run(30)
    assert len(run.objects) == 3
    for number in range(3):
        run.model.delete(MAPPING, f"m{number}")
    run.run(1)
    assert run.objects == {}, "deletions that are told one by one are believed"


@pytest.mark.parametrize("kind", [SERVICE, SLICE, SECRET], ids=lambda kind: kind.name)
def test_that_there_is_no_kind_that_every_api_server_has_is_not_believed(kind: Kind) -> None:
    run = world(MAPPING, HOST, kind)
    run.model.put(HOST, "h", 1)
    run.model.put(kind, "n1", 1)
    run.run(5)
    before = run.objects
    assert len(before) == 2
    run.model.absent = {kind.plural}
    run.streams.pop(Target(kind))
    run.cluster.reflectors[Target(kind)].ended(run.now)
    run.run(300)
    assert run.objects == before
    assert "what was known stays: the server could not find" in run.problems[Target(kind).source.name]
    run.model.absent = set()
    run.model.put(kind, "n1", 2)
    run.run(35)
    assert run.published[kind.key("a", "n1")].notes["generation"] == 2
    assert run.problems == {}


@pytest.mark.parametrize("kind", [SERVICE, SLICE, SECRET], ids=lambda kind: kind.name)
def test_a_pod_that_was_told_that_there_is_no_such_kind_waits(kind: Kind) -> None:
    run = world(MAPPING, HOST, kind, model=filled())
    run.model.absent = {kind.plural}
    run.run(60)
    assert run.publications == 0
    run.model.absent = set()
    run.run(35)
    assert len(run.objects) == 3


@pytest.mark.parametrize("kind", [SERVICE, SLICE, SECRET], ids=lambda kind: kind.name)
def test_the_last_one_goes_at_once_when_that_is_watched_and_later_when_it_is_not(kind: Kind) -> None:
    run = world(HOST, kind)
    run.model.put(HOST, "h", 1)
    run.model.put(kind, "n1", 1)
    run.run(5)
    run.model.delete(kind, "n1")
    run.run(1)
    assert len(run.objects) == 1
    run.model.put(kind, "n1", 1)
    run.run(1)
    run.model.objects[kind.plural] = {}
    run.streams.pop(Target(kind))
    run.cluster.reflectors[Target(kind)].doubt(run.now, 0)
    run.run(25)
    assert len(run.objects) == 2
    run.run(10)
    assert len(run.objects) == 1


def test_a_pod_without_the_right_to_see_what_matters_publishes_nothing() -> None:
    run = world(MAPPING, HOST, model=filled())
    run.model.forbidden = {"hosts"}
    run.run(60)
    assert run.publications == 0
    assert run.cluster.waiting_for == ("hosts.getambassador.io",)
    run.model.forbidden = set()
    run.run(35)
    assert len(run.objects) == 3


def test_a_kind_that_changes_no_answer_is_not_waited_for() -> None:
    kind = next(kind for kind in KINDS if kind.name == "LogService")
    run = world(MAPPING, kind, model=filled())
    run.model.forbidden = {"logservices"}
    run.run(5)
    assert len(run.objects) == 3
    assert "logservices is forbidden" in run.problems["logservices.getambassador.io"]


def test_a_namespace_that_we_may_not_see_is_told_and_the_others_are_served() -> None:
    run = World((Target(MAPPING, "a"), Target(MAPPING, "b")), model=filled())
    refusal = run.model.refusal
    run.model.refusal = lambda target, ask: (403, "no") if target.namespace == "b" else refusal(target, ask)  # type: ignore[method-assign]
    run.run(5)
    assert len(run.objects) == 3
    assert "in the namespace b may not be listed and watched" in run.problems["mappings.getambassador.io/b"]


def test_a_right_that_is_withdrawn_keeps_what_was_known_and_the_rest_goes_on() -> None:
    run = world(MAPPING, HOST, model=filled())
    run.model.put(HOST, "h", 1)
    run.run(5)
    run.model.forbidden = {"hosts"}
    run.streams.pop(Target(HOST))
    run.cluster.reflectors[Target(HOST)].ended(run.now)
    run.run(10)
    run.model.put(MAPPING, "m", 1)
    run.run(1)
    assert {HOST.key("a", "h"), KEY} <= set(run.objects)
    assert "hosts is forbidden" in run.problems["hosts.getambassador.io"]

    again = world(MAPPING, HOST, model=run.model, remembered=without_problems(run))
    again.run(5)
    assert HOST.key("a", "h") in again.objects, "so does a watcher that is started anew"
