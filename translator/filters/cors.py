"""Cross-origin requests: which pages of other sites may read answers, and what browsers are told beforehand.

Source: envoy/extensions/filters/http/cors/v3/cors.proto.
"""

import re
from typing import Final

from envoyapi.http_cors_v3 import Cors, CorsPolicy
from envoyapi.type_matcher_v3 import RegexMatcher, StringMatcher
from translator.filters.part import HttpFilter
from translator.values import dataclass

LONGEST_ORIGIN: Final = 300
"""Characters: a name of DNS has 253; and those of a regular expression are counted."""

_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<any>\*\.)?(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_USUAL: Final = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin as browsers write it; `*` is all. With a scheme as `subdomains_of`, anything between it and `text`."""

    text: str
    subdomains_of: str = ""


@dataclass(frozen=True, slots=True)
class CrossOrigin:
    """Which pages may ask; the rest is what their browsers are told."""

    origins: tuple[Origin, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed_headers: tuple[str, ...] = ()
    credentials: bool = False
    max_age: str = ""
    answers_strangers: bool = False
    """Whether browsers that ask beforehand are answered also where a page may not ask, and no service hears of it."""


def origin_of(text: str) -> Origin | None:
    """The origin that a text means, in a browser's spelling; None where no browser ever names it."""
    if text in {"*", "null"}:
        return Origin(text)
    if len(text) > LONGEST_ORIGIN:
        return None
    found = _ORIGIN.fullmatch(text.lower().removesuffix("/"))
    if found is None:
        return None
    scheme, port = found["scheme"], found["port"]
    shown = f":{port}" if port and port != _USUAL.get(scheme) else ""
    if found["any"]:
        return Origin(f".{found['name']}{shown}", subdomains_of=f"{scheme}://")
    return Origin(f"{scheme}://{found['name']}{shown}")


def _switch(cors: CrossOrigin) -> CorsPolicy:
    return CorsPolicy(
        allow_origin_string_match=[_matcher(origin) for origin in cors.origins],
        allow_methods=_joined(cors.methods),
        allow_headers=_joined(cors.headers),
        expose_headers=_joined(cors.exposed_headers),
        max_age=cors.max_age or None,
        allow_credentials=True if cors.credentials else None,
        forward_not_matching_preflights=False if cors.answers_strangers else None,
    )


def _matcher(origin: Origin) -> StringMatcher:
    if not origin.subdomains_of:
        return StringMatcher(exact=origin.text)
    regex = f"{re.escape(origin.subdomains_of)}[a-z0-9_.-]+{re.escape(origin.text)}"
    return StringMatcher(safe_regex=RegexMatcher(regex=regex))


def _joined(words: tuple[str, ...]) -> str | None:
    return ", ".join(words) or None


FILTER: Final = HttpFilter(
    name="envoy.filters.http.cors", idle=Cors(), switches={CrossOrigin: _switch}, off=CorsPolicy()
)
