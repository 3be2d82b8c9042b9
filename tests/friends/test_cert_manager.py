"""cert-manager itself gets certificates of a real ACME server through the gateway: docs/friends/cert-manager.md."""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from tests.friends.acme import Pebble
from tests.friends.certified import Certified
from tests.friends.conftest import Starts
from tests.friends.workloads import Namespace, service, template, undefaulted
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.friends import CHALLENGE, SOLVER_PORT, solver_ingress, solver_route
from tests.support.gateway_crds import GROUP
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.friends("certmanager", "pebble"), pytest.mark.timeout(600)]

INGRESSES = ("networking.k8s.io/v1", "ingresses")
ROUTES = (f"{GROUP}/v1", "httproutes")


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with Pebble(tmp_path_factory.mktemp("pebble")) as pebble:
        yield pebble


Certifies = Callable[[str, ClusterGateway], Certified]


@pytest.fixture
def certifies(pebble: Pebble, starts: Starts) -> Iterator[Certifies]:
    """cert-manager for a name, beside a gateway."""
    with ExitStack() as stack:
        yield lambda name, gateway: stack.enter_context(Certified(name, gateway, pebble, starts))


@pytest.fixture
def red() -> Iterator[HttpUpstream]:
    with HttpUpstream("red") as upstream:
        yield upstream


@pytest.fixture
def listening(api: ApiServer) -> Iterator[ClusterGateway]:
    """A gateway whose Listeners have the ports that the internet asks for.

    Pebble asks for `NAME:80`, which a Host answers as Emissary's do: where the Module says so.
    """
    with ClusterGateway(api) as gateway:
        gateway.put("Module", "ambassador", {"config": {"strip_matching_host_port": True}})
        for name, port in (("eighty", 80), ("secured", 443)):
            protocol = "HTTP" if port == 80 else "HTTPS"
            listener = {"port": port, "protocol": protocol, "securityModel": "XFP"}
            gateway.put("Listener", name, listener | {"hostBinding": {"namespace": {"from": "ALL"}}})
        yield gateway


def a_host(gateway: ClusterGateway, name: str, red: HttpUpstream) -> None:
    """A Host that redirects to TLS, without its certificate yet, and a Mapping."""
    secured = {"tlsSecret": {"name": "pair"}, "requestPolicy": {"insecure": {"action": "Redirect"}}}
    gateway.put("Host", "shop", {"hostname": name, **secured})
    gateway.put("Mapping", "shop", {"hostname": name, "prefix": "/", "service": red.service})


