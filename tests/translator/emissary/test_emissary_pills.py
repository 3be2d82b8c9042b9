"""Poison pills: what Emissary passes on to Envoy, which then refuses everything of everyone. Here it stops one object.

The lists of words that Envoy knows are held against the binary itself.
"""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import authority
from tests.support.envoy import envoy_path
from tests.translator.emissary.world import world
from translator.checks import LARGEST_REGEX
from translator.ciphers import CIPHERS, STANDARD_CIPHERS
from translator.emissary.kinds.tls_context import CURVES

HTTP_CHECK = {"http": {"path": "/"}}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"prefix": "(", "prefix_regex": True}, "spec.prefix"),
        ({"prefix": "", "prefix_regex": True}, "spec.prefix"),
        ({"prefix": "/a{1000}", "prefix_regex": True}, "spec.prefix"),
        ({"prefix": "/a(?=b)", "prefix_regex": True}, "spec.prefix"),
        ({"prefix": "/a?b=c"}, "spec.prefix"),
        ({"prefix": "/a\nb"}, "spec.prefix"),
        ({"prefix": "/a b"}, "spec.prefix"),
        ({"prefix": "/a\n", "prefix_regex": True}, "spec.prefix"),
        ({"method": "GET, PUT"}, "spec.method"),
        ({"hostname": "a.com,b.com"}, "spec.hostname"),
        ({"hostname": "a.com:http"}, "spec.hostname"),
        ({"hostname": "a*b.com"}, "spec.hostname"),
        ({"hostname": "*a*"}, "spec.hostname"),
        ({"hostname": ".com"}, "spec.hostname"),
        ({"hostname": "a b"}, "spec.hostname"),
        ({"hostname": None, "host": "(", "host_regex": True}, "spec.host"),
        ({"regex_headers": {"x": "["}}, "spec.regex_headers.x"),
        ({"regex_headers": {"x": "(a|b){900}"}}, "spec.regex_headers.x"),
        ({"headers": {"x y": "1"}}, 'spec.headers["x y"]'),
        ({"headers": {"": "1"}}, 'spec.headers[""]'),
        ({"headers": {"x": "a\r\nb"}}, "spec.headers.x"),
        ({"headers": {"x": True}}, "spec.headers.x"),
        ({"method": "(", "method_regex": True}, "spec.method"),
        ({"query_parameters": {"": "1"}}, 'spec.query_parameters[""]'),
        ({"query_parameters": {"q" * 1025: "1"}}, f'spec.query_parameters["{"q" * 97}..."]'),
        ({"regex_query_parameters": {"q": "*"}}, "spec.regex_query_parameters.q"),
        ({"regex_rewrite": {"pattern": "(", "substitution": ""}}, "spec.regex_rewrite.pattern"),
        ({"regex_rewrite": {"pattern": "(a)", "substitution": r"\2"}}, "spec.regex_rewrite.substitution"),
        ({"regex_rewrite": {"pattern": "(a)", "substitution": "\\x"}}, "spec.regex_rewrite.substitution"),
        ({"regex_rewrite": {"pattern": "a{300}", "substitution": ""}}, "spec.regex_rewrite.pattern"),
        (
            {"host_redirect": True, "service": "a.b", "regex_redirect": {"pattern": "a{300}", "substitution": ""}},
            "spec.regex_redirect.pattern",
        ),
        ({"rewrite": "/a\nb"}, "spec.rewrite"),
        ({"rewrite": "/static/../"}, "spec.rewrite"),
        ({"rewrite": "/static%2"}, "spec.rewrite"),
        ({"host_redirect": True, "service": "a.b", "path_redirect": "/a/%2e%2e/b"}, "spec.path_redirect"),
        ({"host_redirect": True, "service": "a.b", "prefix_redirect": "/a/..;x/"}, "spec.prefix_redirect"),
        ({"regex_rewrite": {"pattern": "(a)", "substitution": r"/\1/../"}}, "spec.regex_rewrite.substitution"),
        ({"host_rewrite": "a\nb"}, "spec.host_rewrite"),
        ({"redirect_response_code": 304}, "spec.redirect_response_code"),
        ({"retry_policy": {"retry_on": "5xx,reset"}}, "spec.retry_policy.retry_on"),
        ({"retry_policy": {"retry_on": "5xx", "num_retries": -1}}, "spec.retry_policy.num_retries"),
        ({"retry_policy": {"retry_on": "5xx", "num_retries": 2**32}}, "spec.retry_policy.num_retries"),
        ({"retry_policy": {"retry_on": "5xx", "per_try_timeout": "soon"}}, "spec.retry_policy.per_try_timeout"),
        ({"retry_policy": {"retry_on": "5xx", "per_try_timeout": 5}}, "spec.retry_policy.per_try_timeout"),
        ({"retry_policy": {"retry_on": "5xx", "per_try_timeout": "9223372036s"}}, "spec.retry_policy.per_try_timeout"),
        ({"timeout_ms": -1}, "spec.timeout_ms"),
        ({"timeout_ms": 2**63}, "spec.timeout_ms"),
        ({"timeout_ms": 9_223_372_036_000}, "spec.timeout_ms"),
        ({"idle_timeout_ms": -1}, "spec.idle_timeout_ms"),
        ({"connect_timeout_ms": 0}, "spec.connect_timeout_ms"),
        ({"weight": -1}, "spec.weight"),
        ({"allow_upgrade": [""]}, "spec.allow_upgrade[0]"),
        ({"add_request_headers": {"Host": "x"}}, "spec.add_request_headers.Host"),
        ({"add_request_headers": {":path": "x"}}, 'spec.add_request_headers[":path"]'),
        ({"add_request_headers": {"x y": "x"}}, 'spec.add_request_headers["x y"]'),
        ({"add_request_headers": {"x": "%FOO%"}}, "spec.add_request_headers.x"),
        ({"add_response_headers": {"x": {"value": "100%"}}}, "spec.add_response_headers.x.value"),
        ({"add_response_headers": {"x": "a\nb"}}, "spec.add_response_headers.x"),
        ({"add_response_headers": {"x": "a" * 16385}}, "spec.add_response_headers.x"),
        ({"add_response_headers": {f"x{number}": "" for number in range(1001)}}, "spec.add_response_headers"),
        ({"remove_request_headers": ["host"]}, "spec.remove_request_headers[0]"),
        ({"remove_response_headers": [""]}, "spec.remove_response_headers[0]"),
        ({"load_balancer": {"policy": "random"}}, "spec.load_balancer.policy"),
        ({"load_balancer": {"policy": "maglev"}}, "spec.load_balancer.policy"),
        ({"load_balancer": {"policy": "maglev", "header": ""}}, "spec.load_balancer.header"),
        ({"load_balancer": {"policy": "ring_hash", "cookie": {"name": ""}}}, "spec.load_balancer.cookie.name"),
        (
            {"load_balancer": {"policy": "ring_hash", "cookie": {"name": "a", "ttl": "soon"}}},
            "spec.load_balancer.cookie.ttl",
        ),
        ({"health_checks": [{"timeout": "soon", "health_check": HTTP_CHECK}]}, "spec.health_checks[0].timeout"),
        ({"health_checks": [{"interval": "0s", "health_check": HTTP_CHECK}]}, "spec.health_checks[0].interval"),
        ({"health_checks": [{"interval": "-1s", "health_check": HTTP_CHECK}]}, "spec.health_checks[0].interval"),
        (
            {"health_checks": [{"unhealthy_threshold": -1, "health_check": HTTP_CHECK}]},
            "spec.health_checks[0].unhealthy_threshold",
        ),
        (
            {"health_checks": [{"health_check": {"http": {"path": "/", "add_request_headers": {"a": "%FOO%"}}}}]},
            "spec.health_checks[0].health_check.http.add_request_headers.a",
        ),
        (
            {"health_checks": [{"health_check": {"http": {"path": "/", "hostname": "a\nb"}}}]},
            "spec.health_checks[0].health_check.http.hostname",
        ),
        ({"service": ""}, "spec.service"),
        ({"service": "gopher://x"}, "spec.service"),
    ],
)
def test_one_wrong_value_stops_one_mapping(fields: dict[str, object], path: str) -> None:
    made = world()
    key = made.mapping("a", **fields)  # type: ignore[arg-type]
    made.mapping("b", prefix="/b")
    assert set(made.problems(key)) == {path}
    assert not made.problems(key)[path].startswith("warning")
    assert made.names() == ["b"]


