"""Envoy's launcher: a bootstrap that the real Envoy takes, from settings that a user gives; and what it refuses."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from entrypoint.bootstrap import Place, bootstrap
from entrypoint.envoy import LaunchError, arguments, cluster_name, environment, find
from entrypoint.memory import envoy_heap, memory_limit
from entrypoint.statsd import resolved, with_sink
from process.settings import Settings
from process.statsd import Statsd
from tests.entrypoint.house import ROOT, house
from tests.support.envoy import EnvoyAdmin, envoy_path, wait_until

MIB = 1 << 20


def place(folder: Path, heap: int | None = None) -> Place:
    return Place("a-node", "a-cluster", folder / "ads.sock", folder / "admin.sock", 1000, heap)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".test", "\udcff"])
def test_a_name_that_nobody_knows_costs_its_statistics_alone(host: str) -> None:
    assert resolved(Statsd(host)) is None


def test_an_address_and_a_name_are_resolved() -> None:
    assert resolved(Statsd("127.0.0.9")) == "127.0.0.9"
    assert resolved(Statsd("localhost")) in {"127.0.0.1", "::1"}


@pytest.mark.parametrize("statsd", [Statsd(), Statsd(dogstatsd=True, interval=0.25, entity_id="pod-1")])
@pytest.mark.envoy
def test_the_real_envoy_takes_the_bootstrap_with_a_statsd(tmp_path: Path, statsd: Statsd) -> None:
    made = with_sink(bootstrap(place(tmp_path)), statsd, "127.0.0.1")
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(made))
    command = [envoy_path(), "--mode", "validate", "--disable-hot-restart", "-l", "warning", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert made["stats_flush_interval"] == f"{statsd.interval:.3f}s"


@pytest.mark.envoy
@pytest.mark.parametrize("heap", [None, 200 * MIB])
def test_the_real_envoy_takes_the_bootstrap(tmp_path: Path, heap: int | None) -> None:
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(bootstrap(place(tmp_path, heap))))
    command = [envoy_path(), "--mode", "validate", "--disable-hot-restart", "-l", "warning", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower()


def test_the_bootstrap_says_what_a_walking_gateway_needs(tmp_path: Path) -> None:
    made = bootstrap(place(tmp_path))
    assert made["node"] == {"id": "a-node", "cluster": "a-cluster"}
    assert made["admin"]["address"] == {"pipe": {"mode": 0o600, "path": str(tmp_path / "admin.sock")}}
    assert made["stats_flush_interval"] == "15s", "gathering histograms each 5 s was half of the CPU at rest"
    resources = made["dynamic_resources"]
    assert resources["ads_config"]["api_type"] == "DELTA_GRPC"
    assert resources["ads_config"]["set_node_on_first_message_only"]
    assert {resources[source]["initial_fetch_timeout"] for source in ("cds_config", "lds_config")} == {"0s"}
    (service,) = resources["ads_config"]["grpc_services"]
    back_off = service["envoy_grpc"]["retry_policy"]["retry_back_off"]
    assert back_off == {"base_interval": "0.050s", "max_interval": "0.250s"}
    assert "socket_address" not in json.dumps(made), "nothing of the bootstrap listens on TCP"


def test_a_path_cannot_add_a_field(tmp_path: Path) -> None:
    strange = tmp_path / '", "x": "\n{{}}%s'
    made = json.loads(json.dumps(bootstrap(place(strange))))
    assert made["admin"]["address"]["pipe"] == {"mode": 0o600, "path": str(strange / "admin.sock")}


def test_the_heap_is_limited_only_where_there_is_a_limit(tmp_path: Path) -> None:
    def monitors(heap: int | None) -> dict[str, Any]:
        overload = bootstrap(place(tmp_path, heap))["overload_manager"]
        return {
            monitor["name"].rpartition(".")[2]: monitor["typed_config"] for monitor in overload["resource_monitors"]
        }

    assert monitors(None).keys() == {"global_downstream_max_connections"}
    assert monitors(7)["fixed_heap"]["max_heap_size_bytes"] == 7
    assert monitors(7)["global_downstream_max_connections"]["max_active_downstream_connections"] == 1000


@pytest.mark.parametrize(
    ("limit", "heap"), [(None, None), (400 * MIB, 232 * MIB), (1500 * MIB, 870 * MIB), (16_384 * MIB, 14_336 * MIB)]
)
def test_envoys_share_of_the_memory(limit: int | None, heap: int | None) -> None:
    assert envoy_heap(limit) == heap


def groups(folder: Path, lines: str, **files: str) -> int | None:
    """The limit that a file system of control groups tells; `__` in a file's name is a folder."""
    for name, text in files.items():
        file = folder / "fs" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    (folder / "cgroup").write_text(lines)
    return memory_limit(folder / "fs", folder / "cgroup")


def test_the_smallest_limit_above_rules_in_version_2(tmp_path: Path) -> None:
    limits = {"a__b__memory.max": "max", "a__memory.max": "4096", "memory.max": "8192"}
    assert groups(tmp_path, "0::/a/b\n", **limits) == 4096


