"""BackendTLSPolicies: what they demand of connections to Services, whose counts, and what their statuses say."""

from base64 import b64encode
from typing import Any

import orjson
import pytest

from tests.support.certificates import authority
from tests.translator.gateway.gateway_world import GatewayWorld, key_of, said, to, world
from tests.translator.gateway.test_gateway_refusals import ROUTES, WORLD, GatewayEnvoy
from tests.translator.gateway.test_gateway_tls_routes import ending, passing, tls_route
from translator import ir
from translator.ir import ObjectKey

ANY = "gateway:8000/*/*"
CA = authority("Backends").pair.certificate.decode()
GOOD = {"Accepted": "True/Accepted", "ResolvedRefs": "True/ResolvedRefs"}


def ca(name: str = "ca", **more: str) -> dict[str, str]:
    return {"group": "", "kind": "ConfigMap", "name": name, **more}


def spec(*refs: dict[str, Any], hostname: str = "red.test", section: str | None = None, **more: Any) -> dict[str, Any]:
    """A policy about the Service red, or one of its ports, with these CAs."""
    target = {"group": "", "kind": "Service", "name": "red", **({"sectionName": section} if section else {})}
    cas = {"caCertificateRefs": list(refs or (ca(),))} if "wellKnownCACertificates" not in more else {}
    return {"targetRefs": [target], "validation": {**cas, "hostname": hostname, **more}}


def begun(**policy: Any) -> GatewayWorld:
    """A world in which a policy is about the only Service, to which a route leads."""
    made = world()
    serve(made)
    made.config_map("ca", {"ca.crt": CA})
    made.route("a", {"backendRefs": [to()]})
    made.put("BackendTLSPolicy", "p", policy or spec())
    return made


def serve(made: GatewayWorld, word: str = "") -> None:
    """The Service, at whose port this is spoken."""
    made.put("Service", "red", {"ports": [{"port": 80, "name": "main", "appProtocol": word}]})


P = key_of("BackendTLSPolicy", "p")


def backends(made: GatewayWorld) -> list[ir.Backend | None]:
    found = []
    for route in made.routes(ANY):
        assert isinstance(route.action, ir.Forward)
        found += [share.backend for share in route.action.backends]
    return found


def tls(made: GatewayWorld) -> ir.UpstreamTls | None:
    """How the only backend is spoken with."""
    (backend,) = backends(made)
    assert backend is not None
    return backend.tls


def ancestors(made: GatewayWorld, key: ObjectKey = P) -> dict[str, dict[str, str]]:
    """What the status says, by the names of Gateways."""
    found = made.status(key)["ancestors"]
    assert {each["controllerName"] for each in found} <= {"getambassador.io/dragoman"}
    return {each["ancestorRef"]["name"]: said(each["conditions"]) for each in found}


def test_a_service_is_spoken_with_as_its_policy_says() -> None:
    made = begun()
    wanted = ir.ConfigMaps((("default", "ca"),))
    assert tls(made) == ir.UpstreamTls("red.test", wanted, names=(ir.PeerName("dns", "red.test"),))
    assert made.status(P)["ancestors"][0]["ancestorRef"] == {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": "default",
        "name": "web",
    }
    assert ancestors(made) == {"web": GOOD}
    assert made.problems(P) == {}
    made.delete(P)
    assert tls(made) is None
    assert made.status(P) == {}


def test_names_that_are_said_take_the_place_of_the_hostname() -> None:
    names = [
        {"type": "Hostname", "hostname": "a.test"},
        {"type": "Hostname", "hostname": "*.b.test"},
        {"type": "URI", "uri": "spiffe://c.test/d"},
    ]
    found = tls(begun(**spec(subjectAltNames=names)))
    assert found is not None
    assert found.sni == "red.test"
    assert found.names == (
        ir.PeerName("dns", "a.test"),
        ir.PeerName("within", "b.test"),
        ir.PeerName("uri", "spiffe://c.test/d"),
    )


@pytest.mark.parametrize(
    ("word", "protocol", "alpn"),
    [("", "http1", ()), ("https", "http1", ()), ("kubernetes.io/h2c", "http2", ("h2",)), ("grpc", "http2", ("h2",))],
)
def test_what_is_spoken_in_tls_is_what_the_port_says(word: str, protocol: str, alpn: tuple[str, ...]) -> None:
    made = begun()
    serve(made, word)
    (backend,) = backends(made)
    assert backend is not None
    assert backend.tls is not None
    assert (backend.protocol, backend.tls.alpn, backend.tls.sni) == (protocol, alpn, "red.test")


