"""What else Gateway API has, by Emissary's kinds: TLSRoutes, ListenerSets, TLS to services, and what stays shut."""

import json
from typing import Any

import pytest

from tests.convert.converting import converted, lost, objects
from tests.convert.test_convert_to_emissary import HTTP, HTTPS, QUOTE, gateway, matching, route
from tests.support.certificates import authority
from tests.support.objects import tls_secret

GATEWAY = "gateway.networking.k8s.io/v1"
ENDING = {"mode": "Terminate", "certificateRefs": [{"name": "db"}]}
TLS = {"name": "tls", "port": 6443, "protocol": "TLS", "hostname": "*.db.test", "tls": ENDING}
PASSED = {"name": "passed", "port": 6443, "protocol": "TLS", "hostname": "*.pods.test", "tls": {"mode": "Passthrough"}}
DB = {"backendRefs": [{"name": "db", "port": 5432}]}


def made(kind: str, name: str, spec: dict[str, Any], namespace: str = "default", **more: Any) -> str:
    metadata = {"name": name, "namespace": namespace, **more}
    return json.dumps({"apiVersion": GATEWAY, "kind": kind, "metadata": metadata, "spec": spec}) + "\n---\n"


def tls_route(name: str, *hostnames: str, section: str = "tls", created: str = "") -> str:
    spec = {"parentRefs": [{"name": "web", "sectionName": section}], "hostnames": list(hostnames), "rules": [DB]}
    return made("TLSRoute", name, spec, **({"creationTimestamp": created} if created else {}))


def secret(name: str, *hostnames: str) -> str:
    pair = authority().server(hostnames[0], hostnames)
    return tls_secret(name, pair.certificate, pair.key)


def replaced(outcome: Any) -> set[str]:
    return {key.split("/", 1)[1] for key in outcome.converted.replaced}


def test_a_tls_route_is_a_tcp_mapping_for_each_name_whose_tls_ends_here() -> None:
    outcome = converted(gateway(TLS) + tls_route("db", "one.db.test", "*.db.test"), "emissary")
    found = objects(outcome)
    assert found["TCPMapping db"]["spec"] == {"port": 6443, "host": "*.db.test", "service": "db:5432"}
    assert found["TCPMapping db-2"]["spec"]["host"] == "one.db.test"
    assert found["TLSContext tls"]["spec"] == {"hosts": ["*.db.test", "one.db.test"], "secret": "db"}
    assert (found["Listener tls"]["spec"]["port"], found["Listener tls"]["spec"]["protocol"]) == (6443, "TLS")
    assert (lost(outcome), "TLSRoute/default/db" in replaced(outcome)) == ({}, True)


def test_a_name_is_the_older_routes_and_what_is_passed_on_stays() -> None:
    routes = tls_route("young", "a.db.test", created="2026-02-01T00:00:00Z")
    routes += tls_route("old", "a.db.test", created="2026-01-01T00:00:00Z")
    outcome = converted(gateway(TLS, PASSED) + routes + tls_route("pods", "a.pods.test", section="passed"), "emissary")
    assert [name for name in objects(outcome) if name.startswith("TCPMapping")] == ["TCPMapping old"]
    told = lost(outcome)
    assert "is passed on, and for a TCPMapping it ends here" in told["TLSRoute/default/pods spec.hostnames"]
    assert "TLSRoute/default/pods" not in replaced(outcome)
    others = {each.object.rpartition("/")[2]: each.reason for each in outcome.converted.told if not each.lost}
    assert "has a.db.test at port 6443 before it" in others["young"]


def test_a_name_that_a_host_has_by_another_certificate_is_not_converted() -> None:
    wide = {**HTTPS, "hostname": "*.db.test"}
    outcome = converted(
        gateway(wide, TLS)
        + route("all", {"backendRefs": QUOTE}, parentRefs=[{"name": "web", "sectionName": "https"}])
        + tls_route("db", "a.db.test"),
        "emissary",
    )
    assert "would have the certificate of *.db.test" in lost(outcome)["TLSRoute/default/db spec.hostnames"]
    assert not [name for name in objects(outcome) if name.startswith("TCPMapping")]


SET = [{"name": "more", "port": 8443, "protocol": "HTTPS", "hostname": "more.test", "tls": ENDING}]


def listener_set(name: str, *listeners: dict[str, Any], namespace: str = "default", parent: str = "default") -> str:
    ref = {"name": "web", "namespace": parent}
    return made("ListenerSet", name, {"parentRef": ref, "listeners": list(listeners)}, namespace)


