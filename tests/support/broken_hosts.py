"""Hosts that their own mistakes stop, one of each kind, for tests that ask who answers in their place."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.objects import API

CONTEXT = "shut"
"""A TLSContext that wants a certificate of clients: what every one of these Hosts would ask."""

TLS_MISTAKES: dict[str, Any] = {
    "cipher": {"cipher_suites": ["NO-SUCH-CIPHER"]},
    "curve": {"ecdh_curves": ["P-1"]},
    "version": {"min_tls_version": "v1.7"},
    "versions": {"min_tls_version": "v1.3", "max_tls_version": "v1.2"},
    "alpn": {"alpn_protocols": ["h2"]},
    "crl": {"crl_secret": "revoked"},
    "file": {"cacert_chain_file": "/ca.pem"},
    "ca-is-missing": {"ca_secret": "nowhere"},
    "ca-is-a-number": {"ca_secret": 5},
    "no-ca": {"cert_required": True},
    "required": {"cert_required": "yes", "ca_secret": "shut-ca"},
    "tls-is-a-text": "strict",
}

SPEC_MISTAKES: dict[str, dict[str, Any]] = {
    "secret-is-missing": {"tlsSecret": {"name": "nowhere"}},
    "secret-is-a-text": {"tlsSecret": "shut"},
    "secret-is-a-number": {"tlsSecret": {"name": 5}},
    "secret-without-name": {"tlsSecret": {}},
    "context-is-missing": {"tlsContext": {"name": "nowhere"}},
    "context-is-stopped": {"tlsContext": {"name": "shut-stopped"}},
    "context-is-a-list": {"tlsContext": ["shut"]},
    "context-beside-tls": {"tls": {"min_tls_version": "v1.2"}},
    "action": {"requestPolicy": {"insecure": {"action": "Perhaps"}}},
    "policy-is-a-list": {"requestPolicy": []},
    "insecure-is-a-text": {"requestPolicy": {"insecure": "Reject"}},
    "selector-label": {"mappingSelector": {"matchLabels": {"a": 5}}},
    "selector-is-a-text": {"selector": "a=b"},
    "ids": {"ambassador_id": 5},
    "ids-in-a-list": {"ambassador_id": [5]},
}

META_MISTAKES: dict[str, Any] = {
    "label": {"labels": {"a": 5}},
    "labels-are-a-list": {"labels": ["a"]},
}

VERSION_MISTAKES = {"version-that-is-none": "getambassador.io/v9", "version-is-a-word": "getambassador.io/latest"}

NAME_MISTAKES = ("https://{}/", "{} ", " {}", "{}/path", "{}:99999", "{},", "{}:8443x")
"""Hostnames that are none, in which a name can be read."""


def a_host(name: str, spec: Any, *, version: str = API, **metadata: Any) -> dict[str, Any]:
    """A Host as JSON."""
    meta = {"name": name, "namespace": "default", **metadata}
    return {"apiVersion": version, "kind": "Host", "metadata": meta, "spec": spec}


def broken_hosts(hostnames: str) -> dict[str, dict[str, Any]]:
    """A Host of each kind by its hostname; `hostnames` with `{}` for the kind."""
    found: dict[str, dict[str, Any]] = {}

    def put(kind: str, spec: Mapping[str, Any], written: str = "{}", **more: Any) -> None:
        hostname = hostnames.format(kind)
        strict = {"tlsSecret": {"name": "shut"}, "tlsContext": {"name": CONTEXT}}
        merged = {"hostname": written.format(hostname), **strict, **spec}
        found[hostname] = a_host(kind, {key: value for key, value in merged.items() if value is not None}, **more)

    for kind, tls in TLS_MISTAKES.items():
        put(kind, {"tls": tls, "tlsContext": None})
    for kind, spec in SPEC_MISTAKES.items():
        put(kind, spec)
    for kind, metadata in META_MISTAKES.items():
        put(kind, {}, **metadata)
    for kind, version in VERSION_MISTAKES.items():
        put(kind, {}, version=version)
    for place, written in enumerate(NAME_MISTAKES):
        put(f"name-{place}", {}, written)
    put("in-a-list", {"hostname": [hostnames.format("in-a-list")]})
    return found


def documents(objects: Mapping[str, dict[str, Any]]) -> str:
    """As YAML."""
    return "".join(json.dumps(each) + "\n---\n" for each in objects.values())
