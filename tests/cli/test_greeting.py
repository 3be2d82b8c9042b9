"""What a person is told to try is what the folder serves."""

import os
from pathlib import Path
from typing import Any

from cli.greeting import greeting
from entrypoint.folder import documents
from process.settings import Settings
from tests.support.gateway import ROOT

QUICKSTART = ROOT / "examples/quickstart"
SETTINGS = Settings(config_dir=Path("folder"), bind_address="127.0.0.1", diagnostics_address="127.0.0.1")


def object_of(kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def commands(*found: dict[str, Any], settings: Settings = SETTINGS) -> list[str]:
    """The lines to copy, without those about diagnostics."""
    lines = [line.strip() for line in greeting(settings, list(found)).splitlines()]
    return [line for line in lines if line.startswith("curl ") and "/ambassador/v0/" not in line]


def test_the_quickstart_is_told_as_its_ports_and_paths_are() -> None:
    said = greeting(SETTINGS, documents(QUICKSTART, os.environ))
    assert said.startswith("\nDragoman serves folder.")
    assert "  curl http://127.0.0.1:8080/hello/\n" in said
    assert "  curl --insecure https://127.0.0.1:8443/" in said
    assert "  curl http://127.0.0.1:8877/ambassador/v0/check_ready\n" in said
    assert "/ambassador/v0/diag/?json=true" in said


def test_a_host_name_is_asked_by_its_name() -> None:
    listener = object_of("Listener", port=9443, protocol="HTTPS")
    mapping = object_of("Mapping", prefix="/a b/", hostname="*.example.com")
    assert commands(listener, mapping) == [
        "curl --insecure --connect-to ::127.0.0.1:9443 'https://any.example.com:9443/a b/'"
    ]


def test_only_what_a_plain_request_gets_is_told() -> None:
    listener = object_of("Listener", port=80, protocol="HTTP")
    others = [
        object_of("Mapping", prefix="/.*", prefix_regex=True),
        object_of("Mapping", prefix="/post/", method="POST"),
        object_of("Mapping", prefix="/x/", headers={"a": "b"}),
        object_of("Mapping", prefix=7),
        object_of("Mapping", prefix="/\x1b[2J/"),
        object_of("Mapping", prefix="/other/", ambassador_id="other"),
        object_of("Mapping", prefix="/yes/", service="a"),
        object_of("Mapping", prefix="/yes/", service="b", weight=10),
    ]
    assert commands(listener, *others) == ["curl http://127.0.0.1:80/yes/"]


def test_listeners_that_speak_no_http_are_not_told() -> None:
    mapping = object_of("Mapping", prefix="/")
    found = [object_of("Listener", port=5432, protocol="TCP"), object_of("Listener", port="http", protocol="HTTP")]
    assert commands(*found, mapping) == []
    stack = object_of("Listener", port=443, protocolStack=["TLS", "HTTP", "TCP"])
    assert commands(stack, mapping) == ["curl --insecure https://127.0.0.1:443/"]


def test_http_3_is_not_told() -> None:
    listener = object_of("Listener", port=8443, protocolStack=["TLS", "HTTP", "UDP"])
    assert commands(listener, object_of("Mapping", prefix="/")) == []


def test_an_address_of_ipv6_has_brackets() -> None:
    settings = Settings(config_dir=Path("f"), bind_address="::1", diagnostics_address="::1")
    listener, mapping = object_of("Listener", port=80, protocol="HTTP"), object_of("Mapping", prefix="/")
    assert commands(listener, mapping, settings=settings) == ["curl 'http://[::1]:80/'"]
    assert "curl 'http://[::1]:8877/ambassador/v0/check_ready'" in greeting(settings, [])


def test_an_empty_folder_is_told_what_it_takes() -> None:
    assert "nothing to ask yet" in greeting(SETTINGS, [])
