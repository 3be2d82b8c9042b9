"""Objects as the YAML that a person would have written: blocks, plain texts, and the comments where they belong. Pure.

PyYAML knows how a text must be quoted, and nothing of comments; ruamel.yaml knows comments by the token before them, so
that one about a field that moves would stay with its neighbour. So blocks are written here, and texts by PyYAML.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import yaml

from convert.comments import About
from convert.values import At, Field, Made, plain
from translator.ir import ObjectKey

CommentsOf = Callable[[ObjectKey], Mapping[str, About]]
_INDENT: Final = "  "


def written(objects: Iterable[Made], comments_of: CommentsOf) -> list[str]:
    """The text of each object. A comment stands once, at the first place that comes from its field.

    Of those whose fields went nowhere, the first object that an object became has them at its head: none is lost.
    """
    every = list(objects)
    comments = {key: dict(comments_of(key)) for made in every for key in made.of}
    placed: defaultdict[ObjectKey, set[str]] = defaultdict(set)
    for made in every:
        for owner, path in _fields(made.document):
            placed[owner].add(path)
    told: set[ObjectKey] = set()
    writer = _Writer(comments)
    texts = []
    for made in every:
        head: list[str] = []
        for key in made.of:
            if key not in told:
                told.add(key)
                head += _left(comments[key], placed[key])
        body = list(writer.mapping(made.document, ""))
        texts.append("\n".join([*head, *body]) + "\n")
    return texts


def _left(comments: Mapping[str, About], placed: set[str]) -> Iterator[str]:
    """What is about the object itself, or about a field that went nowhere."""
    for path, about in comments.items():
        if path not in placed:
            yield from about.above
            yield from [about.beside] if about.beside else []


def _fields(value: Any) -> Iterator[Field]:
    if isinstance(value, At):
        yield from value.fields
        yield from _fields(value.value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _fields(item)
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item)


class _Writer:
    """Writes blocks; remembers which comments stand somewhere."""

    def __init__(self, comments: Mapping[ObjectKey, Mapping[str, About]]) -> None:
        self._comments = comments
        self._said: set[Field] = set()

    def mapping(self, value: Mapping[str, Any], indent: str) -> Iterator[str]:
        """A mapping, a line for each field and more for what is in it."""
        for name, item in value.items():
            above, beside = self._about(item)
            yield from (f"{indent}{line}" for line in above)
            inner = _bare(item)
            key = scalar(name)
            if isinstance(inner, dict) and inner:
                yield f"{indent}{key}:{beside}"
                yield from self.mapping(inner, indent + _INDENT)
            elif isinstance(inner, list) and inner:
                yield f"{indent}{key}:{beside}"
                yield from self.sequence(inner, indent + _INDENT)
            else:
                yield from _text(f"{indent}{key}: ", plain(inner), beside, indent)

    def sequence(self, value: list[Any], indent: str) -> Iterator[str]:
        """A list, its items behind dashes."""
        for item in value:
            above, beside = self._about(item)
            yield from (f"{indent}{line}" for line in above)
            inner = _bare(item)
            if isinstance(inner, dict | list) and inner:
                deeper = indent + _INDENT
                lines = [*(self.mapping(inner, deeper) if isinstance(inner, dict) else self.sequence(inner, deeper))]
                first = next(place for place, line in enumerate(lines) if not line.lstrip().startswith("#"))
                yield from (line.removeprefix(_INDENT) for line in lines[:first])
                yield f"{indent}- {lines[first][len(indent) + 2 :]}{beside}"
                yield from lines[first + 1 :]
            else:
                yield from _text(f"{indent}- ", plain(inner), beside, indent)

    def _about(self, item: Any) -> tuple[list[str], str]:
        above: list[str] = []
        beside: list[str] = []
        while isinstance(item, At):
            for owner, path in item.fields:
                about = self._comments.get(owner, {}).get(path)
                if about is not None and (owner, path) not in self._said:
                    self._said.add((owner, path))
                    above += about.above
                    beside += [about.beside] if about.beside else []
            item = item.value
        if len(beside) > 1:
            above, beside = [*above, *beside], []
        return above, f"    {beside[0]}" if beside else ""


def _bare(value: Any) -> Any:
    while isinstance(value, At):
        value = value.value
    return value


def _text(begin: str, value: Any, beside: str, indent: str) -> Iterator[str]:
    """A text behind what it begins with; one of several lines as a block."""
    if isinstance(value, str) and _is_a_block(value):
        end = "" if value.endswith("\n") else "-"
        if not value.endswith("\n\n"):
            yield f"{begin}|{end}{beside}"
            yield from (f"{indent}{_INDENT}{line}" if line else "" for line in value.rstrip("\n").split("\n"))
            return
    yield f"{begin}{scalar(value)}{beside}"


def _is_a_block(value: str) -> bool:
    """Whether a text of several lines is the same as a block; other ends of lines are not, nor spaces at its ends."""
    lines = value.rstrip("\n")
    is_plain = value.isascii() and lines.replace("\n", "").replace("\t", " ").isprintable()
    return "\n" in value and is_plain and value.strip() == lines != ""


def scalar(value: Any) -> str:
    """A value in one line."""
    style = None if not isinstance(value, str) or value.isprintable() else '"'
    text: str = yaml.dump(
        value, Dumper=yaml.CSafeDumper, width=1 << 20, allow_unicode=True, default_flow_style=True, default_style=style
    )
    return text.removesuffix("\n").removesuffix("\n...")
