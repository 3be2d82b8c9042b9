"""Where it listens: of one family or of both at once."""

import http.client
import json

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

BOTH = {"AMBASSADOR_ENVOY_BIND_ADDRESS": "::", "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "::"}


def asked(address: str, port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request("GET", path, headers={"host": "both.test"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_two_colons_are_every_address_of_both_families(red: HttpUpstream) -> None:
    with Gateway(environ=BOTH) as gateway:
        gateway.apply("both", host("both", "both.test") + mapping("both", "both.test", red.service))
        gateway.wait_served("both.test")
        for address in ("127.0.0.1", "::1"):
            status, body = asked(address, gateway.http_port, "/")
            assert status == 200
            assert "::ffff:" not in json.loads(body)["headers"]["x-forwarded-for"], "an IPv4 client is one to backends"
            assert asked(address, gateway.diagnostics_port, "/ambassador/v0/check_ready")[0] == 200


def test_several_addresses_are_each_of_them_and_no_other(red: HttpUpstream) -> None:
    port = unused_port()
    environ = {"AMBASSADOR_ENVOY_BIND_ADDRESS": "127.0.0.2, ::1", "AMBASSADOR_HEALTHCHECK_IP_FAMILY": "IPV4_ONLY"}
    with Gateway(environ=environ) as gateway:
        texts = host("both", "both.test") + mapping("both", "both.test", red.service)
        gateway.apply("both", texts + an_object("TCPMapping", "tcp", {"port": port, "service": red.service}))
        for address in ("127.0.0.2", "::1"):
            for number in (gateway.http_port, port):
                wait_until(lambda at=(address, number): is_answered(*at), what=f"{address} {number}")  # type: ignore[misc]
        assert not is_answered("127.0.0.1", gateway.http_port)


def is_answered(address: str, port: int) -> bool:
    try:
        return asked(address, port, "/")[0] == 200
    except OSError:
        return False


def test_the_diagnostics_are_not_to_be_had_through_a_mapping(gateway: Gateway, red: HttpUpstream) -> None:
    name, ours = "leak.test", f"127.0.0.1:{gateway.diagnostics_port}"
    texts = host(name, name) + mapping("near", name, red.service, "/near/")
    with gateway.applied(name, texts + mapping("leak", name, ours, "/leak/", rewrite="/ambassador/v0/diag/")):
        gateway.wait_served(name, "/near/")
        assert gateway.request(name, "/leak/?json=true").status_code == 404
