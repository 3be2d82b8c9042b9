"""What is valid and never takes effect as it is meant: told, and served all the same.

Each function gives the reason as the end of a sentence about the field, or nothing. Paths reach the routes as Envoy has
normalized them: percent-encoded, without a query, without `.` and `..`, and, where the Module does not say otherwise,
without `//` and `%2F`.
"""

import re
from collections.abc import Iterator
from typing import Final

from translator import ir
from translator.decode import Problem, join, quote, step

_PLAIN: Final = re.compile(r"[/A-Za-z0-9_-]*")
_DOTS: Final = re.compile(r"/\.{1,2}/")
_DOTS_AT_THE_END: Final = re.compile(r"/\.{1,2}\Z")
_VARIABLE: Final = re.compile(r"\{[A-Za-z_][^{}/]*\}|/:[A-Za-z_]\w*")
_ESCAPED_SLASH: Final = re.compile(r"%2f|%5c", re.IGNORECASE)
_CLASS: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", re.DOTALL)
_QUESTION_MARK: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:\\\?|\[\?\])")
_GROUP_OF_OTHERS: Final = re.compile(r"\$(?:\d+|\{\w+\})")
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[.*\]")

_CONSTRAINTS: Final = ("headers", "query_parameters")
_ADDED: Final = ("add_request_headers", "add_response_headers")

LONGEST_LABEL: Final = 63


def is_plain_path(text: str) -> bool:
    """Whether a path has nothing that needs a look."""
    return _PLAIN.fullmatch(text) is not None


def is_plain_hostname(text: str) -> bool:
    """Whether a host name has nothing that needs a look."""
    return ".." not in text and len(text) <= LONGEST_LABEL


def of_path(text: str, *, exact: bool) -> Iterator[str]:
    """Why no path, or hardly one, begins with a text, or is it where `exact`, whatever the Module says."""
    if _DOTS.search(text) or (exact and _DOTS_AT_THE_END.search(text)):
        yield "holds . or .. as a part of the path, which is resolved before: nothing asks for it"
    if not text.isascii():
        yield f"holds a letter that paths have percent-encoded: nothing asks for it; write {quote(_encoded(text))}"
    if text.endswith("*"):
        yield "ends with *, which is no wildcard here: only paths with that star fit; every prefix is open at its end"
    elif found := _VARIABLE.search(text):
        yield f"holds {found[0].removeprefix('/')}, which is no variable here: use prefix_regex"


def of_normalized(text: str, options: ir.HttpOptions) -> Iterator[str]:
    """Why no path begins with a text, by how the Module has paths normalized."""
    if "//" in text and options.merge_slashes:
        yield "holds //, which becomes / before: nothing asks for it, unless the Module says merge_slashes: false"
    if _ESCAPED_SLASH.search(text) and options.escaped_slashes != "keep":
        yield "holds an escaped slash, and no such path comes this far: nothing asks for it"


def is_normalized(text: str) -> bool:
    """Whether it needs no look at what the Module says."""
    return "//" not in text and _ESCAPED_SLASH.search(text) is None


def of_path_regex(text: str) -> Iterator[str]:
    """What a regular expression for a path never matches."""
    if _QUESTION_MARK.search(text):
        yield "asks for a question mark, which no path has without its query: that part matches nothing"
    if not text.isascii():
        yield "holds a letter that paths have percent-encoded: that part matches nothing"


def of_regex(text: str) -> Iterator[str]:
    """What a regular expression never matches: it is compared byte by byte, as Envoy has it."""
    if not text.isascii() and any(found[0][0] == "[" and not found[0].isascii() for found in _CLASS.finditer(text)):
        yield "has a class with a letter beyond ASCII, which is several bytes: no class matches it; use (a|b)"


def of_substitution(text: str) -> Iterator[str]:
    """What of a substitution is taken as it is written, though elsewhere it is a group."""
    if found := _GROUP_OF_OTHERS.search(text):
        yield rf"holds {found[0]}, which is no group here, but a text: groups are \1 to \9"


def of_hostname(text: str) -> Iterator[str]:
    """Why nobody can ask for a host name."""
    labels = text.partition(":")[0].removesuffix(".").split(".") if not text.startswith("[") else []
    if any(not label for label in labels[1:]):
        yield "has an empty part between its dots: nothing asks for it"
    if any(len(label) > LONGEST_LABEL for label in labels):
        yield f"has a part of more than {LONGEST_LABEL} characters: DNS has no such name"


def of_name_in_tls(text: str) -> Iterator[str]:
    """Why nobody can ask for a host name in TLS."""
    if _ADDRESS.fullmatch(text.rpartition(":")[0] if text.count(":") == 1 else text):
        yield "is an address, which nobody asks for by name in TLS: it is served in clear text alone"


def of_retries(retry_on: str, *, http2: bool) -> Iterator[str]:
    """Which words never lead to a second try."""
    if retry_on == "retriable-status-codes":
        yield "does nothing by itself: which codes these are can be said nowhere; 5xx and gateway-error name some"
    if retry_on == "refused-stream" and not http2:
        yield "does nothing for a service that speaks HTTP/1.1, as this one without grpc: true: it refuses no streams"


def booleans_of(spec: object) -> Iterator[Problem]:
    """What YAML has made of `off`, `yes` and the like where an older version takes a word or a boolean for a header."""
    for field in (*_CONSTRAINTS, *_ADDED) if isinstance(spec, dict) else ():
        given = spec.get(field)  # type: ignore[attr-defined]
        for name, value in given.items() if isinstance(given, dict) else ():
            where = join(join("spec", field), step(name))
            if value is False and field in _CONSTRAINTS:
                said = "is false, as YAML reads off, no and n too, and asks for nothing: write a word in quotes"
                yield Problem(where, said, stops=False)
            elif isinstance(value, bool) and field in _ADDED:
                others = "on, yes and y" if value else "off, no and n"
                said = f"is {str(value).lower()}, as YAML reads {others} too, and is sent so: write a word in quotes"
                yield Problem(where, said, stops=False)


def _encoded(text: str) -> str:
    return "".join(
        letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in text
    )
