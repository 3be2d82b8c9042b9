"""One file's bytes to its objects, reading again only the documents whose bytes changed.

Work goes in batches, so that whoever does it (`watcher/lanes.py`) can do something else in between: `begin` says what
there is to read, `read` reads a batch, `Work.content` puts it together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from snapshot import Record
from watcher.annotations import carry_in_body, is_carrier
from watcher.documents import TOO_MANY_ALIASES, Budget, Document, Fault, too_many_values
from watcher.json_text import read_json
from watcher.limits import DOCUMENT, MAX_ALIASED, MAX_TOLD, VALUE, Limits, weigh
from watcher.objects import Made, Rejected, objects_of, version_of
from watcher.pieces import has_more_borders, pieces
from watcher.salvage import LARGEST, salvaged, salvaged_json
from watcher.sources import Problem
from watcher.standing import VERSION, stand_in
from watcher.yaml_text import read_yaml

BATCH: Final = 64 << 10
"""Bytes that are read in one go, if no single document is larger: a tenth of a second at the very worst."""

_MAX_SENTENCE: Final = 400
_MAX_MESSAGE: Final = 10 * _MAX_SENTENCE


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's objects as (key, version, body), what is wrong with it, and its line in its piece (from 0).

    `untold`: how many more faults it has. `values` and `aliased`: what it takes (see `Document`). `excess`: it was not
    looked at, since there was too much before it.
    """

    line: int
    objects: tuple[tuple[str, str, bytes], ...] = ()
    faults: tuple[Fault, ...] = ()
    untold: int = 0
    values: int = 0
    aliased: int = 0
    excess: bool = False


Memo = dict[bytes, tuple[Parsed, ...]]
"""What the pieces of a text gave, by the hash of their bytes."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file says. `whole`: every document could be read, so that an object that is not here is not meant."""

    objects: Mapping[str, Record]
    problems: tuple[Problem, ...]
    whole: bool
    memo: Memo
    takes: int = 0
    """What its values and documents count as."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pieces of a file, to be read in one go."""

    name: str
    namespace: str
    limits: Limits
    pieces: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.pieces))

    def singly(self) -> Iterator["Batch"]:
        """Each piece for itself."""
        for piece in self.pieces:
            yield Batch(self.name, self.namespace, self.limits, (piece,))


@dataclass(slots=True)
class Work:
    """A file whose bytes are there and whose documents are being read."""

    name: str
    size: int
    limits: Limits
    pieces: list[tuple[bytes, int]]
    """Of each piece, its hash and how many lines it has."""
    known: Memo
    batches: list[Batch]
    """What is still to be read, the last first."""
    problem: str = ""
    """Why nothing of it is read at all."""
    deaths: int = 0
    """How many readers it has cost."""
    path: str = ""
    """Whose it is, for whoever waits for it."""

    def take(self, batch: Batch, found: Iterable[tuple[Parsed, ...]]) -> None:
        """What the pieces of a batch have given."""
        self.known |= zip(map(_hash, batch.pieces), found, strict=True)

    def do(self) -> None:
        """All of it, here and at once."""
        while self.batches:
            batch = self.batches.pop()
            self.take(batch, read(batch))

    def content(self) -> Content:
        """What the file says, when no batch is left."""
        if self.problem:
            return Content({}, (Problem(self.problem, sort="Excess"),), whole=False, memo={})
        return _Joined(self.limits, self.name).content(self.pieces, self.known)


def begin(name: str, text: bytes, namespace: str, memo: Memo, limits: Limits) -> Work:
    """What there is to read of the file `name`; `memo` is that of its last content, of this name and namespace."""
    if len(text) > limits.file:
        return Work(name, 0, limits, [], {}, [], limits.file_too_large())
    is_json = name.endswith(".json")
    if not is_json and has_more_borders(text, limits.documents):
        return Work(name, 0, limits, [], {}, [], limits.too_large(f"{limits.documents} documents"))
    hashed: list[tuple[bytes, int]] = []
    unknown: dict[bytes, bytes] = {}
    known = Memo()
    for piece in [text] if is_json else pieces(text):
        digest = _hash(piece)
        hashed.append((digest, piece.count(b"\n")))
        if digest in memo:
            known[digest] = memo[digest]
        else:
            unknown[digest] = piece
    batches = [Batch(name, namespace, limits, found) for found in _batched(unknown.values())]
    return Work(name, len(text), limits, hashed, known, batches[::-1])


def read(batch: Batch) -> list[tuple[Parsed, ...]]:
    """What each piece of a batch says: its documents, up to the first that cannot be read."""
    found: list[tuple[Parsed, ...]] = []
    aliased, room = 0, LARGEST
    for piece in batch.pieces:
        try:
            documents = tuple(_documents(batch, piece, aliased, may_stand=len(piece) <= room))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is about this document alone
            documents = unread(f"it cannot be read: {type(error).__name__}: {error}"[:_MAX_MESSAGE])
        aliased += sum(parsed.aliased for parsed in documents)
        room -= len(piece) if any(parsed.faults for parsed in documents) else 0
        found.append(documents)
    return found


def parse(name: str, text: bytes, namespace: str, memo: Memo, limits: Limits) -> Content:
    """The content of a file, at once."""
    work = begin(name, text, namespace, memo, limits)
    work.do()
    return work.content()


def source_of(record: Record) -> str | None:
    """The file that a record says it came from; None when it says nothing of the kind."""
    source = record.notes.get("source")
    return source.rpartition("#")[0] or None if isinstance(source, str) else None


def unread(reason: str) -> tuple[Parsed, ...]:
    """What a piece gives that could not be read for a reason of the reader."""
    return (Parsed(0, faults=(Fault(reason, 0, "Unread"),)),)


