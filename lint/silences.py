"""Findings that people do not want to be told: by a comment beside what is meant, or by a file of silences.

Each silence names codes and a reason, and one that silences nothing is told itself, so that none outlives its cause.

    # dragoman: ignore DRG0703 the old clients still ask so

Before a document's first line the comment is about the whole document; on a line of its own, about the field or item
that begins on the next line; behind a field, about that one: each with all that is in it. What looks so inside a text
(a block scalar, quotes) is that text's, no comment.

The file `.dragoman-lint.yaml` is in the folder that is linted or above it:

    silence:
      - codes: [DRG0302]
        paths: ["team-a/**"]     # relative to this file; absent: everywhere
        reason: the Secrets come from the vault
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from lint.codes.silences import MISSPELT, UNUSED
from lint.findings import Code, Finding, Place
from lint.positions import Text
from lint.reading import shown

NAME: Final = ".dragoman-lint.yaml"
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#\s*dragoman: ignore\b[ \t]*(?P<said>.*?)\s*$")
_CODES: Final = re.compile(r"(?P<codes>DRG\w*(?:\s*,\s*DRG\w*)*)(?:\s+(?P<reason>\S.*))?")
_GLOB: Final = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_GLOBS: Final[Mapping[str, str]] = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_FIELDS: Final = frozenset({"codes", "paths", "reason"})


class SilencesError(Exception):
    """A file of silences that cannot be used; the message says why, with its path."""


@dataclass(slots=True)
class Silence:
    """What is silenced: codes, where a place is `within` its reach. `place` is its own; `used` by now, code by code."""

    codes: tuple[str, ...]
    place: Place
    within: Callable[[Place], bool]
    file: str = ""
    """The only file that it is about; empty for one of the file of silences, which is about paths."""
    lines: range = range(0)
    """The lines of that file that it is about."""
    is_whole: bool = True
    """Whether all that it may be about is looked at, so that it is known to be of no use."""
    used: set[str] = field(default_factory=set)

    def takes(self, finding: Finding) -> bool:
        """Whether a finding is silenced; it is remembered then."""
        if finding.code.id not in self.codes or not self.within(finding.place):
            return False
        self.used.add(finding.code.id)
        return True

    @property
    def unused(self) -> Iterator[Finding]:
        """What is to be told of it, when all findings have been asked about."""
        for code in self.codes if self.is_whole else ():
            if code not in self.used:
                yield _told(UNUSED, self.place, f"{code} is not found where this silences it")


def kept(findings: Iterable[Finding], silences: list[Silence]) -> list[Finding]:
    """The findings that nothing silences. Of several silences each counts as used."""
    by_line: dict[tuple[str, int], list[Silence]] = {}
    for silence in silences:
        for line in silence.lines or (0,):
            by_line.setdefault((silence.file, line), []).append(silence)
    left = []
    for finding in findings:
        asked = (by_line.get(place, ()) for place in ((finding.place.file, finding.place.line), ("", 0)))
        takers = [silence for several in asked for silence in several if silence.takes(finding)]
        if not takers:
            left.append(finding)
    return left


# Comments


@dataclass(frozen=True, slots=True)
class _Root:
    """A document's node, and the line of the file (from 0) that its marks count from."""

    node: yaml.Node
    start: int

    @property
    def first(self) -> int:
        """The line of the file (from 0) at which it begins."""
        return self.start + int(self.node.start_mark.line)

    @property
    def last(self) -> int:
        """The line at which it ends."""
        return self.start + _last(self.node)


def in_comments(text: Text, known: Mapping[str, Code]) -> Iterator[Silence | Finding]:
    """The silences in a file's comments, and what is wrong with them."""
    roots = _Roots([_Root(*node) for document in text.file.documents if (node := text.root(document)) is not None])
    lines = text.lines
    for number, line in enumerate(lines):
        found = _COMMENT.search(line)
        if found is None or roots.is_text(number, found.start()):
            continue
        place = Place(text.file.shown, number + 1, found.start() + 1)
        said = _understood(found["said"], known)
        if isinstance(said, str):
            yield _told(MISSPELT, place, said)
            continue
        first, last = _reach(lines, number, roots, is_alone=not line[: found.start()].strip())
        yield Silence(said, place, _within(first + 1, last + 1), text.file.shown, range(first + 1, last + 2))


class _Roots:
    """The documents of a file, by the lines at which they begin."""

    def __init__(self, roots: list[_Root]) -> None:
        self._roots = roots
        self._firsts = [root.first for root in roots]

    def beginning(self, line: int) -> _Root | None:
        """The one that begins at a line."""
        root = self.at(line)
        return root if root is not None and root.first == line else None

    def at(self, line: int) -> _Root | None:
        """The last one that has begun by a line."""
        index = bisect_right(self._firsts, line) - 1
        return self._roots[index] if index >= 0 else None

    def is_text(self, line: int, column: int) -> bool:
        """Whether what is at a line and column is in a scalar."""
        root = self.at(line)
        at = (line - root.start, column) if root else (0, 0)
        return root is not None and any(
            (each.start_mark.line, each.start_mark.column) <= at < (each.end_mark.line, each.end_mark.column)
            for each in _scalars(root.node)
        )


