"""The 25 scenarios of Kubernetes' own suite for Ingress controllers, on real nodes: the address of a status is asked.

Source: kubernetes-sigs/ingress-controller-conformance, features default_backend, host_rules, ingress_class,
load_balancing and path_rules. Each test has the name of its scenario; `test_ingress_scenarios` asks the same of one
Envoy.
"""

import base64
import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.cluster.gateway import DEMO, Installed
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.ingresses import ingress, ingress_class, path, rule, to

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

SPACE = "ingress-scenarios"
CLASS = "conformance"
SETTLE = 120.0  # seconds until a pod that was started serves, on a busy machine
REPLICAS = 10
REQUESTS = 100


@dataclass(frozen=True)
class Answer:
    """What a client was answered; `seen` is what the service saw."""

    status: int
    version: int
    headers: Mapping[str, str]
    body: str

    @property
    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def _made(name: str, *rules: Mapping[str, Any], of: str = CLASS, **spec: Any) -> str:
    return ingress(name, *rules, of=of, namespace=SPACE, **spec)


def _backend(name: str) -> str:
    """A Service with one pod that answers by this name."""
    container = {"name": "echo", "image": "localhost/standin:test", "imagePullPolicy": "Never", "args": ["serve", name]}
    labels, metadata = {"app": name}, {"name": name, "namespace": SPACE}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    ports = [{"name": "http", "port": 8080, "targetPort": 8080}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": labels, "ports": ports},
    }
    return "".join(json.dumps(each) + "\n---\n" for each in (deployment, service))


def _secret() -> str:
    pair = authority("Conformance").sign("foo.bar.com")
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    metadata = {"name": "conformance-tls", "namespace": SPACE}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}
    return json.dumps(secret) + "\n---\n"


def _ingresses() -> str:
    def at(text: str, backend: str = "red", kind: str = "Prefix", port: int | str = 8080) -> dict[str, Any]:
        return path(text, backend, kind, port)

    tls = [{"hosts": ["foo.bar.com"], "secretName": "conformance-tls"}]
    hosts = (rule("*.foo.com", at("/", port="http")), rule("foo.bar.com", at("/", port="http")))
    return (
        _made("host-rules", *hosts, tls=tls)
        + _made("unknown-class", rule("unknown.test", at("/")), of="some-other-class")
        + _made("load-balancing", rule("load-balancing.test", at("/", "many")))
        + _made(
            "path-rules",
            rule("exact.test", at("/foo", kind="Exact")),
            rule("prefix.test", at("/foo"), at("/aaa/bbb"), at("/aaa", "blue")),
            rule("mixed.test", at("/foo"), at("/foo", "blue", "Exact")),
            rule("slashed.test", at("/aaa/bbb/"), at("/foo/", "blue", "Exact")),
        )
    )


class Served:
    """The Ingresses in the cluster, and the address that their statuses say."""

    def __init__(self, installed: Installed) -> None:
        self.cluster = installed.cluster
        self._installed = installed
        self.address = ""

    def told(self, name: str) -> str:
        """The address in the status of an Ingress; empty where there is none."""
        status = self.cluster.get(f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/ingresses/{name}")["status"]
        addresses = status["loadBalancer"].get("ingress") or [{}]
        return str(addresses[0].get("ip", ""))

    def wait_told(self, name: str) -> None:
        """Until its status has an address, which is where everybody asks from then on."""
        self.address = wait_until(lambda: self.told(name), SETTLE, what=f"the status of {name}")

    def wait_served(self, host: str, asked: str, status: int = 200) -> None:
        """Until each of the replicas answers so."""
        statuses: dict[str, int] = {}

        def everywhere() -> bool:
            pods = self._installed.pods()
            statuses.clear()
            statuses.update({pod: self.cluster.fetch(own, asked, host=host, port=8080)[0] for pod, own in pods.items()})
            return bool(statuses) and set(statuses.values()) == {status}

        wait_until(everywhere, SETTLE, what=lambda: f"{host}{asked} answered {status} by all: {statuses}")

    def ask(self, host: str, asked: str = "/", method: str = "GET", tls: ssl.SSLContext | None = None) -> Answer:
        """One request on a connection of its own; who is sent to HTTPS goes there, as the suite does."""
        answer = self.cluster.inside(lambda: _ask(self.address, host, asked, method, tls))
        if tls is None and answer.status == 308:
            return self.ask(host, asked, method, trusting(authority("Conformance")))
        return answer


def _ask(address: str, host: str, asked: str, method: str, tls: ssl.SSLContext | None) -> Answer:
    connection = http.client.HTTPConnection(address, 443 if tls else 80, timeout=30)
    with contextlib.closing(connection):
        if tls is not None:
            plain = socket.create_connection((address, 443), timeout=30)
            connection.sock = tls.wrap_socket(plain, server_hostname=host)
        connection.request(method, asked, headers={"host": host or address, "user-agent": "conformance/1"})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, answer.version, headers, answer.read().decode())


@pytest.fixture(scope="module")
def served(installed: Installed) -> Iterator[Served]:
    """All Ingresses at the ports of the Service: the demonstration's Listeners, which have these, are away so long."""
    cluster = installed.cluster
    cluster.kubectl("delete", "listeners.getambassador.io", "--all", "--all-namespaces")
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}))
    cluster.apply("".join(_backend(name) for name in ("red", "blue", "many")) + _secret())
    cluster.apply(ingress_class(CLASS) + _ingresses())
    for name in ("red", "blue", "many"):
        cluster.wait_rollout(SPACE, name)
    found = Served(installed)
    found.wait_told("path-rules")
    found.wait_served("exact.test", "/foo")
    found.wait_served("mixed.test", "/foo")
    found.wait_served("load-balancing.test", "/")
    found.wait_served("bar.foo.com", "/")
    yield found
    cluster.kubectl("delete", "namespace", SPACE, "--wait=false")
    cluster.kubectl("delete", "ingressclass", CLASS)
    cluster.apply(DEMO)
    found.wait_served("some.test", "/hello/")


