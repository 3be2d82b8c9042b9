"""The certificate of last resort, before a client that takes RFC 5280 by its letter."""

import base64
import socket
import ssl
import threading
from pathlib import Path

import yaml

from entrypoint.certificate import write_fallback
from tests.support.certificates import Pair, strict


def test_a_strict_client_that_trusts_it_takes_it(tmp_path: Path) -> None:
    data = yaml.safe_load(write_fallback(tmp_path, "web").read_text())["data"]
    made = Pair(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*made.write(tmp_path, "made"))
    here, there = socket.socketpair()
    answering = threading.Thread(target=lambda: serving.wrap_socket(there, server_side=True).close())
    answering.start()
    with here, strict(made.certificate).wrap_socket(here, server_hostname="localhost") as client:
        shown = client.getpeercert()
        assert shown and shown["subject"] == ((("commonName", "dragoman fallback"),),)  # noqa: PT018
    answering.join()
