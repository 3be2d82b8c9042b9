"""The filter ExternalAuth of HTTPRoutes: who is asked, and that nobody is let through where that cannot be known."""

from collections.abc import Mapping
from typing import Any

import pytest
import re2

from tests.translator.gateway.gateway_world import GROUP, GatewayWorld, to, world
from translator import ir
from translator.filters.external_auth import COPIED, NOT_COPIED, Body, ExternalAuth, HttpAuth
from translator.filters.route_auth import AskFirst

HOST = "gateway:8000/*/*"


def external(protocol: str = "HTTP", body: int | None = None, ref: Mapping[str, Any] | None = None) -> dict[str, Any]:
    content = {"protocol": protocol, "backendRef": ref or to("auth"), protocol.lower(): {}}
    size = {} if body is None else {"forwardBody": {"maxSize": body}}
    return {"type": "ExternalAuth", "externalAuth": content | size}


def asking(*filters: Mapping[str, Any], kind: str = "HTTPRoute") -> tuple[GatewayWorld, str]:
    made = world()
    made.service("auth")
    return made, made.route("r", {"backendRefs": [to()], "filters": list(filters)}, kind=kind)


def actions(made: GatewayWorld) -> list[int | str]:
    """What the routes do: the status that they answer, or that they go on, with who is asked."""
    found: list[int | str] = []
    for route in made.routes(HOST):
        asked = [each.auth for each in route.filters if isinstance(each, AskFirst)]
        status = route.action.status if isinstance(route.action, ir.DirectResponse) else 0
        found.append(status or " ".join([str(each.backend.target) for each in asked]) or "unasked")
    return found


def test_what_is_said_is_what_auth_services_say() -> None:
    filters = external(body=10)
    filters["externalAuth"]["http"] = {
        "path": "check/",
        "allowedHeaders": ["X-B", "x-dragoman-scope"],
        "allowedResponseHeaders": ["X-User"],
    }
    made, _ = asking(filters)
    (route,) = made.routes(HOST)
    backend = ir.Backend(ir.ServicePort("default", "auth", 80))
    http = HttpAuth("/check", ("authorization", "x-b"), ("x-user",), refuses_in_full=True)
    assert route.filters == (AskFirst(ExternalAuth(backend, 5000, http, body=Body(10, partial=False))),)
    filters["externalAuth"]["http"] = {}
    made, _ = asking(filters)
    (route,) = made.routes(HOST)
    whole = HttpAuth("", ("authorization",), allows_in_full=True, refuses_in_full=True)
    assert route.filters[0].auth.http == whole


def test_a_service_that_speaks_grpc_gets_all_headers_or_those_that_are_named() -> None:
    made, _ = asking(external("GRPC"))
    (route,) = made.routes(HOST)
    (ask,) = route.filters
    assert (ask.auth.backend.protocol, ask.auth.http, ask.auth.request_headers) == ("http2", None, ())


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        (to("missing"), "BackendNotFound"),
        ({**to("auth"), "port": 81}, "BackendNotFound"),
        ({**to("auth"), "kind": "Pod"}, "InvalidKind"),
        ({**to("auth"), "namespace": "theirs"}, "RefNotPermitted"),
    ],
)
def test_a_wrong_reference_lets_nobody_through(ref: Mapping[str, Any], reason: str) -> None:
    made, key = asking(external(ref=ref))
    made.service("auth", namespace="theirs")
    assert actions(made) == [500]
    assert made.parent(key) == {"Accepted": "True/Accepted", "ResolvedRefs": f"False/{reason}"}
    assert list(made.problems(key)) == ["spec.rules[0].filters[0].externalAuth.backendRef"]


def test_a_grant_allows_the_service_of_another_namespace() -> None:
    made, _ = asking(external(ref={**to("auth"), "namespace": "theirs"}))
    made.service("auth", namespace="theirs")
    source = {"group": GROUP, "kind": "HTTPRoute", "namespace": "default"}
    grant = made.put("ReferenceGrant", "g", {"from": [source], "to": [{"group": "", "kind": "Service"}]}, "theirs")
    assert "theirs" in str(actions(made))
    made.delete(grant)
    assert actions(made) == [500]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ((external(), external()), "spec.rules[0].filters[1] ExternalAuth is served once in a rule"),
        ((external(body=2**30),), "spec.rules[0].filters[0].externalAuth.forwardBody.maxSize"),
    ],
)
def test_what_is_not_served_is_told_and_lets_nobody_through(filters: tuple[dict[str, Any], ...], said: str) -> None:
    made, key = asking(*filters)
    assert actions(made) == [500]
    assert said in str([f"{path} {message}" for path, message in made.problems(key).items()])
    assert made.parent(key)["Accepted"] == "False/UnsupportedValue"


def test_neither_a_backend_nor_a_call_has_it() -> None:
    made, _ = asking(external(), kind="GRPCRoute")
    assert actions(made) == [503]
    made = world()
    made.service("auth")
    made.route("r", {"backendRefs": [{**to(), "filters": [external()]}]})
    (route,) = made.routes(HOST)
    assert isinstance(route.action, ir.Forward)
    assert [each.backend for each in route.action.backends] == [None]


@pytest.mark.parametrize("content", [{"grpc": {}}, {"http": {}, "grpc": {}}, {}, {"http": {"path": "/a?b"}}])
def test_what_the_crd_refuses_cannot_be_read(content: dict[str, Any]) -> None:
    filters = {"type": "ExternalAuth", "externalAuth": {"protocol": "HTTP", "backendRef": to("auth"), **content}}
    made, key = asking(filters)
    assert made.routes(HOST) == []
    assert made.parent(key)["Accepted"] == "False/UnsupportedValue"


def test_what_an_answer_says_of_itself_does_not_become_the_requests() -> None:
    copied = re2.compile(COPIED)
    assert not [name for name in (*NOT_COPIED, ":status", ":authority") if copied.fullmatch(name)]
    others = ["x-user", "cookie", "authorization", "hos", "hosts", "t", "content", "content-length-x", "con", "x"]
    assert [name for name in others if copied.fullmatch(name)] == others
