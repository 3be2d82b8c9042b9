"""Filters of a rule, or of one of its backends, in the words of the IR. Pure.

A filter that we do not have is never left out: what stands behind it might not be meant for everybody.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from translator import ir
from translator.checks import edited_header_name, header_text
from translator.decode import Invalid
from translator.dot_segments import path_without_dots
from translator.filters.cors import CrossOrigin
from translator.gateway.cors import cross_origin_of
from translator.gateway.kinds.filters import (
    ExternalAuth,
    Filter,
    HeaderModifier,
    PathModifier,
    RequestMirror,
    RequestRedirect,
    UrlRewrite,
)
from translator.values import dataclass

OF_CALLS: Final = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror"})
"""The filters that a GRPCRoute may have."""
NOT_OF_BACKENDS: Final = frozenset({"RequestRedirect", "CORS", "ExternalAuth"})
"""The filters that one backend may not have."""
LARGEST_BODY: Final = 64 * 2**20
"""Bytes of a body that wait until somebody was asked."""
_WHOLE: Final = 1_000_000
WELL_KNOWN: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Treatment:
    """What filters do with a request. `unserved` says of those that cannot be served where they stand, and why."""

    headers: ir.HeaderEdits = ir.NO_EDITS
    redirect: RequestRedirect | None = None
    rewrite: UrlRewrite | None = None
    mirrors: tuple[tuple[str, RequestMirror], ...] = ()
    """With their places."""
    cors: CrossOrigin | None = None
    auth: tuple[str, ExternalAuth] | None = None
    """With its place."""
    unserved: tuple[tuple[str, str], ...] = ()


def treatment_of(
    filters: Iterable[Filter], path: str, *, of_calls: bool = False, of_backend: bool = False
) -> Treatment:
    """What filters do together.

    Args:
        filters: in their order.
        path: where they stand.
        of_calls: whether they are a GRPCRoute's.
        of_backend: whether they are one backend's.
    """
    headers, mirrors, unserved = ir.NO_EDITS, [], []
    redirect: RequestRedirect | None = None
    rewrite: UrlRewrite | None = None
    cors: CrossOrigin | None = None
    auth: tuple[str, ExternalAuth] | None = None
    for place, each in enumerate(filters):
        where = f"{path}.filters[{place}]"
        if (of_calls and each.type not in OF_CALLS) or (of_backend and each.type in NOT_OF_BACKENDS):
            unserved.append((where, f"{each.type} is not served here"))
        elif each.request_header_modifier is not None:
            headers = _with(headers, request=each.request_header_modifier)
            unserved += _wrong_names(each.request_header_modifier, f"{where}.requestHeaderModifier")
        elif each.response_header_modifier is not None:
            headers = _with(headers, response=each.response_header_modifier)
            unserved += _wrong_names(each.response_header_modifier, f"{where}.responseHeaderModifier")
        elif each.request_mirror is not None:
            mirrors.append((f"{where}.requestMirror.backendRef", each.request_mirror))
        elif each.request_redirect is not None:
            redirect = each.request_redirect
            unserved += _wrong_path(redirect.path, f"{where}.requestRedirect.path")
        elif each.url_rewrite is not None:
            rewrite = each.url_rewrite
            unserved += _wrong_path(rewrite.path, f"{where}.urlRewrite.path")
        elif each.cors is not None:
            cors = cross_origin_of(each.cors)
        elif each.external_auth is not None:
            unserved += _wrong_auth(each.external_auth, auth, where)
            auth = f"{where}.externalAuth.backendRef", each.external_auth
        else:
            unserved.append((where, f"{each.type} is not served"))
    return Treatment(headers, redirect, rewrite, tuple(mirrors), cors, auth, tuple(unserved))


def _with(
    edits: ir.HeaderEdits, request: HeaderModifier | None = None, response: HeaderModifier | None = None
) -> ir.HeaderEdits:
    asked, answered = request or HeaderModifier(), response or HeaderModifier()
    return ir.HeaderEdits(
        edits.add_request + _added(asked),
        edits.remove_request + asked.remove,
        edits.add_response + _added(answered),
        edits.remove_response + answered.remove,
    )


def _added(modifier: HeaderModifier) -> tuple[ir.HeaderValue, ...]:
    """Headers that are set, then those that are added; of one name the first of each counts. `%` means itself."""
    found: dict[tuple[str, bool], ir.HeaderValue] = {}
    for headers, append in ((modifier.set, False), (modifier.add, True)):
        for header in headers:
            value = ir.HeaderValue(header.name, header.value.replace("%", "%%"), append)
            found.setdefault((header.name.lower(), append), value)
    removed = {name.lower() for name in modifier.remove}
    return tuple([value for (name, _), value in found.items() if name not in removed])


def _wrong_auth(said: ExternalAuth, before: object, path: str) -> Iterator[tuple[str, str]]:
    if before is not None:
        yield path, "ExternalAuth is served once in a rule"
    if said.forward_body.max_size > LARGEST_BODY:
        yield f"{path}.externalAuth.forwardBody.maxSize", f"is served up to {LARGEST_BODY:,}: bodies wait in memory"


def _wrong_names(modifier: HeaderModifier, path: str) -> Iterator[tuple[str, str]]:
    for field in ("set", "add"):
        for place, header in enumerate(getattr(modifier, field)):
            yield from _asked(f"{path}.{field}[{place}].name", header.name)
            try:
                header_text(header.value)
            except Invalid as invalid:
                yield f"{path}.{field}[{place}].value", invalid.message
    for place, name in enumerate(modifier.remove):
        yield from _asked(f"{path}.remove[{place}]", name)


def _asked(path: str, name: str) -> Iterator[tuple[str, str]]:
    try:
        edited_header_name(name)
    except Invalid as invalid:
        yield path, invalid.message


def _wrong_path(path: PathModifier | None, where: str) -> Iterator[tuple[str, str]]:
    text = (path.replace_full_path if path.type == "ReplaceFullPath" else path.replace_prefix_match) if path else None
    if text is None or path is None:
        return
    field = "replaceFullPath" if path.type == "ReplaceFullPath" else "replacePrefixMatch"
    try:
        path_without_dots(text)
        header_text(text)
    except Invalid as invalid:
        yield f"{where}.{field}", invalid.message


def rewrite_of(path: PathModifier | None, matched: ir.PathMatch) -> ir.Rewrite | None:
    """What becomes of a path. A prefix is replaced by whole segments: `/a` becoming nothing leaves a `/`."""
    if path is None:
        return None
    if path.type == "ReplaceFullPath":
        return ir.Rewrite("whole", _absolute(path.replace_full_path or ""))
    text = _absolute((path.replace_prefix_match or "").rstrip("/"))
    if not matched.text.rstrip("/"):
        return ir.Rewrite("matched", text if text.endswith("/") else f"{text}/")
    return ir.Rewrite("joined", "/") if text == "/" else ir.Rewrite("matched", text)


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def share_of(mirror: RequestMirror) -> ir.Share:
    """How many of the requests are copied."""
    if mirror.fraction is not None:
        return ir.Share(round(mirror.fraction.numerator * _WHOLE / mirror.fraction.denominator), _WHOLE)
    return ir.Share(100 if mirror.percent is None else mirror.percent)


def redirects_of(
    redirect: RequestRedirect, matched: ir.PathMatch, listener: tuple[str, int]
) -> Iterator[tuple[ir.Redirect, bool]]:
    """Where a client is sent that came to a listener, by its scheme and port; for each whether a port came in Host.

    The port is the one that is said, else that of the scheme that is said, else the listener's. One that its scheme
    implies is not shown; but in the place of one that the client's Host has, it is.
    """
    scheme, port = redirect.scheme or listener[0], redirect.port
    if port is None:
        port = WELL_KNOWN[redirect.scheme] if redirect.scheme else listener[1]
    shown = None if port == WELL_KNOWN[scheme] else port
    rewrite = rewrite_of(redirect.path, matched)
    if shown is None and redirect.hostname is None and (redirect.scheme or redirect.port):
        yield ir.Redirect(redirect.scheme, None, port, rewrite, redirect.status_code), True
    yield ir.Redirect(redirect.scheme, redirect.hostname, shown, rewrite, redirect.status_code), False