def test_calls_and_copies_are_of_the_same_service() -> None:
    made = begun()
    made.service("blue")
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("red")}}
    made.route("a", {"backendRefs": [to("blue")], "filters": [mirror]})
    (route,) = made.routes(ANY)
    assert isinstance(route.action, ir.Forward)
    (copied,) = route.action.mirrors
    assert copied.backend.tls is not None
    made.config_map("ca", {"ca.crt": ""})
    (route,) = made.routes(ANY)
    assert isinstance(route.action, ir.Forward)
    assert route.action.mirrors == ()
    assert ancestors(made)["web"]["Accepted"] == "False/NoValidCACertificate"
    made.config_map("ca", {"ca.crt": CA})
    made.route("a", {"backendRefs": [to("red")]}, kind="GRPCRoute")
    calls = [share for share in backends(made) if share is not None and share.protocol == "http2"]
    assert [share.tls is not None and share.tls.alpn for share in calls] == [("h2",)]


@pytest.mark.parametrize(
    ("policy", "accepted", "resolved"),
    [
        (spec(ca("missing")), "NoValidCACertificate", "InvalidCACertificateRef"),
        (spec(ca("broken")), "NoValidCACertificate", "InvalidCACertificateRef"),
        (spec(ca("empty")), "NoValidCACertificate", "InvalidCACertificateRef"),
        (spec(ca(kind="Odd", group="x.test")), "NoValidCACertificate", "InvalidKind"),
        (spec(ca("far", namespace="other")), "NoValidCACertificate", "InvalidCACertificateRef"),
        (spec(wellKnownCACertificates="x.test/y"), "Invalid", ""),
        (spec(wellKnownCACertificates="System"), "NoValidCACertificate", "InvalidCACertificateRef"),
        ({**spec(), "options": {"getambassador.io/x": "1"}}, "Invalid", ""),
        (spec(hostname="*.red.test"), "Invalid", ""),
        (spec(hostname="192.0.2.1"), "Invalid", ""),
        (spec(subjectAltNames=[{"type": "URI", "hostname": "a.test"}]), "Invalid", ""),
        ({**spec(), "validation": {"hostname": "red.test"}}, "Invalid", ""),
    ],
)
def test_who_cannot_be_verified_is_asked_nothing(policy: dict[str, Any], accepted: str, resolved: str) -> None:
    made = begun(**policy)
    made.config_map("broken", {"ca.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"})
    made.config_map("empty", {"ca.crt": ""})
    made.config_map("far", {"ca.crt": CA}, "other")
    assert backends(made) == [None]
    wanted = f"False/{resolved}" if resolved else "True/ResolvedRefs"
    assert ancestors(made) == {"web": {"Accepted": f"False/{accepted}", "ResolvedRefs": wanted}}
    assert made.problems(P)
    told = made.problems(key_of("HTTPRoute", "a"))
    assert told == {
        "spec.rules[0].backendRefs[0]": "gets no requests, since the BackendTLSPolicy default/p cannot be used"
    }
    assert made.parent(key_of("HTTPRoute", "a")) == GOOD, "its references are as they should be"


RED = {"group": "", "kind": "Service", "name": "red"}


@pytest.mark.parametrize(
    "targets",
    [
        [{"kind": "Service", "name": "red"}],
        [{"group": "", "name": "red"}],
        [{**RED, "sectionName": "Main"}],
        [{**RED, "sectionName": 80}],
        RED,
        [*({**RED, "name": f"r{number}"} for number in range(100)), RED],
    ],
)
def test_a_target_of_which_a_part_cannot_be_read_is_asked_nothing(targets: Any) -> None:
    made = begun(**{**spec(), "targetRefs": targets})
    assert backends(made) == [None]
    assert ancestors(made)["web"]["Accepted"] == "False/Invalid"


@pytest.mark.parametrize("target", ["red", 5, {"kind": "Odd", "name": "red"}, {"kind": "Service", "name": 5}])
def test_what_is_no_service_by_any_reading_closes_none(target: Any) -> None:
    made = begun(**{**spec(), "targetRefs": [target]})
    assert tls(made) is None


