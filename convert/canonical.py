"""What two answers have in common though two APIs gave them: names of clusters, shares, forms of a rewrite. Pure.

Envoy's answer tells where a request goes, and as what. What it does not tell (how long it may take, when it is tried
again, who gets copies, what is added to its answer) is taken from the route that Envoy took.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import re2

from diff.connections import becomes
from diff.outline import Outline, Placed
from translator import ir
from translator.features.hash_policy import HashPolicy
from translator.features.upgrades import Upgrades
from translator.features.upstream.load_balancing import LoadBalancing
from translator.filters.cors import CrossOrigin
from translator.filters.rate_limit import RateLimits
from translator.xds.forward import in_envoys_words
from translator.xds.names import cluster_name

Report = dict[str, Any]
ENVOYS: Final = 15_000
"""Milliseconds: Envoy's own timeout."""
_TOLD: Final = ("kind", "method", "authority", "path", "location", "status")
_COMPARED: Final = (CrossOrigin, RateLimits)
"""Filters of routes that both APIs say by the same value."""


class Canonical:
    """Answers in one form; `same` are targets that are the same by another name."""

    def __init__(self, outline: Outline, same: Mapping[Any, Any]) -> None:
        self._outline = outline
        self._same = same
        self._names: dict[str, str] = {}

    def of(self, answer: Report, path: str) -> tuple[Report, Report]:
        """An answer, to be compared: where a request goes and as what, and what is said of it beside."""
        placed = self._outline.routes.get(answer["route"])
        said = answer["answer"]
        if placed is None or not placed.route.origins:
            found = {name: said.get(name) for name in _TOLD}
            return {**found, "cluster": said.get("cluster")}, {"answers": self._answers(None)}
        action = placed.route.action
        if not isinstance(action, ir.Forward):
            found = {name: said.get(name) for name in _TOLD}
            return {**found, "cluster": None}, {"answers": self._answers(placed.route)}
        shares, named = self._shares(placed, path)
        beside = {"clusters": named, **self._beside(placed.route, action)}
        if len(shares) > 1:  # what was drawn this time says nothing
            return {"shares": shares}, beside
        found = {name: said.get(name) for name in _TOLD}
        return {**found, "shares": shares}, {"headers": said.get("headers"), **beside}

    def of_connection(self, chain: ir.FilterChain | None, *, by_tls: bool) -> tuple[Report, Report]:
        """What becomes of a connection by its chain: to whom it goes, and beside that how it is spoken with."""
        return becomes(chain, self._target, self._name, by_tls=by_tls)

    def _shares(self, placed: Placed, path: str) -> tuple[list[tuple[Any, ...]], list[Any]]:
        """Where a request goes, as which path and for which host; each with its share in percent. And the clusters."""
        routes = [each.route for each in self._outline.routes.values() if each.row == placed.row]
        match = replace(placed.route.match, share=None)
        alike = (
            [each for each in routes if replace(each.match, share=None) == match] if placed.drawn else [placed.route]
        )
        found: dict[tuple[Any, ...], float] = {}
        named: set[Any] = set()
        reached = 0.0
        for route in sorted(alike, key=lambda each: each.order):
            share = route.match.share
            until = 100.0 if share is None else 100 * share.part / share.whole
            part, reached = max(0.0, until - reached), max(until, reached)
            if isinstance(route.action, ir.Forward) and part:
                whole = sum(each.weight for each in route.action.backends) or 1
                for each in route.action.backends:
                    key = (
                        self._target(each.backend),
                        rewritten(path, route.match.path, route.action.rewrite),
                        route.action.host or "",
                    )
                    named.add((self._name(each.backend), _edits(each.headers.add_request)))
                    found[key] = found.get(key, 0.0) + part * each.weight / whole
        shares = sorted((*key, round(percent, 2)) for key, percent in found.items() if percent)
        return shares, sorted(named)

    def _target(self, backend: ir.Backend | None) -> str:
        """Where a backend's endpoints come from, however they are asked."""
        return "nowhere" if backend is None else repr(self._same.get(backend.target, backend.target))

    def _name(self, backend: ir.Backend | None) -> str:
        if backend is None:
            return "nowhere"
        same = self._same.get(backend.target)
        plain = replace(backend, checked=False)
        return cluster_name(replace(plain, target=same) if same is not None else plain)

    def _beside(self, route: ir.Route, action: ir.Forward) -> Report:
        hashes = any(
            isinstance(one, LoadBalancing) for each in action.backends if each.backend for one in each.backend.features
        )
        idle = (Upgrades,) if hashes else (Upgrades, HashPolicy)  # where no backend hashes, it is said in vain
        features = [each for each in action.features if not isinstance(each, idle)]
        return {
            "timeout_ms": ENVOYS if action.timeout_ms is None else action.timeout_ms,
            "features": sorted(map(repr, features)),
            "mirrors": sorted(
                (self._name(each.backend), each.share.part / each.share.whole) for each in action.mirrors
            ),
            "answers": self._answers(route),
            "filters": sorted(repr(each) for each in route.filters if isinstance(each, _COMPARED)),
        }

    def _answers(self, route: ir.Route | None) -> Report:
        edits = route.headers if route is not None else ir.NO_EDITS
        removed = sorted(name.lower() for name in edits.remove_response)
        return {"added": _edits(edits.add_response), "removed": removed}


def _edits(values: Iterable[ir.HeaderValue]) -> tuple[tuple[str, str, bool], ...]:
    return tuple(sorted((each.name.lower(), each.value, each.append) for each in values))


def rewritten(path: str, match: ir.PathMatch, rewrite: ir.Rewrite | None) -> str:
    """What a rewrite makes of a path that is matched."""
    if rewrite is None:
        return path
    path, mark, query = path.partition("?")
    said = in_envoys_words(rewrite, match)
    if said is not None and said.kind == "regex":
        return str(re2.sub(said.pattern, said.text, path)) + mark + query
    if match.kind in {"exact", "regex"}:
        return rewrite.text + mark + query
    length = len(match.text.rstrip("/")) if match.kind == "segments" else len(match.text)
    return rewrite.text + path[length:] + mark + query
