"""What the watcher and its readers say to each other: a batch one way, what its pieces give the other; pure.

A message is its length in 4 bytes, a line of JSON, and the pieces, one after the other; an answer is its length in 4
bytes, and JSON.
"""

import struct
from typing import Final

import orjson

from watcher.documents import Fault
from watcher.limits import Limits
from watcher.parsing import Batch, Parsed

LENGTH: Final = struct.Struct("!I")


def message_of(batch: Batch) -> bytes:
    """A batch as a message, without its length."""
    limits = batch.limits
    said = [batch.name, batch.namespace, limits.file, limits.total, [len(piece) for piece in batch.pieces]]
    return b"\n".join((orjson.dumps(said), b"".join(batch.pieces)))


def batch_of(message: bytes) -> Batch:
    """A message as a batch."""
    line, _, rest = message.partition(b"\n")
    name, namespace, file, total, sizes = orjson.loads(line)
    pieces, start = [], 0
    for size in sizes:
        pieces.append(rest[start : start + size])
        start += size
    return Batch(name, namespace, Limits(file, total), tuple(pieces))


def answer_of(found: list[tuple[Parsed, ...]]) -> bytes:
    """What pieces give as an answer, without its length."""
    return orjson.dumps([[_said(parsed) for parsed in documents] for documents in found])


def found_of(answer: bytes) -> list[tuple[Parsed, ...]]:
    """An answer as what pieces give."""
    return [
        tuple(
            Parsed(
                line,
                tuple((key, version, body.encode()) for key, version, body in objects),
                tuple(Fault(*fault) for fault in faults),
                *numbers,
            )
            for line, objects, faults, *numbers in documents
        )
        for documents in orjson.loads(answer)
    ]


def _said(parsed: Parsed) -> list[object]:
    return [
        parsed.line,
        [[key, version, body.decode()] for key, version, body in parsed.objects],
        [[_text(fault.message), fault.line, fault.sort, fault.column] for fault in parsed.faults],
        parsed.untold,
        parsed.values,
        parsed.aliased,
        parsed.excess,
    ]


def _text(message: str) -> str:
    """JSON has no lone surrogates, and a file may: they are told by their numbers."""
    return message.encode(errors="backslashreplace").decode()