def open_gateway(*listeners: dict[str, Any], source: str = "All") -> str:
    text = gateway(*listeners)
    return text.replace(
        '"listeners": [', f'"allowedListeners": {{"namespaces": {{"from": "{source}"}}}}, "listeners": ['
    )


def test_a_listener_set_adds_to_its_gateway() -> None:
    parents = [{"name": "shop", "kind": "ListenerSet"}]
    text = open_gateway(HTTP) + listener_set("shop", *SET)
    outcome = converted(text + route("more", {"backendRefs": QUOTE}, parentRefs=parents), "emissary")
    found = objects(outcome)
    assert found["Host more-test"]["spec"]["tlsSecret"] == {"name": "db"}
    assert found["Listener more"]["spec"]["port"] == 8443
    assert found["Mapping more"]["spec"]["service"] == "quote"
    assert {"ListenerSet/default/shop", "Gateway/default/web"} <= replaced(outcome)
    assert lost(outcome) == {}


def test_a_listener_set_that_its_gateway_does_not_take_opens_nothing() -> None:
    parents = [{"name": "shop", "kind": "ListenerSet"}]
    text = gateway(HTTP) + listener_set("shop", *SET)
    outcome = converted(text + route("more", {"backendRefs": QUOTE}, parentRefs=parents), "emissary")
    assert not {"Host more-test", "Mapping more"} & set(objects(outcome))
    assert not {"ListenerSet/default/shop", "HTTPRoute/default/more"} & replaced(outcome)
    alone = converted(listener_set("shop", *SET), "emissary")
    assert "not among these objects" in lost(alone)["ListenerSet/default/shop spec.parentRef"]


def test_a_place_that_the_gateway_has_is_not_the_sets() -> None:
    parents = [{"name": "shop", "kind": "ListenerSet"}]
    text = open_gateway({**SET[0], "name": "own"}) + listener_set("shop", *SET)
    outcome = converted(text + route("more", {"backendRefs": QUOTE}, parentRefs=parents), "emissary")
    told = {each.object: each.reason for each in outcome.converted.told if each.path == "spec.listeners[0]"}
    assert (
        "Gateway default/web has more.test at port 8443" in told["gateway.networking.k8s.io/ListenerSet/default/shop"]
    )
    assert "Mapping more" not in objects(outcome)


CA = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "ca", "namespace": "default"},
        "data": {"ca.crt": "PEM\n"},
    }
)


def policy(**validation: Any) -> str:
    said = {"hostname": "quote.internal", **validation}
    return made(
        "BackendTLSPolicy",
        "quote",
        {"targetRefs": [{"group": "", "kind": "Service", "name": "quote"}], "validation": said},
    )


def test_a_policy_about_tls_to_services_is_a_context_and_https() -> None:
    refs = [{"group": "", "kind": "ConfigMap", "name": "ca"}]
    text = gateway(HTTP) + route("q", {"matches": [matching("/q")], "backendRefs": QUOTE}) + CA + "\n---\n"
    outcome = converted(text + policy(caCertificateRefs=refs), "emissary")
    found = objects(outcome)
    assert found["TLSContext quote"]["spec"] == {"sni": "quote.internal", "ca_secret": "ca"}
    assert found["Secret ca"]["stringData"] == {"ca.crt": "PEM\n"}
    assert (found["Mapping q"]["spec"]["service"], found["Mapping q"]["spec"]["tls"]) == ("https://quote:80", "quote")
    assert set(lost(outcome)) == {"BackendTLSPolicy/default/quote spec.validation.hostname"}
    assert "BackendTLSPolicy/default/quote" in replaced(outcome)


@pytest.mark.parametrize(
    ("validation", "path"),
    [
        ({"wellKnownCACertificates": "System"}, "spec.validation.wellKnownCACertificates"),
        ({"caCertificateRefs": [{"group": "", "kind": "Secret", "name": "ca"}]}, "spec.validation.caCertificateRefs"),
        ({}, "spec.validation.caCertificateRefs"),
    ],
)
def test_where_a_policy_cannot_be_said_nothing_leads_to_its_service(validation: dict[str, Any], path: str) -> None:
    text = gateway(HTTP) + route("q", {"backendRefs": [*QUOTE, {"name": "other", "port": 80}]}) + policy(**validation)
    outcome = converted(text, "emissary")
    assert not [name for name in objects(outcome) if name.startswith("Mapping")]
    assert not {"BackendTLSPolicy/default/quote", "HTTPRoute/default/q"} & replaced(outcome)
    told = lost(outcome)
    assert "BackendTLSPolicy cannot be said" in told["HTTPRoute/default/q spec.rules[0].backendRefs[0]"]
    assert f"BackendTLSPolicy/default/quote {path}" in told


