"""HTTPRoute: which requests go where.

Source: Gateway API v1.7.0, HTTPRoute v1.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Annotated, ClassVar, Final, Literal

from translator.checks import Count, Duration, plain_text
from translator.decode import Problem, Rule, rule
from translator.gateway.kinds.filters import Filter, HeaderName, HeaderValue, PathModifier, checked_filters
from translator.gateway.kinds.sessions import SessionPersistence
from translator.gateway.kinds.shared import (
    BackendObjectRef,
    DefaultScope,
    Hostname,
    ParentRef,
    SectionName,
    checked_parents,
    unique_names,
)
from translator.values import dataclass

MOST_MATCHES: Final = 128
_SIGNS: Final = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_NOT_INSIDE: Final = ("//", "/./", "/../", "%2f", "%2F", "#")
_NOT_LAST: Final = ("/..", "/.")

MatchType = Literal["Exact", "RegularExpression"]
Weight = Annotated[int, Rule(minimum=0, maximum=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMatch:
    """What the path must be."""

    OPEN: ClassVar[bool] = True

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: Annotated[str, Rule(max_size=1024, check=plain_text)] = "/"

    def cross_check(self) -> Iterable[Problem]:
        """A path is a path."""
        if self.type == "RegularExpression":
            return
        if not self.value.startswith("/"):
            yield Problem("value", "must begin with /")
        for wrong in _NOT_INSIDE:
            if wrong in self.value:
                yield Problem("value", f"must not contain {wrong}")
        for wrong in _NOT_LAST:
            if self.value.endswith(wrong):
                yield Problem("value", f"must not end with {wrong}")
        if not _SIGNS.fullmatch(self.value):
            yield Problem("value", "must hold only what a path may hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderMatch:
    """What a header must be."""

    OPEN: ClassVar[bool] = True

    type: MatchType = "Exact"
    name: HeaderName
    value: HeaderValue


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryMatch:
    """What a query parameter must be."""

    OPEN: ClassVar[bool] = True

    type: MatchType = "Exact"
    name: HeaderName
    value: Annotated[str, Rule(min_size=1, max_size=1024, check=plain_text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a request must be, all of it."""

    OPEN: ClassVar[bool] = True

    path: PathMatch = PathMatch()
    headers: Annotated[tuple[HeaderMatch, ...], Rule(max_size=16)] = ()
    query_params: Annotated[tuple[QueryMatch, ...], Rule(max_size=16)] = field(
        default=(), metadata=rule(name="queryParams")
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendRef(BackendObjectRef):
    """A share of the requests, and what is done with it beside."""

    OPEN: ClassVar[bool] = True

    weight: Weight = 1
    filters: Annotated[tuple[Filter, ...], Rule(max_size=16)] = ()

    def cross_check(self) -> Iterable[Problem]:
        """What holds of both."""
        yield from BackendObjectRef.cross_check(self)
        yield from checked_filters(self.filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long is waited, in milliseconds; 0 for ever."""

    OPEN: ClassVar[bool] = True

    request: Duration | None = None
    backend_request: Duration | None = field(default=None, metadata=rule(name="backendRequest"))

    def cross_check(self) -> Iterable[Problem]:
        """A try takes no longer than all of them."""
        if self.request and self.backend_request and self.backend_request > self.request:
            yield Problem("backendRequest", "must be at most request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a request is sent again."""

    OPEN: ClassVar[bool] = True

    codes: tuple[Annotated[int, Rule(minimum=400, maximum=599)], ...] = ()
    attempts: Count | None = None
    backoff: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRule:
    """Some requests, and where they go."""

    OPEN: ClassVar[bool] = True

    name: SectionName | None = None
    matches: Annotated[tuple[Match, ...], Rule(max_size=64)] = ()
    filters: Annotated[tuple[Filter, ...], Rule(max_size=16)] = ()
    backend_refs: Annotated[tuple[BackendRef, ...], Rule(max_size=16)] = field(
        default=(), metadata=rule(name="backendRefs")
    )
    timeouts: Timeouts = Timeouts()
    retry: Retry | None = None
    session_persistence: SessionPersistence | None = field(default=None, metadata=rule(name="sessionPersistence"))

    def cross_check(self) -> Iterable[Problem]:
        """What a rule's parts say of each other."""
        yield from checked_filters(self.filters)
        if self.backend_refs and any(each.type == "RequestRedirect" for each in self.filters):
            yield Problem("filters", "must not have RequestRedirect beside backendRefs")
        if self._replaces_prefix() and not (
            len(self.matches or (Match(),)) == 1 and (self.matches or (Match(),))[0].path.type == "PathPrefix"
        ):
            yield Problem("filters", "may have ReplacePrefixMatch only beside exactly one match, by PathPrefix")

    def _replaces_prefix(self) -> bool:
        return any(
            path is not None and path.type == "ReplacePrefixMatch"
            for each in self._all_filters()
            for path in _paths(each)
        )

    def _all_filters(self) -> Iterator[Filter]:
        yield from self.filters
        for backend in self.backend_refs:
            yield from backend.filters


def _paths(each: Filter) -> Iterator[PathModifier | None]:
    if each.url_rewrite is not None:
        yield each.url_rewrite.path
    if each.request_redirect is not None:
        yield each.request_redirect.path


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPRouteSpec:
    """What an HTTPRoute says."""

    OPEN: ClassVar[bool] = True

    parent_refs: Annotated[tuple[ParentRef, ...], Rule(max_size=32)] = field(
        default=(), metadata=rule(name="parentRefs")
    )
    use_default_gateways: DefaultScope = field(default="None", metadata=rule(name="useDefaultGateways"))
    hostnames: Annotated[tuple[Hostname, ...], Rule(max_size=16)] = ()
    rules: Annotated[tuple[RouteRule, ...], Rule(min_size=1, max_size=16)] = (RouteRule(),)

    def cross_check(self) -> Iterable[Problem]:
        """What its parts say of each other."""
        yield from checked_parents(self.parent_refs)
        yield from unique_names(((place, each.name) for place, each in enumerate(self.rules)), "rules")
        if sum(len(each.matches) for each in self.rules) > MOST_MATCHES:
            yield Problem("rules", f"must have at most {MOST_MATCHES} matches together")
