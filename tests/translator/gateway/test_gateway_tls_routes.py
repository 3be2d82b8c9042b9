"""TLSRoutes: which names in TLS they get, at which listeners, and what becomes of names that nobody serves."""

from typing import Any

import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to, world
from translator import ir
from translator.gateway.held import what_is_left

GATEWAY = key_of("Gateway", "web")
PORT = 8443
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def passing(name: str = "tls", hostname: str | None = None, **more: Any) -> dict[str, Any]:
    """A listener that passes TLS through."""
    named = {"hostname": hostname} if hostname else {}
    tls = {"mode": "Passthrough"}
    return {"name": name, "port": PORT, "protocol": "TLS", "tls": tls, **named, **more}


def ending(name: str, hostname: str, secret: str = "cert", protocol: str = "TLS") -> dict[str, Any]:
    """A listener that ends TLS."""
    tls = {"mode": "Terminate", "certificateRefs": [{"name": secret}]}
    return {"name": name, "port": PORT, "protocol": protocol, "hostname": hostname, "tls": tls}


def tls_route(made: GatewayWorld, name: str, *hostnames: str, backend: str = "red", **more: Any) -> str:
    rules = more.pop("rules", [{"backendRefs": [to(backend)]}])
    return made.route(name, *rules, kind="TLSRoute", hostnames=list(hostnames), **more)


def whose(made: GatewayWorld, port: int = PORT) -> dict[str, str]:
    """For each name in TLS the Service that has its connections: of HTTP, `closed`, or the shares."""
    made.sweep()
    found: dict[str, str] = {}
    for chain in made.pipeline.intent.chains.view().values():
        if chain.listener != f"gateway:{port}":
            continue
        for name in chain.server_names or ("*",):
            assert name not in found, "Envoy refuses a listener with a name twice"
            found[name] = said(chain.body)
    return found


def said(body: object) -> str:
    if not isinstance(body, ir.TcpChain):
        return "http"
    shares = [(target_of(each.backend), each.weight) for each in body.backends]
    if len(shares) == 1:
        return shares[0][0]
    return "closed" if not shares else " ".join(f"{name}*{weight}" for name, weight in shares)


def target_of(backend: ir.Backend | None) -> str:
    if backend is None:
        return "closed"
    assert isinstance(backend.target, ir.ServicePort)
    assert backend.protocol == "tcp"
    assert backend.tls is None
    return backend.target.name


