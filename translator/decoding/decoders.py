"""From shapes to functions that read JSON: one for each dataclass, made once, quick where nothing is wrong.

A decoder gets a value and the problems so far; it returns what it read, or NOTHING after it added a problem.
Paths grow from the inside out, and only when there is a problem, so good objects pay nothing for them.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from typing import Any, Final

from translator.decoding.findings import Findings
from translator.decoding.rules import conditions_of
from translator.decoding.shapes import (
    AnyOf,
    Choice,
    Field,
    Kind,
    ListOf,
    MapOf,
    ObjectOf,
    Ruled,
    Scalar,
    Shape,
    fields_of,
    kinds_of,
)
from translator.decoding.values import Decoded, FrozenMap, Invalid, Problem, Rule, Sort, quote, show, step

Decoder = Callable[[Any, Findings], Any]
_Known = dict[str, tuple[str, Decoder]]  # a field's attribute and decoder, by each of its names

NOTHING: Final[Any] = object()
_DEEPEST: Final = 64
_KINDS: Final[dict[type, Kind]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "mapping",
}
_A: Final = {"integer": "an integer"}


def decoder_for(shape: Shape) -> Decoder:
    """The decoder of a shape."""
    match shape:
        case Scalar(kind):
            decoder = _number if kind == "number" else _scalar(kind)
        case Choice(options):
            decoder = _choice(options)
        case ListOf(item):
            decoder = _list(decoder_for(item))
        case MapOf(key, item):
            decoder = _map(decoder_for(key), decoder_for(item))
        case ObjectOf(cls):
            decoder = object_decoder(cls)
        case AnyOf(members):
            decoder = _any_of(members)
        case Ruled(rule, inner):
            decoder = _ruled(rule, inner)
        case _:
            decoder = _anything
    return decoder


def _refuse(problems: Findings, wanted: str, value: object, sort: Sort = "Type") -> Any:
    problems.add(Problem("", f"must be {wanted}, not {show(value)}", sort=sort))
    return NOTHING


def _scalar(kind: Kind) -> Decoder:
    python = next(python for python, name in _KINDS.items() if name == kind)
    wanted = _A.get(kind, f"a {kind}")

    def read(value: Any, problems: Findings) -> Any:
        # A boolean is an int in Python, but not in JSON: so the exact type.
        return value if type(value) is python else _refuse(problems, wanted, value)

    return read


def _number(value: Any, problems: Findings) -> Any:
    return float(value) if type(value) in (int, float) else _refuse(problems, "a number", value)


def _choice(options: tuple[str | int, ...]) -> Decoder:
    known = {(type(option), option) for option in options}
    named = ", ".join(repr(option) for option in options)
    wanted = f"one of {named}" if len(options) > 1 else named

    def read(value: Any, problems: Findings) -> Any:
        good = isinstance(value, str | int) and (type(value), value) in known
        return value if good else _refuse(problems, wanted, value, "Choice")

    return read


def _list(item: Decoder) -> Decoder:
    def read(value: Any, problems: Findings) -> Any:
        if not isinstance(value, list):
            return _refuse(problems, "a list", value)
        start = problems.found
        items = []
        for index, given in enumerate(value):
            mark = problems.found
            got = item(given, problems)
            if problems.found > mark:
                problems.put_under(f"[{index}]", mark)
            if got is not NOTHING:
                items.append(got)
        return NOTHING if problems.stop_since(start) else tuple(items)

    return read


def _map(key: Decoder, item: Decoder) -> Decoder:
    def read(value: Any, problems: Findings) -> Any:
        if not isinstance(value, dict):
            return _refuse(problems, "a mapping", value)
        start = problems.found
        items = {}
        for name, given in value.items():
            if given is None:
                continue
            mark = problems.found
            read_name, got = key(name, problems), item(given, problems)
            if problems.found > mark:
                problems.put_under(step(name), mark)
            if read_name is not NOTHING and got is not NOTHING:
                items[read_name] = got
        return NOTHING if problems.stop_since(start) else FrozenMap(items)

    return read


def _any_of(members: tuple[Shape, ...]) -> Decoder:
    by_kind = {kind: decoder_for(member) for member in members for kind in kinds_of(member)}
    wanted = " or ".join(_A.get(kind, f"a {kind}") for kind in by_kind)
    rest = next((decoder_for(member) for member in members if not kinds_of(member)), None)

    def read(value: Any, problems: Findings) -> Any:
        kind = _KINDS.get(type(value))
        decode = rest if kind is None else by_kind.get(kind, rest)
        return _refuse(problems, wanted, value) if decode is None else decode(value, problems)

    return read


def _anything(value: Any, problems: Findings) -> Any:
    try:
        return _frozen(value, _DEEPEST)
    except Invalid as invalid:
        problems.add(Problem("", invalid.message))
        return NOTHING


def _frozen(value: Any, deepest: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if not deepest:
        raise Invalid(f"is nested more than {_DEEPEST} levels deep")
    if isinstance(value, dict):
        return FrozenMap({key: _frozen(item, deepest - 1) for key, item in value.items()})
    return tuple(_frozen(item, deepest - 1) for item in value)


def _ruled(rule: Rule, inner: Shape) -> Decoder:
    decode = _converted(rule.convert) if rule.convert else decoder_for(inner)
    conditions = conditions_of(rule)
    if not conditions and not rule.warn:
        return decode
    most = float("inf") if rule.max_size is None else rule.max_size

    def read(value: Any, problems: Findings) -> Any:
        if rule.warn:
            problems.add(Problem("", rule.warn, stops=False, sort="Idle"))
        if isinstance(value, list | dict) and len(value) > most:  # said before anybody looks at each of them
            problems.add(Problem("", f"must have at most {most} entries, not {len(value)}", sort="Range"))
            return NOTHING
        got = decode(value, problems)
        if got is not NOTHING:
            try:
                for condition in conditions:
                    got = condition(got)
            except Invalid as invalid:
                problems.add(invalid.problem)
                return NOTHING
        return got

    return read


def _converted(convert: Callable[[Any], Any]) -> Decoder:
    def read(value: Any, problems: Findings) -> Any:
        try:
            got = convert(value)
        except Invalid as invalid:
            problems.add(invalid.problem)
            return NOTHING
        if isinstance(got, Decoded):
            problems.extend(got.problems)
            return NOTHING if got.value is None else got.value
        return got

    return read


@functools.cache
def object_decoder(cls: type) -> Decoder:
    """The decoder of a dataclass.

    Raises:
        TypeError: when an annotation of the class cannot be read.
    """
    fields = fields_of(cls)
    known = _known(fields)
    aliased = tuple(field for field in fields if field.rule.aliases)
    aliases = frozenset(alias for field in aliased for alias in field.rule.aliases)
    required = tuple((field.attribute, field.name) for field in fields if field.required)
    cross_check: Callable[[Any], Iterable[Problem]] | None = getattr(cls, "cross_check", None)
    is_open: bool = getattr(cls, "OPEN", False)
    is_strict: bool = getattr(cls, "STRICT", False)

    def read(value: Any, problems: Findings) -> Any:
        if not isinstance(value, dict):
            return _refuse(problems, "a mapping", value)
        start = problems.found
        named = value if aliases.isdisjoint(value) else _one_name_each(value, aliased, problems)
        if is_open:
            named = {name: named[name] for name in known if name in named}
        given = _read_fields(named, known, problems, is_strict=is_strict)
        for attribute, name in required:
            if attribute not in given:
                problems.add(Problem(name, "is required", sort="Required"))
        if problems.found > start and not _usable(given, required, problems, start):
            return NOTHING
        made = cls(**given)
        if cross_check is not None:
            problems.extend(cross_check(made))
            if problems.stop_since(start):
                return NOTHING
        return made

    return read


def _known(fields: tuple[Field, ...]) -> _Known:
    known: _Known = {}
    for field in fields:
        entry = (field.attribute, decoder_for(field.shape))
        known |= dict.fromkeys((field.name, *field.rule.aliases), entry)
    return known


def _read_fields(value: dict[str, Any], known: _Known, problems: Findings, *, is_strict: bool) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, item in value.items():
        if item is None:
            continue
        found = known.get(name)
        if found is None:
            _tell_unknown(name, known, problems, stops=is_strict)
            continue
        mark = problems.found
        given[found[0]] = found[1](item, problems)
        if problems.found > mark:
            problems.put_under(name, mark)
    return given


def _usable(given: dict[str, Any], required: tuple[tuple[str, str], ...], problems: Findings, start: int) -> bool:
    """Whether an object can be made in spite of its problems; takes the fields out that came to nothing."""
    if problems.stop_since(start):
        return False
    for attribute, name in required:
        if given[attribute] is NOTHING:
            problems.add(Problem(name, "is required", sort="Required"))
    for attribute in [attribute for attribute, item in given.items() if item is NOTHING]:
        del given[attribute]
    return not problems.stop_since(start)


def _one_name_each(value: dict[str, Any], aliased: tuple[Field, ...], problems: Findings) -> dict[str, Any]:
    """The object with at most one name for each field, by the order of its names."""
    for field in aliased:
        names = [name for name in (field.name, *field.rule.aliases) if value.get(name) is not None]
        for name in names[1:]:
            said = f"is another name of {quote(names[0])}, which is used"
            problems.add(Problem(name, said, stops=False, sort="Alias"))
            value = {key: item for key, item in value.items() if key != name}
    return value


def _tell_unknown(name: str, known: Iterable[str], problems: Findings, *, stops: bool) -> None:
    """A field that nobody knows. To look for one that was meant is dear, and many do not matter one by one."""
    if problems.is_full(stops=stops):
        problems.count_one()
    else:
        problems.add(Problem(step(name), _unknown(name, known), stops=stops, sort="Unknown"))


def _unknown(name: str, known: Iterable[str]) -> str:
    meant = nearest(name, known)
    return f"unknown field; did you mean {quote(meant)}?" if meant else "unknown field"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that somebody may have meant; None where none is like it."""
    by_lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None
