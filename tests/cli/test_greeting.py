"""What a person is told to try is what the folder serves."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from cli.greeting import ask, greeting
from cli.tries import tries
from process.settings import Settings
from tests.support.gateway import ROOT
from tests.support.objects import an_object, host, mapping

QUICKSTART = ROOT / "examples/quickstart"
SETTINGS = Settings(config_dir=Path("folder"), bind_address="127.0.0.1", diagnostics_address="127.0.0.1")
EVERYWHERE = {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
SERVICE = "10.0.0.1"


def listener(port: int = 80, protocol: str = "HTTP", **spec: Any) -> str:
    return an_object("Listener", f"at-{port}", {"port": port, "protocol": protocol, **EVERYWHERE, **spec})


def asked(settings: Settings) -> dict[str, Any]:
    return asdict(tries(settings))


def commands(folder: Path, *texts: str, settings: Settings = SETTINGS) -> list[str]:
    """The lines to copy, without those about diagnostics."""
    (folder / "a.yaml").write_text("".join(texts))
    lines = [line.strip() for line in greeting(replace(settings, config_dir=folder), asked).splitlines()]
    return [line for line in lines if line.startswith("curl ") and "/ambassador/v0/" not in line]


def test_the_quickstart_is_told_as_its_ports_and_paths_are() -> None:
    said = greeting(replace(SETTINGS, config_dir=QUICKSTART), asked)
    assert said.startswith(f"\nDragoman serves {QUICKSTART}.")
    assert "  curl http://127.0.0.1:8080/hello/\n" in said
    assert "  curl --insecure https://127.0.0.1:8443/hello/\n" in said
    assert "  curl http://127.0.0.1:8877/ambassador/v0/check_ready\n" in said
    assert "/ambassador/v0/diag/?json=true" in said
    assert "Listener" not in said


def test_a_host_is_asked_by_its_name_without_a_port_that_is_not_its_own(tmp_path: Path) -> None:
    texts = listener(9080), host("a", "a.test"), mapping("a", "a.test", SERVICE, "/a/")
    assert commands(tmp_path, *texts) == ["curl --connect-to ::127.0.0.1:9080 http://a.test/a/"]


@pytest.mark.parametrize(
    ("hostname", "wanted", "name"),
    [
        ("a.test:8500", "a.test:8500", "a.test:8500"),
        ("*.example.com", "*", "any.example.com"),
        ("*", "*.example.com", "any.example.com"),
        ("*.com", "a.*", "a.any.com"),
        ("*.com", "a.com", "a.com"),
        ("*.example.com", "*.com", "any.example.com"),
    ],
)
def test_a_pattern_is_asked_by_a_name_that_it_stands_for(tmp_path: Path, hostname: str, wanted: str, name: str) -> None:
    found = commands(tmp_path, listener(), host("a", hostname), mapping("a", wanted, SERVICE))
    assert found == [f"curl --connect-to ::127.0.0.1:80 http://{name}/"]


def test_only_what_a_plain_request_gets_is_told(tmp_path: Path) -> None:
    others = [
        mapping("regex", "*", SERVICE, "/.*", prefix_regex=True),
        mapping("post", "*", SERVICE, "/post/", method="POST"),
        mapping("header", "*", SERVICE, "/x/", headers={"a": "b"}),
        mapping("wrong", "*", SERVICE, prefix=7),
        mapping("odd", "*", SERVICE, "/a b/"),
        mapping("dots", "*", SERVICE, "/a/../b/"),
        mapping("slashes", "*", SERVICE, "/a//b/"),
        mapping("other", "*", SERVICE, "/other/", ambassador_id="other"),
        mapping("yes", "*", SERVICE, "/yes/"),
        mapping("yes-too", "*", SERVICE, "/yes/", weight=10),
    ]
    assert commands(tmp_path, listener(), host("all", "*"), *others) == ["curl http://127.0.0.1:80/yes/"]


def test_what_nobody_answers_is_not_told(tmp_path: Path) -> None:
    """Rejected, not chosen, at another Listener, stopped, or a narrower Host's."""
    texts = [
        listener(hostBinding={"selector": {"matchLabels": {"at": "80"}}, "namespace": {"from": "ALL"}}),
        host("unbound", "unbound.test"),
        mapping("unbound", "unbound.test", SERVICE),
        an_object("Host", "b", {"hostname": "b.test", "mappingSelector": {"matchLabels": {"a": "b"}}}),
        mapping("b", None, SERVICE, labels_={"a": "b"}),
    ]
    assert commands(tmp_path, *texts) == []
    texts = [listener(), host("r", "r.test", insecure="Reject"), mapping("r", "r.test", SERVICE)]
    assert commands(tmp_path, *texts) == []
    texts = [
        listener(443, "HTTPS"),
        host("s", "*", tlsSecret={"name": "fallback-self-signed-cert"}, insecure="Redirect"),
        host("narrow", "any.example.com", tlsSecret={"name": "absent"}),
        mapping("s", "*.example.com", SERVICE),
    ]
    assert commands(tmp_path, *texts) == []


