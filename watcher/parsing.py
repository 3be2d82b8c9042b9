"""One file's bytes to its objects, parsing again only the documents whose bytes changed.

A line that begins with `---` is a document's border wherever it stands (YAML 1.1, section 4.3.1), so that a text can be
cut without parsing it. Only directives (`%YAML`) and the end mark `...` reach across; a file with these is one piece.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from snapshot import Record
from watcher.documents import Document, Fault, read_json, read_yaml
from watcher.objects import Made, Rejected, objects_of, version_of
from watcher.sources import Problem

MAX_BYTES: Final = 16 << 20
"""A larger file is refused: an object has at most 1.5 MiB in Kubernetes."""

_BORDER: Final = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_ACROSS: Final = re.compile(rb"^(?:%|\.\.\.(?:[ \t\r\n]|\Z))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's objects as (key, version, body), what is wrong with it, and its line in its piece (from 0)."""

    line: int
    objects: tuple[tuple[str, str, bytes], ...]
    faults: tuple[Fault, ...]


Memo = dict[bytes, tuple[Parsed, ...]]
"""What the pieces of a text gave, by the hash of their bytes."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file says. `whole`: every document could be read, so that an object that is not here is not meant."""

    objects: Mapping[str, Record]
    problems: tuple[Problem, ...]
    whole: bool
    memo: Memo


def parse(name: str, text: bytes, namespace: str, memo: Memo) -> Content:
    """The content of the file `name`; `memo` is that of its last content, of this name and namespace."""
    if len(text) > MAX_BYTES:
        return Content({}, (Problem(f"it is larger than {MAX_BYTES >> 20} MiB"),), whole=False, memo={})
    objects: dict[str, Record] = {}
    problems: list[Problem] = []
    whole, number, line, seen = True, 0, 1, Memo()
    for piece in _pieces(name, text):
        digest = blake2b(piece, digest_size=16).digest()
        documents = memo.get(digest)
        seen[digest] = documents = _documents(name, piece, namespace) if documents is None else documents
        for number, parsed in enumerate(documents, number + 1):  # noqa: B020 -- the count goes on where it stood
            whole = whole and not parsed.faults
            problems += (Problem(fault.message, number, line + fault.line) for fault in parsed.faults)
            for key, version, body in parsed.objects:
                if key in objects:
                    problems.append(Problem(f"{key} is in this file already, in {_place(objects[key])}", number, line))
                else:
                    objects[key] = Record(version, body, {"source": f"{name}#{number}"})
        line += piece.count(b"\n")
    return Content(objects, tuple(problems), whole, seen)


def source_of(record: Record) -> str | None:
    """The file that a record says it came from; None when it says nothing of the kind."""
    source = record.notes.get("source")
    return source.rpartition("#")[0] or None if isinstance(source, str) else None


def _place(record: Record) -> str:
    return f"document {str(record.notes['source']).rpartition('#')[2]}"


def _pieces(name: str, text: bytes) -> Iterator[bytes]:
    if name.endswith(".json") or _ACROSS.search(text):
        yield text
        return
    borders = [0, *(found.start() for found in _BORDER.finditer(text) if found.start()), len(text)]
    for start, end in pairwise(borders):
        yield text[start:end]


def _documents(name: str, piece: bytes, namespace: str) -> tuple[Parsed, ...]:
    read = [read_json(piece)] if name.endswith(".json") else read_yaml(piece)
    return tuple(_parsed(name, found, namespace) for found in read)


def _parsed(name: str, found: Document | Fault, namespace: str) -> Parsed:
    if isinstance(found, Fault):
        return Parsed(found.line, (), (found,))
    made: list[tuple[str, str, bytes]] = []
    faults: list[Fault] = []
    for item in objects_of(found.value, namespace):
        match item:
            case Made(key, body):
                made.append((key, version_of(body, name), body))
            case Rejected(message):
                faults.append(Fault(message, found.line))
    return Parsed(found.line, tuple(made), tuple(faults))
