"""Names that Mappings and HTTPRoutes have together: who may, in which order, and at what cost."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, to, world
from translator import ir
from translator.filters import switched_off, switches_of

HOST, NAME = "default/h", "h.test"
OPEN = {"name": "open", "port": 8080, "protocol": "HTTP", "hostname": NAME}
SECURE = {"name": "secure", "port": 8443, "protocol": "HTTPS", "hostname": NAME}
CERTIFIED = {"tls": {"certificateRefs": [{"name": "cert"}]}}


def put(made: GatewayWorld, kind: str, name: str, spec: Mapping[str, Any], namespace: str = "default") -> str:
    """Put an object of Emissary's."""
    key = f"getambassador.io/{kind}/{namespace}/{name}"
    named = {"name": name, "namespace": namespace}
    body = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": named, "spec": spec}
    made.change(key, orjson.dumps(body))
    return key


def beside(*listeners: Mapping[str, Any], tls: str = "cert", hostname: str = NAME, **options: Any) -> GatewayWorld:
    """A Host at two Listeners, and a Gateway with these listeners."""
    made = world(*listeners, **options)
    for port, protocol in ((8080, "HTTP"), (8443, "HTTPS")):
        binding = {"namespace": {"from": "ALL"}}
        spec = {"port": port, "protocol": protocol, "securityModel": "XFP", "hostBinding": binding}
        put(made, "Listener", protocol.lower(), spec)
    made.certificate("cert")
    policy = {"insecure": {"action": "Route"}}
    put(made, "Host", "h", {"hostname": hostname, "tlsSecret": {"name": tls}, "requestPolicy": policy})
    return made


def mapping(made: GatewayWorld, name: str, prefix: str = "/", **spec: Any) -> str:
    return put(made, "Mapping", name, {"hostname": NAME, "prefix": prefix, "service": "old:80", **spec})


def match(path: str, kind: str = "PathPrefix", **more: Any) -> dict[str, Any]:
    return {"matches": [{"path": {"type": kind, "value": path}, **more}], "backendRefs": [to()]}


def names(made: GatewayWorld, host: str) -> list[str]:
    """Whose the routes of a virtual host are, in their order: Mappings by their names, and matches by their paths."""
    routes = made.routes(host)
    assert routes, f"nothing is at {host}"
    return [each.match.path.text if "@" in each.name else each.name.partition("/")[2] for each in routes if _own(each)]


def _own(route: ir.Route) -> bool:
    return not route.name.startswith(":")


def test_the_more_specific_goes_first_and_of_two_alike_the_mapping() -> None:
    made = beside(OPEN)
    for name, prefix in (("all", "/"), ("api", "/api/"), ("old", "/api/old/"), ("tie", "/tie")):
        mapping(made, name, prefix)
    mapping(made, "asking", "/asked", headers={"x-a": "b"})
    mapping(made, "first", "/f", precedence=1)
    mapping(made, "last", "/a/very/long/one/", precedence=-1)
    mapping(made, "expression", "/x[0-9]+", prefix_regex=True)
    rules = [match(path) for path in ("/api", "/api/new/", "/tie", "/asked", "/", "/first")]
    rules += [match("/api/old/one", "Exact"), match("/api/[a-z]+/very/long", "RegularExpression")]
    made.route("r", *rules)
    assert names(made, f"{HOST}@8080") == [
        "first",
        "/api/old/one",
        "old",
        "expression",
        "/api/new/",
        "asking",
        "/asked",
        "/first",
        "api",
        "/api/[a-z]+/very/long",
        "tie",
        "/api",
        "/tie",
        "all",
        "/",
        "last",
    ]


