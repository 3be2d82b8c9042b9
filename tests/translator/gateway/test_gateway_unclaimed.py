"""What is said in a folder of objects of Gateway API that are nobody's, and not in a cluster."""

from typing import Any

import pytest

from tests.translator.gateway.gateway_world import CONTROLLER, GatewayWorld, key_of, to, world
from translator.options import Options
from translator.pipeline import Pipeline

ROUTES = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"]


def rule(path: str) -> dict[str, Any]:
    return {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [to()]}


def told(made: GatewayWorld, key: str) -> list[tuple[str, str]]:
    made.sweep()
    found = made.pipeline.problems([key])[key]
    assert all((each.stops, each.reason) == (False, "NotAttached") for each in found)
    return [(each.path, each.message) for each in found]


def route(made: GatewayWorld, kind: str, **spec: Any) -> str:
    rules = [rule("/")] if kind == "HTTPRoute" else [{"backendRefs": [to()]}]
    names = {"hostnames": ["a.example.com"]} if kind == "TLSRoute" else {}
    return made.put(kind, "lost", {"rules": rules, **names, **spec})


def test_a_gateway_of_a_class_that_is_not_there_is_told_which_was_meant() -> None:
    made = world()
    key = made.gateway("lost", gatewayClassName="our")
    ((path, message),) = told(made, key)
    assert path == "spec.gatewayClassName"
    assert message == (
        "names the GatewayClass our, which does not exist, so that nothing of this Gateway is served; "
        "did you mean ours?"
    )
    made.gateway_class("our")
    assert told(made, key) == []


def test_the_classes_that_there_are_are_told_where_none_is_like_it() -> None:
    made = world()
    assert told(made, made.gateway("lost", gatewayClassName="zzz"))[0][1].endswith("is served: there is ours")


def test_where_there_is_no_class_it_is_told_how_to_write_one() -> None:
    made = GatewayWorld()
    assert told(made, made.gateway())[0][1].endswith(f": add a GatewayClass with the controllerName {CONTROLLER}")


def test_a_class_of_another_controller_is_told() -> None:
    made = world()
    made.gateway_class("other", "example.com/other")
    message = told(made, made.gateway("lost", gatewayClassName="other"))[0][1]
    assert message.startswith("names the GatewayClass other, which is of another controller, example.com/other,")


def test_a_gateway_without_a_class_is_told_what_it_is_without() -> None:
    made = world()
    key = made.put("Gateway", "lost", {"listeners": []})
    assert made.problems(key)["spec.gatewayClassName"] == "is required"


@pytest.mark.parametrize("kind", ROUTES)
def test_a_route_whose_parent_is_not_there_is_told(kind: str) -> None:
    made = world()
    key = route(made, kind, parentRefs=[{"name": "wbe"}])
    assert told(made, key) == [("spec.parentRefs[0].name", "the Gateway default/wbe does not exist; did you mean web?")]


@pytest.mark.parametrize("kind", ROUTES)
def test_a_route_that_names_no_parent_is_told(kind: str) -> None:
    made = world()
    ((path, message),) = told(made, route(made, kind))
    assert path == "spec.parentRefs"
    assert message == "names no Gateway, and asks for no default one: nothing leads to this route"


def test_the_namespace_of_the_parent_is_told() -> None:
    made = world()
    made.gateway("edge", namespace="infra")
    message = told(made, route(made, "HTTPRoute", parentRefs=[{"name": "edge"}]))[0][1]
    assert message == "the Gateway default/edge does not exist; did you mean the one of the namespace infra?"


def test_a_parent_that_is_not_served_is_told_to_be_so() -> None:
    made = world()
    made.gateway("lost", gatewayClassName="our")
    key = route(made, "HTTPRoute", parentRefs=[{"name": "lost"}])
    message = "the Gateway default/lost is not served, as is told of it: nothing leads here"
    assert told(made, key) == [("spec.parentRefs[0]", message)]


def test_a_parent_of_another_kind_is_told() -> None:
    made = world()
    key = route(made, "HTTPRoute", parentRefs=[{"group": "", "kind": "Service", "name": "red"}])
    ((path, message),) = told(made, key)
    assert path == "spec.parentRefs[0]"
    assert message.startswith("is of the kind core/Service, which takes no HTTPRoutes: it must be a Gateway or ")


