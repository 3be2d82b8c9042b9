"""What becomes of listeners: whose a port and a hostname are, and what statuses say."""

from typing import Any

import pytest

from tests.support.certificates import authority
from tests.translator.gateway.gateway_world import GatewayWorld, key_of, world
from translator import ir
from translator.gateway.held import what_is_left

GATEWAY = key_of("Gateway", "web")


def listener(name: str = "http", port: int = 8000, protocol: str = "HTTP", **more: Any) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": protocol, **more}


def test_a_gateway_whose_listeners_are_good() -> None:
    made = world(listener())
    assert made.conditions(GATEWAY) == {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
    assert made.status(GATEWAY)["listeners"] == [
        {
            "name": "http",
            "supportedKinds": [
                {"group": "gateway.networking.k8s.io", "kind": kind} for kind in ("GRPCRoute", "HTTPRoute")
            ],
            "attachedRoutes": 0,
            "conditions": made.status(GATEWAY)["listeners"][0]["conditions"],
        }
    ]
    assert made.conditions(GATEWAY, "http") == {
        "Accepted": "True/Accepted",
        "ResolvedRefs": "True/ResolvedRefs",
        "Programmed": "True/Programmed",
    }


def test_protocols_that_are_not_served() -> None:
    made = world(listener("odd", protocol="example.com/odd"))
    assert made.conditions(GATEWAY) == {"Accepted": "False/ListenersNotValid", "Programmed": "False/Invalid"}
    assert made.conditions(GATEWAY, "odd")["Accepted"] == "False/UnsupportedProtocol"
    assert made.status(GATEWAY)["listeners"][0]["supportedKinds"] == []
    made = world(listener("odd", protocol="example.com/odd"), listener())
    assert made.conditions(GATEWAY) == {"Accepted": "True/ListenersNotValid", "Programmed": "True/Programmed"}


@pytest.mark.parametrize(("kinds", "left"), [(["Odd"], []), (["Odd", "HTTPRoute"], ["HTTPRoute"])])
def test_kinds_that_are_not_served(kinds: list[str], left: list[str]) -> None:
    made = world(listener(allowedRoutes={"kinds": [{"kind": kind} for kind in kinds]}))
    assert made.conditions(GATEWAY, "http")["ResolvedRefs"] == "False/InvalidRouteKinds"
    assert [each["kind"] for each in made.status(GATEWAY)["listeners"][0]["supportedKinds"]] == left


def test_listeners_of_one_gateway_that_cannot_be_told_apart_are_all_refused() -> None:
    made = world(
        listener("a", hostname="x.test"),
        listener("b", hostname="x.test"),
        listener("c"),
        listener("d", 8001),
        listener("e", 8001, "HTTPS", hostname="y.test"),
    )
    refused = {name: made.conditions(GATEWAY, name) for name in "abcde"}
    for name in "ab":
        assert refused[name]["Conflicted"] == "True/HostnameConflict"
        assert refused[name]["Accepted"] == refused[name]["Programmed"] == "False/HostnameConflict"
    assert "Conflicted" not in refused["c"]
    for name in "de":
        assert refused[name]["Conflicted"] == "True/ProtocolConflict"


def test_of_two_gateways_the_older_one_keeps_what_both_want() -> None:
    made = world(listener(hostname="x.test"))
    made.gateway("web", listener(hostname="x.test"), created="2021-01-01T00:00:00Z")
    made.gateway("aaa", listener(hostname="x.test"), created="2022-01-01T00:00:00Z")
    made.gateway("bbb", listener("tls", 8000, "HTTPS"), created="2022-01-01T00:00:00Z")
    assert made.conditions(key_of("Gateway", "aaa"), "http")["Conflicted"] == "True/HostnameConflict"
    assert made.conditions(key_of("Gateway", "bbb"), "tls")["Conflicted"] == "True/ProtocolConflict"
    assert made.conditions(GATEWAY, "http")["Accepted"] == "True/Accepted"
    made.gateway("aaa", listener(hostname="x.test"), created="2020-01-01T00:00:00Z")
    assert made.conditions(GATEWAY, "http")["Conflicted"] == "True/HostnameConflict"
    assert "Gateway default/aaa" in made.problems(GATEWAY)["spec.listeners[0]"]


def closed(made: GatewayWorld, chain: str) -> dict[str, str]:
    """The hostnames for which a chain refuses requests, and how."""
    body = made.chain(chain).body
    assert isinstance(body, ir.HttpChain)
    return {
        domain: host.insecure for host in body.virtual_hosts if not host.name for domain in (host.hostname, *host.also)
    }


@pytest.mark.parametrize("wrong", ["parameters", "held", "kinds", "alike", "unread"])
def test_what_is_not_served_keeps_its_hostname_from_wider_listeners_and_younger_gateways(wrong: str) -> None:
    made = world()
    kinds = {"kinds": [{"kind": "Odd"}]} if wrong == "kinds" else {}
    own = [listener(hostname="x.test", allowedRoutes=kinds)]
    own += [listener("again", hostname="x.test")] if wrong == "alike" else []
    own += [listener("odd", 0), listener("more", hostname="?")] if wrong == "unread" else []
    more = (
        {"infrastructure": {"parametersRef": {"group": "", "kind": "X", "name": "x"}}} if wrong == "parameters" else {}
    )
    key = made.gateway("web", *own, created="2020-01-01T00:00:00Z", **more)
    if wrong == "held":
        made.sweep()
        made.change(key, what_is_left(key, made.pipeline.object(key) or b""))
    other = made.gateway("other", listener(), created="2021-01-01T00:00:00Z")
    third = made.gateway("third", listener(hostname="x.test"), created="2022-01-01T00:00:00Z")
    made.route("all", {"backendRefs": [{"name": "red", "port": 80}]}, parentRefs=[{"name": "other"}])
    assert made.conditions(key, "http")["Programmed"].startswith("False/")
    assert made.conditions(other)["Programmed"] == "True/Programmed"
    assert made.conditions(third, "http")["Conflicted"] == "True/HostnameConflict"
    assert closed(made, "gateway:8000/cleartext") == {"x.test": "reject", "x.test.": "reject"}
    made.gateway("web", listener(hostname="x.test"), created="2020-01-01T00:00:00Z")
    assert closed(made, "gateway:8000/cleartext") == {}


def test_without_a_certificate_a_hostname_goes_to_no_wider_listener() -> None:
    made = world(https("tls", "x.test", {"name": "missing"}), https("wide", "*.test", {"name": "good"}))
    with_secret(made, "good")
    made.route("all", {"backendRefs": [{"name": "red", "port": 80}]}, hostnames=["x.test", "y.test"])
    assert closed(made, "gateway:8443/*.test:tls") == {"x.test": "misdirected", "x.test.": "misdirected"}
    body = made.chain("gateway:8443/*.test:tls").body
    assert isinstance(body, ir.HttpChain)
    assert {host.hostname for host in body.virtual_hosts if host.name} == {"*.test", "y.test"}


def test_a_gateway_that_cannot_be_read_says_so() -> None:
    made = world()
    made.certificate("good")
    made.gateway("web", https("tls", "x.test", {"name": "good"}), listener("odd", 0))
    assert made.conditions(GATEWAY) == {"Accepted": "False/Invalid", "Programmed": "False/Invalid"}
    assert [each["name"] for each in made.status(GATEWAY)["listeners"]] == ["tls"]
    assert made.conditions(GATEWAY, "tls")["Programmed"] == "False/Invalid"
    assert [*made.problems(GATEWAY)] == ["spec.listeners[1].port"]
    assert "gateway:8443" not in made.pipeline.intent.listeners.view()


def test_a_hostname_of_tls_that_is_passed_through_goes_to_no_listener_of_https() -> None:
    through = listener("through", 8443, "TLS", hostname="x.test", tls={"mode": "Passthrough"})
    made = world(through, https("wide", "*.test", {"name": "good"}))
    with_secret(made, "good")
    assert made.conditions(GATEWAY, "through")["Accepted"] == "True/Accepted"
    assert made.conditions(GATEWAY, "wide")["Programmed"] == "True/Programmed"
    assert closed(made, "gateway:8443/*.test:tls") == {"x.test": "misdirected", "x.test.": "misdirected"}
    late = made.gateway("zzz", https("tls", "x.test", {"name": "good"}))
    assert made.conditions(late, "tls")["Conflicted"] == "True/HostnameConflict"
    made.gateway("web", {**through, "port": 8000}, listener())
    for name in ("through", "http"):
        assert made.conditions(GATEWAY, name)["Conflicted"] == "True/ProtocolConflict"


def test_what_is_said_of_a_conflict_does_not_depend_on_what_was_before() -> None:
    every = (listener("a"), listener("b", 8000, "HTTPS", hostname="x.test"), listener("c", 8000, "HTTPS"))
    once, later = world(*every), world(every[2])
    later.sweep()
    later.gateway("web", *every)
    assert once.status(GATEWAY) == later.status(GATEWAY)


def test_where_very_many_share_a_port_every_other_host_counts_as_anothers() -> None:
    made = world(*[https(f"l{number}", f"h{number}.x.test", {"name": "a"}) for number in range(64)])
    made.gateway("more", *[https(f"l{number}", f"h{number}.y.test", {"name": "a"}) for number in range(35)])
    with_secret(made, "a")
    assert "*" not in closed(made, "gateway:8443/h1.x.test:tls")
    made.gateway("wide", https("y", "*.y.test", {"name": "a"}), https("all", "*.test", {"name": "missing"}))
    assert closed(made, "gateway:8443/h1.x.test:tls") == {"*": "misdirected"}
    found = closed(made, "gateway:8443/*.y.test:tls")
    assert {*found} == {"*", *(f"h{number}.y.test{dot}" for number in range(35) for dot in ("", "."))}
    assert {*found.values()} == {"misdirected"}


def test_who_loses_a_port_by_its_protocol_keeps_no_hostname_there() -> None:
    made = world(listener(), listener("odd", 8443))
    made.gateway("web", listener(), created="2020-01-01T00:00:00Z")
    made.gateway("late", listener("tls", 8000, "HTTPS", hostname="x.test"), created="2021-01-01T00:00:00Z")
    assert closed(made, "gateway:8000/cleartext") == {}


def test_parameters_and_addresses() -> None:
    made = world()
    made.gateway("web", infrastructure={"parametersRef": {"group": "", "kind": "ConfigMap", "name": "x"}})
    assert made.conditions(GATEWAY)["Accepted"] == "False/InvalidParameters"
    assert made.conditions(GATEWAY, "http")["Programmed"] == "False/Invalid"
    made.gateway("web", addresses=[{"type": "example.com/odd", "value": "x"}])
    assert made.conditions(GATEWAY)["Accepted"] == "False/UnsupportedAddress"


def test_addresses_are_those_of_our_own_service() -> None:
    made = world(in_cluster=True, namespace="ambassador")
    assert made.conditions(GATEWAY)["Programmed"] == "False/AddressNotAssigned"
    labels = {"app.kubernetes.io/component": "ambassador-service"}
    ingress = [{"ip": "192.0.2.1"}, {"hostname": "lb.test"}]
    made.put("Service", "own", {"ports": [{"port": 80}]}, "ambassador", labels=labels)
    assert made.conditions(GATEWAY)["Programmed"] == "False/AddressNotAssigned"
    fields = {"spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {"ingress": ingress}}}
    made.document("Service", "own", "ambassador", metadata={"labels": labels}, **fields)
    assert made.status(GATEWAY)["addresses"] == [
        {"type": "IPAddress", "value": "192.0.2.1"},
        {"type": "Hostname", "value": "lb.test"},
    ]
    made.gateway("web", addresses=[{"value": "192.0.2.1"}])
    assert made.status(GATEWAY)["addresses"] == [{"type": "IPAddress", "value": "192.0.2.1"}]
    assert made.conditions(GATEWAY)["Programmed"] == "True/Programmed"
    made.gateway("web", addresses=[{"value": "192.0.2.9"}])
    assert made.conditions(GATEWAY) == {"Accepted": "True/Accepted", "Programmed": "False/AddressNotUsable"}
    made.gateway("web", addresses=[{"type": "IPAddress"}])
    assert len(made.status(GATEWAY)["addresses"]) == 2


def test_a_status_has_as_many_addresses_as_it_may() -> None:
    made = world(in_cluster=True, namespace="ambassador")
    ingress = [{"ip": f"192.0.2.{number}"} for number in range(20)]
    fields = {"spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {"ingress": ingress}}}
    labels = {"app.kubernetes.io/component": "ambassador-service"}
    made.document("Service", "own", "ambassador", metadata={"labels": labels}, **fields)
    assert len(made.status(GATEWAY)["addresses"]) == 16


def https(name: str = "tls", hostname: str = "x.test", *refs: dict[str, Any]) -> dict[str, Any]:
    return listener(name, 8443, "HTTPS", hostname=hostname, tls={"certificateRefs": list(refs)})


def with_secret(made: GatewayWorld, name: str, namespace: str = "default") -> None:
    pair = authority().sign("x.test")
    made.secret(name, {"tls.crt": pair.certificate, "tls.key": pair.key}, namespace)


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ({"name": "good"}, "True/ResolvedRefs"),
        ({"name": "missing"}, "False/InvalidCertificateRef"),
        ({"name": "broken"}, "False/InvalidCertificateRef"),
        ({"name": "good", "kind": "ConfigMap"}, "False/InvalidCertificateRef"),
        ({"name": "good", "group": "example.com"}, "False/InvalidCertificateRef"),
        ({"name": "good", "namespace": "vault"}, "False/RefNotPermitted"),
        ({"name": "missing", "namespace": "vault"}, "False/RefNotPermitted"),
    ],
)
def test_certificates(ref: dict[str, Any], reason: str) -> None:
    made = world(https("tls", "x.test", ref))
    with_secret(made, "good")
    with_secret(made, "good", "vault")
    made.secret("broken", {"tls.crt": b"x", "tls.key": b"y"})
    said = made.conditions(GATEWAY, "tls")
    assert said["ResolvedRefs"] == reason
    assert said["Programmed"] == ("True/Programmed" if reason.startswith("True") else "False/Invalid")
    assert said["Accepted"] == "True/Accepted"


def test_a_grant_lets_a_certificate_be_used_until_it_is_gone() -> None:
    made = world(https("tls", "x.test", {"name": "good", "namespace": "vault"}))
    with_secret(made, "good", "vault")
    source = [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "default"}]
    grant = made.put("ReferenceGrant", "g", {"from": source, "to": [{"group": "", "kind": "Secret"}]}, "vault")
    assert made.conditions(GATEWAY, "tls")["ResolvedRefs"] == "True/ResolvedRefs"
    made.delete(grant)
    assert made.conditions(GATEWAY, "tls")["ResolvedRefs"] == "False/RefNotPermitted"


