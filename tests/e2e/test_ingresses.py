"""Ingresses as Emissary has them, asked of a real Envoy."""

import json
from typing import Any

import pytest

from tests.support.certificates import authority, trusting
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def backing(upstream: HttpUpstream, name: str = "web") -> str:
    """A Service with one named port, and where its pod is."""
    ports = [{"name": "http", "port": upstream.port}]
    documents: list[dict[str, Any]] = [
        {"kind": "Service", "spec": {"ports": [{"name": "http", "port": 80}]}},
        {"kind": "Endpoints", "subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": ports}]},
    ]
    return "\n---\n".join(json.dumps({"apiVersion": "v1", "metadata": {"name": name}, **each}) for each in documents)


def ingress(name: str, **spec: Any) -> str:
    metadata = {"name": name, "annotations": {"kubernetes.io/ingress.class": "ambassador"}}
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}
    return "\n---\n" + json.dumps(made) + "\n---\n"


def path(text: str, kind: str = "Prefix", port: object = "http") -> dict[str, Any]:
    named = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": text, "pathType": kind, "backend": {"service": {"name": "web", "port": named}}}


def test_paths_hosts_and_ports(gateway: Gateway, red: HttpUpstream) -> None:
    rules = [
        {"host": "ingress.test", "http": {"paths": [path("/prefix"), path("/exact", "Exact", 80)]}},
        {"host": "*.below.test", "http": {"paths": [path("/")]}},
    ]
    hosts = host("ingress", "ingress.test") + host("below", "*.below.test")
    with gateway.applied("ingress", backing(red) + ingress("web", rules=rules) + hosts):
        answer = gateway.wait_served("ingress.test", "/prefix/more")
        assert (answer.json()["upstream"], answer.json()["path"]) == ("red", "/more"), "as Emissary rewrites it"
        assert gateway.request("ingress.test", "/exact").status_code == 200
        assert gateway.request("ingress.test", "/exact/more").status_code == 404
        assert gateway.request("one.below.test", "/").status_code == 200
        assert gateway.request("two.labels.below.test", "/").status_code == 404


@pytest.mark.parametrize("api", ["extensions/v1beta1", "networking.k8s.io/v1beta1"])
def test_what_was_written_before_v1_means_the_same(gateway: Gateway, red: HttpUpstream, api: str) -> None:
    named, numbered = ({"serviceName": "web", "servicePort": port} for port in ("http", 80))
    rules = [{"host": "older.test", "http": {"paths": [{"path": "/named", "backend": named}, {"backend": numbered}]}}]
    wrong = {"host": "older.test", "http": {"paths": [{"path": "/wrong", "backend": {"servicePort": 80}}]}}
    carried = mapping("carried", "older.test", red.service, "/carried/")
    texts = _older(api, "older", {"rules": rules, "backend": numbered}, {"getambassador.io/config": carried})
    texts += _older(api, "wrong", {"rules": [wrong]}, {})
    with gateway.applied("older", backing(red) + texts + host("older", "older.test") + host("any", "any.test")):
        assert gateway.wait_served("older.test", "/named/more").json()["path"] == "/more"
        for asked in (("older.test", "/"), ("any.test", "/x"), ("older.test", "/carried/")):
            assert gateway.wait_served(*asked).json()["upstream"] == "red"
        (told,) = gateway.diag()["objects"]["networking.k8s.io/Ingress/default/wrong"]["problems"]
        assert told["path"] == "spec.rules[0].http.paths[0].backend.serviceName"


def _older(api: str, name: str, spec: dict[str, Any], annotations: dict[str, str]) -> str:
    ours = {"kubernetes.io/ingress.class": "ambassador", **annotations}
    made = {"apiVersion": api, "kind": "Ingress", "metadata": {"name": name, "annotations": ours}, "spec": spec}
    return "\n---\n" + json.dumps(made) + "\n---\n"


def test_tls_is_by_the_secret_of_the_ingress(gateway: Gateway, red: HttpUpstream) -> None:
    name = "secure-ingress.test"
    pair = authority().sign(name)
    rules = [{"host": name, "http": {"paths": [path("/")]}}]
    made = ingress("secure", tls=[{"hosts": [name], "secretName": "secure"}], rules=rules)
    texts = tls_secret("secure", pair.certificate, pair.key) + backing(red) + made
    with gateway.applied("secure-ingress", texts):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert gateway.request(name).status_code == 200, "insecure requests are routed"
        gateway.apply("secure-ingress", backing(red) + made)
        gateway.wait_served(name, status=404)
        told = gateway.diag()["objects"]["networking.k8s.io/Ingress/default/secure"]
        assert any("Secret default/secure, which does not exist" in each["message"] for each in told["problems"])
