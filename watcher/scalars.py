"""Plain YAML scalars as JSON values, read as kubectl reads them: a folder means what `kubectl apply` would mean.

kubectl resolves by YAML 1.1 with exceptions (its library: sigs.k8s.io/yaml over goyaml.v2): `yes`, `on` and `y` are
booleans; timestamps and sexagesimals such as `22:22` are text; `0644` and `0o644` are octal; a number without a
fraction is an integer however it is written.
"""

import math
import re
from typing import Final

from snapshot import JSON

WORDS: Final[dict[str, bool | None]] = {
    form: value
    for value, words in {
        True: ("y", "yes", "true", "on"),
        False: ("n", "no", "false", "off"),
        None: ("", "~", "null"),
    }.items()
    for word in words
    for form in {word, word.capitalize(), word.upper()}
}

_NOT_JSON: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMERIC: Final = frozenset("0123456789+-.")
_OCTAL: Final = re.compile(r"([-+]?)0[oO]?([0-7]+)")
_WHOLE: Final = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

MAX_DIGITS: Final = 400
"""A longer run of digits is text: nobody means it as a number, and Python refuses to convert a very long one."""


class ScalarError(ValueError):
    """A scalar that has no JSON form."""


def plain(text: str) -> JSON:
    """The value of a scalar that stands without quotes and without a tag. ScalarError for `.inf` and `.nan`."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _NUMERIC or len(text) > MAX_DIGITS:
        return text
    if _NOT_JSON.fullmatch(text):
        raise ScalarError(f"{text} is a number that JSON does not have")
    digits = text if text[0] == "." else text.replace("_", "")
    if octal := _OCTAL.fullmatch(digits):
        return int(octal[1] + octal[2], 8)
    if _WHOLE.fullmatch(digits):
        return int(digits, 0)
    return number(digits) if _FLOAT.fullmatch(digits) else text


def number(digits: str) -> JSON:
    """A number with a fraction or an exponent; an integer when it is one, text when it is too large to be a number."""
    value = float(digits)
    if math.isinf(value):
        return digits
    return int(value) if value.is_integer() and abs(value) < 2**63 else value


def tagged(tag: str, text: str) -> JSON:
    """The value of a scalar with a tag such as `!!str`. ScalarError when the tag or the text does not fit."""
    name = tag.removeprefix("tag:yaml.org,2002:")
    if name in ("!", "str", "timestamp"):
        return text
    expected = {"bool": (bool,), "null": (type(None),), "int": (int,), "float": (int, float)}.get(name)
    if expected is None:
        raise ScalarError(f"the tag {tag} has no JSON form")
    value = plain(text)
    if type(value) not in expected:
        raise ScalarError(f"{text!r} does not fit the tag !!{name}")
    return value
