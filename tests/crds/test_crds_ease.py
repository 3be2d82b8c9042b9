"""What a real API server does for people: it keeps what is not ours to refuse, shows columns and explains fields."""

from contextlib import suppress
from typing import Any

import pytest

from tests.crds.talking import API, BY_NAME, GOOD
from tests.support.apiserver import ApiError, ApiServer
from tests.support.envoy import wait_until

pytestmark = pytest.mark.kubernetes


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
    assert "This field has no effect" in shown(api, "explain", "mappings.spec.docs")
    assert "The Server header of responses" in shown(api, "explain", "modules.spec.config.server_name")
