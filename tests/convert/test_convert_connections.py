"""TCPMappings and TCPRoutes, each by the other: weights, Listeners, comments; and what stays as it is."""

import json
from typing import Any

import pytest

from tests.convert.converting import converted, lost, objects
from tests.convert.test_convert_to_gateway import BOTH
from tests.support.objects import an_object, host

EVERY = {"namespace": {"from": "ALL"}}
PORT = an_object("Listener", "raw", {"port": 6379, "protocol": "TCP", "securityModel": "XFP", "hostBinding": EVERY})


def tcp(name: str, service: str, port: int = 6379, **spec: Any) -> str:
    return an_object("TCPMapping", name, {"port": port, "service": service, **spec})


def test_tcp_mappings_of_a_port_are_one_route_at_a_listener_of_its_own() -> None:
    outcome = converted(
        PORT + tcp("a", "old:6379", weight=30) + tcp("b", "new.cache:6380") + tcp("c", "10.0.0.7", 7000)
    )
    found = objects(outcome)
    assert lost(outcome) == {}
    assert found["Gateway connections"]["spec"] == {
        "gatewayClassName": "dragoman",
        "listeners": [
            {"name": "tcp-6379", "port": 6379, "protocol": "TCP"},
            {"name": "tcp-7000", "port": 7000, "protocol": "TCP"},
        ],
    }
    assert found["TCPRoute a"]["spec"] == {
        "parentRefs": [{"name": "connections", "sectionName": "tcp-6379"}],
        "rules": [
            {
                "backendRefs": [
                    {"name": "old", "port": 6379, "weight": 30},
                    {"name": "new", "namespace": "cache", "port": 6380, "weight": 70},
                ]
            }
        ],
    }
    assert found["TCPRoute c"]["spec"]["rules"] == [{"backendRefs": [{"name": "ip-10-0-0-7", "port": 80}]}]
    assert found["ReferenceGrant tcproutes-of-default"]["metadata"]["namespace"] == "cache"
    assert {key.split("/", 1)[1] for key in outcome.converted.replaced} == {
        "Listener/default/raw", "TCPMapping/default/a", "TCPMapping/default/b", "TCPMapping/default/c",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "path", "said"),
    [
        ({"address": "10.1.1.1"}, "spec.address", "open at all of its addresses"),
        ({"tls": "upstream"}, "spec.tls", "does not say how TLS is spoken"),
        ({"service": "https://old"}, "spec.service", "does not say how TLS is spoken"),
        ({"resolver": "consul"}, "spec.resolver", "leads to a Service's pods"),
    ],
)
def test_what_decides_who_gets_in_or_where_it_goes_keeps_all_of_the_port(
    spec: dict[str, Any], path: str, said: str
) -> None:
    outcome = converted(PORT + tcp("a", **{"service": "old", **spec}) + tcp("b", "new"))
    told = lost(outcome)
    assert said in told[f"TCPMapping/default/a {path}"]
    assert "another TCPMapping of the port stays" in told["TCPMapping/default/b spec.port"]
    assert not [name for name in objects(outcome) if name.startswith("TCPRoute")]
    assert outcome.converted.replaced == frozenset()


def test_names_in_tls_beside_a_whole_port_stay_with_it() -> None:
    outcome = converted(PORT + tcp("a", "old", host="db.test") + tcp("b", "new"))
    told = lost(outcome)
    assert "has no TLS settings" in told["TCPMapping/default/a spec.host"]
    assert "a port of TCP is for one listener" in told["TCPMapping/default/b spec.port"]
    assert outcome.converted.replaced == frozenset()


NAMES = an_object("Listener", "names", {"port": 6443, "protocol": "TLS", "securityModel": "XFP", "hostBinding": EVERY})


def context(**more: Any) -> str:
    return an_object("TLSContext", "db", {"secret": "db", "hosts": ["db.test"], **more})


def test_a_name_in_tls_is_a_tls_route_by_the_certificate_that_it_has() -> None:
    text = NAMES + tcp("a", "old", 6443, host="db.test", weight=30) + tcp("b", "new", 6443, host="db.test")
    outcome = converted(text + tcp("c", "more.other", 6443, host="more.test") + context(hosts=["db.test", "more.test"]))
    found = objects(outcome)
    tls = {"mode": "Terminate", "certificateRefs": [{"name": "db"}]}
    assert found["Gateway connections"]["spec"]["listeners"] == [
        {"name": f"tls-6443-{number}", "port": 6443, "protocol": "TLS", "hostname": hostname, "tls": tls}
        for number, hostname in ((1, "db.test"), (2, "more.test"))
    ]
    assert found["TLSRoute a"]["spec"] == {
        "parentRefs": [{"name": "connections", "sectionName": "tls-6443-1"}],
        "hostnames": ["db.test"],
        "rules": [
            {"backendRefs": [{"name": "old", "port": 80, "weight": 30}, {"name": "new", "port": 80, "weight": 70}]}
        ],
    }
    assert found["ReferenceGrant tlsroutes-of-default"]["metadata"]["namespace"] == "other"
    assert (lost(outcome), "getambassador.io/Listener/default/names" in outcome.converted.replaced) == ({}, True)


