"""Knative's Ingresses, asked of a real Envoy."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import plain
from tests.support.gateway import ROOT, Gateway
from tests.support.objects import an_object, endpoint_slice, host, service
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

KEY = "networking.internal.knative.dev/Ingress/default"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Gateway(environ={"AMBASSADOR_KNATIVE_SUPPORT": "true"}) as made:
        yield made


def ingress(name: str, *rules: dict[str, Any], annotations: dict[str, str] | None = None, **spec: Any) -> str:
    metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
    api = "networking.internal.knative.dev/v1alpha1"
    document = {"apiVersion": api, "kind": "Ingress", "metadata": metadata, "spec": {"rules": list(rules), **spec}}
    return json.dumps(document) + "\n---\n"


def rule(host: str, *splits: dict[str, Any], visibility: str = "ExternalIP", **path: Any) -> dict[str, Any]:
    return {"hosts": [host], "visibility": visibility, "http": {"paths": [{"splits": list(splits), **path}]}}


def split(name: str, **more: Any) -> dict[str, Any]:
    return {"serviceName": name, "serviceNamespace": "default", "servicePort": 80, **more}


def revision(upstream: HttpUpstream) -> str:
    """A Service called as its upstream, with its pod."""
    made = service(upstream.name, {"http": 80})
    return made + endpoint_slice(upstream.name, upstream.name, {"http": upstream.port}, {"addresses": ["127.0.0.1"]})


def told(gateway: Gateway, name: str) -> str:
    return json.dumps(gateway.diag()["objects"][f"{KEY}/{name}"])


def test_item_47_a_path_is_a_prefix_and_stays_as_it_is(gateway: Gateway, red: HttpUpstream) -> None:
    made = ingress("prefix", rule("prefix.test", split("red"), path="/below"))
    with gateway.applied("prefix", revision(red) + made + host("prefix", "prefix.test")):
        answer = gateway.wait_served("prefix.test", "/below/and/more")
        assert answer.json()["path"] == "/below/and/more"
        assert gateway.request("prefix.test", "/elsewhere").status_code == 404


def test_requests_are_shared_and_told_whose_they_are(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    splits = (
        split("red", percent=50, appendHeaders={"knative-serving-revision": "one"}),
        split("blue", percent=50, appendHeaders={"knative-serving-revision": "two"}),
    )
    made = ingress("shares", rule("shares.test", *splits, appendHeaders={"of-path": "yes"}))
    with gateway.applied("shares", revision(red) + revision(blue) + made + host("shares", "shares.test")):
        gateway.wait_served("shares.test")
        answers = [gateway.request("shares.test").json() for _ in range(60)]
        for answer in answers:
            expected = {"red": "one", "blue": "two"}[answer["upstream"]]
            headers = {name.lower(): value for name, value in answer["headers"].items()}
            assert (headers["knative-serving-revision"], headers["of-path"]) == (expected, "yes")
        assert {answer["upstream"] for answer in answers} == {"red", "blue"}


def test_a_header_chooses_the_revision_of_a_tag(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    tagged = {"headers": {"Knative-Serving-Tag": {"exact": "blue"}}, "splits": [split("blue")]}
    made = ingress("tags", {"hosts": ["tags.test"], "http": {"paths": [tagged, {"splits": [split("red")]}]}})
    with gateway.applied("tags", revision(red) + revision(blue) + made + host("tags", "tags.test")):
        assert gateway.wait_served("tags.test").json()["upstream"] == "red"
        answer = gateway.request("tags.test", headers={"knative-serving-tag": "blue"})
        assert answer.json()["upstream"] == "blue"


def test_what_another_ingress_controller_is_to_serve_is_left_alone(gateway: Gateway, red: HttpUpstream) -> None:
    theirs = {"networking.knative.dev/ingress.class": "kourier.ingress.networking.knative.dev"}
    ours = {"networking.knative.dev/ingress.class": "Ambassador.ingress.networking.knative.dev"}
    texts = ingress("theirs", rule("whose.test", split("red"), path="/theirs"), annotations=theirs)
    texts += ingress("ours", rule("whose.test", split("red"), path="/ours"), annotations=ours)
    with gateway.applied("whose", revision(red) + texts + host("whose", "whose.test")):
        gateway.wait_served("whose.test", "/ours")
        assert gateway.request("whose.test", "/theirs").status_code == 404


def test_what_is_for_the_cluster_is_served_only_where_a_host_chooses_it(gateway: Gateway, red: HttpUpstream) -> None:
    name = "hello.default.svc.cluster.local"
    rules = (rule("hello.test", split("red")), rule(name, split("red"), visibility="ClusterLocal"))
    texts = revision(red) + ingress("visible", *rules) + host("visible", "hello.test") + host("wide", "*")
    with gateway.applied("visible", texts):
        gateway.wait_served("hello.test")
        assert gateway.request(name).status_code == 404
        assert gateway.request("some.test", headers={"x-forwarded-host": name}).status_code == 404
        assert "spec.rules[1].visibility" in told(gateway, "visible")
        chosen = {"mappingSelector": {"matchLabels": {"networking.knative.dev/visibility": "cluster-local"}}}
        with gateway.applied("inside", host("inside", "*.svc.cluster.local", **chosen)):
            gateway.wait_served(name)
            assert gateway.request(name.upper()).status_code == 200
            assert gateway.request(f"other.{name}").status_code == 404
            assert "visibility" not in told(gateway, "visible")
        gateway.wait_served(name, status=404)


def test_a_listener_of_its_own_is_what_the_cluster_asks(red: HttpUpstream) -> None:
    """examples/knative as it stands, on the ports of the test."""
    name = "inner.default.svc.cluster.local"
    rules = (rule("outer.test", split("red")), rule(name, split("red"), visibility="ClusterLocal"))
    example = (ROOT / "examples/knative/gateway.yaml").read_text()
    environ = {"AMBASSADOR_KNATIVE_SUPPORT": "true", "AMBASSADOR_NAMESPACE": "dragoman"}
    own = Gateway(listeners=False, environ=environ)
    ports = {"8080": str(own.http_port), "8090": str(own.https_port)}  # of which one may be in another
    own.apply("example", re.sub("|".join(ports), lambda found: ports[found[0]], example))
    own.apply("sides", revision(red) + ingress("sides", *rules))
    with own:
        own.wait_served("outer.test")
        assert own.request(name).status_code == 404
        inside = f"http://127.0.0.1:{own.https_port}/"
        assert _asked(inside, name) == 200
        assert _asked(inside, "outer.test") == 404
        told = {key: row["problems"] for key, row in own.diag()["objects"].items() if row.get("problems")}
        assert told == {}


def _asked(url: str, host: str) -> int:
    return plain.get(url, headers={"host": host}, timeout=10).status_code


def test_what_has_no_effect_is_told_and_a_mistake_stops_its_object_alone(gateway: Gateway, red: HttpUpstream) -> None:
    tls = [{"hosts": ["vain.test"], "secretName": "vain"}]
    texts = ingress("vain", rule("vain.test", split("red"), retries={"attempts": 3}), tls=tls, httpOption="Redirected")
    texts += ingress("wrong", rule("vain.test", split("red", percent=500), path="/wrong"))
    with gateway.applied("vain", revision(red) + texts + host("vain", "vain.test")):
        gateway.wait_served("vain.test")
        said = told(gateway, "vain")
        for field in ("spec.tls", "spec.httpOption", "spec.rules[0].http.paths[0].retries"):
            assert field in said
        assert "splits[0].percent" in told(gateway, "wrong")


def test_nobody_reads_them_unasked(red: HttpUpstream) -> None:
    with Gateway() as plain:
        texts = revision(red) + ingress("unasked", rule("unasked.test", split("red"))) + host("unasked", "unasked.test")
        marker = host("marker", "marker.test") + an_object(
            "Mapping", "marker", {"hostname": "marker.test", "prefix": "/", "service": red.service}
        )
        with plain.applied("unasked", texts + marker):
            plain.wait_served("marker.test")
            assert plain.request("unasked.test").status_code == 404
