"""Endpoints are asked how they are, and those that are not well get no requests while enough others are."""

from envoyapi.config_core_v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    HealthCheckGrpcHealthCheck,
    HealthCheckHttpHealthCheck,
)
from envoyapi.config_core_v3 import HealthCheck as EnvoyHealthCheck
from envoyapi.type_v3 import CodecClientType, Int64Range
from envoyapi.wire import duration_ms
from translator.features.upstream.part import Part
from translator.values import dataclass

_APPEND = HeaderValueOptionHeaderAppendAction.APPEND_IF_EXISTS_OR_ADD
_OVERWRITE = HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
_ANY_STATUS = Int64Range(start=100, end=600)


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """A GET of `path`, whose answer must have one of `statuses`: pairs of the first and the last; empty means 200.

    `added` headers are a name, a value, and whether it is added to what is there. `host` empty is the cluster's name.
    """

    path: str
    host: str = ""
    added: tuple[tuple[str, str, bool], ...] = ()
    removed: tuple[str, ...] = ()
    statuses: tuple[tuple[int, int], ...] = ()
    http2: bool = False


@dataclass(frozen=True, slots=True)
class GrpcCheck:
    """The question of gRPC's own health protocol, for one service of the server; it needs a backend of HTTP/2."""

    service: str
    authority: str = ""


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """How endpoints are asked, and how often in a row they must answer so to count as well, or as not."""

    check: HttpCheck | GrpcCheck
    timeout_ms: int = 3_000
    interval_ms: int = 5_000
    unhealthy_threshold: int = 2
    healthy_threshold: int = 1


def part(checks: HealthChecks) -> Part:
    """What Envoy's Cluster says of it.

    Envoy would ask once a minute before the first request, and keep endpoints that are gone as long as they answer.
    """
    check = checks.check
    interval = duration_ms(checks.interval_ms)
    said = EnvoyHealthCheck(
        timeout=duration_ms(checks.timeout_ms),
        interval=interval,
        no_traffic_interval=interval,
        unhealthy_threshold=checks.unhealthy_threshold,
        healthy_threshold=checks.healthy_threshold,
        http_health_check=_http(check) if isinstance(check, HttpCheck) else None,
        grpc_health_check=_grpc(check) if isinstance(check, GrpcCheck) else None,
    )
    return Part(cluster={"health_checks": [said], "ignore_health_on_host_removal": True})


def _http(check: HttpCheck) -> HealthCheckHttpHealthCheck:
    """One answer with another status would be enough for Envoy: what is retriable counts towards the threshold."""
    return HealthCheckHttpHealthCheck(
        path=check.path,
        host=check.host,
        request_headers_to_add=[
            HeaderValueOption(
                header=HeaderValue(key=name, value=value),
                append_action=_APPEND if append else _OVERWRITE,
                keep_empty_value=not value,
            )
            for name, value, append in check.added
        ],
        request_headers_to_remove=check.removed,
        expected_statuses=[Int64Range(start=first, end=last + 1) for first, last in check.statuses],
        retriable_statuses=[_ANY_STATUS],
        codec_client_type=CodecClientType.HTTP2 if check.http2 else None,
    )


def _grpc(check: GrpcCheck) -> HealthCheckGrpcHealthCheck:
    return HealthCheckGrpcHealthCheck(service_name=check.service, authority=check.authority)
