"""The environment as settings: every variable, every default, and an error that names what is wrong."""

from pathlib import Path

import pytest

from process.settings import OwnPort, Settings, SettingsError
from process.statsd import Statsd


def of(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = of()
    assert settings == Settings()
    assert (settings.ambassador_id, settings.namespace) == ("default", "default")
    assert (settings.bind_address, settings.diagnostics_address, settings.diagnostics_port) == (
        "0.0.0.0",
        "0.0.0.0",
        8877,
    )
    assert settings.config_dir is settings.envoy_path is settings.concurrency is None
    assert (settings.drain_min, settings.drain_max) == (10, 60)
    assert settings.strict_selectors
    assert (settings.log_level, settings.json_logs) == ("info", False)


def test_empty_variables_count_as_absent() -> None:
    names = (
        "DRAGOMAN_RUN_DIR DRAGOMAN_CONFIG_DIR AMBASSADOR_CONFIG_DIR AMBASSADOR_ID AMBASSADOR_NAMESPACE "
        "AMBASSADOR_ENVOY_BIND_ADDRESS AMBASSADOR_HEALTHCHECK_BIND_ADDRESS AMBASSADOR_HEALTHCHECK_BIND_PORT ENVOY_PATH "
        "ENVOY_CONCURRENCY DRAGOMAN_DRAIN_MIN DRAGOMAN_DRAIN_MAX DISABLE_STRICT_LABEL_SELECTORS AES_LOG_LEVEL "
        "AMBASSADOR_JSON_LOGGING AMBASSADOR_SINGLE_NAMESPACE DRAGOMAN_NAMESPACES AMBASSADOR_LABEL_SELECTOR "
        "AMBASSADOR_FIELD_SELECTOR AMBASSADOR_CERTS_SINGLE_NAMESPACE KUBECONFIG POD_NAME "
        "AMBASSADOR_UPDATE_MAPPING_STATUS DRAGOMAN_WEBHOOK_PORT DRAGOMAN_WEBHOOK_SERVICE DRAGOMAN_WEBHOOK_URL "
        "AMBASSADOR_KNATIVE_SUPPORT DRAGOMAN_POD_LABELS DRAGOMAN_GATEWAY "
        "AMBASSADOR_DRAIN_TIME CONSUL_HTTP_ADDR CONSUL_HTTP_TOKEN DRAGOMAN_DEMO_ADDRESS DRAGOMAN_SUPERVISED"
    )
    assert of(**dict.fromkeys(names.split(), "")) == Settings()


def test_every_variable_is_read() -> None:
    assert of(
        DRAGOMAN_RUN_DIR="/run/d",
        DRAGOMAN_CONFIG_DIR="/config",
        AMBASSADOR_ID="blue",
        AMBASSADOR_NAMESPACE="edge",
        AMBASSADOR_ENVOY_BIND_ADDRESS="::",
        AMBASSADOR_HEALTHCHECK_BIND_ADDRESS="127.0.0.1",
        AMBASSADOR_HEALTHCHECK_BIND_PORT="9000",
        ENVOY_PATH="/usr/bin/envoy",
        ENVOY_CONCURRENCY="3",
        DRAGOMAN_DRAIN_MIN="0.5",
        DRAGOMAN_DRAIN_MAX="7",
        AMBASSADOR_DRAIN_TIME="30",
        DISABLE_STRICT_LABEL_SELECTORS="true",
        AES_LOG_LEVEL="DEBUG",
        AMBASSADOR_JSON_LOGGING="1",
        DRAGOMAN_NAMESPACES="a, b,,a",
        AMBASSADOR_LABEL_SELECTOR="team in (blue)",
        AMBASSADOR_FIELD_SELECTOR="metadata.namespace!=kube-system",
        AMBASSADOR_CERTS_SINGLE_NAMESPACE="yes",
        CONSUL_HTTP_ADDR="consul:8500",
        CONSUL_HTTP_TOKEN="secret",
        KUBECONFIG="/one:/two",
        POD_NAME="dragoman-0",
        AMBASSADOR_UPDATE_MAPPING_STATUS="false",
        AMBASSADOR_KNATIVE_SUPPORT="true",
        DRAGOMAN_GATEWAY="edge/web.one",
        DRAGOMAN_POD_LABELS="/labels",
        DRAGOMAN_WEBHOOK_PORT="9444",
        DRAGOMAN_WEBHOOK_SERVICE="conversion",
        DRAGOMAN_WEBHOOK_URL="https://[::1]:9444/convert",
        DRAGOMAN_DEMO_ADDRESS="localhost:8089",
        DRAGOMAN_SUPERVISED="true",
    ) == Settings(
        run_dir=Path("/run/d"),
        config_dir=Path("/config"),
        ambassador_id="blue",
        namespace="edge",
        namespaces=("a", "b"),
        label_selector="team in (blue)",
        field_selector="metadata.namespace!=kube-system",
        certificates_from_own_namespace=True,
        consul_address="consul:8500",
        consul_token="secret",
        kubeconfig="/one:/two",
        pod_name="dragoman-0",
        mapping_statuses=False,
        knative=True,
        gateway="edge/web.one",
        pod_labels=Path("/labels"),
        webhook_port=9444,
        webhook_service="conversion",
        webhook_url="https://[::1]:9444/convert",
        demo_address="localhost:8089",
        bind_address="::",
        diagnostics_address="127.0.0.1",
        diagnostics_port=9000,
        envoy_path=Path("/usr/bin/envoy"),
        concurrency=3,
        drain_min=0.5,
        drain_max=7,
        listener_drain=30,
        strict_selectors=False,
        supervised=True,
        log_level="debug",
        json_logs=True,
    )


@pytest.mark.parametrize(
    ("written", "meant"), [("0:0::0", "::"), ("::ffff:127.0.0.1", "127.0.0.1"), ("FD00::01", "fd00::1")]
)
def test_an_address_has_one_spelling(written: str, meant: str) -> None:
    settings = of(AMBASSADOR_ENVOY_BIND_ADDRESS=written, AMBASSADOR_HEALTHCHECK_BIND_ADDRESS=written)
    assert (settings.bind_address, settings.diagnostics_address) == (meant, meant)


def test_our_own_ports_are_those_of_the_settings() -> None:
    diagnostics = OwnPort("127.0.0.1", 9000, "diagnostics", closed=True)
    said = {"AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "127.0.0.1", "AMBASSADOR_HEALTHCHECK_BIND_PORT": "9000"}
    assert of(**said).own_ports == (diagnostics,)
    demo = OwnPort("::1", 8089, "the demo upstream", closed=False)
    assert of(**said, DRAGOMAN_DEMO_ADDRESS="[::1]:8089").own_ports == (diagnostics, demo)


@pytest.mark.parametrize("text", ["8089", ":8089", "localhost:", "localhost:0", "localhost:http"])
def test_a_demo_upstream_needs_a_host_and_a_port(text: str) -> None:
    with pytest.raises(SettingsError, match="DRAGOMAN_DEMO_ADDRESS"):
        of(DRAGOMAN_DEMO_ADDRESS=text)


@pytest.mark.parametrize("text", ["true", "1", "false"])
def test_any_value_of_single_namespace_means_the_own_one_as_in_emissary(text: str) -> None:
    settings = of(AMBASSADOR_SINGLE_NAMESPACE=text, AMBASSADOR_NAMESPACE="edge")
    assert settings.namespaces == ("edge",)
    assert settings.certificates_from_own_namespace


def test_in_a_pod_that_watches_kubernetes_the_own_namespace_is_the_service_accounts(tmp_path: Path) -> None:
    (tmp_path / "namespace").write_text("edge\n")
    assert Settings.from_environment({}, tmp_path).namespace == "edge"
    assert Settings.from_environment({"AMBASSADOR_SINGLE_NAMESPACE": "1"}, tmp_path).namespaces == ("edge",)
    assert Settings.from_environment({"AMBASSADOR_NAMESPACE": "said"}, tmp_path).namespace == "said"
    assert Settings.from_environment({"DRAGOMAN_CONFIG_DIR": "/config"}, tmp_path).namespace == "default"
    assert Settings.from_environment({}, tmp_path / "none").namespace == "default"


def test_one_namespace_and_several_are_not_asked_for_together() -> None:
    with pytest.raises(SettingsError, match="give one of them"):
        of(AMBASSADOR_SINGLE_NAMESPACE="true", DRAGOMAN_NAMESPACES="a")


def test_paths_lie_in_the_run_directory() -> None:
    settings = of(DRAGOMAN_RUN_DIR="/run/d")
    assert settings.snapshot_path == Path("/run/d/snapshot")
    assert settings.bells_dir == Path("/run/d/bells")
    assert settings.generated_dir == Path("/run/d/generated")
    assert settings.ads_socket == Path("/run/d/ads.sock")
    assert settings.admin_socket == Path("/run/d/admin.sock")
    assert settings.supervisor_socket == Path("/run/d/supervisor.sock")


def test_our_name_for_the_folder_goes_before_emissarys() -> None:
    assert of(AMBASSADOR_CONFIG_DIR="/theirs").config_dir == Path("/theirs")
    assert of(AMBASSADOR_CONFIG_DIR="/theirs", DRAGOMAN_CONFIG_DIR="/ours").config_dir == Path("/ours")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("AMBASSADOR_ENVOY_BIND_ADDRESS", "localhost", "'localhost' is not an IP address"),
        ("AMBASSADOR_HEALTHCHECK_BIND_ADDRESS", "1.2.3", "'1.2.3' is not an IP address"),
        ("DRAGOMAN_GATEWAY", "web", "'web' is not the namespace and the name of a Gateway, with a / between"),
        ("DRAGOMAN_GATEWAY", "shop/a/b", "'shop/a/b' is not the namespace and the name of a Gateway"),
        ("AMBASSADOR_HEALTHCHECK_BIND_PORT", "0", "'0' is not a whole number from 1 to 65535"),
        ("AMBASSADOR_HEALTHCHECK_BIND_PORT", "65536", "'65536' is not a whole number from 1 to 65535"),
        ("AMBASSADOR_HEALTHCHECK_BIND_PORT", "-1", "'-1' is not a whole number from 1 to 65535"),
        ("AMBASSADOR_HEALTHCHECK_BIND_PORT", "\uff18", "'\uff18' is not a whole number from 1 to 65535"),
        ("ENVOY_CONCURRENCY", "two", "'two' is not a whole number from 0 to 1024"),
        ("DRAGOMAN_DRAIN_MIN", "soon", "'soon' is not a number of seconds from 0 to 86400"),
        ("DRAGOMAN_DRAIN_MAX", "nan", "'nan' is not a number of seconds from 0 to 86400"),
        ("DRAGOMAN_DRAIN_MAX", "inf", "'inf' is not a number of seconds from 0 to 86400"),
        ("DRAGOMAN_DRAIN_MAX", "5", "10 s exceeds DRAGOMAN_DRAIN_MAX (5 s)"),
        ("AMBASSADOR_DRAIN_TIME", "1.5", "'1.5' is not a whole number from 0 to 86400"),
        ("AMBASSADOR_JSON_LOGGING", "json", "'json' is neither true nor false"),
        ("DISABLE_STRICT_LABEL_SELECTORS", "2", "'2' is neither true nor false"),
        ("DRAGOMAN_NAMESPACES", "a,B", "'B' is not the name of a namespace"),
        ("DRAGOMAN_NAMESPACES", "a b", "'a b' is not the name of a namespace"),
        ("DRAGOMAN_WEBHOOK_URL", "http://a/b", "'http://a/b' is not of the form https://host[:port]/path"),
        ("DRAGOMAN_WEBHOOK_PORT", "70000", "'70000' is not a whole number from 1 to 65535"),
        ("AMBASSADOR_UPDATE_MAPPING_STATUS", "perhaps", "'perhaps' is neither true nor false"),
        ("AES_LOG_LEVEL", "loud", "'loud' is none of debug, info, warning, error"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_variable(name: str, text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as raised:
        of(**{name: text})
    assert str(raised.value).startswith(f"{name}: " if "exceeds" not in reason else "DRAGOMAN_DRAIN_MIN: ")
    assert reason in str(raised.value)


@pytest.mark.parametrize(("text", "level"), [("warn", "warning"), ("trace", "debug"), ("Critical", "error")])
def test_log_levels_have_the_names_that_people_use(text: str, level: str) -> None:
    assert of(AES_LOG_LEVEL=text).log_level == level


@pytest.mark.parametrize(
    ("text", "meant"), [("True", True), ("yes", True), ("on", True), ("FALSE", False), ("0", False)]
)
def test_booleans_have_the_names_that_people_use(text: str, meant: bool) -> None:
    assert of(AMBASSADOR_JSON_LOGGING=text).json_logs is meant


def test_what_a_folder_may_have_is_given_in_mebibytes() -> None:
    assert Settings.from_environment({}).config_file_mib == 8
    assert Settings.from_environment({}).config_sum_mib == 32
    given = {"DRAGOMAN_CONFIG_FILE_MIB": "16", "DRAGOMAN_CONFIG_SUM_MIB": "64"}
    assert Settings.from_environment(given).config_file_mib == 16
    assert Settings.from_environment(given).config_sum_mib == 64
    for odd in ("0", "257", "1.5", "8Mi"):
        with pytest.raises(SettingsError, match="DRAGOMAN_CONFIG_FILE_MIB"):
            Settings.from_environment({"DRAGOMAN_CONFIG_FILE_MIB": odd})


@pytest.mark.parametrize(
    ("written", "addresses"),
    [
        ("10.0.0.1,fd00::1", ("10.0.0.1", "fd00::1")),
        (" 10.0.0.1 , 10.0.0.1", ("10.0.0.1",)),
        ("0.0.0.0,::", ("::",)),
        ("10.0.0.1,::", ("::",)),
        ("0.0.0.0,10.0.0.1,fd00::1", ("0.0.0.0", "fd00::1")),
    ],
)
def test_several_addresses_without_those_that_another_stands_for(written: str, addresses: tuple[str, ...]) -> None:
    settings = of(AMBASSADOR_ENVOY_BIND_ADDRESS=written)
    assert (settings.bind_address, *settings.more_addresses) == addresses


@pytest.mark.parametrize(
    ("family", "address", "expected"),
    [
        ("ANY", "0.0.0.0", "0.0.0.0"),
        ("IPV6_ONLY", "0.0.0.0", "::"),
        ("IPV4_ONLY", "::", "0.0.0.0"),
        ("IPV4_ONLY", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_the_family_chooses_among_all_addresses(family: str, address: str, expected: str) -> None:
    said = {"AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": address, "AMBASSADOR_HEALTHCHECK_IP_FAMILY": family}
    assert of(**said).diagnostics_address == expected


@pytest.mark.parametrize(("family", "address"), [("IPV4", "0.0.0.0"), ("IPV6_ONLY", "10.0.0.1")])
def test_a_family_that_is_none_or_another_is_told(family: str, address: str) -> None:
    with pytest.raises(SettingsError, match=r"^AMBASSADOR_HEALTHCHECK_IP_FAMILY: "):
        of(AMBASSADOR_HEALTHCHECK_BIND_ADDRESS=address, AMBASSADOR_HEALTHCHECK_IP_FAMILY=family)


def test_a_statsd_is_told_of_only_when_it_is_enabled() -> None:
    assert of(STATSD_HOST="statsd").statsd is None
    assert of(STATSD_ENABLED="true").statsd == Statsd()
    said = {"STATSD_ENABLED": "true", "STATSD_HOST": "agent", "STATSD_PORT": "9125", "STATSD_FLUSH_INTERVAL": "2s"}
    assert of(**said, DOGSTATSD="true", DD_ENTITY_ID="pod").statsd == Statsd("agent", 9125, 2.0, True, "pod")
    with pytest.raises(SettingsError, match=r"^STATSD_FLUSH_INTERVAL: "):
        of(STATSD_ENABLED="true", STATSD_FLUSH_INTERVAL="0")
