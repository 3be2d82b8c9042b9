"""A real API server takes what the translator takes, keeps all of it, and refuses what the schemas say is wrong."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crds.definitions import spec_schema
from crds.files import FOLDER
from crds.kinds import SERVED
from tests.crds.generating import specs
from tests.crds.talking import API, BY_NAME, GOOD, refusal, stopped, wait_until_served
from tests.support.apiserver import ApiError, ApiServer
from tests.support.envoy import wait_until

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module")
def api(apiserver: ApiServer) -> ApiServer:
    """An API server that knows our kinds."""
    apiserver.apply(FOLDER / "crds.yaml")
    wait_until_served(apiserver)
    return apiserver


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_translator_takes_the_api_server_takes(api: ApiServer, name: str, data: st.DataObject) -> None:
    kind = BY_NAME[name]
    given_ = data.draw(specs(kind.spec))
    few = data.draw(st.sets(st.sampled_from([*given_, ""]), max_size=3))
    for spec in (given_, GOOD[name] | {field: given_[field] for field in few - {""}}):
        if not stopped(name, spec):
            assert refusal(api, name, spec) == "", spec


# What a schema says: each of its words, broken alone, is refused by both.


WRONG_KIND: dict[str, Any] = {"string": 5, "integer": "five", "boolean": "true", "array": {}, "object": []}
AGAINST: dict[str, Callable[[Any], Any]] = {
    "type": lambda kind: WRONG_KIND[kind],
    "x-kubernetes-int-or-string": lambda _: {},
    "enum": lambda options: "other" if isinstance(options[0], str) else 299,
    "minimum": lambda least: least - 1,
    "maximum": lambda most: int(most) + 1,
    "pattern": lambda _: "no pattern of ours has %",
    "minLength": lambda least: "x" * (least - 1),
    "maxLength": lambda most: "x" * (most + 1),
    "maxItems": lambda most: ["TCP"] * (most + 1),
    "maxProperties": lambda most: {f"x-{number}": "a" for number in range(most + 1)},
}
"""For each keyword, a value that is against it."""


def wrong_values(schema: Mapping[str, Any], must: bool) -> Iterator[Any]:
    """A value against each keyword of a schema."""
    silent = {"description", "properties", "required", "items", "additionalProperties", "nullable"}
    others = {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
    for keyword in schema.keys() - silent - others:
        yield AGAINST[keyword](schema[keyword])
    if must:
        yield None


def least(schema: Mapping[str, Any]) -> Any:
    """A value that a schema takes."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: least(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return []
        case "integer":
            return int(schema.get("minimum", 0))
        case "boolean":
            return True
    return "a"


def breaches(schema: Mapping[str, Any], good: Any, *, must: bool = False) -> Iterator[tuple[str, Any]]:
    """Where, and the whole value with one thing wrong."""
    for wrong in wrong_values(schema, must):
        yield "", wrong
    for name, part in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        if required:
            yield f".{name}", {key: value for key, value in good.items() if key != name}
        inner = good.get(name, least(part))
        for where, wrong in breaches(part, inner, must=required):
            yield f".{name}{where}", {**good, name: wrong}
    if "items" in schema:
        for where, wrong in breaches(schema["items"], least(schema["items"])):
            yield f"[0]{where}", [wrong]
    if "additionalProperties" in schema:
        for where, wrong in breaches(schema["additionalProperties"], least(schema["additionalProperties"])):
            yield f".x{where}", {"x": wrong}


@pytest.mark.parametrize("name", GOOD)
def test_each_word_of_a_schema_is_meant_by_both(api: ApiServer, name: str) -> None:
    kind = BY_NAME[name]
    schema = spec_schema(kind)
    # Who else it is for is no part of its meaning: an object with a wrong one is nobody's.
    schema = {
        **schema,
        "properties": {key: part for key, part in schema["properties"].items() if key != "ambassador_id"},
    }
    tried = 0
    for where, spec in breaches(schema, GOOD[name]):
        tried += 1
        assert refusal(api, name, spec), (where, spec)
        assert stopped(name, spec), (where, spec)
    assert tried > {"Module": 1}.get(name, 10)


@pytest.mark.parametrize("wrong", [5, "default", [5]])
def test_an_ambassador_id_that_would_hide_an_object_from_everyone_is_refused(api: ApiServer, wrong: Any) -> None:
    assert "ambassador_id" in refusal(api, "Host", {"ambassador_id": wrong})


# CEL rules: whole families of objects, of which both think the same.