def test_routes_among_themselves_stand_as_the_api_has_it() -> None:
    made = beside(OPEN)
    headers, queries = [{"name": "x-long-name", "value": "v"}], [{"name": "q", "value": "v"}]
    made.route(
        "r",
        match("/p"),
        match("/p", queryParams=queries),
        match("/p", headers=headers),
        match("/p", headers=[{"name": "a", "value": "b"}, {"name": "c", "value": "d"}]),
        match("/p", method="GET"),
        match("/p/", "Exact"),
        match("/p[a-z]*", "RegularExpression"),
        created="2021-01-01T00:00:00Z",
    )
    made.route("older", match("/p"), created="2020-01-01T00:00:00Z")
    found = [each.name.rpartition("/")[2] for each in made.routes(f"{HOST}@8080") if "HTTPRoute" in each.name]
    assert found == ["5-0", "4-0", "3-0", "2-0", "1-0", "6-0", "0-0", "0-0"]
    assert "older" in [each.name for each in made.routes(f"{HOST}@8080") if "HTTPRoute" in each.name][-2]


def test_mappings_keep_their_order_and_their_other_ports() -> None:
    """Nothing that a Gateway says changes which Mapping answers, or what is at a port that it does not name."""
    made = beside(SECURE | CERTIFIED)
    for name, prefix in (("a", "/"), ("b", "/b/c"), ("d", "/b")):
        mapping(made, name, prefix)
    made.route("r", match("/b/c/d"))
    assert names(made, HOST) == ["b", "d", "a"]
    assert names(made, f"{HOST}@8443:tls") == ["/b/c/d", "b", "d", "a"]
    hosts = {
        host.name
        for name in ("default/http/cleartext", "default/https/cleartext")
        for host in _hosts(made.chain(name))
        if host.hostname == NAME
    }
    assert hosts == {HOST}, "in clear text it is the Host's alone"
    assert [host.name for host in _hosts(made.chain(f"default/https/{NAME}")) if host.name] == [f"{HOST}@8443:tls"]


def _hosts(chain: ir.FilterChain) -> tuple[ir.VirtualHost, ...]:
    assert isinstance(chain.body, ir.HttpChain)
    return chain.body.virtual_hosts


def test_who_shares_is_told_so_and_opens_nothing() -> None:
    made = beside(OPEN, SECURE | CERTIFIED)
    key = made.route("r", match("/r"))
    found = made.status("gateway.networking.k8s.io/Gateway/default/web")
    assert [each["attachedRoutes"] for each in found["listeners"]] == [1, 1]
    for each in found["listeners"]:
        accepted = next(one for one in each["conditions"] if one["type"] == "Accepted")
        assert (accepted["status"], "Host default/h" in accepted["message"]) == ("True", True)
    assert made.parent(key)["Accepted"] == "True/Accepted"
    assert not [name for name in made.pipeline.intent.listeners.view() if name.startswith("gateway:")]
    assert not [name for name in made.pipeline.intent.chains.view() if name.startswith("gateway:")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hostname": "other.test"}, "no Host of default serves other.test there by TLS"),
        ({"hostname": "*.test"}, "it may have the exact hostname of a Host"),
        ({"hostname": None}, "it may have the exact hostname of a Host"),
        ({"tls": {"certificateRefs": [{"name": "more"}]}}, "must name its certificate, and no other"),
        ({"tls": {"certificateRefs": [{"name": "cert"}, {"name": "more"}]}}, "must name its certificate, and no other"),
    ],
)
def test_what_cannot_be_shared(change: dict[str, Any], said: str) -> None:
    made = beside({key: value for key, value in (SECURE | CERTIFIED | change).items() if value is not None})
    made.certificate("more")
    made.route("r", match("/r"))
    assert refused(made) == "False/PortUnavailable"
    assert said in str(made.problems("gateway.networking.k8s.io/Gateway/default/web"))
    assert not [name for name in made.pipeline.intent.hosts_of.view() if name.startswith("HTTPRoute")]


def refused(made: GatewayWorld, namespace: str = "default") -> str:
    return made.conditions(f"gateway.networking.k8s.io/Gateway/{namespace}/web", "secure")["Accepted"]


def test_who_asks_clients_for_certificates_does_not_share_a_name_that_may_not() -> None:
    made = beside()
    frontend = {"default": {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}}
    made.gateway("web", SECURE | CERTIFIED, tls={"frontend": frontend})
    assert refused(made) == "False/PortUnavailable"


