"""`error_response_overrides`: what clients read instead of the body of an error.

An entry that is wrong is left out alone, and told: if it stopped its Mapping, a mistake in an error's text would be an
error for everyone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Annotated, Final

from translator.checks import HeaderFormat
from translator.decode import Decoded, Problem, Rule, decode, join, kind_shown, rule
from translator.decoding.findings import Findings
from translator.files.names import Files, path_of_file, text_file
from translator.files.tables import Text
from translator.filters.error_bodies import ErrorBodies, ErrorBody
from translator.operators import check_operators
from translator.values import dataclass

TextOf = Callable[[str], Text]
"""What is in a file."""

LARGEST: Final = 65_536
"""Characters of a body; each Mapping may have one."""


def _format(text: str) -> str:
    check_operators(text)
    return text


_Format = Annotated[str, Rule(check=_format, max_size=LARGEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormatSource:
    """A file."""

    filename: Annotated[str, Rule(check=path_of_file)] = field(metadata=rule("Its whole path."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBodySpec:
    """The body: one of text_format, text_format_source and json_format."""

    content_type: HeaderFormat | None = field(
        default=None, metadata=rule("Its type; text/plain, or application/json with json_format, when absent.")
    )
    text_format: _Format | None = field(default=None, metadata=rule("A text; may use Envoy's %COMMANDS%."))
    json_format: Mapping[str, _Format] | None = field(
        default=None, metadata=rule("The entries of a JSON object; their texts may use Envoy's %COMMANDS%.")
    )
    text_format_source: TextFormatSource | None = field(
        default=None, metadata=rule("A file of the gateway's with such a text, in a folder for them.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        if [self.text_format, self.text_format_source, self.json_format].count(None) != 2:
            yield Problem("", "must have one of text_format, text_format_source and json_format")

    def of(self, status: int, text_of: TextOf) -> ErrorBody | None:
        """What is read where a request is answered with this status; None where that is in a file of no use."""
        if self.json_format is not None:
            return ErrorBody(status, self.content_type or "application/json", self.json_format)
        text = self.text_format or ""
        if self.text_format_source is not None:
            found = text_of(self.text_format_source.filename)
            if found.problem:
                return None
            text = found.text
        return ErrorBody(status, self.content_type or "text/plain", text)


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
    tuple[ErrorOverride, ...], Rule(convert=_read, schema={"x-kubernetes-preserve-unknown-fields": True})
]


def error_bodies_of(overrides: Iterable[ErrorOverride], text_of: TextOf) -> ErrorBodies:
    """What the entries say. `text_of` says what is in a file."""
    bodies = [each.body.of(each.on_status_code, text_of) for each in overrides]
    return ErrorBodies(tuple([body for body in bodies if body is not None]))


def files_of(overrides: Iterable[ErrorOverride] | None) -> dict[Files, bool]:
    """The files that entries name."""
    return {
        text_file(each.body.text_format_source.filename): True
        for each in overrides or ()
        if each.body.text_format_source
    }


def problems_of_files(overrides: Iterable[ErrorOverride] | None, where: str, text_of: TextOf) -> list[Problem]:
    """What is wrong with the files that entries name."""
    problems = []
    for each in overrides or ():
        if each.body.text_format_source is None:
            continue
        path = each.body.text_format_source.filename
        found = text_of(path)
        if found.problem:
            said = f"names the file {path}, which {found.problem}; the entry for {each.on_status_code} is left out"
            problems.append(Problem(where, said, stops=False))
        elif found.refusal:
            problems.append(Problem(where, f"names the file {path}, which {found.refusal}", stops=False))
    return problems
