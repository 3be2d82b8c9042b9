"""The comments of an object, by the field that each is about. Pure.

The marks of YAML's own nodes tell where scalars are, so that a `#` in a text is none. A comment in lines of its own is
about what begins below it, the outermost; one at the end of a line is about the last thing that begins on that line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from translator.decode import join, step

_SIGN: Final = re.compile(r"(?:^|(?<=\s))#")
_BORDER: Final = re.compile(r"---(?:\s|\Z)")


@dataclass(slots=True)
class About:
    """The comments about one field: lines above it, and one beside it."""

    above: list[str] = field(default_factory=list)
    beside: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A field where it begins: the line, how deep it is, and its path."""

    line: int
    depth: int
    path: str


def comments_of(text: str, node: yaml.Node, *, is_alone: bool = True) -> dict[str, About]:
    """The comments of an object.

    Args:
        text: what the marks of the node count in.
        node: of the object.
        is_alone: whether it is the whole document, so that comments at its end are its own.
    """
    lines = text.split("\n")
    first, last = _extent(lines, node, is_alone=is_alone)
    parts = sorted([*_parts(node, "", 0)], key=lambda part: (part.line, part.depth))
    hidden = _hidden(node)
    found: dict[str, About] = {}
    waiting: list[str] = []
    by_line: dict[int, list[_Part]] = {}
    for part in parts:
        by_line.setdefault(part.line, []).append(part)
    for number in range(first, last):
        here = by_line.get(number, [])
        if here and waiting:
            found.setdefault(here[0].path, About()).above += waiting
            waiting = []
        comment = _comment(lines[number], hidden.get(number, []))
        if comment is None:
            continue
        if not lines[number][: comment[0]].strip():
            waiting.append(comment[1])
            continue
        before = [part.path for part in parts if part.line <= number]
        found.setdefault(before[-1] if before else "", About()).beside = comment[1]
    if waiting:
        found.setdefault("", About()).above += waiting
    return found


def _extent(lines: list[str], node: yaml.Node, *, is_alone: bool) -> tuple[int, int]:
    """The lines of an object, with the comments above it; of one that is alone all to the next document."""
    first = node.start_mark.line
    while first and (not lines[first - 1].strip() or lines[first - 1].lstrip().startswith("#")):
        first -= 1
    if not is_alone:
        return first, node.end_mark.line
    after = node.start_mark.line + 1
    return first, next((line for line in range(after, len(lines)) if _BORDER.match(lines[line])), len(lines))


def _parts(node: yaml.Node, path: str, depth: int) -> Iterator[_Part]:
    """All that has a path, where it begins."""
    if depth == 0:
        yield _Part(node.start_mark.line, 0, "")
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = join(path, step(str(name.value)))
            yield _Part(name.start_mark.line, depth + 1, inner)
            yield from _parts(value, inner, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            inner = f"{path}[{place}]"
            yield _Part(item.start_mark.line, depth + 1, inner)
            yield from _parts(item, inner, depth + 1)


def _hidden(node: yaml.Node) -> dict[int, list[tuple[int, int]]]:
    """Of each line, the columns that belong to texts."""
    found: dict[int, list[tuple[int, int]]] = {}
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, yaml.ScalarNode):
            start, end = each.start_mark, each.end_mark
            block = each.style in {"|", ">"}
            for line in range(start.line + block, end.line + 1):
                begin = start.column if line == start.line else 0
                found.setdefault(line, []).append((begin, end.column if line == end.line else 1 << 30))
        elif isinstance(each, yaml.MappingNode):
            waiting += [part for pair in each.value for part in pair]
        else:
            waiting += each.value
    return found


def _comment(line: str, hidden: list[tuple[int, int]]) -> tuple[int, str] | None:
    """The comment of a line, and its column."""
    for sign in _SIGN.finditer(line):
        place = sign.start()
        if not any(begin <= place < end for begin, end in hidden):
            return place, line[place:].rstrip()
    return None