def test_tls_is_passed_through_or_ended_as_the_listener_says() -> None:
    made = world(passing("through", "a.test"), ending("ended", "b.test"))
    made.certificate("cert")
    route = tls_route(made, "r", "a.test", "b.test")
    assert made.conditions(GATEWAY) == {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
    for listener in made.status(GATEWAY)["listeners"]:
        assert listener["supportedKinds"] == [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute"}]
        assert listener["attachedRoutes"] == 1
    assert made.parent(route) == {"Accepted": "True/Accepted", "ResolvedRefs": "True/ResolvedRefs"}
    through = made.chain("gateway:8443/a.test:tls/TLSRoute/default/r")
    assert (through.tls, through.passthrough, through.server_names) == (None, True, ("a.test",))
    ended = made.chain("gateway:8443/b.test:tls/TLSRoute/default/r")
    assert ended.tls is not None
    assert (ended.tls.alpn, ended.passthrough) == ((), False)


def test_a_name_goes_to_the_listener_and_the_route_that_say_the_most_of_it_then_to_the_oldest() -> None:
    made = world(passing("every"), passing("wide", "*.x.test"), passing("exact", "a.x.test"))
    for name in ("blue", "green", "grey"):
        made.service(name)
    tls_route(made, "wide", "*.test", created=OLD)
    tls_route(made, "narrow", "*.x.test", "b.x.test", backend="blue", created=NEW)
    tls_route(made, "late", "b.x.test", backend="green", created="2022-01-01T00:00:00Z")
    only = [{"name": "web", "sectionName": "every"}]
    tls_route(made, "elsewhere", "c.x.test", "a.x.test", "y.test", backend="grey", parentRefs=only)
    assert whose(made) == {
        "*": "closed",
        "*.test": "red",
        "y.test": "grey",
        "*.x.test": "blue",
        "b.x.test": "blue",
        "a.x.test": "blue",
    }
    assert [each["attachedRoutes"] for each in made.status(GATEWAY)["listeners"]] == [4, 3, 2]


def test_who_shrinks_to_one_name_is_ranked_by_what_was_written() -> None:
    made = world(passing("exact", "a.x.test"))
    made.service("blue")
    tls_route(made, "old", "*.test", created=OLD)
    tls_route(made, "new", "*.x.test", backend="blue", created=NEW)
    assert whose(made) == {"a.x.test": "blue"}


@pytest.mark.parametrize("wrong", ["no route", "not allowed", "no certificate", "unread", "held", "excess"])
def test_what_is_not_served_is_closed_and_goes_to_no_wider_one(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world()
    made.certificate("cert")
    made.gateway("wide", passing("wide", "*.test"), created=OLD)
    tls_route(made, "all", "*.test", parentRefs=[{"name": "wide"}])
    own = passing("own", "a.test") if wrong != "no certificate" else ending("own", "a.test", "missing")
    if wrong == "not allowed":
        own["allowedRoutes"] = {"kinds": [{"kind": "Odd"}]}
    made.gateway("web", own, created=NEW)
    if wrong == "excess":
        monkeypatch.setattr("translator.gateway.routes.MOST_ROUTES", 1)
        tls_route(made, "own", "a.test", parentRefs=[{"name": "web"}, {"name": "wide"}])
    elif wrong == "unread":
        tls_route(made, "own", "a.test", rules=[{"backendRefs": []}])
    elif wrong != "no route":
        tls_route(made, "own", "a.test")
    if wrong == "held":
        made.sweep()
        key = key_of("TLSRoute", "own")
        made.change(key, what_is_left(key, made.pipeline.object(key) or b""))
    assert whose(made) == {"*.test": "red", "a.test": "closed"}


def test_a_route_that_is_stopped_keeps_its_name_from_other_routes_and_one_without_names_wants_none() -> None:
    made = world(passing("all", "*.test"))
    tls_route(made, "old", "a.test", rules=[], created=OLD)
    tls_route(made, "new", "a.test", "*.test", created=NEW)
    tls_route(made, "odd", "?", created="2000-01-01T00:00:00Z")
    assert whose(made) == {"*.test": "red", "a.test": "closed"}
    assert made.parent(key_of("TLSRoute", "old"))["Accepted"] == "False/UnsupportedValue"
    assert made.status(GATEWAY)["listeners"][0]["attachedRoutes"] == 1


def test_names_of_https_and_tls_share_a_port_and_who_comes_first_keeps_one() -> None:
    made = world(passing("own", "a.test"), ending("web", "*.test", protocol="HTTPS"), ending("b", "b.test"))
    made.certificate("cert")
    tls_route(made, "r", "a.test")
    assert whose(made) == {"a.test": "red", "*.test": "http", "b.test": "closed"}
    made.gateway("web", passing("own", "a.test"), ending("again", "a.test", protocol="HTTPS"))
    for name in ("own", "again"):
        assert made.conditions(GATEWAY, name)["Conflicted"] == "True/HostnameConflict"
    made.gateway("web", passing("own", "a.test"), created=OLD)
    late = made.gateway("late", ending("x", "a.test"), {"name": "clear", "port": PORT, "protocol": "HTTP"}, created=NEW)
    assert made.conditions(late, "x")["Conflicted"] == "True/HostnameConflict"
    assert made.conditions(late, "clear")["Conflicted"] == "True/ProtocolConflict"
    late = made.gateway("late", ending("x", "a.test"), created=NEW)
    assert made.conditions(late, "x")["Conflicted"] == "True/HostnameConflict"


def test_an_https_listener_that_is_not_served_is_closed_to_wider_names_that_are_passed_through() -> None:
    made = world(passing("all", "*.test"), ending("web", "a.test", "missing", protocol="HTTPS"))
    tls_route(made, "all", "*.test", "a.test")
    assert whose(made) == {"*.test": "red", "a.test": "closed"}


def test_shares_and_what_leads_nowhere() -> None:
    made = world(passing(hostname="a.test"))
    made.service("far", namespace="other")
    made.service("speaking", appProtocol="https")
    made.service("odd", appProtocol="kubernetes.io/odd")
    backends = [to(weight=3), to("missing"), to("red", weight=0), to("far", namespace="other", weight=2)]
    key = tls_route(made, "r", "a.test", rules=[{"backendRefs": backends}])
    assert whose(made) == {"a.test": "red*3 closed*1 closed*2"}
    assert made.parent(key) == {"Accepted": "True/Accepted", "ResolvedRefs": "False/BackendNotFound"}
    assert made.problems(key) == {
        "spec.rules[0].backendRefs[1]": "the Service default/missing does not exist",
        "spec.rules[0].backendRefs[3]": "no ReferenceGrant in other lets TLSRoutes of default refer to its Services",
    }
    source = [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute", "namespace": "default"}]
    grant = made.put("ReferenceGrant", "g", {"from": source, "to": [{"group": "", "kind": "Service"}]}, "other")
    assert whose(made) == {"a.test": "red*3 closed*1 far*2"}
    made.delete(grant)
    assert whose(made) == {"a.test": "red*3 closed*1 closed*2"}
    tls_route(made, "r", "a.test", rules=[{"backendRefs": [to("speaking"), to("odd")]}])
    assert whose(made) == {"a.test": "speaking*1 odd*1"}, "whatever is spoken, it is passed on"
    tls_route(made, "r", "a.test", rules=[{"backendRefs": [to(kind="ServiceImport", group="x.test")]}])
    assert made.parent(key)["ResolvedRefs"] == "False/InvalidKind"
    assert whose(made) == {"a.test": "closed"}


def test_which_listeners_take_a_route() -> None:
    made = world(passing(hostname="a.test"), {"name": "clear", "port": 80, "protocol": "HTTP"})
    for ref, hostname, reason in (
        ({}, "b.test", "False/NoMatchingListenerHostname"),
        ({"sectionName": "clear"}, "a.test", "False/NotAllowedByListeners"),
        ({"sectionName": "none"}, "a.test", "False/NoMatchingParent"),
        ({"port": 80}, "a.test", "False/NotAllowedByListeners"),
        ({"port": PORT}, "a.test", "True/Accepted"),
    ):
        key = tls_route(made, "r", hostname, parentRefs=[{"name": "web", **ref}])
        assert made.parent(key)["Accepted"] == reason
    stranger = tls_route(made, "r", "a.test", namespace="other", parentRefs=[{"name": "web", "namespace": "default"}])
    assert made.parent(stranger)["Accepted"] == "False/NotAllowedByListeners"
    assert whose(made) == {"a.test": "red"}
    http = made.route("h", {"backendRefs": [to()]}, parentRefs=[{"name": "web", "sectionName": "tls"}])
    assert made.parent(http)["Accepted"] == "False/NotAllowedByListeners"


def test_a_set_adds_listeners_in_tls() -> None:
    made = world()
    made.gateway("web", passing("all", "*.test"), allowedListeners={"namespaces": {"from": "Same"}})
    made.put("ListenerSet", "s", {"parentRef": {"name": "web"}, "listeners": [passing("own", "a.test")]})
    tls_route(made, "all", "*.test", "a.test")
    tls_route(made, "own", "a.test", backend="blue", parentRefs=[{"name": "s", "kind": "ListenerSet"}])
    made.service("blue")
    assert whose(made) == {"*.test": "red", "a.test": "blue"}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"hostnames": ["192.0.2.1"]}, "spec.hostnames[0]"),
        ({"hostnames": []}, "spec.hostnames"),
        ({"rules": [{"backendRefs": [to()]}] * 2}, "spec.rules"),
        ({"rules": [{"backendRefs": [{"name": "red"}]}]}, "spec.rules[0].backendRefs[0].port"),
        ({"rules": [{"backendRefs": []}]}, "spec.rules[0].backendRefs"),
    ],
)
def test_what_a_crd_would_refuse_is_told_here(spec: dict[str, Any], path: str) -> None:
    made = world(passing())
    good = {"parentRefs": [{"name": "web"}], "hostnames": ["a.test"], "rules": [{"backendRefs": [to()]}]}
    assert path in made.problems(made.put("TLSRoute", "r", {**good, **spec}))


