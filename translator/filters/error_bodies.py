"""What clients read instead of the body of an error, whoever answers it: a service, or Envoy itself.

The filter that does it, `custom_response`, is one of those that Envoy calls work in progress, and warns of in its log
as soon as one is there. So it stands in another filter, which is empty for those who do not ask for it. That one is
never switched off: a request that no route wants, and whose 404 is to be another, reaches no switch.

Source: envoy/extensions/filters/http/filter_chain/v3/filter_chain.proto,
envoy/extensions/filters/http/custom_response/v3/custom_response.proto,
envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.proto.
"""

from collections.abc import Mapping
from typing import Final

from envoyapi.config_core_v3 import (
    DataSource,
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    SubstitutionFormatString,
)
from envoyapi.config_core_v3 import TypedExtensionConfig as CoreExtension
from envoyapi.http_custom_response_local_response_policy_v3 import LocalResponsePolicy
from envoyapi.http_custom_response_v3 import CustomResponse
from envoyapi.http_filter_chain_v3 import FilterChain, FilterChainConfig, FilterChainConfigPerRoute
from envoyapi.type_matcher_v3 import HttpResponseStatusCodeMatchInput
from envoyapi.wire import any_of, struct
from envoyapi.xds_core_v3 import TypedExtensionConfig
from envoyapi.xds_type_matcher_v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicateSinglePredicate,
    MatcherOnMatch,
    StringMatcher,
)
from translator.filters.part import Discovered, HttpFilter
from translator.values import dataclass

NAME: Final = "dragoman.filters.http.error_bodies"
_INSIDE: Final = "error_bodies"


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What is read where a request is answered with `status`: a text, or JSON, both with Envoy's operators."""

    status: int
    content_type: str
    format: str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ErrorBodies:
    """The bodies of some errors, at most one for a status. Those of a route stand in the place of those for all."""

    bodies: tuple[ErrorBody, ...] = ()


_STATUS: Final = TypedExtensionConfig(name="status", typed_config=any_of(HttpResponseStatusCodeMatchInput()))


def _chain(said: ErrorBodies) -> FilterChain:
    return FilterChain(filters=[CoreExtension(name=_INSIDE, typed_config=any_of(_filter(said)))])


def _filter(said: ErrorBodies) -> CustomResponse:
    matcher = Matcher(matcher_list=MatcherMatcherList(matchers=[_matcher(body) for body in said.bodies]))
    return CustomResponse(custom_response_matcher=matcher if said.bodies else None)


def _matcher(body: ErrorBody) -> MatcherMatcherListFieldMatcher:
    predicate = MatcherMatcherListPredicateSinglePredicate(
        input=_STATUS, value_match=StringMatcher(exact=str(body.status))
    )
    policy = LocalResponsePolicy(
        body_format=_format(body.format),
        response_headers_to_add=[
            HeaderValueOption(
                header=HeaderValue(key="content-type", value=body.content_type),
                append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
            )
        ],
    )
    return MatcherMatcherListFieldMatcher(
        predicate=MatcherMatcherListPredicate(single_predicate=predicate),
        on_match=MatcherOnMatch(action=TypedExtensionConfig(name=str(body.status), typed_config=any_of(policy))),
    )


def _format(said: str | Mapping[str, str]) -> SubstitutionFormatString:
    if isinstance(said, str):
        return SubstitutionFormatString(text_format_source=DataSource(inline_string=said))
    return SubstitutionFormatString(json_format=struct(said))


_ROOM: Final = FilterChainConfigPerRoute(filter_chain=_chain(ErrorBodies()))
"""The filter, so far without bodies: it takes them from the route, as soon as it has one."""

FILTER: Final = HttpFilter(
    name=NAME,
    idle=FilterChainConfig(),
    switches={ErrorBodies: lambda _: _ROOM},
    inside=(_INSIDE, _filter),
    discovered=Discovered(ErrorBodies, lambda said, _: FilterChainConfig(default_filter_chain=_chain(said))),
    always_on=True,
    room=_ROOM,
)
