"""An entry for each request, or each connection, that a service of Envoy's access log protocol (ALS) is sent."""

from typing import Literal

from envoyapi.access_loggers_grpc_v3 import (
    CommonGrpcAccessLogConfig,
    HttpGrpcAccessLogConfig,
    TcpGrpcAccessLogConfig,
)
from envoyapi.config_accesslog_v3 import AccessLog
from envoyapi.config_core_v3 import ApiVersion, GrpcService, GrpcServiceEnvoyGrpc
from envoyapi.type_matcher_v3 import StringMatcher
from envoyapi.wire import any_of, duration_ms
from translator.features.http.access_log import which
from translator.features.http.part import Named, Part
from translator.ir import Backend, marks
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class GrpcLog:
    """Entries go out when there are `flush_bytes` of them, or after `flush_ms`.

    `kind`: an entry tells of a request with its headers, or of bytes and addresses alone. The headers are those that an
    entry has beside its own.
    """

    name: str
    backend: Backend
    kind: Literal["http", "tcp"] = "http"
    flush_ms: int = 1000
    flush_bytes: int = 16_384
    request_headers: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()
    response_trailers: tuple[str, ...] = ()


def part(log: GrpcLog, named: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    return Part(access_log=(access_log(log, named),))


def access_log(log: GrpcLog, named: Named) -> AccessLog:
    """The log, for whatever part of Envoy has some."""
    common = CommonGrpcAccessLogConfig(
        log_name=log.name,
        grpc_service=GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=named(log.backend))),
        buffer_flush_interval=duration_ms(log.flush_ms),
        buffer_size_bytes=log.flush_bytes,
        transport_api_version=ApiVersion.V3,
    )
    if log.kind == "tcp":
        envoys = any_of(TcpGrpcAccessLogConfig(common_config=common))
        return AccessLog(name="envoy.access_loggers.tcp_grpc", typed_config=envoys)
    envoys = any_of(
        HttpGrpcAccessLogConfig(
            common_config=common,
            additional_request_headers_to_log=log.request_headers,
            additional_response_headers_to_log=log.response_headers,
            additional_response_trailers_to_log=log.response_trailers,
        )
    )
    told = which(StringMatcher(prefix=marks.LINE), unmarked=True)
    return AccessLog(name="envoy.access_loggers.http_grpc", filter=told, typed_config=envoys)
