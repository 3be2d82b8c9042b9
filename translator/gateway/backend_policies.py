"""BackendPolicies: how Services are reached. The word for a port wins over that for the Service, field by field."""

from dataclasses import fields, replace
from typing import Any, Final

from translator import ir
from translator.decode import Problem
from translator.features.hash_policy import HashPolicy
from translator.fields.load_balancer import hash_policy_of
from translator.fields.upstream import Upstream, upstream_features
from translator.gateway.attached import WHOLE, Attached
from translator.gateway.conditions import Condition, false, true
from translator.gateway.kinds.backend_policy import BackendPolicySpec, targets_of
from translator.gateway.kinds.shared import Object
from translator.gateway.names import BACKEND_POLICY
from translator.gateway.problems import in_words
from translator.ir import ObjectKey
from translator.kubernetes.tables import Name
from translator.tables import Table, Tables, read
from translator.values import dataclass

_NOTHING: Final = Upstream()
_NAMES: Final = tuple([each.name for each in fields(Upstream)])


@dataclass(frozen=True, slots=True)
class Reach:
    """How a port of a Service is reached; `policies` are those whose word it is."""

    connect_timeout_ms: int | None
    upstream: Upstream
    policies: tuple[ObjectKey, ...]

    def over(self, general: "Reach") -> "Reach":
        """What holds where this is said of less than the general."""
        own, other = self.upstream, general.upstream
        missing: dict[str, Any] = {name: getattr(other, name) for name in _NAMES if getattr(own, name) is None}
        timeout = general.connect_timeout_ms if self.connect_timeout_ms is None else self.connect_timeout_ms
        return Reach(timeout, replace(own, **missing), (*self.policies, *general.policies))

    def of(self, backend: ir.Backend) -> ir.Backend:
        """A backend that is reached so. Of what is passed on as it comes only what is of connections counts."""
        said = self.upstream
        if backend.protocol == "tcp":
            said = Upstream(circuit_breakers=said.circuit_breakers, keepalive=said.keepalive)
        own = replace(said, grpc=backend.protocol == "http2")
        timeout = backend.connect_timeout_ms if self.connect_timeout_ms is None else self.connect_timeout_ms
        return replace(backend, connect_timeout_ms=timeout, features=upstream_features(own, _NOTHING))

    @property
    def hash_policy(self) -> HashPolicy | None:
        """By what of a request its endpoint is chosen."""
        return hash_policy_of(self.upstream.load_balancer)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy says, and whether that is sound."""

    said: Reach
    accepted: Condition
    problems: tuple[Problem, ...] = ()


class BackendPolicies:
    """`judged` are the policies by themselves. The method is for rules that a sweep runs."""

    def __init__(self, tables: Tables, ambassador_id: str) -> None:
        self.attached = Attached(tables, BACKEND_POLICY, BackendPolicySpec, targets_of, ambassador_id)
        self.judged: Table[ObjectKey, Judged] = tables.each("backend policies judged", self.attached.all, _judge)
        self._said: Table[ObjectKey, Reach] = tables.each(
            "what backend policies say", self.judged, lambda _, row: row.said
        )

    def reach(self, service: Name, port: str) -> Reach | None:
        """How a port of a Service is reached, by its name; None: as it is."""
        key = f"core/Service/{'/'.join(service)}"
        general = self._of(key, WHOLE)
        own = self._of(key, port) if port else None
        if own is None or general is None:
            return own or general
        return own.over(general)

    def _of(self, service: ObjectKey, section: str) -> Reach | None:
        owner = self.attached.owner((service, section))
        return None if owner is None else read(self._said, owner)


def _judge(key: ObjectKey, row: Object[BackendPolicySpec]) -> Judged:
    spec = row.spec
    if spec is None or row.is_held:
        wrong = true("Accepted") if spec else false("Accepted", "Invalid", in_words(row.problems))
        return Judged(Reach(None, _NOTHING, (key,)), wrong)
    upstream = Upstream(
        circuit_breakers=spec.circuit_breakers,
        keepalive=spec.keepalive,
        cluster_idle_timeout_ms=spec.cluster_idle_timeout_ms,
        cluster_max_connection_lifetime_ms=spec.cluster_max_connection_lifetime_ms,
        load_balancer=spec.load_balancer,
        health_checks=spec.health_checks,
        outlier_detection=spec.outlier_detection,
    )
    return Judged(Reach(spec.connect_timeout_ms, upstream, (key,)), true("Accepted"))
