"""gRPC-Web, the form of gRPC that browsers can speak, becomes gRPC.

Source: envoy/extensions/filters/http/grpc_web/v3/grpc_web.proto.
"""

from typing import Final

from envoyapi.http_grpc_web_v3 import GrpcWeb as Message
from translator.filters.part import AS_CONFIGURED, HttpFilter
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class GrpcWeb:
    """Clients may speak gRPC-Web."""


FILTER: Final = HttpFilter(
    name="envoy.filters.http.grpc_web", idle=Message(), switches={GrpcWeb: lambda _: AS_CONFIGURED}
)
