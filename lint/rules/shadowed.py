"""Routes that never get a request, since an earlier one takes them all.

The order is Envoy's, as the translator has it: routes with a larger precedence first, then longer prefixes, then more
conditions. So what shadows is mostly a precedence, or a regular expression, whose length counts as that of a prefix.
Only what is certain is told: a route covers another if its path does, and if it asks for nothing besides that the other
one does not ask for too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lint.findings import Code, Found
from lint.rules.world import Rule, World
from translator import ir
from translator.ir import ObjectKey

SHADOWED: Final = Code(
    id="DRG0711",
    title="route that another one shadows",
    severity="advice",
    why="Envoy asks routes one after the other, and the first that fits has the request: larger precedence first, then "
    "longer prefixes (a regular expression counts by the length of its text), then more conditions. Every request that "
    "this Mapping asks for goes to an earlier one.",
    mend="Give it a larger precedence than the one that is named, or remove it.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: everything}
spec: {hostname: "*", prefix: /, service: web, precedence: 10}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: quote}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: everything}
spec: {hostname: "*", prefix: /, service: web}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: quote}
""",
)

_LITERAL: Final = re.compile(r"[^\\^$.|?*+()\[\]{}]*")
_QUANTIFIED: Final = frozenset("?*{")
_EVERYTHING: Final = frozenset({".*", ".+"})


def find(world: World) -> Iterator[Found]:
    """The Mappings of which each route is shadowed wherever it is, and by whom."""
    told: dict[ObjectKey, ir.Route] = {}
    reached: set[ObjectKey] = set()
    for routes in world.judgement.routes.values():
        earlier = _Earlier()
        for route in routes:
            above = earlier.covering(route)
            if above is None:
                reached.add(route.origins[0])
            else:
                told.setdefault(route.origins[0], above)
            earlier.add(route)
    for key, above in told.items():
        if key not in reached and key in world.judgement.objects and above.origins[0] in world.judgement.objects:
            said = f"gets no request: Mapping {above.name}, which comes before it, takes them all"
            yield Found(SHADOWED, key, "spec.prefix", said)


RULE: Final = Rule((SHADOWED,), find)


@dataclass(slots=True)
class _Earlier:
    """The routes so far of a virtual host that may cover later ones, by the beginning of the paths that they take."""

    by_text: dict[tuple[str, bool], list[ir.Route]] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)

    def add(self, route: ir.Route) -> None:
        text = _taken(route.match.path)
        if text is not None and route.match.share is None:
            sensitive = route.match.path.case_sensitive
            self.by_text.setdefault((text if sensitive else text.lower(), sensitive), []).append(route)
            self.lengths.add(len(text))

    def covering(self, route: ir.Route) -> ir.Route | None:
        """An earlier route that takes every request that this one asks for."""
        path = route.match.path
        text = path.text if path.kind != "regex" else _head(path.text)
        for length in self.lengths:
            if length > len(text):
                continue
            start = text[:length]
            places = [(start.lower(), False), *([(start, True)] if path.case_sensitive else [])]
            for place in places:
                for each in self.by_text.get(place, ()):
                    if each.order[:-1] != route.order[:-1] and _asks_no_more(each.match, route.match):
                        return each
        return None


def _taken(path: ir.PathMatch) -> str | None:
    """The text with which every path begins that a route takes, if it takes all that begin so."""
    if path.kind == "prefix":
        return path.text
    if path.kind == "regex":
        head = _LITERAL.match(path.text)
        text = head[0] if head else ""
        return text if path.text[len(text) :] == ".*" or (not text and path.text in _EVERYTHING) else None
    return None


def _head(regex: str) -> str:
    """A text with which every path begins that a regular expression matches."""
    found = _LITERAL.match(regex)
    if found is None or "|" in regex:
        return ""
    rest = regex[found.end() :]
    return found[0][:-1] if rest[:1] in _QUANTIFIED and rest else found[0]


def _asks_no_more(one: ir.RouteMatch, other: ir.RouteMatch) -> bool:
    return set(one.headers) <= set(other.headers) and set(one.queries) <= set(other.queries)
