"""What each spelling of the older versions becomes, and what the older versions are told of the current one."""

from typing import Any

import orjson
import pytest

from conversion import ANNOTATION, UnconvertibleError, convert, versions_of, written_path

MANGLED = ["--apiVersion-v3alpha1-only--default"]


def an(kind: str, version: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"getambassador.io/{version}",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "b", **metadata},
        "spec": spec,
    }


def upgraded(kind: str, spec: Any) -> Any:
    return convert(an(kind, "v2", spec), "v3alpha1")["spec"]


def downgraded(kind: str, spec: Any) -> Any:
    return convert(an(kind, "v3alpha1", spec), "v2")["spec"]


@pytest.mark.parametrize(
    ("older", "current"),
    [
        ({"ambassador_id": "mine"}, {"ambassador_id": ["mine"]}),
        ({"ambassador_id": ["a", "b"]}, {"ambassador_id": ["a", "b"]}),
        ({"ambassadorId": "mine"}, {"ambassador_id": ["mine"]}),
        ({"ambassador_id": MANGLED}, {"ambassador_id": ["default"]}),
        ({"remove_request_headers": "x"}, {"remove_request_headers": ["x"]}),
        ({"remove_response_headers": ["x", "y"]}, {"remove_response_headers": ["x", "y"]}),
        (
            {"add_request_headers": {"h": "v"}},
            {"add_request_headers": {"h": {"value": "v", "v2Representation": "string"}}},
        ),
        (
            {"add_request_headers": {"h": True, "i": 1}},
            {"add_request_headers": {"h": {"value": "true"}, "i": {"value": "1"}}},
        ),
        ({"add_response_headers": {"h": None}}, {"add_response_headers": {"h": {"v2Representation": "null"}}}),
        (
            {"add_response_headers": {"h": {"value": "v", "append": False}}},
            {"add_response_headers": {"h": {"value": "v", "append": False}}},
        ),
        (
            {"headers": {"a": True, "b": "x", "c": False}},
            {"headers": {"b": "x"}, "regex_headers": {"a": ".*"}, "v2BoolHeaders": ["a"]},
        ),
        (
            {"query_parameters": {"q": True}},
            {"regex_query_parameters": {"q": ".*"}, "v2BoolQueryParameters": ["q"]},
        ),
        (
            {"cors": {"origins": "https://a, https://b", "methods": "GET, POST", "max_age": "60"}},
            {
                "cors": {
                    "origins": ["https://a", "https://b"],
                    "methods": ["GET", "POST"],
                    "max_age": "60",
                    "v2CommaSeparatedOrigins": True,
                }
            },
        ),
        ({"v3StatsName": "s", "v3health_checks": [{}]}, {"stats_name": "s", "health_checks": [{}]}),
        (
            {"load_balancer": {"policy": "ring_hash", "cookie": {"name": "c"}}},
            {"load_balancer": {"policy": "ring_hash", "cookie": {"name": "c"}}},
        ),
        (
            {"labels": {"d": [{"g": ["remote_address", "mine", {"x": {"header": "X", "omit_if_not_present": True}}]}]}},
            {
                "labels": {
                    "d": [
                        {
                            "g": [
                                {"remote_address": {"key": "remote_address"}},
                                {"generic_key": {"value": "mine", "v2Shorthand": True}},
                                {"request_headers": {"key": "x", "header_name": "X", "omit_if_not_present": True}},
                            ]
                        }
                    ]
                }
            },
        ),
        (
            {"labels": {"d": [{"g": [{"generic_key": "v"}, {"generic_key": "v", "v3Key": "k"}]}]}},
            {"labels": {"d": [{"g": [{"generic_key": {"value": "v"}}, {"generic_key": {"value": "v", "key": "k"}}]}]}},
        ),
    ],
)
def test_spellings_of_a_mapping(older: dict[str, Any], current: dict[str, Any]) -> None:
    assert upgraded("Mapping", older) == {"hostname": "*", **current}


@pytest.mark.parametrize(
    ("older", "current"),
    [
        ({}, {"hostname": "*"}),
        ({"host": ""}, {"hostname": "*"}),
        ({"host": "a.test"}, {"hostname": "a.test"}),
        ({"host": "a.test", "host_regex": False}, {"hostname": "a.test", "host_regex": False}),
        ({"host": "a.*", "host_regex": True}, {"host": "a.*", "host_regex": True}),
        ({"host": "_skip_mapping_with_empty_host_"}, {}),
        ({"hostname": "a.test"}, {"hostname": "a.test"}),
        ({"headers": {":authority": "a.test"}}, {"headers": {":authority": "a.test"}}),
    ],
)
def test_the_host_of_a_mapping(older: dict[str, Any], current: dict[str, Any]) -> None:
    assert upgraded("Mapping", older) == current


