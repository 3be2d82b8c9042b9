"""What a Mapping asks of requests, as matches of an HTTPRoute or a GRPCRoute. Pure.

What decides who gets in is never left out: a Mapping that asks for what no match can say is not converted, and told.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args, get_type_hints

from convert.values import At, Document, Notes, at
from translator.decode import join, step
from translator.emissary.grouping import Demands
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.precedence import Constraint
from translator.gateway.kinds.http_route import Match
from translator.ir import ObjectKey

_METHODS: Final = frozenset(
    str(method) for method in get_args(get_args(get_type_hints(Match)["method"])[0]) if isinstance(method, str)
)
_SEVERAL: Final = re.compile(r"\(?(?:\?:)?([A-Z]+(?:\|[A-Z]+)*)\)?")
_CALLED: Final = re.compile(r"/(?P<service>[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*)/(?P<method>\w*)")
_PLAIN: Final = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
NOT_CONVERTED: Final = "is not converted"
"""Ends what is told of an object, or of a part of it, that is left as it is."""
MAPPING_STAYS: Final = f"; the Mapping {NOT_CONVERTED}"


def http_matches(notes: Notes, key: ObjectKey, spec: MappingSpec, demands: Demands) -> list[At] | None:
    """The matches of a rule; None where they cannot be said."""
    path = _path(notes, key, spec)
    headers = list(_texts(notes, key, demands.headers, _written_headers(spec)))
    queries = list(_texts(notes, key, demands.queries, _written_queries(spec)))
    methods = _methods(notes, key, spec)
    if path is None or methods is None or None in (*headers, *queries):
        return None
    found = []
    for method in methods or (None,):
        said: Document = {"path": path}
        if headers:
            said["headers"] = at(headers, key, "spec.headers", "spec.regex_headers")
        if queries:
            said["queryParams"] = at(queries, key, "spec.query_parameters", "spec.regex_query_parameters")
        if method is not None:
            said["method"] = at(method, key, "spec.method")
        found.append(At(said, ()))
    return found


def _path(notes: Notes, key: ObjectKey, spec: MappingSpec) -> At | None:
    text, kind = spec.prefix, "PathPrefix"
    if spec.prefix_regex:
        kind = "RegularExpression"
    elif not spec.case_sensitive:
        if spec.rewrite not in {"", text} and not spec.host_redirect:
            said = f"a path of any case is a regular expression, of which no prefix is rewritten{MAPPING_STAYS}"
            notes.lost(key, "spec.case_sensitive", said, 'say rewrite: "", and have the service know the prefix')
            return None
        text, kind = f"(?i){re.escape(text)}{'' if spec.prefix_exact else '.*'}", "RegularExpression"
    elif not text.startswith("/") or not _PLAIN.fullmatch(text):
        notes.lost(key, "spec.prefix", f"{text!r} is no path of Gateway API{MAPPING_STAYS}", "write it as a URL has it")
        return None
    elif spec.prefix_exact:
        kind = "Exact"
    else:
        _tell_edges(notes, key, text)
    return at({"type": kind, "value": text}, key, "spec.prefix", "spec.prefix_exact", "spec.prefix_regex")


def _tell_edges(notes: Notes, key: ObjectKey, text: str) -> None:
    """A prefix of Gateway API ends at a slash, whether that is written or not."""
    bare = text.rstrip("/")
    if not bare:
        return
    if text.endswith("/"):
        said = f"a PathPrefix is asked for without its last slash, too: {bare} is served as {text} is"
        notes.otherwise(key, "spec.prefix", said, "nothing, or keep the Mapping where that must not be", bare)
    else:
        said = f"a PathPrefix ends at a slash: {bare}x, which begins with it as well, is not served any more"
        notes.otherwise(key, "spec.prefix", said, "write further routes for such paths", bare)


Written = dict[tuple[str, bool], str]
"""Where a constraint is written, by its name and whether it is a regular expression."""


def _written_headers(spec: MappingSpec) -> Written:
    found = {(name.lower(), False): join("spec.headers", step(name)) for name in spec.headers or {}}
    return found | {(name.lower(), True): join("spec.regex_headers", step(name)) for name in spec.regex_headers or {}}


def _written_queries(spec: MappingSpec) -> Written:
    found = {(name, False): join("spec.query_parameters", step(name)) for name in spec.query_parameters or {}}
    regexes = spec.regex_query_parameters or {}
    return found | {(name, True): join("spec.regex_query_parameters", step(name)) for name in regexes}


def _texts(notes: Notes, key: ObjectKey, asked: tuple[Constraint, ...], written: Written) -> Iterator[At | None]:
    """The comparisons of headers or query parameters; None for one that cannot be said."""
    for each in asked:
        if each.name == ":method":
            continue
        path = written.get((each.name, each.regex), "spec")
        if each.name.startswith(":"):
            notes.lost(key, path, f"a match does not ask for {each.name}{MAPPING_STAYS}", "ask for something else")
            yield None
            continue
        text, kind = each.value, "RegularExpression" if each.regex else "Exact"
        if not text:
            text, kind = "^$", "RegularExpression"
        said: Document = {"name": each.name, "value": text}
        yield at({"type": kind, **said} if kind != "Exact" else said, key, path)


def _methods(notes: Notes, key: ObjectKey, spec: MappingSpec) -> tuple[str, ...] | None:
    """The methods that are asked for; none where all are good."""
    if not spec.method:
        return ()
    found = _SEVERAL.fullmatch(spec.method) if spec.method_regex else None
    methods = tuple(found[1].split("|")) if found else (spec.method,)
    if (spec.method_regex and not found) or not _METHODS.issuperset(methods):
        said = f"a match asks for one of {', '.join(sorted(_METHODS))}{MAPPING_STAYS}"
        notes.lost(key, "spec.method", said, "leave the method out, or to the service")
        return None
    return methods


def call_matches(key: ObjectKey, spec: MappingSpec, demands: Demands, notes: Notes) -> list[At] | None:
    """The matches of a GRPCRoute, of which none is one that takes all calls; None where it is no route for calls."""
    is_path = spec.rewrite in {"", spec.prefix} and spec.regex_rewrite is None and spec.case_sensitive
    is_plain = not (spec.host_rewrite or spec.auto_host_rewrite or spec.host_redirect or demands.queries)
    if not spec.grpc or not is_path or not is_plain or spec.prefix_regex or (spec.method or "POST") != "POST":
        return None
    headers = list(_texts(notes, key, demands.headers, _written_headers(spec)))
    if None in headers:
        return None
    said: Document = {}
    if spec.prefix != "/" or spec.prefix_exact:
        found = _CALLED.fullmatch(spec.prefix)
        if found is None or bool(found["method"]) != spec.prefix_exact:
            return None
        called: dict[str, Any] = {"service": found["service"]}
        if found["method"]:
            called["method"] = found["method"]
        said["method"] = at(called, key, "spec.prefix", "spec.prefix_exact")
    if headers:
        said["headers"] = at(headers, key, "spec.headers", "spec.regex_headers")
    text = "a GRPCRoute takes calls alone, by their content type: other requests are not served any more"
    notes.otherwise(key, "spec.grpc", text, "keep the Mapping where such requests come")
    return [At(said, ())] if said else []