def test_a_host_in_clear_text_only_is_not_asked_by_tls(tmp_path: Path) -> None:
    texts = listener(443, "HTTPS"), host("a", "a.test"), mapping("a", "a.test", SERVICE)
    assert commands(tmp_path, *texts) == ["curl --connect-to ::127.0.0.1:443 http://a.test/"]
    secured = host("a", "a.test", tlsSecret={"name": "fallback-self-signed-cert"})
    assert commands(tmp_path, texts[0], secured, texts[2]) == [
        "curl --insecure --connect-to ::127.0.0.1:443 https://a.test/"
    ]


def test_http_3_is_not_told(tmp_path: Path) -> None:
    spec = {"port": 8443, "protocolStack": ["TLS", "HTTP", "UDP"], "securityModel": "XFP"}
    texts = [an_object("Listener", "quic", {**spec, "hostBinding": {"namespace": {"from": "ALL"}}})]
    texts += [host("a", "a.test", tlsSecret={"name": "fallback-self-signed-cert"}), mapping("a", "a.test", SERVICE)]
    assert commands(tmp_path, *texts) == []


def test_ports_that_speak_no_plain_http_are_not_told(tmp_path: Path) -> None:
    texts = listener(5432, "TCP"), listener(5433, "HTTPPROXY"), mapping("a", "*", SERVICE)
    assert commands(tmp_path, *texts) == []


def test_an_address_of_ipv6_has_brackets(tmp_path: Path) -> None:
    settings = replace(SETTINGS, bind_address="::1", diagnostics_address="::1")
    texts = listener(), mapping("a", "*", SERVICE)
    assert commands(tmp_path, *texts, settings=settings) == ["curl 'http://[::1]:80/'"]
    assert "curl 'http://[::1]:8877/ambassador/v0/check_ready'" in greeting(settings, asked)


def test_without_a_listener_one_line_says_what_is_open_and_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(mapping("a", "*", SERVICE, "/a/"))
    settings = replace(SETTINGS, config_dir=tmp_path, default_ports=(8080, 8443))
    said = greeting(settings, asked)
    (line,) = [line for line in said.splitlines() if "Listener" in line]
    assert line.startswith("It has no Listener, so 8080 (HTTP) and 8443 (HTTPS) are open, until it has one, such as {")
    assert "  curl http://127.0.0.1:8080/a/\n" in said
    assert "  curl --insecure https://127.0.0.1:8443/a/\n" in said
    (tmp_path / "b.yaml").write_text(line[line.index("{") :])
    assert "  curl http://127.0.0.1:8080/a/\n" in greeting(settings, asked), "the Listener that it shows is a good one"
    assert "Listener" not in greeting(settings, asked)


def test_a_port_of_our_own_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(mapping("a", "*", SERVICE, "/a/"))
    settings = replace(SETTINGS, config_dir=tmp_path, default_ports=(8877, 8443))
    assert tries(settings).by_default == (8443,)


def test_an_empty_folder_is_told_what_it_takes(tmp_path: Path) -> None:
    assert "nothing to ask yet" in greeting(replace(SETTINGS, config_dir=tmp_path), asked)


def test_it_is_found_by_a_process_of_its_own_and_where_that_fails_nothing_is_told(tmp_path: Path) -> None:
    settings = replace(SETTINGS, config_dir=QUICKSTART)
    assert ask({}, settings)["found"][0]["path"] == "/hello/"
    assert ask({"AMBASSADOR_HEALTHCHECK_BIND_PORT": "none"}, settings) == {"found": [], "by_default": []}
