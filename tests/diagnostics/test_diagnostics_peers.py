"""Who asks: what comes through a real Envoy beside us is refused at the port, and everybody else is answered."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from diagnostics.askers import VIA
from diagnostics.peers import Connection, End, Peers, Verdict
from process.version import VERSION
from snapshot import Snapshot
from tests.diagnostics.running_diagnostics import RunningDiagnostics
from tests.support import plain
from tests.support.envoy import RealEnvoy, free_port
from translator.checks import VIA_HEADER

DIAG = "/ambassador/v0/diag/?json=true&filter=version"
READY = "/ambassador/v0/check_ready"


# The connections of this process, as the kernel tells them


def whose(client: socket.socket, peers: Peers) -> Verdict:
    """Whose the client's end is, asked for as a server would."""
    there, here = client.getsockname()[:2], client.getpeername()[:2]
    return asyncio.run(peers.whose(Connection(End(*there), End(*here))))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_the_end_of_a_relative_is_own_and_that_of_anybody_else_is_not(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.create_server((address, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
        socket.create_connection(server.getsockname()[:2]) as inherited,
    ):
        held = inherited.fileno()
        relative = subprocess.Popen(
            [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[held], close_fds=True
        )
        with relative:
            ours = Peers(parent=os.getpid())
            assert whose(client, ours) is Verdict.OTHER
            assert whose(inherited, ours) is Verdict.OWN
            assert whose(inherited, Peers(parent=1)) is Verdict.OTHER
            relative.kill()


def test_an_ipv4_client_with_a_socket_for_both_families_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET6) as client:
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        there = End("127.0.0.1", client.getsockname()[1])
        here = End("127.0.0.1", server.getsockname()[1])
        assert asyncio.run(Peers(parent=1).whose(Connection(there, here))) is Verdict.OTHER


def test_an_end_that_is_closed_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            ends = Connection(End(*client.getsockname()), End(*server.getsockname()))
        assert asyncio.run(Peers().whose(ends)) is Verdict.UNKNOWN


def test_an_address_of_elsewhere_needs_no_look() -> None:
    peers = Peers(proc=Path("/nowhere"))
    assert asyncio.run(peers.whose(Connection(End("203.0.113.9", 5), End("10.0.0.1", 8877)))) is Verdict.OTHER


def test_where_the_kernel_tells_nothing_it_is_unknown() -> None:
    peers = Peers(proc=Path("/nowhere"))
    assert asyncio.run(peers.whose(Connection(End("127.0.0.1", 5), End("127.0.0.1", 6)))) is Verdict.UNKNOWN


# A real Envoy beside the real process


def address(port: int) -> dict[str, Any]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}


def envoy_to(target: dict[str, Any], http: int, tcp: int) -> RealEnvoy:
    """An Envoy that leads all requests of one port and all connections of another to a target."""
    types = "type.googleapis.com/envoy.extensions.filters"
    routes = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}}]}]}
    routes["virtual_hosts"][0]["routes"][0]["route"] = {"cluster": "leak"}  # type: ignore[index]
    router = {"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "route_config": routes,
        "http_filters": [router],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    }
    proxy = {"@type": f"{types}.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "tcp", "cluster": "leak"}
    listeners = [
        {"name": name, "address": address(port)["address"], "filter_chains": [{"filters": [made]}]}
        for name, port, made in (
            ("http", http, {"name": "http", "typed_config": manager}),
            ("tcp", tcp, {"name": "tcp", "typed_config": proxy}),
        )
    ]
    assignment = {"cluster_name": "leak", "endpoints": [{"lb_endpoints": [{"endpoint": target}]}]}
    cluster = {"name": "leak", "type": "STATIC", "connect_timeout": "1s", "load_assignment": assignment}
    return RealEnvoy({"static_resources": {"listeners": listeners, "clusters": [cluster]}})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningDiagnostics]:
    with Snapshot.open(tmp_path / "snapshot"), RunningDiagnostics(tmp_path) as running:
        yield running


def asked(port: int, path: str, **headers: str) -> tuple[int, str]:
    response = plain.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=20)
    return response.status_code, response.text


@pytest.mark.envoy
def test_what_comes_through_envoy_is_refused_at_the_port_and_answered_at_the_socket(
    running: RunningDiagnostics,
) -> None:
    http, tcp = free_port(), free_port()
    upgrade = {"connection": "upgrade", "upgrade": "websocket"}
    with envoy_to(address(running.port), http, tcp) as envoy:
        envoy.wait_live()
        for port in (http, tcp):
            for path in (DIAG, "/metrics", "/nowhere"):
                assert asked(port, path)[0] == 403
        assert asked(http, DIAG, **upgrade)[0] == 403
        assert asked(tcp, DIAG, **upgrade)[0] == 403
        assert asked(running.port, DIAG)[0] == 200
        assert running.log().count("a Mapping or TCPMapping leads to the diagnostics") == 1
    pipe = {"address": {"pipe": {"path": str(running.run_dir / "diagnostics.sock")}}}
    with envoy_to(pipe, http, tcp) as envoy:
        envoy.wait_live()
        for port in (http, tcp):
            assert asked(port, DIAG) == (200, f'"{VERSION}"\n')


@pytest.mark.envoy
def test_those_who_ask_for_themselves_are_answered_while_many_come_through_envoy(running: RunningDiagnostics) -> None:
    http, tcp = free_port(), free_port()
    with envoy_to(address(running.port), http, tcp) as envoy, ThreadPoolExecutor(8) as pool:
        envoy.wait_live()
        through = [pool.submit(asked, port, DIAG) for port in (http, tcp) for _ in range(50)]
        assert [asked(running.port, DIAG)[0] for _ in range(5)] == [200] * 5
        assert {future.result()[0] for future in through} == {403}


def test_what_another_gateways_envoy_passed_on_is_refused(running: RunningDiagnostics) -> None:
    assert VIA == VIA_HEADER, "what the translator makes Envoy add"
    assert asked(running.port, DIAG, **{VIA: "1"})[0] == 403
    assert asked(running.port, READY, **{VIA: ""})[0] == 403
