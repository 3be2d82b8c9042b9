"""Plays the part of a service that speaks TLS, by the certificate beside it. server.py 127.0.0.1:50051."""

import ssl
import sys
from pathlib import Path

from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    """In which version of TLS the request came."""
    secured = request.transport.get_extra_info("ssl_object") if request.transport else None
    return web.Response(text=f"by {secured.version() if secured else 'nothing'}\n")


def main(address: str) -> None:
    """Answer until it is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here = Path(__file__)
    context.load_cert_chain(here.with_name("server.crt"), here.with_name("server.key"))
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    host, _, port = address.rpartition(":")
    web.run_app(app, host=host, port=int(port), ssl_context=context, print=None)


if __name__ == "__main__":
    main(sys.argv[1])