def test_a_container_sees_its_own_group_at_the_root(tmp_path: Path) -> None:
    assert groups(tmp_path, "0::/kubepods/pod1\n", **{"memory.max": "4096"}) == 4096


def test_version_1_has_a_file_of_its_own_and_a_number_for_no_limit(tmp_path: Path) -> None:
    lines = "12:cpu,cpuacct:/x\n4:memory:/x\n0::/\n"
    unlimited = {"memory__memory.limit_in_bytes": "9223372036854771712"}
    assert groups(tmp_path, lines, **unlimited) is None
    assert groups(tmp_path, lines, **unlimited, **{"memory__x__memory.limit_in_bytes": "4096"}) == 4096


def test_no_control_groups_are_no_limit(tmp_path: Path) -> None:
    assert memory_limit(tmp_path, tmp_path / "cgroup") is None


def test_the_settings_are_on_envoys_command_line() -> None:
    said = " ".join(arguments(Settings(), Path("/x")))
    assert said.startswith("--config-path /x --disable-hot-restart")
    assert " --drain-time-s 600 --file-flush-interval-msec 1000 " in said
    assert " --log-level warning --log-format " in said
    assert "--concurrency" not in said
    assert "--concurrency 3" in " ".join(arguments(Settings(concurrency=3), Path("/x")))
    assert "--log-level debug" in " ".join(arguments(Settings(log_level="debug"), Path("/x")))


@pytest.mark.envoy
@pytest.mark.parametrize("json_logs", [False, True])
def test_envoys_log_has_a_line_an_event(tmp_path: Path, json_logs: bool) -> None:
    settings = Settings(json_logs=json_logs, log_level="debug")
    file = tmp_path / "bootstrap.json"
    file.write_text("{}")
    command = [envoy_path(), "--mode", "validate", *arguments(settings, file)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    assert len(lines) > 10
    for line in lines:
        if json_logs:
            assert json.loads(line).keys() == {"time", "level", "part", "event", "logger"}
        else:
            assert line.split()[2] == "envoy"


@pytest.mark.envoy
def test_a_deprecated_field_of_ours_is_not_told_to_whoever_reads_the_log(tmp_path: Path) -> None:
    cluster = {"name": "old", "connect_timeout": "1s", "http2_protocol_options": {}}
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps({"static_resources": {"clusters": [cluster]}}))
    line = arguments(Settings(), file)

    def logged(*options: str) -> str:
        command = [envoy_path(), "--mode", "validate", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr

    assert "http2_protocol_options" in logged(*(each for each in line if each != "--skip-deprecated-logs"))
    assert logged(*line) == ""


def test_the_drain_time_is_what_the_settings_say() -> None:
    line = arguments(Settings(listener_drain=7), Path("envoy.json"))
    assert line[line.index("--drain-time-s") + 1] == "7"


def test_the_nodes_cluster_has_emissarys_form() -> None:
    assert cluster_name(Settings()) == "ambassador-default"
    assert cluster_name(Settings(ambassador_id="edge", namespace="web")) == "edge-web"


def test_the_binary_is_the_wheels_or_the_one_that_is_named(tmp_path: Path) -> None:
    assert os.access(find(Settings()), os.X_OK)
    with pytest.raises(LaunchError, match="there is no program at"):
        find(Settings(envoy_path=tmp_path / "envoy"))


def test_envoy_is_given_nothing_of_the_environment_that_it_does_not_need() -> None:
    given = {"TZ": "UTC", "RES_OPTIONS": "ndots:1", "PATH": "/bin", "HOME": "/root", "DATABASE_PASSWORD": "secret"}
    assert environment(given) == {"TZ": "UTC", "RES_OPTIONS": "ndots:1"}
    assert environment({}) == {}


def test_a_missing_binary_is_told_and_ends_the_try(tmp_path: Path) -> None:
    environ = {"PYTHONPATH": str(ROOT), "ENVOY_PATH": "/nowhere/envoy", "DRAGOMAN_RUN_DIR": str(tmp_path)}
    command = [sys.executable, "-P", "-m", "entrypoint.envoy"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert done.stderr == "envoy cannot be started: there is no program at /nowhere/envoy\n"


@pytest.mark.envoy
def test_a_started_envoy_waits_for_its_configuration_behind_a_private_socket() -> None:
    with house({"envoy": f"{sys.executable} -P -m entrypoint.envoy"}, ENVOY_CONCURRENCY="1") as running:
        socket = running.folder / "run" / "admin.sock"
        asked = EnvoyAdmin(socket)
        asked.wait_admin()
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert not asked.is_live(), "an Envoy without its configuration must not say that it is ready"
        assert asked.admin_json("/server_info")["command_line_options"]["disable_hot_restart"]
        assert running.end() == 0
        wait_until(lambda: not socket.exists(), what="no socket is left")