@pytest.fixture
def default_backend(served: Served) -> Iterator[Served]:
    """An Ingress with nothing but a default backend, which else would answer what others must not."""
    served.cluster.apply(_made("default-backend", defaultBackend=to("blue", 8080)))
    served.wait_told("default-backend")
    served.wait_served("nobody.test", "/")
    yield served
    served.cluster.kubectl("-n", SPACE, "delete", "ingress", "default-backend")
    served.wait_served("nobody.test", "/", 404)


def test_default_backend_sends_all_requests_to_the_default_backend(default_backend: Served) -> None:
    examples = (
        ("GET", "my-host", "/"),
        ("GET", "my-host", "/sub"),
        ("POST", "some-host", "/"),
        ("PUT", "", "/resource"),
        ("DELETE", "some-host", "/resource"),
        ("PATCH", "my-host", "/resource"),
    )
    for method, host, asked in examples:
        answer = default_backend.ask(host, asked, method)
        assert (answer.status, answer.version) == (200, 11)
        assert {"content-length", "content-type", "date", "server"} <= answer.headers.keys()
        seen = answer.seen
        assert (seen["upstream"], seen["method"], seen["path"]) == ("blue", method, asked)
        assert seen["host"] == (host or default_backend.address)
        assert seen["headers"]["User-Agent"] == ["conformance/1"]


def test_host_rules_send_traffic_in_tls_to_the_backend_of_the_host(served: Served) -> None:
    answer = served.ask("foo.bar.com", tls=trusting(authority("Conformance")))
    assert (answer.status, answer.seen["upstream"], answer.seen["host"]) == (200, "red", "foo.bar.com")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("foo.bar.com", 200, id="an exact host has its traffic"),
        pytest.param("subdomain.bar.com", 404, id="no other host has it"),
        pytest.param("bar.foo.com", 200, id="a star stands for one label"),
        pytest.param("baz.bar.foo.com", 404, id="a star does not stand for two labels"),
        pytest.param("foo.com", 404, id="a star does not stand for none"),
    ],
)
def test_host_rules(served: Served, host: str, status: int) -> None:
    answer = served.ask(host)
    assert answer.status == status
    if status == 200:
        assert (answer.seen["upstream"], answer.seen["host"]) == ("red", host)


def test_ingress_class_an_unknown_one_has_no_address(served: Served) -> None:
    assert served.told("host-rules") == served.address
    assert served.told("unknown-class") == ""
    assert served.ask("unknown.test").status == 404


def test_load_balancing_over_all_replicas(served: Served) -> None:
    served.cluster.kubectl("-n", SPACE, "scale", "deployment/many", f"--replicas={REPLICAS}")
    served.cluster.wait_rollout(SPACE, "many")

    def pods() -> set[str]:
        answers = [served.ask("load-balancing.test") for _ in range(REQUESTS)]
        assert {answer.status for answer in answers} == {200}
        return {answer.seen["pod"] for answer in answers}

    wait_until(lambda: len(pods()) == REPLICAS, SETTLE, what=f"answers of {REPLICAS} pods")
    served.cluster.kubectl("-n", SPACE, "scale", "deployment/many", "--replicas=1")


@pytest.mark.parametrize(
    ("host", "asked", "by"),
    [
        pytest.param("exact.test", "/foo", "red", id="exact /foo matches /foo"),
        pytest.param("exact.test", "/foo/", "", id="exact /foo does not match /foo/"),
        pytest.param("exact.test", "/FOO", "", id="exact /foo does not match /FOO"),
        pytest.param("exact.test", "/bar", "", id="exact /foo does not match /bar"),
        pytest.param("prefix.test", "/foo", "red", id="prefix /foo matches /foo"),
        pytest.param("prefix.test", "/foo/", "red", id="prefix /foo matches /foo/"),
        pytest.param("prefix.test", "/FOO", "", id="prefix /foo does not match /FOO"),
        pytest.param("prefix.test", "/aaa/bbb", "red", id="the longest prefix has /aaa/bbb"),
        pytest.param("prefix.test", "/aaa/bbb/ccc", "red", id="the longest prefix has what is below it"),
        pytest.param("prefix.test", "/aaa/ccc", "blue", id="the shorter prefix has the rest"),
        pytest.param("prefix.test", "/aaaccc", "", id="a prefix is of elements, not of letters"),
        pytest.param("mixed.test", "/foo", "blue", id="exact comes before prefix"),
        pytest.param("mixed.test", "/foo/", "red", id="a slash behind is the prefix's"),
        pytest.param("slashed.test", "/aaa/bbb", "red", id="prefix /aaa/bbb/ matches /aaa/bbb"),
        pytest.param("slashed.test", "/aaa/bbb/", "red", id="prefix /aaa/bbb/ matches /aaa/bbb/"),
        pytest.param("slashed.test", "/foo", "", id="exact /foo/ does not match /foo"),
    ],
)
def test_path_rules(served: Served, host: str, asked: str, by: str) -> None:
    answer = served.ask(host, asked)
    assert answer.status == (200 if by else 404)
    if by:
        assert (answer.seen["upstream"], answer.seen["path"]) == (by, asked)
