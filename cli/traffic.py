"""What `dragoman top` says, made of two answers of the diagnostics': rates, the share of errors, latencies. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import click

from process.text import escaped

SORTS: Final = ("requests", "errors", "latency", "name")
By = Literal["route", "cluster"]
Row = dict[str, Any]

_RATES: Final = {"requests": "completed", "4xx": "4xx", "5xx": "5xx", "retries": "retry", "timeouts": "timeout"}
_HEADS: Final = ("NAMESPACE", "KIND", "NAME", "REQ/S", "4XX/S", "5XX/S", "P50", "P95", "P99", "TOTAL")
_TEXTS: Final = 3
"""The columns that are words, and begin at the left."""

HOW_TO_COUNT: Final = "set DRAGOMAN_ROUTE_STATS to all, or to namespaces"


def rows_of(
    before: Iterable[Mapping[str, Any]],
    now: Iterable[Mapping[str, Any]],
    seconds: float,
    namespaces: Iterable[str] = (),
) -> list[Row]:
    """What happened in between, for each that was ever asked. `namespaces` choose some, all where there are none."""
    spaces = set(namespaces)
    known = {_key(each): each for each in before}
    chosen = (each for each in now if each["completed"] and (not spaces or each["namespace"] in spaces))
    return [_row(known.get(_key(each), {}), each, seconds) for each in chosen]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["kind"], row["namespace"], row["name"]


def _row(before: Mapping[str, Any], now: Mapping[str, Any], seconds: float) -> Row:
    began_anew = now["completed"] < before.get("completed", 0)  # an Envoy that is another one counts from nothing
    first: Mapping[str, Any] = {} if began_anew else before
    rates = {name: round((now[of] - first.get(of, 0)) / seconds, 3) for name, of in _RATES.items()}
    return {
        "kind": now["kind"],
        "namespace": now["namespace"],
        "name": now["name"],
        "per_second": rates,
        "latency_ms": now["latency_ms"],
        "total": {name: now[of] for name, of in _RATES.items()},
    }


def in_order(rows: Iterable[Row], sort: str) -> list[Row]:
    """The rows with most of it first."""
    found = sorted(rows, key=lambda row: (row["namespace"], row["kind"], row["name"]))
    match sort:
        case "name":
            return found
        case "errors":
            return sorted(found, key=lambda row: (-row["per_second"]["5xx"], -row["total"]["5xx"]))
        case "latency":
            return sorted(found, key=lambda row: -(row["latency_ms"]["p99"] or 0))
        case _:
            return sorted(found, key=lambda row: (-row["per_second"]["requests"], -row["total"]["requests"]))


def lines(rows: list[Row], notes: Iterable[str], height: int | None = None) -> Iterator[str]:
    """The table, with colours, which `click.echo` leaves out where nobody sees them; at most so many lines."""
    yield from (click.style(escaped(note), fg="yellow") for note in notes)
    if not rows:
        yield "no request yet"
        return
    shown = rows if height is None else rows[: max(1, height)]
    cells = [_cells(row) for row in shown]
    widths = [max(len(each[column]) for each in (_HEADS, *cells)) for column in range(len(_HEADS))]
    yield click.style(_padded(_HEADS, widths), bold=True)
    for row, each in zip(shown, cells, strict=True):
        line = _padded(each, widths)
        yield click.style(line, fg="red") if row["per_second"]["5xx"] else line
    if len(shown) < len(rows):
        yield f"and {len(rows) - len(shown):,} more"


def _cells(row: Row) -> tuple[str, ...]:
    rates, latencies = row["per_second"], row["latency_ms"]
    return (
        escaped(row["namespace"]) or "-",
        escaped(row["kind"]),
        escaped(row["name"]),
        *(f"{rates[name]:.1f}" if rates[name] else "-" for name in ("requests", "4xx", "5xx")),
        *(_time(latencies[name]) for name in ("p50", "p95", "p99")),
        f"{row['total']['requests']:,}",
    )


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.1f}ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f}s"


def _padded(cells: tuple[str, ...], widths: list[int]) -> str:
    words = [cell.ljust(width) for cell, width in zip(cells[:_TEXTS], widths, strict=False)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[_TEXTS:], widths[_TEXTS:], strict=True)]
    return "  ".join([*words, *numbers])