def like(recorded: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """What is recorded in tests/support/friends.py says what cert-manager made, but for names that it chooses."""
    labels = made["metadata"]["labels"]
    assert labels["acme.cert-manager.io/http01-solver"] == "true"
    assert recorded["metadata"]["labels"].keys() <= labels.keys()
    assert made["metadata"].get("annotations", {}) == recorded["metadata"].get("annotations", {})
    assert made["metadata"]["name"].startswith("cm-acme-http-solver-")
    assert undefaulted(made["spec"]) == undefaulted(recorded["spec"])


def test_a_host_gets_its_certificate_by_an_ingress_of_emissarys_class_and_a_renewed_one(
    listening: ClusterGateway, certifies: Certifies, red: HttpUpstream
) -> None:
    name = "host.test"
    of = certifies(name, listening)
    of.issue_by(ingress={"class": "ambassador"})
    a_host(listening, name, red)
    of.want()
    made = of.solver(*INGRESSES)
    path = made["spec"]["rules"][0]["http"]["paths"][0]
    token, solver = path["path"].removeprefix(CHALLENGE), path["backend"]["service"]["name"]
    like(solver_ingress(name, token, solver, class_annotation="ambassador"), made)
    context = of.served()
    wait_until(lambda: of.ask("http") == "301", what=of.said)

    with connected(name, context) as kept:
        assert presented(kept) == leaf(of.chain())
        of.renew()
        wait_until(lambda: shown(name, context) == leaf(of.chain()), 60, what=of.said)
        kept.sendall(f"GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
        assert kept.recv(64).startswith(b"HTTP/1.1 200 ")


def test_an_ingress_gets_its_certificate_by_its_annotation(api: ApiServer, certifies: Certifies) -> None:
    name = "ingress.test"
    with ClusterGateway(api, environ={"DRAGOMAN_NAMESPACES": "", "DRAGOMAN_INGRESS_PORTS": "80,443"}) as gateway:
        of = certifies(name, gateway)
        made = {"apiVersion": INGRESSES[0], "kind": "IngressClass", "metadata": {"name": "dragoman"}}
        spec = {"controller": "getambassador.io/dragoman"}
        api.ask("POST", f"/apis/{INGRESSES[0]}/ingressclasses", {**made, "spec": spec})
        of.issue_by(ingress={"ingressClassName": "dragoman"})
        backend = {"service": {"name": "shop", "port": {"number": 80}}}
        rule = {"host": name, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        spec = {
            "ingressClassName": "dragoman",
            "tls": [{"hosts": [name], "secretName": "pair"}],
            "rules": [rule],
        }
        annotations = {"cert-manager.io/cluster-issuer": of.space.name}
        metadata = {"name": "shop", "annotations": annotations}
        a_backend(of.space)
        of.space.make("ingresses", {"apiVersion": INGRESSES[0], "kind": "Ingress", "metadata": metadata, "spec": spec})
        made = of.solver(*INGRESSES)
        path = made["spec"]["rules"][0]["http"]["paths"][0]
        token, solver = path["path"].removeprefix(CHALLENGE), path["backend"]["service"]["name"]
        like(solver_ingress(name, token, solver, class_name="dragoman"), made)
        of.served()
        wait_until(lambda: of.ask("http") == "308", what=of.said)


@pytest.mark.parametrize("annotated", [True, False], ids=["by its annotation", "by a Certificate"])
def test_a_gateway_gets_its_certificate_by_a_route(
    api: ApiServer, gateway: ClusterGateway, certifies: Certifies, annotated: bool
) -> None:
    """An annotated Gateway is the parent of its challenges' routes as a whole, whatever the issuer says."""
    name = "annotated.test" if annotated else "gateway.test"
    of = certifies(name, gateway)
    parents = [{"name": "web", "namespace": of.space.name, "sectionName": "http"}]
    of.issue_by(gatewayHTTPRoute={"parentRefs": parents})
    made = {"apiVersion": ROUTES[0], "kind": "GatewayClass", "metadata": {"name": name}}
    spec = {"controllerName": "getambassador.io/dragoman"}
    api.ask("POST", f"/apis/{ROUTES[0]}/gatewayclasses", {**made, "spec": spec})
    tls = {"mode": "Terminate", "certificateRefs": [{"name": "pair"}]}
    listeners = [
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": name, "tls": tls},
    ]
    metadata = {"name": "web", "annotations": {"cert-manager.io/cluster-issuer": of.space.name} if annotated else {}}
    spec = {"gatewayClassName": name, "listeners": listeners}
    of.space.make("gateways", {"apiVersion": ROUTES[0], "kind": "Gateway", "metadata": metadata, "spec": spec})
    a_backend(of.space)
    spec = {
        "parentRefs": [{"name": "web"}],
        "hostnames": [name],
        "rules": [{"backendRefs": [{"name": "shop", "port": 80}]}],
    }
    of.space.make(
        "httproutes", {"apiVersion": ROUTES[0], "kind": "HTTPRoute", "metadata": {"name": "shop"}, "spec": spec}
    )
    if not annotated:
        of.want()
    made = of.solver(*ROUTES)
    rule = made["spec"]["rules"][0]
    token = rule["matches"][0]["path"]["value"].removeprefix(CHALLENGE)
    if annotated:
        parents = [{"name": "web", "namespace": of.space.name}]
    recorded = solver_route(name, token, rule["backendRefs"][0]["name"], parents, namespace=of.space.name)
    like(recorded, made)
    of.served()


def test_a_host_gets_its_certificate_by_a_mapping_of_its_own(
    listening: ClusterGateway, certifies: Certifies, red: HttpUpstream
) -> None:
    """The Ingress that cert-manager makes is of a class that nobody serves."""
    name = "mapped.test"
    of = certifies(name, listening)
    of.issue_by(ingress={"ingressClassName": "nobodys"})
    selector = {"acme.cert-manager.io/http01-solver": "true"}
    spec = {"selector": selector, "ports": [{"port": 80, "targetPort": SOLVER_PORT}]}
    made = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "acme-challenges"}, "spec": spec}
    of.space.make("services", made)
    challenges = {
        "hostname": "*",
        "prefix": CHALLENGE,
        "rewrite": "",
        "service": "acme-challenges",
        "bypass_auth": True,
    }
    listening.put("Mapping", "acme-challenges", challenges)
    a_host(listening, name, red)
    of.want()
    of.served()
    wait_until(lambda: of.ask("http") == "301", what=of.said)


def a_backend(space: Namespace) -> None:
    """A Service `shop` with a pod."""
    space.make("services", service("shop", {"app": "shop"}))
    made = template("shop", "red")
    metadata = {"name": "shop", **made["metadata"]}
    space.make("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]})


def leaf(chain: str) -> bytes:
    """The first certificate of a chain."""
    return ssl.PEM_cert_to_DER_cert(chain.partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER)


def connected(name: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection to port 443."""
    return context.wrap_socket(socket.create_connection(("127.0.0.1", 443), 10), server_hostname=name)


def presented(connection: ssl.SSLSocket) -> bytes | None:
    """The certificate that the other side has shown."""
    return connection.getpeercert(binary_form=True)


def shown(name: str, context: ssl.SSLContext) -> bytes | None:
    """The certificate that is shown now."""
    with connected(name, context) as connection:
        return presented(connection)
