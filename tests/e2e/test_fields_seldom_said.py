"""Fields that no other test says, asked of a real Envoy: tests/translator/emissary/test_every_field.py counts all."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged
from h2.settings import SettingCodes
from websockets.sync.client import connect

from tests.e2e.test_services import slice_of
from tests.e2e.test_tls import host_with_context, serial
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, service, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def module(**config: Any) -> str:
    return an_object("Module", "ambassador", {"config": config})


def test_allow_request_body_shows_the_service_the_body(gateway: Gateway, red: HttpUpstream) -> None:
    name = "old-body.test"
    with HttpUpstream("asked") as asked:
        auth = an_object("AuthService", "old-body", {"auth_service": asked.service, "allow_request_body": True})
        texts = host(name, name) + mapping("old-body", name, red.service)
        with gateway.applied(name, texts), gateway.applied("old-body-auth", auth):

            def shown() -> bool:
                gateway.request(name, method="POST", content=b"hello")
                return bool(asked.seen) and asked.seen[-1]["body"] == "hello"

            wait_until(shown, what="the body")
        wait_until(lambda: gateway.request(name).status_code == 404, what="nobody asked any more")


def test_a_clients_request_id_is_kept_where_the_module_says_so(gateway: Gateway, red: HttpUpstream) -> None:
    name = "request-id.test"

    def seen() -> str:
        return str(gateway.request(name, headers={"x-request-id": "mine"}).json()["headers"]["x-request-id"])

    with gateway.applied(name, host(name, name) + mapping("request-id", name, red.service)):
        gateway.wait_served(name)
        assert seen() != "mine"
        with gateway.applied("request-id-module", module(preserve_external_request_id=True)):
            wait_until(lambda: seen() == "mine", what="the client's own")


def test_probes_and_diagnostics_are_where_the_module_says(gateway: Gateway) -> None:
    name, page = "some.test", "/diag/?json=true&filter=version"
    gateway.wait_served(name, "/ambassador/v0/check_ready")
    assert gateway.request(name, "/ambassador/v0/check_alive").status_code == 200
    assert gateway.request(name, f"/ambassador/v0{page}").status_code == 404
    config = {
        "liveness_probe": {"enabled": False},
        "readiness_probe": {"prefix": "/are-you-ready", "rewrite": "/ambassador/v0/check_ready"},
        "diagnostics": {"enabled": True},
    }
    with gateway.applied("probes", module(**config)):
        assert "ready" in gateway.wait_served(name, "/are-you-ready").text
        assert json.loads(gateway.wait_served(name, f"/ambassador/v0{page}").content)
    gateway.wait_served(name, f"/ambassador/v0{page}", status=404)


def test_a_larger_regex_is_served_where_the_module_says_so(gateway: Gateway, red: HttpUpstream) -> None:
    name = "large-regex.test"
    texts = host(name, name) + mapping("small", name, red.service, "/small/")
    texts += mapping("large", name, red.service, "/(a|b){300}/", prefix_regex=True)
    path = f"/{'a' * 300}/"
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/small/")
        assert gateway.request(name, path).status_code == 404
        with gateway.applied("large-module", module(regex_max_size=1000)):
            gateway.wait_served(name, path)


def test_services_are_those_of_our_namespace_where_the_module_says_so(gateway: Gateway, red: HttpUpstream) -> None:
    name = "our-namespace.test"
    texts = host(name, name) + service("ours", {"web": 80}) + slice_of("ours-a", "ours", red)
    texts += mapping("theirs", name, "ours", "/", namespace_="theirs")
    with (
        gateway.applied(name, texts),
        gateway.applied("ours-module", module(use_ambassador_namespace_for_service_resolution=True)),
    ):
        assert gateway.wait_served(name).json()["upstream"] == red.name


def test_who_must_wait_for_a_connection_is_refused(gateway: Gateway, red: HttpUpstream) -> None:
    name = "waiting.test"
    texts = host(name, name) + mapping("served", name, red.service, "/served/")
    texts += mapping("waiting", name, red.service, "/waiting/", circuit_breakers=[{"max_pending_requests": 0}])
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/served/")
        refused = gateway.wait_served(name, "/waiting/", status=503)
        assert refused.headers.get("x-envoy-overloaded") == "true"


def test_there_are_no_more_retries_than_the_breaker_says(gateway: Gateway, red: HttpUpstream) -> None:
    name, again = "retries.test", {"retry_on": "5xx", "num_retries": 2}
    texts = host(name, name) + mapping("retried", name, red.service, "/retried/", retry_policy=again)
    breakers = [{"max_retries": 0}]
    texts += mapping("unretried", name, red.service, "/no/", retry_policy=again, circuit_breakers=breakers)
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/no/")
        red.failures = 1
        assert gateway.request(name, "/no/").status_code == 503
        red.failures = 1
        assert gateway.request(name, "/retried/").status_code == 200


def test_a_service_is_told_what_the_module_says_of_a_clients_certificate(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    name = "details.test"
    clients = authority("Detailed clients")
    certificate, key = clients.sign("somebody.details.test").write(tmp_path, "client")
    shown = trusting(authority())
    shown.load_cert_chain(certificate, key)
    texts = tls_secret("details-ca", clients.pair.certificate, b"") + mapping("details", name, red.service)
    texts += host_with_context(name, authority().sign(name), ca_secret="details-ca", cert_required=True)

    def told() -> str:
        found = gateway.request(name, tls=True, context=shown).json()["headers"]
        return str(found.get("x-forwarded-client-cert", ""))

    details = {"cert": True, "chain": True, "dns": True, "uri": True}
    config = {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": details}
    with gateway.applied(name, texts):
        gateway.wait_served(name, tls=True, context=shown)
        with gateway.applied("details-module", module(**config)):
            said = wait_until(told, what="the header")
    assert "Cert=" in said
    assert "Chain=" in said
    assert "DNS=somebody.details.test" in said
    assert "URI=" in said
    assert "Subject=" not in said


@pytest.mark.parametrize("where", ["module", "context"])
def test_a_dot_in_the_name_of_a_secret_may_be_its_own(gateway: Gateway, red: HttpUpstream, where: str) -> None:
    name, pair = f"{where}.dots.test", authority().sign(f"{where}.dots.test")
    secret = f"dotted.{where}"
    texts = tls_secret(secret, pair.certificate, pair.key) + mapping(f"dots-{where}", name, red.service)
    defaults = module(defaults={"tls_secret_namespacing": False}) if where == "module" else ""
    if where == "module":
        texts += host(f"dots-{where}", name, tlsSecret={"name": secret})
    else:
        spec = {"hosts": [name], "secret": secret, "secret_namespacing": False}
        texts += an_object("TLSContext", f"dots-{where}", spec)
        texts += host(f"dots-{where}", name, tlsSecret={"name": secret}, tlsContext={"name": f"dots-{where}"})
    with gateway.applied(name, texts + defaults):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert serial(gateway, name) == pair.serial


def test_a_listener_has_a_name_in_statistics_and_a_bound_for_streams(gateway: Gateway, red: HttpUpstream) -> None:
    name, port = "streams.test", unused_port()
    spec = {"port": port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    listener = an_object("Listener", "streams", {**spec, "statsPrefix": "mine", "http2MaxConcurrentStreams": 7})
    with gateway.applied(name, listener + host(name, name) + mapping("streams", name, red.service)):
        gateway.wait_served(name)
        assert wait_until(lambda: most_streams(port), what="the settings of HTTP/2") == 7
        label = 'envoy_http_conn_manager_prefix="mine"'
        wait_until(lambda: label in gateway.diagnostics("/metrics").text, what="the name in the statistics")


def most_streams(port: int) -> int | None:
    """How many streams a server of HTTP/2 takes at once, as it says in its settings; None: it does not answer."""
    state = H2Connection()
    state.initiate_connection()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(state.data_to_send())
        while data := connection.recv(65536):
            for event in state.receive_data(data):
                if isinstance(event, RemoteSettingsChanged):
                    return int(event.changed_settings[SettingCodes.MAX_CONCURRENT_STREAMS].new_value)
    return None


def test_the_host_becomes_the_services_own_name(gateway: Gateway, red: HttpUpstream) -> None:
    name, target = "auto.test", f"localhost:{red.port}"
    with gateway.applied(name, host(name, name) + mapping("auto", name, target, auto_host_rewrite=True)):
        assert gateway.wait_served(name).json()["host"].partition(":")[0] == "localhost"


def test_who_does_not_accept_in_time_is_given_up(gateway: Gateway) -> None:
    """The service's queue is full, so that a connection is neither had nor refused; the route's own limit is 504."""
    name = "connecting.test"
    with full() as port:
        texts = host(name, name)
        for path, wait in (("short", 100), ("long", 60_000)):
            fields = {"connect_timeout_ms": wait, "timeout_ms": 2000}
            texts += mapping(path, name, f"127.0.0.1:{port}", f"/{path}/", **fields)
        with gateway.applied(name, texts):
            gateway.wait_served(name, "/short/", status=503)
            gateway.wait_served(name, "/long/", status=504)


@contextlib.contextmanager
def full() -> Iterator[int]:
    """A port at which connections are asked for in vain."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = int(listening.getsockname()[1])
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


