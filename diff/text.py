"""Differences in words, for a terminal: by team, by object, a line for each thing and one for each field of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
import orjson

from process.text import escaped

_SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "appears": ("+", "green"),
    "changes": ("~", "yellow"),
    "goes": ("-", "red"),
}
_WIDE: Final = 11
MOST_FIELDS: Final = 20


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The lines, with colours, which `click.echo` leaves out where nobody sees them."""
    for team in report["teams"]:
        yield click.style(escaped(team["namespace"]) or "no namespace", bold=True, underline=True)
        for each in team["objects"]:
            yield f"  {_object(each)}"
            for told in each["differences"]:
                yield from _difference(told)
    yield from _proof(report.get("proof"))
    for note in report["notes"]:
        yield click.style(f"note: {escaped(note)}", fg="yellow")
    yield _summary(report)


def _object(each: Mapping[str, Any]) -> str:
    if not each["name"]:
        return click.style("Dragoman itself", bold=True)
    source = f" ({each['source']})" if each["source"] else ""
    name = f"{each['kind']} {each['namespace']}/{each['name']}"
    state = click.style(" is stopped now", fg="red") if each["stopped"] else ""
    return f"{click.style(escaped(name), bold=True)}{escaped(source)}{state}"


def _difference(told: Mapping[str, Any]) -> Iterator[str]:
    sign, colour = _SIGNS[told["what"]]
    note = f" ({told['note']})" if told.get("note") else ""
    about = told["about"] or told["name"]
    yield click.style(f"    {sign} {told['sort']:<{_WIDE}} {escaped(about + note)}", fg=colour)
    for field in told["fields"][:MOST_FIELDS]:
        yield f"      {' ' * _WIDE} {escaped(field['path'])}: {_value(field['before'])} -> {_value(field['after'])}"
    if len(told["fields"]) > MOST_FIELDS:
        yield f"      {' ' * _WIDE} and {len(told['fields']) - MOST_FIELDS} more fields"
    if told["others"]:
        names = ", ".join("/".join(key.split("/")[1:]) for key in told["others"])
        yield click.style(f"      {' ' * _WIDE} also of {escaped(names)}", dim=True)


def _value(value: Any) -> str:
    if value is None:
        return "(none)"
    return escaped(value if isinstance(value, str) else orjson.dumps(value).decode())


def _proof(proof: Mapping[str, Any] | None) -> Iterator[str]:
    if proof is None:
        return
    yield click.style("answers", bold=True, underline=True)
    for each in proof["differ"]:
        yield f"  {escaped(each['method'])} {escaped(each['url'])}" + _headers(each["headers"])
        for word, colour in (("before", "red"), ("after", "green")):
            yield click.style(f"    {word:<7} {escaped(each[word]['said'])}", fg=colour)
    left = f", {proof['left_out']} more were not asked" if proof["left_out"] else ""
    none = f"; {proof['unasked']} routes have no request that could be made up" if proof["unasked"] else ""
    beside = f" and {proof['connections']} connections" if proof["connections"] else ""
    asked = f"{proof['asked']} requests{beside} asked of two Envoys"
    yield f"  {asked}, {len(proof['differ'])} are answered otherwise{left}{none}"


def _headers(headers: list[str]) -> str:
    return f"  with {escaped(', '.join(headers))}" if headers else ""


def _summary(report: Mapping[str, Any]) -> str:
    told = [each for team in report["teams"] for one in team["objects"] for each in one["differences"]]
    where = f"{escaped(report['before'])} -> {escaped(report['after'])}"
    if not told:
        return click.style(f"{where}: nothing differs", fg="green")
    counted = Counter(each["what"] for each in told)
    objects = sum(len(team["objects"]) for team in report["teams"])
    words = ", ".join(f"{counted[what]} {_SAID[what][counted[what] != 1]}" for what in _SIGNS if counted[what])
    return f"{where}: {words}, of {objects} {'object' if objects == 1 else 'objects'}"


_SAID: Final = {
    "appears": ("appears", "appear"),
    "changes": ("changes", "change"),
    "goes": ("goes", "go"),
}