def _understood(said: str, known: Mapping[str, Code]) -> tuple[str, ...] | str:
    """The codes of a comment, or why it has none."""
    found = _CODES.fullmatch(said)
    if found is None:
        return "names no code: write `# dragoman: ignore DRG0703 and the reason`"
    codes = tuple(re.split(r"\s*,\s*", found["codes"]))
    strange = [code for code in codes if code not in known]
    if strange:
        return f"names {strange[0]}, which is no code: docs/lint lists them"
    return codes if found["reason"] else "gives no reason: write it behind the codes"


def _reach(lines: list[str], number: int, roots: _Roots, *, is_alone: bool) -> tuple[int, int]:
    """The first and the last line that a comment is about."""
    if is_alone or lines[number].startswith("---"):
        after = number + 1
        while after < len(lines) - 1 and _is_passed_over(lines[after]):
            after += 1
        root = roots.beginning(after)
        if root is not None:
            return number, root.last
        number = after
    root = roots.at(number)
    ends = [root.start + _last(node) for node in _beginning(root.node, number - root.start)] if root else []
    return number, max([number, *ends])


def _is_passed_over(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#") or line.startswith(("---", "%"))


def _beginning(node: yaml.Node, line: int) -> Iterator[yaml.Node]:
    """The values of fields, and the items, that begin on a line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.start_mark.line == line:
                yield value
            elif value.start_mark.line <= line <= _last(value):
                yield from _beginning(value, line)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if item.start_mark.line == line:
                yield item
            elif item.start_mark.line <= line <= _last(item):
                yield from _beginning(item, line)


def _last(node: yaml.Node) -> int:
    """The last line of a node; the mark at the end of a block is that of what comes after it."""
    if isinstance(node, yaml.ScalarNode):
        return node.end_mark.line - (node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line)
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.line)
    end = node.value[-1]
    return _last(end[1] if isinstance(end, tuple) else end)


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    nodes = [node]
    while nodes:
        here = nodes.pop()
        if isinstance(here, yaml.ScalarNode):
            yield here
        elif isinstance(here, yaml.MappingNode):
            nodes += [each for pair in here.value for each in pair]
        elif isinstance(here, yaml.SequenceNode):
            nodes += here.value


def _within(first: int, last: int) -> Callable[[Place], bool]:
    return lambda place: first <= place.line <= last


# The file of silences


def file_for(paths: Iterable[Path]) -> Path | None:
    """The file of silences in, or above, the first of some paths that has one."""
    for path in paths:
        absolute = path.absolute()
        for folder in [*([absolute] if absolute.is_dir() else []), *absolute.parents]:
            if (folder / NAME).is_file():
                return folder / NAME
    return None


def of_file(path: Path, known: Mapping[str, Code], linted: Iterable[Path]) -> list[Silence]:
    """The silences that a file says, for what is linted. SilencesError."""
    home = path.absolute().parent
    is_whole = any(home.is_relative_to(one.absolute()) for one in linted)
    try:
        text = path.read_text()
        root, document = yaml.compose(text, yaml.CSafeLoader), yaml.load(text, yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SilencesError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if document is None:
        return []
    entries = document.get("silence") if isinstance(document, dict) and document.keys() == {"silence"} else None
    if not isinstance(entries, list):
        raise SilencesError(f"{path} must have one key, silence, with a list of what is silenced")
    lines = [item.start_mark for _, value in root.value for item in value.value] if root else []
    return [
        replace(_of_entry(path, f"{path}: silence[{index}]", entry, lines[index], known), is_whole=is_whole)
        for index, entry in enumerate(entries)
    ]


def _of_entry(path: Path, where: str, entry: Any, mark: yaml.Mark, known: Mapping[str, Code]) -> Silence:
    if not isinstance(entry, dict) or entry.keys() - _FIELDS:
        raise SilencesError(f"{where} must be a mapping with codes, paths and reason, and nothing else")
    codes, paths, reason = entry.get("codes"), entry.get("paths"), entry.get("reason")
    if not _is_texts(codes) or not codes:
        raise SilencesError(f"{where}.codes must be a list of codes, such as [DRG0302]")
    strange = next((code for code in codes if code not in known), None)
    if strange is not None:
        raise SilencesError(f"{where}.codes names {strange}, which is no code: docs/lint lists them")
    if paths is not None and (not _is_texts(paths) or not paths):
        raise SilencesError(f"{where}.paths must be a list of globs, such as ['team-a/**']")
    if not isinstance(reason, str) or not reason.strip():
        raise SilencesError(f"{where}.reason must say why")
    globs = [_pattern(glob) for glob in paths or ["**"]]
    home = path.absolute().parent

    def within(place: Place) -> bool:
        try:
            relative = Path(place.file).absolute().relative_to(home).as_posix()
        except ValueError:
            return False
        return any(glob.fullmatch(relative) for glob in globs)

    return Silence(tuple(codes), Place(shown(str(path)), mark.line + 1, mark.column + 1), within)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _pattern(glob: str) -> re.Pattern[str]:
    parts = [_GLOBS.get(part) or re.escape(part) for part in _GLOB.findall(glob.removeprefix("./"))]
    return re.compile("".join(parts))


def _told(code: Code, place: Place, message: str) -> Finding:
    return Finding(code, code.severity, "", "", place, message)
