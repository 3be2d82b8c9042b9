"""The work for one object of Gateway API, or one Ingress, is linear in what grows in it, also where two things meet.

Counted is what is called, so that the machine does not matter: for four times as many, linear is 4, quadratic 16. Where
there is a most, it may be less.
"""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.support.calls import calls_of
from translator.options import Options
from translator.translation import Translation

FEW = 16
MOST_RATIO = 7

GATEWAY = "gateway.networking.k8s.io"
INGRESS = "networking.k8s.io"
TO = {"name": "red", "port": 80}
BACKEND = {"service": {"name": "red", "port": {"number": 80}}}
PATH = {"path": "/", "pathType": "Prefix", "backend": BACKEND}
LISTENER = {"name": "http", "port": 8000, "protocol": "HTTP"}
REF = {"group": "", "kind": "ConfigMap", "name": "ca"}
NGINX = "nginx.ingress.kubernetes.io/"

Grown = Callable[[int], tuple[str, dict[str, Any]]]


def described(key: str, spec: Any, **annotations: str) -> tuple[str, dict[str, Any]]:
    _, _, namespace, name = key.split("/")
    return key, {"metadata": {"name": name, "namespace": namespace, "annotations": annotations}, "spec": spec}


def a_route(kind: str = "HTTPRoute", **spec: Any) -> tuple[str, dict[str, Any]]:
    whole = {"parentRefs": [{"name": "web"}], "rules": [{"backendRefs": [TO]}], **spec}
    return described(f"{GATEWAY}/{kind}/default/grown", whole)


def a_gateway(*listeners: Any, **spec: Any) -> tuple[str, dict[str, Any]]:
    return described(
        f"{GATEWAY}/Gateway/default/grown", {"gatewayClassName": "ours", "listeners": list(listeners), **spec}
    )


def a_policy(kind: str, of: str, many: int, **spec: Any) -> tuple[str, dict[str, Any]]:
    refs = [{"group": GATEWAY if of != "Service" else "", "kind": of, "name": f"r{number}"} for number in range(many)]
    return described(f"getambassador.io/{kind}/default/grown", {"targetRefs": refs, **spec})


def an_ingress(*rules: Any, tls: Any = (), **annotations: str) -> tuple[str, dict[str, Any]]:
    said = {NGINX + name.replace("_", "-"): text for name, text in annotations.items()}
    spec = {"ingressClassName": "edge", "rules": list(rules), "tls": list(tls)}
    return described(f"{INGRESS}/Ingress/default/grown", spec, **said)


def a_rule(number: int) -> dict[str, Any]:
    return {"host": f"h{number}.test", "http": {"paths": [PATH]}}


def names(many: int, form: str = "n{}.test") -> list[str]:
    return [form.format(number) for number in range(many)]


def match(number: int) -> dict[str, Any]:
    return {"path": {"value": f"/m{number}"}, "headers": [{"name": "x-a", "value": f"{number}"}]}


GROWTHS: dict[str, Grown] = {
    "hostnames of a route": lambda many: a_route(hostnames=names(many)),
    "hostnames that are none": lambda many: a_route(hostnames=names(many, "N{}:80")),
    "parents of a route": lambda many: a_route(
        parentRefs=[{"name": "web", "sectionName": f"s{n}"} for n in range(many)]
    ),
    "parents that are none": lambda many: a_route(parentRefs=[{"name": "web", "port": "x"}] * many),
    "rules of a route": lambda many: a_route(rules=[{"matches": [match(n)], "backendRefs": [TO]} for n in range(many)]),
    "backends of a rule": lambda many: a_route(rules=[{"backendRefs": [TO] * many}]),
    "matches that are none": lambda many: a_route(rules=[{"matches": [{"path": {"value": "x"}}] * many}]),
    "copies of requests": lambda many: a_route(
        rules=[{"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": TO}}] * many}]
    ),
    "calls": lambda many: a_route(
        "GRPCRoute", rules=[{"matches": [{"method": {"service": f"s{n}"}} for n in range(many)]}]
    ),
    "names of connections": lambda many: a_route("TLSRoute", hostnames=names(many)),
    "listeners": lambda many: a_gateway(
        *({**LISTENER, "name": f"l{number}", "hostname": f"l{number}.test"} for number in range(many))
    ),
    "listeners that cannot be read": lambda many: a_gateway(
        *({**LISTENER, "name": number, "hostname": names(8)} for number in range(many))
    ),
    "listeners of one name": lambda many: a_gateway(*[LISTENER] * many),
    "CAs of clients": lambda many: a_gateway(
        LISTENER, tls={"frontend": {"default": {"validation": {"caCertificateRefs": [REF] * many}}}}
    ),
    "targets of a policy": lambda many: a_policy("RoutePolicy", "HTTPRoute", 16 * many, timeout_ms=5),
    "targets of one for Services": lambda many: a_policy("BackendPolicy", "Service", 16 * many, connect_timeout_ms=5),
    "targets that are none": lambda many: a_policy("RoutePolicy", "HTTPRoute", 16 * many, override=5, ip_deny=5),
    "kinds of listeners": lambda many: a_gateway({**LISTENER, "allowedRoutes": {"kinds": [{"kind": "x"}] * many}}),
    "hosts of an Ingress": lambda many: an_ingress(*map(a_rule, range(many))),
    "hosts that are none": lambda many: an_ingress(
        *({**a_rule(0), "host": f"H_{n}, h{n}.test:80"} for n in range(many))
    ),
    "paths of an Ingress": lambda many: an_ingress(
        {"host": "h.test", "http": {"paths": [{**PATH, "path": f"/p{number}"} for number in range(many)]}}
    ),
    "paths that cannot be read": lambda many: an_ingress({"host": "h.test", "http": {"paths": [5] * many}}),
    "names in TLS": lambda many: an_ingress(
        {"http": {"paths": [PATH]}}, tls=[{"hosts": names(many), "secretName": "c"}]
    ),
    "names in TLS that are none": lambda many: an_ingress(a_rule(0), tls=[{"hosts": list(range(many))}]),
    "aliases": lambda many: an_ingress(a_rule(0), server_alias=",".join(names(many))),
    "addresses": lambda many: an_ingress(a_rule(0), whitelist_source_range=",".join(names(many, "10.0.{}.1"))),
}


def cost(grown: Grown, many: int) -> int:
    """What is called while an object comes, and while it goes."""
    translation = Translation(Options(), {})
    classes = {
        f"{GATEWAY}/GatewayClass//ours": {
            "metadata": {"name": "ours"},
            "spec": {"controllerName": "getambassador.io/dragoman"},
        },
        f"{INGRESS}/IngressClass//edge": {
            "metadata": {"name": "edge"},
            "spec": {"controller": "getambassador.io/dragoman"},
        },
    }
    web = described(f"{GATEWAY}/Gateway/default/web", {"gatewayClassName": "ours", "listeners": [LISTENER]})
    red = described("core/Service/default/red", {"ports": [{"port": 80}]})
    world = {**classes, **dict([web, red])}
    translation.objects_changed(0.0, {key: orjson.dumps(body) for key, body in world.items()})
    key, body = grown(many)

    def come_and_go() -> None:
        assert not translation.objects_changed(1.0, {key: orjson.dumps(body)}).failures
        translation.objects_changed(2.0, {key: None})

    return calls_of(come_and_go)


@pytest.mark.parametrize("what", GROWTHS)
def test_four_times_as_much_costs_four_times_as_much(what: str) -> None:
    few, many = cost(GROWTHS[what], FEW), cost(GROWTHS[what], 4 * FEW)
    assert many < MOST_RATIO * few
