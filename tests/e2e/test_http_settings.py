"""What the Module says of HTTP with clients: versions, framing, the case of names, sizes, certificates."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.certificates import authority, new_authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, endpoint_slice, host, mapping, service, tls_secret
from tests.support.ports import unused_port
from tests.support.raw import Answer, RawConnection
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "settings.test"


def module(**config: Any) -> str:
    return an_object("Module", "ambassador", {"config": config})


def told(gateway: Gateway, key: str) -> dict[str, str]:
    """What is said of an object, by its path."""
    objects = gateway.diag()["objects"]
    return {each["path"]: each["message"] for each in objects.get(key, {}).get("problems", [])}


def ask(gateway: Gateway, *lines: str, path: str = "/", version: str = "1.1", body: bytes = b"") -> Answer:
    """One request, as it is written."""
    with RawConnection(gateway.http_port) as connection:
        return connection.ask(NAME, path, *lines, version=version, body=body, method="POST" if body else "GET")


def after(gateway: Gateway, config: dict[str, Any], red: HttpUpstream, condition: Callable[[], bool]) -> None:
    """The condition is false before the Module says this, true while it does, and false again."""
    with gateway.applied("settings", host(NAME, NAME) + mapping(NAME, NAME, red.service)):
        gateway.wait_served(NAME)
        assert not condition()
        with gateway.applied("settings-module", module(**config)):
            wait_until(condition, what=f"{config} in force")
        wait_until(lambda: not condition(), what=f"{config} gone")


def test_http_1_0_is_answered_where_the_module_says_so(gateway: Gateway, red: HttpUpstream) -> None:
    after(gateway, {"enable_http10": True}, red, lambda: ask(gateway, version="1.0").status == 200)


def test_a_length_beside_chunks_is_dropped_rather_than_refused(gateway: Gateway, red: HttpUpstream) -> None:
    def is_taken() -> bool:
        lines = ("content-length: 3", "transfer-encoding: chunked")
        return ask(gateway, *lines, body=b"5\r\nhello\r\n0\r\n\r\n").status == 200 and red.seen[-1]["body"] == "hello"

    after(gateway, {"allow_chunked_length": True}, red, is_taken)


def test_larger_headers_are_taken_where_the_module_says_so(gateway: Gateway, red: HttpUpstream) -> None:
    lines = [f"x-{number}: {'a' * 7000}" for number in range(10)]
    after(gateway, {"max_request_headers_kb": 96}, red, lambda: ask(gateway, *lines).status != 431)


def test_smaller_headers_are_refused_where_the_module_says_so(gateway: Gateway, red: HttpUpstream) -> None:
    after(gateway, {"max_request_headers_kb": 1}, red, lambda: ask(gateway, f"x-a: {'a' * 2000}").status == 431)


def test_names_are_in_proper_case_to_clients_and_to_services(gateway: Gateway, red: HttpUpstream) -> None:
    red.response_headers["x-from-service"] = "1"

    def is_proper() -> bool:
        names = [name for name, _ in ask(gateway, "x-from-client: 1").headers]
        return "X-From-Service" in names and "X-From-Client" in red.seen[-1]["names"]

    after(gateway, {"proper_case": True}, red, is_proper)


def test_overrides_keep_the_case_that_the_other_side_wrote(gateway: Gateway, red: HttpUpstream) -> None:
    red.response_headers["X-FROM-Service"] = "1"

    def is_kept() -> bool:
        names = [name for name, _ in ask(gateway, "X-FROM-client: 1").headers]
        is_told = "header_case_overrides" in str(told(gateway, "getambassador.io/Module/default/ambassador"))
        return "X-FROM-Service" in names and "X-FROM-client" in red.seen[-1]["names"] and is_told

    after(gateway, {"header_case_overrides": ["X-FROM-Service", "X-FROM-client"]}, red, is_kept)


def test_neither_clients_nor_services_get_envoys_own_headers(gateway: Gateway, red: HttpUpstream) -> None:
    def is_silent() -> bool:
        names = [name.lower() for name, _ in ask(gateway).headers] + [name.lower() for name in red.seen[-1]["names"]]
        return not any(name.startswith("x-envoy-") for name in names)

    after(gateway, {"suppress_envoy_headers": True, "use_remote_address": False}, red, is_silent)


def test_the_name_of_the_server_and_the_port_of_the_host_are_as_the_module_says(
    gateway: Gateway, red: HttpUpstream
) -> None:
    def is_so() -> bool:
        answer = gateway.request(f"{NAME}:{gateway.http_port}")
        named = answer.headers["server"] == "edge"
        return named and answer.status_code == 200 and bool(answer.json()["host"] == NAME)

    after(gateway, {"server_name": "edge", "strip_matching_host_port": True}, red, is_so)


def test_an_idle_connection_ends_in_the_time_that_the_module_says(gateway: Gateway, red: HttpUpstream) -> None:
    """Envoy lets a client finish for five seconds more: what it counts is asked rather than waited for."""

    def ended() -> float:
        lines = gateway.diagnostics("/metrics").text.splitlines()
        name = "envoy_http_downstream_cx_idle_timeout{"
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    with gateway.applied("settings", host(NAME, NAME) + mapping(NAME, NAME, red.service)):
        gateway.wait_served(NAME)
        assert kept_open(gateway)
        before = ended()
        assert kept_open(gateway)
        assert ended() == before
        with gateway.applied("settings-module", module(listener_idle_timeout_ms=100)):
            wait_until(
                lambda: ask(gateway).status == 200 and kept_open(gateway) and ended() > before, what="an idle end"
            )


def kept_open(gateway: Gateway) -> bool:
    """A connection that is open for longer than the Module lets one be idle."""
    with RawConnection(gateway.http_port) as connection:
        connection.ask(NAME, "/")
        connection.is_closed(0.5)
    return True


def test_the_buffer_of_a_connection_has_the_size_that_the_module_says(gateway: Gateway, red: HttpUpstream) -> None:
    """A body that must be kept for a retry fits, or does not: the service fails once, and is asked again or not."""
    retry = {"retry_on": "5xx", "num_retries": 1}
    texts = host(NAME, NAME) + mapping(NAME, NAME, red.service, retry_policy=retry)

    def is_repeated(size: int) -> bool:
        body = b"a" * size
        red.failures = 1
        red.seen.clear()
        answer = gateway.request(NAME, method="POST", content=body)
        red.failures = 0
        assert [len(seen["body"]) for seen in red.seen] == [size] * (1 if answer.status_code == 503 else 2)
        return answer.status_code == 200

    with gateway.applied("settings", texts):
        gateway.wait_served(NAME)
        assert is_repeated(500_000)
        assert is_repeated(1_000_000)
        assert not is_repeated(1_100_000)
        with gateway.applied("settings-module", module(buffer_limit_bytes=1_500_000)):
            wait_until(lambda: is_repeated(1_100_000), what="the larger buffer")
        with gateway.applied("settings-module", module(buffer_limit_bytes=200_000)):
            wait_until(lambda: not is_repeated(500_000), what="the smaller buffer")
            assert is_repeated(150_000)


def test_a_large_body_goes_to_another_endpoint_where_one_cannot_be_reached(gateway: Gateway, red: HttpUpstream) -> None:
    name, again = "elsewhere.test", {"retry_on": "connect-failure", "num_retries": 3}
    texts = host(name, name) + service("two", {"web": 80}) + mapping("two", name, "two", retry_policy=again)
    for called, port in (("open", red.port), ("shut", unused_port())):
        texts += endpoint_slice(f"two-{called}", "two", {"web": port}, {"addresses": ["127.0.0.1"]})
    with gateway.applied("elsewhere", texts):
        gateway.wait_served(name)

        def statuses(size: int) -> list[int]:
            return [gateway.request(name, method="POST", content=b"a" * size).status_code for _ in range(8)]

        wait_until(lambda: statuses(500_000) == [200] * 8, what="both endpoints tried, whatever the Module said before")
        assert {len(body) for body in red.bodies[-8:]} == {500_000}
        assert 507 in statuses(2_000_000)


def test_a_service_is_told_of_the_clients_certificate_and_nobody_forges_it(
    gateway: Gateway, red: HttpUpstream, tmp_path: Any
) -> None:
    name, clients = "xfcc.test", new_authority("Clients")
    pair, ca = authority().sign(name), clients.pair.certificate
    shown = trusting(authority())
    certificate, key = clients.client("somebody").write(tmp_path, "client")
    shown.load_cert_chain(certificate, key)
    texts = tls_secret("xfcc", pair.certificate, pair.key) + tls_secret("xfcc-ca", ca, b"")
    texts += an_object("TLSContext", "xfcc", {"ca_secret": "xfcc-ca", "cert_required": True})
    texts += host(name, name, tlsSecret={"name": "xfcc"}, tlsContext={"name": "xfcc"}) + mapping(
        name, name, red.service
    )

    def header() -> str | None:
        forged = {"x-forwarded-client-cert": "Subject=forged"}
        response = gateway.request(name, tls=True, context=shown, headers=forged)
        found: str | None = response.json()["headers"].get("x-forwarded-client-cert")
        return found

    with gateway.applied("xfcc", texts):
        gateway.wait_served(name, tls=True, context=shown)
        assert header() is None
        details = {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": {"subject": True}}
        with gateway.applied("xfcc-module", module(**details)):
            said = wait_until(header, what="the header")
            assert "Hash=" in said
            assert "somebody" in said
            assert "forged" not in said
        wait_until(lambda: header() is None, what="no header")
        with gateway.applied("xfcc-module", module(forward_client_cert_details="APPEND_FORWARD")):
            said = wait_until(header, what="both")
            assert said.startswith("Subject=forged,")


def test_a_wrong_setting_leaves_the_others_in_force_and_each_is_told(gateway: Gateway, red: HttpUpstream) -> None:
    config = {
        "server_name": "still-here",
        "forward_client_cert_details": "MAYBE",
        "set_current_client_cert_details": {"subject": "yes"},
        "max_request_headers_kb": 8193,
        "buffer_limit_bytes": -1,
        "enable_http10": "true",
        "header_case_overrides": ["not a name"],
        "admin_port": 8001,
        "debug_mode": True,
        "xff_num_trusted_hops": 1,
        "use_proxy_proto": False,
    }
    texts = host(NAME, NAME) + mapping(NAME, NAME, red.service) + module(**config)
    with gateway.applied("settings", texts):
        gateway.wait_served(NAME)
        wait_until(lambda: gateway.request(NAME).headers.get("server") == "still-here", what="the good setting")
        found = told(gateway, "getambassador.io/Module/default/ambassador")
        for setting in set(config) - {"server_name", "use_proxy_proto"}:
            assert any(path.startswith(f"spec.config.{setting}") for path in found), (setting, found)
        assert not any("use_proxy_proto" in path for path in found)
