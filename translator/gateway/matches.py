"""What a match asks of requests, in the words of the IR, and how it ranks among all others. Pure.

The order is the API's: the more specific hostname, as it was written; then of HTTPRoutes the exact path, the longer
prefix, a method, more headers, more query parameters; of GRPCRoutes the longer service, the longer method, more
headers; then the older route, its name, and the place in it. It leaves regular expressions open: they come between
exact paths and prefixes. Calls are looked for among GRPCRoutes first.
"""

from collections.abc import Iterable
from typing import Any, Final

import re2

from translator import ir
from translator.checks import LARGEST_REGEX, regex
from translator.decode import Invalid
from translator.expressions import fixed_beginning
from translator.gateway.hostnames import specificity
from translator.gateway.kinds.grpc_route import GrpcMatch, MethodMatch
from translator.gateway.kinds.http_route import HeaderMatch, Match, PathMatch

METHOD: Final = ":method"
AUTHORITY: Final = ":authority"
CALL: Final = ir.HeaderMatch("content-type", ir.TextMatch("prefix", "application/grpc"))
"""What every call has."""

Rank = tuple[int, ...]

_PATHS: Final = {"Exact": 0, "RegularExpression": 1, "PathPrefix": 2}
_CALLS: Final = 0
"""Begins the ranks of GRPCRoutes' matches."""
_KINDS: Final = {"exact": 0, "regex": 1, "segments": 2, "prefix": 2}
_HEADER: Final = 1 << 20
_METHOD: Final = 1 << 40
"""A method counts for more than all headers, and a header for more than all its letters."""
_ANYTHING: Final = "[^/]+"


def order(hostname: str, rank: Rank, age: tuple[str, str, str], place: tuple[int, ...]) -> tuple[Any, ...]:
    """Where a match stands among all of its virtual host.

    Args:
        hostname: of the route, as it was written.
        rank: of the match.
        age: of its route.
        place: of its rule in the route, of itself in the rule, and so on.
    """
    return (*specificity(hostname), *rank, *age, *place)


def order_beside(
    host: str, path: ir.PathMatch, hostname: str, rank: Rank, age: tuple[str, str, str], place: tuple[int, ...]
) -> tuple[Any, ...]:
    """Where a match stands in a virtual host that is shared with another API: the more specific first.

    The path decides, then what is asked beside it: a method before any headers, these before query parameters. What is
    alike goes last, in the order that routes have among themselves.

    Args:
        host: the name that is shared.
        path: how the path is compared.
        hostname: of the route, as it was written.
        rank: of the match.
        age: of its route.
        place: as in `order`.
    """
    method, headers, queries = (0, -rank[3], 0) if rank[0] == _CALLS else (not rank[3], -rank[4], -rank[5])
    asked = len(AUTHORITY) + len(host) + method * _METHOD + headers * _HEADER
    standing: ir.Standing = (0, -_letters(path), -asked, -queries, ir.AFTER)
    return (*standing, _KINDS[path.kind], *order(hostname, rank, age, place))


def _letters(path: ir.PathMatch) -> int:
    """The letters of a path that are asked for: of an expression those that all that it matches begins with."""
    text = fixed_beginning(path.text) if path.kind == "regex" else path.text
    return len(text.rstrip("/") or "/") if path.kind == "segments" else len(text)


def http_match(match: Match) -> tuple[ir.RouteMatch, Rank]:
    """A match of an HTTPRoute.

    Raises:
        Invalid: with the place in the match.
    """
    headers = _headers(match.headers)
    if match.method is not None:
        headers = (*headers, ir.HeaderMatch(METHOD, ir.TextMatch("exact", match.method)))
    queries: dict[str, ir.QueryMatch] = {}
    for place, query in enumerate(match.query_params):
        value = _text(query.type, query.value, f"queryParams[{place}].value")
        queries.setdefault(query.name, ir.QueryMatch(query.name, value))
    asked = len(headers) - (match.method is not None)
    rank = (1, _PATHS[match.path.type], -len(match.path.value), match.method is None, -asked, -len(queries))
    return ir.RouteMatch(_path(match.path), headers, tuple(queries.values())), rank


def call_match(match: GrpcMatch) -> tuple[ir.RouteMatch, Rank]:
    """A match of a GRPCRoute.

    Raises:
        Invalid: with the place in the match.
    """
    headers = _headers(match.headers)
    called = match.method or MethodMatch(service="", method="")
    rank = (0, -len(called.service or ""), -len(called.method or ""), -len(headers), 0, 0)
    return ir.RouteMatch(_call(called), (CALL, *headers)), rank


def _path(path: PathMatch) -> ir.PathMatch:
    if path.type == "Exact":
        return ir.PathMatch("exact", path.value)
    if path.type == "PathPrefix":
        return ir.PathMatch("segments", path.value)
    return ir.PathMatch("regex", _checked(path.value, "path.value"))


def _call(called: MethodMatch) -> ir.PathMatch:
    service, method = called.service, called.method
    if not service and not method:
        return ir.PathMatch("prefix", "/")
    if called.type == "Exact" and service:
        return ir.PathMatch("exact", f"/{service}/{method}") if method else ir.PathMatch("prefix", f"/{service}/")
    if called.type == "Exact":
        return ir.PathMatch("regex", _checked(f"/{_ANYTHING}/{re2.escape(method)}", "method.method"))
    parts = [f"(?:{part})" if part else _ANYTHING for part in (service, method)]
    return ir.PathMatch("regex", _checked(f"/{'/'.join(parts)}", "method"))


def _headers(headers: Iterable[HeaderMatch]) -> tuple[ir.HeaderMatch, ...]:
    """Of several for one header the first counts."""
    found: dict[str, ir.HeaderMatch] = {}
    for place, header in enumerate(headers):
        value = _text(header.type, header.value, f"headers[{place}].value")
        found.setdefault(header.name.lower(), ir.HeaderMatch(header.name.lower(), value))
    return tuple(found.values())


def _text(kind: str, value: str, path: str) -> ir.TextMatch:
    return ir.TextMatch("regex", _checked(value, path)) if kind == "RegularExpression" else ir.TextMatch("exact", value)


def _checked(value: str, path: str) -> str:
    try:
        return regex(value, LARGEST_REGEX)
    except Invalid as invalid:
        raise Invalid(invalid.message, at=path) from None
