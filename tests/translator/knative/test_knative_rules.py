"""Which Mappings an Ingress of Knative's becomes, whose it is, and what is told on it."""

from typing import Any

import orjson
import pytest

from translator.decode import Problem
from translator.derived import in_words, owner_of, told_of
from translator.knative.kinds import KnativeIngress, read_knative
from translator.knative.rules import derived, problems_of
from translator.offline import translate
from translator.options import Options

KEY = "networking.internal.knative.dev/Ingress/team/hello"
CLASS = "networking.knative.dev/ingress.class"
ID = "getambassador.io/ambassador-id"


def read(*rules: dict[str, Any], labels: dict[str, str] | None = None, **annotations: str) -> KnativeIngress:
    metadata = {"name": "hello", "namespace": "team", "labels": labels or {}, "annotations": annotations}
    return read_knative("team", "hello", {"metadata": metadata, "spec": {"rules": list(rules)}})


def rule(*splits: dict[str, Any], hosts: tuple[str, ...] = ("a.test",), visibility: str = "") -> dict[str, Any]:
    return {"hosts": list(hosts), "visibility": visibility, "http": {"paths": [{"splits": list(splits)}]}}


def split(**more: Any) -> dict[str, Any]:
    return {"serviceName": "one", **more}


def mappings(ingress: KnativeIngress) -> dict[str, dict[str, Any]]:
    ports = {("team", "one", "http"): 8123}
    found = derived(ingress, lambda *named: ports.get(named), "default")
    return {key.rpartition("/")[2]: orjson.loads(body) for key, body in found}


@pytest.mark.parametrize(
    ("annotations", "ambassador_id", "ours"),
    [
        ({}, "default", True),
        ({CLASS: "ambassador.ingress.networking.knative.dev"}, "default", True),
        ({CLASS: "Ambassador.Ingress.networking.knative.dev"}, "default", True),
        ({CLASS: "istio.ingress.networking.knative.dev"}, "default", False),
        ({ID: "edge"}, "default", False),
        ({ID: "edge"}, "edge", True),
        ({}, "edge", False),
    ],
)
def test_whose_it_is(annotations: dict[str, str], ambassador_id: str, ours: bool) -> None:
    assert read(**annotations).is_for(ambassador_id) == ours


def test_each_host_and_share_is_a_mapping() -> None:
    shares = (split(percent=70), split(percent=30, serviceNamespace="other", servicePort=81))
    found = mappings(read(rule(*shares, hosts=("a.test", "b.test"))))
    assert {name: (each["spec"]["hostname"], each["spec"]["weight"]) for name, each in found.items()} == {
        "knative-0-0-0-0": ("a.test", 70),
        "knative-0-0-0-1": ("b.test", 70),
        "knative-0-0-1-0": ("a.test", 30),
        "knative-0-0-1-1": ("b.test", 30),
    }
    specs = [each["spec"] for each in found.values()]
    assert [spec["service"] for spec in specs] == ["one.team:80"] * 2 + ["one.other:81"] * 2
    assert all((spec["prefix"], spec["rewrite"], spec["timeout_ms"]) == ("/", "", 15_000) for spec in specs)


def test_a_port_by_name_is_that_of_the_service() -> None:
    (found,) = mappings(read(rule(split(servicePort="http")))).values()
    assert found["spec"]["service"] == "one.team:8123"
    lost = read(rule(split(servicePort="grpc"), split()))
    assert list(mappings(lost)) == ["knative-0-0-1-0"]
    (told,) = problems_of(lost, lambda *_: None)
    assert (told.path, told.reason) == ("spec.rules[0].http.paths[0].splits[0].servicePort", "BackendNotFound")


def test_what_is_for_the_cluster_has_one_label_and_no_hostname() -> None:
    labels = {"app": "hello", "networking.knative.dev/visibility": "cluster-local"}
    rules = (rule(split()), rule(split(), hosts=("hello.team",), visibility="ClusterLocal"))
    public, local = mappings(read(*rules, labels=labels)).values()
    assert public["metadata"]["labels"] == {"app": "hello"}
    assert local["metadata"]["labels"] == {"networking.knative.dev/visibility": "cluster-local"}
    assert "hostname" not in local["spec"]
    assert local["spec"]["regex_headers"] == {":authority": "(?i:hello\\.team)"}


def test_a_share_adds_its_own_headers_to_those_of_its_path() -> None:
    paths = [{"appendHeaders": {"a": "path", "b": "path"}, "splits": [split(appendHeaders={"b": "share"})]}]
    (found,) = mappings(read({"hosts": ["a.test"], "http": {"paths": paths}})).values()
    assert found["spec"]["add_request_headers"] == {"a": "path", "b": "share"}


@pytest.mark.parametrize(
    ("place", "owner", "path"),
    [
        ("knative-1-2-3-4", KEY, "spec.rules[1].http.paths[2].splits[3]"),
        ("knative-local-1-2-3-4", KEY, "spec.rules[1].http.paths[2].splits[3]"),
        ("knative-private-1-2-3-4", KEY, "spec.rules[1].http.paths[2].splits[3]"),
        ("1-2", "networking.k8s.io/Ingress/team/hello", "spec.rules[1].http.paths[2]"),
        ("tls-1-2", "networking.k8s.io/Ingress/team/hello", "spec.tls[1].hosts[2]"),
        ("backend", "networking.k8s.io/Ingress/team/hello", "spec.backend"),
        ("default-backend", "networking.k8s.io/Ingress/team/hello", "spec.defaultBackend"),
    ],
)
def test_whose_a_derived_object_is_and_where_it_is_said(place: str, owner: str, path: str) -> None:
    key = f"getambassador.io/Mapping/team/hello/{place}"
    assert owner_of(key) == owner
    assert told_of(key, Problem("spec.prefix", "is wrong")) == Problem(path, "prefix is wrong")
    word = "Knative's Ingress" if place.startswith("knative") else "Ingress"
    assert in_words(f"see Mapping team/hello/{place}!") == f"see {word} team/hello ({path})!"


def test_an_object_of_anybody_is_its_own() -> None:
    for key in ("getambassador.io/Mapping/team/knative-1-2-3-4", "getambassador.io/Host/team/1-2"):
        assert owner_of(key) == key
    assert in_words("Mapping team/1-2 is wrong") == "Mapping team/1-2 is wrong"


def test_shares_beyond_the_whole_are_told() -> None:
    document = {"metadata": {"name": "hello"}, "spec": {"rules": [rule(split(), split(serviceName="two"))]}}
    listener = {
        "apiVersion": "getambassador.io/v3alpha1",
        "spec": {"port": 80, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}},
    }
    objects = {KEY: orjson.dumps(document), "getambassador.io/Listener/a/b": orjson.dumps(listener)}
    told = translate(objects, Options(knative=True)).statuses[KEY].problems
    assert any("weight is beyond the 100 %" in each.message and "splits[1]" in each.path for each in told)
