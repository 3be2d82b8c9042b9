"""The objects that must not feel anything, and those that are mutated beside them.

The good ones are a small gateway with each kind once; their namespace is first by name, so that where two objects want
the same, they have it. The others are valid too before they are mutated: all that the golden cases and the examples
hold, moved to the namespace and the names of another team.
"""

import base64
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from tests.golden.cases import cases
from tests.support.certificates import authority

ROOT = Path(__file__).resolve().parents[2]
GOOD = "a-good"
TEAM = "team"
VERSION = "getambassador.io/v3alpha1"


def key_of(document: dict[str, Any]) -> str:
    """The key of an object, as the watcher makes it."""
    group, _, _ = document["apiVersion"].rpartition("/")
    metadata = document["metadata"]
    return f"{group or 'core'}/{document['kind']}/{metadata['namespace']}/{metadata['name']}"


@lru_cache
def good_world() -> dict[str, bytes]:
    """The objects that are never touched, by key."""
    documents = [
        _ours("Listener", "http", {"port": 8080, "protocol": "HTTP", **_LISTENS}),
        _ours("Listener", "https", {"port": 8443, "protocol": "HTTPS", **_LISTENS}),
        _ours("Host", "exact", {"hostname": "good.test", "tlsSecret": {"name": "tls"}, **_ROUTES}),
        _ours("Host", "wide", {"hostname": "*.good.test", "tlsSecret": {"name": "tls"}, "tlsContext": {"name": "tls"}}),
        _ours("TLSContext", "tls", {"min_tls_version": "v1.2", "alpn_protocols": "h2,http/1.1"}),
        _ours("Mapping", "exact", {"hostname": "good.test", "prefix": "/", "service": "quote"}),
        _ours("Mapping", "wide", {"hostname": "*.good.test", "prefix": "/api/", "service": "quote", "timeout_ms": 900}),
        _ours("Mapping", "regex", {"hostname": "good.test", "prefix": "/v[0-9]+/.*", "prefix_regex": True} | _QUOTE),
        _ours("TCPMapping", "whole", {"port": 7000, "service": "quote:80"}),
        _ours("Module", "ambassador", {"config": {}}),
        _core("Secret", "tls", {"type": "kubernetes.io/tls", "data": _pair("good.test")}),
        _core("Service", "quote", {"spec": {"ports": [{"port": 80, "targetPort": 8000, "protocol": "TCP"}]}}),
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "quote-1", "namespace": GOOD, "labels": {"kubernetes.io/service-name": "quote"}},
            "addressType": "IPv4",
            "ports": [{"port": 8000, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.2"], "conditions": {"ready": True}}],
        },
    ]
    return {key_of(document): orjson.dumps(document) for document in documents}


@lru_cache
def originals() -> tuple[dict[str, Any], ...]:
    """Valid objects of the other team: of every kind that is read, none for the names or ports of the good ones."""
    written = (document for document in _written() if document["kind"] not in {"File", "Module", "Namespace"})
    return tuple([_moved(document) for document in (*written, *_rich())])


def _rich() -> list[dict[str, Any]]:
    """What the golden cases say little of."""
    listed = {
        "secret": "tls",
        "ca_secret": "tls",
        "cert_required": True,
        "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"],
    }
    wants = {
        "tlsSecret": {"name": "tls"},
        "tls": {"ca_secret": "tls", "cert_required": True, "min_tls_version": "v1.2"},
    }
    selecting = {"mappingSelector": {"matchLabels": {"team": "a"}, "matchExpressions": [_EXPRESSION]}}
    routed = {
        "prefix": "/rich/",
        "service": "https://team.test:443",
        "hostname": "one.team.test",
        "headers": {"x-one": "1"},
        "regex_headers": {"x-two": "a+"},
        "query_parameters": {"q": "1"},
        "add_request_headers": {"x-added": {"value": "%REQ(x)%", "append": False}},
        "remove_response_headers": ["server"],
        "regex_rewrite": {"pattern": "/rich/(.*)", "substitution": "/\\1"},
        "retry_policy": {"retry_on": "5xx", "num_retries": 2, "per_try_timeout": "1s"},
        "timeout_ms": 3000,
        "weight": 50,
        "precedence": 1,
        "allow_upgrade": ["websocket"],
        "tls": "tls",
    }
    config = {"use_remote_address": False, "xff_num_trusted_hops": 1, "regex_max_size": 300, "server_name": "team"}
    return [
        _ours("TLSContext", "tls", {**listed, "hosts": ["one.team.test"], "alpn_protocols": "h2"}),
        _ours("Host", "wants", {"hostname": "one.team.test", **wants, **_ROUTES}),
        _ours("Host", "selects", {"hostname": "two.team.test", **selecting}),
        _ours("Mapping", "rich", routed),
        _ours("TCPMapping", "named", {"port": 9443, "host": "one.team.test", "service": "team.test:443", "weight": 30}),
        _ours("Module", "ambassador", {"config": config}),
        _core("Secret", "tls", {"type": "kubernetes.io/tls", "data": _pair("team.test")}),
    ]


def _written() -> Iterator[dict[str, Any]]:
    for case in cases():
        yield from (document for document in yaml.safe_load_all(case.given) if document)
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document and document.get("apiVersion") in {VERSION, "v1", "discovery.k8s.io/v1"}:
                yield document


def _moved(document: dict[str, Any]) -> dict[str, Any]:
    """The object in the other team's namespace, with names and ports that are its own."""
    moved: dict[str, Any] = orjson.loads(orjson.dumps(document))
    moved["metadata"] = {**moved.get("metadata", {}), "namespace": TEAM}
    moved["metadata"].setdefault("name", "unnamed")
    spec = moved.get("spec")
    if not isinstance(spec, dict):
        return moved
    for field in ("hostname", "host"):
        if isinstance(spec.get(field), str):
            spec[field] = "*.team.test" if "*" in spec[field] else "one.team.test"
    if moved["kind"] == "Mapping":
        spec.setdefault("hostname", "*.team.test")
    if moved["kind"] in {"Listener", "TCPMapping"}:
        spec["port"] = 9000 + spec.get("port", 0) % 1000
    if moved["kind"] == "TLSContext" and "hosts" in spec:
        spec["hosts"] = ["one.team.test"]
    return moved


def _ours(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name, "namespace": GOOD}, "spec": spec}


def _core(kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": GOOD}, **body}


def _pair(name: str) -> dict[str, str]:
    made = authority().sign(name)
    return {
        "tls.crt": base64.b64encode(made.certificate).decode(),
        "tls.key": base64.b64encode(made.key).decode(),
    }


_LISTENS = {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
_ROUTES = {"requestPolicy": {"insecure": {"action": "Route"}}}
_QUOTE = {"service": "quote"}
_EXPRESSION = {"key": "tier", "operator": "In", "values": ["web"]}
