"""Objects that between them say every field, where no golden case does: leaving one out must change something.

Each sample is a small world: the objects of `tests/golden/prelude.yaml`, and these.
"""

import base64
from collections.abc import Iterator
from typing import Any

from tests.support.certificates import authority

Document = dict[str, Any]

BREAKERS = [{"priority": "high", "max_connections": 1, "max_pending_requests": 2, "max_requests": 3, "max_retries": 4}]
EDITS = {"value": "x", "append": False}
EVERYWHERE = {"namespace": {"from": "ALL"}}


def an_object(kind: str, name: str, spec: Document, *, namespace: str = "default", **labels: str) -> Document:
    return {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    }


HTTPS = an_object(
    "Listener", "https", {"port": 8443, "protocol": "HTTPS", "securityModel": "XFP", "hostBinding": EVERYWHERE}
)


def a_file(path: str, text: bytes) -> Document:
    """A file of the gateway's."""
    return {"kind": "File", "apiVersion": "", "path": path, "text": text.decode()}


def revocations(name: str) -> Document:
    """A Secret that revokes nothing."""
    data = {"crl.pem": base64.b64encode(authority().revoking()).decode()}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def secret(name: str, hostname: str, namespace: str = "default") -> Document:
    pair = authority().sign(hostname)
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def module(**config: Any) -> Document:
    return an_object("Module", "ambassador", {"config": config})


def mapping(name: str, **spec: Any) -> Document:
    return an_object("Mapping", name, {"hostname": "*", "prefix": f"/{name}/", "service": "a.example.com", **spec})


def samples() -> Iterator[list[Document]]:
    """All of them."""
    yield from (_authorization(), _files(), _hosts(), _listeners(), _tcp(), _told(), _secrets_with_dots())
    yield from (_namespaces(), _dots_of_the_module(), _log_service(), _rate_limits(), *_resolvers())
    yield _policies()
    yield from ([each, mapping("m")] for each in _tracing())
    yield from ([each] for each in _mappings())
    yield from ([each, mapping("m"), mapping("n", service="b.default")] for each in _modules())


def _authorization() -> list[Document]:
    spec = {"auth_service": "auth.example.com:9000", "proto": "grpc", "protocol_version": "v3", "tls": "ctx"}
    spec |= {"add_linkerd_headers": True, "allow_request_body": True, "failure_mode_allow": True}
    spec |= {"stats_name": "auth", "circuit_breakers": BREAKERS}
    return [an_object("AuthService", "a", spec), an_object("TLSContext", "ctx", {"sni": "auth"})]


def _files() -> list[Document]:
    pair, ca = authority().sign("files.test"), authority().pair.certificate
    tls = {"cert_chain_file": "/a.crt", "private_key_file": "/a.key", "cacert_chain_file": "/ca.crt"}
    entry = {"on_status_code": 404, "body": {"text_format_source": {"filename": "/page"}}}
    return [
        HTTPS,
        *map(a_file, ("/a.crt", "/a.key", "/ca.crt", "/page"), (pair.certificate, pair.key, ca, b"a page")),
        an_object("Host", "files", {"hostname": "files.test", "tls": tls}),
        mapping("files", error_response_overrides=[entry]),
    ]


def _hosts() -> list[Document]:
    context = {"hosts": ["a.test"], "secret": "tls.vault", "ca_secret": "ca", "cert_required": True}
    context |= {"crl_secret": "revoked"}
    context |= {"alpn_protocols": "h2", "min_tls_version": "v1.2", "max_tls_version": "v1.2"}
    context |= {"cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"], "ecdh_curves": ["P-256"]}
    insecure = {"action": "Route", "additionalPort": 8080}
    one = {"hostname": "a.test", "tlsSecret": {"name": "tls", "namespace": "vault"}, "tlsContext": {"name": "ctx"}}
    one |= {"acmeProvider": {"authority": "acme"}, "requestPolicy": {"insecure": insecure}}
    other = {"hostname": "b.test", "tlsSecret": {"name": "b"}, "tls": {"min_tls_version": "v1.3"}}
    expressions = [{"key": "team", "operator": "Exists"}]
    chosen = {"hostname": "c.test", "mappingSelector": {"matchLabels": {"team": "a"}, "matchExpressions": expressions}}
    return [
        secret("tls", "a.test", "vault"),
        secret("b", "b.test"),
        secret("ca", "ca"),
        revocations("revoked"),
        HTTPS,
        an_object("TLSContext", "ctx", context),
        an_object("Host", "a", one),
        an_object("Host", "b", other),
        an_object("Host", "c", chosen),
        an_object("Mapping", "team", {"prefix": "/team/", "service": "a.example.com"}, team="a"),
    ]


