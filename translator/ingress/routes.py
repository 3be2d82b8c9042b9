"""From a path of an Ingress to routes of the IR: one, or some where requests are told apart further. Pure.

A path that cannot be served as it stands answers an error, and is told; it is never left out, since requests would go
where another Ingress sends them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from translator import ir
from translator.checks import groups_of
from translator.filters.buffering import AsItComes, WholeBodies
from translator.filters.error_pages import ErrorPages
from translator.ingress.hosts import Scheme
from translator.ingress.kinds import Backend, Ingress
from translator.ingress.nginx.treatment import Canary, Treatment
from translator.ingress.paths import Asked, host_match, order, path_match, regex_problem, wrong_regex_match
from translator.values import dataclass

SHUT: Final = ir.DirectResponse(503)
_MILLION: Final = 1_000_000
_REFERENCE: Final = re.compile(r"\\([0-9\\])")
_IN_CLEAR: Final = ir.HeaderMatch("x-forwarded-proto", ir.TextMatch("exact", "https"), inverted=True)
_UPGRADING: Final = (
    ir.HeaderMatch("connection", ir.TextMatch("regex", r"(?i)(.*,)?\s*upgrade\s*(,.*)?")),
    ir.HeaderMatch("upgrade", ir.TextMatch("exact", "websocket", ignore_case=True)),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """An Ingress, what its annotations make of it, and all that it asks for."""

    key: ir.ObjectKey
    ingress: Ingress
    treatment: Treatment
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """The canary of a path: whose it is, and where its requests go."""

    key: ir.ObjectKey
    canary: Canary
    backend: ir.Backend | None


@dataclass(frozen=True, slots=True)
class Way:
    """How requests come in. `trusts`: whether a proxy in front of us says how they came to it.

    `wants_tls`: clients show certificates, so that nobody is let in by clear text, whatever a proxy says.
    """

    scheme: Scheme
    trusts: bool
    has_certificate: bool
    wants_tls: bool = False


Action = ir.Forward | ir.Redirect | ir.DirectResponse


@dataclass(frozen=True, slots=True)
class _Variant:
    action: Action
    headers: tuple[ir.HeaderMatch, ...] = ()
    share: ir.Share | None = None
    path: ir.PathMatch | None = None
    origin: ir.ObjectKey = ""


def routes_of(
    owner: Owner, asked: Asked, backend: ir.Backend | None, aside: Aside | None, way: Way
) -> Iterator[ir.Route]:
    """The routes of a path for requests that come in one way."""
    treatment = owner.treatment
    as_regex = treatment.as_regex
    match = wrong_regex_match(asked) if as_regex and regex_problem(asked) else path_match(asked, as_regex=as_regex)
    hosts = host_match(asked.place.host)
    for number, variant in enumerate(_variants(owner, asked, backend, aside, way)):
        forwards = isinstance(variant.action, ir.Forward)
        yield ir.Route(
            f"{owner.key.split('/', 2)[2]}#{way.scheme}/{asked.number}/{number}",
            ir.RouteMatch(variant.path or match, (*hosts, *variant.headers), share=variant.share),
            variant.action,
            order(asked, owner.ingress.age, number, as_regex=as_regex),
            treatment.headers if forwards else ir.NO_EDITS,
            (owner.key, variant.origin) if variant.origin else (owner.key,),
            _filters(treatment, variant, asked) if forwards else (),
        )


def _filters(treatment: Treatment, variant: _Variant, asked: Asked) -> tuple[object, ...]:
    found = treatment.filters
    if treatment.pages is not None:
        found = (*found, _telling(treatment.pages, asked.backend))
    if treatment.most_bytes is None:
        return found
    # What follows a request for a WebSocket is no body that ends: who waits for its end waits for ever.
    whole = AsItComes() if variant.headers[-2:] == _UPGRADING else WholeBodies(treatment.most_bytes)
    return (*found, whole)


def _telling(pages: ErrorPages, backend: Backend) -> ErrorPages:
    """The same, who are told which Service a path names."""
    if backend.service is None:
        return pages
    port = backend.service.port
    named = (("x-service-name", backend.service.name), ("x-service-port", str(port.number or port.name or "")))
    return replace(pages, told=(*pages.told, *named))


def _variants(
    owner: Owner, asked: Asked, backend: ir.Backend | None, aside: Aside | None, way: Way
) -> Iterator[_Variant]:
    treatment = owner.treatment
    if treatment.shut or (treatment.as_regex and regex_problem(asked) is not None):
        yield _Variant(SHUT)
        return
    if way.scheme == "http" and _wants_https(treatment, way):
        redirect = ir.Redirect(scheme="https", code=treatment.https_code)
        trusts = way.trusts and not way.wants_tls
        yield _Variant(redirect, (_IN_CLEAR,) if trusts else ())
        if not trusts:
            return
    if treatment.redirect is not None:
        yield _Variant(treatment.redirect)
        return
    if treatment.root is not None and asked.text == "/" and asked.place.kind != "rest":
        to = ir.Redirect(rewrite=ir.Rewrite("whole", treatment.root), code=302, strip_query=True)
        yield _Variant(to, path=ir.PathMatch("exact", "/"))
    for variant in _forwards(owner, asked, backend, aside):
        if treatment.most_bytes is not None:
            yield replace(variant, headers=(*variant.headers, *_UPGRADING))
        yield variant


def _wants_https(treatment: Treatment, way: Way) -> bool:
    return way.wants_tls or treatment.https == "always" or (treatment.https == "tls" and way.has_certificate)


def _forwards(owner: Owner, asked: Asked, backend: ir.Backend | None, aside: Aside | None) -> Iterator[_Variant]:
    own = _Variant(_forward(owner.treatment, asked, backend))
    if aside is not None:
        other = _Variant(_forward(owner.treatment, asked, aside.backend), origin=aside.key)
        yield from _told_apart(own, other, aside.canary)
    yield own


def _told_apart(own: _Variant, other: _Variant, canary: Canary) -> Iterator[_Variant]:
    """What decides between a path and its canary, but for what is left to the path."""
    if canary.header and canary.header_value is not None:
        yield replace(other, headers=(ir.HeaderMatch(canary.header, canary.header_value),))
    elif canary.header:
        for word, variant in (("always", other), ("never", own)):
            yield replace(variant, headers=(ir.HeaderMatch(canary.header, ir.TextMatch("exact", word)),))
    if canary.cookie:
        for word, variant in (("always", other), ("never", own)):
            text = ir.TextMatch("regex", rf"(?:.*;\s*)?{re.escape(canary.cookie)}={word}(?:\s*;.*)?")
            yield replace(variant, headers=(ir.HeaderMatch("cookie", text),))
    if canary.weight >= canary.weight_total:
        yield other
    elif canary.weight:
        yield replace(other, share=ir.Share(round(canary.weight * _MILLION / canary.weight_total), _MILLION))


def _forward(treatment: Treatment, asked: Asked, backend: ir.Backend | None) -> ir.Forward:
    rewrite = None
    if treatment.rewrite is not None:
        pattern = "^.*$" if asked.place.kind == "rest" else f"^(?i:{asked.text}).*$"
        rewrite = ir.Rewrite("regex", _with_groups(treatment.rewrite, groups_of(pattern)), pattern)
    return ir.Forward(
        (ir.WeightedBackend(backend),),
        rewrite,
        treatment.host,
        0,
        treatment.mirrors,
        treatment.features,
        broken=503,
    )


def _with_groups(substitution: str, most: int) -> str:
    """A group that an expression does not have is empty; Envoy would leave the path as it is."""
    return (
        _REFERENCE.sub(lambda found: found[0] if found[1] == "\\" or int(found[1]) <= most else "", substitution) or "/"
    )
