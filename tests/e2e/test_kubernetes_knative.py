"""Knative's Ingresses on a real API server, with the rights of the manifests and no others."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.reading import DEPLOY, rules
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.rights import grant
from tests.support.upstream import HttpUpstream
from tests.support.ways_in import LOCAL, OURS, WaysIn

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]

GROUP = "networking.internal.knative.dev"
CLASS = "networking.knative.dev/ingress.class"
READY = dict.fromkeys(("LoadBalancerReady", "NetworkConfigured", "Ready"), "True")
RIGHTS = [DEPLOY / "single-namespace/rbac.yaml", DEPLOY / "knative/rbac.yaml"]
_names = itertools.count(1)

TEXT, ENTRIES = {"type": "string"}, {"domain": {"type": "string"}, "domainInternal": {"type": "string"}}
BALANCER = {
    "type": "object",
    "properties": {"ingress": {"type": "array", "items": {"type": "object", "properties": ENTRIES}}},
}
CONDITION = {
    "type": "object",
    "required": ["status", "type"],
    "properties": dict.fromkeys(("lastTransitionTime", "message", "reason", "severity", "status", "type"), TEXT),
}
STATUS = {
    "type": "object",
    "properties": {
        "conditions": {"type": "array", "items": CONDITION},
        "loadBalancer": BALANCER,
        "observedGeneration": {"type": "integer", "format": "int64"},
        "privateLoadBalancer": BALANCER,
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "status": STATUS},
}


def install_knative(api: ApiServer) -> None:
    """The CRD of Knative's Ingress, as far as it concerns us."""
    names = {"kind": "Ingress", "listKind": "IngressList", "plural": "ingresses", "singular": "ingress"}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "subresources": {"status": {}},
    }
    spec = {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]}
    made = {"metadata": {"name": f"ingresses.{GROUP}"}, "spec": spec}
    api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", made)
    wait_until(lambda: api.request("GET", f"/apis/{GROUP}/v1alpha1/ingresses")[0] == 200, what="Knative's kind served")


@pytest.fixture
def clustered(own_apiserver: ApiServer, tmp_path: Path) -> Iterator[ClusterGateway]:
    """A gateway whose account may do what the manifests say, in its namespace, and whose pod says its labels."""
    labels = tmp_path / "labels"
    labels.write_text('app="gateway"')
    install_crds(own_apiserver)
    user = f"knative-{next(_names)}"
    kubeconfig = own_apiserver.user_kubeconfig(user)
    environ = {"AMBASSADOR_KNATIVE_SUPPORT": "true", "DRAGOMAN_POD_LABELS": str(labels)}
    gateway = ClusterGateway(own_apiserver, kubeconfig=kubeconfig, environ=environ)
    grant(own_apiserver, gateway.namespace, user, [rule for path in RIGHTS for _, rule in rules(path)])
    with gateway:
        yield gateway


def rule(host: str, port: int, visibility: str = "ExternalIP", path: str = "/") -> dict[str, Any]:
    split = {"serviceName": "backing", "servicePort": port, "percent": 100}
    return {"hosts": [host], "visibility": visibility, "http": {"paths": [{"path": path, "splits": [split]}]}}


def conditions(ways: WaysIn, name: str) -> dict[str, str]:
    return {each["type"]: each["status"] for each in ways.status(name).get("conditions", ())}


def becomes_ready(ways: WaysIn, name: str, generation: int) -> None:
    def so() -> bool:
        return conditions(ways, name) == READY and ways.status(name).get("observedGeneration") == generation

    wait_until(so, 40, what=lambda: f"{name} ready: {ways.get(name)}")


def domain(ways: WaysIn, name: str, field: str) -> str:
    (entry,) = ways.status(name)[field]["ingress"]
    return str(entry["domainInternal"]).partition(".")[0]


def test_knative_hears_that_its_routes_are_served(clustered: ClusterGateway, red: HttpUpstream) -> None:
    ways = WaysIn(clustered.api, clustered.namespace, f"{GROUP}/v1alpha1")
    missing = f"the API server has no such kind  kind=ingresses.{GROUP}"
    wait_until(lambda: missing in clustered.log(), 30, what="the missing kind told")
    assert clustered.log().count(missing) == 1
    install_knative(clustered.api)
    ways.service("own", OURS, {"app": "gateway"})
    ways.backing("backing", red.port)
    ways.create("hello", {"rules": [rule("some.test", red.port)]})
    theirs = {CLASS: "kourier.ingress.networking.knative.dev"}
    ways.create("theirs", {"rules": [rule("some.test", red.port, path="/theirs")]}, **theirs)
    clustered.wait_served("some.test")
    becomes_ready(ways, "hello", 1)
    assert domain(ways, "hello", "loadBalancer") == domain(ways, "hello", "privateLoadBalancer") == "own"
    for each in ways.status("hello")["conditions"]:
        assert each["lastTransitionTime"]
    ways.edit("hello", spec={"rules": [rule("some.test", red.port, path="/edited")]})
    becomes_ready(ways, "hello", 2)
    clustered.wait_served("some.test", "/edited")
    clustered.wait_served("some.test", "/", status=404)
    written = ways.version("hello")
    killed = clustered.kill("reporter")
    wait_until(lambda: clustered.pid_of("reporter") not in {None, killed}, what="another reporter")
    ways.create("witness", {"rules": [rule("some.test", red.port, path="/witness")]})
    becomes_ready(ways, "witness", 1)
    assert ways.version("hello") == written
    assert ways.status("theirs") == {}
    assert "cannot be written" not in clustered.log()


def test_what_is_not_served_is_not_ready_and_ways_in_are_followed(clustered: ClusterGateway, red: HttpUpstream) -> None:
    install_knative(clustered.api)
    ways = WaysIn(clustered.api, clustered.namespace, f"{GROUP}/v1alpha1")
    ways.backing("backing", red.port)
    both = [rule("some.test", red.port, path="/both"), rule("hello.some", red.port, "ClusterLocal")]
    ways.create("both", {"rules": both})
    ways.create("nowhere", {"rules": [rule("no-host.test", red.port)]})
    wait_until(lambda: conditions(ways, "both").get("LoadBalancerReady") == "False", 40, what="no Service of ours")
    foreign = {"type": "Theirs", "status": "True"}
    ways.say("both", {"conditions": [*ways.status("both")["conditions"], foreign]})
    ways.service("own", OURS, {"app": "gateway"})
    wait_until(lambda: conditions(ways, "both") == {**READY, "Theirs": "True"}, 40, what="ready, and another's word")
    assert domain(ways, "both", "privateLoadBalancer") == "own"
    wait_until(lambda: conditions(ways, "nowhere").get("Ready") == "False", 40, what="what no Host serves not ready")
    (found,) = [each for each in ways.status("nowhere")["conditions"] if each["type"] == "NetworkConfigured"]
    assert found["reason"] == "NotAttached"
    ways.service("inside", LOCAL, {"app": "gateway"})
    wait_until(lambda: domain(ways, "both", "privateLoadBalancer") == "inside", 40, what="the way in of the cluster")
    assert domain(ways, "both", "loadBalancer") == "own"
