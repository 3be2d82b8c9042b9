"""No poison pill: what freezes all of Emissary's updates is named on its object here, and nothing else is touched.

Each has the number of the row and the place in `tests/e2e/test_by_number.py`. All are there at once, beside a
Mapping that is served all the time.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "pills.test"
CHECK = {"http": {"path": "/"}}
BAD = "(unclosed"
TOO_BIG = "a{300}"
REDIRECTS = {"host_redirect": True, "service": "elsewhere.test"}


@dataclass(frozen=True)
class Pill:
    """A wrong value of a Mapping; `path` begins the path of the field that is named."""

    fields: Mapping[str, Any]
    path: str


PILLS: Final = {
    "1-prefix": Pill({"prefix": BAD, "prefix_regex": True}, "spec.prefix"),
    "1-prefix-too-big": Pill({"prefix": TOO_BIG, "prefix_regex": True}, "spec.prefix"),
    "1-regex-headers": Pill({"regex_headers": {"x": BAD}}, "spec.regex_headers.x"),
    "1-regex-headers-too-big": Pill({"regex_headers": {"x": TOO_BIG}}, "spec.regex_headers.x"),
    "1-host": Pill({"hostname": None, "host": BAD, "host_regex": True}, "spec.host"),
    "1-host-too-big": Pill({"hostname": None, "host": TOO_BIG, "host_regex": True}, "spec.host"),
    "1-regex-rewrite": Pill({"regex_rewrite": {"pattern": BAD, "substitution": "x"}}, "spec.regex_rewrite.pattern"),
    "1-regex-redirect": Pill(
        {**REDIRECTS, "regex_redirect": {"pattern": BAD, "substitution": "x"}}, "spec.regex_redirect.pattern"
    ),
    "1-regex-query-parameters": Pill({"regex_query_parameters": {"q": BAD}}, "spec.regex_query_parameters.q"),
    "2-per-try-timeout": Pill(
        {"retry_policy": {"retry_on": "5xx", "per_try_timeout": "soon"}}, "spec.retry_policy.per_try_timeout"
    ),
    "2-health-check-timeout": Pill(
        {"health_checks": [{"timeout": "soon", "health_check": CHECK}]}, "spec.health_checks[0].timeout"
    ),
    "2-health-check-interval": Pill(
        {"health_checks": [{"interval": "often", "health_check": CHECK}]}, "spec.health_checks[0].interval"
    ),
    "2-cookie-ttl": Pill(
        {"load_balancer": {"policy": "ring_hash", "cookie": {"name": "c", "ttl": "long"}}},
        "spec.load_balancer.cookie.ttl",
    ),
    "3-illegal-name": Pill({"add_request_headers": {"no name": "x"}}, "spec.add_request_headers"),
    "3-illegal-name-of-a-response": Pill({"add_response_headers": {"no name": "x"}}, "spec.add_response_headers"),
    "3-unknown-formatter": Pill({"add_request_headers": {"x": "%FORMATTER%"}}, "spec.add_request_headers.x"),
    "3-host": Pill({"add_request_headers": {"Host": "x"}}, "spec.add_request_headers.Host"),
    "3-authority": Pill({"add_request_headers": {":authority": "x"}}, "spec.add_request_headers"),
    "3-remove-host": Pill({"remove_request_headers": ["Host"]}, "spec.remove_request_headers[0]"),
    "4-timeout": Pill({"timeout_ms": -1}, "spec.timeout_ms"),
    "4-weight": Pill({"weight": -1}, "spec.weight"),
    "4-breaker": Pill({"circuit_breakers": [{"max_connections": -1}]}, "spec.circuit_breakers[0].max_connections"),
    "4-priority": Pill({"priority": "urgent"}, "spec.priority"),
    "4-breakers-priority": Pill({"circuit_breakers": [{"priority": "urgent"}]}, "spec.circuit_breakers[0].priority"),
    "5-context-unreadable": Pill({"tls": "pill-unreadable"}, "spec.tls"),
    "5-context-mismatch": Pill({"tls": "pill-mismatch"}, "spec.tls"),
}


def secret(name: str, certificate: bytes, key: bytes) -> str:
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}
    document = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data}
    return json.dumps({**document, "metadata": {"name": name, "namespace": "default"}}) + "\n---\n"


def secrets() -> str:
    one, other = authority().sign("one.pills.test"), authority().sign("other.pills.test")
    texts = secret("pill-unreadable", b"no PEM at all", b"nor this") + secret(
        "pill-mismatch", one.certificate, other.key
    )
    for name in ("unreadable", "mismatch"):
        spec = {"hosts": [f"{name}.context.test"], "secret": f"pill-{name}"}
        texts += an_object("TLSContext", f"pill-{name}", spec)
        texts += host(f"pill-{name}", f"{name}.pills.test", tlsSecret={"name": f"pill-{name}"})
    return texts


def mappings(service: str) -> str:
    texts = ""
    for number, pill in PILLS.items():
        content = {"hostname": NAME, "prefix": f"/{number}/", "service": service, **pill.fields}
        spec = {field: value for field, value in content.items() if value is not None}
        texts += an_object("Mapping", f"pill-{number}", spec)
    return texts


def judged(gateway: Gateway, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.diag()["objects"].get(f"getambassador.io/{kind}/default/{name}", {})
    return found


@pytest.fixture(scope="module")
def swallowed(gateway: Gateway, red: HttpUpstream) -> Iterator[Gateway]:
    """All of them at once, but for those of the Module, and a Mapping that is served."""
    texts = host(NAME, NAME) + mapping("pill-witness", NAME, red.service, "/witness/")
    tcp = an_object("TCPMapping", "pill-tcp", {"port": gateway.http_port, "service": red.service})
    with gateway.applied(NAME, texts + tcp + secrets() + mappings(red.service)):
        gateway.wait_served(NAME, "/witness/")
        yield gateway


@pytest.fixture
def served(swallowed: Gateway, red: HttpUpstream, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """What follows a test: the witness is served as before, later changes too, and Envoy was never asked."""
    yield swallowed
    assert swallowed.request(NAME, "/witness/").status_code == 200
    with swallowed.applied("pill-later", mapping("pill-later", NAME, red.service, "/later/")):
        swallowed.wait_served(NAME, "/later/")
    swallowed.wait_served(NAME, "/later/", status=404)

    def refused() -> dict[str, str]:
        return {key: row["message"] for key, row in swallowed.diag()["resources"].items() if row["refused"]}

    wait_until(lambda: not refused(), what=lambda: f"what other tests had refused gone, and nothing else: {refused()}")


@pytest.mark.parametrize("number", PILLS)
def test_a_mapping_is_named_and_stops_alone(swallowed: Gateway, number: str) -> None:
    """Rows 1 to 5."""
    found = judged(swallowed, "Mapping", f"pill-{number}")
    assert found["state"] == "stopped", found
    paths = [problem["path"] for problem in found["problems"] if problem["stops"] and problem["from"] == "dragoman"]
    assert any(path.startswith(PILLS[number].path) for path in paths), found


@pytest.mark.parametrize("name", ["pill-unreadable", "pill-mismatch"])
@pytest.mark.parametrize("kind", ["Host", "TLSContext"])
def test_a_certificate_that_cannot_be_shown_stops_who_names_it(swallowed: Gateway, kind: str, name: str) -> None:
    """Row 5."""
    found = judged(swallowed, kind, name)
    assert found["state"] == "stopped", found
    assert "pill-" in found["problems"][0]["message"]


def test_a_tcp_mapping_for_a_port_that_hosts_have_stops_alone(swallowed: Gateway) -> None:
    """Row 6."""
    found = judged(swallowed, "TCPMapping", "pill-tcp")
    assert found["state"] == "stopped", found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("headers_with_underscores_action", "SHRUG"),
        ("max_request_headers_kb", 8193),
        ("header_case_overrides", [7]),
    ],
)
def test_a_setting_of_the_module_is_named_and_the_others_hold(served: Gateway, field: str, value: object) -> None:
    """Row 7."""
    module = an_object("Module", "ambassador", {"config": {field: value, "server_name": f"beside-{field}"}})
    with served.applied("pill-module", module):
        wait_until(
            lambda: served.request(NAME, "/witness/").headers.get("server") == f"beside-{field}",
            what="the setting beside it",
        )
        found = judged(served, "Module", "ambassador")
        assert any(problem["path"].startswith(f"spec.config.{field}") for problem in found["problems"]), found


def test_whoever_comes_after_all_of_them_is_served(served: Gateway) -> None:
    """Every row: what is asked here is what follows each test."""
    assert len(served.diag()["errors"]) >= len(PILLS)
