"""Cross-origin requests, with nginx's defaults."""

from dataclasses import replace
from typing import Final

from translator.checks import header_name, token
from translator.decode import Invalid, quote
from translator.filters.cors import CrossOrigin, Origin, origin_of
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

_METHODS: Final = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
_HEADERS: Final = (
    *("DNT", "Keep-Alive", "User-Agent", "X-Requested-With", "If-Modified-Since"),
    *("Cache-Control", "Content-Type", "Range", "Authorization"),
)
_ANY: Final = "*"
_MAX_AGE: Final = 1_728_000
_PROOF: Final = "tests/e2e/test_ingress_nginx.py::test_cors"


def _read(said: Said, treatment: Treatment) -> Treatment:
    if not said.flag("enable-cors"):
        return treatment
    origins = [found for text in said.words("cors-allow-origin") or (_ANY,) if (found := _origin(said, text))]
    # A browser shows no answer to credentials that says `*`; Envoy would say the page's own origin, which it does show.
    named = all(origin.text != _ANY for origin in origins)
    age = said.number("cors-max-age", 0, 2_147_483_647)
    policy = CrossOrigin(
        tuple(origins),
        _words(said, "cors-allow-methods", _METHODS),
        _words(said, "cors-allow-headers", _HEADERS),
        _words(said, "cors-expose-headers", ()),
        credentials=said.flag("cors-allow-credentials", otherwise=True) and named,
        max_age=str(_MAX_AGE if age is None else age),
    )
    return replace(treatment, filters=(*treatment.filters, policy))


def _origin(said: Said, text: str) -> Origin | None:
    found = origin_of(text)
    if found is None:
        said.tell("cors-allow-origin", f"{quote(text)} is no origin: it is left out")
    return found


def _words(said: Said, name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    check = token if name.endswith("methods") else header_name
    found = []
    for word in said.words(name):
        try:
            found.append(word if word == _ANY else check(word))
        except Invalid as invalid:
            said.tell(name, f"{quote(word)} {invalid.message}: it is left out")
    return tuple(found) if name in said else usual


GROUP: Final = Group(
    (
        Annotation("enable-cors", "the rest means something with `true` alone", _PROOF),
        Annotation("cors-allow-origin", "origins; `https://*.example.com` is any name below it; else all", _PROOF),
        Annotation("cors-allow-methods", f"else {', '.join(_METHODS)}", _PROOF),
        Annotation("cors-allow-headers", "else those that nginx has", _PROOF),
        Annotation("cors-expose-headers", "else none", _PROOF),
        Annotation("cors-allow-credentials", "else `true`; never beside `*`, with which no browser takes it", _PROOF),
        Annotation("cors-max-age", f"else {_MAX_AGE}", _PROOF),
    ),
    _read,
)
