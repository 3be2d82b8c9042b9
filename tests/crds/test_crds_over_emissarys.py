"""Our CRDs take the place of Emissary's without loss: nothing stored becomes unreadable, nothing is dropped."""

import copy
from typing import Any

import pytest

from crds.definitions import definition
from crds.files import FOLDER
from crds.kinds import SERVED
from tests.crds.talking import API, BY_NAME, object_of, wait_until_served
from tests.support.apiserver import ApiError, ApiServer
from tests.support.envoy import wait_until

pytestmark = pytest.mark.kubernetes

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ANYTHING = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


def install(api: ApiServer, *versions: str) -> None:
    """CRDs as another program has them: these versions, the first of which is stored; they say nothing of fields."""
    for kind in SERVED:
        made: dict[str, Any] = copy.deepcopy(definition(kind, []))
        made["spec"]["versions"] = [
            {"name": name, "served": True, "storage": name == versions[0], "schema": ANYTHING, "subresources": {}}
            for name in versions
        ]
        api.ask("POST", DEFINITIONS, made)
    wait_until_served(api)


def test_crds_that_store_an_older_version_are_not_replaced(own_apiserver: ApiServer) -> None:
    """What is stored as v2 could not be read any more: the API server refuses, and docs/install.md says what to do."""
    install(own_apiserver, "v2", "v3alpha1")
    try:
        with pytest.raises(ApiError, match="storedVersions"):
            own_apiserver.kubectl("apply", "-f", str(FOLDER / "crds.yaml"))
        found = own_apiserver.get(f"{DEFINITIONS}/mappings.getambassador.io")
        assert [version["name"] for version in found["spec"]["versions"]] == ["v2", "v3alpha1"]
    finally:
        own_apiserver.kubectl("delete", "crd", *(f"{kind.plural}.getambassador.io" for kind in SERVED))


def test_what_was_stored_before_stays_readable_and_editable(own_apiserver: ApiServer) -> None:
    """Also what our schema refuses: whoever changes something else of it need not mend it first."""
    install(own_apiserver, "v3alpha1")
    namespace = own_apiserver.namespace()
    path = f"{API}/namespaces/{namespace}/{BY_NAME['Mapping'].plural}"
    spec = {"prefix": "/a?b", "service": "a", "weight": 500, "cors": {"origins": ["a"]}, "prefx": {"deep": [1]}}
    own_apiserver.ask("POST", path, object_of("Mapping", spec))
    own_apiserver.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(FOLDER / "crds.yaml"))
    wait_until(lambda: refuses(own_apiserver, path, spec), 30, what="the new schema in force")

    assert own_apiserver.get(f"{path}/tried")["spec"] == spec
    for where, edit in (
        ("tried", {"metadata": {"labels": {"a": "b"}}}),
        ("tried", {"spec": {"service": "b"}}),
        ("tried/status", {"status": {"state": "Inactive"}}),
    ):
        own_apiserver.ask("PATCH", f"{path}/{where}", edit, content_type="application/merge-patch+json")
    found = own_apiserver.get(f"{path}/tried")
    assert (found["spec"], found["status"]) == (spec | {"service": "b"}, {"state": "Inactive"})
    edit = {"spec": {"prefix": "/a?c"}}
    with pytest.raises(ApiError, match="prefix must not contain"):
        own_apiserver.ask("PATCH", f"{path}/tried", edit, content_type="application/merge-patch+json")


def refuses(api: ApiServer, path: str, spec: dict[str, Any]) -> bool:
    document = object_of("Mapping", spec) | {"metadata": {"name": "another"}}
    return api.request("POST", f"{path}?dryRun=All", document)[0] == 422
