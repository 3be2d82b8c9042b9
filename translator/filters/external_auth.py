"""External authorization: a service of the user's is asked about each request before it goes on.

Source: envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from envoyapi.config_core_v3 import ApiVersion, GrpcService, GrpcServiceEnvoyGrpc, HeaderValue, HttpUri
from envoyapi.http_ext_authz_v3 import (
    AuthorizationRequest,
    AuthorizationResponse,
    BufferSettings,
    CheckSettings,
    ExtAuthz,
    ExtAuthzPerRoute,
    HttpService,
)
from envoyapi.type_matcher_v3 import ListStringMatcher, RegexMatcher, StringMatcher
from envoyapi.type_v3 import HttpStatus, StatusCode
from envoyapi.wire import duration_ms
from translator.checks import SCOPE_HEADER
from translator.decode import FrozenMap
from translator.filters.part import AS_CONFIGURED, Discovered, HttpFilter, NameOf
from translator.ir import Backend
from translator.values import dataclass

NAME: Final = "envoy.filters.http.ext_authz"
NOBODY: Final = "dragoman/nobody"
"""The cluster that there never is: who is asked as long as nobody says who."""

STATUSES: Final = frozenset(int(code) for code in StatusCode if code)
"""What a client may be answered when the service does not answer."""


@dataclass(frozen=True, slots=True)
class Body:
    """How much of a request's body the service is given; `partial`: the beginning of a larger one, instead of 413."""

    most_bytes: int
    partial: bool


@dataclass(frozen=True, slots=True)
class HttpAuth:
    """What is said to a service that speaks HTTP, beyond the method, path and host, and what it may say. Lower case.

    `request_headers` are the client's that it gets. `answer_headers` are those of its answer
    that go on: to the service behind when it allows the request, else to the client. Where it `allows_in_full`, or
    `refuses_in_full`, all of them go there that can.
    """

    path_prefix: str = ""
    request_headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    allows_in_full: bool = False
    refuses_in_full: bool = False


@dataclass(frozen=True, slots=True)
class ExternalAuth:
    """Who is asked, and how. `http` None: gRPC is spoken; `request_headers` are the client's that it gets, empty: all.

    `added_headers` are told to the service in addition.
    """

    backend: Backend
    timeout_ms: int
    http: HttpAuth | None
    added_headers: tuple[tuple[str, str], ...] = ()
    body: Body | None = None
    status_on_error: int | None = None
    failure: Literal["deny", "allow"] = "deny"
    request_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """The requests are asked about. `context` is told to a service that speaks gRPC."""

    context: Mapping[str, str] = FrozenMap()


@dataclass(frozen=True, slots=True)
class DoNotAsk:
    """The requests are not asked about, whatever holds for others."""


def _switch(ask: Ask) -> ExtAuthzPerRoute:
    return ExtAuthzPerRoute(check_settings=CheckSettings(context_extensions=ask.context))


def encode(auth: ExternalAuth, name_of: NameOf, *, looks_again: bool = True) -> ExtAuthz:
    """The filter that asks. `looks_again`: what the service says may lead a request to another route."""
    cluster, timeout, http = name_of(auth.backend), duration_ms(auth.timeout_ms), auth.http
    added = [HeaderValue(key=name, value=value) for name, value in auth.added_headers]
    envoy_grpc = GrpcServiceEnvoyGrpc(cluster_name=cluster)
    body = auth.body
    return ExtAuthz(
        transport_api_version=ApiVersion.V3,
        grpc_service=GrpcService(envoy_grpc=envoy_grpc, timeout=timeout, initial_metadata=added)
        if http is None
        else None,
        http_service=_http_service(http, cluster, added, auth.timeout_ms) if http else None,
        allowed_headers=_exactly(http.request_headers if http else auth.request_headers),
        disallowed_headers=_exactly((SCOPE_HEADER,)) if http is None else None,
        with_request_body=BufferSettings(max_request_bytes=body.most_bytes, allow_partial_message=body.partial)
        if body
        else None,
        failure_mode_allow=True if auth.failure == "allow" else None,
        status_on_error=HttpStatus(code=StatusCode(auth.status_on_error)) if auth.status_on_error else None,
        clear_route_cache=True if looks_again else None,
    )


def _http_service(http: HttpAuth, cluster: str, added: list[HeaderValue], timeout_ms: int) -> HttpService:
    answer = _exactly(http.answer_headers)
    allowed, refusal = _COPIED if http.allows_in_full else answer, None if http.refuses_in_full else answer
    return HttpService(
        server_uri=HttpUri(uri=f"http://{cluster}", cluster=cluster, timeout=duration_ms(timeout_ms)),
        path_prefix=http.path_prefix or None,
        authorization_request=AuthorizationRequest(headers_to_add=added) if added else None,
        authorization_response=AuthorizationResponse(allowed_upstream_headers=allowed, allowed_client_headers=refusal),
    )


def _all_but(names: Iterable[str], beginning: str = "") -> str:
    """An expression for every text that is none of these and does not begin so; RE2 knows no `(?!`."""
    nexts: dict[str, list[str]] = {}
    for name in names:
        nexts.setdefault(name[:1], []).append(name[1:])
    is_end = nexts.pop("", None) is not None
    others = f"[^{re.escape(beginning + ''.join(nexts))}].*" if nexts else ".+"
    deeper = [f"{re.escape(letter)}(?:{_all_but(rest)})" for letter, rest in nexts.items()]
    return "|".join([others, *deeper, *([] if is_end else [""])])


NOT_COPIED: Final = (
    *("connection", "content-encoding", "content-length", "content-type", "host", "keep-alive", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade", SCOPE_HEADER),
)
"""Headers of an answer that say where it goes, what its body is, or how its connection is: a request has its own."""
COPIED: Final = _all_but(NOT_COPIED, beginning=":")
_COPIED: Final = ListStringMatcher(patterns=[StringMatcher(safe_regex=RegexMatcher(regex=COPIED))])


def _exactly(names: tuple[str, ...]) -> ListStringMatcher | None:
    patterns = [StringMatcher(exact=name, ignore_case=True) for name in names]
    return ListStringMatcher(patterns=patterns) if patterns else None


_IDLE: Final = ExtAuthz(
    transport_api_version=ApiVersion.V3,
    http_service=HttpService(server_uri=HttpUri(uri="http://nobody", cluster=NOBODY, timeout=duration_ms(1000))),
    status_on_error=HttpStatus(code=StatusCode.InternalServerError),
)
"""Where it were switched on all the same, every request would be refused."""

_OFF: Final = ExtAuthzPerRoute(disabled=True)

FILTER: Final = HttpFilter(
    name=NAME,
    idle=_IDLE,
    switches={
        Ask: lambda ask: _switch(ask) if ask.context else AS_CONFIGURED,
        DoNotAsk: lambda _: _OFF,
    },
    discovered=Discovered(ExternalAuth, encode, lambda auth: (auth.backend,)),
    off=_OFF,
)
