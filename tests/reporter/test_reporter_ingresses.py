"""What has to be applied to the status of an Ingress: nothing where it is right, and nothing of anybody else's lost."""

from typing import Any

import pytest

from reporter.events import NewEvent, event
from reporter.ingress_merging import has_addresses, ingress_to_apply
from reporter.looking import Deed, Later, known_after, look, told_only
from reporter.objects import Live, Wanted, is_addressed, is_unknown, name_of, unsaid_of, wanted_of
from snapshot import Record

NOW = "2026-01-02T00:00:00Z"
BEFORE = "2026-01-01T00:00:00Z"
ADDRESSED = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}


def condition(kind: str, status: str = "True", **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, **more}


def knative(status: str = "True", generation: int = 1) -> dict[str, Any]:
    kinds = ("LoadBalancerReady", "NetworkConfigured", "Ready")
    return {**ADDRESSED, "conditions": [condition(kind, status) for kind in kinds], "observedGeneration": generation}


def test_an_address_is_written_once() -> None:
    assert ingress_to_apply({}, ADDRESSED, NOW) == ADDRESSED
    assert ingress_to_apply({"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}, ADDRESSED, NOW) == ADDRESSED
    assert ingress_to_apply({**ADDRESSED, "theirs": 5}, ADDRESSED, NOW) is None


def test_conditions_have_the_time_of_their_change_and_those_of_others_stay() -> None:
    first = ingress_to_apply({"conditions": [condition("Theirs", "False", reason="X")]}, knative("Unknown"), NOW)
    assert first is not None
    times = {each["type"]: each.get("lastTransitionTime") for each in first["conditions"]}
    assert times == {"LoadBalancerReady": NOW, "NetworkConfigured": NOW, "Ready": NOW, "Theirs": None}
    later = "2026-01-03T00:00:00Z"
    assert ingress_to_apply(first, knative("Unknown"), later) is None
    second = ingress_to_apply(first, knative("Unknown", 2), later)
    assert second is not None
    assert {each.get("lastTransitionTime") for each in second["conditions"]} == {NOW, None}
    third = ingress_to_apply(first, knative("True", 2), later)
    assert third is not None
    assert [each["type"] for each in third["conditions"] if each.get("lastTransitionTime") == later] == [
        "LoadBalancerReady",
        "NetworkConfigured",
        "Ready",
    ]


@pytest.mark.parametrize("live", [{}, {"loadBalancer": {}}, {"loadBalancer": {"ingress": []}}, {"loadBalancer": 5}])
def test_what_says_no_address(live: dict[str, Any]) -> None:
    assert not has_addresses(live)
    assert has_addresses(ADDRESSED)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (
            "networking.k8s.io/Ingress/a/b",
            "/apis/networking.k8s.io/v1/namespaces/a/ingresses/b",
        ),
        (
            "networking.internal.knative.dev/Ingress/a/b",
            "/apis/networking.internal.knative.dev/v1alpha1/namespaces/a/ingresses/b",
        ),
        ("getambassador.io/Mapping/a/b", "/apis/getambassador.io/v3alpha1/namespaces/a/mappings/b"),
        ("networking.k8s.io/IngressClass//b", None),
        ("core/Service/a/b", None),
    ],
)
def test_where_an_object_is(key: str, path: str | None) -> None:
    name = name_of(key)
    assert (name and name.path) == path


def test_a_status_is_for_the_generation_that_it_is_about() -> None:
    live = Live("u", 2, "7", {})
    for generation, deed in ((1, None), (2, Deed((), ADDRESSED)), (3, Deed((), ADDRESSED))):
        assert look(Wanted("v", "u", ADDRESSED, generation), live, frozenset(), 0.0, NOW) == deed


def test_knative_is_not_told_that_envoy_is_asked_when_it_answers_soon() -> None:
    live = Live("u", 1, "7", {})
    assert look(Wanted("v", "u", knative("Unknown"), 1), live, frozenset(), 0.0, NOW) == Later(3.0)
    assert isinstance(look(Wanted("v", "u", knative("Unknown"), 1), live, frozenset(), 4.0, NOW), Deed)
    ready = Live("u", 1, "8", knative("True"))
    assert look(Wanted("v", "u", knative("Unknown"), 1), ready, frozenset(), 4.0, NOW) == Later(56.0)
    assert look(Wanted("v", "u", knative("Unknown", 2), 2), ready, frozenset(), 0.0, NOW) == Later(3.0)


NEWS = '"news":[{"reason":"NotServed","message":"x is not served"}]'
SAID = NewEvent("Warning", "NotServed", "x is not served")


@pytest.mark.parametrize("status", ["{}", "null", '{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}'])
def test_problems_of_an_ingress_are_told_once_whatever_its_status_is(status: str) -> None:
    record = Record("v", f'{{"uid":"u","generation":1,"status":{status},{NEWS}}}'.encode())
    live = Live("u", 1, "7", {})
    wanted = unsaid_of(record) or wanted_of(record)
    assert wanted is not None
    told = told_only(wanted, live, frozenset())
    assert told == Deed((SAID,), None)
    known = known_after(wanted, frozenset())
    assert known == {SAID}
    assert told_only(wanted, live, known) is None
    well = Record("w", f'{{"uid":"u","generation":1,"status":{status}}}'.encode())
    over = unsaid_of(well) or wanted_of(well)
    assert over is not None
    recovered = told_only(over, live, known)
    assert recovered is not None
    assert [news.reason for news in recovered.news] == ["Recovered"]
    assert told_only(over, live, known_after(over, known)) is None


def test_what_is_about_an_earlier_ingress_is_not_told() -> None:
    wanted = unsaid_of(Record("v", f'{{"uid":"u","generation":1,"status":{{}},{NEWS}}}'.encode()))
    assert wanted is not None
    assert told_only(wanted, Live("other", 1, "7", {}), frozenset()) is None
    assert told_only(wanted, Live("u", 2, "7", {}), frozenset()) is None


def test_an_event_is_about_an_ingress_of_kubernetes() -> None:
    name = name_of("networking.k8s.io/Ingress/a/b")
    assert name is not None
    assert event(name, "u", SAID, "pod", NOW)["involvedObject"]["apiVersion"] == "networking.k8s.io/v1"


def test_of_an_ingress_for_us_without_an_address_nothing_is_wanted_but_it_is_known() -> None:
    nothing = Record("v", b'{"state":"ok","problems":[],"uid":"u","generation":1,"status":{}}')
    assert wanted_of(nothing) is None
    assert is_addressed(nothing)
    unknown = Record("v", b'{"state":"ok","problems":[],"uid":"u","generation":1,"status":null}')
    others = Record("v", b'{"state":"ok","problems":[]}')
    assert wanted_of(unknown) is wanted_of(others) is None
    assert is_unknown(unknown)
    assert not any(map(is_unknown, (None, nothing, others)))
    assert not any(map(is_addressed, (unknown, others)))
