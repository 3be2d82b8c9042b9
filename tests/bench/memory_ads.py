"""What our control plane is compared with when endpoints churn: an ADS server that has every answer in memory.

It decides nothing, compares nothing and keeps no order: what Envoy asks for is sent, and what is to change is sent at
once, many resources a response, encoded before. So it is as fast as Envoy takes what it is given.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import grpc
import grpc.aio

from adsserver.resources import KIND_OF_TYPE_URL, Entry, Kind
from adsserver.server import METHOD, SERVICE
from envoyapi.reading import delta_discovery_request
from envoyapi.service_discovery_v3 import DeltaDiscoveryResponse
from tests.support.scoped import Scoped

BATCH = 512
WILD = (Kind.CLUSTER, Kind.LISTENER)


class MemoryAds(Scoped):
    """Serves these resources, by kind and name, to one Envoy. A context manager."""

    def __init__(self, socket: Path, resources: Mapping[Kind, Mapping[str, Entry]]) -> None:
        self._socket = socket
        self._resources = {kind: dict(named) for kind, named in resources.items()}
        self._loop = asyncio.new_event_loop()
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._unanswered: set[str] = set()
        self._answered = asyncio.Event()
        self._nonce = 0
        self._refusals: list[str] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def close(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._server.stop(grace=None), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    async def _listen(self) -> None:
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        delta = grpc.stream_stream_rpc_method_handler(self._serve)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: delta}),))
        self._server.add_insecure_port(f"unix:{self._socket}")
        await self._server.start()

    def encoded(self, entries: Iterable[Entry]) -> list[tuple[str, bytes]]:
        """Responses with these load assignments, each with its nonce; made before anybody looks at a clock."""
        return self._responses(Kind.ENDPOINT, list(entries))

    def push(self, responses: Sequence[tuple[str, bytes]]) -> None:
        """Send these; returns when Envoy has accepted all. RuntimeError when it refused one."""
        asyncio.run_coroutine_threadsafe(self._push(responses), self._loop).result(120)
        if self._refusals:
            raise RuntimeError(self._refusals[0])

    async def _push(self, responses: Sequence[tuple[str, bytes]]) -> None:
        self._answered.clear()
        for nonce, body in responses:
            self._unanswered.add(nonce)
            self._outgoing.put_nowait(body)
        await self._answered.wait()

    def _responses(self, kind: Kind, entries: Sequence[Entry]) -> list[tuple[str, bytes]]:
        made = []
        for first in range(0, max(1, len(entries)), BATCH):
            self._nonce += 1
            portion = [entry.wire for entry in entries[first : first + BATCH]]
            message = DeltaDiscoveryResponse(resources=portion, type_url=kind.type_url, nonce=str(self._nonce))
            made.append((str(self._nonce), bytes(message)))
        return made

    async def _serve(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        writing = asyncio.ensure_future(self._write(context))
        seen: set[Kind] = set()
        async for data in requests:
            request = delta_discovery_request(data)
            kind = KIND_OF_TYPE_URL[request.type_url]
            if request.error:
                self._refusals.append(request.error[1])
            if request.response_nonce in self._unanswered:
                self._unanswered.discard(request.response_nonce)
                if not self._unanswered:
                    self._answered.set()
            there = self._resources.get(kind, {})
            wanted = list(there) if kind in WILD and kind not in seen else request.subscribe
            if request.subscribe or kind not in seen:
                for _, body in self._responses(kind, [there[name] for name in wanted if name in there]):
                    self._outgoing.put_nowait(body)
            seen.add(kind)
        writing.cancel()

    async def _write(self, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        while True:
            await context.write(await self._outgoing.get())
