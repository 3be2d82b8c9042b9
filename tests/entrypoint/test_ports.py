"""A taken port is told before anything starts: which one, what for, and who has it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.folder import documents
from entrypoint.ports import Port, fatal, troubles, wanted
from process.settings import Settings
from tests.entrypoint.house import ROOT, house, left
from tests.support.envoy import wait_until
from tests.support.ports import unused_ports

LISTENERS = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: web}
spec: {port: 8080, protocol: HTTP}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: again}
spec: {port: 8080, protocol: HTTPS}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: other}
spec: {port: 8081, ambassador_id: [elsewhere]}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: wrong}
spec: {port: http}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: names}
spec: {port: 5353, protocolStack: [UDP]}
"""
DEMO = """
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: hello, annotations: {dragoman-demo-upstream: "127.0.0.1:8089"}}
"""


def test_the_ports_of_a_start_are_those_of_the_settings_and_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "listeners.yaml").write_text(LISTENERS)
    (tmp_path / "demo.yml").write_text(DEMO)
    (tmp_path / "broken.yaml").write_text("port: [")
    assert wanted(Settings(bind_address="127.0.0.2"), documents(tmp_path, os.environ)) == [
        Port("0.0.0.0", 8877, "diagnostics", own=True),
        Port("127.0.0.1", 8089, "the demo upstream", demo=True),
        Port("127.0.0.2", 8080, "the Listener web"),
        Port("127.0.0.2", 5353, "the Listener names", udp=True),
    ]
    elsewhere = wanted(Settings(ambassador_id="elsewhere"), documents(tmp_path, os.environ))
    assert [port.number for port in elsewhere] == [8877, 8089, 8081]


def taken(ports: list[Port]) -> list[str]:
    return [trouble.sentence for trouble in troubles(ports)]


def test_a_free_port_is_not_told() -> None:
    assert taken([Port("127.0.0.1", port, "x") for port in unused_ports(3)]) == []


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_taken_port_is_told_with_its_holder(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as Envoy has it
        holder.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        number = holder.getsockname()[1]
        (sentence,) = taken([Port("0.0.0.0", number, "tea", udp=kind is socket.SOCK_DGRAM)])
    assert sentence.startswith(f"port {number}, wanted for tea, is taken by process {os.getpid()} (")
    assert Path("/proc/self/cmdline").read_text().split("\0")[0][:40] in sentence


def test_a_connection_that_waits_for_its_end_takes_no_port() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Envoy and the diagnostics have it
        server.bind(("127.0.0.1", 0))
        server.listen()
        number = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", number)) as client:
            accepted, _ = server.accept()
            accepted.close()  # this end closes first, and so keeps the port in TIME_WAIT
            assert client.recv(1) == b""
    assert taken([Port("127.0.0.1", number, "x")]) == []


def test_an_address_of_another_machine_is_told() -> None:
    (sentence,) = taken([Port("192.0.2.1", 8080, "the Listener web")])
    assert sentence.startswith("port 8080, wanted for the Listener web, is not to be had on 192.0.2.1: ")


@pytest.mark.system
def test_a_second_start_says_which_port_is_taken_and_starts_nothing(tmp_path: Path) -> None:
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        number = first.getsockname()[1]
        (tmp_path / "listener.yaml").write_text(LISTENERS.split("---", maxsplit=1)[0].replace("8080", str(number)))
        with house({"anna": "live"}, DRAGOMAN_CONFIG_DIR=str(tmp_path)) as second:
            assert second.code() == 2
            assert f"dragoman: port {number}, wanted for the Listener web, is taken by process" in second.log
            assert second.pids("anna") == []
            assert not left(second.mark)
            assert not (second.folder / "run").exists()


@pytest.mark.parametrize("other", ["127.0.0.1", "::1"])
def test_a_port_of_both_families_is_taken_by_whoever_has_it_in_one(other: str) -> None:
    family = socket.AF_INET6 if ":" in other else socket.AF_INET
    with socket.create_server((other, 0), family=family) as server:
        (sentence,) = taken([Port("::", server.getsockname()[1], "a test")])
    assert f"taken by process {os.getpid()}" in sentence


@pytest.mark.system
def test_a_port_that_the_demo_upstream_finds_taken_is_waited_for() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = holder.getsockname()[1]
        command = [sys.executable, "-P", "-m", "entrypoint.demo", f"127.0.0.1:{number}"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        demo = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        with demo:
            assert demo.stderr is not None
            assert demo.stderr.readline() == f"demo: cannot listen at 127.0.0.1:{number}: Address already in use\n"
            holder.close()
            try:
                wait_until(lambda: _answers(number), what="it listens when the port is free")
            finally:
                demo.terminate()
            assert demo.wait(20) == 0


def _answers(number: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", number)) == 0


@pytest.mark.parametrize("shared", [False, True])
def test_a_listener_without_a_port_keeps_nothing_else_from_starting_unless_it_would_share_it(shared: bool) -> None:
    with socket.socket() as holder:
        if shared:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another gateway has it
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number, free, other = holder.getsockname()[1], *unused_ports(2)
        own, web = Port("127.0.0.1", other, "diagnostics", own=True), Port("127.0.0.1", free, "the Listener web")
        held, demo = Port("127.0.0.1", number, "the Listener odd"), Port("127.0.0.1", number, "the demo", demo=True)
        for ports, expected in (
            ([own, web, held], shared),
            ([own, held], True),
            ([own, demo], shared),
            ([own, web], False),
            ([own], False),
            ([Port("127.0.0.1", number, "diagnostics", own=True), web], True),
        ):
            assert fatal(ports, troubles(ports)) is expected, ports
