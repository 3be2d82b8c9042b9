"""What people would read in a text that cannot be read: the lines that are wrong as plain words, or left out.

For the names of an object alone (see `watcher.standing`). It takes a few readings of a document that is not large.
"""

import json
import re
from collections.abc import Collection
from typing import Final

from snapshot import JSON
from watcher.documents import Budget, Document, Fault
from watcher.yaml_text import read_yaml

LARGEST: Final = 16 << 10
"""Bytes of a text that is looked at; and of all texts of a batch that is read in one go."""
_TRIES: Final = 4
_MOST_VALUES: Final = 5_000
_MARK: Final = b"kind"
_FIELD: Final = re.compile(rb"(\s*(?:- +)*)([A-Za-z_][\w-]{0,80}): *([^\r\n]*)")
_ODD: Final = re.compile(rb"[^ \w.*:/\[\],%@-]")


def salvaged(text: bytes, fault: Fault) -> JSON:
    """The document of a text with a fault, as far as it can be read; None: not at all."""
    if len(text) > LARGEST or _MARK not in text:
        return None
    lines = text.rstrip().splitlines(keepends=True)
    plain: set[int] = set()
    wrong, line = _line_of(fault, plain), fault.line
    for _ in range(_TRIES):
        wrong = min(wrong, len(lines) - 1)
        lines[wrong] = b"\n" if wrong in plain else _as_words(lines[wrong])
        plain.add(wrong)
        found = _first(b"".join(lines))
        if isinstance(found, Document):
            return found.value
        wrong = _line_of(found, plain)
    before = text.splitlines(keepends=True)[: min(line, wrong)]
    while before:
        found = _first(b"".join(before))
        if isinstance(found, Document):
            return found.value
        before = before[: min(found.line, len(before) // 2)]
    return None


def salvaged_json(text: bytes, fault: Fault) -> JSON:
    """The same of JSON that is none to everybody: with a key twice, or a number that is no number."""
    try:
        found: JSON = json.loads(text[:LARGEST].decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return salvaged(text, fault)
    return found


def _line_of(fault: Fault, plain: Collection[int]) -> int:
    """The line to be mended next: where what is wrong began, unless that was not it."""
    return fault.line if fault.began is None or fault.began in plain else fault.began


def _as_words(line: bytes) -> bytes:
    """A field with its value in quotes and without what is no part of a name; nothing of what is no field."""
    found = _FIELD.match(line)
    return b'%s%s: "%s"\n' % (found[1], found[2], _ODD.sub(b" ", found[3]).strip()) if found else b"\n"


def _first(text: bytes) -> Document | Fault:
    budget = Budget(_MOST_VALUES, LARGEST, "")
    try:
        return next(iter(read_yaml(text, budget)), Document(None, 0))
    except ValueError as error:
        return Fault(str(error), 0)
