"""How services are spoken with: the protocol, TLS, names, patience, tries, and which pod gets a request."""

import re
from dataclasses import replace
from typing import Any, Final, Literal

from translator.checks import header_text
from translator.decode import Invalid, quote
from translator.features.hash_policy import HashPolicy
from translator.features.retry_policy import RetryPolicy
from translator.features.upstream.load_balancing import LoadBalancing
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

Spoken = tuple[Literal["http1", "http2"], bool]

_PROTOCOLS: Final[dict[str, Spoken]] = {
    "HTTP": ("http1", False),
    "HTTPS": ("http1", True),
    "GRPC": ("http2", False),
    "GRPCS": ("http2", True),
}
_NAME: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_TRIES: Final = 3
_DAY: Final = 86_400
_STICKY: Final = LoadBalancing("ring_hash")
_HASHED: Final = {
    "$remote_addr": HashPolicy("source_ip"),
    "$binary_remote_addr": HashPolicy("source_ip"),
    "$request_uri": HashPolicy("header", ":path"),
    "$host": HashPolicy("header", ":authority"),
}
_VARIABLE: Final = re.compile(r"\$(?P<what>http|cookie)_(?P<name>[a-z0-9_]+)", re.IGNORECASE)
_TRIED: Final = {
    "error": ("connect-failure", "reset-before-request", "refused-stream"),
    "timeout": ("connect-failure",),
}
_STATUSES: Final = {f"http_{code}": code for code in (403, 404, 429, 500, 502, 503, 504)}
_PROOF: Final = "tests/e2e/test_ingress_nginx.py"


def _read(said: Said, treatment: Treatment) -> Treatment:
    treatment = replace(_spoken(said, treatment), passthrough=said.flag("ssl-passthrough"))
    if "upstream-vhost" in said:
        treatment = replace(treatment, host=said.checked("upstream-vhost", host_of, shuts=True))
    connect = said.number("proxy-connect-timeout", 1, _DAY)
    waits = [each for name in ("proxy-read-timeout", "proxy-send-timeout") if (each := said.number(name, 1, _DAY))]
    if connect:
        treatment = replace(treatment, connect_ms=connect * 1000)
    if waits:
        treatment = replace(treatment, idle_ms=max(waits) * 1000)
    treatment = replace(treatment, retry=_tries(said))
    return _balanced(said, treatment)


def _spoken(said: Said, treatment: Treatment) -> Treatment:
    text = said.text("backend-protocol").upper()
    if text:
        spoken = _PROTOCOLS.get(text)
        if spoken is None:
            message = f"must be one of {', '.join(_PROTOCOLS)}: {quote(text)} is not served"
            said.tell("backend-protocol", message, shuts=True)
            return treatment
        treatment = replace(treatment, protocol=spoken[0], upstream_tls=spoken[1])
    return treatment


def _tries(said: Said) -> RetryPolicy | None:
    words = said.text("proxy-next-upstream").split()
    if "off" in words:
        return None
    tries = said.number("proxy-next-upstream-tries", 0, 100)
    if not words and tries is None:
        return None
    anything = "non_idempotent" in words
    conditions: dict[str, bool] = {}
    codes = []
    for word in words or ["error", "timeout"]:
        if word in _TRIED:
            conditions.update(dict.fromkeys(_TRIED[word], True))
        elif word in _STATUSES and anything:
            codes.append(_STATUSES[word])
        elif word in _STATUSES:
            said.tell(
                "proxy-next-upstream", f"{quote(word)} is served beside non_idempotent alone: others may be sent twice"
            )
        elif word != "non_idempotent":
            said.tell("proxy-next-upstream", f"{quote(word)} is not served")
    if codes:
        conditions["retriable-status-codes"] = True
    if not conditions or tries == 1:
        return None
    return RetryPolicy(tuple(conditions), (tries or _TRIES) - 1, codes=tuple(sorted(codes)))


def _balanced(said: Said, treatment: Treatment) -> Treatment:
    features: tuple[Any, ...] = ()
    if "upstream-hash-by" in said:
        hashed = _hashed(said.text("upstream-hash-by"))
        if hashed is None:
            known = ", ".join(sorted(_HASHED))
            said.tell("upstream-hash-by", f"must be one of {known}, $http_NAME or $cookie_NAME; it is left out")
        else:
            treatment, features = replace(treatment, hashed=hashed), (_STICKY,)
    if said.text("affinity") == "cookie":
        treatment, features = replace(treatment, hashed=_cookie(said)), (_STICKY,)
    elif said.text("affinity"):
        said.tell("affinity", "must be cookie")
    policy = said.text("load-balance")
    if policy == "ewma" and not features:
        features = (LoadBalancing("least_request"),)
    elif policy not in {"", "ewma", "round_robin"}:
        said.tell("load-balance", f"must be round_robin or ewma, not {quote(policy)}")
    return replace(treatment, upstream_features=features)


