"""Any edits in any batches, of this API's objects and of others, give what the same objects give from scratch."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.certificates import authority
from tests.translator.emissary.test_emissary_incremental import LISTENERS
from tests.translator.gateway.gateway_world import CONTROLLER, GatewayWorld, key_of, to

NAMES = st.sampled_from(["a", "b"])
NAMESPACES = st.sampled_from(["default", "other"])
HOSTNAMES = st.sampled_from([None, "*.foo.com", "foo.com", "a.foo.com", "*.a.foo.com"])
CREATED = st.sampled_from([{}, {"creationTimestamp": "2020-01-01T00:00:00Z"}])
FROM = st.sampled_from(
    [
        {"from": "Same"},
        {"from": "All"},
        {"from": "Selector", "selector": {"matchLabels": {"x": "1"}}},
    ]
)


OURS = "ambassador"
DEDICATED = {"labels": {"getambassador.io/addresses": "dedicated"}}


def ways() -> dict[tuple[str, str], str]:
    """What the Services of Gateways with addresses of their own are called, by the Gateways."""
    made = GatewayWorld(in_cluster=True, namespace=OURS)
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, **DEDICATED)
    found = [(space, name) for space in ("default", "other") for name in ("a", "b")]
    return {(space, name): made.status(made.gateway(name, namespace=space))["service"]["name"] for space, name in found}


WAY_TO = ways()


def given_fields(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def tls_of(protocol: str, secret: dict[str, Any]) -> dict[str, Any] | None:
    """What a listener says of TLS: one of TLS passes it through where its Secret is of its own namespace."""
    if protocol not in {"HTTPS", "TLS"}:
        return None
    return {"mode": "Passthrough"} if protocol == "TLS" and len(secret) == 1 else {"certificateRefs": [secret]}


LISTENER = st.builds(
    lambda port, protocol, hostname, source, secret: given_fields(
        port=port,
        protocol=protocol,
        hostname=hostname if protocol in {"HTTP", "HTTPS", "TLS"} else None,
        allowedRoutes={"namespaces": source},
        tls=tls_of(protocol, secret),
    ),
    st.sampled_from([80, 443]),
    st.sampled_from(["HTTP", "HTTPS", "TLS", "TCP", "UDP"]),
    HOSTNAMES,
    FROM,
    st.sampled_from([{"name": "a"}, {"name": "a", "namespace": "other"}]),
)
GATEWAYS = st.builds(
    lambda named, found: {
        "gatewayClassName": named,
        "defaultScope": "None" if len(found) % 2 else "All",
        "listeners": [{"name": f"l{number}", **each} for number, each in enumerate(found)],
        "allowedListeners": {"namespaces": {"from": "All" if len(found) % 2 else "Same"}},
    },
    st.sampled_from(["ours", "apart"]),
    st.lists(LISTENER, min_size=1, max_size=3),
)
SETS = st.builds(
    lambda name, listener: {
        "parentRef": {"name": name, "namespace": "default"},
        "listeners": [{"name": "l0", **listener}],
    },
    NAMES,
    LISTENER,
)
PARENTS = st.lists(
    st.builds(
        given_fields,
        name=NAMES,
        namespace=st.sampled_from([None, "default"]),
        sectionName=st.sampled_from([None, "l0"]),
        kind=st.sampled_from([None, "ListenerSet"]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda each: tuple(sorted(each.items())),
)
FILTERS = st.sampled_from(
    [
        [],
        [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}],
        [{"type": "RequestMirror", "requestMirror": {"backendRef": to("a")}}],
        [{"type": "Unknown"}],
    ]
)
RULES = st.builds(
    lambda path, backends, filters: {
        **({"name": "r0"} if path == "/" and not filters else {}),
        "matches": [{"path": {"value": path}}],
        "filters": filters,
        "backendRefs": [] if filters and filters[0]["type"] == "RequestRedirect" else backends,
    },
    st.sampled_from(["/", "/a", "wrong"]),
    st.lists(st.builds(to, NAMES, weight=st.integers(0, 2), namespace=NAMESPACES), max_size=2),
    FILTERS,
)
ROUTES = st.builds(
    lambda parents, hostnames, rules: {
        "parentRefs": parents,
        "hostnames": hostnames,
        "rules": rules,
        "useDefaultGateways": "All" if hostnames else "None",
    },
    PARENTS,
    st.lists(HOSTNAMES.filter(bool), max_size=2),
    st.lists(RULES, min_size=1, max_size=2),
)
CALLS = st.builds(
    lambda parents, backend: {"parentRefs": parents, "rules": [{"backendRefs": [to(backend)]}]}, PARENTS, NAMES
)
PEER = {"hostname": "a.test"}
NAMES_IN_TLS = st.builds(
    lambda parents, hostnames, backend: {
        "parentRefs": parents,
        "hostnames": hostnames,
        "rules": [{"backendRefs": [backend]}],
    },
    PARENTS,
    st.lists(HOSTNAMES.filter(bool), max_size=2),
    st.builds(to, NAMES, weight=st.integers(0, 2), namespace=NAMESPACES),
)
GRANTS = st.builds(
    lambda kind, to_kind: {
        "from": [{"group": "gateway.networking.k8s.io", "kind": kind, "namespace": "default"}],
        "to": [{"group": "", "kind": to_kind}],
    },
    st.sampled_from(["HTTPRoute", "TLSRoute", "Gateway"]),
    st.sampled_from(["Service", "Secret"]),
)
POLICIES = st.builds(
    lambda name, section, cas: {
        "targetRefs": [given_fields(group="", kind="Service", name=name, sectionName=section)],
        "validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": ca} for ca in cas], **PEER},
    },
    NAMES,
    st.sampled_from([None, "main"]),
    st.lists(st.sampled_from(["ca", "missing"]), max_size=2),
)
TARGETS = st.builds(
    given_fields,
    kind=st.sampled_from(["Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute"]),
    name=NAMES,
    sectionName=st.sampled_from([None, None, "l0", "r0"]),
)
OF_ROUTES = st.builds(
    lambda target, said: {"targetRefs": [target], **said},
    TARGETS,
    st.sampled_from(
        [
            {"timeout_ms": 5, "cors": {"origins": ["*"]}},
            {"ip_deny": [{"peer": "192.0.2.1"}], "retry_policy": {"retry_on": "5xx"}},
            {"ip_allow": "wrong"},
            {"external_auth": True},
        ]
    ),
)
OF_SERVICES = st.builds(
    lambda name, section, said: {"targetRefs": [given_fields(name=name, sectionName=section)], **said},
    NAMES,
    st.sampled_from([None, "main"]),
    st.sampled_from(
        [
            {"circuit_breakers": [{"max_requests": 1}]},
            {"load_balancer": {"policy": "maglev", "source_ip": True}, "connect_timeout_ms": 7},
            {"connect_timeout_ms": "wrong"},
        ]
    ),
)
CLASSES = st.sampled_from([{"controllerName": CONTROLLER}, {"controllerName": "x.test/y"}])
ADDRESSES = st.sampled_from([{}, DEDICATED, {"labels": {"getambassador.io/addresses": "wrong"}}])
WAYS = st.lists(
    st.tuples(st.sampled_from(["TCP", "UDP"]), st.sampled_from([80, 443]), st.sampled_from([80, 20000, 20001])),
    max_size=3,
    unique_by=lambda each: each[:2],
).map(lambda found: {"ports": [{"protocol": one, "port": port, "targetPort": target} for one, port, target in found]})
SERVICES = st.sampled_from(
    [
        {"ports": [{"port": 80, "name": "main"}]},
        {"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]},
        {"ports": [{"name": "t", "port": 80}, {"name": "u", "port": 80, "protocol": "UDP"}]},
    ]
)
SPECS = {
    "Gateway": GATEWAYS,
    "ListenerSet": SETS,
    "HTTPRoute": ROUTES,
    "GRPCRoute": CALLS,
    "TLSRoute": NAMES_IN_TLS,
    "TCPRoute": CALLS,
    "UDPRoute": CALLS,
    "ReferenceGrant": GRANTS,
    "BackendTLSPolicy": POLICIES,
    "BackendPolicy": OF_SERVICES,
    "RoutePolicy": OF_ROUTES,
    "Service": SERVICES,
}
EDITS = st.one_of(
    *(
        st.tuples(st.just(kind), NAMES, NAMESPACES, st.none() | st.tuples(specs, CREATED))
        for kind, specs in SPECS.items()
    ),
    st.tuples(
        st.just("GatewayClass"),
        st.sampled_from(["ours", "apart"]),
        st.just("default"),
        st.none() | st.tuples(CLASSES, ADDRESSES),
    ),
    st.tuples(st.just("Way"), NAMES, NAMESPACES, st.none() | WAYS),
    st.tuples(st.just("Listener"), NAMES, NAMESPACES, st.none() | st.tuples(LISTENERS, CREATED)),
    st.tuples(
        st.just("Namespace"),
        NAMESPACES,
        st.just("default"),
        st.none() | st.tuples(st.just({}), st.just({"labels": {"x": "1"}})),
    ),
    st.tuples(st.just("Secret"), NAMES, NAMESPACES, st.none() | st.just(())),
)


def apply(world: GatewayWorld, edit: tuple[str, str, str, Any]) -> None:
    kind, name, namespace, said = edit
    if kind == "Listener":
        key = f"getambassador.io/Listener/{namespace}/{name}"
        metadata = {"name": name, "namespace": namespace}
        body = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": metadata}
        world.change(key, None if said is None else orjson.dumps({**body, "spec": said[0]}))
    elif kind == "Way":
        labels = {"getambassador.io/serves": "gateway"}
        document = {"metadata": {"labels": labels}, "spec": said}
        key = world.document("Service", WAY_TO[namespace, name], OURS, **document)
        if said is None:
            world.delete(key)
    elif said is None:
        world.delete(key_of(kind, name, namespace))
    elif kind == "Secret":
        world.certificate(name, namespace)
    else:
        spec, metadata = said
        world.put(kind, name, spec, namespace, **metadata)


def outcome(world: GatewayWorld) -> tuple[Any, ...]:
    pipeline, kinds = world.pipeline, (*SPECS, "GatewayClass", "Namespace")
    keys = [
        key_of(kind, name, space)
        for kind in kinds
        for name in ("a", "b", "ours", "apart")
        for space in ("default", "other")
    ]
    statuses = {key: pipeline.gateway_status_of(key) for key in keys}
    return pipeline.resources(), statuses, pipeline.problems(keys)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.lists(EDITS, max_size=8), max_size=5))
def test_any_edits_in_any_batches_are_the_same_as_from_scratch(batches: list[list[Any]]) -> None:
    swept, fresh = begun(), begun()
    for batch in batches:
        for edit in batch:
            apply(swept, edit)
            apply(fresh, edit)
        swept.sweep()
    swept.sweep()
    fresh.sweep()
    assert outcome(swept) == outcome(fresh)
    hangs_together(fresh)


def begun() -> GatewayWorld:
    """A world in which most edits mean something."""
    made = GatewayWorld(default_ports=(80, 443), in_cluster=True, namespace=OURS)
    made.gateway_class()
    made.put("GatewayClass", "apart", {"controllerName": CONTROLLER}, **DEDICATED)
    listener = {"name": "l0", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    made.gateway("a", listener)
    made.service("a")
    made.certificate("a", "default")
    made.config_map("ca", {"ca.crt": authority().pair.certificate.decode()})
    return made


def hangs_together(made: GatewayWorld) -> None:
    """What Envoy would refuse as a whole: a name, a port, a match or a domain twice, or a listener without chains."""
    intent = made.pipeline.intent
    chains, listeners = intent.chains.view(), intent.listeners.view()
    assert {chain.listener for chain in chains.values()} == set(listeners)
    places = {(one.address, one.port, one.quic or one.by_datagrams) for one in listeners.values()}
    assert len(places) == len(listeners)
    matches = [
        (chain.listener, name, bool(chain.tls) or chain.passthrough)
        for chain in chains.values()
        for name in chain.server_names or ("",)
    ]
    assert len(matches) == len(set(matches))
    for chain in chains.values():
        hosts = getattr(chain.body, "virtual_hosts", ())
        domains = [domain for host in hosts for domain in (host.hostname, *host.also)]
        assert len(domains) == len(set(domains))
    names = [route.name for routes in intent.routes.view().values() for route in routes]
    assert len(names) == len(set(names))


def test_a_changed_route_costs_the_same_among_many() -> None:
    assert steps_of_a_change(400) <= steps_of_a_change(20)


def steps_of_a_change(others: int) -> int:
    """How many rules run when one of so many routes changes its backend."""
    made = begun()
    made.service("b")
    for number in range(others):
        spec = {
            "parentRefs": [{"name": "a"}],
            "hostnames": [f"h{number}.foo.com"],
            "rules": [{"backendRefs": [to("a")]}],
        }
        made.put("HTTPRoute", f"r{number}", spec)
    made.sweep()
    spec = {"parentRefs": [{"name": "a"}], "hostnames": ["h7.foo.com"], "rules": [{"backendRefs": [to("b")]}]}
    made.put("HTTPRoute", "r7", spec)
    made.steps = 0
    made.sweep()
    return made.steps
