"""Ingresses as Gateway API: paths, certificates, annotations; what keeps people out is never left out."""

import json
from dataclasses import fields
from typing import Any

import pytest

from convert.from_ingress.reading import GUARDING, SAID, UNSAID
from tests.convert.converting import converted, lost, objects
from tests.support.certificates import authority
from tests.support.objects import service, tls_secret
from translator.ingress.nginx.treatment import Treatment

NGINX = "nginx.ingress.kubernetes.io/"


def ingress(name: str, host: str, *paths: tuple[str, str, str], secret: str = "", **annotations: str) -> str:
    listed = [
        {"path": path, "pathType": kind, "backend": {"service": {"name": to, "port": {"number": 80}}}}
        for path, kind, to in paths
    ]
    spec: dict[str, Any] = {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": listed}}]}
    if secret:
        spec["tls"] = [{"hosts": [host], "secretName": secret}]
    said = {f"{NGINX}{each.replace('_', '-')}": text for each, text in annotations.items()}
    metadata = {"name": name, "annotations": said}
    document = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}
    return json.dumps(document) + "\n---\n"


def test_every_field_of_a_treatment_is_said_or_told() -> None:
    assert {each.name for each in fields(Treatment)} == SAID | set(UNSAID) | set(GUARDING)


@pytest.mark.parametrize(
    ("annotations", "field"),
    [
        ({"auth_type": "basic", "auth_secret": "users"}, "passwords"),
        ({"auth_url": "http://auth.default.svc/check"}, "authorization"),
        ({"auth_tls_secret": "default/ca"}, "client"),
        ({"ssl_passthrough": "true"}, "passthrough"),
        ({"whitelist_source_range": "nowhere"}, "shut"),
        ({"satisfy": "any", "whitelist_source_range": "192.0.2.0/24"}, "satisfied_by_any"),
    ],
)
def test_what_keeps_people_out_is_never_left_out(annotations: dict[str, str], field: str) -> None:
    text = ingress("closed", "a.test", ("/", "Prefix", "web"), **annotations)
    outcome = converted(text + ingress("open", "b.test", ("/", "Prefix", "web")))
    assert "HTTPRoute open" in objects(outcome)
    assert "HTTPRoute closed" not in objects(outcome)
    told = [reason for where, reason in lost(outcome).items() if where.startswith("Ingress/default/closed metadata")]
    assert f"{GUARDING[field][0]}; the Ingress is not converted" in told
    assert "networking.k8s.io/Ingress/default/closed" not in outcome.converted.replaced


def test_many_paths_and_hosts_are_some_routes_and_each_is_guarded() -> None:
    paths = [(f"/p{number}", "Prefix", "web") for number in range(20)]
    text = ingress("many", "a.test", *paths, whitelist_source_range="10.0.0.0/8", app_root="/home")
    aliases = ",".join(f"b{number}.test" for number in range(17))
    outcome = converted(text + ingress("alias", "c.test", ("/", "Prefix", "web"), server_alias=aliases))
    found = objects(outcome)
    assert [len(found[f"HTTPRoute {name}"]["spec"]["rules"]) for name in ("many", "many-2")] == [16, 4]
    assert [len(found[f"HTTPRoute {name}"]["spec"]["hostnames"]) for name in ("alias", "alias-2")] == [16, 2]
    guarded = {each["spec"]["targetRefs"][0]["name"] for name, each in found.items() if name.startswith("RoutePolicy")}
    assert guarded == {"ingress", "many", "many-2"}


WORLD = (
    ingress(
        "shop",
        "shop.test",
        ("/cart", "Prefix", "cart"),
        ("/cart/exactly", "Exact", "cart"),
        ("/", "Prefix", "web"),
        secret="shop",
        whitelist_source_range="10.0.0.0/8",
        enable_cors="true",
        cors_allow_origin="https://a.test",
        affinity="cookie",
        proxy_connect_timeout="7",
    )
    + ingress("api", "api.test", ("/api(/|$)(.*)", "ImplementationSpecific", "api"), rewrite_target="/v1/$2")
    + ingress("one", "api.test", ("/one", "Exact", "api"), upstream_vhost="internal.test")
    + ingress("old", "old.test", ("/", "Prefix", "old"), permanent_redirect="https://new.test$request_uri")
    + ingress("root", "root.test", ("/", "Prefix", "root"), app_root="/home")
    + ingress("fast", "fast.test", ("/", "Prefix", "fast"))
    + ingress(
        "fast-next", "fast.test", ("/", "Prefix", "next"), canary="true", canary_weight="20", canary_by_header="x-n"
    )
)


@pytest.mark.envoy
def test_answers_are_alike() -> None:
    pair = authority().sign("shop.test")
    secrets = tls_secret("shop", pair.certificate, pair.key) + service("web", {"": 80})
    outcome = converted(WORLD + secrets, prove=True)
    assert lost(outcome) == {}
    found = objects(outcome)
    assert found["HTTPRoute api"]["spec"]["rules"][0]["filters"][0]["urlRewrite"]["path"] == {
        "type": "ReplacePrefixMatch",
        "replacePrefixMatch": "/v1/",
    }
    assert found["HTTPRoute shop-to-https"]["spec"]["rules"][0]["filters"][0]["requestRedirect"]["statusCode"] == 308
    assert found["RoutePolicy shop"]["spec"]["ip_allow"] == [{"remote": "10.0.0.0/8"}]
    assert found["BackendPolicy cart"]["spec"]["connect_timeout_ms"] == 7000
    weights = [each["weight"] for each in found["HTTPRoute fast"]["spec"]["rules"][-1]["backendRefs"]]
    assert weights == [80, 20]
    proof = outcome.proof
    assert proof is not None
    assert proof["differ"] == []
    in_clear = [each for each in proof["as_told"] if each["url"].startswith("http://")]
    assert [each["url"] for each in in_clear] == ["http://api.test:8080/api"]


@pytest.mark.envoy
def test_by_way_of_gateway_api_they_are_mappings() -> None:
    pair = authority().sign("shop.test")
    text = ingress("api", "api.test", ("/api(/|$)(.*)", "ImplementationSpecific", "api"), rewrite_target="/v1/$2")
    text += ingress("shop", "shop.test", ("/cart", "Prefix", "cart"), ("/", "Prefix", "web"), secret="shop")
    text += ingress("fast", "fast.test", ("/", "Prefix", "fast"))
    text += ingress("fast-next", "fast.test", ("/", "Prefix", "next"), canary="true", canary_weight="20")
    closed = ingress("closed", "closed.test", ("/", "Prefix", "web"), whitelist_source_range="10.0.0.0/8")
    outcome = converted(text + tls_secret("shop", pair.certificate, pair.key), "emissary", prove=True)
    assert lost(outcome) == {}
    found = objects(outcome)
    actions = {
        name: each["spec"]["requestPolicy"]["insecure"]["action"] for name, each in found.items() if "Host " in name
    }
    assert actions == {"Host shop-test": "Redirect", "Host api-test": "Route", "Host fast-test": "Route"}
    assert found["Mapping api"]["spec"]["rewrite"] == "/v1"
    assert found["Mapping fast-next"]["spec"]["weight"] == 20
    proof = outcome.proof
    assert proof is not None
    assert proof["differ"] == []
    told = {each.object for each in converted(closed + text, "emissary").converted.told}
    assert all(key.startswith("networking.k8s.io/Ingress/") for key in told), "nobody wrote what was between"
    assert "Mapping closed" not in objects(converted(closed + text, "emissary"))
