"""Addresses that annotations name, and texts that say something of the request."""

import re
from typing import Final, Literal, cast

from translator.checks import header_text
from translator.decode import Invalid, quote
from translator.filters.auth_requests import VARIABLES
from translator.ingress.nginx.treatment import Url

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]{1,253}|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?$][!-~]*)?",
    re.IGNORECASE,
)
_LONGEST: Final = 2_048
_LARGEST_PORT: Final = 65_535
_VARIABLE: Final = re.compile(r"\$([a-z_]*)")


def url_of(text: str) -> Url:
    """A URL whose host is said as it is; behind it there may be variables.

    Raises:
        Invalid: when it is none.
    """
    if "$" in text.partition("://")[2].partition("/")[0].removesuffix("$request_uri"):
        raise Invalid(f"must name the host as it is, such as a Service's: who is asked cannot depend on {quote('$')}")
    found = _URL.fullmatch(text)
    scheme = cast('Literal["http", "https"]', found["scheme"].lower()) if found else "http"
    port = int((found and found["port"]) or {"http": 80, "https": 443}[scheme])
    if found is None or not 1 <= port <= _LARGEST_PORT:
        raise Invalid("must be a URL, such as http://auth.default.svc.cluster.local/verify")
    path = found["path"] or "/"
    if path.startswith("?"):
        path = f"/{path}"
    return Url(scheme, found["host"].lower().strip("[]").rstrip("."), port, with_variables(path))


def with_variables(text: str) -> str:
    """A text whose variables are known.

    Raises:
        Invalid: when one is not.
    """
    if len(text) > _LONGEST:
        raise Invalid(f"may have {_LONGEST:,} characters at most")
    for name in _VARIABLE.findall(text):
        if name not in VARIABLES:
            raise Invalid(
                f"${name} is no variable that is known: {', '.join(f'${each}' for each in sorted(VARIABLES))} are"
            )
    return header_text(text)
