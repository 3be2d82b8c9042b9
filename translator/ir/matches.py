"""What a route matches."""

from typing import Literal

from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class TextMatch:
    """How a header's or query parameter's value is compared."""

    kind: Literal["exact", "prefix", "suffix", "regex"]
    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class PathMatch:
    """How the path is compared. `segments` is a prefix that ends at a `/`; a regex must match the whole path."""

    kind: Literal["exact", "prefix", "segments", "regex"]
    text: str
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """A header that must be there; with `value`, it must also compare; `inverted` turns the whole test round."""

    name: str
    value: TextMatch | None = None
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class QueryMatch:
    """A query parameter that must be there; with `value`, it must also compare."""

    name: str
    value: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The share of requests that take a route: `part` of `whole`; the others go on to the next route."""

    part: int
    whole: Literal[100, 10_000, 1_000_000] = 100


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """All that a request must be to take a route. The method is the header `:method`, the host is `:authority`."""

    path: PathMatch
    headers: tuple[HeaderMatch, ...] = ()
    queries: tuple[QueryMatch, ...] = ()
    share: Share | None = None
