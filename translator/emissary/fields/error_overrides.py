"""`error_response_overrides`: what clients read instead of the body of an error.

An entry that is wrong is left out alone, and told: if it stopped its Mapping, a mistake in an error's text would be an
error for everyone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from translator.checks import HeaderFormat
from translator.decode import Decoded, Problem, Rule, decode, join, kind_shown, rule, schema_of
from translator.decoding.findings import Findings
from translator.filters.error_bodies import ErrorBodies, ErrorBody
from translator.operators import check_operators

LARGEST: Final = 65_536
"""Characters of a body; each Mapping may have one."""


def _format(text: str) -> str:
    check_operators(text)
    return text


_Format = Annotated[str, Rule(check=_format, max_size=LARGEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormatSource:
    """A file."""

    filename: str = field(metadata=rule("Its name."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBodySpec:
    """The body: one of text_format and json_format."""

    content_type: HeaderFormat | None = field(
        default=None, metadata=rule("Its type; text/plain, or application/json with json_format, when absent.")
    )
    text_format: _Format | None = field(default=None, metadata=rule("A text; may use Envoy's %COMMANDS%."))
    json_format: Mapping[str, _Format] | None = field(
        default=None, metadata=rule("The entries of a JSON object; their texts may use Envoy's %COMMANDS%.")
    )
    text_format_source: TextFormatSource | None = field(
        default=None, metadata=rule("A file of the gateway's; no such file is read: use text_format.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        if self.text_format_source is not None:
            yield Problem("text_format_source", "names a file, and none is read: write its text in text_format")
        elif (self.text_format is None) == (self.json_format is None):
            yield Problem("", "must have one of text_format and json_format")

    def of(self, status: int) -> ErrorBody:
        """What is read where a request is answered with this status."""
        if self.json_format is not None:
            return ErrorBody(status, self.content_type or "application/json", self.json_format)
        return ErrorBody(status, self.content_type or "text/plain", self.text_format or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorOverride:
    """What clients read instead of the body of an error."""

    on_status_code: Annotated[int, Rule(minimum=400, maximum=599)] = field(metadata=rule("The status of the error."))
    body: ErrorBodySpec = field(metadata=rule("What is read."))


def _read(value: object) -> Decoded[tuple[ErrorOverride, ...]]:
    if not isinstance(value, list):
        said = f"must be a list, not {kind_shown(value)}; it is left out"
        return Decoded((), (Problem("", said, stops=False),))
    problems = Findings()
    found: dict[int, ErrorOverride] = {}
    for index, entry in enumerate(value):
        decoded = decode(ErrorOverride, entry, f"[{index}]")
        problems.extend(_left_out(problem) for problem in decoded.problems)
        if decoded.value and decoded.value.on_status_code in found:
            said = f"has no effect: an entry before it is for {decoded.value.on_status_code} already"
            problems.add(Problem(join(f"[{index}]", "on_status_code"), said, stops=False))
        elif decoded.value:
            found[decoded.value.on_status_code] = decoded.value
    return Decoded(tuple(found.values()), problems.told())


def _left_out(problem: Problem) -> Problem:
    return replace(problem, message=f"{problem.message}; it is left out", stops=False) if problem.stops else problem


ErrorOverrides = Annotated[
    tuple[ErrorOverride, ...], Rule(convert=_read, schema={"type": "array", "items": schema_of(ErrorOverride)})
]


def error_bodies_of(overrides: Iterable[ErrorOverride]) -> ErrorBodies:
    """What the entries say."""
    return ErrorBodies(tuple([each.body.of(each.on_status_code) for each in overrides]))
