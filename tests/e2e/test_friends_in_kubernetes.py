"""What other programs do with objects on an API server, and read of them: docs/friends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.apiserver import ApiError, ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.friends import Canary, canary_mapping
from tests.support.gateway_crds import GROUP, install
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.kubernetes, pytest.mark.system, pytest.mark.envoy]

MERGE = "application/merge-patch+json"
OWN = "/apis/getambassador.io/v3alpha1/namespaces/default"
ROUTES = f"/apis/{GROUP}/v1/namespaces/default/httproutes"
ADDRESS = "192.0.2.7"


@pytest.fixture(scope="module")
def clustered(own_apiserver: ApiServer, gateway_api_release: Path) -> Iterator[ClusterGateway]:
    install_crds(own_apiserver)
    install(own_apiserver)
    with ClusterGateway(own_apiserver, environ={"DRAGOMAN_NAMESPACES": ""}) as gateway:
        services = f"/api/v1/namespaces/{gateway.namespace}/services"
        metadata = {"name": "own", "labels": {"app.kubernetes.io/component": "ambassador-service"}}
        made = {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
        own_apiserver.ask("POST", services, made)
        status = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}
        own_apiserver.ask("PATCH", f"{services}/own/status", status, content_type=MERGE)
        yield gateway


def about(api: ApiServer, path: str) -> Any:
    """An object, as soon as what is said of it is about what it is now."""

    def told() -> Any:
        found = api.get(path)
        status = found.get("status", {})
        said = [each for holder in (status, *status.get("parents", ())) for each in holder.get("conditions", ())]
        now = found["metadata"]["generation"]
        return found if said and all(each.get("observedGeneration") == now for each in said) else None

    return wait_until(told, 60, what=lambda: f"a status of {api.get(path)}")


def test_a_rollouts_copy_of_a_mapping_lives_beside_it(clustered: ClusterGateway) -> None:
    """Created of what was read, with its status; written again as it was read; deleted: each by a plain request."""
    api, path = clustered.api, f"{OWN}/mappings"
    base = {"hostname": "rollout.test", "prefix": "/", "service": "stable:80"}
    made = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "app"}, "spec": base}
    api.ask("POST", path, made)
    read = about(api, f"{path}/app")
    api.ask("POST", path, canary_mapping(read, "stable", "canary", 10))
    copied = about(api, f"{path}/app-canary")
    assert copied["spec"] == {**base, "service": "canary:80", "weight": 10}
    for weight in (50, 0):
        copied["spec"]["weight"] = weight
        api.ask("PUT", f"{path}/app-canary", copied)
        copied = about(api, f"{path}/app-canary")
        assert copied["spec"]["weight"] == weight
    api.ask("DELETE", f"{path}/app-canary")
    assert about(api, f"{path}/app")["spec"] == base


def test_without_the_older_versions_a_rollout_must_name_the_version(clustered: ClusterGateway) -> None:
    """It asks for v2 unless it is told otherwise, and calls its Rollout invalid where there is none."""
    status, _ = clustered.api.request("GET", OWN.replace("v3alpha1", "v2") + "/mappings/app")
    assert status == 404


def test_what_external_dns_reads_is_there(clustered: ClusterGateway) -> None:
    """The name of a Host and its annotation; the addresses of a Gateway, and that it took a route."""
    api, (port,) = clustered.api, unused_ports(1)
    annotations = {"external-dns.ambassador-service": f"{clustered.namespace}/own"}
    host = {"metadata": {"name": "named", "annotations": annotations}, "spec": {"hostname": "named.test"}}
    api.ask("POST", f"{OWN}/hosts", {"apiVersion": "getambassador.io/v3alpha1", "kind": "Host", **host})
    read = api.get(f"{OWN}/hosts/named")
    assert (read["spec"]["hostname"], read["metadata"]["annotations"]) == ("named.test", annotations)

    listener = {"name": "http", "port": port, "protocol": "HTTP"}
    for kind, plural, name, spec in (
        ("GatewayClass", "gatewayclasses", "ours", {"controllerName": "getambassador.io/dragoman"}),
        ("Gateway", "gateways", "web", {"gatewayClassName": "ours", "listeners": [listener]}),
        ("HTTPRoute", "httproutes", "app", Canary("app", "app.test", [{"name": "web"}]).weighted(100, 0)["spec"]),
    ):
        inside = "" if plural == "gatewayclasses" else "/namespaces/default"
        made = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        api.ask("POST", f"/apis/{GROUP}/v1{inside}/{plural}", made)
    gateway = about(api, f"/apis/{GROUP}/v1/namespaces/default/gateways/web")
    assert [each["value"] for each in gateway["status"]["addresses"]] == [ADDRESS]
    (parent,) = about(api, f"{ROUTES}/app")["status"]["parents"]
    assert parent["parentRef"]["name"] == "web"
    assert {each["type"]: each["status"] for each in parent["conditions"]}["Accepted"] == "True"


def test_a_test_by_headers_needs_a_timeout(clustered: ClusterGateway) -> None:
    """Without one Flagger writes an empty timeout, which Gateway API has no word for."""
    canary = Canary("tested", "tested.test", [{"name": "web"}])
    with pytest.raises(ApiError, match=r"timeouts\.request"):
        clustered.api.ask("POST", ROUTES, canary.by_header("x-canary", "yes", None))
    clustered.api.ask("POST", ROUTES, canary.by_header("x-canary", "yes", "15s"))
    about(clustered.api, f"{ROUTES}/tested")
