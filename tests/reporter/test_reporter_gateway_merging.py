"""What becomes of a status of Gateway API: of ours what is wanted, of others all, byte for byte and in its order."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.gateway_fields import observed
from reporter.gateway_merging import CONTROLLER, gateway_to_write, without_ours
from reporter.looking import Deed, Later, amended, look
from reporter.objects import Live, Wanted, name_of, wanted_of
from snapshot import Record
from translator.publishing import record_of_status
from translator.statuses import Status
from translator.subjects import Edition, Subject

EARLIER, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
THEIRS = "example.com/theirs"
REFERENCE = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}


def condition(kind: str, status: str = "True", reason: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": "m", **more}


def there(kind: str, status: str = "True", since: str = EARLIER, generation: int = 1, **more: Any) -> dict[str, Any]:
    """A condition as the cluster has it."""
    return condition(kind, status, **more, observedGeneration=generation, lastTransitionTime=since)


def entry(about: str, name: str, *conditions: dict[str, Any], controller: str = CONTROLLER) -> dict[str, Any]:
    return {about: {**REFERENCE, "name": name}, "controllerName": controller, "conditions": list(conditions)}


def after(live: dict[str, Any], fields: dict[str, Any] | None) -> dict[str, Any]:
    """What a merge patch makes of a status."""
    merged = {**live, **(fields or {})}
    return {name: value for name, value in merged.items() if value is not None}


def parent(name: str, *conditions: dict[str, Any], controller: str = CONTROLLER) -> dict[str, Any]:
    return entry("parentRef", name, *conditions, controller=controller)


# Any lists


STATUSES = st.sampled_from(["True", "False", "Unknown"])
OURS = st.builds(
    lambda statuses: [condition(kind, status) for kind, status in statuses.items()],
    st.fixed_dictionaries({"Accepted": STATUSES, "ResolvedRefs": STATUSES}),
)
FOREIGN = st.builds(
    lambda name, kinds: parent(name, *(there(kind) for kind in kinds), controller=THEIRS),
    st.sampled_from("abc"),
    st.lists(st.sampled_from(["Accepted", "Odd"]), unique=True, max_size=2),
)
WANTED = st.dictionaries(st.sampled_from("abcd"), OURS, max_size=4).map(
    lambda found: [parent(name, *conditions) for name, conditions in found.items()]
)


@pytest.mark.parametrize("name", ["parents", "ancestors"])
@given(foreign=st.lists(FOREIGN, max_size=4), wishes=st.lists(WANTED, min_size=1, max_size=5), data=st.data())
def test_entries_of_others_stay_as_and_where_they_are(
    name: str, foreign: list[dict[str, Any]], wishes: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    about = "parentRef" if name == "parents" else "ancestorRef"

    def called(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{about if key == "parentRef" else key: value for key, value in each.items()} for each in entries]

    foreign = called(foreign)
    live: dict[str, Any] = {name: list(foreign), "more": {"of": "others"}}
    for number, wish in enumerate(wishes):
        wanted = observed({name: called(wish)}, number + 1)
        before = copy.deepcopy(live)
        fields = gateway_to_write(live, wanted, f"2026-01-{number + 1:02}T00:00:00Z")
        assert live == before, "what is given is not changed"
        live = after(live, fields)
        assert [each for each in live[name] if each["controllerName"] == THEIRS] == foreign
        assert live["more"] == {"of": "others"}
        ours = {orjson.dumps(each[about]): each for each in live[name] if each["controllerName"] == CONTROLLER}
        assert ours.keys() == {orjson.dumps(each[about]) for each in wanted[name]}
        for each in wanted[name]:
            written = {found["type"]: found for found in ours[orjson.dumps(each[about])]["conditions"]}
            assert len(written) == len(each["conditions"])
            for said in each["conditions"]:
                assert {key: written[said["type"]][key] for key in said} == said
                assert written[said["type"]]["observedGeneration"] == number + 1
        assert gateway_to_write(live, wanted, "2027-01-01T00:00:00Z") is None
        if data.draw(st.booleans()):  # somebody comes between
            foreign.insert(0, called([parent("z", there("Odd"), controller=THEIRS)])[0])
            live[name].insert(0, foreign[0])
    live = after(live, without_ours(live))
    assert live[name] == foreign
    assert without_ours(live) is None


def test_an_entry_keeps_its_place_and_time_while_its_status_is_the_same() -> None:
    a, z = parent("a", there("Accepted"), controller=THEIRS), parent("z", there("Accepted"), controller=THEIRS)
    live = {"parents": [a, parent("g", there("Accepted"), there("ResolvedRefs"), there("PartiallyInvalid")), z]}
    wish = parent("g", condition("Accepted", reason="Other"), condition("ResolvedRefs", "False"))
    fields = gateway_to_write(live, observed({"parents": [wish, parent("h", condition("Accepted"))]}, 2), NOW)
    assert fields == {
        "parents": [
            a,
            parent(
                "g",
                there("Accepted", generation=2, reason="Other"),
                there("ResolvedRefs", "False", since=NOW, generation=2),
            ),
            z,
            parent("h", there("Accepted", since=NOW, generation=2)),
        ]
    }


def test_what_the_api_server_adds_is_no_difference() -> None:
    wanted = {
        "parents": [
            {"parentRef": {"name": "g"}, "controllerName": CONTROLLER, "conditions": [condition("Accepted")]},
        ]
    }
    live = {"parents": [parent("g", there("Accepted"))]}
    assert gateway_to_write(live, observed(wanted, 1), NOW) is None
    assert gateway_to_write({}, observed({"parents": [], "ancestors": []}, 1), NOW) is None


@pytest.mark.parametrize(("name", "most"), [("parents", 32), ("ancestors", 16)])
def test_where_others_leave_no_room_the_last_of_ours_are_left_out(name: str, most: int) -> None:
    about = "parentRef" if name == "parents" else "ancestorRef"
    foreign = [entry(about, f"f{number}", controller=THEIRS) for number in range(most - 1)]
    wanted = {name: [entry(about, each, condition("Accepted")) for each in ("a", "b")]}
    fields = gateway_to_write({name: foreign}, observed(wanted, 1), NOW)
    assert fields is not None
    assert len(fields[name]) == most
    assert fields[name][:-1] == foreign
    assert gateway_to_write({name: fields[name]}, observed(wanted, 1), NOW) is None


# Gateways


def listener(name: str, *conditions: dict[str, Any], attached: int = 0) -> dict[str, Any]:
    kinds = [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}]
    return {"name": name, "supportedKinds": kinds, "attachedRoutes": attached, "conditions": list(conditions)}


PENDING = {"conditions": [there(kind, "Unknown", since="1970-01-01T00:00:00Z") for kind in ("Accepted", "Programmed")]}


def test_where_conditions_of_others_leave_no_room_the_last_of_ours_are_left_out() -> None:
    theirs = [there(f"Odd{number}") for number in range(7)]
    wanted = {"conditions": [condition("Accepted"), condition("Programmed")]}
    found = gateway_to_write({"conditions": theirs}, observed(wanted, 1), NOW)
    assert found is not None
    assert [each["type"] for each in found["conditions"]] == [*(each["type"] for each in theirs), "Accepted"]


def test_conditions_of_unknown_types_stay_as_and_where_they_are() -> None:
    odd, odder = there("Odd", reason="Theirs"), there("example.com/Odder", generation=0)
    live = {
        "conditions": [odd, *PENDING["conditions"], odder],
        "listeners": [listener("a", odder, there("Accepted", "False")), listener("gone", odd)],
        "addresses": [{"type": "IPAddress", "value": "192.0.2.1"}],
        "more": 5,
    }
    wanted = {
        "conditions": [condition("Accepted"), condition("Programmed")],
        "listeners": [listener("new", condition("Accepted")), listener("a", condition("Accepted"), attached=2)],
        "addresses": [{"value": "192.0.2.2"}],
        "attachedListenerSets": 1,
    }
    assert gateway_to_write(live, observed(wanted, 3), NOW) == {
        "conditions": [
            odd,
            there("Accepted", since=NOW, generation=3),
            there("Programmed", since=NOW, generation=3),
            odder,
        ],
        "listeners": [
            listener("a", odder, there("Accepted", since=NOW, generation=3), attached=2),
            listener("new", there("Accepted", since=NOW, generation=3)),
        ],
        "addresses": [{"type": "IPAddress", "value": "192.0.2.2"}],
        "attachedListenerSets": 1,
    }


def test_conditions_of_ours_that_are_not_meant_any_more_go() -> None:
    live = {
        "conditions": [
            there("Accepted"),
            there("ResolvedRefs"),
            there("InsecureFrontendValidationMode"),
            there("DefaultGateway"),
        ],
        "listeners": [listener("a", there("Accepted"), there("Conflicted"), there("OverlappingTLSConfig"))],
        "addresses": [{"type": "IPAddress", "value": "192.0.2.1"}],
    }
    wanted = {"conditions": [condition("Accepted")], "listeners": [listener("a", condition("Accepted"))]}
    assert gateway_to_write(live, observed(wanted, 1), NOW) == {
        "conditions": [there("Accepted")],
        "listeners": [listener("a", there("Accepted"))],
        "addresses": None,
    }


def test_features_are_written_in_their_order() -> None:
    features = [{"name": name} for name in ("HTTPRoute", "Gateway")]
    fields = gateway_to_write({}, {"conditions": [], "supportedFeatures": features}, NOW)
    assert fields == {"supportedFeatures": [{"name": "Gateway"}, {"name": "HTTPRoute"}]}
    assert gateway_to_write(fields, {"conditions": [], "supportedFeatures": features}, NOW) is None


def test_a_status_of_another_form_is_written_over() -> None:
    for broken in ({"parents": "none"}, {"parents": None}, {"parents": [{"controllerName": CONTROLLER}, 7]}):
        fields = gateway_to_write(broken, observed({"parents": [parent("g", condition("Accepted"))]}, 1), NOW)
        assert fields is not None
        assert parent("g", there("Accepted", since=NOW)) in fields["parents"]


# What is read and decided


def record(**more: Any) -> Record:
    return Record("v", orjson.dumps({"state": "ok", "problems": [], "uid": "u", "generation": 2, **more}))


def test_what_the_snapshot_says_is_about_its_generation() -> None:
    wanted = wanted_of(record(gateway={"parents": [parent("g", condition("Accepted"))]}))
    assert wanted is not None
    assert (wanted.uid, wanted.generation, wanted.is_shared) == ("u", 2, True)
    assert wanted.status["parents"][0]["conditions"] == [condition("Accepted", observedGeneration=2)]
    assert wanted_of(record()) is wanted_of(record(gateway=None)) is None


def test_what_the_translator_publishes_is_what_is_read() -> None:
    said = {"parents": [parent("g", condition("Accepted"))]}
    key = "gateway.networking.k8s.io/HTTPRoute/a/b"
    status = Status(subject=Subject(Edition("u", 2)), gateway=orjson.dumps(said))
    assert wanted_of(record_of_status(key, status)) == Wanted(
        record_of_status(key, status).version, "u", observed(said, 2), 2, is_shared=True
    )
    from_a_folder = record_of_status(key, Status(gateway=orjson.dumps(said)))
    nothing = record_of_status(key, Status(subject=Subject(Edition("u", 2))))
    assert wanted_of(from_a_folder) is wanted_of(nothing) is None


def test_a_status_is_for_the_generation_that_it_is_about_and_tells_no_events() -> None:
    status = observed({"conditions": [condition("Accepted", "False", "Invalid")]}, 2)
    wanted = Wanted("v", "u", status, 2, is_shared=True)
    written = {"conditions": [there("Accepted", "False", since=NOW, generation=2, reason="Invalid")]}
    for uid, generation, deed in (("u", 2, Deed((), written)), ("u", 3, None), ("other", 2, None)):
        live = Live(uid, generation, "7", {})
        assert look(wanted, live, frozenset(), 0.0, NOW) == deed
        assert amended(wanted, live, NOW) == (written if deed else None)


def test_envoy_has_a_moment_to_answer() -> None:
    status = observed({"conditions": [condition("Programmed", "Unknown", "Pending")], "listeners": []}, 2)
    wanted = Wanted("v", "u", status, 2, is_shared=True)
    assert look(wanted, Live("u", 2, "7", PENDING), frozenset(), 0.0, NOW) == Later(3.0)
    ready = {"conditions": [there("Programmed", generation=2)]}
    assert look(wanted, Live("u", 2, "7", ready), frozenset(), 4.0, NOW) == Later(56.0)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("GatewayClass//c", "gatewayclasses/c"),
        ("Gateway/a/b", "namespaces/a/gateways/b"),
        ("BackendTLSPolicy/a/b", "namespaces/a/backendtlspolicies/b"),
        ("HTTPRoute/a/b", "namespaces/a/httproutes/b"),
        ("ReferenceGrant/a/b", None),
        ("Gateway//b", None),
        ("GatewayClass/a/b", None),
    ],
)
def test_where_an_object_is(key: str, path: str | None) -> None:
    name = name_of(f"gateway.networking.k8s.io/{key}")
    assert (name and name.path) == (path and f"/apis/gateway.networking.k8s.io/v1/{path}")
