"""Fields of Mappings, of a rule of a route and one of its matches. Pure."""

from collections.abc import Iterable
from typing import Any, Final

from convert.values import At, Document, Notes, at, without_nothing
from translator.gateway.filters import Treatment, treatment_of
from translator.gateway.kinds.filters import Filter, HeaderModifier, PathModifier, RequestRedirect
from translator.gateway.kinds.grpc_route import GrpcMatch
from translator.gateway.kinds.http_route import HeaderMatch, Match, Retry, Timeouts
from translator.ir import ObjectKey

ENVOYS_TIMEOUT: Final = 15_000
"""Milliseconds: what a request may take where no route and no policy says it."""
NOT_CONVERTED: Final = "the rule is not converted"


def asked_of(notes: Notes, key: ObjectKey, match: Match, where: str) -> Document:
    """What a match of an HTTPRoute asks of requests."""
    path, said = match.path, dict[str, Any]()
    field = f"{where}.path"
    if path.type == "PathPrefix":
        bare = path.value.rstrip("/")
        said["prefix"] = at(bare or "/", key, field, f"{field}.value", f"{field}.type")
        if bare:
            text = f"the prefix of a Mapping ends anywhere: {bare}x, which begins with it as well, is served, too"
            notes.otherwise(key, field, text, "nothing, or write further Mappings", bare)
    else:
        said["prefix"] = at(path.value, key, field, f"{field}.value", f"{field}.type")
        said["prefix_exact" if path.type == "Exact" else "prefix_regex"] = True
    return {**said, **_headers(key, match.headers, where), **_queries(key, match, where), **_method(key, match, where)}


def called_by(notes: Notes, key: ObjectKey, match: GrpcMatch, where: str) -> Document:
    """What a match of a GRPCRoute asks of calls."""
    method = match.method
    said: Document = {"prefix": "/"}
    if method is not None and method.type == "Exact" and method.service:
        said = {"prefix": at(f"/{method.service}/{method.method or ''}", key, f"{where}.method")}
        if method.method:
            said["prefix_exact"] = True
    elif method is not None:
        part = method.method or "[^/]+" if method.type == "RegularExpression" else method.method
        said = {
            "prefix": at(f"/{method.service or '[^/]+'}/{part or '[^/]+'}", key, f"{where}.method"),
            "prefix_regex": True,
        }
    text = "a Mapping serves requests that are no calls as well"
    notes.otherwise(key, f"{where}.method", text, "nothing")
    return {**said, **_headers(key, match.headers, where)}


def _headers(key: ObjectKey, headers: Iterable[HeaderMatch], where: str) -> Document:
    found: dict[str, dict[str, At]] = {"headers": {}, "regex_headers": {}}
    for place, each in enumerate(headers):
        kind = "headers" if each.type == "Exact" else "regex_headers"
        found[kind].setdefault(each.name.lower(), at(each.value, key, f"{where}.headers[{place}]"))
    return without_nothing(found)


def _queries(key: ObjectKey, match: Match, where: str) -> Document:
    found: dict[str, dict[str, At]] = {"query_parameters": {}, "regex_query_parameters": {}}
    for place, each in enumerate(match.query_params):
        kind = "query_parameters" if each.type == "Exact" else "regex_query_parameters"
        found[kind].setdefault(each.name, at(each.value, key, f"{where}.queryParams[{place}]"))
    return without_nothing(found)


def _method(key: ObjectKey, match: Match, where: str) -> Document:
    return {} if match.method is None else {"method": at(match.method, key, f"{where}.method")}


def edits_of(key: ObjectKey, filters: tuple[Filter, ...], where: str) -> Document:
    """What filters add to headers and take from them."""
    said: Document = {}
    for place, each in enumerate(filters):
        for side, modifier in (
            ("request", each.request_header_modifier),
            ("response", each.response_header_modifier),
        ):
            if modifier is not None:
                path = f"{where}.filters[{place}]"
                added = _added(modifier)
                if added:
                    said[f"add_{side}_headers"] = at(added, key, path)
                if modifier.remove:
                    said[f"remove_{side}_headers"] = at(list(modifier.remove), key, path)
    return said


