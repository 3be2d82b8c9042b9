"""YAML text to JSON values, a document at a time, by libyaml's events.

Built from events, not by PyYAML's constructors, for three reasons: these recurse in C and a deeply nested file ends
the process; they resolve timestamps and sexagesimals; and they are three times slower.
What YAML allows and JSON or Kubernetes does not is a fault with its line: keys that are not text, a key twice, tags.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

import yaml

from snapshot import JSON
from watcher.documents import Budget, Document, Fault, line_at
from watcher.limits import MAX_DEPTH
from watcher.scalars import ScalarError, plain, tagged
from watcher.sources import Sort

MAX_DIRECTIVES: Final = 16
"""Lines that begin with `%`: libyaml compares each directive with all others, and each tag with all of them."""

_DIRECTIVE: Final = re.compile(rb"^%", re.MULTILINE)
_MERGE: Final = "<<"

_SHORT: Final = 64
"""Letters of a scalar whose value is remembered: of objects the keys, kinds and names are the same again and again."""
_short: Final = lru_cache(maxsize=4_096)(plain)

Object: TypeAlias = dict[str, JSON]


class _FaultError(Exception):
    def __init__(self, message: str, line: int, sort: Sort = "Text") -> None:
        super().__init__(message)
        self.fault = Fault(message, line, sort)


def read_yaml(text: bytes, budget: Budget) -> Iterator[Document | Fault]:
    """The documents of a text, up to the first fault; it is the last item, what follows it is not read.

    What they take is taken from the budget.
    """
    if excess := _directive_too_many(text):
        yield excess
        return
    try:
        parser = yaml.CSafeLoader(text)
        while parser.check_event():
            event = parser.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                yield _Builder(parser, budget).document(_line(event))
    except _FaultError as error:
        yield error.fault
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        line, column = (mark.line, mark.column) if mark else (0, 0)
        began = error.context_mark.line if error.context_mark else None
        yield Fault(f"it is not YAML: {reason}", line, column=column, began=began)
    except yaml.reader.ReaderError as error:
        yield Fault(f"it is not YAML: {error.reason} at byte {error.position}", line_at(text, error.position))


def _directive_too_many(text: bytes) -> Fault | None:
    for count, found in enumerate(_DIRECTIVE.finditer(text)):
        if count == MAX_DIRECTIVES:
            return Fault(
                f"more than {MAX_DIRECTIVES} of its lines begin with %", line_at(text, found.start()), "Excess"
            )
    return None


def _line(event: yaml.Event) -> int:
    return event.start_mark.line if event.start_mark else 0


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; `key` is the one that waits for its value."""

    value: Object | list[JSON]
    anchor: str | None
    size: int
    values: int
    levels: int = 1
    key: str | None = None
    merging: bool = False
    merged: list[Object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias refers to, and what it takes written out; `levels`: collections inside each other."""

    value: JSON
    size: int
    values: int
    levels: int = 0


class _Builder:
    """Builds one document. `size` and `values` count what it would take written out: aliases cannot explode later."""

    def __init__(self, parser: yaml.CSafeLoader, budget: Budget) -> None:
        self._parser = parser
        self._budget = budget
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._root: JSON = None
        self._size = 0
        self._values = 0
        self._aliased = 0

    def document(self, line: int) -> Document:
        """Take events up to the document's end."""
        take, scalar = self._parser.get_event, self._scalar
        while True:
            event: Any = take()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._begin({}, event, "map")
            elif kind is yaml.SequenceStartEvent:
                self._begin([], event, "seq")
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            else:
                return Document(self._root, line, self._values, self._aliased)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        """Most of a text are these: what is rarely wanted, such as the line, is looked at when it is."""
        text = event.value
        is_plain, is_text = event.implicit
        if is_plain and text == _MERGE and self._wants_key():
            self._open[-1].merging = True
            return
        try:
            value: JSON
            if is_text:
                value = text
            elif is_plain:
                value = _short(text) if len(text) <= _SHORT else plain(text)
            else:
                value = tagged(event.tag or "!", text)
        except ScalarError as error:
            raise _FaultError(str(error), _line(event)) from error
        size = len(text) + 2
        self._grow(size, 1, event)
        top = self._open[-1] if self._open else None
        if top is not None and top.key is not None:
            mapping: Any = top.value
            mapping[top.key] = value
            top.key = None
        else:
            self._put(value, event, text)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, size, 1)

    def _begin(self, value: Object | list[JSON], event: yaml.CollectionStartEvent, usual: str) -> None:
        line = _line(event)
        if event.tag not in (None, "!", f"tag:yaml.org,2002:{usual}"):
            raise _FaultError(f"the tag {event.tag} does not fit what follows it", line)
        if len(self._open) == MAX_DEPTH:
            raise _FaultError(f"it is nested more than {MAX_DEPTH} deep", line, "Excess")
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(value, event.anchor, self._size, self._values))
        self._grow(2, 1, event)

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for source in done.merged:
                done.value |= {key: value for key, value in source.items() if key not in done.value}
        if done.anchor:
            self._anchors[done.anchor] = _Anchored(
                done.value, self._size - done.size, self._values - done.values, done.levels
            )
        self._put(done.value, event, "a collection", done.levels)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line = _line(event)
        if event.anchor not in self._anchors:
            raise _FaultError(f"the alias *{event.anchor} refers to nothing that is complete before it", line)
        anchored = self._anchors[event.anchor]
        if len(self._open) + anchored.levels > MAX_DEPTH:
            raise _FaultError(f"with its aliases written out it is nested more than {MAX_DEPTH} deep", line, "Excess")
        self._aliased += anchored.size
        self._budget.aliased -= anchored.size
        if self._budget.aliased < 0:
            raise _FaultError(self._budget.excess_of_aliases, line, "Excess")
        self._grow(anchored.size, anchored.values, event)
        self._put(anchored.value, event, f"*{event.anchor}", anchored.levels)

    def _put(self, value: JSON, event: yaml.Event, text: str, levels: int = 0) -> None:
        if not self._open:
            self._root = value
            return
        top = self._open[-1]
        if levels >= top.levels:
            top.levels = levels + 1
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.merging:
            self._merge(top, value, _line(event))
        elif top.key is None:
            if isinstance(value, str) and value not in top.value:
                top.key = value
            else:
                top.key = _key(value, text, top.value, _line(event))
        else:
            top.value[top.key] = value
            top.key = None

    def _merge(self, top: _Open, value: JSON, line: int) -> None:
        sources = value if isinstance(value, list) else [value]
        for source in sources:
            if not isinstance(source, dict):
                raise _FaultError("a merge key (<<) takes a mapping or a list of mappings", line)
            top.merged.append(source)
        top.merging = False

    def _wants_key(self) -> bool:
        top = self._open[-1] if self._open else None
        return top is not None and isinstance(top.value, dict) and top.key is None and not top.merging

    def _grow(self, size: int, values: int, event: yaml.Event) -> None:
        self._size += size
        self._values += values
        self._budget.values -= values
        if self._budget.values < 0:
            raise _FaultError(self._budget.excess, _line(event), "Excess")


def _key(value: JSON, text: str, mapping: Object, line: int) -> str:
    """The key, if it can be one. A mapping's value is stored under it only when that is complete."""
    if not isinstance(value, str):
        what = {bool: "a boolean", type(None): "null", int: "a number", float: "a number"}.get(type(value))
        said = f"the key {text} is read as {what}; write it in quotes" if what else "a key is not text"
        raise _FaultError(said, line)
    if value in mapping:
        raise _FaultError(f"the key {value!r} occurs twice in one mapping", line)
    return value
