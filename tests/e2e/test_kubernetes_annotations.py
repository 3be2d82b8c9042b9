"""Configuration in annotations, from a real API server: applied, edited and deleted, on Services and on Ingresses."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.apiserver import ApiServer
from tests.support.certificates import authority
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]

MERGE = "application/merge-patch+json"


@pytest.fixture(scope="module")
def annotated(own_apiserver: ApiServer) -> Iterator[ClusterGateway]:
    install_crds(own_apiserver)
    with ClusterGateway(own_apiserver) as gateway:
        yield gateway


def carrying(name: str, service: str) -> dict[str, Any]:
    text = f"""
        apiVersion: ambassador/v1
        kind: Mapping
        name: {name}
        host: some.test
        prefix: /{name}/
        service: {service}
        ---
        apiVersion: getambassador.io/v3alpha1
        kind: Mapping
        name: {name}-wrong
        prefix: 5
    """
    lines = "\n".join(line.removeprefix("        ") for line in text.splitlines())
    return {"metadata": {"name": name, "annotations": {"getambassador.io/config": lines}}}


def test_a_service_says_a_mapping(annotated: ClusterGateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    api, namespace = annotated.api, annotated.namespace
    services = f"/api/v1/namespaces/{namespace}/services"
    api.ask("POST", services, {**carrying("of-service", red.service), "spec": {"ports": [{"port": 80}]}})
    assert annotated.wait_served("some.test", "/of-service/").json()["upstream"] == "red"
    key = f"core/Service/{namespace}/of-service"
    told = wait_until(lambda: annotated.diag()["objects"].get(key, {}).get("problems"), what="what is told")
    assert any("of-service-wrong: spec.prefix must be a string" in problem["message"] for problem in told)
    api.ask("PATCH", f"{services}/of-service", carrying("of-service", blue.service), content_type=MERGE)
    wait_until(
        lambda: annotated.request("some.test", "/of-service/").json()["upstream"] == "blue", what="the edited Mapping"
    )
    api.ask("DELETE", f"{services}/of-service")
    annotated.wait_served("some.test", "/of-service/", status=404)


def test_an_ingress_says_a_mapping_and_an_object_of_its_own_counts_before_it(
    annotated: ClusterGateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    api, namespace = annotated.api, annotated.namespace
    backend = {"service": {"name": "nowhere", "port": {"number": 80}}}
    ingresses = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"
    api.ask("POST", ingresses, {**carrying("of-ingress", red.service), "spec": {"defaultBackend": backend}})
    assert annotated.wait_served("some.test", "/of-ingress/").json()["upstream"] == "red"
    annotated.put("Mapping", "of-ingress", {"hostname": "some.test", "prefix": "/own/", "service": blue.service})
    assert annotated.wait_served("some.test", "/own/").json()["upstream"] == "blue"
    annotated.wait_served("some.test", "/of-ingress/", status=404)
    annotated.delete("Mapping", "of-ingress")
    assert annotated.wait_served("some.test", "/of-ingress/").json()["upstream"] == "red"


def test_an_ingress_and_a_host_in_an_annotation_have_their_secrets(
    annotated: ClusterGateway, red: HttpUpstream
) -> None:
    api, namespace = annotated.api, annotated.namespace
    pair = authority().sign("in-cluster.test", "carried-host.test")
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    for name in ("of-ingress", "of-host"):
        made = {"metadata": {"name": name}, "type": "kubernetes.io/tls", "data": encoded}
        api.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", made)
    text = f"""
apiVersion: getambassador.io/v3alpha1
kind: Host
name: carried-host
hostname: carried-host.test
tlsSecret: {{name: of-host}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
name: carried-host
hostname: carried-host.test
prefix: /
service: {red.service}
"""
    made = {"metadata": {"name": "host", "annotations": {"getambassador.io/config": text}}}
    api.ask("POST", f"/api/v1/namespaces/{namespace}/services", {**made, "spec": {"ports": [{"port": 80}]}})
    annotated.wait_served("carried-host.test", tls=True)

    service = {"metadata": {"name": "backing"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    api.ask("POST", f"/api/v1/namespaces/{namespace}/services", service)
    backend = {"service": {"name": "backing", "port": {"number": red.port}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    spec = {
        "tls": [{"hosts": ["in-cluster.test"], "secretName": "of-ingress"}],
        "rules": [{"host": "in-cluster.test", "http": {"paths": paths}}],
    }
    metadata = {"name": "served", "annotations": {"kubernetes.io/ingress.class": "ambassador"}}
    ingresses = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"
    api.ask("POST", ingresses, {"metadata": metadata, "spec": spec})
    assert annotated.wait_served("in-cluster.test", tls=True).json()["upstream"] == "red"
