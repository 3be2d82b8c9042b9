"""external-dns itself says which records it would write for Hosts, routes and Ingresses: docs/friends."""

import re

import pytest

from tests.friends.conftest import Starts
from tests.friends.workloads import MERGE, Namespace
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.gateway_crds import GROUP
from tests.support.ports import unused_port

pytestmark = [pytest.mark.friends("externaldns"), pytest.mark.timeout(600)]

ADDRESS = "192.0.2.7"
HOSTS = ("getambassador.io/v3alpha1", "hosts")


def test_records_are_written_for_hosts_routes_and_ingresses_and_go_with_them(
    api: ApiServer, gateway: ClusterGateway, starts: Starts
) -> None:
    space = Namespace(api, gateway.namespace)
    metadata = {"name": "own", "labels": {"app.kubernetes.io/component": "ambassador-service"}}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    space.make("services", {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    space.patch("v1", "services", "own/status", {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}})
    _names(space)
    program = starts(
        "externaldns",
        [
            *("externaldns", f"--kubeconfig={api.kubeconfig}", f"--namespace={space.name}", "--interval=1s"),
            *("--source=ambassador-host", "--source=gateway-httproute", "--source=ingress", "--registry=noop"),
            *("--provider=inmemory", "--inmemory-zone=test", "--policy=sync", "--log-level=debug"),
        ],
    )

    def becomes(*wanted: str) -> None:
        program.check()
        wait_until(
            lambda: _records(program.log()) == {f"{name}.test": ADDRESS for name in wanted},
            60,
            what=lambda: f"{wanted}; the records: {_records(program.log())}",
        )

    becomes("by-host", "by-route", "by-ingress")
    annotations = {"external-dns.ambassador-service": None}
    api.ask("PATCH", space.path(*HOSTS, "named"), {"metadata": {"annotations": annotations}}, content_type=MERGE)
    becomes("by-route", "by-ingress")
    api.ask("DELETE", space.path(f"{GROUP}/v1", "httproutes", "app"))
    becomes("by-ingress")


def _names(space: Namespace) -> None:
    """One name by each way."""
    service = {"external-dns.ambassador-service": f"{space.name}/own"}
    metadata = {"name": "named", "annotations": service}
    host = {"apiVersion": HOSTS[0], "kind": "Host", "metadata": metadata, "spec": {"hostname": "by-host.test"}}
    space.make("hosts", host)
    made = {"apiVersion": f"{GROUP}/v1", "kind": "GatewayClass", "metadata": {"name": "dns"}}
    space.api.ask(
        "POST", f"/apis/{GROUP}/v1/gatewayclasses", {**made, "spec": {"controllerName": "getambassador.io/dragoman"}}
    )
    listener = {"name": "http", "port": unused_port(), "protocol": "HTTP"}
    backend = {"name": "nobody", "port": 80}
    for plural, kind, name, spec in (
        ("gateways", "Gateway", "web", {"gatewayClassName": "dns", "listeners": [listener]}),
        (
            "httproutes",
            "HTTPRoute",
            "app",
            {
                "parentRefs": [{"name": "web"}],
                "hostnames": ["by-route.test"],
                "rules": [{"backendRefs": [backend]}],
            },
        ),
    ):
        space.make(plural, {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
    networking = "networking.k8s.io/v1"
    made = {"apiVersion": networking, "kind": "IngressClass", "metadata": {"name": "dns"}}
    space.api.ask(
        "POST", f"/apis/{networking}/ingressclasses", {**made, "spec": {"controller": "getambassador.io/dragoman"}}
    )
    to = {"service": {"name": "nobody", "port": {"number": 80}}}
    rule = {"host": "by-ingress.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": to}]}}
    spec = {"ingressClassName": "dns", "rules": [rule]}
    space.make("ingresses", {"apiVersion": networking, "kind": "Ingress", "metadata": {"name": "app"}, "spec": spec})


def _records(log: str) -> dict[str, str]:
    """What the zone holds after all that was written into it."""
    found: dict[str, str] = {}
    for what, name, target in re.findall(r"(CREATE|UPDATE \(new\)|DELETE): (\S+) \d+ IN A\s+(\S+)", log):
        if what == "DELETE":
            found.pop(name, None)
        else:
            found[name] = target
    return found
