"""Envoy's orderly end, asked of a real Envoy: nobody is cut off, nobody waits longer than needed."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from entrypoint.drain import drain, open_connections
from tests.support.envoy import RealEnvoy, free_port, until

TYPES = "type.googleapis.com/envoy.extensions.filters"

pytestmark = pytest.mark.envoy


def bootstrap(port: int, upstream: int) -> dict[str, Any]:
    """One listener, everything to one upstream."""
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "route_config": {
            "virtual_hosts": [
                {"name": "x", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "x"}}]}
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"},
            }
        ],
    }
    return {
        "static_resources": {
            "listeners": [
                {
                    "address": address(port),
                    "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "x",
                    "load_assignment": {
                        "cluster_name": "x",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}],
                    },
                }
            ],
        }
    }


def address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


class Gate:
    """An upstream that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate.asked.set()
                gate.may_answer.wait(20)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def envoy(port: int, gate: Gate) -> Iterator[RealEnvoy]:
    with RealEnvoy(bootstrap(port, gate.server.server_port)) as envoy:
        envoy.wait_live()
        yield envoy


async def test_an_idle_envoy_is_drained_at_once(envoy: RealEnvoy) -> None:
    drained = await drain(envoy.admin_socket, 0, 20)
    assert drained is not None
    assert drained.connections == 0
    assert drained.seconds < 5


async def test_a_request_on_its_way_is_waited_for(envoy: RealEnvoy, gate: Gate, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(gate.asked.is_set)
        draining = asyncio.create_task(drain(envoy.admin_socket, 0, 20))
        await until(lambda: envoy.admin("/ready")[0] == 503, what="no longer ready")
        assert not draining.done()
        gate.may_answer.set()
        answer = await asyncio.to_thread(answer_of, client)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer
        drained = await draining
        assert drained is not None
        assert drained.connections == 0


def answer_of(client: socket.socket) -> bytes:
    """The whole answer; then the client closes, as `connection: close` asks it to."""
    answer = b""
    while not answer.endswith(b"\r\n\r\nok"):
        answer += client.recv(65536)
    client.close()
    return answer


async def test_nobody_is_told_to_go_before_others_had_time_to_learn_of_it(
    envoy: RealEnvoy, gate: Gate, port: int
) -> None:
    gate.may_answer.set()
    draining = asyncio.create_task(drain(envoy.admin_socket, 2.0, 20))
    answers = []
    while envoy.admin("/ready")[0] == 200:
        answers.append(await asyncio.to_thread(asked, port))
    assert not draining.done() or answers
    early = answers[:-1]  # the last one may have met its moment
    assert early
    assert all(b"HTTP/1.1 200" in each and b"connection: close" not in each for each in early)
    drained = await draining
    assert drained is not None
    assert drained.seconds >= 2


async def test_clients_are_told_to_go_then(envoy: RealEnvoy, gate: Gate, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        draining = asyncio.create_task(drain(envoy.admin_socket, 0.2, 20))
        await until(lambda: envoy.admin("/ready")[0] == 503, what="no longer ready")
        gate.may_answer.set()
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = await asyncio.to_thread(answer_of, client)
    assert b"connection: close" in answer
    assert (await draining) is not None


def asked(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        return answer_of(client)


async def test_a_connection_that_stays_is_not_waited_for_beyond_the_limit(envoy: RealEnvoy, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        await until(lambda: open_connections(envoy.admin("/stats")[1].decode()) == 1, what="connected")
        drained = await drain(envoy.admin_socket, 0, 0.5)
    assert drained is not None
    assert drained.connections == 1
    assert drained.seconds >= 0.5


async def test_an_envoy_that_is_busy_is_told_again_and_its_clients_are_waited_for(envoy: RealEnvoy, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        await until(lambda: open_connections(envoy.admin("/stats")[1].decode()) == 1, what="connected")
        os.kill(envoy.pid, signal.SIGSTOP)
        draining = asyncio.create_task(drain(envoy.admin_socket, 0, 20))
        await asyncio.sleep(2.5)  # longer than an answer is waited for
        os.kill(envoy.pid, signal.SIGCONT)
        await until(lambda: envoy.admin("/ready")[0] == 503, what="no longer ready")
        assert not draining.done()
    drained = await draining
    assert drained is not None
    assert drained.connections == 0


async def test_an_envoy_that_never_answers_is_given_up_at_the_limit(envoy: RealEnvoy) -> None:
    os.kill(envoy.pid, signal.SIGSTOP)
    try:
        drained = await drain(envoy.admin_socket, 0, 1)
    finally:
        os.kill(envoy.pid, signal.SIGCONT)
    assert drained is not None
    assert drained.connections is None


async def test_an_envoy_that_ends_meanwhile_is_not_waited_for(envoy: RealEnvoy, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        await until(lambda: open_connections(envoy.admin("/stats")[1].decode()) == 1, what="connected")
        draining = asyncio.create_task(drain(envoy.admin_socket, 0.2, 60))
        await until(lambda: envoy.admin("/ready")[0] == 503, what="no longer ready")
        envoy.kill()
        assert await asyncio.wait_for(draining, 10) is None


async def test_without_an_envoy_there_is_nothing_to_drain(tmp_path: Path) -> None:
    assert await drain(tmp_path / "admin.sock", 10, 60) is None


def test_only_the_connections_of_listeners_count_and_each_once() -> None:
    stats = """\
http.x.downstream_cx_active: 9
listener.0.0.0.0_8080.downstream_cx_active: 3
listener.0.0.0.0_8080.worker_0.downstream_cx_active: 1
listener.0.0.0.0_8080.worker_1.downstream_cx_active: 2
listener.[__]_8443.downstream_cx_active: 4
listener.admin.downstream_cx_active: 1
listener./run/dragoman/why-7-0.sock.downstream_cx_active: 1
listener.admin.main_thread.downstream_cx_active: 1
"""
    assert open_connections(stats) == 7
