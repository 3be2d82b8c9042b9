"""Which gateways are found, and what a broken answer of one is called."""

import os
import socket

import pytest

from tests.support.envoy import short_folder
from why import gateway
from why.gateway import GatewayError


def test_a_gateway_is_found_in_a_folder_of_this_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may make a folder in /dev/shm, and would be told the headers of the request."""
    folder = short_folder()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "why.sock"))
        listening.listen()
        assert gateway._answers(folder)
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        assert not gateway._answers(folder)
    (folder / "why.sock").unlink()
    folder.rmdir()


def test_half_an_answer_is_a_gateway_that_ended() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b'{"name": "default/')
        there.shutdown(socket.SHUT_WR)
        with pytest.raises(GatewayError, match="ended while it was asked"):
            gateway._line(here)
