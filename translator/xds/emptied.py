r"""A regular expression may leave nothing of a path: Envoy then sends the path as it came.

`^/api(.*)` becoming `\1` turns `/api/x` into `/x`, and `/api` into nothing, by which people mean `/`. What Envoy calls
an empty result it ignores, and its substitutions know no condition. So what a route matches by its text, with a `/`
behind it and without, is tried here; where nothing is left of that, one more route in front of it says `/`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from translator import ir
from translator.checks import compiled

_ROOT: Final = ir.Rewrite("regex", "/", "^.*$")
_REFERENCES: Final = re.compile(r"(?:\\[0-9])*")


def with_roots(route: ir.Route) -> Iterator[ir.Route]:
    """The route, behind those for the paths of which its rewrite would leave nothing."""
    action = route.action
    emptied: list[str] = []
    if isinstance(action, ir.Forward) and action.rewrite:
        emptied = list(_emptied(action.rewrite, route.match.path))
        for text in emptied:
            match = replace(route.match, path=ir.PathMatch("exact", text))
            yield replace(route, match=match, action=replace(action, rewrite=_ROOT), order=(*route.order, 0))
    yield replace(route, order=(*route.order, 1)) if emptied else route


def _emptied(rewrite: ir.Rewrite, path: ir.PathMatch) -> Iterator[str]:
    if rewrite.kind != "regex" or path.kind == "regex" or not path.case_sensitive:
        return
    if not _REFERENCES.fullmatch(rewrite.text):
        return  # a letter is left wherever there is a match, and the path where there is none
    yield from (text for text in _texts(path) if text and _leaves_nothing(rewrite, text))


def _texts(path: ir.PathMatch) -> tuple[str, ...]:
    """What a route matches that can be named."""
    if path.kind == "exact":
        return (path.text,)
    bare = path.text.rstrip("/")
    return (path.text,) if path.kind == "prefix" and bare != path.text else (bare, f"{bare}/")


def _leaves_nothing(rewrite: ir.Rewrite, text: str) -> bool:
    """Whether its matches are all of a text, and become nothing."""
    groups = [int(digit) for digit in rewrite.text[1::2]]
    path, end = text.encode(), 0
    for found in compiled(rewrite.pattern).finditer(path):
        if found.start() != end or any(found.group(group) for group in groups):
            return False
        end = found.end()
    return end == len(path)
