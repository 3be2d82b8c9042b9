"""Whatever has names, ports or guards leaves them when its document in a folder cannot be read at all."""

from typing import Any

import orjson
import pytest
import yaml

from snapshot import Record
from tests.translator.gateway.gateway_world import GatewayWorld, to
from tests.translator.gateway.gateway_world import world as with_gateway
from translator import ir
from translator.emissary.names import discerned
from translator.options import Options
from translator.pipeline import Pipeline
from watcher.limits import Limits
from watcher.parsing import parse
from watcher.salvage import LARGEST
from watcher.sources import Source, SourceListed
from watcher.standing import STANDS_IN
from watcher.state import State

NAME = "sec.test"
CHAIN = "gateway:8000/cleartext"
CLEAR = {"name": "h", "port": 8000, "protocol": "HTTP", "hostname": NAME}
API = "gateway.networking.k8s.io/v1"
GATEWAY = {"apiVersion": API, "kind": "Gateway", "metadata": {"name": "sec"}}
OWN = {**GATEWAY, "spec": {"gatewayClassName": "ours", "listeners": [CLEAR]}}
SET = {**GATEWAY, "kind": "ListenerSet", "spec": {"parentRef": {"name": "web"}, "listeners": [CLEAR]}}
RULES = [{"backendRefs": [to()]}]
ROUTE = {**GATEWAY, "kind": "HTTPRoute", "spec": {"parentRefs": [{"name": "web"}], "hostnames": [NAME], "rules": RULES}}


def kept(text: str, name: str = "a.yaml") -> dict[str, Record]:
    return dict(parse(name, text.encode(), "default", {}, Limits()).objects)


def written(document: dict[str, Any]) -> str:
    """A document as people write it: a field a line."""
    return str(yaml.safe_dump(document, sort_keys=False))


def broken(document: dict[str, Any]) -> dict[str, str]:
    huge = {**document, "spec": {**document["spec"], "number": 10**30}}
    return {
        "number": written(huge),
        "text": written({**document, "spec": {**document["spec"], "text": "\ud800"}}),
        "nested": written({**document, "metadata": {**document["metadata"], "annotations": {"x": 10**30}}}),
        "no name": written({**document, "metadata": {}}),
        "metadata is a list": written({**document, "metadata": []}),
        "no end of a list": written(document) + "status: [\n",
        "no end of quotes": written(document) + "status: 'x\n",
        "a tab": written(document) + "\tx: 1\n",
        "a field twice": written(document) + "kind: Other\n",
        "a key that is none": written(document) + "yes: 1\n",
        "in a list": written({"apiVersion": "v1", "kind": "List", "items": [huge]}),
        "beside one that is well": f"{written(document)}x: *y\n---\n{written(named('x'))}",
    }


def named(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}


def world() -> GatewayWorld:
    made = with_gateway({"name": "http", "port": 8000, "protocol": "HTTP"})
    made.gateway(
        "web",
        {"name": "http", "port": 8000, "protocol": "HTTP"},
        allowedListeners={"namespaces": {"from": "All"}},
        created="2001-01-01T00:00:00Z",
    )
    made.route("wide", {"backendRefs": [to()]})
    return made


def put(made: GatewayWorld, records: dict[str, Record]) -> str:
    for key, record in records.items():
        made.change(key, record.body)
    made.sweep()
    return next(key for key, record in records.items() if STANDS_IN in record.body.decode())


def answering(made: GatewayWorld) -> ir.VirtualHost:
    body = made.chain(CHAIN).body
    assert isinstance(body, ir.HttpChain)
    by_domain = {domain: host for host in body.virtual_hosts for domain in (host.hostname, *host.also)}
    return by_domain.get(NAME) or by_domain["*"]


@pytest.mark.parametrize("what", broken(OWN))
@pytest.mark.parametrize("document", [OWN, SET], ids=["gateway", "set"])
def test_the_name_of_a_listener_is_shut(document: dict[str, Any], what: str) -> None:
    made = world()
    key = put(made, kept(broken(document)[what]))
    assert answering(made).insecure == "reject"
    assert "cannot be read" in " ".join(made.problems(key).values())
    made.delete(key)
    assert answering(made).insecure == "route"


@pytest.mark.parametrize("what", broken(ROUTE))
@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_the_name_of_a_route_is_shut(kind: str, what: str) -> None:
    made = world()
    key = put(made, kept(broken({**ROUTE, "kind": kind})[what]))
    assert answering(made).name == f"gateway:8000/*/{NAME}"
    assert made.routes(f"gateway:8000/*/{NAME}") == []
    assert "cannot be read" in " ".join(made.problems(key).values())


