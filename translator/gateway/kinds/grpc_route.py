"""GRPCRoute: which calls go where.

Source: Gateway API v1.7.0, GRPCRoute v1.
"""

import re
from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Final

from translator.decode import Problem, Rule, rule
from translator.gateway.kinds.filters import Filter, checked_filters
from translator.gateway.kinds.http_route import MOST_MATCHES, BackendRef, HeaderMatch, MatchType
from translator.gateway.kinds.sessions import SessionPersistence
from translator.gateway.kinds.shared import (
    DefaultScope,
    Hostname,
    ParentRef,
    SectionName,
    checked_parents,
    unique_names,
)
from translator.values import dataclass

_SERVICE: Final = re.compile(r"(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*")
_METHOD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodMatch:
    """What is called."""

    OPEN: ClassVar[bool] = True

    type: MatchType = "Exact"
    service: Annotated[str, Rule(max_size=1024)] | None = None
    method: Annotated[str, Rule(max_size=1024)] | None = None

    def cross_check(self) -> Iterable[Problem]:
        """Something is asked, and names are names."""
        if not self.service and not self.method:
            yield Problem("service", "must be given, or method")
        if self.type == "Exact":
            if self.service and not _SERVICE.fullmatch(self.service):
                yield Problem("service", "must be the name of a service")
            if self.method and not _METHOD.fullmatch(self.method):
                yield Problem("method", "must be the name of a method")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcMatch:
    """What a call must be, all of it."""

    OPEN: ClassVar[bool] = True

    method: MethodMatch | None = None
    headers: Annotated[tuple[HeaderMatch, ...], Rule(max_size=16)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcRule:
    """Some calls, and where they go."""

    OPEN: ClassVar[bool] = True

    name: SectionName | None = None
    matches: Annotated[tuple[GrpcMatch, ...], Rule(max_size=64)] = ()
    filters: Annotated[tuple[Filter, ...], Rule(max_size=16)] = ()
    backend_refs: Annotated[tuple[BackendRef, ...], Rule(max_size=16)] = field(
        default=(), metadata=rule(name="backendRefs")
    )
    session_persistence: SessionPersistence | None = field(default=None, metadata=rule(name="sessionPersistence"))

    def cross_check(self) -> Iterable[Problem]:
        """What a rule's parts say of each other."""
        yield from checked_filters(self.filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class GRPCRouteSpec:
    """What a GRPCRoute says."""

    OPEN: ClassVar[bool] = True

    parent_refs: Annotated[tuple[ParentRef, ...], Rule(max_size=32)] = field(
        default=(), metadata=rule(name="parentRefs")
    )
    use_default_gateways: DefaultScope = field(default="None", metadata=rule(name="useDefaultGateways"))
    hostnames: Annotated[tuple[Hostname, ...], Rule(max_size=16)] = ()
    rules: Annotated[tuple[GrpcRule, ...], Rule(max_size=16)] = ()

    def cross_check(self) -> Iterable[Problem]:
        """What its parts say of each other."""
        yield from checked_parents(self.parent_refs)
        yield from unique_names(((place, each.name) for place, each in enumerate(self.rules)), "rules")
        if sum(len(each.matches) for each in self.rules) > MOST_MATCHES:
            yield Problem("rules", f"must have at most {MOST_MATCHES} matches together")
