"""What a route does with a request that it matches."""

from typing import Any, Final, Literal

from translator.ir.backends import Backend
from translator.ir.keys import ObjectKey
from translator.ir.matches import RouteMatch, Share
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """A header to set, or to append to what is there."""

    name: str
    value: str
    append: bool = True


@dataclass(frozen=True, slots=True)
class HeaderEdits:
    """Headers added and removed, on the way to the backend and on the way back."""

    add_request: tuple[HeaderValue, ...] = ()
    remove_request: tuple[str, ...] = ()
    add_response: tuple[HeaderValue, ...] = ()
    remove_response: tuple[str, ...] = ()


NO_EDITS: Final = HeaderEdits()


@dataclass(frozen=True, slots=True)
class WeightedBackend:
    """A backend's share of a route, `weight` of the sum. `backend` None is a share that is broken: see `Forward`."""

    backend: Backend | None
    weight: int = 1
    headers: HeaderEdits = NO_EDITS


@dataclass(frozen=True, slots=True)
class Mirror:
    """A copy of the requests for a backend whose answers are thrown away.

    `headers` are edited on the way there, of responses none; `host` None is the request's, with `-shadow` behind it
    unless it is `same_host`.
    """

    backend: Backend
    share: Share = Share(100)
    headers: HeaderEdits = NO_EDITS
    host: str | None = None
    same_host: bool = False


@dataclass(frozen=True, slots=True)
class Rewrite:
    """How the path changes: the matched part becomes `text`, or `pattern` is substituted, or the whole is `text`.

    `joined` is `matched` for a prefix, with one `/` behind it: `/foo` becoming `/` turns `/foo/bar` into `/bar`. `text`
    holds no dot segments: see `translator.dot_segments`.
    """

    kind: Literal["matched", "joined", "regex", "whole"]
    text: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of the backends, by weight. `host` None keeps the Host header.

    `timeout_ms` 0 is no limit, None is Envoy's default (15 s). `broken` is what a share that is broken answers.
    `features` are values of the classes that `translator.features` lists: everything else that can be said of a
    forwarded request, one file each.
    """

    backends: tuple[WeightedBackend, ...]
    rewrite: Rewrite | None = None
    host: str | None = None
    timeout_ms: int | None = None
    mirrors: tuple[Mirror, ...] = ()
    features: tuple[Any, ...] = ()
    broken: Literal[500, 503] = 500


@dataclass(frozen=True, slots=True)
class Redirect:
    """Tell the client to go elsewhere; None keeps that part of the URL."""

    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    rewrite: Rewrite | None = None
    code: Literal[301, 302, 303, 307, 308] = 301
    strip_query: bool = False


@dataclass(frozen=True, slots=True)
class DirectResponse:
    """Answer at once, without a backend."""

    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of a virtual host.

    `name` is unique and stable. `order` says where it stands among all routes of its virtual host, smallest first: its
    API computes it by its own rules (values of one virtual host must be comparable), never from the order of insertion.
    """

    name: str
    match: RouteMatch
    action: Forward | Redirect | DirectResponse
    order: tuple[Any, ...]
    headers: HeaderEdits = NO_EDITS
    origins: tuple[ObjectKey, ...] = ()
    filters: tuple[Any, ...] = ()
    """What it says to HTTP filters: values of the classes that `translator.filters` lists as switches."""
