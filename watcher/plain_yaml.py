"""A document of plain YAML line by line, without libyaml, in a fifth of the time: most of what people write.

Plain are block mappings and sequences of scalars that end on their line, and a line of JSON, in printable ASCII.
Nothing is refused here: whatever is not surely plain, mistakes above all, is left to libyaml, and a property test
holds that both read the same.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from snapshot import JSON
from watcher.limits import MAX_DEPTH
from watcher.scalars import WORDS, ScalarError, plain

_BEGINNING: Final = re.compile(r"---(?:[ ]++#[ -~]*+|[ ]*+)\n")

_DEEPEST: Final = MAX_DEPTH - 3

_VALUE: Final = r"""
    '[ !-&(-~]*+'                               # no quote in it
  | "[ !\#-\[\]-~]*+"                           # nothing escaped in it
  | \{\} | \[\]
  | (?:[A-Za-z0-9/_.^$(+~;]|-(?=[A-Za-z0-9_/.]))
    (?:[!-9;-~]++|:(?=[!-~])|[ ]++(?=[!-"$-~]))*+ # no ": ", no " #", no ":" at the end
"""
_LINE: Final = re.compile(
    rf"""
    [ ]*+(?:\#[ -~]*+)?\n
  | ([ ]*+)
    (?:(-[ ]++)?([A-Za-z_][A-Za-z0-9_./-]{{0,127}}+):(?:[ ]++({_VALUE}))?|(-[ ]++)({_VALUE}))
    (?:[ ]++\#[ -~]*+)?[ ]*+\n
  | ([\s\S]++)
    """,
    re.VERBOSE,
)

_JSON_LINE: Final = re.compile(r"\{[ !-\[\]-~]*+\n*+")  # nothing escaped in it
_LONGEST_KEY: Final = 128
_GAP: Final = " " * _LONGEST_KEY
"""A key and its colon may not be more than 1,024 bytes apart, in YAML."""

_Collection: TypeAlias = dict[str, Any] | list[Any]
_Line: TypeAlias = tuple[str, str, str, str, str, str, str]
"""Indentation, dash, key and value of an entry; dash and value of an item that is a scalar; what is not plain."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A document's value, the line it begins at (from 0), and how many values it has."""

    value: JSON
    line: int
    values: int


def plain_document(text: bytes) -> Plain | None:
    """The one document of a text; None if it is not plain."""
    if not text.isascii():
        return None
    source = text.decode("ascii")
    beginning = _BEGINNING.match(source)
    if _JSON_LINE.fullmatch(source, beginning.end() if beginning else 0):
        return _of_json(source[beginning.end() :] if beginning else source)
    lines = _LINE.findall(source if source.endswith("\n") else f"{source}\n", beginning.end() if beginning else 0)
    first = 0 if beginning else next((number for number, line in enumerate(lines) if any(line)), 0)
    try:
        return _built(lines, first)
    except ScalarError:
        return None


def _built(lines: list[_Line], first: int) -> Plain | None:  # noqa: C901, PLR0912 -- a call a line would cost a half more
    """The document of these lines."""
    root: _Collection | None = None
    around: list[tuple[int, _Collection]] = []
    here: Any = None
    column = values = 0
    waiting = ""  # the key whose value is not on its line
    for indent, dash, key, value, item_dash, item, other in lines:
        if other:
            return None
        if not key and not item:
            continue
        at = len(indent)
        is_item = bool(dash or item_dash)
        if waiting:
            values += 1
            if at > column or (is_item and at == column):
                around.append((column, here))
                here[waiting] = here = [] if is_item else {}
                column = at
            else:
                here[waiting] = None
            waiting = ""
        elif root is None:
            values = 1
            root = here = [] if is_item else {}
            column = at
        while around and (column > at or (column == at and not is_item and type(here) is list)):
            column, here = around.pop()
        if column != at or (type(here) is list) is not is_item or len(around) >= _DEEPEST:
            return None
        values += 1
        if item:
            here.append(_scalar(item))
            continue
        if is_item:
            values += 1
            around.append((column, here))
            here.append(here := {})
            column = at + len(dash)
        if key in here or key in WORDS:
            return None
        if value:
            here[key] = _scalar(value)
            values += 1
        else:
            waiting = key
    if waiting:
        here[waiting] = None
        values += 1
    return None if root is None else Plain(root, first, values)


def _of_json(source: str) -> Plain | None:
    """The document of a line of JSON, with numbers as YAML has them."""
    if _GAP in source:
        return None
    try:
        value = json.loads(
            source, object_pairs_hook=_mapping, parse_int=plain, parse_float=plain, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    values, levels = extent_of(value)
    return Plain(value, 0, values) if levels <= MAX_DEPTH else None


def extent_of(value: JSON) -> tuple[int, int]:
    """How many values it has, keys among them as in YAML, and how many collections inside each other."""
    values, levels = 1, 0
    here = [value]
    while here := [item for item in here if isinstance(item, dict | list)]:
        values += sum(2 * len(item) if isinstance(item, dict) else len(item) for item in here)
        levels += 1
        here = [inner for item in here for inner in (item.values() if isinstance(item, dict) else item)]
    return values, levels


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs) or any(len(key) > _LONGEST_KEY for key in found):
        raise ValueError("a key is there twice, or is too long to be one without a mark")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is a number that JSON does not have")


def _scalar(text: str) -> JSON:
    first = text[0]
    if first in "'\"":
        return text[1:-1]
    if first in "{[":
        return {} if first == "{" else []
    return plain(text)
