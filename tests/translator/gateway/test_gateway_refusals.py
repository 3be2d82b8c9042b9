"""What Envoy says of routes and Gateways: who is held back, and what the statuses say of it."""

from typing import Any

import orjson

from tests.translator.gateway.gateway_world import key_of, said
from tests.translator.test_translation_refusals import Envoy
from translator.publication import Publication
from translator.subjects import Edition

ROUTES = "route/gateway:8000/cleartext"
GATEWAY = key_of("Gateway", "web")


class GatewayEnvoy(Envoy):
    """The same, and what the statuses of Gateway API say."""

    def take(self, publication: Publication) -> None:
        super().take(publication)
        found = {key: row.gateway for key, row in publication.statuses.items() if row and row.gateway}
        self.said = getattr(self, "said", {}) | {key: orjson.loads(body) for key, body in found.items()}

    def put(self, now: float, *objects: tuple[str, dict[str, Any]]) -> None:
        changes: dict[str, bytes | None] = {}
        for key, spec in objects:
            kind, namespace, name = key.split("/")[-3:]
            metadata = {"name": name, "namespace": namespace}
            changes[key] = orjson.dumps({"kind": kind, "metadata": metadata, "spec": spec})
        self.take(self.translation.objects_changed(now, changes, {key: Edition("uid", 1) for key in changes}))

    def programmed(self) -> str:
        return said(self.said[GATEWAY]["conditions"])["Programmed"]

    def accepted(self, name: str) -> str:
        return said(self.said[key_of("HTTPRoute", name)]["parents"][0]["conditions"])["Accepted"]


LISTENER = {"name": "http", "port": 8000, "protocol": "HTTP"}
WORLD: tuple[tuple[str, dict[str, Any]], ...] = (
    (key_of("GatewayClass", "ours"), {"controllerName": "getambassador.io/dragoman"}),
    (GATEWAY, {"gatewayClassName": "ours", "listeners": [LISTENER]}),
    (key_of("Service", "red"), {"ports": [{"port": 80}]}),
)


def route(name: str, path: str) -> tuple[str, dict[str, Any]]:
    rule = {"matches": [{"path": {"value": path}}], "backendRefs": [{"name": "red", "port": 80}]}
    return key_of("HTTPRoute", name), {"parentRefs": [{"name": "web"}], "rules": [rule]}


def refuses(key: str, text: bytes) -> GatewayEnvoy:
    envoy = GatewayEnvoy(lambda name, body: "boom" if name == key and text in body else None)
    envoy.translation.stream_changed(0.0, connected=True)
    return envoy


def test_a_gateway_is_programmed_when_envoy_has_said_so() -> None:
    envoy = refuses("nothing", b"")
    envoy.put(0.0, *WORLD, route("a", "/a"))
    assert envoy.programmed() == "Unknown/Pending"
    envoy.answer(0.1)
    assert envoy.programmed() == "True/Programmed"
    envoy.put(1.0, route("b", "/b"))
    assert envoy.programmed() == "True/Programmed", "a route that is attached makes no Gateway wait"
    assert envoy.said[GATEWAY]["listeners"][0]["attachedRoutes"] == 2


def test_a_route_that_envoy_refuses_is_held_back_alone_and_goes_on_saying_so() -> None:
    envoy = refuses(ROUTES, b"/bad")
    envoy.put(0.0, *WORLD, route("a", "/a"), route("b", "/bad"), route("c", "/c"))
    envoy.answer(0.1)
    assert set(envoy.holds) == {key_of("HTTPRoute", "b")}
    assert [envoy.accepted(name) for name in "abc"] == ["True/Accepted", "False/UnsupportedValue", "True/Accepted"]
    message = envoy.said[key_of("HTTPRoute", "b")]["parents"][0]["conditions"][0]["message"]
    assert message == f"Envoy refused the route {ROUTES[6:]}: boom"
    body = envoy.translation.resources()[ROUTES].body
    assert (b"/c" in body, b"/bad" in body) == (True, False)
    envoy.put(5.0, route("b", "/good"))
    envoy.answer(5.1)
    assert envoy.accepted("b") == "True/Accepted"


def test_the_last_good_version_of_a_route_goes_on() -> None:
    envoy = refuses(ROUTES, b"/bad")
    envoy.put(0.0, *WORLD, route("a", "/good"))
    envoy.answer(0.1)
    envoy.put(5.0, route("a", "/bad"))
    envoy.answer(5.1)
    assert envoy.accepted("a") == "False/UnsupportedValue"
    assert b"/good" in envoy.translation.resources()[ROUTES].body


def test_a_gateway_that_envoy_refuses_is_not_programmed() -> None:
    envoy = refuses("listener/gateway:8000", b"gateway:8000")
    envoy.put(0.0, *WORLD, route("a", "/a"))
    envoy.answer(0.1)
    assert envoy.programmed() == "False/Invalid"
    (listener,) = envoy.said[GATEWAY]["listeners"]
    assert said(listener["conditions"])["Programmed"] == "False/Invalid"
    assert "boom" in listener["conditions"][-1]["message"]
