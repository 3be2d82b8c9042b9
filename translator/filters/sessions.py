"""Sessions: what tells the pod that answered a client first, so that it gets the client's other requests, too.

The client keeps it, in a cookie or by giving back a header: the pod's address, as Envoy writes it. Whoever forges it
gets no further than to another pod of the same service. A pod that is gone, or not well, is passed over for another
one; nobody else's session moves.

Source: envoy/extensions/filters/http/stateful_session/v3/stateful_session.proto,
envoy/extensions/http/stateful_session/cookie/v3/cookie.proto, .../header/v3/header.proto.
"""

from typing import Final

from envoyapi.config_core_v3 import TypedExtensionConfig
from envoyapi.http_stateful_session_cookie_v3 import CookieBasedSessionState
from envoyapi.http_stateful_session_header_v3 import HeaderBasedSessionState
from envoyapi.http_stateful_session_v3 import StatefulSession, StatefulSessionPerRoute
from envoyapi.type_http_v3 import Cookie
from envoyapi.wire import any_of, duration_ms
from translator.filters.part import HttpFilter
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class ByCookie:
    """Sessions are told by a cookie for a path; `seconds` 0: as long as the browser runs."""

    name: str
    path: str = "/"
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class ByHeader:
    """Sessions are told by a header of answers, which clients give back."""

    name: str


def _cookie(said: ByCookie) -> StatefulSessionPerRoute:
    cookie = Cookie(name=said.name, ttl=duration_ms(said.seconds * 1000) if said.seconds else None, path=said.path)
    state = CookieBasedSessionState(cookie=cookie)
    return _switch(TypedExtensionConfig(name="envoy.http.stateful_session.cookie", typed_config=any_of(state)))


def _header(said: ByHeader) -> StatefulSessionPerRoute:
    state = HeaderBasedSessionState(name=said.name)
    return _switch(TypedExtensionConfig(name="envoy.http.stateful_session.header", typed_config=any_of(state)))


def _switch(state: TypedExtensionConfig) -> StatefulSessionPerRoute:
    return StatefulSessionPerRoute(stateful_session=StatefulSession(session_state=state))


FILTER: Final = HttpFilter(
    name="envoy.filters.http.stateful_session",
    idle=StatefulSession(),
    switches={ByCookie: _cookie, ByHeader: _header},
    off=StatefulSessionPerRoute(disabled=True),
)
