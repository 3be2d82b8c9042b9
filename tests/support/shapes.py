"""An object of every kind that is read, with much in it; and the same with any JSON in any place of it."""

import base64
import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.support.certificates import authority

Document = dict[str, Any]
Path = tuple[str | int, ...]

API = "getambassador.io/v3alpha1"


def _own(kind: str, name: str, spec: Document, version: str = API) -> Document:
    metadata = {
        "name": name,
        "namespace": "default",
        "labels": {"app": "a"},
        "annotations": {"note": "n"},
        "generation": 3,
        "uid": f"uid-of-{name}",
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


MAPPING: Document = {
    "ambassador_id": ["default"],
    "hostname": "a.test",
    "prefix": "/a/",
    "prefix_regex": False,
    "service": "web:80",
    "method": "GET",
    "headers": {"x-a": "b"},
    "regex_headers": {"x-c": "d.*"},
    "query_parameters": {"q": "1"},
    "regex_query_parameters": {"r": ".*"},
    "add_request_headers": {"x-e": "f", "x-g": {"value": "h", "append": False}},
    "remove_response_headers": ["x-i"],
    "regex_rewrite": {"pattern": "/a/(.*)", "substitution": "/\\1"},
    "retry_policy": {"retry_on": "5xx", "num_retries": 2, "per_try_timeout": "1s"},
    "timeout_ms": 1000,
    "weight": 50,
    "allow_upgrade": ["websocket"],
    "tls": "context",
    "labels": {"ambassador": [{"request_label_group": [{"generic_key": {"value": "a"}}]}]},
}


@cache
def _secret() -> Document:
    made = authority().sign("a.test")
    data = {"tls.crt": made.certificate, "tls.key": made.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "cert", "namespace": "default", "labels": {"app": "a"}, "annotations": {"note": "n"}},
        "data": {name: base64.b64encode(text).decode() for name, text in data.items()},
    }


def family() -> dict[str, Document]:
    """One object of each kind, which refer to each other; by a word for each."""
    binding = {"namespace": {"from": "SELF"}, "selector": {"matchLabels": {"app": "a"}}}
    insecure = {"insecure": {"action": "Route"}}
    secret = {"tlsSecret": {"name": "cert"}, "tlsContext": {"name": "context"}}
    config = {
        "add_linkerd_headers": False,
        "regex_max_size": 300,
        "defaults": {"httpmapping": {"add_request_headers": {"x-m": "n"}}},
        "retry_policy": {"retry_on": "5xx"},
        "readiness_probe": {"prefix": "/ready", "service": "127.0.0.1:8877", "enabled": True},
    }
    core = {"metadata": {"name": "web", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}}}
    pod = {"addresses": ["10.0.0.1"], "conditions": {"ready": True, "serving": True}, "nodeName": "n"}
    found = [
        _own("Listener", "http", {"port": 8080, "protocol": "HTTPS", "securityModel": "XFP", "hostBinding": binding}),
        _own(
            "Host",
            "a",
            {
                "hostname": "a.test",
                "mappingSelector": {"matchLabels": {"app": "a"}},
                "requestPolicy": insecure,
                **secret,
            },
        ),
        _own("Mapping", "a", MAPPING),
        _own("Module", "ambassador", {"config": config}),
        _own("TCPMapping", "tcp", {"port": 7000, "host": "tcp.test", "service": "web:80", "weight": 10}),
        _own(
            "TLSContext",
            "context",
            {"hosts": ["tcp.test"], "secret": "cert", "min_tls_version": "v1.2", "alpn_protocols": "h2"},
        ),
        _own("AuthService", "auth", {"auth_service": "auth:80", "proto": "grpc", "timeout_ms": 5}),
        _secret(),
        {
            "apiVersion": "v1",
            "kind": "Service",
            **core,
            "spec": {"type": "ClusterIP", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}, {"port": 81}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "addressType": "IPv4",
            **core,
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [pod, {"addresses": ["10.0.0.2"]}],
        },
    ]
    backend = {"service": {"name": "web", "port": {"name": "http"}}}
    found += [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "name": "web",
                "namespace": "default",
                "labels": {"app": "a"},
                "annotations": {
                    "kubernetes.io/ingress.class": "ambassador",
                    "getambassador.io/ambassador-id": "default",
                },
            },
            "spec": {
                "ingressClassName": "edge",
                "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
                "tls": [{"hosts": ["a.test"], "secretName": "cert"}],
                "rules": [
                    {"host": "a.test", "http": {"paths": [{"path": "/i", "pathType": "Exact", "backend": backend}]}}
                ],
            },
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "edge", "namespace": "default", "annotations": {"a": "b"}},
            "spec": {"controller": "getambassador.io/ingress-controller"},
        },
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": "web", "namespace": "default", "labels": {"a": "b"}},
            "subsets": [
                {
                    "addresses": [{"ip": "10.0.0.3", "nodeName": "n"}],
                    "notReadyAddresses": [{"ip": "10.0.0.4"}],
                    "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
                }
            ],
        },
    ]
    split = {"serviceName": "web", "serviceNamespace": "default", "servicePort": 80, "percent": 100}
    shared = {"splits": [{**split, "appendHeaders": {"x-a": "b"}}], "headers": {"x-tag": {"exact": "a"}}}
    shared |= {"path": "/k", "timeout": "5s", "rewriteHost": "b.test", "appendHeaders": {"x-b": "c"}}
    inside = {"hosts": ["web.default"], "visibility": "ClusterLocal", "http": {"paths": [{"splits": [split]}]}}
    outside = {"hosts": ["a.test"], "visibility": "ExternalIP", "http": {"paths": [shared]}}
    knative = {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "Ingress",
        "metadata": {"name": "hello", "namespace": "default", "labels": {"app": "a"}, "annotations": {"a": "b"}},
        "spec": {"httpOption": "Enabled", "rules": [outside, inside]},
    }
    oldest = {
        "apiVersion": "networking.k8s.io/v1beta1",
        "kind": "Ingress",
        "metadata": {
            "name": "oldest",
            "namespace": "default",
            "annotations": {"kubernetes.io/ingress.class": "ambassador"},
        },
        "spec": {
            "backend": {"serviceName": "web", "servicePort": "80"},
            "rules": [
                {
                    "host": "a.test",
                    "http": {"paths": [{"path": "/o", "backend": {"serviceName": "web", "servicePort": "http"}}]},
                }
            ],
        },
    }
    older = {"prefix": "/old/", "service": "web", "host": "a.*", "host_regex": True, "headers": {"x-a": True}}
    found_by = {document["kind"]: document for document in found}
    found_by["Ingress of v1beta1"] = oldest
    found_by["Knative's Ingress"] = knative
    found_by["Mapping of v2"] = _own("Mapping", "old", {**older, "cors": {"origins": "a"}}, "getambassador.io/v2")
    found_by["Host of v2"] = _own(
        "Host", "old", {"hostname": "old.test", "selector": {"matchLabels": {"a": "b"}}}, "getambassador.io/v2"
    )
    return found_by


