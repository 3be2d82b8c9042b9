r"""Dot segments (`..`), which a path must not hold when it leaves us: they lead out of what a rewrite leads into.

Envoy resolves those of a request before it looks for a route (`normalize_path`), so what is left has three sources:
what its normalization does not see (`/a/%2e%2e;x/b` comes out as `/a/..;x/b`, and what is escaped twice), what people
write into a rewrite, and what a rewrite joins: where `/img` becomes `/static/`, `/img../x` becomes `/static/../x`. The
first is refused at the head of each virtual host, the second when an object is read, and the third by the route, or,
where only the result of a regular expression tells, on the way to the cluster.

What is commonly decoded counts as decoded: a dot may be `%2e`, a slash `\`, `%2f` or `%5c`, each escaped any number of
times, and what follows a `;` in a segment is no part of its name, nor what follows a blank, where a request line of
HTTP/1 goes on: `/static/.. HTTP/1.1`. The expressions mean the same to Python and to RE2.
"""

import re
from typing import Final

import re2

from translator.decoding.values import Invalid, quote

_DOTS: Final = r"(?:\.|%(?:25)*2e){1,2}"
_SLASH: Final = r"(?:[/\\]|%(?:25)*(?:2f|5c))"
_END: Final = r"(?:[/\\;?\x20\t]|%(?:25)*(?:2f|5c|3b))"

ANYWHERE: Final = rf"(?i:(?:[^?]*{_SLASH})?{_DOTS}(?:{_END}.*)?)"
"""What a path must not be, with its query or without."""

_HALF_AN_ESCAPE: Final = "[^?]*%(?:25)*[0-9A-Fa-f]?"

WRONG_IN_A_REWRITE: Final = f"^({ANYWHERE}|{_HALF_AN_ESCAPE})$".replace("(?:", "(")
"""What `path_without_dots` refuses, for the rules of an API server, which count the cost by length."""

LONGEST_PREFIX: Final = 200
"""Characters of a prefix that a guard looks at: an expression of it all could be larger than Envoy takes."""

_DOTTED: Final = re.compile(ANYWHERE, re.DOTALL)
_UNFINISHED: Final = re.compile(_HALF_AN_ESCAPE)
_INSIDE: Final = re.compile(rf"{_SLASH}{_DOTS}{_END}", re.IGNORECASE)
_ENDS_IN_SLASH: Final = re.compile(rf"{_SLASH}\Z", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\\([0-9\\])")


def path_without_dots(value: str) -> str:
    """What a path becomes, or what its beginning becomes: as it will stand there, so it must lead nowhere else.

    Raises:
        Invalid: when it holds a dot segment, or half an escape that what follows could make one of.
    """
    if _DOTTED.fullmatch(value):
        raise Invalid(f"must not hold . or .. as a part of the path: {quote(value)}")
    if _UNFINISHED.fullmatch(value):
        raise Invalid(f"must not end inside an escape such as %2f: {quote(value)}")
    return value


def substitution_without_dots(value: str) -> str:
    """What matches of a regular expression become; what it is joined with is known only when a request is there.

    Raises:
        Invalid: when it holds a dot segment whatever stands before and behind it.
    """
    path = _REFERENCE.sub(lambda found: "\\" if found[1] == "\\" else "x", value).partition("?")[0]
    if _INSIDE.search(path):
        raise Invalid(f"must not hold . or .. as a part of the path: {quote(value)}")
    return value


def guard(prefix: str, rewrite: str, *, case_sensitive: bool) -> str | None:
    """A regular expression for the `:path` of requests that would get a dot segment where a prefix is rewritten.

    It takes no text of people (`path_without_dots`) to join one but this: a prefix that ends inside a segment becomes
    something that ends at a slash, so that the rest of the segment is one of its own.
    """
    if _ENDS_IN_SLASH.search(prefix) or "?" in rewrite or not _ENDS_IN_SLASH.search(rewrite):
        return None
    known = ("^" if len(prefix) <= LONGEST_PREFIX else ".*") + re2.escape(prefix[-LONGEST_PREFIX:])
    flags = "" if case_sensitive else "(?i)"
    return rf"{flags}{known}(?i:{_DOTS}(?:{_END}.*)?)"
