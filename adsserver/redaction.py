"""Envoy's text about a refused resource, fit to be shown to people: short, and without anything secret.

When a field breaks Envoy's rules (protoc-gen-validate), Envoy 1.40 shows the whole resource first, private keys
included, and the reason behind it; and it cuts its text at 4 KiB, so that of a big resource the reason is lost.
"""

import re

from adsserver.resources import Entry, Kind

LIMIT = 1024  # bytes

CUT = "a field breaks Envoy's rules for it; Envoy's text was cut before it came to say which"

_DUMP = "goo.gle/debug"
_AFTER_DUMP = "\n: "
_WORD = re.compile(r"[^\s\"'\\:;,<>()\[\]{}]{8,}")
_ELLIPSIS = "..."


def redacted(message: str, entry: Entry) -> str:
    """At most 1 KiB of the message, without the resource itself, and without any word of a secret's contents."""
    told = _without_dump(message).strip()
    if entry.kind is Kind.SECRET:
        told = _WORD.sub(lambda word: _unless_inside(word.group(), entry), told)
    encoded = told.encode(errors="replace")
    if len(encoded) <= LIMIT:
        return encoded.decode()
    return encoded[: LIMIT - len(_ELLIPSIS)].decode(errors="ignore") + _ELLIPSIS


def _without_dump(message: str) -> str:
    """The message without the resource in protobuf's text format, which begins with a mark of its own."""
    before, mark, dump = message.partition(_DUMP)
    if not mark:
        return message
    _, found, after = dump.rpartition(_AFTER_DUMP)
    return before.rstrip(" :") + (after if found else "") or CUT


def _unless_inside(word: str, entry: Entry) -> str:
    if word in entry.name or word.encode(errors="replace") not in entry.body:
        return word
    return "[redacted]"
