"""A name is shut whatever is wrong with who has it: with its listener, its route, or with the name itself."""

from typing import Any

import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to
from translator import ir

NAME = "sec.test"
CLEAR = {"name": "h", "port": 8000, "protocol": "HTTP", "hostname": NAME}


def world() -> GatewayWorld:
    """A Gateway with a wide listener, and a route for all names."""
    made = GatewayWorld()
    made.gateway_class()
    made.service("red")
    made.gateway("wide", {"name": "http", "port": 8000, "protocol": "HTTP"}, created="2001-01-01T00:00:00Z")
    made.route("wide", {"backendRefs": [to()]}, parentRefs=[{"name": "wide"}])
    return made


def answering(made: GatewayWorld, name: str = NAME) -> ir.VirtualHost:
    """The virtual host that has a name in clear text."""
    body = made.chain("gateway:8000/cleartext").body
    assert isinstance(body, ir.HttpChain)
    by_domain = {domain: host for host in body.virtual_hosts for domain in (host.hostname, *host.also)}
    return by_domain.get(name) or by_domain.get("*" + name[name.index(".") :]) or by_domain["*"]


LISTENERS: dict[str, Any] = {
    "its name is a number": [{**CLEAR, "name": 5}],
    "it has no name": [{key: value for key, value in CLEAR.items() if key != "name"}],
    "in a mapping": {"h": CLEAR},
    "the hostname in a list": [{**CLEAR, "hostname": [NAME]}],
    "an address": [{**CLEAR, "hostname": f"https://{NAME}/"}],
    "with a port": [{**CLEAR, "hostname": f"{NAME}:8000"}],
    "with the dot of the root": [{**CLEAR, "hostname": f"{NAME}."}],
    "in capitals": [{**CLEAR, "hostname": NAME.upper()}],
    "the port is a text": [{**CLEAR, "port": "8000"}],
    "a number for the protocol": [{**CLEAR, "protocol": 5}],
    "no protocol of ours": [{**CLEAR, "protocol": "http"}],
    "the second of one name": [{**CLEAR, "hostname": "other.test"}, CLEAR],
    "beside one that is nothing": [5, CLEAR],
}


@pytest.mark.parametrize("hostname", [NAME, f"*.{NAME}"])
@pytest.mark.parametrize("what", LISTENERS)
def test_the_name_of_a_listener_that_cannot_be_read_is_shut(what: str, hostname: str) -> None:
    made = world()
    listeners = put(LISTENERS[what], hostname)
    key = made.put("Gateway", "sec", {"gatewayClassName": "ours", "listeners": listeners})
    assert answering(made, hostname.replace("*", "x")).insecure == "reject"
    assert answering(made, "another.test").name
    assert made.problems(key)
    made.status(key)
    made.delete(key)
    assert answering(made, hostname.replace("*", "x")).name


def put(value: Any, hostname: str) -> Any:
    if isinstance(value, dict):
        return {name: put(each, hostname) for name, each in value.items()}
    if isinstance(value, list):
        return [put(each, hostname) for each in value]
    if isinstance(value, str) and NAME in value.lower():
        return hostname.upper() if value.isupper() else value.replace(NAME, hostname)
    return value


def test_so_is_that_of_a_set_and_of_a_gateway_whose_class_is_in_a_list() -> None:
    made = world()
    made.gateway(
        "wide",
        {"name": "http", "port": 8000, "protocol": "HTTP"},
        allowedListeners={"namespaces": {"from": "All"}},
    )
    ref = {"name": "wide", "namespace": 5}
    key = made.put("ListenerSet", "sec", {"parentRef": ref, "listeners": [{**CLEAR, "name": 5}]})
    assert answering(made).insecure == "reject"
    made.delete(key)
    assert answering(made).insecure == "route"
    made.put("Gateway", "sec", {"gatewayClassName": ["ours"], "listeners": [CLEAR]})
    assert answering(made).insecure == "reject"
    assert made.problems(key_of("Gateway", "sec")) == {"spec.gatewayClassName": "must be a string, not a list"}


def test_who_is_well_has_the_name_that_another_one_only_seems_to_mean() -> None:
    made = world()
    listeners = [{**CLEAR, "protocol": 5}]
    made.put("Gateway", "old", {"gatewayClassName": "ours", "listeners": listeners}, creationTimestamp="2000-01-01")
    made.gateway("well", CLEAR, created="2002-01-01T00:00:00Z")
    assert made.conditions(key_of("Gateway", "well"), "h")["Programmed"] == "True/Programmed"
    assert answering(made).name == f"gateway:8000/{NAME}/{NAME}"