def test_comments_stay_with_what_they_are_about() -> None:
    text = """
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: db}
spec:
  parentRefs: [{name: web, sectionName: tls}]
  hostnames:
    # the old name
    - a.db.test
  rules:
    - backendRefs:
        - name: db    # moves in May
          port: 5432
---
# seen by security
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: quote}
spec:
  targetRefs: [{group: "", kind: Service, name: db}]
  validation:
    hostname: db.internal    # as in its certificate
    caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]
---
"""
    outcome = converted(text + gateway(TLS) + CA, "emissary")
    said = {made.document["kind"]: text for made, text in zip(outcome.converted.made, outcome.texts, strict=True)}
    assert "# moves in May" in said["TCPMapping"]
    whole = "".join(outcome.texts)
    assert [whole.count(word) for word in ("the old name", "moves in May", "seen by security", "as in its")] == [1] * 4
    [context] = [text for text in outcome.texts if "sni: db.internal    # as in its certificate\n" in text]
    assert context.startswith("# seen by security\n")


def test_datagrams_are_named_with_what_to_do() -> None:
    udp = {"name": "dns", "port": 53, "protocol": "UDP"}
    spec = {"parentRefs": [{"name": "web"}], "rules": [{"backendRefs": [{"name": "dns", "port": 53}]}]}
    outcome = converted(gateway(HTTP, udp) + made("UDPRoute", "dns", spec), "emissary")
    told = {each.object.split("/")[1]: (each.reason, each.instead) for each in outcome.converted.told if each.lost}
    assert set(told) == {"Gateway", "UDPRoute"}
    assert all("passes datagrams on" in reason and "Gateway" in instead for reason, instead in told.values())
    assert "UDPRoute/default/dns" not in replaced(outcome)


def test_a_listener_that_asks_clients_for_certificates_is_not_opened() -> None:
    refs = [{"group": "", "kind": "ConfigMap", "name": "clients"}]
    asks = {"frontend": {"default": {"validation": {"caCertificateRefs": refs}}}}
    text = gateway(HTTPS).replace('"listeners": [', f'"tls": {json.dumps(asks)}, "listeners": [')
    outcome = converted(text + route("cart", {"backendRefs": QUOTE}), "emissary")
    assert objects(outcome) == {}
    assert "clients show certificates" in lost(outcome)["Gateway/default/web spec.tls.frontend.default.validation"]
    assert "HTTPRoute/default/cart" not in replaced(outcome)


def test_a_route_comes_where_it_is_let_come() -> None:
    def of(source: dict[str, Any]) -> bool:
        listener = {**HTTP, "allowedRoutes": {"namespaces": source}} if source else HTTP
        other = route("q", {"backendRefs": QUOTE}, parentRefs=[{"name": "web", "namespace": "default"}])
        text = gateway(listener) + other.replace('"name": "q"', '"name": "q", "namespace": "team"')
        return any(name.startswith("Mapping") for name in objects(converted(text, "emissary")))

    by_name = {"matchLabels": {"kubernetes.io/metadata.name": "team"}}
    assert (of({}), of({"from": "All"}), of({"from": "Selector", "selector": by_name})) == (False, True, True)


@pytest.mark.envoy
def test_two_envoys_agree_about_all_of_it() -> None:
    refs = [{"group": "", "kind": "ConfigMap", "name": "ca"}]
    ca = CA.replace('"PEM\\n"', json.dumps(authority().pair.certificate.decode()))
    text = open_gateway(HTTP, TLS, PASSED) + listener_set("shop", *SET) + secret("db", "*.db.test", "more.test")
    text += tls_route("db", "one.db.test", "*.db.test") + tls_route("pods", "a.pods.test", section="passed")
    text += route("more", {"backendRefs": QUOTE}, parentRefs=[{"name": "shop", "kind": "ListenerSet"}])
    text += f"---\n{ca}\n---\n" + policy(caCertificateRefs=refs)
    outcome = converted(text, "emissary", prove=True)
    proof = outcome.proof or {}
    assert (proof["differ"], proof["connections"]) == ([], 3 + 4)
    urls = {"/".join(each["url"].split("/")[:3]) for each in proof["as_told"]}
    assert urls == {"tls://a.pods.test:6443", "https://more.test:8443"}