def _hashed(text: str) -> HashPolicy | None:
    found = _VARIABLE.fullmatch(text)
    if found is None:
        return _HASHED.get(text.lower())
    if found["what"].lower() == "http":
        return HashPolicy("header", found["name"].lower().replace("_", "-"))
    return HashPolicy("cookie", found["name"])


def _cookie(said: Said) -> HashPolicy:
    most = 10 * 366 * _DAY
    lives = said.number("session-cookie-max-age", 0, most) or said.number("session-cookie-expires", 0, most) or 0
    name = said.checked("session-cookie-name", _cookie_name) or "INGRESSCOOKIE"
    path = said.checked("session-cookie-path", _cookie_path) or "/"
    attributes = []
    if said.flag("session-cookie-secure"):
        attributes.append(("Secure", ""))
    if "session-cookie-domain" in said and (domain := said.checked("session-cookie-domain", host_of)):
        attributes.append(("Domain", domain))
    same = said.text("session-cookie-samesite").capitalize()
    if same in {"Strict", "Lax", "None"}:
        attributes.append(("SameSite", same))
    elif same:
        said.tell("session-cookie-samesite", "must be Strict, Lax or None")
    return HashPolicy("cookie", name, path, lives, tuple(attributes))


def _cookie_name(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", text):
        raise Invalid("must be a name of a cookie")
    return text


def _cookie_path(text: str) -> str:
    if not text.startswith("/") or ";" in text:
        raise Invalid("must be a path")
    return header_text(text)


def host_of(text: str) -> str:
    """The name of a host, perhaps with a port.

    Raises:
        Invalid: when it is none.
    """
    if not _NAME.fullmatch(text):
        raise Invalid("must be the name of a host, without variables")
    return text


def _served(name: str, does: str, test: str) -> Annotation:
    return Annotation(name, does, f"{_PROOF}::{test}")


GROUP: Final = Group(
    (
        _served("backend-protocol", "`HTTP`, `HTTPS`, `GRPC` or `GRPCS`; another one answers 503", "test_protocols"),
        _served(
            "ssl-passthrough",
            "TLS for the hosts is passed on to the backend of `/`, unless an older Ingress of another namespace has the"
            " host; in clear text they are served as ever",
            "test_passthrough",
        ),
        _served("upstream-vhost", "the Host header that services see", "test_headers"),
        _served("proxy-connect-timeout", "in seconds", "test_timeouts"),
        _served("proxy-read-timeout", "seconds in which a service sends nothing, then 504", "test_timeouts"),
        _served("proxy-send-timeout", "the same; of both the longer one counts", "test_timeouts"),
        _served("proxy-next-upstream", "`error`, `timeout` and `off`; statuses beside `non_idempotent`", "test_tries"),
        _served("proxy-next-upstream-tries", "how often in all; 0 is three times", "test_tries"),
        Annotation("proxy-next-upstream-timeout", instead="the number of tries bounds them"),
        _served("affinity", "`cookie`: the pod is told by a hash of the cookie", "test_affinity"),
        _served("session-cookie-name", "its name, else `INGRESSCOOKIE`", "test_affinity"),
        _served("session-cookie-path", "its path, else `/`", "test_affinity"),
        _served("session-cookie-max-age", "how long it lives, in seconds", "test_affinity"),
        _served("session-cookie-expires", "the same", "test_affinity"),
        _served("session-cookie-secure", "its attribute", "test_affinity"),
        _served("session-cookie-domain", "its attribute", "test_affinity"),
        _served("session-cookie-samesite", "its attribute", "test_affinity"),
        Annotation("affinity-mode", instead="when pods come or go, some sessions move, as with `balanced`"),
        Annotation("affinity-canary-behavior", instead="each request is drawn anew between a path and its canary"),
        Annotation("session-cookie-change-on-failure", instead="a session moves when its pod is gone, with its cookie"),
        Annotation("session-cookie-conditional-samesite-none", instead="browsers of today know SameSite=None"),
        _served(
            "upstream-hash-by",
            "`$remote_addr`, `$request_uri`, `$host`, `$http_NAME` or `$cookie_NAME`",
            "test_hashing",
        ),
        Annotation("upstream-hash-by-subset", instead="a hash leads to one pod"),
        Annotation("upstream-hash-by-subset-size", instead="a hash leads to one pod"),
        _served("load-balance", "`round_robin`, or `ewma`: the less busy pod of two", "test_hashing"),
        Annotation("service-upstream", instead="pods are asked themselves, since Envoy shares requests out better"),
    ),
    _read,
)