@pytest.mark.parametrize(
    ("listener", "path"),
    [({**CLEAR, "hostname": {"a": NAME}}, "hostname"), ({**CLEAR, "port": [8000]}, "port")],
)
def test_what_tells_no_name_is_told_so(listener: dict[str, Any], path: str) -> None:
    made = world()
    key = made.put("Gateway", "sec", {"gatewayClassName": "ours", "listeners": [listener]})
    made.sweep()
    told = [each.message for each in made.pipeline.problems([key])[key] if each.path == f"spec.listeners[0].{path}"]
    assert any("so that no" in message for message in told), told


PARENT = {"name": "wide"}
ROUTES: dict[str, dict[str, Any]] = {
    "a text": {"hostnames": NAME},
    "with a port": {"hostnames": [f"{NAME}:80"]},
    "with the dot of the root": {"hostnames": [f"{NAME}."]},
    "beside one that is none": {"hostnames": [{}, NAME]},
    "the parent is a text": {"parentRefs": "wide"},
    "the parent is in a text": {"parentRefs": ["wide"]},
    "the parents are one": {"parentRefs": PARENT},
    "the section is a number": {"parentRefs": [{**PARENT, "sectionName": 5}]},
    "the port is a text": {"parentRefs": [{**PARENT, "port": "x"}]},
    "the namespace is a list": {"parentRefs": [{**PARENT, "namespace": ["default"]}]},
}


@pytest.mark.parametrize("what", ROUTES)
@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_the_name_of_a_route_that_cannot_be_read_is_shut(kind: str, what: str) -> None:
    made = world()
    rules = [{"backendRefs": [to()]}]
    spec = {"parentRefs": [PARENT], "hostnames": [NAME], "rules": rules, **ROUTES[what]}
    key = made.put(kind, "sec", spec)
    assert answering(made).name == f"gateway:8000/*/{NAME}"
    assert made.routes(f"gateway:8000/*/{NAME}") == []
    assert made.problems(key)
    made.status(key)


ALLOWED: dict[str, tuple[Any, str]] = {
    "all": ({"namespaces": {"from": "All"}}, "reject"),
    "of its namespace": ({"namespaces": {"from": "Same"}}, "reject"),
    "none": ({"namespaces": {"from": "None"}}, "route"),
    "nothing said": (None, "route"),
    "what cannot be read": ({"namespaces": {"from": 5}}, "reject"),
    "a text": ("All", "reject"),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_a_set_of_a_gateway_that_cannot_be_read_keeps_its_names_shut_if_it_may_have_them(what: str) -> None:
    allowed, insecure = ALLOWED[what]
    made = world()
    spec = {"gatewayClassName": "ours", "addresses": 5, "listeners": [{**CLEAR, "hostname": "own.test"}]}
    made.put("Gateway", "sec", {**spec, **({"allowedListeners": allowed} if allowed else {})})
    key = made.put("ListenerSet", "set", {"parentRef": {"name": "sec"}, "listeners": [CLEAR]})
    assert answering(made).insecure == insecure
    assert answering(made, "own.test").insecure == "reject"
    assert answering(made, "another.test").insecure == "route"
    assert made.conditions(key)["Accepted"].startswith("False/")


def test_a_set_of_a_gateway_that_cannot_be_read_keeps_its_port() -> None:
    made = world()
    allowed = {"namespaces": {"from": "All"}}
    created = {"creationTimestamp": "2001-01-01T00:00:00Z"}
    spec = {"gatewayClassName": "ours", "addresses": 5, "allowedListeners": allowed, "listeners": [CLEAR]}
    made.put("Gateway", "sec", spec, **created)
    made.put("ListenerSet", "set", {"parentRef": {"name": "sec"}, "listeners": [{**CLEAR, "port": 8002}]})
    of_young = {"name": "tcp", "port": 8002, "protocol": "TCP"}
    younger = made.gateway("young", of_young, created="2002-01-01T00:00:00Z")
    assert made.conditions(younger, "tcp")["Accepted"] == "False/ProtocolConflict"
    assert [each for each in made.pipeline.intent.listeners.view().values() if each.port == 8002] == []


@pytest.mark.parametrize("given", [{}, {"allowedListeners": {"namespaces": {"from": "All"}}}])
def test_so_does_one_of_a_gateway_whose_file_cannot_be_read(given: dict[str, Any]) -> None:
    made = world()
    spec = {"gatewayClassName": "ours", "listeners": [], **given}
    made.document("Gateway", "sec", "default", spec=spec, standsIn=True)
    made.put("ListenerSet", "set", {"parentRef": {"name": "sec"}, "listeners": [CLEAR]})
    assert answering(made).insecure == "reject"
