"""gRPC for clients that speak HTTP/1.1: Envoy puts the trailers of answers where such a client can see them.

Source: envoy/extensions/filters/http/grpc_http1_bridge/v3/config.proto.
"""

from typing import Final

from envoyapi.http_grpc_http1_bridge_v3 import Config
from translator.filters.part import AS_CONFIGURED, HttpFilter
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class GrpcBridge:
    """Clients may speak gRPC by HTTP/1.1."""


FILTER: Final = HttpFilter(
    name="envoy.filters.http.grpc_http1_bridge", idle=Config(), switches={GrpcBridge: lambda _: AS_CONFIGURED}
)
