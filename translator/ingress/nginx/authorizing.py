"""Who is asked whether a request goes on: nginx's `auth_request`, with the page where clients sign in."""

import re
from dataclasses import replace
from typing import Final

from translator.checks import SCOPE_HEADER, edited_header_name
from translator.decode import Invalid, quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Authorization, Treatment
from translator.ingress.nginx.urls import url_of, with_variables

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_MOST_HEADERS: Final = 100
_SIGN_IN: Final = re.compile(r"(?:https?://[!-~]+|/[!-~]*)")
_PARAMETER: Final = re.compile(r"[A-Za-z0-9_.~-]{1,100}")
_BACK: Final = "$scheme://$http_host$escaped_request_uri"
_PROOF: Final = "tests/e2e/test_ingress_nginx_access.py"
_ASKED: Final = "each request is asked about anew: who is asked remembers, if anybody does"
_KEPT: Final = "connections to who is asked are kept as Envoy keeps those to services"


def sign_in_of(text: str, parameter: str) -> str:
    """Where a client is sent who must sign in, with where to go afterwards unless it says that itself.

    Raises:
        Invalid: when it is no URL.
    """
    if not _SIGN_IN.fullmatch(text):
        raise Invalid("must be a URL, or a path")
    query = text.partition("?")[2]
    if not query:
        return with_variables(f"{text.removesuffix('?')}?{parameter}={_BACK}")
    if any(word.partition("=")[0] == parameter for word in query.split("&")):
        return with_variables(text)
    return with_variables(f"{text}&{parameter}={_BACK}")


def _read(said: Said, treatment: Treatment) -> Treatment:
    if "auth-url" not in said:
        return treatment
    said.must_be_looked_at()
    try:
        asked = Authorization(url_of(said.text("auth-url")))
    except Invalid as invalid:
        said.tell("auth-url", invalid.message, shuts=True)
        return treatment
    method = said.text("auth-method").upper() or "GET"
    if method not in _METHODS:
        said.tell("auth-method", f"must be one of {', '.join(_METHODS)}, not {quote(method)}", shuts=True)
    redirect = said.checked("auth-request-redirect", with_variables) or asked.redirect
    asked = replace(
        asked,
        method=method,
        answer_headers=_headers(said),
        sign_in=_sign_in(said),
        redirect=redirect,
        always_sets_cookies=said.flag("auth-always-set-cookie"),
    )
    return replace(treatment, authorization=asked)


def _headers(said: Said) -> tuple[str, ...]:
    words = said.words("auth-response-headers")
    if len(words) > _MOST_HEADERS:
        said.tell("auth-response-headers", f"may name {_MOST_HEADERS} headers at most", shuts=True)
        return ()
    try:
        return tuple(dict.fromkeys(_passed_on(word) for word in words))
    except Invalid as invalid:
        said.tell("auth-response-headers", invalid.message, shuts=True)
        return ()


def _passed_on(word: str) -> str:
    name = edited_header_name(word).lower()
    if name == SCOPE_HEADER:
        raise Invalid(f"{quote(word)} is no header that a service could be told")
    return name


def _sign_in(said: Said) -> str:
    parameter = said.text("auth-signin-redirect-param") or "rd"
    if not _PARAMETER.fullmatch(parameter):
        said.tell("auth-signin-redirect-param", "must be a name of a parameter: it is rd")
        parameter = "rd"
    return said.checked("auth-signin", lambda text: sign_in_of(text, parameter)) or ""


def _served(name: str, does: str, test: str = "test_asking") -> Annotation:
    return Annotation(name, does, f"{_PROOF}::{test}")


GROUP: Final = Group(
    (
        _served(
            "auth-url",
            "is asked about each request, by GET and without its body: 2xx is a yes, 401 and 403 are passed on, all"
            " else is 500. Its host is a Service (`name.namespace.svc.cluster.local`), another name or an address, not"
            " `$host`. Behind it `$request_uri`, `$escaped_request_uri`, `$host`, `$http_host`, `$scheme`, `$uri` and"
            " `$args` are known",
        ),
        _served("auth-method", "another method"),
        _served("auth-response-headers", "headers of a yes that the service sees, and nobody else can set"),
        _served("auth-signin", "where a client is sent (302) after a 401, with the same variables", "test_signing_in"),
        _served(
            "auth-signin-redirect-param", "the parameter that says where to go afterwards, else `rd`", "test_signing_in"
        ),
        _served("auth-request-redirect", "the header `X-Auth-Request-Redirect` that is sent to auth-url"),
        _served(
            "auth-always-set-cookie", "cookies of auth-url are set beside errors, too", "test_cookies_of_who_is_asked"
        ),
        Annotation(
            "auth-proxy-set-headers", instead="ConfigMaps are not read: auth-url sees the headers of the client"
        ),
        *(Annotation(name, instead=_ASKED) for name in ("auth-cache-key", "auth-cache-duration")),
        *(
            Annotation(name, instead=_KEPT)
            for name in (
                *("auth-keepalive", "auth-keepalive-requests", "auth-keepalive-timeout"),
                "auth-keepalive-share-vars",
            )
        ),
    ),
    _read,
)
