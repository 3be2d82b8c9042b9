"""A wire that is listened to: passes connections on to a server, and remembers how each began."""

import contextlib
import socket
import socketserver
import threading

from tests.support.threaded import Threaded

HANDSHAKE = b"\x16"
"""What a connection in TLS begins with."""


class Tap(Threaded):
    """`begun` are the first bytes of the connections, one of each."""

    def __init__(self, port: int) -> None:
        begun: list[bytes] = []
        self.begun = begun

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
                    first = self.request.recv(65536)
                    begun.append(first[:1])
                    server.sendall(first)
                    back = threading.Thread(target=_pass_on, args=(server, self.request), daemon=True)
                    back.start()
                    _pass_on(self.request, server)
                    back.join(10)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        super().__init__(server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
