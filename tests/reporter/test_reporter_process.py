"""The reporter on a real API server: what it writes, what it leaves alone, and what it says when it may not."""

import contextlib
import threading

import orjson
import pytest

from crds.definitions import current, definition
from crds.kinds import SERVED
from snapshot import Record
from tests.reporter.running_reporter import GROUP, Cluster, Reporter, path_of
from tests.reporter.told import WELL, Versions, becomes, becomes_well
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from translator.statuses import ReportedProblem

pytestmark = pytest.mark.kubernetes

WRONG = ReportedProblem("spec.prefix", "must begin with /", stops=True)
REFUSED = ReportedProblem("", "Envoy refused the route x: bad", stops=True, by="envoy")
MERGE_PATCH = "application/merge-patch+json"


@pytest.mark.parametrize("kind", ["Mapping", "Host", "TCPMapping", "TLSContext", "Listener"])
def test_each_kind_gets_its_status(cluster: Cluster, kind: str) -> None:
    key = cluster.create("a", kind)
    cluster.say(key)
    with Reporter(cluster):
        becomes_well(cluster, key)
    found = cluster.get(key)
    assert found["status"]["state"] == ("Ready" if kind == "Host" else "Running")
    for each in found["status"]["conditions"]:
        assert each["observedGeneration"] == found["metadata"]["generation"]
        assert each["lastTransitionTime"]
    assert cluster.events() == []


def test_a_problem_is_told_in_an_event_and_so_is_its_end(cluster: Cluster) -> None:
    key = cluster.create("a")
    cluster.say(key, told=(WRONG,))
    with Reporter(cluster):
        wait_until(lambda: cluster.events(reason="Invalid"), what="an Event")
        cluster.edit(key, prefix="/b/")
        cluster.say(key)
        wait_until(lambda: cluster.events(reason="Recovered"), what="another Event")
        becomes_well(cluster, key)
        said = cluster.api.kubectl("describe", "mapping", "a", "-n", cluster.namespace)
        assert "Warning  Invalid" in said
        assert "spec.prefix must begin with /" in said
        assert "Normal   Recovered" in said
        cluster.edit(key, prefix="/c/")
        cluster.say(key, told=(WRONG,))
        wait_until(lambda: cluster.events(reason="Invalid")[0]["count"] == 2, what="it is counted")
        wait_until(lambda: cluster.conditions(key)["Accepted"] == "False Invalid", what="the status says it too")
    assert len(cluster.events(reason="Invalid")) == 1
    assert "x2 over" in cluster.api.kubectl("describe", "mapping", "a", "-n", cluster.namespace)
    columns = cluster.api.kubectl("get", "mapping", "a", "-n", cluster.namespace).splitlines()[1].split()
    assert columns[-3:] == ["False", "True", "False"]  # accepted, resolved, programmed


