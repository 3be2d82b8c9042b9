"""HTTPS to this machine under another name."""

import http.client

from tests.support.certificates import unverified


class NamedConnection(http.client.HTTPConnection):
    """HTTPS to 127.0.0.1 that asks for another name by SNI."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__("127.0.0.1", port)
        self._name = name

    def connect(self) -> None:
        super().connect()
        self.sock = unverified().wrap_socket(self.sock, server_hostname=self._name)
