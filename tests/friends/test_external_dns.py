"""external-dns itself says which records it would write for Hosts, routes and Ingresses: docs/friends."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.friends.conftest import Starts
from tests.friends.workloads import Namespace
from tests.support.apiserver import ApiServer
from tests.support.child import Child
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.gateway_crds import GROUP
from tests.support.part import ROOT
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.friends("externaldns"), pytest.mark.timeout(600)]

ADDRESS = "192.0.2.7"
OTHER = "192.0.2.9"
HOSTS = ("getambassador.io/v3alpha1", "hosts")
ROUTES = f"{GROUP}/v1"
RIGHTS = "rbac.authorization.k8s.io/v1"
NETWORKING = "networking.k8s.io/v1"
CONTROLLER = "getambassador.io/dragoman"
ALL = ("ambassador-host", "gateway-httproute", "gateway-grpcroute", "gateway-tlsroute", "ingress")


class Zone:
    """A namespace with a Service in front of the gateway, and external-dns with the rights of the page."""

    def __init__(self, api: ApiServer, gateway: ClusterGateway) -> None:
        self.space = Namespace(api, gateway.namespace)
        metadata = {"name": "own", "labels": {"app.kubernetes.io/component": "ambassador-service"}}
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        self.space.make("services", {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        self.space.patch("v1", "services", "own/status", {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}})

    def begin(self, starts: Starts, *sources: str, flags: tuple[str, ...] = ()) -> None:
        """With these sources, and more flags."""
        kubeconfig = self.space.api.account_kubeconfig("external-dns", namespace=self.space.name)
        self._allow()
        program = ("externaldns", f"--kubeconfig={kubeconfig}", f"--namespace={self.space.name}", "--interval=1s")
        keeps = ("--provider=inmemory", "--inmemory-zone=test", "--registry=noop", "--policy=sync", "--log-level=debug")
        asked = [f"--source={each}" for each in sources]
        self.program: Child = starts("externaldns", [*program, *keeps, *asked, *flags])

    def _allow(self) -> None:
        page = (ROOT / "docs/friends/external-dns.md").read_text()
        (role,) = [each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "ClusterRole" in each]
        self.space.api.apply(role)
        account = {"kind": "ServiceAccount", "name": "external-dns", "namespace": self.space.name}
        allowed = {"apiGroup": RIGHTS.partition("/")[0], "kind": "ClusterRole", "name": "external-dns-for-dragoman"}
        binding = {"apiVersion": RIGHTS, "kind": "ClusterRoleBinding", "metadata": {"name": self.space.name}}
        path = f"/apis/{RIGHTS}/clusterrolebindings"
        self.space.api.ask("POST", path, {**binding, "subjects": [account], "roleRef": allowed})

    def host(self, name: str, spec: Mapping[str, Any], **annotations: str) -> None:
        """A Host that names the Service."""
        said = {"external-dns.ambassador-service": f"{self.space.name}/own", **annotations}
        metadata = {"name": name, "annotations": said}
        self.space.make("hosts", {"apiVersion": HOSTS[0], "kind": "Host", "metadata": metadata, "spec": spec})

    def becomes(self, wanted: Mapping[str, str]) -> None:
        """Until the zone holds these addresses, by name."""

        def holds() -> bool:
            self.program.check()
            return self.records() == wanted

        wait_until(holds, 90, what=lambda: f"{wanted}; the records: {self.records()}")

    def records(self) -> dict[str, str]:
        """What the zone holds after all that was written into it."""
        found: dict[str, str] = {}
        log = self.program.log()
        for what, name, target in re.findall(r"(CREATE|UPDATE \(new\)|DELETE): (\S+) \d+ IN A\s+(\S+)", log):
            if what == "DELETE":
                found.pop(name, None)
            else:
                found[name] = target
        return found


@pytest.fixture
def zone(api: ApiServer, gateway: ClusterGateway) -> Zone:
    return Zone(api, gateway)


def test_records_are_written_for_hosts_routes_and_ingresses_and_go_with_them(zone: Zone, starts: Starts) -> None:
    zone.host("named", {"hostname": "by-host.test"})
    _routes(zone.space)
    _ingress(zone.space)
    zone.begin(starts, *ALL)
    names = ["by-host", "by-httproute", "by-grpcroute", "by-tlsroute", "by-ingress"]
    wanted = {f"{name}.test": ADDRESS for name in names}
    zone.becomes(wanted)
    zone.space.patch(*HOSTS, "named", {"metadata": {"annotations": {"external-dns.ambassador-service": None}}})
    del wanted["by-host.test"]
    zone.becomes(wanted)
    zone.space.api.ask("DELETE", zone.space.path(ROUTES, "httproutes", "app"))
    del wanted["by-httproute.test"]
    zone.becomes(wanted)
    zone.space.api.ask("DELETE", zone.space.path(NETWORKING, "ingresses", "app"))
    del wanted["by-ingress.test"]
    zone.becomes(wanted)


@pytest.mark.parametrize(
    ("flags", "alpha"),
    [((), ADDRESS), (("--enable-legacy-annotation-prefix",), OTHER)],
    ids=["as of v0.22", "with annotations of before"],
)
def test_a_host_has_another_address_by_an_annotation(
    zone: Zone, starts: Starts, flags: tuple[str, ...], alpha: str
) -> None:
    zone.host("now", {"hostname": "now.test"}, **{"external-dns.kubernetes.io/target": OTHER})
    zone.host("alpha", {"hostname": "alpha.test"}, **{"external-dns.alpha.kubernetes.io/target": OTHER})
    zone.begin(starts, "ambassador-host", flags=flags)
    zone.becomes({"now.test": OTHER, "alpha.test": alpha})


def test_a_host_has_a_record_whatever_else_it_says_and_none_without_a_hostname(zone: Zone, starts: Starts) -> None:
    zone.host("any", {"hostname": "*.any.test"})
    zone.host("port", {"hostname": "port.test:8443"})
    zone.host("nameless", {"mappingSelector": {"matchLabels": {"team": "a"}}})
    zone.host("stopped", {"hostname": "stopped.test", "tlsSecret": {"name": "nowhere"}})
    zone.host("full", FULL)
    wait_until(lambda: all(_told(zone, name) for name in ("full", "stopped")), what="the Hosts' statuses")
    zone.begin(starts, "ambassador-host")
    zone.becomes(dict.fromkeys(["*.any.test", "port.test:8443", "stopped.test", "full.test"], ADDRESS))


FULL = {
    "ambassador_id": ["default"],
    "hostname": "full.test",
    "selector": {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "team", "operator": "Exists"}]},
    "acmeProvider": {"authority": "none"},
    "tlsSecret": {"name": "nowhere", "namespace": "default"},
    "tls": {"minTlsVersion": "v1.2", "max_tls_version": "v1.3", "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"]},
    "requestPolicy": {"insecure": {"action": "Route", "additionalPort": 8080}},
    "previewUrl": {"enabled": False},
    "nobody_knows": [1, {"this": None}],
}
"""Each field of a Host, and one more."""


def _told(zone: Zone, name: str) -> bool:
    return "state" in zone.space.get(*HOSTS, name).get("status", {})


@pytest.mark.parametrize(
    "wrong",
    [{"acmeProvider": "none"}, {"requestPolicy": {"insecure": {"additionalPort": "8080"}}}],
    ids=["acmeProvider", "additionalPort"],
)
def test_a_host_of_another_shape_than_emissarys_ends_external_dns(zone: Zone, starts: Starts, wrong: Any) -> None:
    """Where Dragoman reads nothing of a field, the API server takes anything; external-dns reads all of a Host."""
    zone.host("good", {"hostname": "good.test"})
    zone.begin(starts, "ambassador-host")
    zone.becomes({"good.test": ADDRESS})
    zone.host("wrong", {"hostname": "wrong.test", **wrong})
    wait_until(lambda: not zone.program.running, 60, what=lambda: f"the end; the records: {zone.records()}")
    assert "unable to convert unstructured object to getambassador.io/v3alpha1" in zone.program.log()


def _routes(space: Namespace) -> None:
    """A route of each kind that has names, at a Gateway."""
    made = {"apiVersion": ROUTES, "kind": "GatewayClass", "metadata": {"name": "dns"}}
    space.api.ask("POST", f"/apis/{ROUTES}/gatewayclasses", {**made, "spec": {"controllerName": CONTROLLER}})
    clear, secured = unused_ports(2)
    listeners = [
        {"name": "http", "port": clear, "protocol": "HTTP"},
        {"name": "tls", "port": secured, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
    ]
    spec: dict[str, Any] = {"gatewayClassName": "dns", "listeners": listeners}
    space.make("gateways", {"apiVersion": ROUTES, "kind": "Gateway", "metadata": {"name": "web"}, "spec": spec})
    for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute"):
        spec = {
            "parentRefs": [{"name": "web"}],
            "hostnames": [f"by-{kind.lower()}.test"],
            "rules": [{"backendRefs": [{"name": "nobody", "port": 80}]}],
        }
        space.make(f"{kind.lower()}s", {"apiVersion": ROUTES, "kind": kind, "metadata": {"name": "app"}, "spec": spec})


def _ingress(space: Namespace) -> None:
    made: dict[str, Any] = {"apiVersion": NETWORKING, "kind": "IngressClass", "metadata": {"name": "dns"}}
    space.api.ask("POST", f"/apis/{NETWORKING}/ingressclasses", {**made, "spec": {"controller": CONTROLLER}})
    to = {"service": {"name": "nobody", "port": {"number": 80}}}
    rule = {"host": "by-ingress.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": to}]}}
    spec = {"ingressClassName": "dns", "rules": [rule]}
    space.make("ingresses", {"apiVersion": NETWORKING, "kind": "Ingress", "metadata": {"name": "app"}, "spec": spec})
