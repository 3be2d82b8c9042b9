"""A server of sockets whose handlers run in a thread beside the test."""

import socketserver
import threading

from tests.support.scoped import Scoped


class Threaded(Scoped):
    """Serves at `port` for the length of a block."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, daemon=True)
        self.port = int(server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
