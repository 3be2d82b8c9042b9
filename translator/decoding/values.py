"""What decoding speaks in: problems with a path and a sentence, and the rules that a field or a class carries.

These are values only, so that everything else (decoders, schemas, checks, the rules of an API) can share them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Final, Generic, Literal, NoReturn, ParamSpec, TypeAlias, TypeVar

from process.text import printable
from translator.values import dataclass

P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V")

_PLAIN_STEP: Final = re.compile(r"[A-Za-z0-9_/-]+\Z")
_SHOWN: Final = 60
_LONGEST_STEP: Final = 100
_LARGEST_NUMBER: Final = 10**20
"""What is larger is shown as its size: Python takes quadratic time for a long number, and refuses the longest."""

LONGEST_PATH: Final = 250
LONGEST_MESSAGE: Final = 1000
"""Characters of a problem's parts, about, whatever names and values it quotes."""

Reason: TypeAlias = Literal[
    "Invalid",
    "Conflict",
    "NotServed",
    "NotAttached",
    "SecretNotUsable",
    "TLSContextNotUsable",
    "BackendNotFound",
]
"""What sort of problem it is, in a word for programs; docs/statuses.md says what each means."""

Sort: TypeAlias = Literal[
    "",
    "Unknown",
    "Type",
    "Choice",
    "Range",
    "Required",
    "Form",
    "Alias",
    "Idle",
    "NeverAsked",
    "Absent",
    "Classless",
    "Astray",
    "Others",
    "Awaited",
]
"""What is invalid about it, for programs that tell more of it than a status does (`lint/`): a field that nobody knows,
a value of another type, none of the choices, out of bounds, missing, of another form, a second name of the same, of a
field that has no effect in this version, asked for by no request; that something is not there at all; or that it is not
known yet, and only a gateway that runs hears of it. What is not attached may be of no class of ours, name nothing that
is here, or be for another gateway. Empty: what no field can see alone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an object, told to the user who wrote it. Its texts are on one line each, and not long.

    Args:
        path: where, such as `spec.retry_policy.num_retries`, `spec.hosts[2]`, `spec.headers["x.y"]`.
        message: a sentence without its subject, which is the path: "must be an integer, not a string: 'four'".
        stops: whether the object cannot be used because of it; else it is a warning.
        reason: what sort of problem it is.
        more: it stands for so many problems that are not listed, and says nothing itself (`translator.decoding.few`).
        sort: what is invalid about it, where the reason says no more than that; problems are the same whatever it is.
        notice: nothing is wrong, it is only to be known.
    """

    path: str
    message: str
    stops: bool = True
    reason: Reason = "Invalid"
    more: int = 0
    sort: Sort = field(default="", compare=False)
    notice: bool = False

    def __post_init__(self) -> None:
        """Bound the texts here, since whoever makes a problem quotes what others wrote."""
        if len(self.path) > LONGEST_PATH or not self.path.isprintable():
            object.__setattr__(self, "path", printable(self.path, LONGEST_PATH))
        if len(self.message) > LONGEST_MESSAGE or not self.message.isprintable():
            object.__setattr__(self, "message", printable(self.message, LONGEST_MESSAGE))


