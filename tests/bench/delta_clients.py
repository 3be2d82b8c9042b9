"""Many delta ADS streams that cost next to nothing: `python -m tests.bench.delta_clients SOCKET COUNT`.

A thousand clients of gRPC for Python would take more CPU than the server that is measured. These are connections with
just enough of HTTP/2 (RFC 9113): they ask for clusters, listeners and one route configuration, acknowledge whatever
comes, and answer pings. Each time that all have acknowledged another version of the route configuration, the time of
the last acknowledgement (of the system's monotonic clock) goes to stdout.
"""

import selectors
import socket
import sys
import time
from collections.abc import Iterator

from hpack import Encoder

from adsserver.resources import KIND_OF_TYPE_URL, Kind
from adsserver.server import METHOD, SERVICE
from envoyapi.config_core_v3 import Node
from envoyapi.reading import fields
from envoyapi.service_discovery_v3 import DeltaDiscoveryRequest

ROUTES = "bench"
_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 4, 6, 7, 8
_ACK, _END_HEADERS = 1, 4
_LARGEST_WINDOW = (1 << 31) - 1
_NONCE, _TYPE = 5, 4


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _message(request: bytes) -> bytes:
    return _frame(_DATA, 0, 1, b"\0" + len(request).to_bytes(4, "big") + request)


def _opening(number: int) -> bytes:
    """All that a stream begins with."""
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", f"/{SERVICE}/{METHOD}"),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
    window = (0x4).to_bytes(2, "big") + _LARGEST_WINDOW.to_bytes(4, "big")
    node = Node(id=f"client-{number}", cluster="bench")
    asked = (
        DeltaDiscoveryRequest(node=node, type_url=Kind.CLUSTER.type_url),
        DeltaDiscoveryRequest(type_url=Kind.LISTENER.type_url),
        DeltaDiscoveryRequest(type_url=Kind.ROUTE.type_url, resource_names_subscribe=[ROUTES]),
    )
    return b"".join(
        [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            _frame(_SETTINGS, 0, 0, window),
            _frame(_WINDOW, 0, 0, (_LARGEST_WINDOW - 65535).to_bytes(4, "big")),
            _frame(_HEADERS, _END_HEADERS, 1, Encoder().encode(headers)),
            *map(_message, asked),
        ]
    )


class Client:
    """One stream."""

    def __init__(self, path: str, number: int) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.sendall(_opening(number))
        self._frames = bytearray()
        self._grpc = bytearray()

    def receive(self) -> int:
        """Read what there is, and answer it; how many versions of the routes were among it."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server ended a stream")
        self._frames += data
        answers, routes = [], 0
        for kind, flags, payload in self._whole_frames():
            if kind == _SETTINGS and not flags & _ACK:
                answers.append(_frame(_SETTINGS, _ACK, 0, b""))
            elif kind == _PING and not flags & _ACK:
                answers.append(_frame(_PING, _ACK, 0, payload))
            elif kind == _GOAWAY:
                raise ConnectionError("the server ended a connection")
            elif kind == _DATA:
                self._grpc += payload
        for message in self._whole_messages():
            told = {number: value for number, value in fields(message) if number in (_NONCE, _TYPE)}
            type_url, nonce = (value.decode() for value in (told[_TYPE], told[_NONCE]) if isinstance(value, bytes))
            answers.append(_message(DeltaDiscoveryRequest(type_url=type_url, response_nonce=nonce)))
            routes += KIND_OF_TYPE_URL[type_url] is Kind.ROUTE
        if answers:
            self.socket.sendall(b"".join(answers))
        return routes

    def _whole_frames(self) -> Iterator[tuple[int, int, bytes]]:
        while len(self._frames) >= 9:
            size = int.from_bytes(self._frames[:3], "big")
            if len(self._frames) < 9 + size:
                return
            yield self._frames[3], self._frames[4], bytes(self._frames[9 : 9 + size])
            del self._frames[: 9 + size]

    def _whole_messages(self) -> Iterator[bytes]:
        while len(self._grpc) >= 5:
            size = int.from_bytes(self._grpc[1:5], "big")
            if len(self._grpc) < 5 + size:
                return
            yield bytes(self._grpc[5 : 5 + size])
            del self._grpc[: 5 + size]


def main(path: str, count: int) -> None:
    """Serve all connections, for ever."""
    selector = selectors.DefaultSelector()
    for number in range(count):
        client = Client(path, number)
        selector.register(client.socket, selectors.EVENT_READ, client)
    routes, wanted = 0, count
    while True:
        for key, _ in selector.select():
            routes += key.data.receive()
        if routes >= wanted:
            print(time.perf_counter(), flush=True)
            wanted += count


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
