"""Real upstreams for tests: each in a thread of its own, on a free port of 127.0.0.1, telling what reached it.

with HttpUpstream("a") as upstream:          # answers JSON: its name, the method, the path, the headers, the body
    upstream.port, upstream.seen
"""

import asyncio
import contextlib
import io
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from concurrent import futures
from functools import partial
from typing import Any

import grpc
from aiohttp import WSMsgType, web

from tests.support.certificates import Pair
from tests.support.scoped import Scoped

_TURNS = 5
"""Of the loop, until a connection that was accepted has a transport, and the transport has noticed its end."""

_LOOK = 0.02
"""Seconds after which who waits looks whether it still has to."""

LARGEST_BODY = 64 * 2**20


class InThread(Scoped):
    """A server whose coroutine `_serve` runs in a loop of its own until `stop`."""

    port: int

    def __init__(self) -> None:
        self._stop: Callable[[], object] = lambda: None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(10) or self._failure:
            raise RuntimeError("the upstream did not start") from self._failure

    def close(self) -> None:
        self._stop()
        self._thread.join(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  it is raised again by whoever started this
            self._failure = error
            self._ready.set()

    async def _main(self) -> None:
        stopping = asyncio.Event()
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopping.set)
        async with contextlib.AsyncExitStack() as stack:
            self.port = await self._serve(stack)
            self._ready.set()
            await stopping.wait()
        for _ in range(_TURNS):
            for transport in list(asyncio.get_running_loop()._transports.values()):  # type: ignore[attr-defined]
                transport.abort()  # accepted while the server was closing, which does not know of it
            await asyncio.sleep(0)

    async def _serve(self, stack: contextlib.AsyncExitStack) -> int:
        raise NotImplementedError


async def end(runner: "web.BaseRunner[Any]") -> None:
    """Clean up, once everybody who was accepted is known to it.

    For who is accepted in the turn of the loop in which its server closes, asyncio (3.11 to 3.13) makes no transport,
    and nobody closes that socket. So the end has two steps: no one more is accepted, and then all is closed.
    """
    loop = asyncio.get_running_loop()
    for site in runner.sites:
        for listening in site._server.sockets if isinstance(site._server, asyncio.Server) else ():
            loop.remove_reader(listening.fileno())
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    await runner.cleanup()


class HttpUpstream(InThread):
    """HTTP/1.1 (and TLS, when given a context): echoes requests as JSON; `/ws` echoes WebSocket messages.

    `status` is what it answers; `delay` is how long (seconds) it waits before, may be made less while requests wait;
    `failures` how many requests it first answers with 503.
    """

    def __init__(
        self, name: str, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        """`port` 0: one that is free."""
        super().__init__()
        self._where = (address, port)
        self.name = name
        self.status = 200
        self.delay = 0.0
        self.failures = 0
        self.response_headers: dict[str, str] = {}
        self.seen: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self._tls = tls

    @property
    def service(self) -> str:
        """The address as a Mapping's `service`."""
        return f"127.0.0.1:{self.port}"

    async def _serve(self, stack: contextlib.AsyncExitStack) -> int:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(end, runner)
        site = web.TCPSite(runner, *self._where, ssl_context=self._tls)
        await site.start()
        return int(runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        seen = {
            "upstream": self.name,
            "method": request.method,
            "path": request.raw_path,
            "host": request.host,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "names": [name.decode("latin-1") for name, _ in request.raw_headers],
        }
        secured = request.transport.get_extra_info("ssl_object") if request.transport else None
        if secured is not None:
            seen["tls"] = secured.version()
            seen["sni"] = getattr(secured, "asked_for", None)  # which a callback of the context may have noted
        self.seen.append(seen)
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._echo_messages(request)
        body = await request.read()
        self.bodies.append(body)
        seen["body"] = body.decode(errors="replace")
        began = time.monotonic()
        while (left := began + self.delay - time.monotonic()) > 0:  # noqa: ASYNC110 -- another thread makes it less
            await asyncio.sleep(min(left, _LOOK))
        if self.failures > 0:
            self.failures -= 1
            return web.Response(status=503, text="not yet")
        answer = io.BytesIO(json.dumps(seen).encode())  # aiohttp warns of large bytes
        return web.Response(
            status=self.status, body=answer, content_type="application/json", headers=self.response_headers
        )

    async def _echo_messages(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(f"{self.name}: {message.data}")
        return socket


class TcpUpstream(Scoped):
    """Answers each line with its name and the line; in TLS, where it is given how."""

    def __init__(self, name: str, *, tls: ssl.SSLContext | None = None) -> None:
        answer = f"{name}: ".encode()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                    lines, out = self.rfile, self.wfile
                    if tls is not None:
                        made = stack.enter_context(tls.wrap_socket(self.request, server_side=True))
                        lines, out = made.makefile("rb"), made.makefile("wb", buffering=0)
                    for line in lines:
                        out.write(answer + line)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.port = int(self._server.server_address[1])

    @property
    def service(self) -> str:
        """The address as a TCPMapping's `service`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class GrpcUpstream(Scoped):
    """A gRPC server (h2c, or TLS by a certificate and its key): `/test.Echo/Say` gives back its bytes after its name.

    It answers gRPC's health protocol too: by `is_well`, for the services that `asked_after` then names.
    """

    def __init__(self, name: str, *, tls: Pair | None = None) -> None:
        self.name = name
        self.is_well = True
        self.asked_after: set[str] = set()
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(lambda message, _: self.name.encode() + b": " + message)
        health = grpc.unary_unary_rpc_method_handler(self._health)
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("test.Echo", {"Say": handler}),
                grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": health}),
            )
        )
        if tls is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            credentials = grpc.ssl_server_credentials([(tls.key, tls.certificate)])
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)

    @property
    def service(self) -> str:
        """The address as a Mapping's `service`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait(5)

    def _health(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        """A HealthCheckResponse, SERVING or NOT_SERVING, to a HealthCheckRequest: field 1 of each."""
        self.asked_after.add(request[2:].decode())
        return b"\x08\x01" if self.is_well else b"\x08\x02"
