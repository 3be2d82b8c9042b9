"""Texts that a comparison takes, to make a request that a route may match. Pure; Envoy has the last word on each."""

import re
import warnings
from collections.abc import Iterable
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import re2

from translator.checks import compiled
from translator.ir import PathMatch, TextMatch

WORD: Final = "probe"
_LONGEST: Final = 128
_CLASSES: Final = {
    constants.CATEGORY_DIGIT: "1",
    constants.CATEGORY_WORD: "a",
    constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_NOT_DIGIT: "a",
    constants.CATEGORY_NOT_WORD: "-",
    constants.CATEGORY_NOT_SPACE: "a",
}
_PLAIN: Final = "a1-_.~/x0AZ,:=@ "


def of_path(path: PathMatch) -> str | None:
    """A path that a route has; None where none can be made up."""
    if path.kind == "regex":
        return of_regex(path.text)
    if path.kind == "exact":
        return path.text
    if path.kind == "segments":
        return f"{path.text.rstrip('/')}/{WORD}"
    return f"{path.text}{WORD}" if path.text.endswith("/") else path.text or "/"


def of_text(match: TextMatch | None) -> str | None:
    """A text that a comparison takes; any where there is none."""
    if match is None:
        return "1"
    if match.kind == "regex":
        return of_regex(match.text)
    return {"exact": "{}", "prefix": "{}1", "suffix": "1{}"}[match.kind].format(match.text)


def of_regex(pattern: str) -> str | None:
    """A text that a regular expression matches as a whole; None where none is found."""
    regex = compiled(pattern)
    for text in (_by_parts(pattern), _least(regex)):
        if text is not None and text.isprintable() and regex.fullmatch(text.encode()):
            return text
    return None


def _least(regex: Any) -> str | None:
    try:
        least, _ = regex.possiblematchrange(_LONGEST)
        return str(least.decode())
    except (re2.error, UnicodeDecodeError):
        return None


def _by_parts(pattern: str) -> str | None:
    """By Python's own parser, which understands most of what RE2 does."""
    try:
        with warnings.catch_warnings():  # what Python may mean by it one day is nothing to RE2
            warnings.simplefilter("ignore")
            return _text(parser.parse(pattern))
    except (re.error, RecursionError, OverflowError, KeyError, ValueError):
        return None


def _text(parsed: Iterable[Any]) -> str:
    return "".join(_part(operator, argument) for operator, argument in parsed)


def _part(operator: Any, argument: Any) -> str:  # noqa: PLR0911 -- a table
    match operator:
        case constants.LITERAL:
            return chr(argument)
        case constants.NOT_LITERAL:
            return next(each for each in _PLAIN if ord(each) != argument)
        case constants.ANY:
            return "x"
        case constants.IN:
            return _one_of(argument)
        case constants.BRANCH | constants.SUBPATTERN:
            return _text(argument[-1] if operator is constants.SUBPATTERN else argument[1][0])
        case constants.MAX_REPEAT | constants.MIN_REPEAT:
            least, most, inner = argument
            return _text(inner) * int(min(max(least, 1), most, _LONGEST))
        case constants.AT:
            return ""
    raise ValueError(f"no text is made for {operator}")


def _one_of(items: list[Any]) -> str:
    """One of the characters of a class."""
    if items[0][0] is constants.NEGATE:
        taken = re.compile("".join(["[", *[_class(each) for each in items[1:]], "]"]))
        return next((each for each in _PLAIN if not taken.match(each)), "?")
    operator, argument = items[0]
    if operator is constants.RANGE:
        return chr(argument[0])
    return _CLASSES[argument] if operator is constants.CATEGORY else str(chr(argument))


def _class(item: Any) -> str:
    operator, argument = item
    if operator is constants.RANGE:
        return f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
    if operator is constants.CATEGORY:
        return {"1": r"\d", "a": r"\w", " ": r"\s"}[_CLASSES[argument]]
    return re.escape(chr(argument))