def test_a_policy_that_cannot_be_judged_by_a_bug_of_ours_closes_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translator.gateway.policies._names", lambda _: 1 // 0)
    made = begun()
    with pytest.raises(AssertionError):
        made.sweep()
    assert backends(made) == [None]


def test_options_of_others_are_nobodys_business() -> None:
    made = begun(**{**spec(), "options": {"x.test/y": "1"}})
    assert ancestors(made) == {"web": GOOD}


def test_of_several_cas_those_count_that_can_be_used() -> None:
    made = begun(**spec(ca("missing"), ca(), ca("other")))
    made.config_map("other", {"ca.crt": CA})
    found = tls(made)
    assert found is not None
    assert found.ca == ir.ConfigMaps((("default", "ca"), ("default", "other")))
    assert ancestors(made) == {"web": {"Accepted": "True/Accepted", "ResolvedRefs": "False/InvalidCACertificateRef"}}
    assert made.problems(P) == {
        "spec.validation.caCertificateRefs[0]": (
            "the ConfigMap default/missing does not exist, or its ca.crt holds no CA"
        )
    }


def test_the_cas_of_the_machine_are_read_where_somebody_wants_them() -> None:
    made = begun(**spec(wellKnownCACertificates="System"))
    made.sweep()
    (files,) = made.pipeline.files_wanted()
    assert files.paths == ("/etc/ssl/certs/ca-certificates.crt",)
    data = {files.paths[0]: b64encode(CA.encode()).decode()}
    made.change(files.key, orjson.dumps({"data": data, "troubles": {}}))
    found = tls(made)
    assert found is not None
    assert found.ca == ir.PemFiles(files.paths[0])
    assert ancestors(made) == {"web": GOOD}
    made.delete(P)
    made.sweep()
    assert made.pipeline.files_wanted() == ()


def test_the_older_policy_counts_and_the_more_specific_one() -> None:
    made = begun(**spec(hostname="first.test"))
    made.put("BackendTLSPolicy", "q", spec(hostname="second.test"))
    other = key_of("BackendTLSPolicy", "q")

    def sni() -> str | None:
        found = tls(made)
        return found.sni if found else None

    assert sni() == "first.test"
    assert ancestors(made, other) == {"web": {"Accepted": "False/Conflicted", "ResolvedRefs": "True/ResolvedRefs"}}
    assert made.problems(other) == {
        "spec.targetRefs[0]": "the Service default/red belongs to the BackendTLSPolicy default/p, which comes first"
    }
    made.put("BackendTLSPolicy", "q", spec(hostname="second.test"), creationTimestamp="2020-01-01T00:00:00Z")
    made.put("BackendTLSPolicy", "p", spec(hostname="first.test"), creationTimestamp="2021-01-01T00:00:00Z")
    assert sni() == "second.test"
    assert [ancestors(made, key)["web"]["Accepted"] for key in (P, other)] == ["False/Conflicted", "True/Accepted"]
    made.put("BackendTLSPolicy", "r", spec(hostname="section.test", section="main"))
    assert sni() == "section.test"
    assert ancestors(made, key_of("BackendTLSPolicy", "r")) == {"web": GOOD}
    assert ancestors(made, other) == {"web": GOOD}, "it counts for all other ports"
    made.delete(other)
    made.delete(key_of("BackendTLSPolicy", "r"))
    assert sni() == "first.test"
    assert ancestors(made) == {"web": GOOD}


def test_an_older_policy_that_is_broken_gives_its_service_to_nobody() -> None:
    made = begun(**spec(ca("missing")))
    made.put("BackendTLSPolicy", "q", spec())
    assert backends(made) == [None]
    made.put("BackendTLSPolicy", "p", {**spec(), "validation": "?"})
    assert backends(made) == [None]
    assert ancestors(made, key_of("BackendTLSPolicy", "q"))["web"]["Accepted"] == "False/Conflicted"


def test_ports_are_apart() -> None:
    made = begun(**spec(section="b"))
    ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]
    made.put("Service", "red", {"ports": ports})
    assert tls(made) is None
    assert ancestors(made) == {}, "no route leads to that port"
    made.route("a", {"backendRefs": [to(port=81)]})
    assert tls(made) is not None
    assert ancestors(made) == {"web": GOOD}
    made.put("BackendTLSPolicy", "p", spec(section="c"))
    assert tls(made) is None
    assert ancestors(made)["web"]["Accepted"] == "False/TargetNotFound"
    assert made.problems(P) == {"spec.targetRefs[0].sectionName": "the Service default/red has no port of the name c"}


