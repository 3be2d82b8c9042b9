"""External authorization of single routes, each with a service of its own.

What can be asked for at a route of the filter for all (`external_auth`) is less than what people say: which headers a
service gets is said where that filter stands. So this one is empty, and a route says the whole filter that runs in it.

It is never switched off. Behind an index the first look-up does not know the route yet: who had to be switched on there
first could come too late for the route's first request. While no route says anything it does nothing.

Source: envoy/extensions/filters/http/composite/v3/composite.proto.
"""

from typing import Final

from envoyapi.config_core_v3 import TypedExtensionConfig as CoreExtension
from envoyapi.http_composite_v3 import Composite, CompositePerRoute, ExecuteFilterAction
from envoyapi.wire import any_of
from envoyapi.xds_core_v3 import TypedExtensionConfig
from envoyapi.xds_type_matcher_v3 import Matcher, MatcherOnMatch
from translator.filters.external_auth import ExternalAuth, encode
from translator.filters.part import Asking, HttpFilter, NameOf
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Requests are asked about before they go on, by whom is said here. Nobody is let through unasked."""

    auth: ExternalAuth


def _said(ask: AskFirst, name_of: NameOf) -> CompositePerRoute:
    asking = CoreExtension(name="ask", typed_config=any_of(encode(ask.auth, name_of, looks_again=False)))
    action = TypedExtensionConfig(name="ask", typed_config=any_of(ExecuteFilterAction(typed_config=asking)))
    return CompositePerRoute(matcher=Matcher(on_no_match=MatcherOnMatch(action=action)))


FILTER: Final = HttpFilter(
    name="dragoman.filters.http.route_auth",
    idle=Composite(),
    always_on=True,
    asking={AskFirst: Asking(_said, lambda ask: (ask.auth.backend,))},
)