@dataclass(slots=True)
class _Joined:
    """Documents put together, as far as the file may hold them."""

    limits: Limits
    name: str
    objects: dict[str, Record] = field(default_factory=dict)
    excesses: dict[str, Problem] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    untold: int = 0
    weight: int = 0
    values: int = 0
    aliased: int = 0

    def content(self, pieces: Iterable[tuple[bytes, int]], known: Memo) -> Content:
        """All documents of all pieces, in order."""
        whole, number, line, memo = True, 0, 1, Memo()
        for digest, lines in pieces:
            documents, is_excess = known[digest], False
            for parsed in documents:
                number += 1
                whole = self._document(parsed, number, line) and whole
                is_excess = is_excess or parsed.excess
            if not is_excess:
                memo[digest] = documents
            line += lines
        if self.untold:
            self.problems.append(Problem(f"and {self.untold} more problems", sort="Excess"))
        takes = max(VALUE * self.values, DOCUMENT * number)
        return Content(self.objects, (*self.excesses.values(), *self.problems), whole, memo, takes)

    def _document(self, parsed: Parsed, number: int, line: int) -> bool:
        """Take a document; whether all of it could be taken."""
        if excess := self._excess(parsed):
            if excess not in self.excesses:
                said = f"{excess}; this document is one too many"
                self.excesses[excess] = Problem(said, number, line + parsed.line, "Excess")
            return False
        for fault in parsed.faults:
            self._tell(Problem(_short(fault.message), number, line + fault.line, fault.sort, fault.column + 1))
        self.untold += parsed.untold
        for key, version, body in parsed.objects:
            if key in self.objects:
                said = f"{key} is in this file already, in {_place(self.objects[key])}"
                self._tell(Problem(_short(said), number, line, "Twice", about=key))
            else:
                self.objects[key] = Record(version, body, {"source": f"{self.name}#{number}"})
        return not parsed.faults

    def _excess(self, parsed: Parsed) -> str | None:
        """Why this document is too much after those before it. What was too much once is so for all that follow."""
        self.values += parsed.values
        self.aliased += parsed.aliased
        for _, _, body in parsed.objects:
            self.weight += weigh(body)
        if self.values > self.limits.values:
            return too_many_values(self.limits)
        if parsed.aliased and self.aliased > MAX_ALIASED:
            return TOO_MANY_ALIASES
        if self.weight > self.limits.file:
            return self.limits.objects_too_large()
        return None

    def _tell(self, problem: Problem) -> None:
        if len(self.problems) == MAX_TOLD:
            self.untold += 1
            return
        self.problems.append(problem)


def _hash(piece: bytes) -> bytes:
    return blake2b(piece, digest_size=16).digest()


def _short(message: str) -> str:
    return message if len(message) <= _MAX_SENTENCE else f"{message[:_MAX_SENTENCE]}..."


def _place(record: Record) -> str:
    return f"document {str(record.notes['source']).rpartition('#')[2]}"


def _batched(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    batch: list[bytes] = []
    size = 0
    for piece in pieces:
        if batch and size + len(piece) > BATCH:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(piece)
        size += len(piece)
    if batch:
        yield tuple(batch)


def _documents(batch: Batch, piece: bytes, aliased: int, *, may_stand: bool) -> Iterator[Parsed]:
    """The documents of a piece; `aliased`: what the aliases of the pieces before it have added.

    `may_stand`: there is room to look at the first once more, if it is none.
    """
    budget = Budget.of(batch.limits)
    found = [read_json(piece, budget)] if batch.name.endswith(".json") else read_yaml(piece, budget)
    for document in found:
        if isinstance(document, Fault):
            yield Parsed(
                document.line, objects=_standing(batch, piece, document) if may_stand else (), faults=(document,)
            )
            continue
        may_stand = False
        aliased += document.aliased
        if document.aliased and aliased > MAX_ALIASED:
            yield Parsed(document.line, values=document.values, aliased=document.aliased, excess=True)
        else:
            budget.aliased = MAX_ALIASED - aliased
            parsed = _parsed(batch, document, budget)
            aliased += parsed.aliased - document.aliased
            yield parsed


def _standing(batch: Batch, piece: bytes, fault: Fault) -> tuple[tuple[str, str, bytes], ...]:
    """What stands for a document that is no text of objects."""
    value = (salvaged_json if batch.name.endswith(".json") else salvaged)(piece, fault)
    instead = stand_in(value, batch.namespace, is_part=True)
    return (_stood(batch, instead),) if instead is not None else ()


def _stood(batch: Batch, instead: Made) -> tuple[str, str, bytes]:
    return instead.key, VERSION + version_of(instead.body, batch.name), instead.body


def _parsed(batch: Batch, found: Document, budget: Budget) -> Parsed:
    """A document's objects; what annotations of theirs say is taken from the budget."""
    values, aliased = budget.values, budget.aliased
    made: list[tuple[str, str, bytes]] = []
    faults: list[Fault] = []
    untold = 0
    for item in objects_of(found.value, batch.namespace):
        match item:
            case Made(key, body):
                body = carry_in_body(body, budget) if is_carrier(key) else body
                made.append((key, version_of(body, batch.name), body))
            case Rejected(message, value):
                if len(faults) < MAX_TOLD:
                    faults.append(Fault(message[:_MAX_MESSAGE], found.line, "Object"))
                else:
                    untold += 1
                instead = stand_in(value, batch.namespace)
                if instead is not None:
                    made.append(_stood(batch, instead))
    takes = found.values + values - budget.values, found.aliased + aliased - budget.aliased
    return Parsed(found.line, tuple(made), tuple(faults), untold, *takes)