def bystanders() -> list[Document]:
    """Objects that have nothing to do with the family."""
    binding = {"namespace": {"from": "SELF"}}
    found = [
        _own("Listener", "by", {"port": 9099, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding}),
        _own("Host", "by", {"hostname": "by.stander.test", "requestPolicy": {"insecure": {"action": "Route"}}}),
        _own("Mapping", "by", {"hostname": "by.stander.test", "prefix": "/by/", "service": "10.9.9.9:80"}),
    ]
    for document in found:
        document["metadata"]["namespace"] = "elsewhere"
    return found


def key_of(document: Document) -> str:
    """The key of a document of ours in the snapshot."""
    group = document["apiVersion"].rpartition("/")[0] or "core"
    return f"{group}/{document['kind']}/{document['metadata']['namespace']}/{document['metadata']['name']}"


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place of a JSON value."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from places(item, (*at, step))


def put(document: Document, path: Path, value: Any) -> Document:
    """The document with something else in a place."""
    made = copy.deepcopy(document)
    inner: Any = made
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return made


def _nested(depth: int) -> Any:
    found: Any = "x"
    for level in range(depth):
        found = [found] if level % 2 else {"x": found}
    return found


ODD: list[Any] = [
    None, True, False, 0, -1, 5, 80, 65_536, 2**31, 2**63 - 1, 2**64 - 1, -(2**63), 0.5, -0.0, 1e300,
    "", " ", "*", "**", ".", "/", "a/b", "5", "true", "null", "é", "a\nb", "\x00", "\x1b[31m", "\u2028", "\u202e",
    "x" * 5000, "http://[::1", "[", "(", "%", "%FOO%", "10.0.0.300", "-----BEGIN CERTIFICATE-----",
    [], [None], [[]], [5], ["a", 5], [{}], ["*"], ["_automatic_"], ["x"] * 300, list(range(300)),
    {}, {"": ""}, {"a": None}, {"x": 5}, {"name": 5}, {"name": "a", "namespace": []}, {"5": "x"},
    {f"k{number}": number for number in range(300)}, _nested(20), _nested(120),
]  # fmt: skip
"""What people and programs write where something else belongs."""

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.sampled_from(ODD) | st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def misshapen(draw: st.DrawFn, kind: str) -> tuple[Document, Path]:
    """An object of the family with any JSON in one of its places, or under a new name; and where that is."""
    document = family()[kind]
    path = draw(st.sampled_from([found for found in places(document) if found]))
    if isinstance(path[-1], str) and draw(st.integers(0, 9)) == 0:
        path = (*path[:-1], draw(st.text(min_size=1, max_size=10)))
    return put(document, path, draw(JSON)), path