def test_each_reference_is_told_for_itself() -> None:
    made = world()
    key = route(made, "HTTPRoute", parentRefs=[{"name": "web"}, {"name": "gone"}, {"kind": "ListenerSet", "name": "s"}])
    assert [path for path, _ in told(made, key)] == ["spec.parentRefs[1].name", "spec.parentRefs[2].name"]


def test_a_route_for_default_gateways_is_told_where_there_is_none() -> None:
    made = world()
    key = route(made, "HTTPRoute", useDefaultGateways="All")
    assert told(made, key) == [
        ("spec.useDefaultGateways", "asks for default Gateways, and no Gateway says defaultScope: All")
    ]
    made.gateway("web", defaultScope="All")
    assert told(made, key) == []


def test_a_listener_set_whose_gateway_is_not_there_is_told() -> None:
    made = world()
    listeners = [{"name": "more", "port": 8001, "protocol": "HTTP"}]
    key = made.put("ListenerSet", "lost", {"parentRef": {"name": "wbe"}, "listeners": listeners})
    assert told(made, key) == [("spec.parentRef.name", "the Gateway default/wbe does not exist; did you mean web?")]
    attached = route(made, "HTTPRoute", parentRefs=[{"kind": "ListenerSet", "name": "lost"}])
    assert told(made, attached)[0][1].startswith("the ListenerSet default/lost is not served, as is told of it")


def test_a_listener_set_without_a_gateway_is_told_what_it_is_without() -> None:
    made = world()
    key = made.put("ListenerSet", "lost", {"listeners": [{"name": "more", "port": 8001, "protocol": "HTTP"}]})
    assert made.problems(key) == {"spec.parentRef": "is required"}


@pytest.mark.parametrize("kind", ["Gateway", "ListenerSet"])
def test_a_policy_says_that_its_target_does_not_exist(kind: str) -> None:
    made = world()
    target = {"group": "gateway.networking.k8s.io", "kind": kind, "name": "gone"}
    key = made.put("RoutePolicy", "lost", {"targetRefs": [target], "cors": {"origins": ["https://a.example.com"]}})
    assert made.problems(key) == {"spec.targetRefs[0]": f"the {kind} default/gone does not exist"}


def test_what_is_served_is_told_nothing() -> None:
    made = world()
    for key in (key_of("Gateway", "web"), made.route("fine", rule("/"))):
        assert told(made, key) == []


def test_in_a_cluster_it_is_another_controllers_affair() -> None:
    made = world(in_cluster=True)
    keys = [made.gateway("lost", gatewayClassName="our"), route(made, "HTTPRoute", parentRefs=[{"name": "wbe"}])]
    keys.append(made.put("ListenerSet", "lost", {"parentRef": {"name": "wbe"}, "listeners": []}))
    keys.append(made.put("HTTPRoute", "none", {"rules": [rule("/")]}))
    made.sweep()
    assert made.pipeline.problems(keys) == dict.fromkeys(keys, ())


def test_where_one_gateway_is_served_alone_the_others_are_not_told() -> None:
    made = GatewayWorld(gateway="default/web")
    made.gateway_class()
    key = made.gateway("other")
    assert told(made, key) == []


def test_a_version_that_there_is_not_stops_an_object() -> None:
    made = world()
    key = made.document(
        "HTTPRoute",
        "late",
        "default",
        apiVersion="gateway.networking.k8s.io/v1alpha9",
        spec={"parentRefs": [{"name": "web"}], "rules": [rule("/")]},
    )
    assert made.problems(key)["apiVersion"].startswith("must be gateway.networking.k8s.io/v1: there is no version ")
    assert made.parent(key)["Accepted"] == "False/UnsupportedValue"


def test_the_tables_are_not_there_in_a_cluster() -> None:
    def count(*, in_cluster: bool) -> int:
        return len(Pipeline(Options(in_cluster=in_cluster))._apis.problem_tables)

    assert count(in_cluster=False) == count(in_cluster=True) + 4
