"""ListenerSets: whose Gateway takes them, what they lose, and what statuses say."""

from typing import Any

from tests.support.certificates import authority
from tests.translator.gateway.gateway_world import GROUP, GatewayWorld, key_of, said, to, world
from translator import ir

GATEWAY = key_of("Gateway", "web")


def listener(name: str = "http", port: int = 8000, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "HTTP", **more}


def allowing(**namespaces: Any) -> GatewayWorld:
    made = world()
    made.gateway("web", listener(hostname="own.test"), allowedListeners={"namespaces": namespaces})
    return made


def put(made: GatewayWorld, name: str, *listeners: dict[str, Any], namespace: str = "default", **meta: Any) -> str:
    parent = {"name": "web", "namespace": "default"}
    return made.put("ListenerSet", name, {"parentRef": parent, "listeners": list(listeners)}, namespace, **meta)


def attached(made: GatewayWorld) -> int:
    found: int = made.status(GATEWAY)["attachedListenerSets"]
    return found


def test_whose_sets_a_gateway_takes() -> None:
    refused = {"Accepted": "False/NotAllowed", "Programmed": "False/NotAllowed"}
    accepted = {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
    for namespaces, own, other in (
        ({}, refused, refused),
        ({"from": "None"}, refused, refused),
        ({"from": "Same"}, accepted, refused),
        ({"from": "All"}, accepted, accepted),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "x"}}}, refused, accepted),
    ):
        made = allowing(**namespaces)
        made.put("Namespace", "other", {}, labels={"team": "x"})
        here = put(made, "here", listener(hostname="here.test"))
        there = put(made, "there", listener(hostname="there.test"), namespace="other")
        assert (made.conditions(here), made.conditions(there)) == (own, other), namespaces
        assert attached(made) == [own, other].count(accepted)


def test_tcp_is_told_whose_port_it_wants() -> None:
    made = allowing(**{"from": "All"})
    tcp = {"name": "tcp", "port": 8000, "protocol": "TCP"}
    found = put(made, "a", listener(hostname="a.test"), tcp)
    free = put(made, "b", listener(hostname="b.test"), {**tcp, "port": 8001})
    lost = made.conditions(found, "tcp")
    assert lost["Accepted"] == lost["Programmed"] == "False/ProtocolConflict"
    assert lost["Conflicted"] == "True/ProtocolConflict"
    assert made.conditions(found, "http")["Programmed"] == "True/Programmed"
    assert made.conditions(free, "tcp")["Accepted"] == "True/Accepted"
    assert "Conflicted" not in made.conditions(free, "tcp")