class Invalid(Exception):  # noqa: N818  it says how the value is, and becomes a Problem
    """Raised by checks and converters to say what is wrong with a value.

    Args:
        message: a sentence without its subject, as in `Problem`.
        at: where inside the value, when it is not the whole of it.
        stops: when False the problem is a warning, and the value is as if it were absent.
        sort: as in `Problem`.
    """

    def __init__(self, message: str, *, at: str = "", stops: bool = True, sort: Sort = "Form") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.stops = stops
        self.sort = sort

    @property
    def problem(self) -> Problem:
        """It as a problem of the value."""
        return Problem(self.at, self.message, self.stops, sort=self.sort)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """The outcome: `value` is None exactly when one of the problems stops the object."""

    value: T | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a field's annotation cannot say. Put it in `field(metadata=rule(...))`, or in `Annotated[int, Rule(...)]`.

    In `Annotated` only what concerns the value counts (not name, aliases, required, warn); it then holds wherever that
    type is used, in lists and maps too.

    Args:
        doc: one sentence for users; the description in the schema.
        name: the field's name in JSON, when it is not the attribute's (`tlsSecret`).
        aliases: other names in JSON that mean the same; the first that is present counts.
        required: an absent field stops the object. Implied when the annotation has no None and the field no default.
        warn: a sentence told, without stopping, whenever the field is present ("is deprecated: use hostname").
        convert: reads the JSON value in place of the annotation's own decoder; raises Invalid, or returns the value, or
            a `Decoded` with problems relative to it. Give `schema` with it.
        check: looks at the decoded value and returns what to keep, usually itself; raises Invalid.
        minimum, maximum: inclusive bounds of a number.
        min_size, max_size: inclusive bounds of the length of a text (characters), list or map.
        pattern: a regular expression that the whole text must match; `hint` says in words what it wants.
        schema: OpenAPI v3 keywords to add to those that follow from the annotation, or with `convert` to use instead.
    """

    doc: str = field(default="", kw_only=False)
    name: str | None = None
    aliases: tuple[str, ...] = ()
    required: bool = False
    warn: str = ""
    convert: Callable[[Any], Any] | None = None
    check: Callable[[Any], Any] | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_size: int | None = None
    max_size: int | None = None
    pattern: str | None = None
    hint: str = ""
    # Annotations are hashed where they are in a union, and a schema is a dict.
    schema: Mapping[str, object] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Validation:
    """What a class's `cross_check` tells, as the API server can ask it: in `VALIDATIONS` of the class, into its schema.

    Args:
        cel: an expression of CEL about `self`, the object; true for a good one.
        message: what people are told by the API server.
        touched: the fields that it is about, where it only counts when one of them changes. The API server does that by
            itself, so that what was stored before is let be, but not in an object that holds fields of any shape.
    """

    cel: str
    message: str
    touched: tuple[str, ...] = ()


RULE: Final = "dragoman.rule"


def _as_metadata(make: Callable[P, Rule]) -> Callable[P, dict[str, Rule]]:
    def metadata(*args: P.args, **kwargs: P.kwargs) -> dict[str, Rule]:
        return {RULE: make(*args, **kwargs)}

    return metadata


#: A field's metadata, with the arguments of `Rule`: `field(default=None, metadata=rule("How often.", minimum=0))`.
rule = _as_metadata(Rule)


class FrozenMap(dict[str, V]):
    """A JSON object as a value: a dict that refuses changes and can be hashed; equal whatever the order of its keys."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a FrozenMap does not change")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def step(key: str) -> str:
    """A key of a map as a step of a path, quoted when it would be misread; of a long one the beginning."""
    if len(key) > _LONGEST_STEP:
        key = f"{key[: _LONGEST_STEP - 3]}..."
    return key if _PLAIN_STEP.match(key) else f"[{json.dumps(key)}]"


def join(parent: str, child: str) -> str:
    """Two parts of a path: `spec` and `tls` are `spec.tls`, `hosts` and `[2]` are `hosts[2]`."""
    if not parent or not child:
        return parent or child
    return parent + child if child.startswith("[") else f"{parent}.{child}"


def show(value: object) -> str:
    """A JSON value in a sentence: its kind, and what it is when that is short: "a string: 'four'"."""
    if isinstance(value, bool):
        return f"a boolean: {str(value).lower()}"
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, int | float):
        return f"{'an integer' if isinstance(value, int) else 'a number'}: {value}"
    if isinstance(value, str):
        return f"a string: {quote(value)}"
    return kind_shown(value)


def kind_shown(value: object) -> str:
    """The kind of a JSON value in a sentence, and nothing of what it is."""
    if value is None:
        return "null"
    return _KINDS.get(type(value), "a mapping")


_KINDS: Final[dict[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    tuple: "a list",
}


def quote(text: str) -> str:
    """A user's text in a sentence, escaped, and cut when it is long."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")