def test_a_policy_that_cannot_be_read_guards_still() -> None:
    made = world()
    made.sweep()
    spec = {"targetRefs": [{"group": API.partition("/")[0], "kind": "HTTPRoute", "name": "wide"}], "ip_deny": [10**30]}
    policy = {"apiVersion": "getambassador.io/v3alpha1", "kind": "RoutePolicy", "metadata": {"name": "p"}, "spec": spec}
    (before,) = made.routes("gateway:8000/*/*")
    put(made, kept(written(policy)))
    (after,) = made.routes("gateway:8000/*/*")
    assert (type(before.action), type(after.action)) == (ir.Forward, ir.DirectResponse)


def ingress(name: str, host: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec = {"ingressClassName": "edge", "rules": [rule]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("what", broken(ingress("sec", NAME)))
def test_the_host_of_an_ingress_is_shut(what: str) -> None:
    edge = {"metadata": {"name": "edge"}, "spec": {"controller": "getambassador.io/dragoman"}}
    objects = kept(written(ingress("wide", "*.test"))) | kept(broken(ingress("sec", NAME))[what])
    pipeline = Pipeline(Options())
    bodies = {key: record.body for key, record in objects.items()}
    update = pipeline.apply({"networking.k8s.io/IngressClass//edge": orjson.dumps(edge), **bodies})
    assert update.failures == ()
    hosts = {host for names in pipeline.intent.hosts_of.view().values() for host in names}
    assert any(NAME in host for host in hosts)
    (key,) = [key for key, body in bodies.items() if STANDS_IN in body.decode()]
    assert any("cannot be read" in each.message for each in pipeline.problems([key])[key])
    routes = [
        route
        for name, some in pipeline.intent.routes.view().items()
        if any(NAME in host for host in pipeline.intent.hosts_of.view()[name])
        for route in some
    ]
    assert routes
    assert "web" not in str([route.action for route in routes])


@pytest.mark.parametrize(
    ("line", "shut"),
    [
        ('hostname: "h.test', ["h.test"]),
        ("hostname: {h.test", ["h.test"]),
        ("hostname: @h.test", ["h.test"]),
        ("hostname: *.h.test", ["*.h.test"]),
        ("hostname: h.test: x", ["h.test"]),
        ("hostname: !!binary h", None),
        ("\thostname: h.test", None),
    ],
)
def test_a_line_that_is_none_tells_a_name_or_none_and_never_all(line: str, shut: list[str] | None) -> None:
    text = f"apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {{name: h}}\nspec:\n  {line}\n  x: 1\n"
    ((key, record),) = kept(text).items()
    assert key == "getambassador.io/Host/default/h"
    hostname = orjson.loads(record.body)["spec"]["hostname"]
    assert hostname != "*"
    if shut is not None:
        assert list(discerned(hostname)) == shut


def test_json_with_a_key_twice_and_what_is_too_large_or_nothing() -> None:
    text = '{"apiVersion":"getambassador.io/v3alpha1","kind":"Host","metadata":{"name":"h"},"spec":{"x":1,"x":2}}'
    assert list(kept(text, "a.json")) == ["getambassador.io/Host/default/h"]
    assert kept(written(OWN) + "x: [" + " " * LARGEST) == {}
    assert kept("kind: [") == {}


def with_and_without_a_name() -> tuple[dict[str, Record], dict[str, Record]]:
    """What is kept of a Host, and of the same one with a name that is none."""
    host = {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Host",
        "metadata": {"name": "h"},
        "spec": {"hostname": "a"},
    }
    return kept(written(host)), kept(written({**host, "metadata": {"name": 5}}))


def test_one_that_has_lost_its_name_does_not_shut_what_was_read_once() -> None:
    state, source = State(), Source(0, "a.yaml")
    good, nameless = with_and_without_a_name()
    state.step([SourceListed(source, good)])
    state.step([SourceListed(source, nameless, whole=False)])
    assert state.step([SourceListed(source, good)]).records == {}


def test_what_stood_for_one_without_a_name_goes_as_soon_as_it_has_one() -> None:
    state, source = State(), Source(0, "a.yaml")
    good, nameless = with_and_without_a_name()
    state.step([SourceListed(source, nameless, whole=False)])
    assert state.step([SourceListed(source, good, whole=False)]).records == {next(iter(nameless)): None, **good}
