"""LogService: a service that is sent an entry for each request, by Envoy's access log protocol over gRPC."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Final, Literal

from translator.checks import LONGEST_DURATION, Count, HeaderName
from translator.decode import Invalid, Problem, Rule, rule
from translator.emissary.service_names import service as readable
from translator.fields.upstream import StatsNameText
from translator.values import dataclass

_LONGEST: Final = LONGEST_DURATION // 1000


def spoken(version: str) -> str:
    """A version of Envoy's protocols for services; only v3 is spoken."""
    if version != "v3":
        raise Invalid("must be v3: Envoy speaks no other version to services any more")
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalHeader:
    """A header that entries show."""

    header_name: HeaderName = field(metadata=rule("Its name."))
    during_request: bool = field(default=True, metadata=rule("Whether that of the request is shown."))
    during_response: bool = field(default=True, metadata=rule("Whether that of the response is."))
    during_trailer: bool = field(default=True, metadata=rule("Whether that of the response's trailers is."))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverConfig:
    """What entries show beside what they always do."""

    additional_log_headers: tuple[AdditionalHeader, ...] = field(
        default=(), metadata=rule("Headers, with the driver http.", max_size=1000)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogServiceSpec:
    """Who is sent entries, of what, and when."""

    SILENT: ClassVar[frozenset[str]] = frozenset()

    service: str = field(metadata=rule("Where it is: `[scheme://]host[:port]`.", min_size=1, check=readable))
    driver: Literal["tcp", "http"] = field(
        default="http",
        metadata=rule("What entries tell: http, of requests; tcp, of bytes and addresses, also of TCPMappings."),
    )
    driver_config: DriverConfig = field(default=DriverConfig(), metadata=rule("What entries show beside."))
    flush_interval_time: Annotated[int, Rule(minimum=1, maximum=_LONGEST)] = field(
        default=1, metadata=rule("Seconds after which entries are sent.")
    )
    flush_interval_byte_size: Count = field(
        default=16_384, metadata=rule("Bytes of entries at which they are sent; 0: each at once.")
    )
    grpc: bool = field(default=True, metadata=rule("Entries are always sent by gRPC."))
    protocol_version: str = field(default="v3", metadata=rule("Only v3 is spoken.", check=spoken))
    stats_name: StatsNameText | None = field(
        default=None, metadata=rule("The name of the service in Envoy's statistics; the cluster's when absent.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        if not self.grpc:
            yield Problem("grpc", "has no effect: entries are always sent by gRPC", stops=False)
        if self.driver == "tcp" and self.driver_config.additional_log_headers:
            said = "has no effect with the driver tcp, whose entries have no headers"
            yield Problem("driver_config.additional_log_headers", said, stops=False)
