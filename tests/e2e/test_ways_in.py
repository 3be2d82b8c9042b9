"""Other ways in that Emissary's users have: its folders, variables of the environment, and ids in every form."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import LISTENERS, Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def core(kind: str, name: str, **fields: Any) -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}) + "\n---\n"


def test_endpoints_in_a_folder_are_served_and_followed(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "endpoints.test"

    def texts(port: int) -> str:
        subset = {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "http", "port": port}]}
        return core("Service", "old", spec={"ports": [{"name": "http", "port": 80}]}) + core(
            "Endpoints", "old", subsets=[subset]
        )

    routes = host(name, name) + mapping("old", name, "old")
    with gateway.applied(name, routes), gateway.applied("old", texts(red.port)):
        assert gateway.wait_served(name).json()["upstream"] == "red"
        gateway.apply("old", texts(blue.port))
        wait_until(lambda: gateway.request(name).json()["upstream"] == "blue", what="the other endpoint")


def test_a_headless_service_without_ports_is_reached_at_the_port_of_the_mapping(
    gateway: Gateway, red: HttpUpstream
) -> None:
    name = "headless.test"
    texts = (
        host(name, name)
        + mapping("headless", name, f"headless:{red.port}")
        + core("Service", "headless", spec={"clusterIP": "None"})
        + core("Endpoints", "headless", subsets=[{"addresses": [{"ip": "127.0.0.1"}]}])
    )
    with gateway.applied(name, texts):
        assert gateway.wait_served(name).json()["upstream"] == "red"


def test_emissarys_folders_are_read_and_what_does_nothing_is_told(tmp_path: Path, red: HttpUpstream) -> None:
    config, init = tmp_path / "ambassador-config", tmp_path / "init-config"
    config.mkdir()
    init.mkdir()
    environ = {
        "DRAGOMAN_CONFIG_DIR": "/there/is/no/such/folder",
        "AMBASSADOR_CONFIG_BASE_DIR": str(tmp_path),
        "AMBASSADOR_DIAGD_BIND_ADDREASS": "0.0.0.0",
        "AMBASSADOR_NAMESPCE": "x",
    }
    gateway = Gateway(listeners=False, environ=environ)
    (config / "listeners.yaml").write_text(LISTENERS.format(http=gateway.http_port, https=gateway.https_port))
    flat = "apiVersion: ambassador/v1\nkind: Mapping\nname: {0}\nprefix: /{0}/\nservice: {1}\n"
    (config / "flat.yaml").write_text(flat.format("first", red.service))
    (init / "flat.yaml").write_text(flat.format("second", red.service))
    with gateway:
        for path in ("/first/", "/second/"):
            assert gateway.wait_served("some.test", path).json()["upstream"] == "red"
        (init / "flat.yaml").write_text(flat.format("third", red.service))
        gateway.wait_served("some.test", "/third/")
        gateway.wait_served("some.test", "/second/", status=404)
        gateway.wait_logged("a variable has no effect", "AMBASSADOR_NAMESPACE may be meant")
        lines = [line for line in gateway.log().splitlines() if "a variable has no effect" in line]
        assert len(lines) == 2
        assert "AMBASSADOR_DIAGD_BIND_ADDREASS" in lines[0]
        assert "AMBASSADOR_NAMESPACE may be meant" in lines[1]


def test_variables_and_ids(red: HttpUpstream) -> None:
    environ = {"AMBASSADOR_ID": "edge", "WANTED": "wanted.test", "UPSTREAM": red.service}
    gateway = Gateway(environ=environ)
    gateway.apply(
        "listeners",
        LISTENERS.replace("spec: {{", "spec: {{ambassador_id: [edge], ").format(
            http=gateway.http_port, https=gateway.https_port
        ),
    )
    ids = {"list": ["other", "edge"], "text": "edge", "automatic": ["_automatic_"], "none": [], "other": ["other"]}
    gateway.apply("host", host("wanted", "${WANTED}", ambassador_id="edge"))
    for name, them in ids.items():
        gateway.apply(name, mapping(name, "$WANTED", "$UPSTREAM", f"/{name}/", ambassador_id=them))
    gateway.apply("camel", mapping("camel", "$WANTED", "$UPSTREAM", "/camel/$UNKNOWN/", ambassadorId=["edge"]))
    gateway.apply("absent", mapping("absent", "$WANTED", "$UPSTREAM", "/absent/"))
    with gateway:
        for name in ("list", "text", "automatic", "camel"):
            path = f"/{name}/" + ("$UNKNOWN/" if name == "camel" else "")
            assert gateway.wait_served("wanted.test", path).json()["upstream"] == "red"
        for name in ("none", "other", "absent"):
            assert gateway.request("wanted.test", f"/{name}/").status_code == 404
