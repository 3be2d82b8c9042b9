"""Any JSON in any place of an object of this API: no failure of ours, and no harm to anyone else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.shapes import JSON, places, put
from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to

HEADER = [{"name": "x-a", "value": "1"}]
MODIFIER = {"set": HEADER, "add": HEADER, "remove": ["x-b"]}
PARENT = {"name": "web", "namespace": "default", "sectionName": "http", "port": 8000, "kind": "Gateway"}
ANY_PARENT = {"name": "web", "namespace": "default"}
PASSED = {"name": "rule", "backendRefs": [to(weight=1), to("blue", group="", kind="Service")]}
CORS = {"allowOrigins": ["https://*.a.test"], "allowMethods": ["GET"], "maxAge": 5, "allowCredentials": True}
FILTERS: list[dict[str, Any]] = [
    {"type": "RequestHeaderModifier", "requestHeaderModifier": MODIFIER},
    {"type": "ResponseHeaderModifier", "responseHeaderModifier": MODIFIER},
    {"type": "RequestMirror", "requestMirror": {"backendRef": to(), "fraction": {"numerator": 1, "denominator": 3}}},
    {
        "type": "URLRewrite",
        "urlRewrite": {"hostname": "b.test", "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/z"}},
    },
    {"type": "CORS", "cors": CORS},
]
REDIRECT = {"scheme": "https", "hostname": "c.test", "port": 443, "statusCode": 301}
MATCH = {
    "path": {"type": "PathPrefix", "value": "/a"},
    "headers": HEADER,
    "queryParams": [{"type": "RegularExpression", "name": "q", "value": "a+"}],
    "method": "GET",
}
RULE = {
    "name": "rule",
    "matches": [MATCH],
    "filters": FILTERS,
    "backendRefs": [to(weight=1, filters=FILTERS[:1]), to("blue")],
    "timeouts": {"request": "1s", "backendRequest": "500ms"},
    "retry": {"codes": [503], "attempts": 2, "backoff": "1s"},
}
SELECTOR = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}
ALLOWED = {"namespaces": {"from": "Selector", "selector": SELECTOR}, "kinds": [{"kind": "HTTPRoute"}]}
CAS = {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}
TLS = {"mode": "Terminate", "certificateRefs": [{"name": "cert", "group": "", "kind": "Secret"}]}
LISTENERS: list[dict[str, Any]] = [
    {"name": "http", "port": 8000, "protocol": "HTTP", "hostname": "*.a.test", "allowedRoutes": ALLOWED},
    {"name": "tls", "port": 8443, "protocol": "HTTPS", "hostname": "a.test", "tls": TLS},
    {"name": "through", "port": 8443, "protocol": "TLS", "hostname": "*.b.test", "tls": {"mode": "Passthrough"}},
    {"name": "tcp", "port": 8001, "protocol": "TCP"},
    {"name": "udp", "port": 8001, "protocol": "UDP"},
]
FAMILY: dict[str, dict[str, Any]] = {
    "GatewayClass": {"spec": {"controllerName": "getambassador.io/dragoman"}},
    "Gateway": {
        "spec": {
            "gatewayClassName": "ours",
            "listeners": LISTENERS,
            "addresses": [{"type": "IPAddress", "value": "192.0.2.1"}],
            "tls": {
                "frontend": {"default": CAS, "perPort": [{"port": 8443, "tls": CAS}]},
                "backend": {"clientCertificateRef": {"name": "cert"}},
            },
            "allowedListeners": {"namespaces": {"from": "All"}},
        }
    },
    "ListenerSet": {"spec": {"parentRef": {"name": "web"}, "listeners": LISTENERS}},
    "HTTPRoute": {
        "spec": {
            "parentRefs": [PARENT],
            "hostnames": ["x.a.test"],
            "rules": [RULE, {"filters": [{"type": "RequestRedirect", "requestRedirect": REDIRECT}]}],
        }
    },
    "GRPCRoute": {
        "spec": {
            "parentRefs": [PARENT],
            "rules": [
                {"matches": [{"method": {"service": "a.B", "method": "C"}, "headers": HEADER}], "backendRefs": [to()]}
            ],
        }
    },
    "TLSRoute": {"spec": {"parentRefs": [ANY_PARENT], "hostnames": ["x.b.test"], "rules": [PASSED]}},
    "TCPRoute": {"spec": {"parentRefs": [ANY_PARENT], "rules": [PASSED]}},
    "UDPRoute": {"spec": {"parentRefs": [ANY_PARENT], "rules": [PASSED]}},
    "ReferenceGrant": {
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "default"}],
            "to": [{"group": "", "kind": "Service", "name": "red"}],
        }
    },
    "BackendTLSPolicy": {
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": "red", "sectionName": "main"}],
            "validation": {
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
                "hostname": "red.a.test",
                "subjectAltNames": [{"type": "URI", "uri": "spiffe://a.test/b"}],
            },
            "options": {"x.test/y": "z"},
        }
    },
    "BackendPolicy": {
        "spec": {
            "ambassador_id": ["default"],
            "targetRefs": [{"group": "", "kind": "Service", "name": "red", "sectionName": "main"}],
            "connect_timeout_ms": 5,
            "circuit_breakers": [{"max_requests": 5}],
            "load_balancer": {"policy": "maglev", "cookie": {"name": "c", "ttl": "5s"}},
            "health_checks": [{"health_check": {"http": {"path": "/well"}}}],
            "outlier_detection": {"consecutive_5xx": 5},
        }
    },
    "RoutePolicy": {
        "spec": {
            "targetRefs": [
                {"kind": "Gateway", "name": "web", "sectionName": "http"},
                {"kind": "HTTPRoute", "name": "a", "sectionName": "rule"},
            ],
            "timeout_ms": 5,
            "retry_policy": {"retry_on": "5xx", "per_try_timeout": "1s"},
            "cors": {"origins": ["*"]},
            "labels": {"ambassador": [{"a": [{"remote_address": {"key": "remote_address"}}]}]},
            "ip_allow": [{"peer": "192.0.2.0/24"}],
            "external_auth": True,
            "auth_context_extensions": {"a": "b"},
        }
    },
    "Namespace": {},
    "ConfigMap": {"data": {"ca.crt": "x"}},
}
NAMES = {"GatewayClass": "ours", "Gateway": "web", "Namespace": "default", "ConfigMap": "ca"}


class Family(GatewayWorld):
    """One object of each kind, which refer to each other, and a Gateway with a route that are strangers to them."""

    def __init__(self) -> None:
        super().__init__()
        self.service("red")
        self.certificate("cert")
        self.gateway_class("theirs")
        self.put(
            "Gateway",
            "by",
            {"gatewayClassName": "theirs", "listeners": [{"name": "by", "port": 9000, "protocol": "HTTP"}]},
            "elsewhere",
            creationTimestamp="2000-01-01T00:00:00Z",
        )
        self.service("red", namespace="elsewhere")
        rules = [{"backendRefs": [to()]}]
        self.put("HTTPRoute", "by", {"parentRefs": [{"name": "by"}], "rules": rules}, "elsewhere")
        for kind, fields in FAMILY.items():
            self.document_of(kind, fields)
        self.sweep()

    def document_of(self, kind: str, fields: dict[str, Any]) -> str:
        metadata = fields.get("metadata", {"name": "x", "namespace": "default", "labels": {"a": "b"}})
        return self.document_as_it_is(kind, NAMES.get(kind, "a"), {**fields, "metadata": metadata})


WORLD = Family()
BYSTANDERS = [key_of("Gateway", "by", "elsewhere"), key_of("HTTPRoute", "by", "elsewhere")]


@pytest.mark.parametrize("kind", sorted(FAMILY))
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_anything_anywhere_stops_one_object_at_most(kind: str, data: st.DataObject) -> None:
    whole = {"metadata": {"name": "x", "namespace": "default", "labels": {"a": "b"}}, **FAMILY[kind]}
    path = data.draw(st.sampled_from([found for found in places(whole) if found]))
    key = WORLD.document_of(kind, put(whole, path, data.draw(JSON)))
    WORLD.sweep()
    for problem in WORLD.pipeline.problems([key])[key]:
        assert problem.path or problem.more
        assert problem.message
    WORLD.status(key)
    assert "gateway:9000" in WORLD.pipeline.intent.listeners.view()
    for other in BYSTANDERS:
        assert WORLD.problems(other) == {}
    WORLD.document_of(kind, FAMILY[kind])
    WORLD.sweep()