def test_very_many_names_at_very_many_listeners_are_told_and_cost_no_more() -> None:
    made = GatewayWorld()
    made.gateway_class()
    made.service("red")
    for number in range(4):
        made.gateway(f"g{number}", *[passing(f"l{place}", f"h{place}.x{number}.test") for place in range(64)])
    names = [f"n{number}.test" for number in range(1023)] + ["*.x0.test"]
    parents = [{"name": f"g{number}"} for number in range(4)]
    key = tls_route(made, "r", *names, parentRefs=parents)
    assert made.parent(key)["Accepted"] == "False/UnsupportedValue"
    assert "1,024 at 256 listeners are too many" in made.problems(key)["spec.hostnames"]
    key = tls_route(made, "r", *names, parentRefs=parents[:1])
    assert made.parent(key)["Accepted"] == "True/Accepted"
    assert set(whose(made).values()) == {"red", "closed"}
    message = made.problems(tls_route(made, "r", *names, parentRefs=parents[1:2]))["spec.parentRefs[0]"]
    assert "n7.test and 1016 more" in message


def test_a_changed_route_costs_the_same_among_many() -> None:
    assert steps_of_a_change(200) <= steps_of_a_change(10)


def steps_of_a_change(count: int) -> int:
    made = world(passing())
    for number in range(count):
        tls_route(made, f"r{number}", f"h{number}.test")
    made.sweep()
    made.steps = 0
    tls_route(made, "r0", "h0.test", "more.test")
    made.sweep()
    assert whose(made)["more.test"] == "red"
    return made.steps
