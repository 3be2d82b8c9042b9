"""The API server warns of what the translator will tell, and denies what it will stop; nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crds.files import FOLDER
from crds.policies import DENIED, policies
from tests.crds.generating import specs
from tests.crds.talking import BY_NAME, GOOD, object_of, problems, refusal, stopped, wait_until_served
from tests.support.apiserver import ApiError, ApiServer
from tests.support.envoy import wait_until

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    """An API server with our kinds and policies in force."""
    own_apiserver.apply(FOLDER / "crds.yaml")
    wait_until_served(own_apiserver)
    own_apiserver.apply(FOLDER / "validation.yaml")
    for name, good in GOOD.items():
        wait_until(lambda name=name, good=good: warnings(own_apiserver, name, good | {"no": 1}), 30, what=name)
    bad = GOOD["Mapping"] | {"headers": {"a b": "c"}}
    wait_until(lambda: refusal(own_apiserver, "Mapping", bad), 30, what="the policy that denies")
    return own_apiserver


def warnings(api: ApiServer, name: str, spec: Any) -> str:
    """What kubectl warns of; empty when it does not."""
    document = object_of(name, spec)
    try:
        api.kubectl("create", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=yaml.safe_dump(document))
    except ApiError as error:
        return "".join(line for line in str(error).splitlines(keepends=True) if "Warning: " in line)
    return ""


def test_each_policy_has_a_binding_and_ignores_failures() -> None:
    made = list(policies())
    names = {policy["metadata"]["name"]: policy for policy in made if policy["kind"] == "ValidatingAdmissionPolicy"}
    bound = {each["spec"]["policyName"]: each for each in made if each["kind"] != "ValidatingAdmissionPolicy"}
    assert names.keys() == bound.keys()
    for name, policy in names.items():
        assert policy["spec"]["failurePolicy"] == "Ignore"
        assert bound[name]["spec"]["validationActions"] == (["Deny"] if "deny" in name else ["Warn"])


def test_the_api_server_finds_no_fault_with_the_policies(api: ApiServer) -> None:
    for policy in api.get("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies")["items"]:
        checked = policy.get("status", {}).get("typeChecking", {})
        assert not checked.get("expressionWarnings"), policy["metadata"]["name"]


# Warnings

STRANGE: dict[str, Any] = {
    "ConsulResolver": GOOD["ConsulResolver"] | {"adress": "a", "datacentre": "b"},
    "Host": {
        "hostnam": "a",
        "requestPolicy": {"insecure": {"acton": "Route"}, "secure": {}},
        "mappingSelector": {"matchLabel": {}},
        "tls": {"min": "v1.2", "redirect_cleartext_from": 80},
        "tlsSecret": {"name": "a", "nmespace": "b"},
        "previewUrl": {},
    },
    "Listener": GOOD["Listener"]
    | {"hostBinding": {"namespace": {"from": "ALL", "form": "a"}, "slector": {}}, "l7depth": 1},
    "Mapping": GOOD["Mapping"]
    | {
        "prefx": "/",
        "cors": {},
        "labels": {},
        "ambassador_id": ["default"],
        "v2ExplicitTLS": {},
        "retry_policy": {"retry_on": "5xx", "num_retrys": 1},
        "regex_rewrite": {"pattern": "a", "substitution": "b", "subst": "c"},
    },
    "Module": {
        "config": {"gzip": {}, "server_nam": "a", "defaults": {"httpmapping": {"add_headers": {}}, "more": 1}},
        "configs": {},
    },
    "TCPMapping": GOOD["TCPMapping"] | {"reslver": "a", "hst": "a", "circuit_breakers": []},
    "TLSContext": {"secrt": "a", "redirect_cleartext_from": 80, "v2CRLSecret": "a"},
}


@pytest.mark.parametrize("name", STRANGE)
def test_the_warnings_are_what_the_translator_tells(api: ApiServer, name: str) -> None:
    told = {
        problem.path
        for problem in problems(BY_NAME[name], STRANGE[name])
        if problem.message.startswith(("unknown field", "has no effect"))
    }
    warned = set(re.findall(r"(spec\.[\w.]+)", warnings(api, name, STRANGE[name])))
    assert warned == told
    assert len(told) > 1


@pytest.mark.parametrize("name", GOOD)
def test_nobody_is_warned_without_need(api: ApiServer, name: str) -> None:
    assert warnings(api, name, GOOD[name]) == ""


@pytest.mark.parametrize("spec", [None, {}, {"requestPolicy": None, "tls": None, "mappingSelector": {}}])
def test_what_is_absent_is_warned_of_by_nobody(api: ApiServer, spec: Any) -> None:
    assert warnings(api, "Host", spec) == ""


# Denials

NAMES = ["a", "x-b", "A!b~", "host", "Host", ":authority", ":x", "a b", "", "é", "a:b"]
VALUES = ["a", "", {"value": "a"}, {}, {"value": "a", "append": False}, {"append": True}, None]
WRONG_VALUES = [5, [], True, {"value": 5}, {"value": "a", "append": "yes"}, {"value": ["a"]}]


def header_specs() -> Iterator[dict[str, Any]]:
    for name in NAMES:
        for field in ("headers", "regex_headers"):
            yield {field: {name: "a"}}
            yield {field: {"b": "a", name: None}}
        for way in ("request", "response"):
            yield {f"add_{way}_headers": {name: "a"}}
            yield {f"remove_{way}_headers": [name]}
            yield {f"remove_{way}_headers": ["b", name]}
    for value in VALUES + WRONG_VALUES:
        for way in ("request", "response"):
            yield {f"add_{way}_headers": {"a": value, "b": "c"}}
    for field in ("headers", "regex_headers", "add_request_headers", "remove_response_headers"):
        yield {field: None}


def test_the_translator_stops_exactly_what_is_denied(api: ApiServer) -> None:
    said = set()
    for spec in header_specs():
        full = GOOD["Mapping"] | spec
        refused = refusal(api, "Mapping", full)
        assert bool(refused) == bool(stopped("Mapping", full)), (spec, refused)
        said.add(refused.rpartition("denied request: ")[2])
    assert said >= {validation.message for validation in DENIED["Mapping"]}


@pytest.mark.parametrize("name", ["BackendPolicy", "RoutePolicy"])
def test_a_field_that_nobody_knows_is_denied_where_it_stops_a_policy(api: ApiServer, name: str) -> None:
    said = f"no field of a {name} has this name: spec.ip_alow"
    wait_until(lambda: said in refusal(api, name, GOOD[name] | {"ip_alow": []}), 30, what="the policy that denies")
    assert stopped(name, GOOD[name] | {"ip_alow": []})


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_with_policies_too_what_the_translator_takes_is_taken(api: ApiServer, name: str, data: st.DataObject) -> None:
    given_ = data.draw(specs(BY_NAME[name].spec))
    few = data.draw(st.sets(st.sampled_from([*given_, ""]), max_size=3))
    spec = GOOD[name] | {field: given_[field] for field in few - {""}}
    if not stopped(name, spec):
        assert refusal(api, name, spec) == "", spec


def test_who_changes_something_else_need_not_mend_what_was_stored_before(api: ApiServer) -> None:
    path = "/apis/getambassador.io/v3alpha1/namespaces/default/mappings"
    binding = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/dragoman-deny-mappings"
    bad = GOOD["Mapping"] | {"headers": {"a b": "c"}}
    made = api.get(binding)
    api.ask("DELETE", binding)
    wait_until(lambda: not refusal(api, "Mapping", bad), 30, what="the policy no longer in force")
    api.ask("POST", path, object_of("Mapping", bad) | {"metadata": {"name": "stored"}})
    api.ask("POST", binding.rpartition("/")[0], made | {"metadata": {"name": made["metadata"]["name"]}})
    wait_until(lambda: refusal(api, "Mapping", bad), 30, what="the policy in force again")

    def edit(change: dict[str, Any]) -> Any:
        return api.ask("PATCH", f"{path}/stored", change, content_type="application/merge-patch+json")

    edit({"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(ApiError, match="must be the name of a header"):
        edit({"spec": {"service": "b"}})
