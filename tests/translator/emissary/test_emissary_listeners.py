"""Listeners: ports that are open, and which Hosts each serves."""

import pytest

from tests.translator.emissary.world import World
from translator import ir

ALL = {"namespace": {"from": "ALL"}}

WITHOUT_MORE = {
    "matchLabels": {"team": "x"},
    "matchExpressions": [{"key": "more", "operator": "NotIn", "values": ["1"]}],
}
NO_HTTP3 = "with UDP must be TLS, HTTP, UDP, in a protocolStack, which is HTTP/3"


def one(**fields: object) -> World:
    """A world with a Listener and a Host."""
    made = World()
    made.listener("one", **fields)  # type: ignore[arg-type]
    made.host("host", "foo.com")
    return made


def test_a_listener_opens_its_port_at_the_address_of_the_process() -> None:
    made = World(bind_address="127.0.0.9")
    made.listener("one", 8080)
    assert made.listeners == {
        "default/one": ir.Listener("default/one", "127.0.0.9", 8080, origins=("getambassador.io/Listener/default/one",))
    }


@pytest.mark.parametrize(
    ("protocol", "prefix", "proxy"),
    [
        ("HTTP", "ingress_http", False),
        ("HTTPS", "ingress_https", False),
        ("HTTPPROXY", "ingress_http", True),
        ("HTTPSPROXY", "ingress_https", True),
    ],
)
def test_protocols_of_http(protocol: str, prefix: str, proxy: bool) -> None:
    made = one(protocol=protocol)
    body = made.chains["default/one/cleartext"].body
    assert isinstance(body, ir.HttpChain)
    assert body.options.stat_prefix == prefix
    assert made.listeners["default/one"].proxy_protocol is proxy


def test_a_stack_says_the_same_layer_by_layer_and_wins() -> None:
    made = one(protocol="TCP", protocolStack=["TLS", "PROXY", "HTTP", "TCP"])
    assert made.listeners["default/one"].proxy_protocol is True
    assert made.problems("getambassador.io/Listener/default/one") == {
        "spec.protocol": "warning: has no effect beside protocolStack"
    }


def test_what_a_listener_says_of_http() -> None:
    made = one(statsPrefix="mine", l7Depth=2, http2MaxConcurrentStreams=7)
    body = made.chains["default/one/cleartext"].body
    assert isinstance(body, ir.HttpChain)
    assert (body.options.stat_prefix, body.options.trusted_hops, body.options.max_concurrent_streams) == ("mine", 2, 7)


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ({"namespace": {"from": "ALL"}}, {"a/own", "b/other"}),
        ({"namespace": {"from": "SELF"}}, {"a/own"}),
        ({"selector": {"matchLabels": {"team": "x"}}}, {"a/own"}),
        ({"selector": {"matchLabels": {"team": "y"}}}, set()),
        ({"namespace": {"from": "ALL"}, "selector": {"matchLabels": {"team": "x"}}}, {"a/own", "b/other"}),
        ({"namespace": {"from": "ALL"}, "selector": {"matchLabels": {"team": "x", "more": "1"}}}, {"b/other"}),
        ({"selector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}, {"a/own"}),
        ({"selector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}}, set()),
        ({"namespace": {"from": "ALL"}, "selector": WITHOUT_MORE}, {"a/own"}),
    ],
)
def test_which_hosts_a_listener_serves(binding: dict[str, object], expected: set[str]) -> None:
    made = World()
    spec = {"port": 8080, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding}
    made.put("Listener", "one", spec, namespace="a")
    made.host("own", "own.com", namespace="a", labels={"team": "x"})
    made.host("other", "other.com", namespace="b", labels={"team": "x", "more": "1"})
    hosts = made.virtual_hosts("a/one/cleartext").values() if made.chains else ()
    assert {host.name for host in hosts} == expected


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"port": 0}, "spec.port", "must be between 1 and 65535, not 0"),
        ({"protocol": "UDP"}, "spec.protocol", NO_HTTP3),
        ({"protocolStack": ["HTTP", "UDP"]}, "spec.protocolStack", NO_HTTP3),
        ({"protocolStack": ["TLS", "HTTP", "UDP", "TCP"]}, "spec.protocolStack", NO_HTTP3),
        ({"protocolStack": ["TCP", "HTTP"]}, "spec.protocolStack", "must end with TCP"),
        ({"protocolStack": ["HTTP", "HTTP", "TCP"]}, "spec.protocolStack", "must not name a layer twice"),
        ({"protocol": None}, "spec.protocol", "is required, unless there is a protocolStack"),
        ({"securityModel": None}, "spec.securityModel", "is required"),
        ({"hostBinding": None}, "spec.hostBinding", "is required"),
        (
            {"hostBinding": {}},
            "spec.hostBinding",
            "must have a namespace, a selector with matchLabels or matchExpressions, or both",
        ),
        (
            {"hostBinding": {"namespace": {"from": "SELECTOR"}}},
            "spec.hostBinding.namespace.from",
            "SELECTOR is not served, since Namespaces are not watched: use ALL or SELF",
        ),
        (
            {"hostBinding": {"selector": {"matchExpressions": [{"key": "team", "operator": "Is", "values": ["x"]}]}}},
            "spec.hostBinding.selector.matchExpressions[0].operator",
            "must be one of 'In', 'NotIn', 'Exists', 'DoesNotExist', not a string: 'Is'",
        ),
        ({"l7Depth": -1}, "spec.l7Depth", "must be between 0 and 4294967295, not -1"),
        ({"http2MaxConcurrentStreams": 0}, "spec.http2MaxConcurrentStreams", "must be between 1 and 2147483647, not 0"),
        ({"statsPrefix": ""}, "spec.statsPrefix", "must not be empty"),
    ],
)
def test_mistakes(fields: dict[str, object], path: str, message: str) -> None:
    made = one(**fields)
    problems = made.problems("getambassador.io/Listener/default/one")
    assert problems[path].removeprefix("warning: ") == message
    assert not problems[path].startswith("warning: ") or "protocolStack" in fields
    assert made.listeners == {}


def test_the_second_listener_of_a_port_is_told() -> None:
    made = one()
    second = made.listener("two")
    assert set(made.listeners) == {"default/one"}
    assert made.problems(second) == {"spec.port": "8080 is already taken by getambassador.io/Listener/default/one"}
    made.delete("getambassador.io/Listener/default/one")
    assert set(made.listeners) == {"default/two"}


def test_a_listener_that_leads_nowhere_stays_shut_and_is_told() -> None:
    made = one(hostBinding={"namespace": {"from": "SELF"}, "selector": {"matchLabels": {"x": "y"}}})
    assert made.listeners == {}
    assert made.problems("getambassador.io/Listener/default/one") == {
        "spec.hostBinding": "leads to no Host that is served, and no TCPMapping wants the port: it stays shut"
    }