LAYERS = ["HTTP", "PROXY", "TLS", "TCP"]
VERSIONS = ["v1.0", "v1.1", "v1.2", "v1.3"]
FAMILIES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "stacks": (
        "Listener",
        [
            {key: value for key, value in GOOD["Listener"].items() if key != "protocol"}
            | ({"protocol": protocol} if protocol else {})
            | ({"protocolStack": list(stack)} if stack is not None else {})
            for protocol in (None, "HTTP")
            for stack in [None, *(s for size in range(4) for s in itertools.product(LAYERS, repeat=size))]
        ],
    ),
    "bindings": (
        "Listener",
        [
            GOOD["Listener"]
            | {
                "hostBinding": ({"namespace": namespace} if namespace else {})
                | ({"selector": selector} if selector is not None else {})
            }
            for namespace in (None, {"from": "SELF"}, {})
            for selector in (None, {}, {"matchLabels": None}, {"matchLabels": {}}, {"matchLabels": {"a": "b"}})
        ],
    ),
    "versions": (
        "TLSContext",
        [
            {name: value for name, value in zip(names, pair, strict=True) if value}
            for names in itertools.product(("min_tls_version", "minTlsVersion"), ("max_tls_version", "maxTlsVersion"))
            for pair in itertools.product([None, *VERSIONS], repeat=2)
        ],
    ),
    "hosts": (
        "Mapping",
        [
            GOOD["Mapping"] | {key: value for key, value in case.items() if value is not None}
            for case in (
                {"host": host, "hostname": hostname, "host_regex": regex}
                for host in (None, "", "a", "*", ".*", "*.a")
                for hostname in (None, "", "a", "*")
                for regex in (None, True, False)
                if not (regex and host and host.startswith("*"))  # no regular expression, which CEL cannot see
            )
        ],
    ),
    "prefixes": (
        "Mapping",
        [
            GOOD["Mapping"] | {"prefix": f"/a{character}b"} | ({"prefix_regex": True} if regex else {})
            for character in ["?", "#", " ", "\t", "\n", "\x01", "\x7f", "%", "é", "(b)", "."]
            for regex in (False, True)
            if not (regex and character in "\n\x01\x7f")  # nor control characters in one
        ],
    ),
    "methods": (
        "Mapping",
        [
            GOOD["Mapping"] | {"method": method, "method_regex": regex}
            for method in ("", "GET", "get", "G T", "A-B_c!", "GET,PUT", "GET|PUT", "é", "a" * 300)
            for regex in (False, True)
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_across_fields_are_the_same_for_both(api: ApiServer, family: str) -> None:
    name, family_specs = FAMILIES[family]
    verdicts = set()
    for spec in family_specs:
        taken = not stopped(name, spec)
        assert (refusal(api, name, spec) == "") == taken, spec
        verdicts.add(taken)
    assert verdicts == {True, False}  # the family has both sorts


def test_every_rule_across_fields_is_in_a_family(api: ApiServer) -> None:
    """A rule without a case refuses nothing here: its message never comes up."""
    said = "".join(refusal(api, name, spec) for name, tried in FAMILIES.values() for spec in tried)
    rules = [rule for kind in SERVED for rule in all_rules(spec_schema(kind))]
    assert len(rules) >= 8
    for rule in rules:
        assert rule["message"] in said


def all_rules(schema: Any) -> Iterator[dict[str, str]]:
    if isinstance(schema, dict):
        yield from schema.get("x-kubernetes-validations", ())
        for part in schema.values():
            yield from all_rules(part)


# What is not ours to refuse


EMISSARY: dict[str, list[dict[str, Any]]] = {
    "Mapping": [
        GOOD["Mapping"]
        | {
            "ambassador_id": ["--apiVersion-v3alpha1-only--default"],
            "circuit_breakers": [{"priority": "high", "max_connections": 5}],
            "cors": {"origins": ["http://a"], "max_age": "1"},
            "load_balancer": {"policy": "ring_hash", "cookie": {"name": "a", "ttl": "5s"}},
            "labels": {"ambassador": [{"a": [{"generic_key": {"value": "b", "v2Shorthand": True}}]}]},
            "v2ExplicitTLS": {"tls": "bool:true", "serviceScheme": "https://"},
            "v2BoolHeaders": ["a"],
            "add_request_headers": {"a": {"value": "b", "append": False, "v2Representation": "string"}, "c": "d"},
            "shadow": True,
            "host": "a",
            "host_regex": True,
            "use_websocket": True,
            "health_checks": [{"health_check": {"http": {"path": "/a"}}}],
        }
    ],
    "Host": [
        {
            "hostname": "a.example.com:8500",
            "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
            "acmeProvider": {"authority": "https://a", "email": "a@b", "privateKeySecret": {"name": "a"}},
            "previewUrl": {"enabled": True, "type": "Path"},
            "requestPolicy": {"insecure": {"action": "Redirect", "additionalPort": 8080}},
            "tls": {"caSecret": "a", "cert_chain_file": "/a", "private_key_file": "/b", "redirect_cleartext_from": 80},
        }
    ],
    "Listener": [
        GOOD["Listener"] | {"protocol": "UDP"},
        GOOD["Listener"] | {"protocolStack": ["TLS", "HTTP", "UDP"]},
        GOOD["Listener"] | {"hostBinding": {"namespace": {"from": "SELECTOR"}, "selector": {"matchLabels": {}}}},
    ],
    "TLSContext": [
        {"hosts": ["a", "*.b"], "cert_chain_file": "/a", "private_key_file": "/b", "crl_secret": "c"},
        {"redirect_cleartext_from": 80, "v2CRLSecret": "a", "alpnProtocols": "h2,http/1.1"},
    ],
    "TCPMapping": [GOOD["TCPMapping"] | {"idle_timeout_ms": "5000", "circuit_breakers": [], "resolver": "endpoint"}],
    "Module": [{"config": {"xff_num_trusted_hops": 1, "ip_allow": [{"peer": "127.0.0.1"}], "server_name": 5}}],
}  # fmt: skip


@pytest.mark.parametrize("name", EMISSARY)
def test_what_is_right_for_emissary_is_taken_and_nothing_of_it_is_lost(api: ApiServer, name: str) -> None:
    kind = BY_NAME[name]
    collection = f"{API}/namespaces/{api.namespace()}/{kind.plural}"
    for number, spec in enumerate(EMISSARY[name]):
        full = {**spec, "nobody-knows-it": {"deep": [{"er": None}]}}
        api.ask(
            "POST",
            collection,
            {
                "apiVersion": "getambassador.io/v3alpha1",
                "kind": name,
                "metadata": {"name": f"kept-{number}"},
                "spec": full,
            },
        )
        assert api.get(f"{collection}/kept-{number}")["spec"] == full


def test_unknown_fields_are_kept_at_every_depth(api: ApiServer) -> None:
    """An API server that drops them does so in silence, and a slip of the pen would never be told."""
    namespace = api.namespace()
    spec = GOOD["Mapping"] | {"retry_policy": {"retry_on": "5xx", "num_retrys": 3}, "prefx": "/b/"}
    path = f"{API}/namespaces/{namespace}/mappings"
    api.ask(
        "POST",
        path,
        {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "a"}, "spec": spec},
    )
    assert api.get(f"{path}/a")["spec"] == spec


def test_columns_show_what_the_status_says(api: ApiServer) -> None:
    namespace = api.namespace()
    path = f"{API}/namespaces/{namespace}/mappings"
    made = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "quote"}}
    api.ask("POST", path, made | {"spec": {"hostname": "a.b", "prefix": "/q/", "service": "quote:80"}})
    conditions = [
        {
            "type": name,
            "status": "True",
            "reason": name,
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": 1,
        }
        for name in ("Accepted", "ResolvedRefs", "Programmed")
    ]
    status = {"status": {"state": "Running", "conditions": conditions, "observedGeneration": 1, "later": {"more": 1}}}
    patched = api.ask("PATCH", f"{path}/quote/status", status, content_type="application/merge-patch+json")
    assert patched["status"] == status["status"]  # unknown fields too, for a later version
    assert patched["metadata"]["generation"] == 1
    head, line = shown(api, "get", "mappings", "-n", namespace).splitlines()
    assert (
        " ".join(head.split())
        == "NAME SOURCE HOST SOURCE PREFIX DEST SERVICE STATE REASON ACCEPTED RESOLVED PROGRAMMED"
    )
    assert line.split() == ["quote", "a.b", "/q/", "quote:80", "Running", "True", "True", "True"]
    assert "/quote" in shown(api, "get", "ambassador-crds", "-n", namespace)


def shown(api: ApiServer, *arguments: str) -> str:
    """What kubectl prints, once the API server tells of the kinds: that takes a moment after they are served."""
    printed = ""

    def prints() -> bool:
        nonlocal printed
        with suppress(ApiError):
            printed = api.kubectl(*arguments)
        return bool(printed)

    wait_until(prints, 60, what=f"kubectl {arguments}")
    return printed


def test_kubectl_explains_fields(api: ApiServer) -> None:
    assert "How long a whole request may take" in shown(api, "explain", "mappings.spec.timeout_ms")
    assert "is not served by this version" in shown(api, "explain", "mappings.spec.cors")
    assert "The Server header of responses" in shown(api, "explain", "modules.spec.config.server_name")
