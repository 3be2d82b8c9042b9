"""What is found: a code says what sort of thing it is, a finding says where it is and what is so there."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "advice"]
"""Something is not served; is served otherwise than it is meant; could be better."""

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "advice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A sort of finding, with a name that never changes its meaning.

    Args:
        id: `DRG` and four digits; the first two are its group.
        title: a noun phrase.
        severity: of its findings, unless a problem stops an object: that is an error.
        why: what happens, for the page about it.
        mend: what to do, in a sentence.
        wrong: YAML that has it; a test holds that it does. Empty where no single file can show it.
        right: the same mended; a test holds that it is.
    """

    id: str
    title: str
    severity: Severity
    why: str
    mend: str
    wrong: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was found, by the object it is about, not yet by a place in a file.

    Args:
        code: its code.
        object: the object's key.
        path: the field, as `translator.decode.Problem` has it; empty for the object itself.
        message: a sentence without its subject, which is the path.
        severity: when it is not the code's own.
        line: of an annotation's text, counted from 1, where it is about that text rather than about a field.
    """

    code: Code
    object: str
    path: str
    message: str
    severity: Severity | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: a file as the user names it, and line and column, counted from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, for people: as `Found`, with its place."""

    code: Code
    severity: Severity
    object: str
    path: str
    place: Place
    message: str

    @property
    def sentence(self) -> str:
        """What is so, with its subject."""
        return " ".join(part for part in (self.path, self.message) if part)

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Findings are told by file and line."""
        return self.place.file, self.place.line, self.place.column, self.code.id, self.sentence
