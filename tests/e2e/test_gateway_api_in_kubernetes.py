"""Gateway API in a cluster: from a class that comes while we run to an answer and to statuses, and back again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.gateway_crds import GROUP, install
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.kubernetes, pytest.mark.system, pytest.mark.envoy]

MERGE = "application/merge-patch+json"
SOON = 60.0
ADDRESS = "192.0.2.1"


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer, gateway_api_release: Path) -> ApiServer:
    install_crds(own_apiserver)
    install(own_apiserver)
    return own_apiserver


class Gateways:
    """A gateway that watches all namespaces, and objects of Gateway API in one of its own."""

    def __init__(self, api: ApiServer, gateway: ClusterGateway) -> None:
        self.api, self.gateway, self.namespace = api, gateway, gateway.namespace
        (self.port,) = unused_ports(1)

    def path(self, plural: str, name: str = "") -> str:
        inside = "" if plural == "gatewayclasses" else f"/namespaces/{self.namespace}"
        return f"/apis/{GROUP}/v1{inside}/{plural}" + (f"/{name}" if name else "")

    def create(self, kind: str, plural: str, name: str, spec: dict[str, Any]) -> None:
        made = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.api.ask("POST", self.path(plural), made)

    def edit(self, plural: str, name: str, spec: dict[str, Any]) -> None:
        self.api.ask("PATCH", self.path(plural, name), {"spec": spec}, content_type=MERGE)

    def get(self, plural: str, name: str) -> Any:
        return self.api.get(self.path(plural, name))

    def says(self, plural: str, name: str) -> dict[str, str]:
        """The conditions of an object, or of its only parent; empty while they are about an older version."""
        found = self.get(plural, name)
        status = found.get("status", {})
        for holder in (status, *status.get("parents", ())):
            conditions = holder.get("conditions", [])
            if conditions and all(c.get("observedGeneration") == found["metadata"]["generation"] for c in conditions):
                return {each["type"]: f"{each['status']} {each['reason']}" for each in conditions}
        return {}

    def becomes(self, plural: str, name: str, wanted: dict[str, str]) -> None:
        wait_until(
            lambda: self.says(plural, name) == wanted, SOON, what=lambda: f"{wanted}, not {self.get(plural, name)}"
        )

    def attached(self) -> int:
        """Routes of the Gateway's only listener."""
        (listener,) = self.get("gateways", "g")["status"]["listeners"]
        return int(listener["attachedRoutes"])

    def location(self, host: str) -> str:
        """Where an answer sends clients; empty when it is none of ours."""
        try:
            answer = plain.get(f"http://127.0.0.1:{self.port}/", headers={"host": host}, trust_env=False)
        except httpx.HTTPError:
            return ""
        return str(answer.headers.get("location", ""))


@pytest.fixture
def gateways(api: ApiServer) -> Iterator[Gateways]:
    with ClusterGateway(api, environ={"DRAGOMAN_NAMESPACES": ""}) as gateway:
        metadata = {"name": "own", "labels": {"app.kubernetes.io/component": "ambassador-service"}}
        services = f"/api/v1/namespaces/{gateway.namespace}/services"
        api.ask("POST", services, {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})
        status = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}
        api.ask("PATCH", f"{services}/own/status", status, content_type=MERGE)
        yield Gateways(api, gateway)


def route(host: str, parent: str = "g") -> dict[str, Any]:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": "elsewhere.test", "statusCode": 302}}
    return {"parentRefs": [{"name": parent}], "hostnames": [host], "rules": [{"filters": [redirect]}]}


def test_from_the_class_to_an_answer_and_back(gateways: Gateways) -> None:
    listener = {"name": "http", "port": gateways.port, "protocol": "HTTP"}
    gateways.create("Gateway", "gateways", "g", {"gatewayClassName": "ours", "listeners": [listener]})
    gateways.create("HTTPRoute", "httproutes", "r", route("a.test"))
    gateways.create("GatewayClass", "gatewayclasses", "ours", {"controllerName": "getambassador.io/dragoman"})
    gateways.becomes("gatewayclasses", "ours", {"Accepted": "True Accepted"})
    gateways.becomes("gateways", "g", {"Accepted": "True Accepted", "Programmed": "True Programmed"})
    good = {"Accepted": "True Accepted", "ResolvedRefs": "True ResolvedRefs"}
    gateways.becomes("httproutes", "r", good)
    wait_until(lambda: gateways.attached() == 1, SOON, what="a route that is attached")
    assert gateways.get("gateways", "g")["status"]["addresses"] == [{"type": "IPAddress", "value": ADDRESS}]
    wait_until(lambda: gateways.location("a.test") == f"http://elsewhere.test:{gateways.port}/", SOON, what="an answer")

    gateways.edit("httproutes", "r", {"hostnames": ["b.test"]})
    gateways.becomes("httproutes", "r", good)
    wait_until(lambda: gateways.location("b.test") != "", SOON, what="an answer to the other name")
    assert gateways.location("a.test") == ""

    gateways.edit("httproutes", "r", {"parentRefs": [{"name": "somebody-elses"}]})
    wait_until(lambda: gateways.get("httproutes", "r")["status"] == {"parents": []}, SOON, what="nothing of ours")
    wait_until(lambda: gateways.location("b.test") == "", SOON, what="no answer")
    wait_until(lambda: gateways.attached() == 0, SOON, what="no route")
