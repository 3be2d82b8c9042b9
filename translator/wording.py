"""A route in words, for people: what it asks of a request, and what it does with one. Pure.

What headers and query parameters must be is left out: it may be a secret.
"""

from collections.abc import Callable
from typing import Any, Final

from translator import ir

_PATHS: Final = {"exact": "path", "prefix": "prefix", "segments": "prefix", "regex": "path ~"}


def asked_of(match: ir.RouteMatch) -> str:
    """What a route asks of requests."""
    path = match.path
    words = [f"{_PATHS[path.kind]} {path.text or '/'}" + ("" if path.case_sensitive else " (any case)")]
    for header in match.headers:
        text = header.value.text if header.value else ""
        if header.name == ":method":
            words.append(f"method {text}")
        elif header.name == ":authority":
            words.append(f"host {text}")
        else:
            words.append(f"{'no ' if header.inverted and not header.value else ''}header {header.name}")
    words += [f"query parameter {query.name}" for query in match.queries]
    return ", ".join(words)


def share_of(match: ir.RouteMatch) -> float | None:
    """The percentage of requests that may take a route, if it is not all: reckoned from the first of its group."""
    return None if match.share is None else round(100 * match.share.part / match.share.whole, 4)


def action_of(
    action: ir.Forward | ir.Redirect | ir.DirectResponse, name_of: Callable[[ir.Backend], str]
) -> dict[str, Any]:
    """What a route does with requests."""
    if isinstance(action, ir.DirectResponse):
        return {"kind": "answers", "status": action.status}
    if isinstance(action, ir.Redirect):
        return {"kind": "redirects", "status": action.code}
    return {
        "kind": "forwards",
        "backends": [
            {"cluster": name_of(each.backend) if each.backend else None, "weight": each.weight}
            for each in action.backends
        ],
        "mirrors": [name_of(each.backend) for each in action.mirrors],
        "timeout_ms": action.timeout_ms,
    }