def test_the_module_sets_how_large_a_regex_may_be() -> None:
    made = world()
    key = made.mapping("a", prefix="/a{300}", prefix_regex=True)
    (said,) = made.problems(key).values()
    size = "is too big a regular expression: its program size is 305, and at most 200 is allowed"
    assert said == f"{size} (regex_max_size of the Module)"
    made.module(regex_max_size=400)
    assert made.problems(key) == {}
    assert made.names() == ["a"]


def test_no_regex_is_larger_than_what_our_envoy_takes() -> None:
    made = world()
    module = made.module(regex_max_size=5000)
    key = made.mapping("a", prefix="/a{1000}", prefix_regex=True)
    assert made.problems(module) == {"spec.config.regex_max_size": "warning: counts as 1000, which is the most"}
    assert "at most 1000 is allowed" in made.problems(key)["spec.prefix"]
    bootstrap = json.loads((Path(__file__).parents[3] / "envoy" / "bootstrap.json").read_text())
    layer = bootstrap["layered_runtime"]["layers"][0]
    assert layer["static_layer"]["re2.max_program_size.error_level"] == LARGEST_REGEX


def test_a_regex_is_as_large_as_it_is_to_envoy() -> None:
    made = world()
    key = made.mapping("a", prefix="[^/]{60}", prefix_regex=True)
    assert made.problems(key) == {}


