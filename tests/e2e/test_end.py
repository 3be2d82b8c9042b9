"""The end of a pod: others learn of it before clients do."""

import os
import signal

import pytest

from tests.support import plain
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "end.test"


def test_readiness_goes_at_once_and_no_client_of_http_2_is_told_to_go(red: HttpUpstream) -> None:
    """Its requests would be lost: httpx gives up all that it asked on a connection at a GOAWAY."""
    with Gateway(environ={"DRAGOMAN_DRAIN_MIN": "60", "DRAGOMAN_DRAIN_MAX": "90"}) as gateway:
        gateway.apply("end", host(NAME, NAME) + mapping(NAME, NAME, red.service))
        gateway.wait_served(NAME)
        url, headers = f"http://127.0.0.1:{gateway.http_port}/", {"host": NAME}
        with plain.Client(http1=False, http2=True, timeout=10) as kept:
            assert kept.get(url, headers=headers).status_code == 200
            assert gateway._process is not None
            os.kill(gateway._process.pid, signal.SIGTERM)
            wait_until(lambda: gateway.diagnostics("/ambassador/v0/check_ready").status_code == 503, what="not ready")
            assert "comes to its end" in gateway.diagnostics("/ambassador/v0/check_ready").text
            assert gateway.request(NAME, "/ambassador/v0/check_ready").status_code == 503
            assert gateway.diagnostics("/ambassador/v0/check_alive").status_code == 200
            for _ in range(20):
                assert kept.get(url, headers=headers).status_code == 200
                assert gateway.request(NAME, http2=True).status_code == 200
                assert "connection" not in gateway.request(NAME).headers
        assert gateway.stop() == 128 + signal.SIGTERM  # the second one: at once
