"""Configuration in annotations of Services and Ingresses, as Emissary's users have it, asked of a real Envoy."""

import json

import pytest
import yaml

from process.settings import Settings
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host
from tests.support.upstream import HttpUpstream
from why.finding import why
from why.gateway import Gateway as Asked
from why.request import Request

pytestmark = [pytest.mark.envoy, pytest.mark.system]

CARRIER = """
apiVersion: {api}
kind: {kind}
metadata:
  name: carrier
  namespace: default
  annotations:
    getambassador.io/config: |
      ---
      apiVersion: ambassador/v1
      kind: Mapping
      name: flat
      host: carried.test
      prefix: /flat/
      service: {service}
      ---
      apiVersion: getambassador.io/v2
      kind: Mapping
      name: wrong
      host: carried.test
      prefix: 5
      service: {service}
      ---
      {{ this is: not YAML
      ---
      apiVersion: getambassador.io/v3alpha1
      kind: Mapping
      metadata: {{name: whole}}
      spec: {{hostname: carried.test, prefix: /whole/, service: "{service}"}}
"""


@pytest.mark.parametrize(
    ("api", "kind", "key"),
    [
        ("v1", "Service", "core/Service/default/carrier"),
        ("networking.k8s.io/v1", "Ingress", "networking.k8s.io/Ingress/default/carrier"),
    ],
)
def test_what_an_annotation_says_is_served(gateway: Gateway, red: HttpUpstream, api: str, kind: str, key: str) -> None:
    name = "carried.test"
    text = CARRIER.format(api=api, kind=kind, service=red.service) + ("spec: {ports: [{port: 80}]}\n" * (api == "v1"))
    with gateway.applied(name, host(name, name)), gateway.applied("carrier", text):
        for path in ("/flat/", "/whole/"):
            assert gateway.wait_served(name, path).json()["upstream"] == "red"
        assert gateway.request(name, "/5/").status_code == 404
        told = gateway.diag()["objects"][key]["problems"]
        said = " ".join(problem["message"] for problem in told)
        assert "getambassador.io/Mapping/default/wrong: spec.prefix must be a string" in said
        assert "document 3, line 17: it is not YAML" in said
        assert gateway.diag()["objects"]["getambassador.io/Mapping/default/flat"]["source"] == key
        request = Request.of("GET", f"http://{name}/flat/", (), "127.0.0.1")
        rule = why(Asked(Settings(run_dir=gateway.run_dir)), request, gateway.http_port)["rule"]
        assert [(each["name"], each["source"]) for each in rule["objects"]] == [("flat", key)]
        gateway.apply("carrier", text.replace("/whole/", "/edited/"))
        gateway.wait_served(name, "/edited/")
        gateway.wait_served(name, "/whole/", status=404)
    gateway.wait_served(name, "/flat/", status=404)


def test_a_file_has_the_flat_form(gateway: Gateway, red: HttpUpstream) -> None:
    text = f"""
        apiVersion: ambassador/v2
        kind: Mapping
        name: in-a-file
        host: flat.test
        prefix: /
        service: {red.service}
    """
    with gateway.applied("flat", text), gateway.applied("flat-host", host("flat", "flat.test")):
        assert gateway.wait_served("flat.test").json()["upstream"] == "red"


def test_names_and_guards_in_a_document_that_is_no_yaml(red: HttpUpstream, blue: HttpUpstream) -> None:
    """Red is who is asked about requests, and blue who serves them."""

    def carrier(broken: str) -> str:
        documents = [
            {"kind": "AuthService", "name": "auth", "auth_service": red.service},
            {"kind": "Host", "name": "sec", "hostname": "sec.test", "requestPolicy": {"insecure": {"action": "Route"}}},
            {"kind": "Mapping", "name": "all", "hostname": "*", "prefix": "/", "service": blue.service},
        ]
        said = [yaml.safe_dump({"apiVersion": "getambassador.io/v3alpha1", **each}) for each in documents]
        annotations = {"getambassador.io/config": f"{said[0]}{broken}---\n{said[1]}{broken}---\n{said[2]}"}
        metadata = {"name": "carrier", "namespace": "default", "annotations": annotations}
        return json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": metadata})

    def told(gateway: Gateway) -> str:
        problems = gateway.diag()["objects"]["core/Service/default/carrier"]["problems"]
        return " ".join(f"{each['path']}: {each['message']}" for each in problems)

    with Gateway() as gateway:
        gateway.settle("carrier", carrier("x: [\n") + "\n---\n" + host("all", "*"))
        said = told(gateway)
        assert "metadata.annotations[getambassador.io/config]: document 1, line 6: it is not YAML" in said
        assert "Host/default/sec: cannot be read: its annotation says why" in said
        assert gateway.wait_served("open.test", status=500)
        assert gateway.request("sec.test").status_code == 404
        gateway.apply("carrier", carrier("") + "\n---\n" + host("all", "*"))
        for name in ("open.test", "sec.test"):
            gateway.wait_served(name)
        red.status = 403
        for name in ("open.test", "sec.test"):
            assert gateway.request(name).status_code == 403
        gateway.settle("carrier", carrier("x: [\n") + "\n---\n" + host("all", "*"))
        assert "AuthService/default/auth goes on as it was read before" in told(gateway)
        assert {gateway.request(name).status_code for name in ("open.test", "sec.test")} == {403}
        gateway.settle("more", host("more", "more.test"))
        old = gateway.kill("watcher")
        wait_until(lambda: gateway.pid_of("watcher") not in {None, old}, what="the watcher again")
        gateway.settle("more", host("more", "more.more.test"))
        assert {gateway.request(name).status_code for name in ("open.test", "sec.test")} == {403}
        red.status = 200
        assert {gateway.request(name).status_code for name in ("open.test", "sec.test")} == {200}