def _added(modifier: HeaderModifier) -> Document:
    found: Document = {}
    for each in modifier.add:
        found[each.name] = each.value.replace("%", "%%")
    for each in modifier.set:
        found[each.name] = {"value": each.value.replace("%", "%%"), "append": False}
    return found


def rewritten(key: ObjectKey, treatment: Treatment, prefix: str, where: str) -> Document:
    """What becomes of the path and the Host; without a word the path stays as it is."""
    rewrite = treatment.rewrite
    if rewrite is None:
        return {"rewrite": ""}
    path = f"{where}.filters"
    said: Document = {} if rewrite.hostname is None else {"host_rewrite": at(rewrite.hostname, key, path)}
    return {**said, **_path(key, rewrite.path, prefix, path)}


def _path(key: ObjectKey, path: PathModifier | None, prefix: str, where: str) -> Document:
    if path is None:
        return {"rewrite": ""}
    if path.type == "ReplacePrefixMatch":
        text = path.replace_prefix_match or "/"
        bare = text.rstrip("/")
        return {"rewrite": at(f"{bare}/" if prefix == "/" or not bare else bare, key, where)}
    whole = path.replace_full_path or "/"
    return {"regex_rewrite": at({"pattern": "^.*$", "substitution": whole.replace("\\", "\\\\")}, key, where)}


def redirected(notes: Notes, key: ObjectKey, redirect: RequestRedirect, where: str) -> Document | None:
    """Where clients are sent; None where a Mapping cannot say it."""
    if redirect.hostname is None:
        said = f"a Mapping redirects to a host that it names; {NOT_CONVERTED}"
        notes.lost(key, f"{where}.filters", said, "name the hostname, or let the Host redirect to https")
        return None
    scheme = f"{redirect.scheme}://" if redirect.scheme else ""
    port = f":{redirect.port}" if redirect.port else ""
    said_: Document = {
        "service": at(f"{scheme}{redirect.hostname}{port}", key, f"{where}.filters"),
        "host_redirect": True,
        "redirect_response_code": int(redirect.status_code),
    }
    if not redirect.scheme and not redirect.port:
        text = "a listener's own port is not written behind the host"
        notes.otherwise(key, "spec.rules", text, "nothing, unless clients see that port")
    path = redirect.path
    if path is not None and path.type == "ReplaceFullPath":
        said_["path_redirect"] = path.replace_full_path
    elif path is not None:
        said_["prefix_redirect"] = path.replace_prefix_match or "/"
    return said_


def patience(notes: Notes, key: ObjectKey, timeouts: Timeouts, retry: Retry | None, where: str) -> Document:
    """How long is waited, and when a request is sent again."""
    limits = [limit for limit in (timeouts.request, None if retry else timeouts.backend_request) if limit]
    said: Document = {}
    if limits or timeouts.request == 0:
        said["timeout_ms"] = at(min(limits) if limits else 0, key, f"{where}.timeouts", f"{where}.timeouts.request")
    if retry is not None and retry.attempts != 0:
        on = "retriable-status-codes" if retry.codes else "connect-failure"
        policy: Document = {"retry_on": on, "num_retries": 1 if retry.attempts is None else retry.attempts}
        if timeouts.backend_request:
            policy["per_try_timeout"] = f"{timeouts.backend_request}ms"
        said["retry_policy"] = at(policy, key, f"{where}.retry")
        text = "a Mapping sends again for one reason, and names no statuses and no pause between"
        notes.lost(key, f"{where}.retry", text, "say retry_on as it is wanted most")
    return said


def treated(
    notes: Notes, key: ObjectKey, filters: tuple[Filter, ...], where: str, *, of_calls: bool
) -> Treatment | None:
    """What filters do together; None where one of them cannot be said."""
    treatment = treatment_of(filters, where, of_calls=of_calls)
    wrong = [*treatment.unserved, *([(treatment.auth[0], "asks a service of its own")] if treatment.auth else [])]
    for path, message in wrong:
        notes.lost(key, path, f"{message}: no Mapping says it; {NOT_CONVERTED}", "have an AuthService ask")
    return None if wrong else treatment
