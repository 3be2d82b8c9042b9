"""Whether a request goes on is asked by a request of its own, as nginx's `auth_request` does it, for each route apart.

External authorization (`external_auth`) stands once for all routes, takes 200 alone for a yes, and passes on what the
service says to who is refused. Here any 2xx is a yes, 401 and 403 are a no, and all else, as when nobody answers, is a
500. It never lets anybody through by itself: whatever goes wrong in the script is a 500 as well.

The script is in `checks`. Source: nginx, ngx_http_auth_request_module.
"""

from typing import Any, Final

from translator.checks import SCOPE_HEADER
from translator.filters.part import NameOf
from translator.ir import Backend
from translator.values import dataclass

VARIABLES: Final = frozenset({"host", "http_host", "scheme", "request_uri", "escaped_request_uri", "uri", "args"})
"""What a text may say of the request that came, with a `$` before it."""

TIMEOUT_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """Who is asked, and how; `path` and `sign_in` may have VARIABLES.

    `answer_headers` are those of a yes that the service behind gets, and nobody else can say; its cookies go to the
    client. `sign_in` is where a client is sent after a 401; empty: nowhere. `redirect` is what the service is told of
    where to go afterwards.
    """

    backend: Backend
    host: str
    path: str
    method: str = "GET"
    answer_headers: tuple[str, ...] = ()
    sign_in: str = ""
    redirect: str = "$request_uri"
    always_sets_cookies: bool = False


def context_of(asked: AuthRequest, name_of: NameOf) -> dict[str, Any]:
    """What the script is told."""
    return {
        "cluster": name_of(asked.backend),
        "host": asked.host,
        "path": asked.path,
        "method": asked.method,
        "headers": list(asked.answer_headers),
        "sign_in": asked.sign_in,
        "redirect": asked.redirect,
        "cookies": "always" if asked.always_sets_cookies else "",
        "timeout": str(TIMEOUT_MS),
        "hidden": SCOPE_HEADER,
    }
