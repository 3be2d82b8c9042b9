"""What is nobody's in a folder, with a real Envoy: its 404 has a reason in the log, in diag, in status and in lint."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from click.testing import CliRunner

from cli.__main__ import main
from tests.support import plain
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, document, gateway_class, listener, route, rule, to
from tests.support.objects import mapping
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

GATEWAY_API, OURS = "gateway.networking.k8s.io", "getambassador.io"
SERVICE = {"group": "", "kind": "Service", "name": "gone"}
BACKEND = {"service": {"name": "by-red", "port": {"number": 80}}}


class Case(NamedTuple):
    """An object, its path in the file, what is told of it, and the code by which lint tells it."""

    key: str
    field: str
    words: str
    code: str
    state: str = "warned"


CASES = (
    Case(f"{GATEWAY_API}/Gateway/default/misspelled", "spec.gatewayClassName", "did you mean dragoman?", "DRG0505"),
    Case(f"{GATEWAY_API}/Gateway/default/others", "spec.gatewayClassName", "of another controller", "DRG0505"),
    *[
        Case(f"{GATEWAY_API}/{kind}/default/lost", "spec.parentRefs[0].name", "did you mean shop?", "DRG0506")
        for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
    ],
    Case(f"{GATEWAY_API}/HTTPRoute/default/of-others", "spec.parentRefs[0]", "is not served", "DRG0506"),
    Case(f"{GATEWAY_API}/HTTPRoute/default/none", "spec.parentRefs", "names no Gateway", "DRG0506"),
    Case(f"{GATEWAY_API}/ListenerSet/default/lost", "spec.parentRef.name", "did you mean shop?", "DRG0506"),
    Case(f"{GATEWAY_API}/BackendTLSPolicy/default/lost", "spec.targetRefs[0]", "does not exist", "DRG0504"),
    Case(f"{OURS}/RoutePolicy/default/lost", "spec.targetRefs[0]", "does not exist", "DRG0504"),
    Case(f"{OURS}/BackendPolicy/default/lost", "spec.targetRefs[0]", "does not exist", "DRG0504"),
    Case("networking.k8s.io/Ingress/default/misspelled", "spec.ingressClassName", "did you mean edge?", "DRG0505"),
    Case("networking.k8s.io/Ingress/default/none", "spec.ingressClassName", "is absent", "DRG0505"),
    Case(f"{OURS}/Maping/default/slip", "kind", "did you mean Mapping?", "DRG0208", "stopped"),
    Case(f"{GATEWAY_API}/Gatway/default/slip", "kind", "did you mean Gateway?", "DRG0208", "stopped"),
    Case("networking.k8s.io/Ingres/default/slip", "kind", "did you mean Ingress?", "DRG0208", "stopped"),
    Case(f"{OURS}/Mapping/default/late", "apiVersion", "must be getambassador.io/v3alpha1", "DRG0208", "stopped"),
    Case(f"{GATEWAY_API}/HTTPRoute/default/late", "apiVersion", "no version v1alpha9", "DRG0208", "stopped"),
    Case("networking.k8s.io/Ingress/default/late", "apiVersion", "no version v2", "DRG0208", "stopped"),
    Case(f"{OURS}/Mapping/default/blue", "spec.ambassador_id", "AMBASSADOR_ID is default", "DRG0507", "other"),
)


def ingress(name: str, api: str = "networking.k8s.io/v1", **spec: Any) -> str:
    paths = [{"path": f"/{name}", "pathType": "Prefix", "backend": BACKEND}]
    return document("Ingress", name, {"rules": [{"host": "shop.test", "http": {"paths": paths}}], **spec}, api=api)


def texts(ports: tuple[int, int], red: HttpUpstream) -> str:
    here, lost = listener("http", ports[0]), listener("http", ports[1])
    served = rule("/", to("by-red"))
    spec = {"hostname": "*", "prefix": "/", "service": red.service}
    passing = [{"backendRefs": [to("by-red")]}]
    shpo = [{"name": "shpo"}]
    about = [{"group": GATEWAY_API, "kind": "HTTPRoute", "name": "gone"}]
    found = gateway_class() + gateway_class("other", "example.com/other") + backing("by-red", red.port)
    found += api_gateway("shop", here) + route("shop", "shop", served, hostnames=["shop.test"])
    found += document("Gateway", "misspelled", {"gatewayClassName": "dragomann", "listeners": [lost]})
    found += document("Gateway", "others", {"gatewayClassName": "other", "listeners": [lost]})
    found += route("lost", shpo, served, hostnames=["lost.test"])
    found += document("GRPCRoute", "lost", {"parentRefs": shpo, "rules": passing})
    found += document("TLSRoute", "lost", {"parentRefs": shpo, "hostnames": ["lost.test"], "rules": passing})
    found += document("TCPRoute", "lost", {"parentRefs": shpo, "rules": passing})
    found += document("UDPRoute", "lost", {"parentRefs": shpo, "rules": passing})
    found += route("of-others", "others", served, hostnames=["of-others.test"]) + route("none", [], served)
    found += document("ListenerSet", "lost", {"parentRef": {"name": "shpo"}, "listeners": [lost]})
    trust = {"hostname": "a.test", "wellKnownCACertificates": "System"}
    found += document("BackendTLSPolicy", "lost", {"targetRefs": [SERVICE], "validation": trust})
    policy = f"{OURS}/v3alpha1"
    cors = {"origins": ["https://a.test"]}
    found += document("RoutePolicy", "lost", {"targetRefs": about, "cors": cors}, api=policy)
    found += document("BackendPolicy", "lost", {"targetRefs": [SERVICE]}, api=policy)
    found += document("IngressClass", "edge", {"controller": "getambassador.io/dragoman"}, api="networking.k8s.io/v1")
    found += ingress("misspelled", ingressClassName="egde") + ingress("none")
    found += document("Maping", "slip", spec, api=policy) + document("Gatway", "slip", {})
    found += document("Ingres", "slip", {}, api="networking.k8s.io/v1")
    found += document("Mapping", "late", spec, api=f"{OURS}/v4")
    late = {"parentRefs": [{"name": "shop"}], "hostnames": ["late.test"], "rules": [served]}
    found += document("HTTPRoute", "late", late, api=f"{GATEWAY_API}/v1alpha9")
    found += ingress("late", "networking.k8s.io/v2", ingressClassName="edge")
    found += document("Deployment", "shop", {}, api="apps/v1")
    return found + mapping("blue", "*", red.service, "/blue/", ambassador_id=["blue"])


@pytest.fixture(scope="module")
def served(red: HttpUpstream) -> Iterator[tuple[Gateway, int]]:
    """A gateway of its own, and the port of the Gateway that is served."""
    here, lost = unused_ports(2)
    with Gateway() as gateway:
        gateway.settle("nobodys", texts((here, lost), red))
        wait_until(lambda: asked(here, "shop.test") == 200, what="the route that is served")
        yield gateway, here


def asked(port: int, host: str) -> int:
    try:
        return plain.get(f"http://127.0.0.1:{port}/", headers={"host": host}, timeout=10).status_code
    except httpx.TransportError:
        return 0


def test_what_is_nobodys_is_not_served(served: tuple[Gateway, int]) -> None:
    _, port = served
    assert {name: asked(port, f"{name}.test") for name in ("lost", "of-others", "late")} == {
        "lost": 404,
        "of-others": 404,
        "late": 404,
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.key.split("/")[1:]))
def test_the_reason_is_told(served: tuple[Gateway, int], case: Case) -> None:
    gateway, _ = served
    told = gateway.diag()["objects"][case.key]
    assert told["state"] == case.state
    assert any(case.field == each["path"] and case.words in each["message"] for each in told["problems"]), told
    level = {"stopped": "error", "warned": "warning", "other": "info"}[case.state]
    gateway.wait_logged(case.key, case.field, level, "nobodys.yaml")


def test_what_is_no_gateways_is_told_nothing_and_waited_for_by_nobody(served: tuple[Gateway, int]) -> None:
    told = served[0].diag()
    deployment = told["objects"]["apps/Deployment/default/shop"]
    assert (deployment["state"], deployment["problems"], told["pending"]) == ("other", [], [])


def test_what_is_well_is_told_nothing(served: tuple[Gateway, int]) -> None:
    objects = served[0].diag()["objects"]
    for key in (f"{GATEWAY_API}/Gateway/default/shop", f"{GATEWAY_API}/HTTPRoute/default/shop"):
        assert (objects[key]["state"], objects[key]["problems"]) == ("ok", [])


def test_status_tells_it(served: tuple[Gateway, int]) -> None:
    done = CliRunner().invoke(main, ["status", "--run-dir", str(served[0].run_dir), "-o", "json"])
    rows = {row["key"]: row for row in json.loads(done.stdout)["objects"]}
    for case in CASES:
        assert rows[case.key]["state"] == case.state
        assert any(each.startswith(case.field) and case.words in each for each in rows[case.key]["problems"])


def test_lint_and_the_running_gateway_tell_the_same(served: tuple[Gateway, int]) -> None:
    gateway, _ = served
    done = CliRunner().invoke(main, ["lint", "--format", "json", str(gateway.folder)])
    assert done.exit_code == 1
    linted = {(each["object"], each["path"], each["message"]): each for each in json.loads(done.stdout)["findings"]}
    objects = gateway.diag()["objects"]
    for case in CASES:
        told = [each["message"] for each in objects[case.key]["problems"] if each["path"] == case.field]
        for message in told:
            found = linted[case.key, case.field, message]
            severity = {"stopped": "error", "warned": "warning", "other": "advice"}[case.state]
            assert (found["code"], found["severity"]) == (case.code, severity)
