"""`python -m entrypoint.demo HOST:PORT`: the upstream of the quickstart, which tells what it was asked.

It answers every request with JSON (method, path, headers, a greeting), echoes WebSocket messages at /ws, and plays a
service that is asked for authorization below /auth/: whoever knows the word may pass.
"""

import asyncio
import signal
import sys

from aiohttp import WSMsgType, web

from process.listening import listen

_WORD = "Bearer open-sesame"
_USAGE = 64
"""EX_USAGE of sysexits.h."""


async def tell(request: web.Request) -> web.Response:
    """What was asked, as JSON."""
    body = await request.text()
    return web.json_response(
        {
            "greeting": "Hello from behind Dragoman!",
            "method": request.method,
            "path": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            **({"body": body} if body else {}),
        }
    )


async def judge(request: web.Request) -> web.Response:
    """Whether a request may pass: 200 and who asks, or 401."""
    if request.headers.get("authorization") == _WORD:
        return web.Response(headers={"x-user": "ali-baba"})
    return web.json_response({"message": "say the word"}, status=401)


async def echo(request: web.Request) -> web.StreamResponse:
    """Each message of a WebSocket, sent back."""
    if request.headers.get("upgrade", "").lower() != "websocket":
        return await tell(request)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def application() -> web.Application:
    """The demo upstream."""
    made = web.Application()
    made.router.add_route("*", "/ws", echo)
    made.router.add_route("*", "/auth/{path:.*}", judge)
    made.router.add_route("*", "/{path:.*}", tell)
    return made


async def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    runner = web.AppRunner(application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    found = await listen(host, port, stopping, lambda reason: _say(f"cannot listen at {host}:{port}: {reason}"))
    if found is not None:
        await web.SockSite(runner, found).start()
        await stopping.wait()
    await runner.cleanup()


def _say(sentence: str) -> None:
    print(f"demo: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 -- not a part that logs


def main(arguments: list[str]) -> int:
    """Serve at the one argument, `host:port`; the exit code."""
    host, colon, port = arguments[0].rpartition(":") if len(arguments) == 1 else ("", "", "")
    if not (host and colon and port.isdecimal()):
        _say("usage: python -m entrypoint.demo HOST:PORT")
        return _USAGE
    asyncio.run(serve(host.strip("[]"), int(port)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
