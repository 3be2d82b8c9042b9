"""A server that speaks nothing but HTTP/2 with prior knowledge, in clear text, and answers 200 with its name."""

import contextlib
import json
import socketserver
import threading

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from tests.support.scoped import Scoped


class H2cUpstream(Scoped):
    """`seen` are the requests: their pseudo-headers and headers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[dict[str, str]] = []
        body = json.dumps({"upstream": name}).encode()
        seen = self.seen

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                state = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
                state.initiate_connection()
                with contextlib.suppress(ConnectionError):
                    self.request.sendall(state.data_to_send())
                    while data := self.request.recv(65536):
                        for event in state.receive_data(data):
                            if isinstance(event, RequestReceived) and event.stream_id is not None:
                                seen.append({str(key): str(value) for key, value in event.headers or ()})
                                state.send_headers(event.stream_id, [(":status", "200")])
                                state.send_data(event.stream_id, body, end_stream=True)
                        self.request.sendall(state.data_to_send())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.port = int(self._server.server_address[1])

    @property
    def service(self) -> str:
        """The address as a Mapping's `service`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
