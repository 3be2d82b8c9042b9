"""Files as the watcher reads them, with the comments of each object, which are looked for when they are wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

from convert.comments import About, comments_of
from diff.sources import Side, of_files
from lint.positions import Text, value_at
from lint.reading import Document, File, Read
from process.settings import Settings
from translator.ir import ObjectKey


@dataclass
class Source:
    """What is converted: objects, and the texts that they stand in."""

    side: Side
    read: Read
    _texts: dict[str, Text] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Sequence[Path], settings: Settings) -> "Source":
        """Folders and files as one configuration."""
        side = of_files(paths, settings)
        return cls(side, side.read or Read())

    @cached_property
    def spelled(self) -> frozenset[ObjectKey]:
        """The objects that name their namespace."""
        found = []
        for key in self.read.objects:
            at = self._node(key)
            if at is not None and value_at(value_at(at[1], "metadata"), "namespace") is not None:
                found.append(key)
        return frozenset(found)

    @property
    def order(self) -> list[ObjectKey]:
        """The objects as they are written: file by file, one below the other."""
        return [key for file in self.read.files.values() for each in file.documents for key in each.keys]

    def comments(self, key: ObjectKey) -> Mapping[str, About]:
        """The comments of an object, by the fields that they are about."""
        at = self._node(key)
        place = self.read.place_of(key)
        if at is None or place is None or place[0].path.suffix == ".json":
            return {}
        text, node, root, document = at
        found = comments_of(text.piece(document.piece), node, is_alone=node is root)
        before = list(_before(text, place[0], document))
        if before:
            head = found.pop("", About())
            found = {"": About([*before, *head.above], head.beside), **found}
        return found

    def _node(self, key: ObjectKey) -> tuple[Text, yaml.Node, yaml.Node, Document] | None:
        place = self.read.place_of(key)
        if place is None:
            return None
        file, number = place
        text = self._texts.setdefault(file.shown, Text(file))
        if number > len(file.documents):
            return None
        document = file.documents[number - 1]
        root = text.root(document)
        return None if root is None else (text, text.object(root[0], key), root[0], document)


def _before(text: Text, file: File, document: Document) -> list[str]:
    """The comments of pieces that have no document, before the one that has this."""
    number = document.piece - 1
    found: list[str] = []
    used = {each.piece for each in file.documents}
    while number >= 0 and number not in used:
        lines = [line.strip() for line in text.piece(number).split("\n")]
        found[:0] = [line for line in lines if line.startswith("#")]
        number -= 1
    return found
