"""Upstreams that cost little and share no interpreter with who asks: one Envoy, which answers each port by itself."""

from collections.abc import Mapping
from typing import Any

from tests.support.envoy import RealEnvoy

_TYPES = "type.googleapis.com/envoy.extensions.filters"


def answering(answers: Mapping[int, str]) -> RealEnvoy:
    """An Envoy that answers 200 with a text of its own at each port; not started."""
    return RealEnvoy({"static_resources": {"listeners": [_listener(*each) for each in answers.items()]}})


def _listener(port: int, text: str) -> dict[str, Any]:
    answer = {"status": 200, "body": {"inline_string": text}}
    route = {"match": {"prefix": "/"}, "direct_response": answer}
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}}],
    }
    return {
        "name": text,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