def test_targets_that_are_missing_or_of_another_kind() -> None:
    made = begun()
    made.delete(key_of("Service", "red"))
    assert ancestors(made)["web"]["Accepted"] == "False/TargetNotFound"
    odd = {**spec(), "targetRefs": [{"group": "x.test", "kind": "Odd", "name": "red"}]}
    made.put("BackendTLSPolicy", "p", odd)
    made.service("red")
    assert tls(made) is None
    assert ancestors(made) == {}
    assert made.problems(P) == {"spec.targetRefs[0]": "x.test/Odd is not served: a target must be a Service"}


def test_a_policy_is_told_of_each_gateway_that_leads_to_its_service() -> None:
    made = begun()
    made.gateway("other", {"name": "http", "port": 8001, "protocol": "HTTP"}, allowedListeners=ALL)
    made.gateway("apart", {"name": "http", "port": 8002, "protocol": "HTTP"})
    made.put(
        "ListenerSet",
        "set",
        {"parentRef": {"name": "other"}, "listeners": [{"name": "more", "port": 8003, "protocol": "HTTP"}]},
    )
    made.service("blue")
    made.route("b", {"backendRefs": [to()]}, parentRefs=[{"name": "set", "kind": "ListenerSet"}])
    made.route("c", {"backendRefs": [to("blue")]}, parentRefs=[{"name": "apart"}])
    assert ancestors(made) == {"other": GOOD, "web": GOOD}
    made.delete(key_of("HTTPRoute", "b"))
    assert ancestors(made) == {"web": GOOD}


ALL = {"namespaces": {"from": "All"}}


def test_a_policy_of_another_namespace_says_nothing() -> None:
    made = begun()
    made.delete(P)
    made.config_map("ca", {"ca.crt": CA}, "evil")
    made.put("BackendTLSPolicy", "p", spec(), "evil")
    assert tls(made) is None
    assert ancestors(made, key_of("BackendTLSPolicy", "p", "evil")) == {}


def test_who_may_not_refer_to_a_service_is_told_nothing_of_its_policies() -> None:
    made = begun()
    made.delete(P)
    made.service("far", namespace="far")
    made.config_map("ca", {"ca.crt": CA}, "far")
    policy = {**spec(), "targetRefs": [{"group": "", "kind": "Service", "name": "far"}]}
    made.put("BackendTLSPolicy", "p", policy, "far")
    made.route("a", {"backendRefs": [to("far", namespace="far")]})
    key = key_of("BackendTLSPolicy", "p", "far")
    assert (backends(made), ancestors(made, key)) == ([None], {})
    made.put(
        "ReferenceGrant",
        "g",
        {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "default"}],
            "to": [{"group": "", "kind": "Service"}],
        },
        "far",
    )
    found = tls(made)
    assert found is not None
    assert found.ca == ir.ConfigMaps((("far", "ca"),))
    assert ancestors(made, key) == {"web": GOOD}


def test_what_a_gateway_shows_to_services_is_shown_there() -> None:
    made = begun()
    made.certificate("client")
    made.gateway("web", tls={"backend": {"clientCertificateRef": {"name": "client"}}})
    found = tls(made)
    assert found is not None
    assert (found.certificate, found.sni) == (ir.SecretRef("default", "client"), "red.test")


def test_what_a_gateway_shows_is_shown_to_who_gets_copies() -> None:
    made = begun()
    made.certificate("client")
    made.gateway("web", tls={"backend": {"clientCertificateRef": {"name": "client"}}})
    made.service("blue")
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("red")}}
    of_one = {"matches": [{"path": {"value": "/b"}}], "backendRefs": [to("blue", filters=[mirror])]}
    made.route("a", {"backendRefs": [to("blue")], "filters": [mirror]}, of_one)
    copied = [mirror.backend for route in made.routes(ANY) for mirror in getattr(route.action, "mirrors", ())]
    assert [each.tls and each.tls.certificate for each in copied] == 2 * [ir.SecretRef("default", "client")]


