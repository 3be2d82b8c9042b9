"""Which Mappings are alike: those that ask the same of a request are one group, and divide its requests.

The key of a group holds everything that is asked: also whether a path is exact or a regular expression, and which texts
are regular expressions, which Emissary forgets, so that it confuses Mappings that mean different things. It also holds
which Hosts' selectors choose the Mapping, so that canaries of two Hosts stay apart.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, Literal

from translator.decode import Problem
from translator.emissary.kinds.mapping import AUTHORITY, MappingSpec
from translator.emissary.precedence import Constraint, PathKind
from translator.kubernetes.selectors import Selector
from translator.remembering import shared
from translator.values import dataclass

GroupKey = str


@dataclass(frozen=True, slots=True)
class HostPattern:
    """The hosts that a Mapping asks for: a name, possibly a glob, or a regular expression."""

    kind: Literal["glob", "regex"]
    text: str


@dataclass(frozen=True, slots=True)
class Demands:
    """What a Mapping asks of a request, in an order that does not depend on how it was written."""

    path_kind: PathKind
    prefix: str
    host: HostPattern | None
    headers: tuple[Constraint, ...]
    queries: tuple[Constraint, ...]
    precedence: int

    def all_headers(self) -> tuple[Constraint, ...]:
        """The headers with the host among them, which is one to Envoy."""
        if self.host is None:
            return self.headers
        return (*self.headers, Constraint(AUTHORITY, self.host.text, self.host.kind == "regex"))


_ASKED: Final = attrgetter("headers", "regex_headers", "method", "query_parameters", "regex_query_parameters")
_NOTHING_ASKED: Final = (None, None, None, None, None)


def demands_of(spec: MappingSpec) -> Demands:
    """What a Mapping asks of a request."""
    kind: PathKind = "regex" if spec.prefix_regex else "exact" if spec.prefix_exact else "prefix"
    if _ASKED(spec) == _NOTHING_ASKED:
        return Demands(kind, spec.prefix, _host_of(spec), (), (), spec.precedence)
    headers = [Constraint(name.lower(), text) for name, text in (spec.headers or {}).items()]
    headers = [each for each in headers if each.name != AUTHORITY]
    headers += [Constraint(name.lower(), text, regex=True) for name, text in (spec.regex_headers or {}).items()]
    if spec.method:
        headers.append(Constraint(":method", spec.method, spec.method_regex))
    queries = [Constraint(name, text) for name, text in (spec.query_parameters or {}).items()]
    queries += [Constraint(name, text, regex=True) for name, text in (spec.regex_query_parameters or {}).items()]
    return Demands(kind, spec.prefix, _host_of(spec), tuple(_sorted(headers)), tuple(_sorted(queries)), spec.precedence)


def _host_of(spec: MappingSpec) -> HostPattern | None:
    spelling = spec.host_spelling
    if spelling is None:
        return None
    where, text = spelling
    if where == "host" and spec.host_regex:
        return HostPattern("regex", text)
    return HostPattern("glob", shared(text.lower()))


def _sorted(constraints: list[Constraint]) -> list[Constraint]:
    if len(constraints) < 2:
        return constraints
    return sorted(constraints, key=lambda each: (each.name, each.value, each.regex))


def group_key(demands: Demands, selectors: Iterable[Selector]) -> GroupKey:
    """The key of the group that a Mapping belongs to. No text in it may hold a line feed."""
    lines = [f"{demands.path_kind} {demands.prefix}"]
    if demands.precedence:
        lines.append(f"precedence {demands.precedence}")
    if demands.host is not None:
        lines.append(f"host {demands.host.kind} {demands.host.text}")
    lines += [f"header {_said(each)}" for each in demands.headers]
    lines += [f"query {_said(each)}" for each in demands.queries]
    lines += [f"selected by {selector}" for selector in sorted(selectors)]
    return "\n".join(lines)


def _said(constraint: Constraint) -> str:
    """A constraint, in quotes: any sign may be in its name or its value, also the one between them."""
    return f"{constraint.name!r}{'~' if constraint.regex else '='}{constraint.value!r}"


def arrival(namespace: str, name: str) -> str:
    """The key by which the members of a group stand in their order."""
    return f"{name}.{namespace}"


def disagreement(first: MappingSpec, called: str, newcomer: MappingSpec) -> Problem | None:
    """Why a Mapping cannot join the group that another one began, which is `called` so; None when it can."""
    if first.redirects or newcomer.redirects:
        return Problem(
            "spec.host_redirect", f"cannot be mixed with {called}, which asks for the same requests", reason="Conflict"
        )
    return None