def test_everyone_and_no_one_are_not_the_same_host() -> None:
    """Without a hostname a Mapping of v3alpha1 is for the Hosts that select it; of v2, for every Host."""
    assert downgraded("Mapping", {"hostname": "*"}) == {"ambassador_id": MANGLED}
    assert downgraded("Mapping", {}) == {"ambassador_id": MANGLED, "host": "_skip_mapping_with_empty_host_"}
    assert downgraded("Mapping", {"host": "a", "hostname": "b"})["host"] == "b"


@pytest.mark.parametrize(
    ("older", "current"),
    [
        ({"service": "q"}, {"service": "q"}),
        ({"service": "q", "tls": "ctx"}, {"service": "q", "tls": "ctx"}),
        (
            {"service": "q:8443", "tls": True},
            {"service": "https://q:8443", "v2ExplicitTLS": {"tls": "bool:true", "serviceScheme": ""}},
        ),
        (
            {"service": "http://q", "tls": True},
            {"service": "https://q", "v2ExplicitTLS": {"tls": "bool:true", "serviceScheme": "http://"}},
        ),
        ({"service": "https://q", "tls": True}, {"service": "https://q", "v2ExplicitTLS": {"tls": "bool:true"}}),
        ({"service": "https://q", "tls": False}, {"service": "https://q", "v2ExplicitTLS": {"tls": "bool:false"}}),
        ({"service": "q", "tls": None}, {"service": "q", "v2ExplicitTLS": {"tls": "null"}}),
        ({"service": "q", "tls": ""}, {"service": "q", "v2ExplicitTLS": {"tls": "string"}}),
        (
            {"service": "q", "tls": True, "host_redirect": True},
            {"service": "q", "host_redirect": True, "v2ExplicitTLS": {"tls": "bool:true"}},
        ),
    ],
)
def test_tls_of_a_mapping_is_the_scheme_of_its_service(older: dict[str, Any], current: dict[str, Any]) -> None:
    assert upgraded("Mapping", {"host": "h", **older}) == {"hostname": "h", **current}


def test_a_tcpmapping_has_no_scheme_in_older_versions() -> None:
    assert upgraded("TCPMapping", {"service": "q", "tls": True}) == {
        "service": "https://q",
        "v2ExplicitTLS": {"tls": "bool:true"},
    }
    assert downgraded("TCPMapping", {"service": "https://q"}) == {"ambassador_id": MANGLED, "service": "q", "tls": True}


@pytest.mark.parametrize(
    ("kind", "older", "current"),
    [
        ("Host", {"selector": {"matchLabels": {"a": "b"}}}, {"mappingSelector": {"matchLabels": {"a": "b"}}}),
        ("Host", {"tls": {"v3CRLSecret": "s"}}, {"tls": {"crl_secret": "s"}}),
        ("TLSContext", {"v3CRLSecret": "s"}, {"crl_secret": "s"}),
        (
            "AuthService",
            {"auth_service": "a", "tls": True, "v3CircuitBreakers": []},
            {
                "auth_service": "https://a",
                "circuit_breakers": [],
                "v2ExplicitTLS": {"tls": "bool:true", "serviceScheme": ""},
            },
        ),
        ("RateLimitService", {"v3GRPC": {}, "failure_mode_deny": True}, {"grpc": {}, "failure_mode_deny": True}),
        ("LogService", {"v3ProtocolVersion": "v3"}, {"protocol_version": "v3"}),
        (
            "TracingService",
            {
                "tag_headers": ["x-a"],
                "v3CustomTags": [{"tag": "t", "literal": {"value": "v"}}],
                "config": {"v3PropagationModes": ["B3"]},
            },
            {
                "custom_tags": [
                    {"tag": "t", "literal": {"value": "v"}},
                    {"tag": "x-a", "request_header": {"name": "x-a"}},
                ],
                "config": {"propagation_modes": ["B3"]},
            },
        ),
        ("Module", {"config": {"headers": {"x": True}}}, {"config": {"headers": {"x": True}}}),
        ("ConsulResolver", {"datacenter": "dc1"}, {"datacenter": "dc1"}),
    ],
)
def test_spellings_of_other_kinds(kind: str, older: dict[str, Any], current: dict[str, Any]) -> None:
    assert upgraded(kind, older) == current


def test_an_older_gateway_passes_over_what_was_made_in_the_current_version() -> None:
    assert downgraded("Module", {"config": {}}) == {"ambassador_id": MANGLED, "config": {}}
    assert downgraded("Module", {"ambassador_id": ["a"]})["ambassador_id"] == ["--apiVersion-v3alpha1-only--a"]


def test_what_was_made_in_an_older_version_stays_its_own_after_an_edit() -> None:
    current = convert(an("Module", "v2", {"ambassador_id": "a"}), "v3alpha1")
    current["spec"]["ambassador_id"] = ["a", "b"]
    assert convert(current, "v2")["spec"]["ambassador_id"] == ["a", "b"]


