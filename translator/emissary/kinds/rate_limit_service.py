"""RateLimitService: a service that counts requests, and says which are too many."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Literal

from translator.checks import Milliseconds, PlainText
from translator.decode import Problem, Rule, rule
from translator.emissary.service_names import service
from translator.fields.upstream import StatsNameText
from translator.values import dataclass

TIMEOUT_MS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Grpc:
    """What clients that speak gRPC are told."""

    use_resource_exhausted_code: bool = field(
        default=False, metadata=rule("Requests that are too many get RESOURCE_EXHAUSTED (8), not UNAVAILABLE (14).")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitServiceSpec:
    """A service that counts requests, and says which are too many."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"v2ExplicitTLS"})

    service: str = field(metadata=rule("The service: `[scheme://]host[:port]`.", min_size=1, check=service))
    domain: Annotated[PlainText, Rule(min_size=1)] | None = field(
        default=None, metadata=rule("Whose labels count; the Module's default_label_domain when absent.")
    )
    timeout_ms: Milliseconds = field(default=TIMEOUT_MS, metadata=rule("How long it may take; 0 is no limit."))
    tls: PlainText | None = field(default=None, metadata=rule("The TLSContext to speak TLS to the service with."))
    protocol_version: Literal["v2", "v3"] = field(
        default="v2", metadata=rule("The version of Envoy's protocol; only v3 is spoken, and it must be said.")
    )
    failure_mode_deny: bool = field(
        default=False, metadata=rule("When nobody can say how many there are: answer 500; false: let them through.")
    )
    grpc: Grpc | None = field(default=None, metadata=rule("What clients that speak gRPC are told."))
    stats_name: StatsNameText | None = field(
        default=None, metadata=rule("The name of the service in Envoy's statistics; the cluster's when absent.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """Envoy has one version of its protocol."""
        if self.protocol_version != "v3":
            yield Problem("protocol_version", "must be v3: Envoy speaks no other version")
