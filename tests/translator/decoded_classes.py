"""Classes to decode into, with everything in them that a field can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NewType

from translator.decode import FrozenMap, Invalid, Problem, Rule, decode, rule

Name = NewType("Name", str)

Word = Annotated[str, Rule(pattern="[a-z]+", hint="a word in lower case")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a request is tried again.

    More about it that no user reads.
    """

    retry_on: Literal["5xx", "gateway-error"] = field(metadata=rule("Which answers are tried again."))
    num_retries: int | None = field(default=None, metadata=rule("How often.", minimum=0, maximum=10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    match_labels: Mapping[str, str] = field(metadata=rule(name="matchLabels", min_size=1))


def comma_separated(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        raise Invalid("must be a text with commas")
    if value.endswith(","):
        raise Invalid("has an empty part", at=f"[{value.count(',')}]")
    if value == "old":
        raise Invalid("is not used any more", stops=False)
    return tuple(value.split(","))


def even(value: int) -> int:
    if value % 2:
        raise Invalid(f"must be even, not {value}")
    return value


def secret_of(value: object) -> object:
    """Either a name, or an object with one."""
    return {"name": value} if isinstance(value, str) else decode(Secret, value, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping_:  # noqa: N801  the kind's name, but for Python's own
    """One route."""

    prefix: str = field(metadata=rule("The beginning of the path.", min_size=1))
    service: Name = field(metadata=rule("Where requests go."))
    timeout_ms: int | None = field(default=None, metadata=rule("How long.", minimum=0))
    weight: int = field(default=1, metadata=rule(check=even, minimum=0))
    share: float | None = field(default=None, metadata=rule(maximum=1))
    grpc: bool | None = None
    ids: str | tuple[str, ...] | None = None
    port: int | str | None = None
    headers: Mapping[Word, str | bool] = field(default_factory=FrozenMap)
    hosts: tuple[Word, ...] = ()
    retry_policy: RetryPolicy | None = None
    policies: tuple[RetryPolicy, ...] | None = field(default=None, metadata=rule(max_size=2))
    tls_secret: object = field(default=None, metadata=rule(name="tlsSecret", convert=secret_of))
    selector: Selector | None = field(default=None, metadata=rule(name="mappingSelector", aliases=("selector",)))
    methods: tuple[str, ...] = field(
        default=(), metadata=rule(convert=comma_separated, schema={"type": "string"}, warn="is deprecated")
    )
    labels: object = None


SMALL = {"prefix": "/a", "service": "a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    host_redirect: bool = False
    path: str | None = None
    port: int | None = None

    def cross_check(self) -> Iterable[Problem]:
        if self.path and not self.host_redirect:
            yield Problem("path", "needs host_redirect")
        if self.port == 80:
            yield Problem("", "is a long way to say http", stops=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    redirects: tuple[Redirect, ...] = ()
