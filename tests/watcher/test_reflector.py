"""One rule of the reflector after the other, each as a small history."""

import random
from typing import Any

import orjson
import pytest
from model_apiserver import FAULTS, Model, World, document

from snapshot import Record
from watcher.asking import Ask
from watcher.happenings import Changed, Listed
from watcher.kinds import KINDS, SECRET, Kind, Target
from watcher.outage import Server, pause
from watcher.reflector import Reflector

MAPPING, HOST, SERVICE, SLICE = (
    next(kind for kind in KINDS if kind.name == name) for name in ("Mapping", "Host", "Service", "EndpointSlice")
)
TARGET = Target(MAPPING)
KEY = MAPPING.key("a", "m")


def world(*kinds: Kind, model: Model | None = None, **given: Any) -> World:
    return World(tuple(Target(kind) for kind in kinds or (MAPPING,)), model=model, **given)


def filled(count: int = 3) -> Model:
    model = Model()
    for number in range(count):
        model.put(MAPPING, f"m{number}", 1)
    return model


def asked(reflector: Reflector, now: float = 0.0) -> Ask:
    step = reflector.next(now)
    assert isinstance(step, Ask)
    return step


def line(said: str, version: int, **more: Any) -> bytes:
    if said == "BOOKMARK":
        return orjson.dumps({"type": said, "object": {"metadata": {"resourceVersion": str(version), **more}}})
    return orjson.dumps({"type": said, "object": document(MAPPING, "m", version, version, "u")})


END = {"annotations": {"k8s.io/initial-events-end": "true"}}


def synced(version: int = 10) -> Reflector:
    reflector = Reflector(TARGET, Server(lambda: 0.5), lambda: 0.5)
    asked(reflector)
    reflector.opened(0)
    reflector.heard(0, [line("BOOKMARK", version, **END)])
    return reflector


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


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("none", "no bookmarks", "no streams")])
def test_no_fault_makes_a_hot_loop(fault: str) -> None:
    """At most 5 requests of a kind within 10 s, and at most one in 4 s later on."""
    run = world(MAPPING, model=filled())
    run.run(2)
    run.model.fault = fault
    run.streams.clear()
    run.cluster.reflectors[TARGET].ended(run.now)
    run.model.asked.clear()
    run.run(10)
    assert len(run.model.asked) <= 5
    run.run(110, tick=0.5)
    run.model.asked.clear()
    run.run(120, tick=0.5)
    assert len(run.model.asked) <= 30


def test_in_an_outage_one_asks_for_all_and_its_end_wakes_all() -> None:
    kinds = tuple(kind for kind in KINDS if kind is not SECRET)
    run = world(*kinds)
    run.run(10)
    run.model.fault = "down"
    run.run(60)
    run.model.asked.clear()
    run.run(120)
    assert 40 <= len(run.model.asked) <= 130, "about one request in a second or two, all kinds together"
    run.model.fault = "none"
    run.model.put(MAPPING, "m", 1)
    run.run(5)
    assert KEY in run.objects
    assert len(run.streams) == len(kinds)


@pytest.mark.parametrize("fault", ["closing", "gone in stream", "garbage", "cut", "mute", "500"])
def test_an_outage_that_ends_badly_still_ends_soon(fault: str) -> None:
    run = world(MAPPING, HOST, SERVICE, model=filled())
    run.model.fault = "down"
    run.run(30)
    run.model.fault = fault
    run.run(10)
    run.model.fault = "none"
    run.run(40 if fault == "mute" else 5)
    assert len(run.objects) == 3


def test_trouble_with_one_kind_alone_is_told_and_disturbs_no_other() -> None:
    run = world(MAPPING, HOST)
    run.run(5)
    run.model.refusal = lambda target, ask: (500, "the webhook failed") if target.kind is HOST else None  # type: ignore[method-assign]
    run.streams.pop(Target(HOST))
    run.cluster.reflectors[Target(HOST)].ended(run.now)
    run.run(20)
    run.model.put(MAPPING, "m", 1)
    run.run(1)
    assert KEY in run.objects
    assert "the webhook failed" in run.problems["hosts.getambassador.io"]
    del run.model.refusal  # type: ignore[method-assign]
    run.run(60)
    assert run.problems == {}