def test_conditions_and_fields_of_others_stay(cluster: Cluster) -> None:
    key = cluster.create("a")
    condition = {
        "type": "example.com/Approved",
        "status": "True",
        "reason": "ByHand",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    theirs = {"status": {"conditions": [condition], "theirs": "field"}}
    cluster.api.ask("PATCH", f"{path_of(key)}/status", theirs, content_type=MERGE_PATCH)
    cluster.say(key, told=(REFUSED,), is_held=True)
    with Reporter(cluster):
        wait_until(lambda: "Programmed" in cluster.conditions(key), what="ours are there")
        cluster.edit(key, prefix="/b/")
        cluster.say(key)
        becomes(cluster, key, WELL | {"example.com/Approved": "True ByHand"})
    status = cluster.get(key)["status"]
    assert status["theirs"] == "field"
    assert condition in status["conditions"]


def test_what_is_right_is_not_written_by_a_new_process(cluster: Cluster) -> None:
    keys = [cluster.create(f"m{number}") for number in range(20)]
    cluster.say(*keys)
    with Reporter(cluster) as reporter:
        for key in keys:
            becomes_well(cluster, key)
        assert reporter.end() == 0
    before = [cluster.get(key)["metadata"]["resourceVersion"] for key in keys]
    extra = cluster.create("extra")
    cluster.say(extra)
    with Reporter(cluster, "pod-1"):
        becomes_well(cluster, extra)
    assert [cluster.get(key)["metadata"]["resourceVersion"] for key in keys] == before


def test_a_change_is_one_write_with_envoys_answer(cluster: Cluster) -> None:
    key = cluster.create("a")
    with Reporter(cluster) as reporter:
        wait_until(lambda: "leading" in reporter.log(), what="it leads")
        versions = Versions(cluster, key)
        cluster.say(key, waits=True)
        cluster.say(key)
        becomes_well(cluster, key)
        other = cluster.create("b")
        cluster.say(other, waits=True)
        becomes(cluster, other, WELL | {"Programmed": "Unknown Pending"})
        versions.close()
    assert len(versions.seen) == 1


def test_another_writer_is_not_fought(cluster: Cluster) -> None:
    key = cluster.create("a")
    cluster.say(key)
    ended = threading.Event()

    def stubborn() -> None:
        while not ended.wait(0.02):
            if cluster.get(key).get("status", {}).get("state") != "Inactive":
                body = {"status": {"state": "Inactive"}}
                cluster.api.ask("PATCH", f"{path_of(key)}/status", body, content_type=MERGE_PATCH)

    other = threading.Thread(target=stubborn)
    versions = Versions(cluster, key)
    other.start()
    try:
        with Reporter(cluster) as reporter:
            wait_until(lambda: "it is written no more" in reporter.log(), what="it gives way")
            witness = cluster.create("b")
            cluster.say(witness)
            becomes_well(cluster, witness)
            wait_until(lambda: cluster.get(key)["status"]["state"] == "Inactive", what="the other one has its way")
    finally:
        ended.set()
        other.join()
        versions.close()
    assert sum(each["status"]["state"] == "Running" for each in versions.seen) == 2


def test_an_object_that_is_gone_is_no_error_and_its_successor_has_a_status(cluster: Cluster) -> None:
    key = cluster.create("a")
    cluster.say(key)
    cluster.delete(key)
    with Reporter(cluster) as reporter:
        witness = cluster.create("b")
        cluster.say(witness)
        becomes_well(cluster, witness)
        cluster.create("a")
        cluster.say(key)
        becomes_well(cluster, key)
    assert "warning" not in reporter.log()
    assert "error" not in reporter.log()


def test_what_is_given_to_another_gateway_keeps_nothing_of_ours(cluster: Cluster) -> None:
    key = cluster.create("a")
    condition = {"type": "example.com/Approved", "status": "True", "reason": "ByHand", "message": ""}
    theirs = {"status": {"conditions": [condition | {"lastTransitionTime": "2026-01-01T00:00:00Z"}]}}
    cluster.api.ask("PATCH", f"{path_of(key)}/status", theirs, content_type=MERGE_PATCH)
    cluster.say(key)
    with Reporter(cluster):
        becomes(cluster, key, WELL | {"example.com/Approved": "True ByHand"})
        cluster.statuses.commit({key: Record("another", orjson.dumps({"state": "ok", "problems": []}))})
        becomes(cluster, key, {"example.com/Approved": "True ByHand"})
    assert "state" not in cluster.get(key)["status"]


def test_statuses_of_mappings_can_be_turned_off(cluster: Cluster) -> None:
    mapping, host = cluster.create("a"), cluster.create("a", "Host")
    cluster.say(mapping, told=(WRONG,))
    cluster.say(host)
    with Reporter(cluster, AMBASSADOR_UPDATE_MAPPING_STATUS="false"):
        becomes_well(cluster, host)
        wait_until(lambda: cluster.events(reason="Invalid"), what="an Event")
    assert "status" not in cluster.get(mapping)
    assert [each["count"] for each in cluster.events()] == [1]


RIGHTS = {
    "leases": {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "patch"]},
    "events": {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "create", "patch"]},
    "statuses": {"apiGroups": [GROUP], "resources": ["mappings/status"], "verbs": ["patch"]},
    "objects": {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list", "watch"]},
}


def allow(cluster: Cluster, user: str, *rights: str) -> None:
    role = {"metadata": {"name": user}, "rules": [RIGHTS[right] for right in rights]}
    folder = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{cluster.namespace}"
    if cluster.api.request("GET", f"{folder}/roles/{user}")[0] == 200:
        cluster.api.ask("PUT", f"{folder}/roles/{user}", role)
        return
    cluster.api.ask("POST", f"{folder}/roles", role)
    binding = {
        "metadata": {"name": user},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
    }
    cluster.api.ask("POST", f"{folder}/rolebindings", binding)


def test_the_rights_that_it_needs_are_these(cluster: Cluster) -> None:
    allow(cluster, "enough", *RIGHTS)
    keys = [cluster.create("a"), cluster.create("b")]
    cluster.say(keys[0], told=(WRONG,))
    cluster.say(keys[1])
    with Reporter(cluster, kubeconfig=cluster.api.user_kubeconfig("enough")) as reporter:
        becomes_well(cluster, keys[1])
        wait_until(lambda: cluster.events(reason="Invalid"), what="an Event")
        assert reporter.end() == 0
    assert "warning" not in reporter.log()


