"""Plays the part of a Zipkin that the guide needs: it takes spans, and shows them. server.py 127.0.0.1:9411."""

import json
import sys
from functools import partial
from typing import Any

from aiohttp import web

traces: dict[str, list[Any]] = {}


async def take(request: web.Request) -> web.Response:
    """Keep the spans."""
    for span in await request.json():
        traces.setdefault(span["traceId"], []).append(span)
    return web.Response(status=202)


async def show(_: web.Request) -> web.Response:
    """All spans, trace by trace."""
    return web.json_response(list(traces.values()), dumps=partial(json.dumps, separators=(",", ":")))


app = web.Application()
app.add_routes([web.post("/api/v2/spans", take), web.get("/api/v2/traces", show)])
address, _, port = sys.argv[1].rpartition(":")
web.run_app(app, host=address, port=int(port), print=None)