def test_hostnames_in_tls_that_overlap_are_told() -> None:
    made = world(https("wide", "*.x.test", {"name": "a"}), https("narrow", "a.x.test", {"name": "b"}))
    with_secret(made, "a")
    with_secret(made, "b")
    for name in ("wide", "narrow"):
        assert made.conditions(GATEWAY, name)["OverlappingTLSConfig"] == "True/OverlappingHostnames"
    made.gateway("web", https("wide", "*.x.test", {"name": "a"}), https("other", "y.test", {"name": "a"}))
    assert made.conditions(GATEWAY, "other")["OverlappingTLSConfig"] == "True/OverlappingCertificates"


def test_of_very_many_that_overlap_some_are_named() -> None:
    made = world(*[https(f"l{number:02}", f"h{number}.x.test", {"name": "a"}) for number in range(20)])
    made.gateway("wide", https("wide", "*.x.test", {"name": "a"}))
    with_secret(made, "a")
    found = made.status(key_of("Gateway", "wide"))["listeners"][0]["conditions"]
    said = next(each["message"] for each in found if each["type"] == "OverlappingTLSConfig")
    assert "l07 of default/web and 12 more: requests" in said


def test_clients_are_checked_by_what_the_gateway_says_of_their_port() -> None:
    made = world()
    with_secret(made, "a")
    ca = authority().pair.certificate
    made.config_map("good", {"ca.crt": ca.decode()})
    made.config_map("broken", {"ca.crt": "x"})

    def checked(**ref: str) -> dict[str, str]:
        said = {"group": "", "kind": "ConfigMap", "name": "good", **ref}
        frontend = {"default": {"validation": {"caCertificateRefs": [said]}}}
        made.gateway("web", https("tls", "x.test", {"name": "a"}), listener(), tls={"frontend": frontend})
        assert made.conditions(GATEWAY, "http")["Programmed"] == "True/Programmed"
        return made.conditions(GATEWAY, "tls")

    assert checked()["Programmed"] == "True/Programmed"
    tls = made.chain("gateway:8443/x.test:tls").tls
    assert tls is not None
    assert tls.require_client_certificate
    for ref, reason in (
        ({"name": "missing"}, "InvalidCACertificateRef"),
        ({"name": "broken"}, "InvalidCACertificateRef"),
        ({"kind": "Secret"}, "InvalidCACertificateKind"),
        ({"namespace": "other"}, "RefNotPermitted"),
    ):
        said = checked(**ref)
        assert said["ResolvedRefs"] == f"False/{reason}"
        assert (said["Accepted"], said["Programmed"]) == ("False/NoValidCACertificate", "False/Invalid")


