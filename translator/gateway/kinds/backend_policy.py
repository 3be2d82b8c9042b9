"""BackendPolicy: how a Service, or one of its ports, is reached, wherever a route leads there.

Its fields are those of a Mapping. What is not said leaves things as they are.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Any, ClassVar

from translator.checks import LONGEST_DURATION, Milliseconds
from translator.decode import Problem, Validation, rule
from translator.fields.health_checks import HealthCheck, health_problems
from translator.fields.load_balancer import LoadBalancer
from translator.fields.outlier_detection import OutliersGiven
from translator.fields.upstream import Breakers, KeepaliveSpec, Lifetime
from translator.gateway.kinds.targets import ONCE, ServiceTarget, ServiceTargets, targets_left, twice
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendPolicySpec:
    """How a Service is reached."""

    STRICT: ClassVar[bool] = True
    SILENT: ClassVar[frozenset[str]] = frozenset()
    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (ONCE,)

    target_refs: ServiceTargets = field(
        metadata=rule("The Services that it is about, of its own namespace, or ports of theirs.", name="targetRefs")
    )
    connect_timeout_ms: int | None = field(
        default=None,
        metadata=rule(
            "How long a connection to the Service may take; 3000 when absent.", minimum=1, maximum=LONGEST_DURATION
        ),
    )
    circuit_breakers: Breakers | None = field(default=None, metadata=rule("How much the Service is asked at once."))
    keepalive: KeepaliveSpec | None = field(default=None, metadata=rule("TCP's questions to a silent Service."))
    cluster_idle_timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("How long a connection to the Service is kept without requests; 0 is no limit.")
    )
    cluster_max_connection_lifetime_ms: Lifetime | None = field(
        default=None, metadata=rule("How long a connection to the Service is used for new requests.")
    )
    load_balancer: LoadBalancer | None = field(
        default=None, metadata=rule("Which endpoint gets a request; one after the other when absent.")
    )
    health_checks: tuple[HealthCheck, ...] | None = field(
        default=None,
        metadata=rule(
            "How endpoints are asked whether they are well; the first that can be used counts, one in gRPC only where"
            " HTTP/2 is spoken with the Service."
        ),
    )
    outlier_detection: OutliersGiven = field(
        default=None, metadata=rule("When an endpoint gets no requests for a while: Envoy's settings, or their JSON.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from twice(self.target_refs)
        if self.health_checks:  # one in gRPC is for a Service that is called, the others for one that is asked
            asked = {each.path for each in health_problems(self.health_checks, grpc=False)}
            yield from (each for each in health_problems(self.health_checks, grpc=True) if each.path in asked)


def targets_of(spec: dict[str, Any]) -> tuple[ServiceTarget, ...]:
    """The targets of a policy that is stopped."""
    return targets_left(ServiceTarget, spec)
