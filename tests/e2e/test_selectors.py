"""Selectors with expressions: which Mappings a Host serves, and which Hosts a Listener does, asked of a real Envoy."""

from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

SAID: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
    "in.test": ([{"key": "crew", "operator": "In", "values": ["red", "blue"]}], {"red", "blue"}),
    "not-in.test": ([{"key": "crew", "operator": "NotIn", "values": ["red", "blue"]}], {"green", "none"}),
    "exists.test": ([{"key": "crew", "operator": "Exists"}], {"red", "blue", "green"}),
    "does-not-exist.test": ([{"key": "crew", "operator": "DoesNotExist"}], {"none"}),
    "both.test": (
        [{"key": "crew", "operator": "Exists"}, {"key": "crew", "operator": "NotIn", "values": ["red"]}],
        {"blue", "green"},
    ),
}
"""By hostname: the expressions of its Host, and the crews whose Mappings they choose."""
CREWS = ("red", "blue", "green", "none")


def crews(red: HttpUpstream) -> str:
    """A Mapping for each crew; that of none has no label."""
    return "".join(
        mapping(f"crew-{crew}", None, red.service, f"/crew-{crew}/", labels_=None if crew == "none" else {"crew": crew})
        for crew in CREWS
    )


def statuses(gateway: Gateway, name: str) -> dict[str, int]:
    return {crew: gateway.request(name, f"/crew-{crew}/").status_code for crew in CREWS}


@pytest.mark.parametrize("name", SAID)
def test_a_host_serves_what_its_expressions_say(gateway: Gateway, red: HttpUpstream, name: str) -> None:
    expressions, chosen = SAID[name]
    texts = crews(red) + host("expressive", name, mappingSelector={"matchExpressions": expressions})
    with gateway.applied(name, texts):
        gateway.wait_served(name, f"/crew-{min(chosen)}/")
        assert statuses(gateway, name) == {crew: 200 if crew in chosen else 404 for crew in CREWS}


def test_expressions_narrow_what_the_labels_choose(gateway: Gateway, red: HttpUpstream) -> None:
    name = "narrowed.test"
    draft = {"key": "stage", "operator": "NotIn", "values": ["draft"]}
    texts = host("narrowed", name, mappingSelector={"matchLabels": {"crew": "red"}, "matchExpressions": [draft]})
    for path, labels in (
        ("good", {"crew": "red", "stage": "live"}),
        ("unsaid", {"crew": "red"}),
        ("draft", {"crew": "red", "stage": "draft"}),
        ("other", {"crew": "blue", "stage": "live"}),
    ):
        texts += mapping(f"narrowed-{path}", None, red.service, f"/{path}/", labels_=labels)
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/good/")
        found = {path: gateway.request(name, f"/{path}/").status_code for path in ("good", "unsaid", "draft", "other")}
        assert found == {"good": 200, "unsaid": 200, "draft": 404, "other": 404}


def test_a_mapping_comes_and_goes_with_its_label(gateway: Gateway, red: HttpUpstream) -> None:
    name = "coming.test"
    selecting = host(
        "coming", name, mappingSelector={"matchExpressions": [{"key": "draft", "operator": "DoesNotExist"}]}
    )

    def routed(labels: dict[str, str] | None) -> str:
        return mapping("coming", None, red.service, "/coming/", labels_=labels)

    with gateway.applied(name, selecting), gateway.applied("coming", routed(None)):
        gateway.wait_served(name, "/coming/")
        gateway.apply("coming", routed({"draft": ""}))
        gateway.wait_served(name, "/coming/", status=404)
        gateway.apply("coming", routed({"other": ""}))
        gateway.wait_served(name, "/coming/")


def test_a_host_with_a_wrong_expression_is_told_and_nobody_answers_for_it(gateway: Gateway, red: HttpUpstream) -> None:
    name = "in.wrong.test"
    wrong = {"matchExpressions": [{"key": "crew", "operator": "in", "values": ["red"]}]}
    texts = host("wide", "*.wrong.test") + mapping("wide", "*.wrong.test", red.service)
    with gateway.applied("wide", texts):
        gateway.wait_served(name)
        with gateway.applied(name, host("mistaken", name, mappingSelector=wrong)):
            gateway.wait_served(name, status=404)
            assert gateway.request("other.wrong.test").status_code == 200
            (problem,) = gateway.diag()["objects"]["getambassador.io/Host/default/mistaken"]["problems"]
            assert problem["path"] == "spec.mappingSelector.matchExpressions[0].operator"
            assert "must be one of 'In', 'NotIn', 'Exists', 'DoesNotExist'" in problem["message"]


def test_a_listener_serves_the_hosts_that_its_expressions_say(gateway: Gateway, red: HttpUpstream) -> None:
    port = unused_port()
    expressions = [
        {"key": "edge", "operator": "In", "values": ["public", "both"]},
        {"key": "stage", "operator": "DoesNotExist"},
    ]
    binding = {"selector": {"matchExpressions": expressions}}
    spec = {"port": port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding}
    texts = an_object("Listener", "public", spec) + mapping("edges", "*.edges.test", red.service)
    labels: dict[str, dict[str, str] | None] = {
        "public": {"edge": "public"},
        "both": {"edge": "both", "other": ""},
        "draft": {"edge": "public", "stage": "draft"},
        "private": {"edge": "private"},
        "unsaid": None,
    }
    route = {"requestPolicy": {"insecure": {"action": "Route"}}}
    for name, found in labels.items():
        texts += an_object("Host", f"edge-{name}", {"hostname": f"{name}.edges.test", **route}, labels=found)

    def status(name: str) -> int | None:
        try:
            return plain.get(f"http://127.0.0.1:{port}/", headers={"host": f"{name}.edges.test"}).status_code
        except httpx.TransportError:
            return None

    with gateway.applied("edges", texts):
        wait_until(lambda: status("public") == 200, what="the Listener served")
        assert {name for name in labels if status(name) == 200} == {"public", "both"}
        assert {status(name) for name in ("draft", "private", "unsaid")} == {404}
        assert {gateway.request(f"{name}.edges.test").status_code for name in labels} == {200}


def test_without_strict_selectors_one_label_is_enough_and_the_expressions_hold_all_the_same(red: HttpUpstream) -> None:
    name = "loose.test"
    live = {"key": "stage", "operator": "NotIn", "values": ["draft"]}
    chosen = {"matchLabels": {"crew": "red", "tier": "web"}, "matchExpressions": [live]}
    texts = host("loose", name, mappingSelector=chosen)
    texts += mapping("one", None, red.service, "/one/", labels_={"tier": "web"})
    texts += mapping("draft", None, red.service, "/draft/", labels_={"tier": "web", "stage": "draft"})
    texts += mapping("live", None, red.service, "/live/", labels_={"stage": "live"})
    with Gateway(environ={"DISABLE_STRICT_LABEL_SELECTORS": "true"}) as gateway:
        gateway.apply("loose", texts)
        gateway.wait_served(name, "/one/")
        found = {path: gateway.request(name, f"/{path}/").status_code for path in ("one", "draft", "live")}
        assert found == {"one": 200, "draft": 404, "live": 404}