def test_the_wish_to_be_left_alone_is_respected() -> None:
    reflector = synced()
    reflector.ended(100)
    asked(reflector, 100)
    reflector.refused(100, 429, "too many requests", 20.0)
    step = reflector.next(101)
    assert isinstance(step, float)
    assert step >= 120


@pytest.mark.parametrize("first", [SERVICE, None], ids=["some kinds are let in", "none is let in"])
def test_an_outage_that_ends_with_please_wait_ends_soon_too(first: Kind | None) -> None:
    """As an API server's own start does: what it says in the first second, and in the next."""
    kinds = tuple(kind for kind in KINDS if kind is not SECRET)
    run = world(*kinds, model=filled())
    run.model.fault = "down"
    run.run(120)
    began = run.now
    run.model.fault = "none"

    def refusal(target: Target, ask: Ask) -> tuple[int, str, float] | None:
        if target.kind is first or run.now >= began + 1.5:
            return None
        if run.now < began + 1:
            return 503, "the request has been made before all known HTTP paths have been installed", 5.0
        return 429, "storage is (re)initializing", 1.0

    run.model.refusal = refusal  # type: ignore[assignment, method-assign]
    run.run(4)
    assert len(run.objects) == 3


def test_a_silent_stream_is_given_up_and_everything_asked_again() -> None:
    run = world(model=filled())
    run.run(5)
    run.model.fault = "no bookmarks"
    run.model.asked.clear()
    run.run(151, tick=1.0)
    assert [plural for _, plural in run.model.asked] == ["mappings"]


# Kinds that are missing or forbidden


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


def without_problems(run: World) -> dict[str, Record]:
    return {key: record for key, record in run.published.items() if not key.startswith("dragoman/")}


# Secrets


def test_only_secrets_that_are_referred_to_are_published_and_only_what_is_tls_of_them() -> None:
    run = world(HOST, SECRET)
    for name in ("n0", "n1", "other"):
        run.model.put(SECRET, name, 1)
    run.model.put(HOST, "h", 1)
    run.run(5)
    assert [key for key in run.objects if "Secret" in key] == ["core/Secret/a/n1"]
    assert run.objects["core/Secret/a/n1"]["data"] == {"tls.crt": "1"}
    run.model.put(HOST, "h", 3)
    run.run(1)
    assert [key for key in run.objects if "Secret" in key] == ["core/Secret/a/n0"]
    run.model.put(SECRET, "n0", 8)
    run.run(1)
    assert run.objects["core/Secret/a/n0"]["data"] == {"tls.crt": "8"}
    run.model.delete(HOST, "h")
    run.run(1)
    assert run.objects == {}


def one_by_one(run: World) -> None:
    """The model lets Secrets be seen by name only."""
    refusal = run.model.refusal

    def refuse(target: Target, ask: Ask) -> tuple[int, str] | None:
        return (403, "secrets is forbidden") if target.kind is SECRET and not target.name else refusal(target, ask)

    run.model.refusal = refuse  # type: ignore[method-assign]
    page, stream = run.model.page, run.model.stream

    def chosen(found: dict[str, Any], target: Target) -> dict[str, Any]:
        return {name: made for name, made in found.items() if not target.name or name == target.name}

    def of_one(target: Target, ask: Ask, now: float) -> Any:
        everything = run.model.objects
        run.model.objects = {**everything, "secrets": chosen(everything.get("secrets", {}), target)}
        if target.kind is not SECRET:
            run.model.objects = everything
        try:
            return stream(target, ask, now)
        finally:
            run.model.objects = everything

    run.model.stream = of_one  # type: ignore[method-assign]
    assert page


def test_where_secrets_may_not_be_listed_each_one_is_watched_by_its_name() -> None:
    run = world(HOST, SECRET)
    one_by_one(run)
    for name in ("n0", "n1", "other"):
        run.model.put(SECRET, name, 1)
    run.model.put(HOST, "h", 1)
    run.run(5)
    assert sorted(run.objects) == ["core/Secret/a/n1", HOST.key("a", "h")]
    assert run.problems == {}
    assert [target.params for target in run.cluster.reflectors if target.name] == [
        {"fieldSelector": "metadata.name=n1"}
    ]
    run.model.put(HOST, "h", 3)
    run.run(2)
    assert sorted(run.objects) == ["core/Secret/a/n0", HOST.key("a", "h")]
    run.model.delete(HOST, "h")
    run.run(2)
    assert run.objects == {}
    assert [target for target in run.cluster.reflectors if target.name] == []