def test_a_policy_that_envoy_refuses_is_held_back_alone_and_its_service_gets_no_requests() -> None:
    envoy = GatewayEnvoy(lambda name, body: "boom" if name.startswith("cluster/") and b"bad.test" in body else None)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.put(0.0, *WORLD, (key_of("HTTPRoute", "a"), ROUTE))
    envoy.take(envoy.translation.objects_changed(0.0, {key_of("ConfigMap", "ca"): CONFIG_MAP}))
    envoy.answer(0.1)
    assert b"k8s/default/red/80" in envoy.translation.resources()[ROUTES].body
    envoy.put(1.0, (P, spec(hostname="bad.test")))
    envoy.answer(1.1)
    assert set(envoy.holds) == {P}
    (ancestor,) = envoy.said[P]["ancestors"]
    assert said(ancestor["conditions"])["Accepted"] == "False/Invalid"
    assert "boom" in ancestor["conditions"][0]["message"]
    assert b"k8s/default/red" not in envoy.translation.resources()[ROUTES].body
    envoy.put(2.0, (P, spec(hostname="good.test")))
    envoy.answer(2.1)
    assert said(envoy.said[P]["ancestors"][0]["conditions"]) == GOOD
    envoy.put(9.0, (P, spec(hostname="bad.test")))
    envoy.answer(9.1)
    assert b"k8s/default/red/80~" in envoy.translation.resources()[ROUTES].body, "its last good version"


def test_what_is_left_of_a_policy_is_never_taken_away_whatever_else_envoy_refuses() -> None:
    envoy = GatewayEnvoy(lambda name, body: "boom" if name.startswith("route/") and b"k8s/far" in body else None)
    envoy.translation.stream_changed(0.0, connected=True)
    elsewhere = {"matches": [{"path": {"value": "/far"}}], "backendRefs": [to("far", namespace="far")]}
    route = {**ROUTE, "rules": [*ROUTE["rules"], elsewhere]}
    far = (key_of("Service", "far", "far"), {"ports": [{"port": 80}]})
    envoy.put(0.0, *WORLD, (key_of("HTTPRoute", "a"), route), far)
    envoy.take(envoy.translation.objects_changed(0.0, {key_of("ConfigMap", "ca"): CONFIG_MAP}))
    envoy.answer(0.1)
    envoy.time_passed(5.0)
    grant = {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "default"}],
        "to": [{"group": "", "kind": "Service"}],
    }
    granted = key_of("ReferenceGrant", "g", "far")
    envoy.put(9.0, (P, spec()), (granted, grant))
    envoy.answer(9.1)
    envoy.take(envoy.translation.objects_changed(20.0, {granted: None}))
    envoy.answer(20.1)
    routes = envoy.translation.resources()[ROUTES]
    assert envoy.verdicts[ROUTES].accepted == routes.version
    assert b"k8s/default/red/80" not in routes.body, "in clear text"


@pytest.mark.parametrize("comes_later", [True, False])
def test_neither_the_gateway_nor_the_route_is_to_blame_for_a_policy_about_connections(comes_later: bool) -> None:
    envoy = GatewayEnvoy(lambda name, body: "boom" if name.startswith("cluster/") and b"bad.test" in body else None)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.take(envoy.translation.objects_changed(0.0, {key_of("ConfigMap", "ca"): CONFIG_MAP}))
    tcp = {"name": "t", "port": 9000, "protocol": "TCP"}
    gateway = (key_of("Gateway", "web"), {"gatewayClassName": "ours", "listeners": [tcp]})
    bad = (P, spec(hostname="bad.test"))
    envoy.put(0.0, WORLD[0], gateway, WORLD[2], (key_of("TCPRoute", "a"), ROUTE), *([] if comes_later else [bad]))
    envoy.answer(0.1)
    if comes_later:
        envoy.put(9.0, bad)
        envoy.answer(9.1)
    assert set(envoy.holds) == {P}
    body = envoy.translation.resources()["listener/gateway:9000"].body
    assert b"k8s/default/red" not in body


ROUTE = {"parentRefs": [{"name": "web"}], "rules": [{"backendRefs": [to()]}]}
CONFIG_MAP = orjson.dumps({"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": CA}})


def test_a_policy_costs_the_same_among_many_routes() -> None:
    assert steps_of_a_change(200) <= steps_of_a_change(20)


