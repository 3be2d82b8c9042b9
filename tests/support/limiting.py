"""A service that counts requests, as Envoy asks it by gRPC: it tells by what it counted them."""

import time
from concurrent import futures

import grpc
from envoy_data_plane.envoy.config.core.v3 import HeaderValue
from envoy_data_plane.envoy.service.ratelimit.v3 import RateLimitRequest, RateLimitResponse, RateLimitResponseCode

from tests.support.scoped import Scoped

Descriptor = tuple[tuple[str, str], ...]
"""The keys and values of a descriptor's entries, in their order."""


class RateLimiter(Scoped):
    """`envoy.service.ratelimit.v3.RateLimitService`; `seen` are the domain and descriptors of each request.

    A request is too many when one of its descriptors is in `full`. `delay`: seconds until it answers.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[Descriptor]]] = []
        self.full: set[Descriptor] = set()
        self.delay = 0.0
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(self._count, RateLimitRequest.parse, bytes)
        name = "envoy.service.ratelimit.v3.RateLimitService"
        handlers = grpc.method_handlers_generic_handler(name, {"ShouldRateLimit": handler})
        self._server.add_generic_rpc_handlers((handlers,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def service(self) -> str:
        """The address as a RateLimitService's `service`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait(5)

    def _count(self, request: RateLimitRequest, _: grpc.ServicerContext) -> RateLimitResponse:
        descriptors = [tuple((each.key, each.value) for each in one.entries) for one in request.descriptors]
        time.sleep(self.delay)
        self.seen.append((request.domain, descriptors))
        too_many = not self.full.isdisjoint(descriptors)
        return RateLimitResponse(
            overall_code=RateLimitResponseCode.OVER_LIMIT if too_many else RateLimitResponseCode.OK,
            response_headers_to_add=[HeaderValue(key="x-counted", value=str(len(descriptors)))],
        )
