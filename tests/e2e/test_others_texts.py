"""What others write is bounded and escaped on its way to people: nobody's text passes for a line of our log."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream
from translator.decode import MOST

pytestmark = [pytest.mark.envoy, pytest.mark.system]

FORGED = "12:00:00 error   translator  forged"
JSON_FORGED = '{"time":"2030-01-01T00:00:00Z","level":"error","part":"translator","event":"forged"}'
ODD = f"\x1b[31m\u202e\u2028\x9b\x00\r\n{FORGED}\n{JSON_FORGED}\n"
"""What a terminal obeys, what turns the direction of text, and lines like ours."""
NOT_IN_NAMES = "/\0"
LINE = re.compile(r"\d\d:\d\d:\d\d (debug|trace|info|warn|warning|error) +\w+ ")


def send(port: int, request: bytes) -> bytes:
    """A request byte for byte, and what comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def odd_objects(service: str) -> str:
    """Odd texts in every kind of place: values, keys, names."""
    wrong = an_object(
        "Mapping", "odd", {"hostname": "*", "prefix": ODD, "service": service, ODD: 1, "headers": {ODD: ODD}}
    )
    named = an_object("Mapping", ODD, {"hostname": "*", "prefix": "/x/", "service": service})
    labelled = an_object("Host", "odd", {"hostname": ODD}, labels={ODD: ODD})
    unserved = an_object("DevPortal", "odd", {"content": {"url": ODD}}) + an_object(
        "LogService", "odd", {"service": ODD}
    )
    return wrong + named + labelled + unserved


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_no_text_of_others_passes_for_a_line_of_ours(as_json: bool) -> None:
    environ = {"AMBASSADOR_JSON_LOGGING": "true" if as_json else "false", "AES_LOG_LEVEL": "debug"}
    with HttpUpstream("red") as red, Gateway(environ=environ) as gateway:
        gateway.apply("good", host("good", "good.test") + mapping("good", "good.test", red.service))
        gateway.apply("odd", odd_objects(red.service))
        (gateway.folder / f"{ODD.translate({ord(sign): None for sign in NOT_IN_NAMES})}.yaml").write_text("kind: [")
        gateway.wait_served("good.test")
        odd_header = "\x9b31m\u202e" + FORGED + "\u2028"
        request = f"GET / HTTP/1.1\r\nhost: good.test\r\nx-odd: {odd_header}\r\nconnection: close\r\n\r\n".encode()
        assert send(gateway.http_port, request).startswith(b"HTTP/1.1 200")
        wait_until(lambda: "forged" in gateway.log() and "x-odd" in gateway.log(), what="both in the log")
        wait_until(lambda: "spec.hostname" in gateway.log(), what="the Host told")
        gateway.stop()
        lines = [line for line in gateway.log().split("\n") if line]
    assert not [line for line in lines if not line.replace("\t", " ").isprintable()]
    for line in lines:
        if as_json:
            assert isinstance(json.loads(line), dict), line
            assert json.loads(line)["event"] != "forged"
        else:
            assert LINE.match(line), line
            assert not line.startswith(FORGED)
        assert len(line) < 1 << 16


def problems_of(gateway: Gateway, key: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.diag()["objects"].get(key, {})
    return found


def test_an_object_of_many_problems_costs_the_others_nothing(gateway: Gateway, red: HttpUpstream) -> None:
    name, many, key = "many.test", 20_000, "getambassador.io/Mapping/default/many"

    def bad(value: int) -> str:
        headers = {f"x-{number}": value for number in range(many)}
        unknown = {f"timeout_mss{number}": 1 for number in range(many)}
        spec: dict[str, Any] = {
            "prefix": "/many/",
            "hostname": name,
            "service": red.service,
            "headers": headers,
            **unknown,
        }
        return an_object("Mapping", "many", spec)

    before = len(gateway.log())
    with gateway.applied(name, host(name, name) + mapping("few", name, red.service, "/few/")):
        gateway.wait_served(name, "/few/")
        for value in range(3):
            gateway.apply("many", bad(value))
            gateway.apply("after", mapping("after", name, red.service, f"/after/{value}/"))
            gateway.wait_served(name, f"/after/{value}/")  # in a batch that has it too
        found = wait_until(lambda: problems_of(gateway, key), what="the status")
        assert found["state"] == "stopped"
        assert len(found["problems"]) == MOST
        assert found["more"] == 2 * many - MOST
        assert len(gateway.diagnostics("/ambassador/v0/diag/?json=true").content) < 1 << 20
        lines: list[str] = []

        def are_told() -> bool:
            lines[:] = [line for line in gateway.log()[before:].split("\n") if key in line]
            return len(lines) >= 3 and any(f"how_many={2 * many - 10}" in line for line in lines)

        wait_until(are_told, what="each version told")
        assert len(lines) <= 3 * 12, lines
        gateway.remove("many")
        gateway.remove("after")
    Path(gateway.folder, "many.yaml").unlink(missing_ok=True)
