"""Rules across fields: whole families of objects, of which a real API server and the translator think the same."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from crds.definitions import spec_schema
from crds.kinds import SERVED
from tests.crds.talking import GOOD, refusal, stopped
from tests.support.apiserver import ApiServer

pytestmark = pytest.mark.kubernetes


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
            for selector in (
                *(None, {}, {"matchLabels": None}, {"matchLabels": {}}, {"matchLabels": {"a": "b"}}),
                *({"matchExpressions": None}, {"matchExpressions": []}),
                {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
            )
        ],
    ),
    "expressions": (
        "Host",
        [
            {"mappingSelector": {"matchExpressions": [{"key": "a", "operator": operator} | values]}}
            for operator in ("In", "NotIn", "Exists", "DoesNotExist")
            for values in ({}, {"values": None}, {"values": []}, {"values": ["b"]}, {"values": ["b", ""]})
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
    "files": (
        "TLSContext",
        [
            {name: "/a" if "file" in name.lower() else "a" for name in names if name}
            for names in itertools.product(
                (None, "secret"),
                (None, "cert_chain_file", "certChainFile"),
                (None, "private_key_file", "privateKeyFile"),
                (None, "ca_secret", "caSecret"),
                (None, "cacert_chain_file", "cacertChainFile"),
            )
        ],
    ),
    "targets": (
        "BackendPolicy",
        [
            {"targetRefs": [{"name": "a"}, {"name": name} | ({"sectionName": section} if section else {})]}
            for name in ("a", "b")
            for section in (None, "c")
        ],
    ),
    "authorization": (
        "RoutePolicy",
        [
            GOOD["RoutePolicy"]
            | ({"auth_context_extensions": {"a": "b"}} if told else {})
            | ({} if asked is None else {"external_auth": asked})
            for told in (False, True)
            for asked in (None, False, True)
        ],
    ),
    "files of hosts": (
        "Host",
        [
            {"tls": {name: "/a" for name in names if name}}
            for names in itertools.product((None, "cert_chain_file"), (None, "privateKeyFile"))
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
    "rewrites": (
        "Mapping",
        [
            GOOD["Mapping"] | {name: text}
            for name in ("rewrite", "path_redirect", "prefix_redirect")
            for text in (
                *("", "/", "/.a/", "/a..", "/a?b=/../c", "/a%20"),
                *("..", "/a/./b", "/%2E.", "/..;a", "/%252e%5cb", "/a%", "/a%2", "/a%25"),
            )
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