def test_a_host_of_another_namespace_is_nobody_elses() -> None:
    made = beside()
    made.certificate("cert", "thieves")
    made.gateway("web", SECURE | CERTIFIED, namespace="thieves")
    made.route("r", match("/r"), namespace="thieves")
    assert refused(made, "thieves") == "False/PortUnavailable"
    assert [host.name for host in _hosts(made.chain(f"default/https/{NAME}")) if host.name] == [HOST]


def test_a_host_that_is_stopped_is_shared_with_nobody() -> None:
    made = beside(SECURE | CERTIFIED, OPEN, tls="none")
    made.route("r", match("/r"))
    assert refused(made) == "False/PortUnavailable"
    assert not [name for name in made.pipeline.intent.hosts_of.view() if name.startswith("HTTPRoute")]


def test_the_last_step_the_gateway_has_the_port_when_the_listener_is_gone() -> None:
    made = beside(OPEN)
    mapping(made, "all")
    made.route("r", match("/r"))
    assert names(made, f"{HOST}@8080") == ["/r", "all"]
    made.delete("getambassador.io/Listener/default/http")
    made.delete("getambassador.io/Listener/default/https")
    assert names(made, f"gateway:8080/{NAME}/{NAME}") == ["/r"]


def policy(made: GatewayWorld, **said: Any) -> None:
    """A RoutePolicy for the route `r`."""
    made.put("RoutePolicy", "p", {"targetRefs": [{"kind": "HTTPRoute", "name": "r"}], **said})


def told(made: GatewayWorld) -> dict[str, bytes]:
    """What the route that has `/r` says to HTTP filters in Envoy."""
    (route,) = [each for each in made.routes(f"{HOST}@8080") if each.match.path.text == "/r"]
    return {name: bytes(each) for name, each in (switches_of(route.filters) or {}).items()}


def test_nobody_gets_in_by_a_policy_whom_the_module_keeps_out() -> None:
    """What a route says of addresses takes, for Envoy, the place of what its chain says."""
    made = beside(OPEN)
    made.route("r", match("/r"))
    allowed, denied = {"ip_allow": [{"remote": "10.0.0.0/8"}]}, {"ip_deny": [{"remote": "10.1.0.0/16"}]}
    policy(made, **allowed, **denied)
    both = told(made)
    policy(made, **allowed)
    assert told(made) != both
    put(made, "Module", "ambassador", {"config": denied})
    assert told(made) == both
    policy(made, ip_allow=[])
    assert told(made) == {}, "so that the Module's hold"


def test_a_policy_may_say_that_nobody_is_asked_and_nothing_compressed() -> None:
    """A chain that has Mappings has both on for all."""
    made = beside(OPEN)
    made.route("r", match("/r"))
    policy(made, external_auth=False, compress=False)
    assert list(told(made)) == ["envoy.filters.http.compressor"], "nobody can be asked"
    put(made, "AuthService", "auth", {"auth_service": "auth:80"})
    found = told(made)
    assert found == {name: bytes(each) for name, each in (switched_off(found) or {}).items()}
    assert set(found) == {"envoy.filters.http.compressor", "envoy.filters.http.ext_authz"}


@pytest.mark.parametrize("kind", ["a route", "a Mapping"])
def test_a_change_costs_the_same_whatever_else_is_shared(kind: str) -> None:
    counts = []
    for many in (5, 60):
        made = beside(OPEN)
        for number in range(many):
            mapping(made, f"m{number}", f"/m{number}/")
            made.route(f"r{number}", match(f"/r{number}"))
        assert len(names(made, f"{HOST}@8080")) == 2 * many
        before = made.steps
        if kind == "a route":
            made.route("r1", match("/r1/other"))
        else:
            mapping(made, "m1", "/m1/other/")
        made.sweep()
        counts.append(made.steps - before)
    assert counts[0] == counts[1]