def test_an_edit_keeps_how_the_rest_was_written() -> None:
    written = {
        "add_request_headers": {"a": "1"},
        "tls": True,
        "service": "http://q",
        "prefix": "/a/",
        "cors": {"origins": "a,b"},
    }
    current = convert(an("Mapping", "v1", written), "v3alpha1")
    current["spec"]["prefix"] = "/b/"
    current["spec"]["add_request_headers"]["b"] = {"value": "2"}
    current["spec"]["cors"]["origins"].append("c")
    assert convert(current, "v1")["spec"] == {
        **written,
        "prefix": "/b/",
        "add_request_headers": {"a": "1", "b": {"value": "2"}},
        "cors": {"origins": "a,b,c"},
    }


def test_a_service_without_tls_any_more_is_no_longer_asked_for_by_tls() -> None:
    current = convert(an("Mapping", "v2", {"tls": True, "service": "q"}), "v3alpha1")
    current["spec"]["service"] = "http://q"
    assert convert(current, "v2")["spec"] == {"service": "http://q"}


def test_the_memory_is_an_annotation_that_is_gone_again() -> None:
    older = an("Module", "v2", {"ambassador_id": "a"}, annotations={"mine": "1"})
    current = convert(older, "v3alpha1")
    assert orjson.loads(current["metadata"]["annotations"].pop(ANNOTATION)) == {
        "v2": {"ambassador_id": {"ambassador_id": "a"}}
    }
    assert current["metadata"] == older["metadata"]


@pytest.mark.parametrize("annotations", [{}, None])
def test_no_annotations_stay_no_annotations_as_they_were_written(annotations: Any) -> None:
    older = an("Module", "v2", {"ambassador_id": "a"}, annotations=annotations)
    assert convert(convert(older, "v3alpha1"), "v2") == older


@pytest.mark.parametrize(
    ("document", "version", "said"),
    [
        (3, "v2", "not an object"),
        (an("Listener", "v2", {}), "v3alpha1", "Listener has no version 'v2', only v3alpha1"),
        (an("Host", "v3alpha1", {}), "v1", "Host has no version 'v1', only v2, v3alpha1"),
        (an("Mapping", "v4", {}), "v2", "no version 'v4'"),
        (an("Mapping", "v2", {}), "v9", "no version 'v9'"),
        ({"apiVersion": "v1", "kind": "Service"}, "v2", "its apiVersion is 'v1'"),
        ({"apiVersion": "getambassador.io/v2"}, "v1", "no kind"),
        ({"apiVersion": "getambassador.io/v2", "kind": "Mapping"}, "v1", "metadata"),
        (an("Mapping", "v2", {}, annotations=[1]), "v1", "annotations"),
    ],
)
def test_what_cannot_be_converted_says_why(document: Any, version: str, said: str) -> None:
    with pytest.raises(UnconvertibleError, match=said):
        convert(document, version)


def test_which_kinds_have_older_versions() -> None:
    assert versions_of("Mapping") == ("v1", "v2", "v3alpha1")
    assert versions_of("Host") == ("v2", "v3alpha1")
    assert versions_of("Listener") == ("v3alpha1",)


def test_a_path_is_told_as_it_was_written() -> None:
    spec = {"host": "*.*", "selector": {}, "headers": {"x": True}, "prefix": "/"}
    assert written_path("Mapping", spec, "spec.hostname") == "spec.host"
    assert written_path("Host", spec, "spec.mappingSelector.matchLabels") == "spec.selector.matchLabels"
    assert written_path("Mapping", spec, 'spec.regex_headers["x"]') == 'spec.headers["x"]'
    assert written_path("Mapping", spec, "spec.prefix") == "spec.prefix"
    assert written_path("Mapping", {}, "spec.hostname") == "spec.hostname"
    assert written_path("Mapping", spec, "metadata.name") == "metadata.name"


@pytest.mark.parametrize(("room", "remembers"), [(0, True), (-1, False), (-500, False)])
def test_what_there_is_no_room_to_remember_comes_back_in_other_words(room: int, remembers: bool) -> None:
    """One annotation too much, and the API server refuses the object, and each list that it is in."""
    spec = {"ambassador_id": "mine", "prefix": "/"}
    ((name, text),) = convert(an("Mapping", "v2", spec), "v3alpha1")["metadata"]["annotations"].items()
    others = {"é": "x" * (256 * 1024 - len(name + text) - len("é".encode()) - room)}
    current = convert(an("Mapping", "v2", spec, annotations=others), "v3alpha1")
    size = sum(len(text.encode()) for pair in current["metadata"]["annotations"].items() for text in pair)
    assert (ANNOTATION in current["metadata"]["annotations"]) is remembers
    assert size <= 256 * 1024 or not remembers
    assert current["spec"]["ambassador_id"] == ["mine"]
    back = convert(current, "v2")
    assert back["metadata"]["annotations"] == others
    assert back["spec"]["ambassador_id"] == ("mine" if remembers else ["--apiVersion-v3alpha1-only--mine"])
