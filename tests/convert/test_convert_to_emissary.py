"""Emissary's kinds of Gateway API: what becomes of each word, and what is never opened by leaving something out."""

import json
from typing import Any

import pytest

from tests.convert.converting import converted, lost, objects
from tests.support.certificates import authority
from tests.support.objects import an_object, tls_secret

GATEWAY = "gateway.networking.k8s.io/v1"


def route(name: str, *rules: dict[str, Any], kind: str = "HTTPRoute", **spec: Any) -> str:
    said = {"parentRefs": [{"name": "web"}], **spec, "rules": list(rules)}
    return json.dumps({"apiVersion": GATEWAY, "kind": kind, "metadata": {"name": name}, "spec": said}) + "\n---\n"


def gateway(*listeners: dict[str, Any]) -> str:
    spec = {"gatewayClassName": "dragoman", "listeners": list(listeners)}
    text = json.dumps({"apiVersion": GATEWAY, "kind": "Gateway", "metadata": {"name": "web"}, "spec": spec})
    controller = {"controllerName": "getambassador.io/dragoman"}
    kind = {"apiVersion": GATEWAY, "kind": "GatewayClass", "metadata": {"name": "dragoman"}, "spec": controller}
    return f"{text}\n---\n{json.dumps(kind)}\n---\n"


HTTP = {"name": "http", "port": 8080, "protocol": "HTTP"}
HTTPS = {
    "name": "https",
    "port": 8443,
    "protocol": "HTTPS",
    "hostname": "shop.test",
    "tls": {"certificateRefs": [{"name": "shop"}]},
}
QUOTE = [{"name": "quote", "port": 80}]
TO_HTTPS = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}


def matching(path: str, kind: str = "PathPrefix", **more: Any) -> dict[str, Any]:
    return {"path": {"type": kind, "value": path}, **more}


def test_a_port_is_a_listener_and_a_hostname_a_host_that_redirects() -> None:
    outcome = converted(
        gateway(HTTP, HTTPS)
        + route("to-https", TO_HTTPS, parentRefs=[{"name": "web", "sectionName": "http"}])
        + route("cart", {"backendRefs": QUOTE}, parentRefs=[{"name": "web", "sectionName": "https"}]),
        "emissary",
    )
    found = objects(outcome)
    assert {name: each["spec"]["port"] for name, each in found.items() if name.startswith("Listener")} == {
        "Listener http": 8080,
        "Listener https": 8443,
    }
    assert found["Host shop-test"]["spec"] == {
        "hostname": "shop.test",
        "tlsSecret": {"name": "shop"},
        "requestPolicy": {"insecure": {"action": "Redirect"}},
    }
    assert found["Mapping cart"]["spec"]["rewrite"] == "", "a Mapping's own default would take the prefix away"
    assert "HTTPRoute/default/to-https" in {key.partition("/")[2] for key in outcome.converted.replaced}


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (
            {"filters": [{"type": "ExtensionRef", "extensionRef": {"group": "", "kind": "X", "name": "x"}}]},
            "filters[0]",
        ),
        (
            {
                "filters": [
                    {
                        "type": "ExternalAuth",
                        "externalAuth": {"protocol": "HTTP", "http": {}, "backendRef": {"name": "a", "port": 80}},
                    }
                ]
            },
            "filters[0].externalAuth.backendRef",
        ),
        ({"filters": [{"type": "RequestRedirect", "requestRedirect": {"statusCode": 302}}]}, "filters"),
    ],
)
def test_what_guards_or_redirects_is_never_left_out(rule: dict[str, Any], field: str) -> None:
    backends = {} if "Redirect" in rule["filters"][0]["type"] else {"backendRefs": QUOTE}
    outcome = converted(gateway(HTTP) + route("r", {**rule, **backends}), "emissary")
    assert "Mapping r" not in objects(outcome)
    assert lost(outcome)[f"HTTPRoute/default/r spec.rules[0].{field}"].endswith("the rule is not converted")


def test_who_gets_in_by_the_address_is_not_opened() -> None:
    policy = an_object(
        "RoutePolicy", "p", {"targetRefs": [{"kind": "HTTPRoute", "name": "r"}], "ip_allow": [{"remote": "10.0.0.0/8"}]}
    )
    outcome = converted(gateway(HTTP) + route("r", {"backendRefs": QUOTE}) + policy, "emissary")
    assert "Mapping r" not in objects(outcome)
    assert "RoutePolicy/default/p spec.ip_allow" in lost(outcome)


WORLD = (
    gateway(HTTP, HTTPS)
    + route(
        "all",
        {"matches": [matching("/")], "backendRefs": QUOTE},
        {
            "name": "cart",
            "matches": [matching("/cart"), matching("/basket", "Exact")],
            "filters": [
                {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/c"}}},
                {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x-a", "value": "1%"}]}},
            ],
            "backendRefs": QUOTE,
            "timeouts": {"request": "2s"},
        },
        {
            "matches": [matching("/some", headers=[{"name": "x-b", "type": "RegularExpression", "value": "[a-z]+"}])],
            "filters": [
                {
                    "type": "URLRewrite",
                    "urlRewrite": {
                        "hostname": "b.test",
                        "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/s"},
                    },
                }
            ],
            "backendRefs": [{"name": "quote", "port": 80, "weight": 3}, {"name": "next", "port": 81, "weight": 1}],
        },
        {
            "matches": [matching("/away", method="GET", queryParams=[{"name": "q", "value": "1"}])],
            "filters": [
                {
                    "type": "RequestRedirect",
                    "requestRedirect": {"scheme": "https", "hostname": "new.test", "statusCode": 307},
                }
            ],
        },
        hostnames=["shop.test"],
    )
    + route(
        "calls",
        {"matches": [{"method": {"service": "a.B", "method": "C"}}], "backendRefs": QUOTE},
        kind="GRPCRoute",
        hostnames=["shop.test"],
    )
    + an_object(
        "RoutePolicy",
        "cart",
        {
            "targetRefs": [{"kind": "HTTPRoute", "name": "all", "sectionName": "cart"}],
            "retry_policy": {"retry_on": "5xx"},
            "cors": {"origins": ["https://a.test"]},
        },
    )
    + an_object("BackendPolicy", "next", {"targetRefs": [{"name": "next"}], "circuit_breakers": [{"max_requests": 3}]})
)


@pytest.mark.envoy
def test_answers_are_alike() -> None:
    pair = authority().sign("shop.test")
    outcome = converted(WORLD + tls_secret("shop", pair.certificate, pair.key), "emissary", prove=True)
    assert not outcome.lost
    proof = outcome.proof
    assert proof is not None
    assert proof["differ"] == []
    assert proof["asked"] > 40
    paths = {"/" + each["url"].split("/", 3)[3] for each in proof["as_told"]}
    assert paths <= {"/cartprobe", "/someprobe", "/a.B/C", "/awayprobe?q=(not shown)"}