def steps_of_a_change(others: int) -> int:
    """How many rules run when one of so many routes to a Service with a policy changes what it asks."""
    made = begun()
    for number in range(others):
        made.route(f"r{number}", {"backendRefs": [to()]}, hostnames=[f"h{number}.test"])
    made.sweep()
    made.route("r7", {"backendRefs": [to(weight=2)]}, hostnames=["h7.test"])
    made.steps = 0
    made.sweep()
    return made.steps


def passed_on(made: GatewayWorld, *names: str) -> list[ir.UpstreamTls | str | None]:
    """How the only backend of each of these chains is spoken with; `nobody` where connections are closed."""
    found: list[ir.UpstreamTls | str | None] = []
    for name in names:
        body = made.chain(name).body
        assert isinstance(body, ir.TcpChain)
        (share,) = body.backends
        found.append(share.backend.tls if share.backend else "nobody")
    return found


def test_connections_that_end_here_go_on_as_the_policy_demands_and_those_passed_through_as_they_come() -> None:
    tcp = {"name": "t", "port": 9000, "protocol": "TCP"}
    made = world(passing("through", "a.test"), ending("ended", "b.test"), tcp)
    made.certificate("cert")
    serve(made)
    made.config_map("ca", {"ca.crt": CA})
    policy = made.put("BackendTLSPolicy", "p", spec())
    names = tls_route(made, "r", "a.test", "b.test")
    whole = made.route("t", {"backendRefs": [to()]}, kind="TCPRoute")
    through, ended = (f"gateway:8443/{name}.test:tls/TLSRoute/default/r" for name in "ab")
    plain = "gateway:9000/*:tcp/TCPRoute/default/t"
    demanded = ir.UpstreamTls("red.test", ir.ConfigMaps((("default", "ca"),)), names=(ir.PeerName("dns", "red.test"),))
    made.sweep()
    assert passed_on(made, through, ended, plain) == [None, demanded, demanded]
    assert ancestors(made) == {"web": GOOD}
    made.put("BackendTLSPolicy", "p", spec(ca("missing")))
    made.sweep()
    assert passed_on(made, through, ended, plain) == [None, "nobody", "nobody"]
    for route, what in ((names, "connections whose TLS ends here"), (whole, "connections")):
        assert made.problems(route) == {
            "spec.rules[0].backendRefs[0]": f"gets no {what}, since the BackendTLSPolicy default/p cannot be used"
        }
    made.delete(policy)
    made.sweep()
    assert passed_on(made, through, ended, plain) == [None, None, None]


def test_a_policy_says_nothing_of_a_gateway_that_only_passes_tls_through() -> None:
    made = world(passing("through", "a.test"))
    serve(made)
    made.config_map("ca", {"ca.crt": CA})
    made.put("BackendTLSPolicy", "p", spec())
    tls_route(made, "r", "a.test")
    assert ancestors(made) == {}
    made.certificate("cert")
    made.gateway("web", passing("through", "a.test"), ending("ended", "*.test"))
    assert ancestors(made) == {"web": GOOD}


def test_a_policy_makes_envoy_hold_no_more_than_a_mebibyte_of_cas() -> None:
    made = begun(**spec(ca("one"), ca("two")))
    half = CA * ((600 << 10) // len(CA))
    made.config_map("one", {"ca.crt": half})
    made.config_map("two", {"ca.crt": half})
    assert backends(made) == [None]
    said_of = {path.rpartition(".")[2]: message for path, message in made.problems(P).items()}
    assert said_of["caCertificateRefs"].endswith("all that are named together are larger than 1 MiB: name fewer")
    made.config_map("two", {"ca.crt": CA * 2 * ((600 << 10) // len(CA))})
    assert "data[ca.crt]: is larger than 1 MiB" in str(made.problems(P))
    assert tls(made) is not None, "the other one is enough"


def test_so_it_is_with_the_cas_of_clients() -> None:
    made = world({"name": "tls", "port": 8000, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "cert"}]}})
    made.certificate("cert")
    half = CA * ((600 << 10) // len(CA))
    for name in ("one", "two"):
        made.config_map(name, {"ca.crt": half})
    validation = {"validation": {"caCertificateRefs": [ca("one"), ca("two")]}}
    key = made.gateway(
        "web",
        {"name": "tls", "port": 8000, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "cert"}]}},
        tls={"frontend": {"default": validation}},
    )
    assert made.conditions(key, "tls")["Accepted"] == "False/NoValidCACertificate"
    assert made.conditions(key, "tls")["Programmed"] == "False/Invalid"
