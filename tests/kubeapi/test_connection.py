"""Requests and streams: what is asked arrives, what is answered comes back, and what breaks is said."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from api_standin import Standin, kubeconfig, standin

from kubeapi.connection import Answer, ConfigurationError, Connection, UnreachableError, message_of
from process.settings import Settings


@asynccontextmanager
async def talking(
    folder: Path, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[tuple[Connection, Standin]]:
    async with (
        standin(handler) as server,
        Connection.open(Settings(kubeconfig=kubeconfig(folder, server.url))) as api,
    ):
        yield api, server


async def echo(request: web.Request) -> web.Response:
    said = [request.method, request.path_qs, request.headers.get("Content-Type", ""), await request.text()]
    return web.Response(text="\n".join(said), status=int(request.query.get("status", "200")))


async def test_what_is_asked_arrives_and_every_status_is_an_answer(tmp_path: Path) -> None:
    async with talking(tmp_path, echo) as (api, server):
        assert await api.request("GET", "/api/v1/services") == Answer(200, b"GET\n/api/v1/services\n\n")
        answer = await api.request(
            "PATCH",
            "/x",
            params={"status": "409", "labelSelector": "a in (b,c),d=e+f"},
            body=b"{}",
            content_type="application/merge-patch+json",
        )
        assert answer.status == 409
        assert not answer.ok
        assert answer.body.splitlines()[2:] == [b"application/merge-patch+json", b"{}"]
        assert server.asked[1].query["labelSelector"] == "a in (b,c),d=e+f"
        assert server.asked[1].headers["User-Agent"].startswith("dragoman/")


async def test_a_path_of_the_servers_own_is_kept(tmp_path: Path) -> None:
    async with standin(echo) as server:
        settings = Settings(kubeconfig=kubeconfig(tmp_path, f"{server.url}/clusters/c-1/"))
        async with Connection.open(settings) as api:
            assert (await api.request("GET", "/version")).body.splitlines()[1] == b"/clusters/c-1/version"


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("Sat, 01 Jan 2000 00:00:00 GMT", 0), ("soon", None)])
async def test_the_wish_to_be_left_alone_for_a_while_is_told(tmp_path: Path, said: str, seconds: float | None) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": said})

    async with talking(tmp_path, busy) as (api, _server):
        assert (await api.request("GET", "/")).retry_after == seconds
        async with api.stream("/") as stream:
            assert (stream.answer.status, stream.answer.retry_after) == (429, seconds)


def test_a_refusal_is_told_in_the_servers_words() -> None:
    assert message_of(b'{"kind":"Status","message":"services is forbidden"}') == "services is forbidden"
    assert message_of(b"<html>bad gateway\n") == "<html>bad gateway"
    assert Answer(503, b"").message == "HTTP 503"


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with Connection.open(Settings(kubeconfig=kubeconfig(tmp_path, url))) as api:
            with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
                await api.request("GET", "/")
            with pytest.raises(UnreachableError):
                async with api.stream("/"):
                    pass


async def test_a_silent_server_is_unreachable_after_the_time_that_was_given(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with Connection.open(Settings(kubeconfig=kubeconfig(tmp_path, url))) as api:
            with pytest.raises(UnreachableError, match="no answer in time"):
                await api.request("GET", "/", timeout=0.2)


async def streamed(request: web.Request, *chunks: bytes, cut: bool = False) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
        await asyncio.sleep(0.02)
    if cut and request.transport:
        request.transport.abort()
    return response


async def read(api: Connection) -> list[bytes]:
    async with api.stream("/", {"watch": "true"}) as stream:
        assert stream.answer == Answer(200, b"")
        return [line async for lines in stream.batches() for line in lines]


async def test_lines_come_whole_however_they_were_cut(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, b'{"a"', b":", b'1}\n{"b":2}\n{"c', b'":3}\n', b"\n\n", b'{"d":')

    async with talking(tmp_path, handler) as (api, _):
        assert await read(api) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


async def test_lines_that_came_together_are_given_together(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, b"1\n2\n3\n")

    async with talking(tmp_path, handler) as (api, _), api.stream("/") as stream:
        assert [lines async for lines in stream.batches()] == [[b"1", b"2", b"3"]]


async def test_a_broken_stream_gives_what_came_and_says_that_it_broke(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, b"1\n2", cut=True)

    async with talking(tmp_path, handler) as (api, _), api.stream("/") as stream:
        batches = stream.batches()
        assert await anext(batches) == [b"1"]
        with pytest.raises(UnreachableError):
            await anext(batches)


async def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubeapi.connection.MAX_LINE", 10_000)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, *[b"x" * 4_000] * 4)

    async with talking(tmp_path, handler) as (api, _):
        with pytest.raises(UnreachableError, match="more than 10000 bytes"):
            await read(api)


async def test_a_refused_stream_is_its_refusal(tmp_path: Path) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"message": "mappings is forbidden"}, status=403)

    async with talking(tmp_path, handler) as (api, _server), api.stream("/") as stream:
        assert (stream.answer.status, stream.answer.message) == (403, "mappings is forbidden")


async def test_leaving_a_stream_ends_its_connection(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = await streamed(request, b"1\n")
        try:
            while True:
                await response.write(b"2\n")
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with talking(tmp_path, handler) as (api, _):
        async with api.stream("/") as stream:
            async for _lines in stream.batches():
                break
        await asyncio.wait_for(gone.wait(), 10)


@pytest.mark.parametrize("text", ["", "{", "clusters: []", "current-context: c\ncontexts: []\nclusters: []"])
async def test_a_kubeconfig_that_says_nothing_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=str(path)):
        async with Connection.open(Settings(kubeconfig=str(path))):
            pass


async def test_no_kubeconfig_outside_of_a_pod_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigurationError, match="set KUBECONFIG"):
        async with Connection.open(Settings()):
            pass
    with pytest.raises(ConfigurationError, match="there is no file /not/there"):
        async with Connection.open(Settings(kubeconfig="/not/there")):
            pass
