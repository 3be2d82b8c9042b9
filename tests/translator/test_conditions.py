"""What statuses say in Kubernetes."""

from pathlib import Path
from typing import Any, get_args

import pytest

from translator.conditions import LONGEST, kubernetes_status
from translator.decode import Reason
from translator.status_fields import ConditionReason
from translator.statuses import ReportedProblem, Status, status_of_object
from translator.subjects import Edition, Subject
from translator.unserved import unknown_kind

PAGE = Path(__file__).parents[2] / "docs" / "statuses.md"
OURS = Subject(Edition("some-uid", 3))


def said(kind: str, *told: ReportedProblem, subject: Subject = OURS, **more: Any) -> dict[str, Any]:
    status = kubernetes_status(kind, Status(told, subject=subject, **more))
    assert status is not None
    return status


def conditions(kind: str, *told: ReportedProblem, **more: Any) -> dict[str, str]:
    """Type -> status and reason."""
    return {each["type"]: f"{each['status']} {each['reason']}" for each in said(kind, *told, **more)["conditions"]}


WRONG = ReportedProblem("spec.prefix", "must begin with /", stops=True)
NOTED = ReportedProblem("spec.cors", "is not served", stops=False, reason="NotServed")
NO_SECRET = ReportedProblem("spec.tlsSecret", "names the Secret a/b", stops=True, reason="SecretNotUsable")
NO_BACKEND = ReportedProblem("spec.service", "leads nowhere", stops=False, reason="BackendNotFound")
NO_HOST = ReportedProblem("spec.hostname", "fits no Host", stops=False, reason="NotAttached")
REFUSED = ReportedProblem("", "Envoy refused the route x: no", stops=True, by="envoy")
BLAMED = ReportedProblem("", "Envoy refused the route x: no", stops=False, by="envoy")


@pytest.mark.parametrize(
    ("told", "more", "accepted", "resolved", "programmed"),
    [
        ([], {}, "True Accepted", "True Resolved", "True Programmed"),
        ([], {"waits": True}, "True Accepted", "True Resolved", "Unknown Pending"),
        ([NOTED], {}, "True Warned", "True Resolved", "True Programmed"),
        ([WRONG], {"waits": True}, "False Invalid", "True Resolved", "False NotAccepted"),
        ([NOTED, WRONG], {}, "False Invalid", "True Resolved", "False NotAccepted"),
        ([NO_SECRET], {}, "False SecretNotUsable", "False SecretNotUsable", "False NotAccepted"),
        ([NO_BACKEND], {}, "True Warned", "False BackendNotFound", "True Programmed"),
        ([NO_HOST], {}, "True Warned", "True Resolved", "False NotAttached"),
        ([REFUSED], {"is_held": True}, "True Accepted", None, "False RefusedByEnvoy"),
        ([BLAMED], {"waits": True}, "True Accepted", "True Resolved", "False RefusedByEnvoy"),
    ],
)
def test_conditions(
    told: list[ReportedProblem], more: dict[str, bool], accepted: str, resolved: str | None, programmed: str
) -> None:
    wanted = {"Accepted": accepted, "ResolvedRefs": resolved, "Programmed": programmed}
    assert conditions("Mapping", *told, **more) == {name: so for name, so in wanted.items() if so is not None}


def test_a_condition_is_about_the_generation_that_was_looked_at() -> None:
    assert all(each["observedGeneration"] == 3 for each in said("Mapping")["conditions"])


def test_an_object_from_a_folder_has_no_generation() -> None:
    assert all("observedGeneration" not in each for each in said("Mapping", subject=Subject())["conditions"])


def test_times_are_left_to_who_writes() -> None:
    assert all("lastTransitionTime" not in each for each in said("Mapping", WRONG)["conditions"])
    assert "errorTimestamp" not in said("Host", WRONG)


def test_of_an_object_of_another_gateway_nothing_is_said() -> None:
    assert kubernetes_status("Mapping", Status(subject=Subject(is_ours=False))) is None
    assert kubernetes_status("Service", Status()) is None


def test_a_mapping_is_running_or_inactive_with_its_first_problem() -> None:
    assert said("Mapping")["state"] == "Running"
    assert said("Mapping", NOTED)["reason"] == ""
    stopped = said("Mapping", WRONG)
    assert (stopped["state"], stopped["reason"]) == ("Inactive", "spec.prefix must begin with /")
    assert said("Mapping", WRONG, NO_SECRET)["reason"] == "spec.prefix must begin with / (and more)"


def test_a_host_has_emissarys_states() -> None:
    assert (said("Host")["state"], said("Host")["errorReason"]) == ("Ready", "")
    assert said("Host", waits=True)["state"] == "Pending"
    stopped = said("Host", NO_SECRET)
    assert (stopped["state"], stopped["errorReason"]) == ("Error", "spec.tlsSecret names the Secret a/b")
    assert said("Host")["tlsCertificateSource"] == "None"
    assert said("Host", subject=Subject(names_secret=True))["tlsCertificateSource"] == "Other"


def test_only_kinds_that_refer_to_others_say_whether_these_were_found() -> None:
    assert list(conditions("Listener")) == ["Accepted", "Programmed"]
    assert list(conditions("Host")) == ["Accepted", "ResolvedRefs", "Programmed"]


def test_a_kind_that_is_not_served_says_so() -> None:
    problem = unknown_kind("getambassador.io/AuthService/default/some", (), in_cluster=True)
    assert problem is not None
    (told,) = status_of_object((problem,)).problems
    assert conditions("AuthService", told) == {"Accepted": "False NotServed", "Programmed": "False NotAccepted"}


def test_messages_are_short_whatever_was_said() -> None:
    many = [ReportedProblem(f"spec.field{number}", "must be something else", stops=True) for number in range(200)]
    long = ReportedProblem("", "x" * 100_000, stops=True, by="envoy")
    for told in (many, [long], [long, long]):
        status = said("Mapping", *told)
        assert all(0 < len(each["message"]) <= LONGEST for each in status["conditions"])
        assert len(status["reason"]) <= LONGEST
    message = said("Mapping", *many)["conditions"][0]["message"]
    assert message.startswith("spec.field0 must be something else; spec.field1 must")
    shown = message.count("must be")
    assert message.endswith(f"(and {200 - shown} more)")


def test_envoys_text_is_one_line() -> None:
    status = said(
        "Mapping", ReportedProblem("", "Envoy refused it: bad\n | x ==\n | ....^", stops=True, by="envoy"), is_held=True
    )
    assert status["reason"] == status["conditions"][-1]["message"] == "Envoy refused it: bad | x == | ....^"


def test_every_reason_is_explained() -> None:
    page = PAGE.read_text()
    reasons = [word for part in get_args(ConditionReason) for word in get_args(part) or (part,)]
    assert len(reasons) == len(set(reasons)) == len(get_args(Reason)) + 7
    assert [reason for reason in reasons if f"`{reason}`" not in page] == []