def test_a_missing_right_is_told_once_for_each_kind(cluster: Cluster) -> None:
    allow(cluster, "reader", "leases", "objects")
    keys = [cluster.create(name, kind) for name in "abc" for kind in ("Mapping", "Host")]
    cluster.say(*keys, told=(WRONG,))
    with Reporter(cluster, kubeconfig=cluster.api.user_kubeconfig("reader")) as reporter:
        wait_until(lambda: reporter.log().count("statuses cannot be written") == 2, what="both kinds are told")
        wait_until(lambda: "Events cannot be written" in reporter.log(), what="Events are told")
        cluster.say(*keys)
        more = cluster.create("d")
        cluster.say(more)
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: reporter.log().count("cannot be written") > 3, 3, what="nothing more is told")
    assert reporter.log().count("cannot be written") == 3
    assert "the right to patch mappings/status is missing" in reporter.log()
    assert "the right to patch hosts/status is missing" in reporter.log()


def test_without_the_lease_nothing_is_written_and_it_is_told_why(cluster: Cluster) -> None:
    allow(cluster, "nobody", "statuses", "objects")
    key = cluster.create("a")
    cluster.say(key)
    with Reporter(cluster, kubeconfig=cluster.api.user_kubeconfig("nobody")) as reporter:
        wait_until(lambda: "the lease cannot be had" in reporter.log(), what="it is told")
        allow(cluster, "nobody", "statuses", "objects", "leases")
        assert "status" not in cluster.get(key)
        becomes_well(cluster, key)


def test_a_crd_without_statuses_is_told_once_and_events_go_on(api: ApiServer, cluster: Cluster) -> None:
    (kind,) = (kind for kind in SERVED if kind.name == "TLSContext")
    crd = definition(kind, [current(kind)])
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd['metadata']['name']}"
    bare = {"spec": {"versions": [{**crd["spec"]["versions"][0]}]}}
    del bare["spec"]["versions"][0]["subresources"]
    api.ask("PATCH", path, bare, content_type=MERGE_PATCH)
    try:
        keys = [cluster.create(name, "TLSContext") for name in "abc"]
        wait_until(lambda: api.request("GET", f"{path_of(keys[0])}/status")[0] == 404, what="there is no status")
        cluster.say(*keys, told=(WRONG,))
        with Reporter(cluster) as reporter:
            wait_until(lambda: len(cluster.events(reason="Invalid")) == 3, what="Events")
            wait_until(lambda: "has no status subresource" in reporter.log(), what="it is told")
            mapping = cluster.create("a")
            cluster.say(mapping)
            becomes_well(cluster, mapping)
        assert reporter.log().count("statuses cannot be written") == 1
        assert {each["count"] for each in cluster.events(reason="Invalid")} == {1}
    finally:
        api.ask("PATCH", path, {"spec": {"versions": crd["spec"]["versions"]}}, content_type=MERGE_PATCH)


def test_an_api_server_that_was_away_is_caught_up_with(api: ApiServer, cluster: Cluster) -> None:
    key = cluster.create("a")
    cluster.say(key)
    with Reporter(cluster) as reporter:
        becomes_well(cluster, key)
        cluster.edit(key, prefix="/b/")
        api.stop()
        uid, generation = orjson.loads(cluster.snapshot.reader("statuses").all()[key].body)["uid"], 2
        cluster.say_of(key, uid, generation, told=(WRONG,))
        wait_until(lambda: "the API server takes no reports" in reporter.log(), what="it is noticed")
        api.start()
        wait_until(lambda: cluster.conditions(key).get("Accepted") == "False Invalid", 90, what="it is caught up with")
        wait_until(lambda: "the API server takes reports again" in reporter.log(), what="it is told")
    assert reporter.log().count("the API server takes no reports") == 1


def test_what_was_lost_with_a_restored_etcd_comes_back(api: ApiServer, cluster: Cluster) -> None:
    key = cluster.create("a")
    before = api.snapshot()
    cluster.say(key)
    with Reporter(cluster):
        becomes_well(cluster, key)
        later = [cluster.create(f"m{number}") for number in range(5)]
        api.restore(before)
        assert api.request("GET", path_of(later[-1]))[0] == 404
        becomes_well(cluster, key, 90)


def test_the_api_server_takes_what_is_said_of_an_object_with_very_many_problems(cluster: Cluster) -> None:
    key = cluster.create("a")
    told = tuple(ReportedProblem(f"spec.headers.x{number}", "日" * 1000, stops=True) for number in range(20))
    cluster.say(key, told=told, more=99_980)
    with Reporter(cluster):
        (event,) = wait_until(lambda: cluster.events(reason="Invalid"), what="an Event")
        becomes(
            cluster,
            key,
            {"Accepted": "False Invalid", "ResolvedRefs": "True Resolved", "Programmed": "False NotAccepted"},
        )
    assert len(event["message"].encode()) <= 1024
    (accepted,) = [each for each in cluster.get(key)["status"]["conditions"] if each["type"] == "Accepted"]
    assert accepted["message"].endswith(" (and 99,999 more)")
