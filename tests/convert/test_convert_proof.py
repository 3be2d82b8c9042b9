"""Two real Envoys, one with each form: answers are alike but for what was told, and what is not alike is found."""

import json
from typing import Any

import pytest

from convert.proving import proof_of
from convert.values import plain
from tests.convert.converting import SETTINGS, converted, objects
from tests.convert.test_convert_to_gateway import BOTH
from tests.support.certificates import authority
from tests.support.objects import an_object, host, mapping, service, tls_secret

pytestmark = pytest.mark.envoy


def world() -> str:
    """Of every sort of Mapping one, at three Hosts."""
    pair = authority().sign("shop.test")
    text = BOTH + tls_secret("shop", pair.certificate, pair.key)
    text += host("shop", "shop.test", insecure="Redirect", tlsSecret={"name": "shop"})
    text += host("plain", "plain.test") + host("below", "*.below.test")
    text += an_object(
        "Module",
        "ambassador",
        {"config": {"cluster_request_timeout_ms": 4000, "defaults": {"add_response_headers": {"x-via": "us"}}}},
    )
    text += service("quote", {"": 80}) + an_object("AuthService", "auth", {"auth_service": "auth"})
    text += mapping("all", "*", "quote") + mapping("cart", "shop.test", "quote", "/cart/", timeout_ms=1500)
    text += mapping("long", "*", "quote.other:8080", "/cart/long/", rewrite="/l/")
    text += mapping("exact", "plain.test", "other", "/exact", prefix_exact=True, rewrite="")
    text += mapping("regex", "plain.test", "quote", "/r/[0-9]+", prefix_regex=True)
    text += mapping("away", "plain.test", "new.test", "/away/", host_redirect=True, prefix_redirect="/there/")
    text += mapping("to", "*", "https://new.test", "/to", host_redirect=True, path_redirect="/x")
    text += mapping("asked", "plain.test", "quote", "/asked/", headers={"x-a": "1"}, method="PUT")
    text += mapping("query", "plain.test", "quote", "/asked/", query_parameters={"q": "1"}, rewrite="/q/")
    text += mapping("some", "*.below.test", "10.0.0.1:81", "/some/", weight=30, rewrite="/a/")
    text += mapping("most", "*.below.test", "10.0.0.2:81", "/some/", rewrite="/b/")
    text += mapping("copy", "*.below.test", "quote", "/some/", shadow=True, weight=20)
    text += mapping("call", "plain.test", "g:50051", "/a.B/", grpc=True, rewrite="", timeout_ms=0)
    text += mapping(
        "edited",
        "plain.test",
        "quote",
        "/edited/",
        host_rewrite="other.test",
        add_request_headers={"x-one": "1", "x-two": {"value": "2", "append": False}},
        remove_response_headers=["x-gone"],
        retry_policy={"retry_on": "5xx", "num_retries": 2},
        cors={"origins": ["https://a.test"]},
        idle_timeout_ms=7000,
        priority="HIGH",
    )
    return text + mapping("busy", "plain.test", "busy", "/busy/", circuit_breakers=[{"max_requests": 3}])


def test_answers_are_alike_and_what_is_not_is_found() -> None:
    outcome = converted(world(), prove=True)
    proof = outcome.proof
    assert proof is not None
    assert proof["differ"] == []
    assert not outcome.lost
    assert proof["asked"] > 60
    assert {each["told"]["field"] for each in proof["as_told"]} <= {
        "spec.prefix",
        "spec.grpc",
        "spec.requestPolicy.insecure.action",
    }
    assert len(proof["as_told"]) < proof["asked"] / 3
    others = {path(each) for each in proof_of_changed(outcome)["differ"]}
    assert others == CHANGED


CHANGED = {
    "/exact",
    "/exactly",
    "/cart/longprobe",
    *(f"/{name}/{rest}" for name in ("cart", "busy", "some") for rest in ("probe", "probe/probe")),
}


def path(each: dict[str, Any]) -> str:
    return "/" + str(each["url"]).split("/", 3)[3]


def proof_of_changed(outcome: Any) -> dict[str, Any]:
    """The same with four mistakes: another path, another time, no circuit breakers, other shares."""
    texts = list(outcome.texts)
    for place, made in enumerate(outcome.converted.made):
        name = f"{made.document['kind']} {plain(made.document['metadata'])['name']}"
        edits = {
            "HTTPRoute exact": ("value: /exact", "value: /exactly"),
            "HTTPRoute cart": ("request: 1500ms", "request: 1501ms"),
            "HTTPRoute some": ("weight: 30", "weight: 31"),
            "BackendPolicy busy": ("max_requests: 3", "max_requests: 4"),
        }
        if name in edits:
            assert edits[name][0] in texts[place]
            texts[place] = texts[place].replace(*edits[name])
    return proof_of(outcome.source.side, outcome.converted, texts, SETTINGS)


@pytest.mark.parametrize("action", ["Reject", "Redirect"])
def test_no_route_of_a_wider_name_opens_what_a_host_closes(action: str) -> None:
    pair = authority().sign("pay.test")
    text = BOTH + tls_secret("pay", pair.certificate, pair.key) + host("all", "*")
    text += host("pay", "pay.test", insecure=action, tlsSecret={"name": "pay"})
    text += service("quote", {"": 80}) + mapping("pay", "pay.test", "quote", "/pay/")
    text += mapping("any", "*", "quote", "/any/")
    there = converted(text, prove=True)
    assert there.proof is not None
    assert there.proof["differ"] == []
    documents = [plain(each.document) for each in there.converted.made]
    kept = tls_secret("pay", pair.certificate, pair.key) + service("quote", {"": 80})
    back = converted(kept + "".join(json.dumps(each) + "\n---\n" for each in documents), target="emissary", prove=True)
    assert back.proof is not None
    assert back.proof["differ"] == []
    hosts = [plain(each.document)["spec"] for each in back.converted.made if each.document["kind"] == "Host"]
    actions = {each["hostname"]: each["requestPolicy"]["insecure"]["action"] for each in hosts}
    assert actions == {"*": "Route", "pay.test": action}


def test_no_route_of_a_wider_name_opens_what_asks_clients_for_certificates() -> None:
    pair = authority().sign("pay.test")
    text = BOTH + tls_secret("pay", pair.certificate, pair.key) + host("all", "*", tlsSecret={"name": "pay"})
    asks = {"ca_secret": "pay", "cert_required": True}
    text += host("pay", "pay.test", tlsSecret={"name": "pay"}, tls=asks) + service("quote", {"": 80})
    text += mapping("pay", "pay.test", "quote", "/pay/") + mapping("any", "*", "quote", "/any/")
    outcome = converted(text, prove=True)
    found = objects(outcome)
    assert found.keys().isdisjoint({"HTTPRoute pay"})
    assert outcome.converted.replaced.isdisjoint(
        {f"getambassador.io/{each}/default/pay" for each in ("Host", "Mapping")}
    )
    reached = {each.get("sectionName") for each in found["HTTPRoute any"]["spec"]["parentRefs"]}
    assert reached == {"http-all", "https-all"}
    assert {each["name"] for each in found["Gateway gateway"]["spec"]["listeners"]} == reached | {
        "http-pay",
        "https-pay",
    }
    proof = outcome.proof
    assert proof is not None
    assert proof["differ"] == []
    asked = [each for each in proof["as_told"] if "pay.test" in each["url"]]
    assert asked
    assert {each["after"]["object"] for each in asked} == {None}