def test_the_first_view_waits_for_the_secrets_that_are_watched_by_name() -> None:
    run = world(HOST, SECRET)
    one_by_one(run)
    run.model.put(SECRET, "n1", 1)
    run.model.put(HOST, "h", 1)
    for _ in range(10):
        run.run(0.5)
        assert set(run.published) in (set(), {"core/Secret/a/n1", HOST.key("a", "h")})
    assert run.published


def test_rights_that_come_and_go_change_nothing_that_is_published() -> None:
    run = world(HOST, SECRET)
    run.model.put(SECRET, "n1", 1)
    run.model.put(HOST, "h", 1)
    run.run(5)
    before, publications = run.objects, run.publications
    target = Target(SECRET)
    one_by_one(run)
    for names in (["n1"], []):
        run.streams.pop(target, None)
        run.cluster.reflectors[target].doubt(run.now, 0)
        run.run(40)
        assert run.objects == before
        assert [found.name for found in run.cluster.reflectors if found.name] == names
        vars(run.model).pop("refusal", None)
    assert run.publications == publications


# What is kept


def test_bookkeeping_and_statuses_change_nothing_but_the_live_record() -> None:
    run = world(model=filled(1))
    run.run(2)
    publications, live = run.publications, dict(run.live)
    model = run.model
    model.version += 1
    before = model.objects["mappings"]["m0"]
    metadata = {**before["metadata"], "resourceVersion": str(model.version), "managedFields": [{"manager": "other"}]}
    changed = {**before, "metadata": metadata, "status": {"state": "Running"}}
    model.log.append((model.version, "mappings", {"type": "MODIFIED", "object": changed}))
    run.run(1)
    assert run.publications == publications
    key = MAPPING.key("a", "m0")
    assert run.live[key] != live[key]
    assert run.live[key].body == b'{"state":"Running"}'
    assert run.live[key].notes["resourceVersion"] == str(model.version)


def test_a_watcher_that_is_started_anew_publishes_nothing_when_nothing_changed() -> None:
    run = world(MAPPING, HOST, SECRET, model=filled())
    run.model.put(HOST, "h", 1)
    run.model.put(SECRET, "n1", 1)
    run.run(5)
    again = world(MAPPING, HOST, SECRET, model=run.model, remembered=without_problems(run))
    again.run(5)
    assert again.published == run.published, "which is written as a whole, and compared"
    assert again.live == run.live


def test_pauses_grow_to_half_a_minute_and_differ() -> None:
    chance = random.Random(1).random
    assert 0.8 <= pause(1, chance) <= 1.6
    assert 3.2 <= pause(3, chance) <= 6.4
    assert pause(50, chance) == 30
    assert len({pause(2, chance) for _ in range(10)}) == 10


def test_an_endpoint_slice_is_its_addresses() -> None:
    run = world(SLICE)
    made = {
        **document(SLICE, "s", 1, 5, "u"),
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80}],
        "endpoints": [
            {"addresses": ["1.2.3.4"], "conditions": {"ready": True}, "targetRef": {"name": "p"}, "nodeName": "n"}
        ],
    }
    made["metadata"]["annotations"] = {"endpoints.kubernetes.io/last-change-trigger-time": "now"}
    run.model.objects = {"endpointslices": {"s": made}}
    run.run(2)
    assert run.objects == {
        "discovery.k8s.io/EndpointSlice/a/s": {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "s", "namespace": "a"},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 80}],
            "endpoints": [{"addresses": ["1.2.3.4"], "conditions": {"ready": True}}],
        }
    }
    assert run.live == {}


def test_an_object_that_cannot_be_kept_is_told_and_disturbs_no_other() -> None:
    run = world(SECRET, HOST)
    run.model.put(SECRET, "n1", 1)
    run.model.put(HOST, "h", 1)
    run.model.objects["secrets"]["bad"] = {"metadata": {"name": "bad", "namespace": "a"}, "data": 5}
    run.run(5)
    assert sorted(run.objects) == ["core/Secret/a/n1", HOST.key("a", "h")]
    assert "not of the form of its kind" in run.problems["secrets"]
