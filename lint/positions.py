"""Where in a file a field is: by the marks of YAML's own parser, of those documents alone that something is told of.

The reader (`watcher.documents`) keeps no places, since ten thousand good objects need none. A document with a finding
is composed once more, into nodes with marks, and the field's path is followed as far as it exists.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

import yaml

from lint.findings import Place
from lint.reading import Document, File
from watcher.annotations import ANNOTATION
from watcher.pieces import pieces

_STEP: Final = re.compile(r'\[("(?:[^"\\]|\\.)*")\]|\[([^\]]*)\]|([^.\[]+)')
_LITERAL: Final = "|"
_MERGE: Final = "<<"
_OF_METADATA: Final = {"name": "name", "namespace": "namespace", "labels": "metadata_labels"}

Step = str | int
_Name = tuple[str, str, str]
"""A kind, a namespace and a name."""


def steps_of(path: str) -> tuple[Step, ...]:
    """A path of a problem as keys and indexes."""
    found: list[Step] = []
    for quoted, bracketed, plain in _STEP.findall(path):
        if quoted:
            found.append(str(json.loads(quoted)))
        elif bracketed:
            found.append(int(bracketed) if bracketed.isdigit() else bracketed)
        else:
            found.append(plain)
    return tuple(found)


@dataclass
class Text:
    """The text of a file, cut into pieces as the reader does; its documents are composed when they are asked for."""

    file: File
    _composed: dict[int, list[yaml.Node]] = field(default_factory=dict)
    _items: dict[int, dict[_Name, yaml.Node]] = field(default_factory=dict)

    @cached_property
    def _pieces(self) -> list[str]:
        try:
            text = self.file.path.read_bytes()
        except OSError:
            return []  # it was there when it was read
        parts = [text] if self.file.path.suffix == ".json" else list(pieces(text))
        return [part.decode("utf-8-sig", errors="replace") for part in parts]

    def piece(self, number: int) -> str:
        """A piece; empty where there is none any more."""
        return self._pieces[number] if number < len(self._pieces) else ""

    @cached_property
    def starts(self) -> list[int]:
        """Of each piece, the line (from 0) at which it begins."""
        found, line = [], 0
        for piece in self._pieces:
            found.append(line)
            line += piece.count("\n")
        return found

    @property
    def lines(self) -> list[str]:
        """Of the whole file."""
        return "".join(self._pieces).split("\n")

    def root(self, document: Document) -> tuple[yaml.Node, int] | None:
        """A document's node, and the line (from 0) that its marks count from; None where it cannot be composed."""
        if document.piece not in self._composed:
            self._composed[document.piece] = list(composed(self.piece(document.piece)))
        nodes = self._composed[document.piece]
        if document.index >= len(nodes):
            return None
        return nodes[document.index], self.starts[document.piece]

    def object(self, root: yaml.Node, key: str) -> yaml.Node:
        """The node of an object in its document: the document itself, or an item of the list that it is."""
        if id(root) not in self._items:
            self._items[id(root)] = dict(_items_of(root, ""))
        _, kind, namespace, name = key.split("/", 3)
        items = self._items[id(root)]
        return items.get((kind, namespace, name)) or items.get((kind, "", name)) or root


def composed(text: str) -> Iterator[yaml.Node]:
    """The documents of a text as nodes, up to the first that is none."""
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    except yaml.YAMLError:
        return
    finally:
        loader.dispose()


def place_of(text: Text, number: int, key: str, path: str, carried: str = "") -> Place:
    """Where a field of an object is; the longest part of its path that is there counts.

    Args:
        text: of the file that the object is in, or the one that carries it.
        number: of its document there, counted from 1.
        key: of the object.
        path: of the field.
        carried: the key of the object that is meant, where `key` is of the one that carries it in an annotation.
    """
    document = text.file.documents[number - 1] if number <= len(text.file.documents) else Document(0, 0, 1)
    found = text.root(document)
    if found is None:
        return Place(text.file.shown, document.line)
    root, line = found
    node = text.object(root, key)
    if carried:
        annotation = _followed(node, ("metadata", "annotations", ANNOTATION))
        if isinstance(annotation.value, yaml.ScalarNode):
            return _in_annotation(text, annotation.value, line, carried, path)
    mark = _followed(node, _as_written(node, steps_of(path))).mark
    return Place(text.file.shown, line + mark.line + 1, mark.column + 1)


