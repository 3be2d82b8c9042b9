"""Any edits in any batches give what the same objects give from scratch; and nothing of ours fails on the way."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.translator.emissary.world import World

NAMES = ("a", "b", "c")
HOSTNAMES = ("*", "foo.com", "*.foo.com", "bar.foo.com", "bar.*", "foo.com:80")
LABELS = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]), max_size=2)
EXPRESSIONS = st.sampled_from(
    [
        {"key": "x", "operator": "In", "values": ["1", "2"]},
        {"key": "x", "operator": "NotIn", "values": ["1"]},
        {"key": "y", "operator": "Exists"},
        {"key": "y", "operator": "DoesNotExist"},
        {"key": "y", "operator": "Exists", "values": ["1"]},
    ]
)
SELECTORS = (
    st.none()
    | LABELS.map(lambda labels: {"matchLabels": labels})
    | st.fixed_dictionaries({}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=2)})
)


def some(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A spec with these fields, each possibly absent."""
    return st.fixed_dictionaries({}, optional=choices)


MAPPINGS = some(
    prefix=st.sampled_from(["/", "/a", "/a/", 7]),
    hostname=st.sampled_from(HOSTNAMES),
    service=st.sampled_from(["quote", "quote.other", "https://quote", "1.2.3.4:5", "no port:"]),
    weight=st.sampled_from([0, 30, 80]),
    prefix_exact=st.booleans(),
    precedence=st.sampled_from([0, 1]),
    tls=st.sampled_from(["a", "b"]),
    host_redirect=st.booleans(),
    allow_upgrade=st.just(["websocket"]),
    add_request_headers=st.just({"x": "1"}),
)
HOSTS = some(
    hostname=st.sampled_from([*HOSTNAMES, "a*b"]),
    mappingSelector=SELECTORS,
    tlsSecret=st.sampled_from([{"name": "a"}, {"name": "b"}]),
    tlsContext=st.just({"name": "a"}),
    requestPolicy=st.sampled_from(["Route", "Reject"]).map(lambda action: {"insecure": {"action": action}}),
)
LISTENERS = st.fixed_dictionaries(
    {
        "port": st.sampled_from([80, 443]),
        "protocol": st.sampled_from(["HTTP", "HTTPS", "TCP"]),
        "securityModel": st.sampled_from(["XFP", "SECURE", "INSECURE"]),
        "hostBinding": st.just({"namespace": {"from": "ALL"}})
        | st.sampled_from(
            [{"matchLabels": {"x": "1"}}, {"matchExpressions": [{"key": "y", "operator": "Exists"}]}]
        ).map(lambda selector: {"selector": selector}),
    }
)
CONTEXTS = some(secret=st.sampled_from(["a", "b"]), hosts=st.just(["bar.foo.com"]), sni=st.just("x"))
TCP = st.fixed_dictionaries(
    {"port": st.sampled_from([80, 443, 5432]), "service": st.sampled_from(["quote:1", "1.2.3.4:5"])},
    optional={"host": st.just("bar.foo.com"), "weight": st.sampled_from([0, 60])},
)
MODULES = st.sampled_from(
    [
        {"config": {"cluster_request_timeout_ms": 1}},
        {"config": {"defaults": {"add_request_headers": {"y": "1"}}, "use_remote_address": False}},
        {"config": {"diagnostics": {"enabled": True}}},
    ]
)
NAMESPACES = st.sampled_from(["default", "other"])
KINDS = {"Mapping": MAPPINGS, "Host": HOSTS, "Listener": LISTENERS, "TLSContext": CONTEXTS, "TCPMapping": TCP}

edits = st.one_of(
    *(
        st.tuples(st.just(kind), st.sampled_from(NAMES), NAMESPACES, st.none() | st.tuples(specs, LABELS))
        for kind, specs in KINDS.items()
    ),
    st.tuples(st.just("Module"), st.just("ambassador"), NAMESPACES, st.none() | st.tuples(MODULES, LABELS)),
    st.tuples(st.sampled_from(["Service", "Secret"]), st.sampled_from(["quote", "a", "b"]), NAMESPACES, st.booleans()),
)


def apply(world: World, edit: tuple[str, str, str, Any]) -> None:
    """Make one edit."""
    kind, name, namespace, given = edit
    if kind in {"Service", "Secret"}:
        if not given:
            world.delete(f"core/{kind}/{namespace}/{name}")
        elif kind == "Service":
            world.service(name, 80, namespace=namespace)
        else:
            world.secret(name, namespace)
    elif given is None:
        world.delete(f"getambassador.io/{kind}/{namespace}/{name}")
    else:
        spec, labels = given
        world.put(kind, name, spec, namespace=namespace, labels=labels)


def outcome(world: World) -> list[dict[str, object]]:
    """Everything that comes out."""
    tables = world.emissary
    outputs = (tables.listeners, tables.chains, tables.routes, tables.hosts_of, *tables.problems)
    return [dict(table.view()) for table in outputs]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.lists(edits, max_size=6), max_size=6))
def test_any_edits_in_any_batches_are_the_same_as_from_scratch(batches: list[list[tuple[str, str, str, Any]]]) -> None:
    swept, fresh = World(service_namespaces=None), World(service_namespaces=None)
    for batch in batches:
        for edit in batch:
            apply(swept, edit)
            apply(fresh, edit)
        swept.sweep()
    swept.sweep()
    fresh.sweep()
    assert outcome(swept) == outcome(fresh)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(edits, max_size=30))
def test_what_comes_out_hangs_together(batch: list[tuple[str, str, str, Any]]) -> None:
    """What Envoy would refuse as a whole: a name or a match twice, a listener without chains, a chain without one."""
    world = World()
    for edit in batch:
        apply(world, edit)
    chains, listeners = world.chains, world.listeners
    assert {chain.listener for chain in chains.values()} == set(listeners)
    assert all(chain.name == name for name, chain in chains.items())
    matches = [
        (chain.listener, name, bool(chain.tls)) for chain in chains.values() for name in chain.server_names or [""]
    ]
    assert len(matches) == len(set(matches))
    assert len({(one.address, one.port) for one in listeners.values()}) == len(listeners)
    for name, chain in chains.items():
        hostnames = list(world.virtual_hosts(name)) if hasattr(chain.body, "virtual_hosts") else ["tcp"]
        assert hostnames
        assert len(hostnames) == len(getattr(chain.body, "virtual_hosts", hostnames))
    routes = world.routes()
    assert len({route.name for route in routes}) == len(routes)
    assert len({route.order for route in routes}) == len(routes)