def test_a_later_one_loses_only_what_others_have() -> None:
    made = allowing(**{"from": "All"})
    first = put(made, "z", listener("a", hostname="a.test"), creationTimestamp="2020-01-01T00:00:00Z")
    second = put(
        made,
        "b",
        listener("a", hostname="a.test"),
        listener("own", hostname="own.test"),
        listener("free", hostname="free.test"),
        creationTimestamp="2021-01-01T00:00:00Z",
    )
    third = put(made, "c", listener("a", hostname="a.test"), creationTimestamp="2022-01-01T00:00:00Z")
    assert made.conditions(first) == {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
    assert made.conditions(second) == {"Accepted": "True/ListenersNotValid", "Programmed": "True/Programmed"}
    assert made.conditions(third) == {"Accepted": "False/ListenersNotValid", "Programmed": "False/ListenersNotValid"}
    for name in ("a", "own"):
        lost = made.conditions(second, name)
        assert lost["Conflicted"] == "True/HostnameConflict"
        assert lost["Accepted"] == lost["Programmed"] == "False/HostnameConflict"
    assert made.conditions(GATEWAY, "http")["Accepted"] == "True/Accepted"
    assert attached(made) == 2
    assert "Gateway default/web" in made.problems(second)["spec.listeners[1]"]


def test_another_protocol_loses_the_port() -> None:
    made = allowing(**{"from": "All"})
    made.certificate("cert")
    tls = {"certificateRefs": [{"name": "cert"}]}
    found = put(made, "a", {"name": "tls", "port": 8000, "protocol": "HTTPS", "hostname": "x.test", "tls": tls})
    assert made.conditions(found, "tls")["Conflicted"] == "True/ProtocolConflict"
    assert made.conditions(found)["Accepted"] == "False/ListenersNotValid"


def test_certificates_of_another_namespace_take_a_grant_to_listener_sets() -> None:
    made = allowing(**{"from": "All"})
    made.certificate("cert", "vault")
    tls = {"certificateRefs": [{"name": "cert", "namespace": "vault"}]}
    found = put(made, "a", {"name": "tls", "port": 8443, "protocol": "HTTPS", "tls": tls})
    assert made.conditions(found, "tls")["ResolvedRefs"] == "False/RefNotPermitted"
    assert made.conditions(found) == {"Accepted": "False/ListenersNotValid", "Programmed": "False/ListenersNotValid"}
    for kind, reason in (("Gateway", "False/RefNotPermitted"), ("ListenerSet", "True/ResolvedRefs")):
        source = [{"group": GROUP, "kind": kind, "namespace": "default"}]
        made.put("ReferenceGrant", "g", {"from": source, "to": [{"group": "", "kind": "Secret"}]}, "vault")
        assert made.conditions(found, "tls")["ResolvedRefs"] == reason


def test_routes_attach_to_what_they_name() -> None:
    made = allowing(**{"from": "All"})
    found = put(made, "set", listener("more", hostname="*.more.test"), namespace="other")
    parents = [
        {"name": "set", "kind": "ListenerSet", "namespace": "other"},
        {"name": "web", "namespace": "default"},
        {"name": "web", "namespace": "default", "sectionName": "more"},
    ]
    route = made.route("a", {"backendRefs": [to()]}, parentRefs=parents, namespace="other")
    reasons = [said(each["conditions"])["Accepted"] for each in made.status(route)["parents"]]
    assert reasons == ["True/Accepted", "False/NotAllowedByListeners", "False/NoMatchingParent"]
    assert made.status(route)["parents"][0]["parentRef"]["kind"] == "ListenerSet"
    assert made.status(found)["listeners"][0]["attachedRoutes"] == 1
    here = made.route("b", {"backendRefs": [to()]}, parentRefs=[parents[0], parents[1]])
    reasons = [said(each["conditions"])["Accepted"] for each in made.status(here)["parents"]]
    assert reasons == ["False/NotAllowedByListeners", "True/Accepted"], "Same is the namespace of the ListenerSet"


def test_kinds_that_are_not_served_are_told_of_an_entry() -> None:
    made = allowing(**{"from": "All"})
    kinds = {"kinds": [{"kind": "TLSRoute"}]}
    found = put(made, "a", listener("odd", hostname="a.test", allowedRoutes=kinds), listener("ok", hostname="b.test"))
    assert made.conditions(found, "odd")["ResolvedRefs"] == "False/InvalidRouteKinds"
    assert made.conditions(found, "ok")["ResolvedRefs"] == "True/ResolvedRefs"


def test_a_gateway_that_is_not_accepted_takes_none() -> None:
    made = allowing(**{"from": "All"})
    found = put(made, "a", listener(hostname="a.test"))
    made.gateway(
        "web",
        allowedListeners={"namespaces": {"from": "All"}},
        infrastructure={"parametersRef": {"group": "", "kind": "X", "name": "x"}},
    )
    assert made.conditions(found)["Accepted"] == "False/ParentNotAccepted"
    assert attached(made) == 0


def test_clients_of_a_set_are_checked_by_what_the_gateway_names_and_not_by_a_namesake() -> None:
    made = world()
    ca = authority().pair.certificate.decode()
    ref = {"group": "", "kind": "ConfigMap", "name": "ca"}
    frontend = {"default": {"validation": {"caCertificateRefs": [ref]}}}
    made.gateway("web", listener(), allowedListeners={"namespaces": {"from": "All"}}, tls={"frontend": frontend})
    made.certificate("cert", "other")
    made.document("ConfigMap", "ca", "other", data={"ca.crt": ca})
    tls = {"certificateRefs": [{"name": "cert"}]}
    found = put(made, "a", {"name": "tls", "port": 8443, "protocol": "HTTPS", "tls": tls}, namespace="other")
    assert made.conditions(found, "tls")["Accepted"] == "False/NoValidCACertificate"
    made.config_map("ca", {"ca.crt": ca})
    assert made.conditions(found, "tls")["Programmed"] == "True/Programmed"
    termination = made.chain("gateway:8443/*:tls").tls
    assert termination is not None
    assert termination.client_ca == ir.ConfigMaps((("default", "ca"),))


def test_a_set_that_cannot_be_read_says_so_and_keeps_its_hostnames() -> None:
    made = allowing(**{"from": "All"})
    made.gateway("wide", listener())
    found = put(made, "a", listener(hostname="a.test"), listener("odd", 0))
    assert made.conditions(found) == {"Accepted": "False/ListenersNotValid", "Programmed": "False/ListenersNotValid"}
    assert made.conditions(found, "http")["Programmed"] == "False/Invalid"
    body = made.chain("gateway:8000/cleartext").body
    assert isinstance(body, ir.HttpChain)
    assert [host.hostname for host in body.virtual_hosts if host.insecure == "reject"] == ["a.test"]


def test_others_are_not_told_of() -> None:
    made = world()
    parent = {"name": "missing"}
    found = made.put("ListenerSet", "a", {"parentRef": parent, "listeners": [listener()]})
    assert made.status(found) == {}
