"""What is applied to a status, held against what server-side apply makes of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reporter.merging import status_to_apply

EARLIER, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
OURS = ("Accepted", "ResolvedRefs", "Programmed")
THEIRS = ("cert-manager.io/Issued", "Synced")


def condition(kind: str, status: str = "True", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "R", "message": "m", "observedGeneration": 1, **more}


def said(*conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"conditions": list(conditions), **fields}


CONDITIONS = {
    name: st.fixed_dictionaries(
        {
            "type": st.just(name),
            "status": st.sampled_from(["True", "False", "Unknown"]),
            "reason": st.sampled_from(["A", "B"]),
            "message": st.sampled_from(["a", "b"]),
            "observedGeneration": st.integers(1, 3),
        }
    )
    for name in OURS
}
FIELDS = st.one_of(
    st.fixed_dictionaries({"state": st.sampled_from(["Running", "Inactive"]), "reason": st.sampled_from(["", "x"])}),
    st.fixed_dictionaries(
        {"state": st.just("Ready"), "tlsCertificateSource": st.just("None"), "errorReason": st.just("")}
    ),
    st.fixed_dictionaries({"state": st.just("Error"), "errorReason": st.sampled_from(["x", "y"])}),
)
WANTED = st.builds(
    lambda conditions, fields: {"conditions": list(conditions.values()), **fields},
    st.fixed_dictionaries(
        {"Accepted": CONDITIONS["Accepted"], "Programmed": CONDITIONS["Programmed"]},
        optional={"ResolvedRefs": CONDITIONS["ResolvedRefs"]},
    ),
    FIELDS,
)
OTHERS = st.builds(
    lambda names, fields: {"conditions": [condition(name) for name in names], **fields},
    st.sets(st.sampled_from(THEIRS)),
    st.dictionaries(st.sampled_from(["theirField", "anotherField"]), st.text(max_size=3), max_size=2),
)


def applied(live: dict[str, Any], last: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What server-side apply of `new` makes of `live`, when `last` was applied before by the same manager."""
    conditions = {each["type"]: each for each in live.get("conditions", [])}
    for name in {each["type"] for each in last.get("conditions", [])}:
        conditions.pop(name, None)
    conditions |= {each["type"]: each for each in new["conditions"]}
    fields = {name: value for name, value in live.items() if name not in last and name != "conditions"}
    return {**fields, **{n: v for n, v in new.items() if n != "conditions"}, "conditions": list(conditions.values())}


@given(others=OTHERS, wishes=st.lists(WANTED, min_size=1, max_size=5))
def test_what_was_applied_is_not_applied_again_and_others_stay(
    others: dict[str, Any], wishes: list[dict[str, Any]]
) -> None:
    live, last = dict(others), dict[str, Any]()
    for number, wanted in enumerate(wishes):
        now = f"2026-01-{number + 1:02}T00:00:00Z"
        patch = status_to_apply(live, wanted, now)
        if patch is not None:
            assert {each["type"] for each in patch["conditions"]} <= set(OURS)
            live, last = applied(live, last, patch), patch
        assert status_to_apply(live, wanted, "2027-01-01T00:00:00Z") is None
        there = {each["type"]: each for each in live["conditions"]}
        for each in wanted["conditions"]:
            assert {name: there[each["type"]][name] for name in each} == each
        assert [each for each in live["conditions"] if each["type"] in THEIRS] == others["conditions"]
        assert {name: live[name] for name in others if name != "conditions"} == {
            name: value for name, value in others.items() if name != "conditions"
        }


@given(before=WANTED, after=WANTED)
def test_a_time_changes_with_the_status_of_its_condition_alone(before: dict[str, Any], after: dict[str, Any]) -> None:
    first = status_to_apply({}, before, EARLIER)
    assert first is not None
    second = status_to_apply(first, after, NOW)
    if second is None:
        return
    was = {each["type"]: each for each in first["conditions"]}
    for each in second["conditions"]:
        same = each["type"] in was and was[each["type"]]["status"] == each["status"]
        assert each["lastTransitionTime"] == (EARLIER if same else NOW)


def test_a_field_that_is_no_longer_meant_is_a_difference() -> None:
    live = said(condition("Accepted", lastTransitionTime=EARLIER), state="Error", errorReason="x")
    assert status_to_apply(live, said(condition("Accepted"), state="Ready"), NOW) is not None


def test_what_emissary_left_is_taken_over() -> None:
    live = {"state": "Running", "reason": "an old problem"}
    patch = status_to_apply(live, said(condition("Accepted"), state="Running", reason=""), NOW)
    assert patch is not None
    assert patch["reason"] == ""


def test_an_error_that_another_writer_left_is_taken_over_and_its_time_is_no_difference() -> None:
    live = {"state": "Error", "errorReason": "of another time", "errorTimestamp": EARLIER}
    patch = status_to_apply(live, said(condition("Accepted"), state="Ready", errorReason=""), NOW)
    assert patch is not None
    assert patch["errorReason"] == ""
    assert "errorTimestamp" not in patch
    assert status_to_apply(live | patch, said(condition("Accepted"), state="Ready", errorReason=""), NOW) is None


def test_an_error_keeps_its_time_while_it_is_the_same() -> None:
    first = status_to_apply({}, said(condition("Accepted"), state="Error", errorReason="x"), EARLIER)
    assert first is not None
    assert first["errorTimestamp"] == EARLIER
    same = status_to_apply(first, said(condition("Accepted", "False"), state="Error", errorReason="x"), NOW)
    other = status_to_apply(first, said(condition("Accepted"), state="Error", errorReason="y"), NOW)
    assert same is not None
    assert other is not None
    assert (same["errorTimestamp"], other["errorTimestamp"]) == (EARLIER, NOW)


def test_a_status_of_another_form_is_written_over() -> None:
    for broken in ({"conditions": "none"}, {"conditions": [7, {"type": 8}]}, {"conditions": None}):
        assert status_to_apply(broken, said(condition("Accepted")), NOW) is not None