def line_of_annotation(text: Text, number: int, key: str, line: int) -> Place:
    """Where a line (from 1) of an object's annotation is."""
    place = place_of(text, number, key, "metadata.annotations[getambassador.io/config]")
    document = text.file.documents[number - 1]
    found = text.root(document)
    value = _followed(text.object(found[0], key), ("metadata", "annotations", ANNOTATION)).value if found else None
    if found is None or not isinstance(value, yaml.ScalarNode) or value.style != _LITERAL:
        return place
    return Place(place.file, found[1] + value.start_mark.line + 1 + line, 1)


def _items_of(node: yaml.Node, kind: str) -> Iterator[tuple[_Name, yaml.Node]]:
    """The objects of a document that is a list; of `FooList`, items need not say that they are Foos."""
    own = _scalar(value_at(node, "kind")) or kind
    items = value_at(node, "items")
    if isinstance(items, yaml.SequenceNode) and own.endswith("List"):
        for item in items.value:
            yield from _items_of(item, own.removesuffix("List"))
        return
    metadata = value_at(node, "metadata")
    yield (own, _scalar(value_at(metadata, "namespace")), _scalar(value_at(metadata, "name"))), node


def value_at(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """The value of a key of a mapping; of one that is merged in, too."""
    found = _entry(node, name)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class _Followed:
    """Where a path led: the mark of the last step that was there, and the value if all were."""

    mark: yaml.Mark
    value: yaml.Node | None


def _followed(node: yaml.Node, steps: tuple[Step, ...]) -> _Followed:
    mark = node.start_mark
    here: yaml.Node = node
    for step in steps:
        if isinstance(step, int):
            items = here.value if isinstance(here, yaml.SequenceNode) else []
            if step >= len(items):
                return _Followed(mark, None)
            here = items[step]
            mark = here.start_mark
            continue
        found = _entry(here, step)
        if found is None:
            return _Followed(mark, None)
        mark, here = found[0].start_mark, found[1]
    return _Followed(mark, here)


def _entry(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if key.value == name:
            return key, value
    for key, value in node.value:
        if key.value == _MERGE:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                found = _entry(source, name)
                if found is not None:
                    return found
    return None


def _as_written(node: yaml.Node, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps in the flat form, where an object is written in that."""
    if not steps or value_at(node, str(steps[0])) is not None:
        return steps
    if steps[0] == "spec":
        return steps[1:]
    if steps[0] == "metadata" and len(steps) > 1 and isinstance(steps[1], str):
        return (_OF_METADATA.get(steps[1], steps[1]), *steps[2:])
    return steps


def _in_annotation(text: Text, value: yaml.ScalarNode, line: int, key: str, path: str) -> Place:
    """Where a field of a carried object is: to the letter in a literal block, else where the annotation begins."""
    start = value.start_mark
    if value.style != _LITERAL:
        return Place(text.file.shown, line + start.line + 1, start.column + 1)
    first = line + start.line + 1
    _, kind, _, name = key.split("/", 3)
    for before, node in _composed_annotation(str(value.value)):
        named = _scalar(value_at(value_at(node, "metadata"), "name")) or _scalar(value_at(node, "name"))
        if _scalar(value_at(node, "kind")) == kind and named == name:
            mark = _followed(node, _as_written(node, steps_of(path))).mark
            at = first + before + mark.line
            return Place(text.file.shown, at + 1, _indentation(text, at) + mark.column + 1)
    return Place(text.file.shown, first + 1)


@lru_cache(maxsize=16)
def _composed_annotation(text: str) -> tuple[tuple[int, yaml.Node], ...]:
    """The documents of an annotation, each with the line (from 0) that its marks count from."""
    found, before = [], 0
    for piece in pieces(text.encode(errors="replace")):
        found += [(before, node) for node in composed(piece.decode(errors="replace"))]
        before += piece.count(b"\n")
    return tuple(found)


def _indentation(text: Text, line: int) -> int:
    """How far the literal block that a line (from 0) is in is indented: as far as its first line."""
    number = max(index for index, start in enumerate(text.starts) if start <= line)
    lines = text.piece(number).split("\n")
    at = line - text.starts[number]
    while at > 0 and not lines[at - 1].rstrip().endswith(("|", "|-", "|+")):
        at -= 1
    first = next((each for each in lines[at:] if each.strip()), "")
    return len(first) - len(first.lstrip(" "))


def _scalar(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