def _secrets_with_dots() -> list[Document]:
    """The same name, read with and without a namespace."""
    spec = {"hosts": ["a.test"], "secret": "a.vault", "secret_namespacing": False}
    return [
        secret("a.vault", "a.test"),
        secret("a", "a.test", "vault"),
        HTTPS,
        an_object("TLSContext", "ctx", spec),
        an_object("Host", "a", {"hostname": "a.test", "tlsContext": {"name": "ctx"}, "tlsSecret": {"name": "a.vault"}}),
        an_object("TCPMapping", "tcp", {"port": 8443, "host": "b.test", "service": "b.example.com:1"}),
        an_object("TLSContext", "b", {**spec, "hosts": ["b.test"]}),
    ]


def _namespaces() -> list[Document]:
    """Objects of another namespace, and what reaches them."""
    binding = {"namespace": {"from": "ALL"}}
    ports = [{"name": "web", "port": 80}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}}
    return [
        module(use_ambassador_namespace_for_service_resolution=True),
        an_object(
            "Listener", "one", {"port": 8081, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding}
        ),
        an_object("Host", "there", {"hostname": "there.test"}, namespace="there"),
        an_object("Mapping", "there", {"hostname": "*", "prefix": "/", "service": "s"}, namespace="there"),
        {**service, "spec": {"ports": ports}},
    ]


def _dots_of_the_module() -> list[Document]:
    return [
        module(defaults={"tls_secret_namespacing": False}),
        secret("a.vault", "a.test"),
        secret("a", "a.test", "vault"),
        HTTPS,
        an_object("TLSContext", "ctx", {"hosts": ["a.test"], "ca_secret": "a.vault"}),
        an_object("Host", "a", {"hostname": "a.test", "tlsContext": {"name": "ctx"}, "tlsSecret": {"name": "a.vault"}}),
    ]


def _log_service() -> list[Document]:
    header = {"header_name": "x", "during_request": False, "during_response": False}
    spec = {"service": "log.example.com", "grpc": False, "driver_config": {"additional_log_headers": [header]}}
    return [an_object("LogService", "log", spec), mapping("m")]


def _rate_limits() -> list[Document]:
    spec = {"service": "limits.example.com", "protocol_version": "v3", "domain": "d", "tls": "ctx", "stats_name": "n"}
    labels = {"d": [{"group": [{"remote_address": {}}]}]}
    return [
        an_object("RateLimitService", "limits", spec),
        an_object("TLSContext", "ctx", {"sni": "limits"}),
        mapping("m", labels=labels),
    ]


