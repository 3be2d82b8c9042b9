"""The reporter on a real API server among others: gateways, writers, policies, and objects that took a name over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kubeapi.connection import Connection
from process.settings import Settings
from reporter.objects import JSONObject, Name
from reporter.writing import Statuses
from tests.reporter.leadership import GIVEN_AWAY
from tests.reporter.running_reporter import GROUP, Cluster, Reporter, path_of
from tests.reporter.told import WELL, Versions, becomes, becomes_well
from tests.support.envoy import wait_until
from translator.ir import ObjectKey
from translator.statuses import ReportedProblem

pytestmark = pytest.mark.kubernetes

WRONG = ReportedProblem("spec.prefix", "must begin with /", stops=True)
ILL = {"Accepted": "False Invalid", "ResolvedRefs": "True Resolved", "Programmed": "False NotAccepted"}
MERGE_PATCH = "application/merge-patch+json"


def managers_of(cluster: Cluster, key: ObjectKey) -> set[str]:
    """Who owns anything in an object's status."""
    fields = cluster.get(key)["metadata"]["managedFields"]
    return {each["manager"] for each in fields if each.get("subresource") == "status"}


def test_what_was_given_away_before_this_reign_keeps_nothing_of_ours_and_all_of_the_others(cluster: Cluster) -> None:
    ours, theirs, both = (cluster.create(name) for name in ("ours", "theirs", "both"))
    cluster.say(ours, both)
    with Reporter(cluster, "pod-0"):
        becomes_well(cluster, ours)
        becomes_well(cluster, both)
    cluster.statuses.commit({ours: GIVEN_AWAY})
    cluster.say(theirs, both, told=(WRONG,))
    with Reporter(cluster, "pod-1", AMBASSADOR_ID="other"):
        becomes(cluster, theirs, ILL)
        becomes(cluster, both, ILL)
    before = {key: cluster.get(key) for key in (theirs, both)}
    cluster.statuses.commit(dict.fromkeys((theirs, both), GIVEN_AWAY))
    with Reporter(cluster, "pod-0", AES_LOG_LEVEL="debug") as reporter:
        wait_until(lambda: reporter.log().count("withdrawn") == 3, what="all have been looked at")
        assert cluster.conditions(ours) == {}
        for key, was in before.items():
            assert cluster.get(key)["status"] == was["status"]
    assert cluster.get(theirs) == before[theirs], "nothing of it is ours, so that nothing was written"
    assert managers_of(cluster, both) == {"dragoman-other"}


def test_an_error_that_another_writer_left_is_taken_over_in_one_write(cluster: Cluster) -> None:
    key, witness = cluster.create("a", "Host"), cluster.create("b", "Host")
    left = {"status": {"errorReason": "of another time", "errorTimestamp": "2026-01-01T00:00:00Z"}}
    cluster.api.ask("PATCH", f"{path_of(key)}/status", left, content_type=MERGE_PATCH)
    cluster.say(key)
    versions = Versions(cluster, key)
    with Reporter(cluster) as reporter:
        becomes_well(cluster, key)
        cluster.edit(key, hostname="b.example")
        cluster.say(key)
        wait_until(lambda: _generations(cluster, key) == {2}, what="it is written")
        cluster.say(witness)
        becomes_well(cluster, witness)
    versions.close()
    assert cluster.get(key)["status"]["errorReason"] == ""
    assert len(versions.seen) == 3, "two statuses and an edit"
    assert "changed back" not in reporter.log()


def _generations(cluster: Cluster, key: ObjectKey) -> set[int]:
    return {each["observedGeneration"] for each in cluster.get(key)["status"]["conditions"]}


async def test_who_takes_over_a_name_answers_for_whom_had_it(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    key = cluster.create("a")
    before = cluster.get(key)["metadata"]["uid"]
    cluster.delete(key)
    cluster.create("a")
    name = Name("Mapping", cluster.namespace, "a")
    status: JSONObject = {"state": "Running", "reason": ""}
    async with Connection.open(Settings(kubeconfig=str(cluster.api.kubeconfig))) as api:
        statuses = Statuses(api, "default")
        answered = await statuses.apply(name, before, status)
        assert answered is not None
        assert answered.uid == cluster.get(key)["metadata"]["uid"] != before
        cluster.delete(key)
        assert await statuses.apply(name, answered.uid, status) is None
    assert "warning" not in capsys.readouterr().out


@contextmanager
def made(cluster: Cluster, group: str, **documents: dict[str, Any]) -> Iterator[None]:
    """Objects of admissionregistration.k8s.io, by their plurals, for as long as they are needed."""
    folder = "/apis/admissionregistration.k8s.io/v1"
    for plural, document in documents.items():
        cluster.api.ask("POST", f"{folder}/{plural}", {"metadata": {"name": group}, **document})
    try:
        yield
    finally:
        for plural in documents:
            cluster.api.ask("DELETE", f"{folder}/{plural}/{group}")


RULE = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["UPDATE"]}


def test_where_a_webhook_on_the_statuses_of_one_kind_is_down_the_others_go_on(cluster: Cluster) -> None:
    hosts = [cluster.create(f"h{number}", "Host") for number in range(6)]
    webhook = {
        "name": "statuses.example.com",
        "rules": [{**RULE, "resources": ["hosts/status"]}],
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    with Reporter(cluster) as reporter:
        with made(cluster, "down", validatingwebhookconfigurations={"webhooks": [webhook]}):
            wait_until(lambda: not _can_write(cluster, hosts[0]), what="the webhook is asked")
            cluster.say(*hosts)
            wait_until(lambda: "statuses cannot be written" in reporter.log(), what="it is told")
            for number in range(5):
                mapping = cluster.create(f"m{number}")
                cluster.say(mapping)
                becomes_well(cluster, mapping, 5)
        for key in hosts:
            becomes_well(cluster, key, 60)
    assert "takes no reports" not in reporter.log()
    assert "statuses can be written again" in reporter.log()


def _can_write(cluster: Cluster, key: ObjectKey) -> bool:
    body = {"status": {"phasePending": "x"}}
    return cluster.api.request("PATCH", f"{path_of(key)}/status?dryRun=All", body, content_type=MERGE_PATCH)[0] == 200


def test_a_policy_that_denies_one_object_stops_no_other(cluster: Cluster) -> None:
    denied, other = cluster.create("denied"), cluster.create("other")
    policy = {
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{**RULE, "resources": ["mappings/status"]}]},
            "validations": [{"expression": "object.metadata.name != 'denied'", "reason": "Forbidden"}],
        }
    }
    binding = {"spec": {"policyName": "one", "validationActions": ["Deny"]}}
    bound: dict[str, dict[str, Any]] = {
        "validatingadmissionpolicies": policy,
        "validatingadmissionpolicybindings": binding,
    }
    with made(cluster, "one", **bound), Reporter(cluster) as reporter:
        wait_until(lambda: not _can_write(cluster, denied), what="the policy is in force")
        cluster.say(denied)
        wait_until(lambda: "a status is refused" in reporter.log(), what="it is told")
        cluster.say(other)
        becomes(cluster, other, WELL)
    assert "cannot be written" not in reporter.log()
    assert "status" not in cluster.get(denied)
