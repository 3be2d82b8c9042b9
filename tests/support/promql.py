"""What alerts and boards ask, and which metrics each asks for, as Prometheus' own grammar has it."""

from collections.abc import Iterator
from typing import Any

import promql_parser

from monitoring.alerts import ALERTS
from monitoring.boards import BOARDS

QUESTIONS = {each.name: each.expression for each in ALERTS} | {
    f"{board.title}: {panel.title} {legend}": expression
    for board in BOARDS
    for panel in board.panels
    for legend, expression in panel.queries
}


def named(expression: str) -> set[str]:
    """The metrics that are asked for. ValueError where it is no question to Prometheus."""
    return set(_named(promql_parser.parse(expression.replace("$__rate_interval", "5m"))))


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, promql_parser.VectorSelector):
        yield str(node.name)
    for part in ("expr", "lhs", "rhs", "vector_selector"):
        if (inner := getattr(node, part, None)) is not None:
            yield from _named(inner)
    for inner in getattr(node, "args", None) or ():
        yield from _named(inner)
