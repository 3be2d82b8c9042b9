"""Services that are asked whether requests may go on: one speaks HTTP, one Envoy's protocol by gRPC. They tell what
they were asked.

Both allow a request whose header `authorization` is `let me in`, and tell the service behind that it is from ann.
"""

from concurrent import futures
from typing import Any

import grpc
from aiohttp import web
from envoy_data_plane.envoy.config.core.v3 import HeaderValue, HeaderValueOption
from envoy_data_plane.envoy.service.auth.v3 import CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse
from envoy_data_plane.envoy.type.v3 import HttpStatus, StatusCode
from envoy_data_plane.google.rpc import Status

from tests.support.scoped import Scoped
from tests.support.upstream import HttpUpstream

ALLOWED = "let me in"


class HttpAuthorization(HttpUpstream):
    """Answers 200, or `refusal` with a body and some headers. What it says of the user goes in both cases."""

    refusal = 401

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await super()._answer(request)
        said = {"x-user": "ann", "x-secret": "of the service", "www-authenticate": "Basic", **self.response_headers}
        if request.headers.get("authorization") == ALLOWED:
            return web.Response(headers=said)
        return web.Response(status=self.refusal, text="who are you?", headers=said)


class GrpcAuthorization(Scoped):
    """`envoy.service.auth.v3.Authorization`; `seen` are the attributes that it was asked about."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.metadata: dict[str, str | bytes] = {}
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(self._check, CheckRequest.parse, bytes)
        handlers = grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler})
        self._server.add_generic_rpc_handlers((handlers,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def service(self) -> str:
        """The address as an AuthService's `auth_service`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait(5)

    def _check(self, request: CheckRequest, context: grpc.ServicerContext) -> CheckResponse:
        attributes = request.attributes
        self.metadata = {each.key: each.value for each in context.invocation_metadata()}
        self.seen.append(attributes)
        headers = [HeaderValueOption(header=HeaderValue(key="x-user", value="ann"))]
        if attributes.request.http.headers.get("authorization") == ALLOWED:
            return CheckResponse(status=Status(), ok_response=OkHttpResponse(headers=headers))
        denied = DeniedHttpResponse(status=HttpStatus(code=StatusCode.Forbidden), headers=headers, body="not you")
        return CheckResponse(status=Status(code=7), denied_response=denied)