def test_the_host_is_not_a_header_to_edit() -> None:
    made = world()
    key = made.mapping("a", add_request_headers={"Host": "x"})
    assert made.problems(key)["spec.add_request_headers.Host"].endswith("; use host_rewrite")


def test_a_query_is_not_part_of_a_prefix() -> None:
    made = world()
    key = made.mapping("a", prefix="/a?b=c")
    said = "must not contain a query, as '/a?b=c' does: use query_parameters"
    assert made.problems(key) == {"spec.prefix": said}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"secret": "tls", "min_tls_version": "v1.4"}, "spec.min_tls_version"),
        ({"secret": "tls", "cipher_suites": ["FOO"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["[ECDHE-RSA-AES128-GCM-SHA256|FOO]"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["TLS_FOO_WITH_BAR"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": [""]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["["]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["|"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["[]"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["[AES128-SHA"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["AES128-SHA|AES256-SHA"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "cipher_suites": ["[AES128-SHA|]"]}, "spec.cipher_suites[0]"),
        ({"secret": "tls", "ecdh_curves": ["P-1"]}, "spec.ecdh_curves[0]"),
        ({"secret": "tls", "ecdh_curves": ["P-256", "P-256"]}, "spec.ecdh_curves"),
        ({"secret": "tls", "ecdh_curves": ["P-256", "prime256v1"]}, "spec.ecdh_curves"),
        ({"secret": "tls", "ecdh_curves": ["x25519", "P-256", "X25519"]}, "spec.ecdh_curves"),
        ({"secret": "tls", "alpn_protocols": "h2,,x"}, "spec.alpn_protocols"),
        ({"secret": "tls", "alpn_protocols": "x" * 256}, "spec.alpn_protocols"),
        ({"secret": "tls", "alpn_protocols": ",".join(["x"] * 32_768)}, "spec.alpn_protocols"),
        ({"sni": "x" * 256}, "spec.sni"),
        ({"hosts": ["a,b"]}, "spec.hosts[0]"),
        ({"cert_chain_file": "/x"}, "spec.cert_chain_file"),
        ({"secret": "tls", "crl_secret": "x"}, "spec.crl_secret"),
        ({"secret": "nowhere"}, "spec.secret"),
        ({"secret": "tls", "ca_secret": "nowhere"}, "spec.ca_secret"),
        ({"secret": "half"}, "spec.secret"),
        ({"secret": "mismatch"}, "spec.secret"),
    ],
)
def test_one_wrong_value_stops_one_context(spec: dict[str, object], path: str) -> None:
    made = world()
    made.secret("tls")
    good, other = authority().sign("a.com"), authority().sign("b.com")
    made.secret_of("half", {"tls.crt": good.certificate})
    made.secret_of("mismatch", {"tls.crt": good.certificate, "tls.key": other.key})
    key = made.put("TLSContext", "ctx", spec)
    assert set(made.problems(key)) == {path}
    assert not made.problems(key)[path].startswith("warning")


# What the binary says


def validated(tmp_path: Path, route: dict[str, Any], tls: dict[str, Any] | None = None) -> str:
    """What Envoy says of a configuration with this route and these TLS parameters: empty when it takes it."""
    network = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    manager = {
        "@type": network,
        "stat_prefix": "x",
        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
        "route_config": {"virtual_hosts": [{"name": "a", "domains": ["*"], "routes": [route]}]},
    }
    chain: dict[str, Any] = {"filters": [{"name": "http", "typed_config": manager}]}
    if tls is not None:
        made = authority().sign("example.com")
        certificate = {
            "certificate_chain": {"inline_string": made.certificate.decode()},
            "private_key": {"inline_string": made.key.decode()},
        }
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {"tls_params": tls, "tls_certificates": [certificate]},
            },
        }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    config = {"static_resources": {"listeners": [{"name": "l", "address": address, "filter_chains": [chain]}]}}
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(config))
    command = [envoy_path(), "--mode", "validate", "-c", str(path), "-l", "critical"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else done.stderr


ROUTE = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}


@pytest.mark.envoy
def test_envoy_knows_every_cipher_suite_and_curve_that_we_let_pass(tmp_path: Path) -> None:
    for known in (CIPHERS, STANDARD_CIPHERS):
        assert validated(tmp_path, ROUTE, {"cipher_suites": sorted(known)}) == ""
    alike = "[AES128-SHA|TLS_RSA_WITH_AES_256_CBC_SHA]:ECDHE-RSA-AES128-SHA:[AES256-SHA]"
    assert validated(tmp_path, ROUTE, {"cipher_suites": [alike, "AES128-GCM-SHA256"]}) == ""
    made = world()
    made.secret("tls")
    key = made.put("TLSContext", "ctx", {"secret": "tls", "cipher_suites": [alike, "AES128-GCM-SHA256"]})
    assert made.problems(key) == {}
    for curve in sorted(CURVES):
        assert validated(tmp_path, ROUTE, {"ecdh_curves": [curve]}) == ""
    assert "FOO" in validated(tmp_path, ROUTE, {"cipher_suites": ["FOO"]})


@pytest.mark.envoy
def test_curves_that_envoy_takes_for_one_are_one(tmp_path: Path) -> None:
    for one, other in itertools.combinations(sorted(CURVES), 2):
        made = world()
        made.secret("tls")
        key = made.put("TLSContext", "ctx", {"secret": "tls", "ecdh_curves": [one, other]})
        is_taken = validated(tmp_path, ROUTE, {"ecdh_curves": [one, other]}) == ""
        assert (made.problems(key) == {}) is is_taken, (one, other)
