"""The watcher's process on a real API server with Gateway API's CRDs: before they are there, and when they come."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.gateway_crds import GROUP, install
from tests.support.rights import EVERYTHING, may_see
from tests.watcher.watched_cluster import SOON, Cluster, filled
from watcher.gateway_kinds import CONTROLLER, GATEWAY_KINDS

pytestmark = pytest.mark.kubernetes

USER = "watcher"
CLASSES = f"/apis/{GROUP}/v1/gatewayclasses"


def grant(api: ApiServer, *rules: dict[str, Any]) -> None:
    """What the user may do in all namespaces; made or changed."""
    roles = "/apis/rbac.authorization.k8s.io/v1"
    made = {"metadata": {"name": USER}, "rules": [*EVERYTHING, *rules]}
    if api.request("PUT", f"{roles}/clusterroles/{USER}", made)[0] == 404:
        api.ask("POST", f"{roles}/clusterroles", made)
    binding = {
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER},
        "subjects": [{"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"}],
    }
    api.request("POST", f"{roles}/clusterrolebindings", binding)


def objects(namespace: str) -> list[dict[str, Any]]:
    """One of each kind, as people write them; a Gateway that names a Secret, a policy that names a ConfigMap."""
    parents = {"parentRefs": [{"name": "g"}]}
    backends = {"backendRefs": [{"name": "s", "port": 80}]}
    ca = {"validation": {"hostname": "x.test", "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}
    listeners = [
        {
            "name": "https",
            "port": 443,
            "protocol": "HTTPS",
            "tls": {"certificateRefs": [{"name": "cert"}]},
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
    ]
    specs: dict[str, dict[str, Any]] = {
        "Gateway": {"gatewayClassName": "ours", "listeners": listeners},
        "ListenerSet": {"parentRef": {"name": "g"}, "listeners": [{"name": "h", "port": 80, "protocol": "HTTP"}]},
        "HTTPRoute": {**parents, "rules": [backends]},
        "GRPCRoute": {**parents, "rules": [backends]},
        "TLSRoute": {**parents, "hostnames": ["a.test"], "rules": [backends]},
        "TCPRoute": {**parents, "rules": [backends]},
        "UDPRoute": {**parents, "rules": [backends]},
        "BackendTLSPolicy": {"targetRefs": [{"group": "", "kind": "Service", "name": "s"}], **ca},
        "ReferenceGrant": {
            "from": [{"group": GROUP, "kind": "HTTPRoute", "namespace": namespace}],
            "to": [{"group": "", "kind": "Service"}],
        },
    }
    versions = {kind.name: kind.version for kind in GATEWAY_KINDS}
    return [
        {
            "apiVersion": f"{GROUP}/{versions[kind]}",
            "kind": kind,
            "metadata": {"name": "g" if kind == "Gateway" else "one", "namespace": namespace},
            "spec": spec,
        }
        for kind, spec in specs.items()
    ]


def create_class(api: ApiServer, name: str, controller: str) -> None:
    made = {"apiVersion": f"{GROUP}/v1", "kind": "GatewayClass", "metadata": {"name": name}}
    status, answer = api.request("POST", CLASSES, {**made, "spec": {"controllerName": controller}})
    assert status in (201, 409), answer


def create(api: ApiServer, namespace: str) -> set[str]:
    """The keys of what was made."""
    plurals = {kind.name: kind.plural for kind in GATEWAY_KINDS}
    made = objects(namespace)
    for each in made:
        path = f"/apis/{each['apiVersion']}/namespaces/{namespace}/{plurals[each['kind']]}"
        api.ask("POST", path, each)
    data = {"tls.crt": "eA==", "tls.key": "eA=="}
    secret = {"metadata": {"name": "cert"}, "type": "kubernetes.io/tls", "data": data}
    api.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
    config = {"metadata": {"name": "ca"}, "data": {"ca.crt": "PEM", "other": "of nobody's business"}}
    api.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", config)
    api.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "idle"}, "data": {"a": "b"}})
    return {
        *(f"{GROUP}/{each['kind']}/{namespace}/{each['metadata']['name']}" for each in made),
        f"core/Secret/{namespace}/cert",
        f"core/ConfigMap/{namespace}/ca",
    }


@pytest.fixture
def everywhere(api: ApiServer, watching: Callable[..., Cluster]) -> Callable[..., Cluster]:
    """A watcher of all namespaces, with the rights of the user."""

    def start() -> Cluster:
        kubeconfig: Path = api.user_kubeconfig(USER)
        return watching(kubeconfig, DRAGOMAN_NAMESPACES="")

    return start


def test_the_crds_the_rights_and_a_class_come_one_after_the_other(
    api: ApiServer, everywhere: Callable[..., Cluster], gateway_api_release: Path
) -> None:
    grant(api)
    cluster = everywhere()
    filled(cluster, 1)
    assert cluster.problems() == {}, "no right is missed for kinds that are not there"

    install(api)
    wait_until(lambda: f"gatewayclasses.{GROUP}" in cluster.problems(), SOON, what="a right that is missed")
    assert list(cluster.problems()) == [f"gatewayclasses.{GROUP}"]

    wanted = create(api, cluster.namespace)
    kinds = [kind.plural for kind in GATEWAY_KINDS if kind.group == GROUP]
    grant(api, may_see(*kinds, group=GROUP), may_see("namespaces", group=""), may_see("configmaps", group=""))
    wait_until(lambda: cluster.problems() == {}, 90, what="the right is found")
    create_class(api, "theirs", "example.com/other")
    wait_until(lambda: f"{GROUP}/GatewayClass//theirs" in cluster.watcher.objects(), what="the other's class")
    assert not wanted & cluster.watcher.objects().keys()

    create_class(api, "ours", CONTROLLER)
    wait_until(lambda: wanted <= cluster.watcher.objects().keys(), 90, what="all that is to be seen")
    found = cluster.watcher.objects()
    assert f"core/Namespace//{cluster.namespace}" in found
    assert f"core/ConfigMap/{cluster.namespace}/idle" not in found
    assert found[f"core/ConfigMap/{cluster.namespace}/ca"]["data"] == {"ca.crt": "PEM"}
    for key in wanted:
        assert found[key]["metadata"]["creationTimestamp"], "older objects come before younger ones"
        assert "status" not in found[key]
    live = cluster.watcher.snapshot.reader("live").all()
    told = {key for key in wanted if key.startswith(GROUP) and "ReferenceGrant" not in key}
    assert {key for key in live if key.startswith(GROUP) and "GatewayClass" not in key} == told
    assert b'"Waiting for controller"' in live[f"{GROUP}/Gateway/{cluster.namespace}/g"].body


def test_kinds_that_an_older_release_does_not_have_are_not_waited_for(
    api: ApiServer, everywhere: Callable[..., Cluster], gateway_api_release: Path
) -> None:
    install(api)
    create_class(api, "ours", CONTROLLER)
    kinds = [kind.plural for kind in GATEWAY_KINDS if kind.group == GROUP]
    grant(api, may_see(*kinds, group=GROUP), may_see("namespaces", group=""), may_see("configmaps", group=""))
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    young = {f"{plural}.{GROUP}" for plural in ("listenersets", "tcproutes", "udproutes", "tlsroutes")}
    for name in young:
        api.ask("DELETE", f"{crds}/{name}")
        wait_until(lambda name=name: api.request("GET", f"{crds}/{name}")[0] == 404, SOON, what=f"{name} gone")
    cluster = everywhere()
    assert f"{GROUP}/GatewayClass//ours" in cluster.watcher.objects()
    assert cluster.problems() == {}
    install(api, "standard", "ListenerSet")
    key = f"{GROUP}/ListenerSet/{cluster.namespace}/late"
    (made,) = [each for each in objects(cluster.namespace) if each["kind"] == "ListenerSet"]
    made["metadata"]["name"] = "late"
    api.ask("POST", f"/apis/{GROUP}/v1/namespaces/{cluster.namespace}/listenersets", made)
    wait_until(lambda: key in cluster.watcher.objects(), 90, what="the ListenerSet")
