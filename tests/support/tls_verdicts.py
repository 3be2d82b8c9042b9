"""What a real Envoy says of certificates and CAs: one process, each text in a listener of its own."""

import base64
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.certificates import Pair, authority
from tests.support.envoy import RealEnvoy, wait_until

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_TLS = f"{_EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext"
_PROXY = f"{_EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy"
_LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"


def refused_by_envoy(shown: Mapping[str, Pair], trusted: Mapping[str, bytes]) -> dict[str, str]:
    """Why Envoy refuses certificates that are to be shown to clients, and CAs that clients are checked against.

    By name, which are of both together; what is not in the answer is taken.
    """
    good = _certificate(authority().sign("x.test"))
    contexts: dict[str, dict[str, Any]] = {
        name: {"tls_certificates": [_certificate(pair)]} for name, pair in shown.items()
    }
    contexts |= {
        name: {"tls_certificates": [good], "validation_context": {"trusted_ca": _inline(text)}}
        for name, text in trusted.items()
    }
    names = dict(enumerate(contexts))
    listeners = [_listener(f"l{number}", number, contexts[name]) for number, name in names.items()]
    with tempfile.TemporaryDirectory(prefix="dm-") as text:
        folder = Path(text)
        path = folder / "lds.json"
        path.write_text(json.dumps({"resources": listeners}))
        source = {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}
        bootstrap = {
            "node": {"id": "test", "cluster": "test"},
            "static_resources": {"clusters": [{"name": "a"}]},
            "dynamic_resources": {"lds_config": source},
        }
        with RealEnvoy(bootstrap, folder=folder) as envoy:
            envoy.wait_live(60)
            found = wait_until(lambda: envoy.config("dynamic_listeners"), 60, what="a verdict on each listener")
    refused = [each["error_state"] for each in found if "error_state" in each]
    said = {names[_number(each["failed_configuration"])]: each["details"] for each in refused}
    taken = {names[_number(each)] for each in found if "active_state" in each}
    assert taken.isdisjoint(said)
    assert taken | said.keys() == contexts.keys()
    return said


def _number(named: Mapping[str, str]) -> int:
    return int(named["name"].removeprefix("l"))


def _listener(name: str, number: int, context: dict[str, Any]) -> dict[str, Any]:
    tls = {"@type": _TLS, "common_tls_context": context, "require_client_certificate": "validation_context" in context}
    proxy = {"@type": _PROXY, "stat_prefix": "a", "cluster": "a"}
    chain = {
        "filters": [{"name": "tcp", "typed_config": proxy}],
        "transport_socket": {"name": "tls", "typed_config": tls},
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1 + number}}
    return {"@type": _LISTENER, "name": name, "address": address, "filter_chains": [chain], "bind_to_port": False}


def _certificate(pair: Pair) -> dict[str, Any]:
    return {"certificate_chain": _inline(pair.certificate), "private_key": _inline(pair.key)}


def _inline(text: bytes) -> dict[str, str]:
    return {"inline_bytes": base64.b64encode(text).decode()}