def test_the_closest_host_has_the_certificate() -> None:
    hosts = host("wide", "*.test", tlsSecret={"name": "wide"}) + host("every", "*", tlsSecret={"name": "every"})
    found = objects(converted(BOTH + NAMES + tcp("a", "old", 6443, host="db.test") + hosts + context()))
    [listener] = found["Gateway connections"]["spec"]["listeners"]
    assert listener["tls"]["certificateRefs"] == [{"name": "wide"}]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (context(ca_secret="ca", cert_required=True), "asks clients for certificates"),
        (
            an_object(
                "TLSContext", "db", {"hosts": ["db.test"], "cert_chain_file": "/a.pem", "private_key_file": "/b.pem"}
            ),
            "in files",
        ),
        (
            host("db", "db.test", tlsSecret={"name": "db"}, tls={"ca_secret": "ca", "cert_required": True}) + context(),
            "has the TLS of Host default/db, which is not converted",
        ),
        (an_object("Host", "db", {"hostname": "db.test", "tlsSecret": 7}) + context(), "which is not converted"),
    ],
)
def test_a_name_whose_tls_no_listener_says_stays(more: str, said: str) -> None:
    outcome = converted(NAMES + tcp("a", "old", 6443, host="db.test") + more)
    assert said in lost(outcome)["TCPMapping/default/a spec.host"]
    assert not [name for name in objects(outcome) if name.startswith("TLSRoute")]
    assert "getambassador.io/TCPMapping/default/a" not in outcome.converted.replaced


def test_a_name_that_a_host_has_at_the_same_port_stays() -> None:
    hosts = BOTH + host("db", "db.test", tlsSecret={"name": "db"})
    outcome = converted(hosts + tcp("a", "old", 8443, host="db.test"))
    assert "at port 8443 also the name of Host default/db" in lost(outcome)["TCPMapping/default/a spec.host"]
    clear = converted(BOTH + host("db", "db.test") + tcp("a", "old", 8080, host="other.test") + context())
    assert "has clear text beside it at port 8080" in lost(clear)["TCPMapping/default/a spec.host"]


def test_a_listener_that_does_more_keeps_its_port() -> None:
    proxied = {"port": 6379, "protocolStack": ["PROXY", "TCP"], "securityModel": "XFP", "hostBinding": EVERY}
    outcome = converted(an_object("Listener", "raw", proxied) + tcp("a", "old"))
    assert "does more than pass connections on" in lost(outcome)["TCPMapping/default/a spec.port"]
    assert "no TCPMapping" in lost(converted(PORT))["Listener/default/raw spec.protocol"]


def test_what_cannot_be_said_beside_is_told_and_comments_stay() -> None:
    text = """
apiVersion: getambassador.io/v3alpha1
kind: TCPMapping
metadata: {name: a}
spec:
  # the old cache
  service: old:6379
  port: 6379
  idle_timeout_ms: 5000
"""
    outcome = converted(text)
    assert lost(outcome) == {
        "TCPMapping/default/a spec.idle_timeout_ms": "no route says how long a connection may be silent"
    }
    [written] = [text for text in outcome.texts if "kind: TCPRoute" in text]
    assert "# the old cache" in written


GATEWAY = "gateway.networking.k8s.io/v1"
LISTENERS = [
    {"name": "raw", "port": 6379, "protocol": "TCP"},
    {"name": "more", "port": 6380, "protocol": "TCP"},
    {"name": "by-name", "port": 6443, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
]


def gateway_object(kind: str, name: str, **spec: Any) -> str:
    return json.dumps({"apiVersion": GATEWAY, "kind": kind, "metadata": {"name": name}, "spec": spec}) + "\n---\n"


WEB = gateway_object("Gateway", "web", gatewayClassName="dragoman", listeners=LISTENERS)


def tcp_route(name: str, section: str, *refs: dict[str, Any]) -> str:
    parents = [{"name": "web", "sectionName": section}]
    return gateway_object("TCPRoute", name, parentRefs=parents, rules=[{"backendRefs": list(refs)}])


def test_a_tcp_route_is_a_tcp_mapping_for_each_backend() -> None:
    refs = ({"name": "old", "port": 6379, "weight": 3}, {"name": "new", "namespace": "cache", "port": 80, "weight": 1})
    outcome = converted(WEB + tcp_route("cache", "raw", *refs), "emissary")
    found = objects(outcome)
    assert found["TCPMapping cache"]["spec"] == {"port": 6379, "service": "old:6379"}
    assert found["TCPMapping cache-new"]["spec"] == {"port": 6379, "service": "new.cache", "weight": 25}
    assert (found["Listener raw"]["spec"]["port"], found["Listener raw"]["spec"]["protocol"]) == (6379, "TCP")
    told = lost(outcome)
    assert set(told) == {
        "Gateway/default/web spec.listeners[1].protocol",
        "Gateway/default/web spec.listeners[2].protocol",
    }


def test_a_second_route_for_a_port_is_told_since_tcp_mappings_would_share() -> None:
    ref = {"name": "old", "port": 6379}
    outcome = converted(WEB + tcp_route("a", "raw", ref) + tcp_route("b", "raw", ref), "emissary")
    assert [name for name in objects(outcome) if name.startswith("TCPMapping")] == ["TCPMapping a"]
    assert "has a TCPRoute before it" in lost(outcome)["TCPRoute/default/b spec.parentRefs"]


def test_there_and_back_is_the_same() -> None:
    there = converted(PORT + tcp("a", "old:6379", weight=30) + tcp("b", "new:6379"))
    text = "".join(json.dumps(each) + "\n---\n" for each in there.json()["objects"])
    back = objects(converted(text, "emissary"))
    specs = [each["spec"] for name, each in back.items() if name.startswith("TCPMapping")]
    assert specs == [{"port": 6379, "service": "old:6379"}, {"port": 6379, "service": "new:6379", "weight": 70}]
