"""No path with a dot segment leaves Envoy (see `translator.dot_segments`): told where it is known at the least cost.

What is wrong with a path as it comes is refused at the head of a virtual host, once. What the rewrite of a prefix
would join, its route does not match: one more condition, for those routes alone. What a regular expression makes of a
path is known when it is made, so a filter looks at it on the way to the cluster; that costs such requests more.
"""

from collections.abc import Iterable

from envoyapi.config_rbac_v3 import Permission, Policy, Principal, Rbac, RbacAction
from envoyapi.config_route_v3 import DirectResponseAction, HeaderMatcher, Route, RouteMatch
from envoyapi.http_rbac_v3 import Rbac as RbacFilter
from envoyapi.http_upstream_codec_v3 import UpstreamCodec
from envoyapi.network_http_connection_manager_v3 import HttpFilter
from envoyapi.type_matcher_v3 import PathMatcher, RegexMatcher, StringMatcher
from envoyapi.wire import any_of
from translator import ir
from translator.dot_segments import ANYWHERE, guard
from translator.filters import ANSWERED_BY_US

REFUSED = Route(
    name=":dots",
    match=RouteMatch(safe_regex=RegexMatcher(regex=ANYWHERE)),
    direct_response=DirectResponseAction(status=400),
    typed_per_filter_config=ANSWERED_BY_US,
)
"""The answer to a path that has a dot segment when it comes to the routes."""

_DOTTED = StringMatcher(safe_regex=RegexMatcher(regex=ANYWHERE))
_NO_DOTS = Rbac(
    action=RbacAction.DENY,
    policies={
        "dots": Policy(permissions=[Permission(url_path=PathMatcher(path=_DOTTED))], principals=[Principal(any=True)])
    },
)

CHECKED: tuple[HttpFilter, ...] = (
    HttpFilter(name="envoy.filters.http.upstream_rbac", typed_config=any_of(RbacFilter(rules=_NO_DOTS))),
    HttpFilter(name="envoy.filters.http.upstream_codec", typed_config=any_of(UpstreamCodec())),
)
"""The filters of a cluster that no request with a dot segment reaches, whatever made it: 403."""


def guards_of(route: ir.Route) -> Iterable[HeaderMatcher]:
    """What a request to a route must not be, so that the route's rewrite makes no dot segment of it."""
    rewrite = None if isinstance(route.action, ir.DirectResponse) else route.action.rewrite
    regex = guard_of(route.match.path, rewrite)
    if regex is not None:
        matcher = StringMatcher(safe_regex=RegexMatcher(regex=regex))
        yield HeaderMatcher(name=":path", string_match=matcher, invert_match=True)


def guard_of(path: ir.PathMatch, rewrite: ir.Rewrite | None) -> str | None:
    """The paths that a rewrite would give a dot segment; only a match by prefix leaves the rest of a segment over."""
    if rewrite is None or rewrite.kind not in {"matched", "joined"} or path.kind != "prefix":
        return None
    return guard(path.text or "/", rewrite.text, case_sensitive=path.case_sensitive)


def looks_at(forward: ir.Forward) -> bool:
    """Whether only the result of a rewrite tells what it holds."""
    return forward.rewrite is not None and forward.rewrite.kind == "regex"
