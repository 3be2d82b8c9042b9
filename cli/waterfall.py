"""What `dragoman trace` shows: the spans of each change as bars over its time, made of OTLP's JSON. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click

from process.text import escaped, printable

Span = Mapping[str, Any]

_BAR: Final = 40
"""Characters that the whole of a change has."""
_NAME: Final = 26
_MOST_NAMED: Final = 3
_LONGEST: Final = 400
_ERROR: Final = 2


def traces_of(document: Mapping[str, Any]) -> list[list[Span]]:
    """The spans of each trace, in the order that they have there."""
    found: dict[str, list[Span]] = {}
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                found.setdefault(span["traceId"], []).append(span)
    return list(found.values())


def last_of(document: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The document with its last traces alone."""
    kept = {spans[0]["traceId"] for spans in traces_of(document)[-count:]}
    return {
        "resourceSpans": [
            {**resource, "scopeSpans": [_kept(scope, kept) for scope in resource["scopeSpans"]]}
            for resource in document["resourceSpans"]
        ]
    }


def _kept(scope: Mapping[str, Any], ids: set[str]) -> dict[str, Any]:
    return {**scope, "spans": [span for span in scope["spans"] if span["traceId"] in ids]}


def lines(spans: Sequence[Span]) -> Iterator[str]:
    """A change: when, of what, how long; and below it a line for each span."""
    whole, *below = spans
    start, took = _start(whole), _took(whole)
    at = datetime.fromtimestamp(start, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = attributes(whole)
    unanswered = "" if told["dragoman.answered"] else click.style("  not answered yet", fg="yellow")
    yield f"{at}  {_objects(told)}  {click.style(_milliseconds(took), bold=True)}{unanswered}"
    parents = {whole["spanId"]: 0}
    for span in below:
        depth = parents[span["spanId"]] = parents.get(span["parentSpanId"], 0) + 1
        name = f"{'  ' * depth}{escaped(span['name'])}"
        bar = click.style(_bar(_start(span) - start, _took(span), took), fg="red" if _error(span) else "cyan")
        times = f"{_milliseconds(_start(span) - start):>9} +{_milliseconds(_took(span))}"
        yield f"{name:<{_NAME}} {bar}  {times}{_more(span)}"
    if (error := _error(whole)) is not None:
        yield click.style(f"  {printable(error, _LONGEST)}", fg="red")
    if left_out := told.get("dragoman.spans.left_out"):
        yield f"  and {left_out:,} more spans"


def attributes(span: Span) -> dict[str, Any]:
    """The attributes of a span by their names."""
    return {each["key"]: _value(each["value"]) for each in span["attributes"]}


def _value(value: Mapping[str, Any]) -> Any:
    ((kind, said),) = value.items()
    if kind == "arrayValue":
        return [_value(each) for each in said["values"]]
    return int(said) if kind == "intValue" else said


def _objects(told: Mapping[str, Any]) -> str:
    named = [escaped(key.partition("/")[2]) for key in told["dragoman.objects"][:_MOST_NAMED]]
    more = told["dragoman.objects.count"] - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def _more(span: Span) -> str:
    told = attributes(span)
    prefix = "dragoman.resources."
    if span["name"].startswith("ADS "):
        said = [f"{told[prefix + word]:,} {word}" for word in ("changed", "removed") if told[prefix + word]]
        said += ["refused"] if _error(span) is not None else []
    else:
        said = [f"{count:,} {name.removeprefix(prefix)}" for name, count in told.items() if name.startswith(prefix)]
    return f"  {', '.join(said)}" if said else ""


def _bar(begins: float, took: float, whole: float) -> str:
    """At least one character, and none outside."""
    scale = _BAR / whole if whole > 0 else 0.0
    first = min(_BAR - 1, max(0, round(begins * scale)))
    length = max(1, min(_BAR - first, round(took * scale)))
    return f"{' ' * first}{'━' * length}".ljust(_BAR)


def _error(span: Span) -> str | None:
    status = span["status"]
    return str(status.get("message", "")) if status.get("code") == _ERROR else None


def _start(span: Span) -> float:
    return int(span["startTimeUnixNano"]) / 1e9


def _took(span: Span) -> float:
    return (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e9


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}ms" if seconds < 10 else f"{seconds:.1f}s"