def test_a_request_that_is_silent_for_long_is_ended(gateway: Gateway, red: HttpUpstream) -> None:
    name = "silent.test"
    texts = host(name, name)
    for path, idle in (("short", 200), ("none", 0)):
        texts += mapping(f"silent-{path}", name, red.service, f"/{path}/", idle_timeout_ms=idle, timeout_ms=30_000)
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/short/")
        red.delay = 1.0
        assert gateway.request(name, "/short/").status_code == 504
        assert gateway.request(name, "/none/").status_code == 200


def test_a_silent_connection_of_a_tcp_mapping_is_ended(gateway: Gateway) -> None:
    port = unused_port()
    with TcpUpstream("tcp") as upstream:
        spec = {"port": port, "service": upstream.service, "idle_timeout_ms": "200"}
        with gateway.applied("silent-tcp", an_object("TCPMapping", "silent-tcp", spec)):
            wait_until(lambda: silent(port), what="an end that comes by itself")


def silent(port: int) -> bool:
    """Whether a connection on which something was said ends by itself."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"hello\n")
        return connection.recv(100) == b"tcp: hello\n" and connection.recv(100) == b""
    return False


def test_use_websocket_is_an_upgrade_to_a_websocket(gateway: Gateway, red: HttpUpstream) -> None:
    name = "old-ws.test"
    texts = host(name, name) + mapping("old-ws", name, red.service, "/ws", use_websocket=True)
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/ws")
        with (
            socket.create_connection(("127.0.0.1", gateway.http_port)) as connection,
            connect(f"ws://{name}/ws", sock=connection) as websocket,
        ):
            websocket.send("hello")
            assert websocket.recv(timeout=10) == "red: hello"