def test_a_fallback_is_told() -> None:
    made = world()
    with_secret(made, "a")
    made.config_map("good", {"ca.crt": authority().pair.certificate.decode()})
    refs = [{"group": "", "kind": "ConfigMap", "name": "good"}]
    lax = {"validation": {"caCertificateRefs": refs, "mode": "AllowInsecureFallback"}}
    strict = {"default": {"validation": {"caCertificateRefs": refs}}, "perPort": [{"port": 8443, "tls": lax}]}
    made.gateway("web", https("tls", "x.test", {"name": "a"}), tls={"frontend": strict})
    assert made.conditions(GATEWAY)["InsecureFrontendValidationMode"] == "True/ConfigurationChanged"
    tls = made.chain("gateway:8443/x.test:tls").tls
    assert tls is not None
    assert not tls.require_client_certificate
    assert (tls.client_ca, tls.takes_any_client) == (ir.ConfigMaps((("default", "good"),)), True)


def test_classes() -> None:
    made = world()
    ours, theirs = made.gateway_class(), made.gateway_class("theirs", "example.com/other")
    assert made.conditions(ours) == {"Accepted": "True/Accepted"}
    names = [each["name"] for each in made.status(ours)["supportedFeatures"]]
    assert names == sorted(names)
    assert {"Gateway", "HTTPRoute", "ReferenceGrant"} <= set(names)
    assert made.status(theirs) == {}
    made.gateway_class("ours", parametersRef={"group": "", "kind": "ConfigMap", "name": "x"})
    assert made.conditions(ours) == {"Accepted": "False/InvalidParameters"}
    assert made.conditions(GATEWAY)["Accepted"] == "False/Invalid"