def _policies() -> list[Document]:
    """Policies of all fields, and what they are about."""
    of_requests = {
        "targetRefs": [{"kind": "HTTPRoute", "name": "r", "sectionName": "a"}],
        "timeout_ms": 5,
        "idle_timeout_ms": 6,
        "retry_policy": {"retry_on": "5xx"},
        "priority": "high",
        "cors": {"origins": ["*"]},
        "labels": {"d": [{"group": [{"remote_address": {}}]}]},
        "ip_allow": [{"peer": "192.0.2.0/24"}],
        "ip_deny": [{"peer": "192.0.2.1"}],
        "external_auth": True,
        "auth_context_extensions": {"a": "b"},
        "compress": True,
        "buffer": {"max_request_bytes": 5},
        "error_response_overrides": [{"on_status_code": 503, "body": {"text_format": "x"}}],
        "access_log": {"envoy_log_type": "text", "envoy_log_format": "x"},
    }
    of_service = {
        "targetRefs": [{"name": "s", "sectionName": "main"}],
        "connect_timeout_ms": 5,
        "circuit_breakers": BREAKERS,
        "keepalive": {"idle_time": 5},
        "cluster_idle_timeout_ms": 6,
        "cluster_max_connection_lifetime_ms": 7,
        "load_balancer": {"policy": "maglev", "source_ip": True},
        "health_checks": [{"health_check": {"http": {"path": "/"}}}],
        "outlier_detection": {"consecutive_5xx": 5},
    }
    listeners = [{"name": "http", "port": 8000, "protocol": "HTTP"}]
    rules = [
        {"name": "a", "backendRefs": [{"name": "s", "port": 80}]},
        {"name": "b", "backendRefs": [{"name": "s", "port": 81}]},
    ]
    return [
        an_object("AuthService", "a", {"auth_service": "a.example.com", "proto": "grpc", "protocol_version": "v3"}),
        an_object("RateLimitService", "l", {"service": "l.example.com", "protocol_version": "v3", "domain": "d"}),
        an_object("RoutePolicy", "p", of_requests),
        an_object("BackendPolicy", "p", of_service),
        _of_gateway_api("GatewayClass", "c", {"controllerName": "getambassador.io/dragoman"}),
        _of_gateway_api("Gateway", "g", {"gatewayClassName": "c", "listeners": listeners}),
        _of_gateway_api("HTTPRoute", "r", {"parentRefs": [{"name": "g"}], "rules": rules}),
        {
            **_of_gateway_api("Service", "s", {"ports": [{"name": "main", "port": 80}, {"name": "more", "port": 81}]}),
            "apiVersion": "v1",
        },
    ]


def _of_gateway_api(kind: str, name: str, spec: dict[str, Any]) -> Document:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _resolvers() -> Iterator[list[Document]]:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}}
    pods = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": "s", "namespace": "default", "labels": {"kubernetes.io/service-name": "s"}},
        "ports": [{"name": "web", "port": 8080}],
        "endpoints": [{"addresses": ["10.0.0.1"]}],
    }
    named = [
        pods,
        {**service, "spec": {"ports": [{"name": "web", "port": 80}]}},
        an_object("KubernetesServiceResolver", "dns", {}),
    ]
    yield [*named, module(resolver="dns"), mapping("m", service="s")]
    yield [*named, an_object("TCPMapping", "tcp", {"port": 5432, "service": "s:80", "resolver": "dns"})]


def _tracing() -> Iterator[Document]:
    config = {"collector_endpoint": "/spans", "collector_hostname": "z.test"}
    config |= {"trace_id_128bit": False, "shared_span_context": False}
    tags = [
        {"tag": "a", "environment": {"name": "NOT_SET", "default_value": "x"}},
        {"tag": "b", "request_header": {"name": "x-b", "default_value": "y"}},
    ]
    spec = {"service": "zipkin.example.com:9411", "driver": "zipkin", "config": config, "custom_tags": tags}
    spec |= {"sampling": {"client": 10, "random": 20}, "stats_name": "traces"}
    yield an_object("TracingService", "tracing", spec)
    retired = {"collector_cluster": "c", "access_token_file": "/f", "propagation_modes": ["B3"]}
    spec = {"service": "zipkin.example.com:9411", "driver": "zipkin", "config": retired, "tag_headers": ["x-c"]}
    yield an_object("TracingService", "tracing", spec)


