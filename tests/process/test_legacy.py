"""Emissary's environment: its folders, and the variables that do nothing here, each told with the reason."""

import os
from pathlib import Path

import pytest

from process.legacy import DEAD, KNOWN, dead_variables
from process.settings import MORE_CONFIG_DIRS, Settings, SettingsError
from tests.support.gateway import ROOT


def of(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def told(**environ: str) -> dict[str, str]:
    return dict(dead_variables(environ))


def test_what_does_its_work_is_not_told_and_what_does_nothing_is() -> None:
    assert told(**dict.fromkeys(KNOWN, "x"), DRAGOMAN_CONFIG_DIR="x", HOME="/", AES_LOG_LEVEL="info") == {}
    assert told(**dict.fromkeys(DEAD, "x")) == DEAD


def test_no_variable_is_said_to_be_dead_that_is_read() -> None:
    source = "".join(path.read_text() for path in (ROOT / "process").glob("*.py") if path.name != "legacy.py")
    assert not [name for name in DEAD if f'"{name}"' in source]
    assert all(
        f'"{name}"' in source or name in {"AMBASSADOR_CONFIG_BASE_DIR", "AMBASSADOR_CONFIG_DIR"} for name in KNOWN
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AMBASSADOR_DIAGD_BIND_ADDREASS", "diagnostics listen at"),
        ("AMBASSADOR_DIAGD_BIND_ADDRESS", "diagnostics listen at"),
        ("AMBASSADOR_NAMESPCE", "nobody knows it: AMBASSADOR_NAMESPACE may be meant"),
        ("AMBASSADOR_WHATEVER_THIS_IS", "nobody knows it"),
        ("AGENT_CONFIG_RESOURCE_NAME", "the commercial product's"),
        ("SCOUT_DISABLE", "nothing is reported"),
    ],
)
def test_each_has_its_reason(name: str, said: str) -> None:
    assert said in told(**{name: "x"})[name]


def test_what_kubernetes_says_of_a_service_is_none_of_ours() -> None:
    environ = {
        "AMBASSADOR_SERVICE_HOST": "10.0.0.1",
        "AMBASSADOR_ADMIN_SERVICE_PORT": "8877",
        "AMBASSADOR_ADMIN_SERVICE_PORT_HTTP": "8877",
        "AMBASSADOR_PORT": "tcp://10.0.0.1:80",
        "AMBASSADOR_PORT_80_TCP": "tcp://10.0.0.1:80",
        "AMBASSADOR_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert told(**environ) == {}


def test_emissarys_folders_are_read_where_no_other_is(tmp_path: Path) -> None:
    base, ours = str(tmp_path), tmp_path / "ours"
    config, init = tmp_path / "ambassador-config", tmp_path / "init-config"
    assert of(AMBASSADOR_CONFIG_BASE_DIR=base).config_dir is None
    config.mkdir()
    init.mkdir()
    found = of(AMBASSADOR_CONFIG_BASE_DIR=base)
    assert (found.config_dir, found.more_config_dirs) == (config, (init,))
    found = of(ambassador_root=base, AMBASSADOR_CONFIG_DIR="/named")
    assert (found.config_dir, found.more_config_dirs) == (Path("/named"), (init,))
    found = of(AMBASSADOR_CONFIG_BASE_DIR=base, DRAGOMAN_CONFIG_DIR=str(ours))
    assert found.config_dir == config, "where that is not there"
    ours.mkdir()
    found = of(AMBASSADOR_CONFIG_BASE_DIR=base, DRAGOMAN_CONFIG_DIR=str(ours))
    assert (found.config_dir, found.more_config_dirs) == (ours, ())


def test_beside_a_cluster_emissarys_folders_are_further_ones(tmp_path: Path) -> None:
    (tmp_path / "init-config").mkdir()
    found = of(AMBASSADOR_CONFIG_BASE_DIR=str(tmp_path), DRAGOMAN_CONFIG_DIR="")
    assert (found.config_dir, found.more_config_dirs) == (None, (tmp_path / "init-config",))


def test_the_parts_are_told_what_the_entrypoint_found() -> None:
    found = of(DRAGOMAN_CONFIG_DIR="/a", **{MORE_CONFIG_DIRS: os.pathsep.join(("/b", "/c"))})
    assert (found.config_dir, found.more_config_dirs) == (Path("/a"), (Path("/b"), Path("/c")))
    assert of(**{MORE_CONFIG_DIRS: ""}).more_config_dirs == ()


@pytest.mark.parametrize(("family", "address"), [("ANY", "0.0.0.0"), ("IPV4_ONLY", "0.0.0.0"), ("IPV6_ONLY", "::")])
def test_the_family_of_the_diagnostics(family: str, address: str) -> None:
    assert of(AMBASSADOR_HEALTHCHECK_IP_FAMILY=family).diagnostics_address == address
    loopback = "::1" if address == "::" else "127.0.0.1"
    given = of(AMBASSADOR_HEALTHCHECK_IP_FAMILY=family, AMBASSADOR_HEALTHCHECK_BIND_ADDRESS=loopback)
    assert given.diagnostics_address == loopback
    with pytest.raises(SettingsError, match="AMBASSADOR_HEALTHCHECK_IP_FAMILY: 'IPV5' is none of"):
        of(AMBASSADOR_HEALTHCHECK_IP_FAMILY="IPV5")


@pytest.mark.parametrize("text", ["8080,8080", "0", "a", "1,2,3", "80, 81"])
def test_default_ports_that_cannot_be(text: str) -> None:
    assert of(DRAGOMAN_CONFIG_DIR="/f", DRAGOMAN_DEFAULT_PORTS="80,81").default_ports == (80, 81)
    assert of(DRAGOMAN_DEFAULT_PORTS="80,81").default_ports == (), "in a cluster"
    with pytest.raises(SettingsError, match="DRAGOMAN_DEFAULT_PORTS"):
        of(DRAGOMAN_CONFIG_DIR="/f", DRAGOMAN_DEFAULT_PORTS=text)
