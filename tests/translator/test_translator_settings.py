"""What of the environment, and of the machine, matters to translation."""

import os
import socket
from pathlib import Path

import pytest

from process.settings import Settings
from translator.options import Options, OwnPort
from translator.settings import Machine, options_of, unwritable

TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.1.0.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
           |-- 10.1.0.7
              /32 host LOCAL
        |-- 10.1.0.255
           /32 link BROADCAST
           |-- 127.0.0.1
              /32 host LOCAL
"""
INET6 = """fd000000000000000000000000000007 04 40 00 82     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""
HOSTS = """# Kubernetes-managed hosts file.
127.0.0.1 localhost
::1 ip6-localhost
not an address
10.1.0.7 Dragoman-0.gateways.edge.svc.cluster.local dragoman-0  # of a pod
10.1.0.8 another
"""


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        ({}, None),
        ({"DRAGOMAN_NAMESPACES": "a,b"}, frozenset({"a", "b"})),
        ({"AMBASSADOR_SINGLE_NAMESPACE": "yes", "AMBASSADOR_NAMESPACE": "a"}, frozenset({"a"})),
        ({"AMBASSADOR_LABEL_SELECTOR": "team=a"}, frozenset()),
        ({"AMBASSADOR_FIELD_SELECTOR": "metadata.namespace!=kube-system"}, frozenset()),
        ({"DRAGOMAN_CONFIG_DIR": "/config"}, frozenset()),
    ],
)
def test_all_services_are_known_in_the_namespaces_that_are_watched_without_a_selector(
    environment: dict[str, str], known: frozenset[str] | None
) -> None:
    assert options_of(Settings.from_environment(environment)).service_namespaces == known


def test_the_ports_and_the_socket_of_our_own_are_those_of_the_settings() -> None:
    settings = Settings.from_environment(
        {
            "DRAGOMAN_RUN_DIR": "/run/d",
            "AMBASSADOR_HEALTHCHECK_BIND_PORT": "9000",
            "DRAGOMAN_DEMO_ADDRESS": "localhost:8089",
        }
    )
    options = options_of(settings)
    assert options.diagnostics_socket == "/run/d/diagnostics.sock"
    assert options.own_ports == (
        OwnPort("0.0.0.0", 9000, "diagnostics", closed=True),
        OwnPort("localhost", 8089, "the demo upstream", closed=False),
    )
    usual = options_of(Settings())
    assert (usual.own_ports, usual.diagnostics_socket) == (Options().own_ports, Options().diagnostics_socket)


def test_the_machine_is_known_by_its_addresses_and_their_names(tmp_path: Path) -> None:
    for name, text in (("fib_trie", TRIE), ("if_inet6", INET6), ("hosts", HOSTS)):
        (tmp_path / name).write_text(text)
    machine = Machine.this(tmp_path, tmp_path / "hosts")
    assert machine.addresses == {"10.1.0.7", "127.0.0.1", "fd00::7", "::1"}
    known = {"localhost", "ip6-localhost", "dragoman-0", "dragoman-0.gateways.edge.svc.cluster.local"}
    assert machine.names == known | {socket.gethostname().lower()}
    options = options_of(Settings(), machine)
    assert (options.own_addresses, options.own_names) == (machine.addresses, machine.names)


def test_a_pod_is_known_by_its_labels_where_its_file_says_them(tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_text('app.kubernetes.io/name="dragoman"\nempty=""\npod-template-hash="5b8"')
    labels = {"app.kubernetes.io/name": "dragoman", "empty": "", "pod-template-hash": "5b8"}
    assert Machine.this(labels=file).labels == labels
    assert options_of(Settings(), Machine.this(labels=file)).pod_labels == labels
    for there_is_none in (tmp_path / "none", None):
        assert Machine.this(labels=there_is_none).labels is None


def test_statuses_and_knative_are_a_clusters_and_asked_for(tmp_path: Path) -> None:
    assert options_of(Settings()).in_cluster
    assert not options_of(Settings(config_dir=tmp_path)).in_cluster
    assert not options_of(Settings()).knative
    assert options_of(Settings(knative=True)).knative


def test_a_machine_that_tells_nothing_has_a_name(tmp_path: Path) -> None:
    machine = Machine.this(tmp_path, tmp_path / "none")
    assert (machine.addresses, machine.names) == (frozenset(), frozenset([socket.gethostname().lower()]))


def test_a_file_that_cannot_be_written_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert unwritable(str(tmp_path / "file")) is None
    assert unwritable(str(tmp_path / "new")) is None
    assert unwritable("/dev/stdout") is None
    assert unwritable(str(tmp_path)) == "it is a folder"
    os.mkfifo(tmp_path / "pipe")
    assert unwritable(str(tmp_path / "pipe")) == "it is no file"
    assert unwritable(str(tmp_path / "none" / "new")) == f"there is no folder {tmp_path / 'none'}"


def test_this_machine_knows_its_own_addresses() -> None:
    assert {"127.0.0.1"} <= Machine.this().addresses


def test_a_log_is_not_written_where_our_files_or_the_objects_are(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "run")
    options = options_of(Settings(run_dir=tmp_path / "run", config_dir=tmp_path / "config"))
    assert options.openable(str(tmp_path / "run/snapshot/data.mdb")) == "it is in the folder of Dragoman's own files"
    assert options.openable(str(tmp_path / "link/ads.sock")) == "it is in the folder of Dragoman's own files"
    assert options.openable(str(tmp_path / "config/a.yaml")) == "it is in the folder of the configuration"
    assert options.openable(str(tmp_path / "access.log")) is None