def _listeners() -> list[Document]:
    binding = {"namespace": {"from": "SELF"}, "selector": {"matchLabels": {"team": "a"}}}
    one = {"port": 8081, "protocolStack": ["PROXY", "HTTP", "TCP"], "securityModel": "INSECURE", "hostBinding": binding}
    one |= {"statsPrefix": "mine", "http2MaxConcurrentStreams": 7}
    expressions = [{"key": "team", "operator": "Exists"}]
    both = {"selector": {"matchLabels": {"team": "a"}, "matchExpressions": expressions}}
    other = {"port": 8082, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": both}
    return [
        an_object("Listener", "one", one),
        an_object("Listener", "other", other),
        an_object("Host", "a", {"hostname": "a.test"}, team="a"),
        an_object("Host", "b", {"hostname": "b.test"}),
        mapping("m"),
    ]


def _tcp() -> list[Document]:
    spec = {"port": 5432, "address": "127.0.0.1", "service": "db.example.com:5432", "cluster_tag": "x"}
    spec |= {"idle_timeout_ms": 1000, "circuit_breakers": BREAKERS, "stats_name": "db", "tls": "ctx"}
    return [
        an_object("TCPMapping", "a", {**spec, "enable_ipv4": False, "enable_ipv6": True}),
        an_object("TCPMapping", "b", {"port": 5433, "service": "db.example.com:5432", "enable_ipv6": False}),
        an_object("TLSContext", "ctx", {"sni": "db"}),
    ]


def _told() -> list[Document]:
    idle = {name: {} for name in ("docs", "envoy_override", "modules")}
    return [
        an_object("TLSContext", "idle", {"redirect_cleartext_from": 80}),
        an_object("Host", "idle", {"hostname": "idle.test", "previewUrl": {"enabled": True}}),
        mapping("idle", **idle),
    ]


def _mappings() -> Iterator[Document]:
    yield mapping("case", case_sensitive=False)
    yield mapping("method", method="GET|PUT", method_regex=True)
    yield mapping("tag", cluster_tag="x")
    yield mapping("host", host_rewrite="other.test")
    yield mapping("auto", auto_host_rewrite=True)
    yield mapping("prefix", host_redirect=True, prefix_redirect="/other/")
    yield mapping("regex", host_redirect=True, regex_redirect={"pattern": "a", "substitution": "b"})
    yield mapping("families", enable_ipv4=False, enable_ipv6=True)
    body = {"text_format": "x", "content_type": "text/html"}
    yield mapping("errors", error_response_overrides=[{"on_status_code": 404, "body": body}])
    yield mapping("idle", idle_timeout_ms=1000)
    yield mapping("upgrade", allow_upgrade=["websocket"])
    yield mapping("websocket", use_websocket=True)
    yield mapping("breakers", circuit_breakers=BREAKERS)
    yield mapping("outliers", outlier_detection={"consecutive_gateway_failure": 3})


def _modules() -> Iterator[Document]:
    yield module(cluster_request_timeout_ms=1000, cluster_idle_timeout_ms=1000, cluster_max_connection_lifetime_ms=1000)
    yield module(retry_policy={"retry_on": "5xx", "num_retries": 3, "per_try_timeout": "1s"})
    yield module(circuit_breakers=BREAKERS)
    yield module(keepalive={"idle_time": 1, "interval": 2, "probes": 3})
    yield module(enable_ipv4=False, enable_ipv6=True)
    yield module(load_balancer={"policy": "ring_hash", "cookie": {"name": "c", "path": "/", "ttl": "1s"}})
    yield module(load_balancer={"policy": "ring_hash", "header": "x"})
    yield module(load_balancer={"policy": "ring_hash", "source_ip": True})
    yield module(regex_max_size=1001)
    yield module(add_linkerd_headers=True, envoy_log_type="json")
    yield module(debug_mode=True, xff_num_trusted_hops=1)
    yield module(use_remote_address=False, merge_slashes=False, reject_requests_with_escaped_slashes=True)
    yield module(headers_with_underscores_action="ALLOW", preserve_external_request_id=True)
    for each in ("liveness_probe", "readiness_probe", "diagnostics"):
        yield module(**{each: {"enabled": True, "prefix": "/p/", "rewrite": "/r/", "service": "s.example.com"}})
    edits: dict[str, Any] = {"add_request_headers": {"x": EDITS}, "add_response_headers": {"y": EDITS}}
    edits |= {"remove_request_headers": ["r"], "remove_response_headers": ["s"], "stats_name": "n"}
    yield module(defaults=edits)
    yield module(defaults={"httpmapping": edits})
    yield module(
        forward_client_cert_details="SANITIZE_SET",
        set_current_client_cert_details={"subject": True, "cert": True, "chain": True, "dns": True, "uri": True},
    )
