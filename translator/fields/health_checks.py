"""`health_checks`: endpoints that do not answer well get no requests."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated

from translator.checks import (
    MOST_HEADERS,
    Count,
    EditedHeaderName,
    HeaderFormat,
    HeaderText,
    duration_ms,
    plain_text,
)
from translator.decode import Invalid, Problem, Rule, quote, rule
from translator.features.upstream.health_checks import GrpcCheck, HealthChecks, HttpCheck
from translator.fields.header_edits import AddedHeader
from translator.values import dataclass

_Threshold = Annotated[Count, Rule(minimum=1)]
_Status = Annotated[int, Rule(minimum=100, maximum=599)]


def _some_time(value: object) -> int:
    milliseconds = duration_ms(value)
    if milliseconds == 0:
        raise Invalid(f"must be longer than nothing, not {quote(str(value))}")
    return milliseconds


Time = Annotated[int, Rule(convert=_some_time, schema={"type": "string", "minLength": 1})]
"""A duration text that is not 0."""


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise Invalid(f"must begin with /, not {quote(text)}")
    return plain_text(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """A range of statuses, both ends of which are in it."""

    min: _Status = field(metadata=rule("The first."))
    max: _Status = field(metadata=rule("The last."))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHealthCheck:
    """A question in HTTP."""

    path: str = field(metadata=rule("The path that is asked for; a query may follow it.", check=_path))
    hostname: HeaderText = field(default="", metadata=rule("The Host header; the cluster's name when absent."))
    add_request_headers: Mapping[EditedHeaderName, AddedHeader | HeaderFormat] | None = field(
        default=None, metadata=rule("Headers of the question.", max_size=MOST_HEADERS)
    )
    remove_request_headers: tuple[EditedHeaderName, ...] = field(
        default=(), metadata=rule("Headers that Envoy would send and should not.")
    )
    expected_statuses: tuple[Statuses, ...] = field(
        default=(), metadata=rule("Statuses of the answer that are good; 200 when absent.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """A range that is upside down is left out."""
        for index, each in enumerate(self.expected_statuses):
            if each.min > each.max:
                said = f"must not be less than min, which is {each.min}, but is {each.max}: the range is left out"
                yield Problem(f"expected_statuses[{index}].max", said, stops=False)

    def check(self, *, http2: bool) -> HttpCheck:
        """The same for the cluster."""
        added = [
            (name, header, True) if isinstance(header, str) else (name, header.value, header.append)
            for name, header in sorted((self.add_request_headers or {}).items())
        ]
        statuses = tuple([(each.min, each.max) for each in self.expected_statuses if each.min <= each.max])
        return HttpCheck(self.path, self.hostname, tuple(added), self.remove_request_headers, statuses, http2)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcHealthCheck:
    """A question in gRPC's health protocol."""

    upstream_name: HeaderText = field(metadata=rule("The service of the server that is asked after."))
    authority: HeaderText = field(default="", metadata=rule("The `:authority` header; the cluster's name when absent."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What endpoints are asked: one of the two."""

    http: HttpHealthCheck | None = field(default=None, metadata=rule("In HTTP."))
    grpc: GrpcHealthCheck | None = field(default=None, metadata=rule("In gRPC; the Mapping has `grpc: true`."))


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How endpoints are asked whether they are well."""

    timeout: Time = field(default=3_000, metadata=rule("How long an answer may take, such as 3s."))
    interval: Time = field(default=5_000, metadata=rule("How long to wait between questions, such as 5s."))
    unhealthy_threshold: _Threshold = field(
        default=2, metadata=rule("After how many bad answers in a row an endpoint gets no requests.")
    )
    healthy_threshold: _Threshold = field(
        default=1, metadata=rule("After how many good answers in a row it gets requests again.")
    )
    health_check: Question = field(metadata=rule("What is asked."))


def health_problems(checks: tuple[HealthCheck, ...], *, grpc: bool) -> Iterable[Problem]:
    """Why checks are left out; the Mapping is served all the same."""
    used = _used(checks, grpc=grpc)
    for index, check in enumerate(checks):
        why = _unusable(check, grpc=grpc)
        if why is None and check is not used:
            why = f"is left out: endpoints are asked in one way, that of health_checks[{checks.index(used or check)}]"
        if why is not None:
            yield Problem(f"health_checks[{index}].health_check", why, stops=False)


def health_checks_of(checks: tuple[HealthCheck, ...] | None, *, grpc: bool) -> HealthChecks | None:
    """What a backend is told: the first check that can be used."""
    used = _used(checks or (), grpc=grpc)
    if used is None:
        return None
    question: HttpCheck | GrpcCheck | None = None
    if used.health_check.http:
        question = used.health_check.http.check(http2=grpc)
    elif used.health_check.grpc:
        question = GrpcCheck(used.health_check.grpc.upstream_name, used.health_check.grpc.authority)
    if question is None:
        return None
    return HealthChecks(question, used.timeout, used.interval, used.unhealthy_threshold, used.healthy_threshold)


def _used(checks: tuple[HealthCheck, ...], *, grpc: bool) -> HealthCheck | None:
    return next((check for check in checks if _unusable(check, grpc=grpc) is None), None)


def _unusable(check: HealthCheck, *, grpc: bool) -> str | None:
    asked = check.health_check
    if (asked.http is None) == (asked.grpc is None):
        return f"must have one of http and grpc, not {'both' if asked.http else 'none'}: it is left out"
    if asked.grpc and not grpc:
        return "is left out: gRPC is asked by HTTP/2, and the Mapping does not say grpc: true"
    return None
