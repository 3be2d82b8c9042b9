"""Gateway API of Emissary's kinds: what becomes of each field, and what is told of those that cannot be said."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from convert.fields import (
    HOST_SAID,
    HOST_UNSAID,
    LISTENER_SAID,
    LISTENER_UNSAID,
    MAPPING_SAID,
    MAPPING_UNSAID,
    OF_BACKENDS,
    OF_ROUTES,
    TCP_SAID,
    TCP_UNSAID,
)
from tests.convert.converting import converted, lost, objects
from tests.golden.cases import FOLDER, MARK
from tests.support.gateway import ROOT
from tests.support.objects import an_object, host, mapping
from translator.decoding.shapes import fields_of
from translator.emissary.kinds.host import HostSpec
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.gateway.kinds.backend_policy import BackendPolicySpec
from translator.gateway.kinds.route_policy import RoutePolicySpec

EVERY = {"namespace": {"from": "ALL"}}
HTTP = an_object("Listener", "http", {"port": 8080, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": EVERY})
HTTPS = an_object(
    "Listener", "https", {"port": 8443, "protocol": "HTTPS", "securityModel": "XFP", "hostBinding": EVERY}
)
BOTH = HTTP + HTTPS


def rule_of(text: str, name: str = "HTTPRoute m") -> dict[str, Any]:
    rule: dict[str, Any] = objects(converted(HTTP + host("h", "*") + text))[name]["spec"]["rules"][0]
    return rule


@pytest.mark.parametrize(
    ("kind", "said", "unsaid"),
    [
        (MappingSpec, MAPPING_SAID, MAPPING_UNSAID),
        (HostSpec, HOST_SAID, HOST_UNSAID),
        (ListenerSpec, LISTENER_SAID, LISTENER_UNSAID),
        (TCPMappingSpec, TCP_SAID, TCP_UNSAID),
    ],
)
def test_every_field_is_said_or_told(kind: type, said: frozenset[str], unsaid: dict[str, Any]) -> None:
    names = {field.name for field in fields_of(kind)}
    assert names <= said | set(unsaid)
    assert not said & set(unsaid)


def test_policies_have_the_fields_that_go_there_by_the_same_name() -> None:
    assert {field.name for field in fields(RoutePolicySpec)} >= OF_ROUTES
    assert {field.name for field in fields(BackendPolicySpec)} >= OF_BACKENDS


def test_listeners_and_hosts_are_one_gateway_and_clear_text_is_redirected() -> None:
    outcome = converted(
        BOTH
        + host("shop", "shop.test", insecure="Redirect", tlsSecret={"name": "shop"})
        + host("pay", "pay.test", insecure="Reject", tlsSecret={"name": "pay", "namespace": "vault"})
        + mapping("cart", "shop.test", "cart:8080", "/cart/")
        + mapping("all", "*", "web", "/")
    )
    found = objects(outcome)
    listeners = found["Gateway gateway"]["spec"]["listeners"]
    assert [(each["name"], each["port"], each["protocol"], each["hostname"]) for each in listeners] == [
        ("https-pay", 8443, "HTTPS", "pay.test"),
        ("http", 8080, "HTTP", "shop.test"),
        ("https-shop", 8443, "HTTPS", "shop.test"),
    ]
    assert listeners[0]["tls"] == {"certificateRefs": [{"name": "pay", "namespace": "vault"}]}
    grant = found["ReferenceGrant gateways-of-default"]
    assert grant["metadata"]["namespace"] == "vault"
    assert found["HTTPRoute gateway-to-https"]["spec"]["parentRefs"] == [{"name": "gateway", "sectionName": "http"}]
    assert found["HTTPRoute cart"]["spec"]["parentRefs"] == [{"name": "gateway", "sectionName": "https-shop"}]
    assert found["HTTPRoute all"]["spec"]["hostnames"] == ["pay.test", "shop.test"], "so that the path decides"
    assert found["RoutePolicy gateway"]["spec"]["timeout_ms"] == 3000
    assert not outcome.lost
    replaced = {key.partition("/")[2] for key in outcome.converted.replaced}
    assert replaced >= {"Listener/default/http", "Host/default/pay", "Mapping/default/cart"}


def test_what_asks_clients_for_certificates_is_not_opened_without() -> None:
    outcome = converted(
        BOTH
        + host(
            "h", "a.test", insecure="Reject", tlsSecret={"name": "a"}, tls={"ca_secret": "ca", "cert_required": True}
        )
        + mapping("m", "a.test", "quote")
    )
    assert not any(name.startswith(("Gateway ", "HTTPRoute")) for name in objects(outcome))
    assert set(lost(outcome)) == {
        "Host/default/h spec.tls.ca_secret",
        "Host/default/h spec.tls.cert_required",
        "Mapping/default/m spec.hostname",
    }
    assert "getambassador.io/Host/default/h" not in outcome.converted.replaced


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"host": "a.*", "host_regex": True}, "spec.host_regex"),
        ({"hostname": "a.test", "resolver": "r"}, "spec.resolver"),
        ({"hostname": "a.test", "resolver": "consul"}, "spec.resolver"),
        ({"hostname": "a.test", "resolver": "kubernetes-service"}, "spec.resolver"),
        ({"hostname": "a.test", "tls": "c"}, "spec.tls"),
        ({"hostname": "a.test", "regex_rewrite": {"pattern": "/a", "substitution": "/b"}}, "spec.regex_rewrite"),
        ({"hostname": "a.*"}, "spec.hostname"),
        ({"hostname": "a.test", "method": "PURGE"}, "spec.method"),
        ({"hostname": "a.test", "service": "api.example.com"}, "spec.service"),
        ({"hostname": "a.test", "case_sensitive": False}, "spec.case_sensitive"),
    ],
)
def test_what_decides_where_requests_go_is_never_left_out(spec: dict[str, Any], field: str) -> None:
    outcome = converted(
        HTTP + host("h", "*") + an_object("Mapping", "m", {"prefix": "/m/", "service": "quote", **spec})
    )
    assert "HTTPRoute m" not in objects(outcome)
    assert lost(outcome)[f"Mapping/default/m {field}"].endswith("the Mapping is not converted")
    assert "getambassador.io/Mapping/default/m" not in outcome.converted.replaced


def test_paths_headers_and_what_becomes_of_them() -> None:
    spec = {
        "headers": {"x-a": "1"},
        "regex_headers": {"x-b": ".+"},
        "query_parameters": {"q": "2"},
        "method": "GET|HEAD",
        "method_regex": True,
        "rewrite": "/v1/",
        "host_rewrite": "b.test",
        "add_request_headers": {"x-set": {"value": "100%%", "append": False}, "x-when": "%START_TIME%"},
        "remove_response_headers": ["server"],
        "timeout_ms": 1500,
    }
    outcome = converted(HTTP + host("h", "*") + mapping("m", "*", "quote.other", "/m/", **spec))
    found = objects(outcome)["HTTPRoute m"]["spec"]["rules"][0]
    assert [each["method"] for each in found["matches"]] == ["GET", "HEAD"]
    assert found["matches"][0]["headers"] == [
        {"name": "x-a", "value": "1"},
        {"type": "RegularExpression", "name": "x-b", "value": ".+"},
    ]
    assert found["filters"] == [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-set", "value": "100%"}]}},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["server"]}},
        {
            "type": "URLRewrite",
            "urlRewrite": {
                "hostname": "b.test",
                "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1/"},
            },
        },
    ]
    assert found["backendRefs"] == [{"name": "quote", "namespace": "other", "port": 80}]
    assert found["timeouts"] == {"request": "1500ms"}
    assert set(lost(outcome)) == {"Mapping/default/m spec.add_request_headers.x-when"}
    assert "ReferenceGrant httproutes-of-default" in objects(outcome)


def test_shares_shadows_and_one_policy_for_a_service() -> None:
    outcome = converted(
        HTTP
        + host("h", "*")
        + mapping("m", "*", "a", "/m/", rewrite="", circuit_breakers=[{"max_requests": 5}], labels={"ambassador": []})
        + mapping("m-next", "*", "b", "/m/", rewrite="", weight=30, retry_policy={"retry_on": "5xx"})
        + mapping("m-copy", "*", "c", "/m/", shadow=True, weight=10)
        + mapping("other", "*", "a", "/other/", circuit_breakers=[{"max_requests": 6}])
    )
    found = objects(outcome)
    rule = found["HTTPRoute m"]["spec"]["rules"][0]
    assert [(each["name"], each["weight"]) for each in rule["backendRefs"]] == [("a", 70), ("b", 30)]
    assert rule["filters"] == [
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "c", "port": 80}, "percent": 10}}
    ]
    assert found["RoutePolicy m"]["spec"]["labels"] == {"ambassador": []}
    assert found["RoutePolicy m"]["spec"]["retry_policy"] == {"retry_on": "5xx"}
    assert found["BackendPolicy a"]["spec"]["circuit_breakers"] == [{"max_requests": 5}]
    assert set(lost(outcome)) == {"Mapping/default/other spec.circuit_breakers"}


def test_calls_redirects_and_who_is_asked() -> None:
    outcome = converted(
        BOTH
        + host("h", "*", tlsSecret={"name": "a"})
        + mapping("call", "*", "g:50051", "/a.B/", rewrite="", grpc=True, timeout_ms=0)
        + mapping("away", "*", "b.test", "/away", host_redirect=True, path_redirect="/", redirect_response_code=308)
        + mapping("free", "*", "quote", "/free/", bypass_auth=True)
        + an_object("AuthService", "auth", {"auth_service": "auth"})
    )
    found = objects(outcome)
    assert found["GRPCRoute call"]["spec"]["rules"][0]["matches"] == [{"method": {"service": "a.B"}}]
    assert found["RoutePolicy call"]["spec"]["timeout_ms"] == 0
    redirects = {name: found[f"HTTPRoute {name}"]["spec"] for name in ("away", "away-https")}
    assert {
        (spec["parentRefs"][0]["sectionName"], spec["rules"][0]["filters"][0]["requestRedirect"]["scheme"])
        for spec in redirects.values()
    } == {("http", "http"), ("https", "https")}
    assert found["RoutePolicy gateway"]["spec"]["external_auth"] is True
    assert found["RoutePolicy free"]["spec"]["external_auth"] is False
    assert not outcome.lost


def test_durations_are_those_of_gateway_api() -> None:
    found = {
        limit: rule_of(mapping("m", "*", "quote", timeout_ms=limit))["timeouts"]["request"]
        for limit in (0, 250, 90_000, 86_400_000, 90_000_001)
    }
    assert found == {0: "0s", 250: "250ms", 90_000: "90s", 86_400_000: "86400s", 90_000_001: "25h1ms"}


EXAMPLES = sorted(
    path.name for path in (ROOT / "examples").iterdir() if list(path.glob("*.yaml")) and path.name != "ci"
)
CASES = tuple(
    "annotations canary cors headers hosts ingress_standard matching module_filters precedence rate_limits redirect"  # noqa: SIM905
    " rewrite selectors shadow upstream".split()
)


def texts_of(name: str) -> str:
    if (FOLDER / f"{name}.yaml").exists():
        text = (FOLDER / f"{name}.yaml").read_text().partition(MARK)[0]
        return (
            text
            if "kind: Listener" in text or "kind: Gateway" in text
            else f"{text}\n---\n{(FOLDER / 'prelude.yaml').read_text()}"
        )
    return "\n---\n".join(path.read_text() for path in sorted(Path(ROOT / "examples" / name).glob("*.yaml")))


BACK = ("gateway-api", "ingress", "policies", "tls-to-services", "gateway", "gateway_calls", "gateway_policies")


@pytest.mark.parametrize(
    ("name", "target"),
    [*((name, "gateway-api") for name in (*EXAMPLES, *CASES)), *((name, "emissary") for name in BACK)],
)
def test_what_is_made_is_what_is_written_and_nobody_stops_it(name: str, target: str) -> None:
    """The texts are read as a gateway reads them: each object is there, is as it was made, and is not refused."""
    text = texts_of(name)
    outcome = converted(text, target)
    read = [each for part in outcome.texts for each in yaml.safe_load_all(part)]
    assert read == outcome.json()["objects"]
    objects(outcome)
    refused = stopped_in("---\n".join(outcome.texts))
    assert not refused
    comments = [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]
    mine = [comment for comment in comments if about_replaced(comment, text, outcome)]
    written = "".join(outcome.texts)
    assert all(comment in written for comment in mine)


def stopped_in(text: str) -> dict[str, str]:
    from tests.diff.made import MAKER, side  # noqa: PLC0415

    found = MAKER.linted(side(text)) if text else None
    wanted = (
        "HTTPRoute",
        "GRPCRoute",
        "Gateway",
        "RoutePolicy",
        "BackendPolicy",
        "GatewayClass",
        "Mapping",
        "Host",
        "Listener",
    )
    return {
        f"{each.object}": each.message
        for each in (found.findings if found else ())
        if any(f"/{kind}/" in each.object for kind in wanted) and "does not exist" not in each.message
    }


def about_replaced(comment: str, text: str, outcome: Any) -> bool:
    """Whether a comment is in a document of an object that is converted."""
    number = next(
        place
        for place, part in enumerate(text.split("\n---\n"))
        if comment in (line.strip() for line in part.split("\n"))
    )
    part = text.split("\n---\n")[number]
    document = yaml.safe_load(part)
    if not document or document["kind"] not in {"Mapping", "Host", "Listener"}:
        return False
    key = f"getambassador.io/{document['kind']}/{document['metadata'].get('namespace', 'default')}"
    return f"{key}/{document['metadata']['name']}" in outcome.converted.replaced


def test_no_object_that_is_made_has_the_name_of_another() -> None:
    there = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "quote"}}
    outcome = converted(
        BOTH
        + host("h", "a.test", insecure="Redirect", tlsSecret={"name": "a"})
        + mapping("gateway-to-https", "a.test", "quote", "/a/", timeout_ms=1)
        + mapping("gateway", "a.test", "quote", "/b/", priority="HIGH")
        + mapping("quote", "a.test", "quote", "/c/")
        + yaml.safe_dump({**there, "spec": {"parentRefs": [{"name": "x"}]}})
    )
    found = objects(outcome)
    assert {name for name in found if name.startswith(("HTTPRoute", "RoutePolicy"))} == {
        "HTTPRoute gateway-to-https",
        "HTTPRoute gateway-to-https-2",
        "HTTPRoute gateway",
        "HTTPRoute quote-2",
        "RoutePolicy gateway",
        "RoutePolicy gateway-2",
    }
    targets = [each["spec"]["targetRefs"][0] for name, each in found.items() if name.startswith("RoutePolicy")]
    assert {(each["kind"], each["name"]) for each in targets} == {("Gateway", "gateway"), ("HTTPRoute", "gateway")}


RESOLVER = "Kubernetes{}Resolver"


def test_a_resolver_that_leads_to_the_pods_of_services_needs_no_word() -> None:
    balanced = {"hostname": "a.test", "prefix": "/m/", "service": "quote"}
    balanced["load_balancer"] = {"policy": "ring_hash", "cookie": {"name": "sid", "ttl": "1h"}}
    objects_of = HTTP + host("h", "*") + an_object("KubernetesEndpointResolver", "pods", {})
    for resolver in ("endpoint", "kubernetes-endpoint", "pods"):
        outcome = converted(objects_of + an_object("Mapping", "m", {**balanced, "resolver": resolver}))
        assert lost(outcome) == {}
        assert "HTTPRoute m" in objects(outcome)
        assert objects(outcome)["BackendPolicy quote"]["spec"]["load_balancer"] == balanced["load_balancer"]
    module = an_object("Module", "ambassador", {"config": {"resolver": "pods"}})
    assert lost(converted(objects_of + module + an_object("Mapping", "m", balanced))) == {}


@pytest.mark.parametrize(
    ("declared", "stays"),
    [
        ([("Service", "default", {})], True),
        ([("Endpoint", "default", {}), ("Service", "other", {})], False),
        ([("Endpoint", "other", {}), ("Service", "default", {})], True),
        ([("Endpoint", "default", {}), ("Service", "default", {"ambassador_id": ["else"]})], False),
        ([("Service", "a", {"ambassador_id": ["else"]})], False),
    ],
)
def test_a_resolver_is_the_one_that_the_gateway_takes(declared: list[tuple[str, str, Any]], stays: bool) -> None:
    text = "".join(
        an_object(RESOLVER.format(kind), "endpoint", spec, namespace=space) for kind, space, spec in declared
    )
    spec = {"hostname": "a.test", "prefix": "/m/", "service": "quote", "resolver": "endpoint"}
    outcome = converted(HTTP + host("h", "*") + text + an_object("Mapping", "m", spec))
    assert ("Mapping/default/m spec.resolver" in lost(outcome)) is stays


def test_that_no_certificate_is_asked_for_is_nothing_to_say() -> None:
    none = host("h", "*", acmeProvider={"authority": "none"}) + mapping("m", "a.test", "quote")
    assert lost(converted(HTTP + none)) == {}
    asks = host("h", "*", acmeProvider={"authority": "https://acme.test/"}) + mapping("m", "a.test", "quote")
    assert lost(converted(HTTP + asks)) == {"Host/default/h spec.acmeProvider": "no certificate is asked for"}


def test_what_clients_read_instead_of_errors_goes_to_a_policy() -> None:
    overrides = [{"on_status_code": 404, "body": {"text_format": "none"}}]
    text = mapping("m", "a.test", "quote", error_response_overrides=overrides)
    text += mapping("n", "a.test", "quote", "/n/", bypass_error_response_overrides=True)
    outcome = converted(HTTP + host("h", "*") + text)
    assert lost(outcome) == {}
    found = objects(outcome)
    assert found["RoutePolicy m"]["spec"]["error_response_overrides"] == overrides
    assert found["RoutePolicy n"]["spec"]["error_response_overrides"] == []


def test_a_policy_cannot_leave_the_errors_of_some_backends() -> None:
    text = mapping("m", "a.test", "quote", bypass_error_response_overrides=True, weight=50)
    outcome = converted(HTTP + host("h", "*") + text + mapping("n", "a.test", "quote"))
    assert set(lost(outcome)) == {"Mapping/default/m spec.bypass_error_response_overrides"}
