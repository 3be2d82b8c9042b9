"""Ingresses, each with the server that ingress-nginx would configure nginx with, and what both are asked."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """An Ingress and its server in nginx's words; `$B` there is the service, `$A` who is asked, `$U` a file of users.

    `asked` are paths, with headers and a body each.
    """

    name: str
    paths: tuple[tuple[str, str], ...]
    said: Headers
    server: str
    asked: tuple[tuple[str, Headers, bytes], ...]
    to: str = "web"


def get(text: str, **headers: str) -> tuple[str, Headers, bytes]:
    """A request without a body; in the names of headers `_` stands for `-`."""
    return text, {name.replace("_", "-"): value for name, value in headers.items()}, b""


USERS: Final = (
    "ann:$apr1$eWTxv7s1$WcVRsPMz5TEYm2sxV477R1\n"  # let me in
    "bob:{SHA}iRsFQLjXOXG71c+4gFtlLzbnzUE=\n"  # the same
)


def asking(said: int) -> Case:
    """An Ingress whose requests are asked about, where the answer is always this status."""
    location = 'proxy_pass_request_body off; proxy_set_header Content-Length "";'
    return Case(
        f"asked-{said}",
        (("/", "Prefix"),),
        {"auth-url": f"http://asked.default.svc/{said}"},
        f"location / {{ auth_request /_asked; {PASS} }}"
        f" location = /_asked {{ internal; {location} proxy_pass $A/{said}; }}",
        (get("/"), get("/a?b=c"), ("/", {}, b"body")),
    )


NAMED_IN_ERRORS: Final = ("code", "format", "original-uri", "namespace", "ingress-name", "service-name", "service-port")


def paging(name: str, said: Headers, before: str, *asked: tuple[str, Headers, bytes]) -> Case:
    """An Ingress whose errors another service answers; who is asked fails as a path says."""
    told = {"X-Format": "$http_accept", "X-Original-URI": "$request_uri", "X-Namespace": "default"}
    told |= {"X-Ingress-Name": name, "X-Service-Name": "asked", "X-Service-Port": "80"}
    headers = "".join(f"proxy_set_header {key} {value};" for key, value in told.items())
    location = f'internal; proxy_intercept_errors off; {headers} rewrite "(.*)" / break; {PASS}'
    codes = (401, 403, 404, 500, 503)
    pages = "".join(f"location @page_{code} {{ proxy_set_header X-Code {code}; {location} }} " for code in codes)
    errors = "".join(f"error_page {code} = @page_{code}; " for code in codes)
    return Case(
        name,
        (("/", "Prefix"),),
        {"custom-http-errors": ",".join(map(str, codes)), "default-backend": "web", **said},
        f"location / {{ proxy_intercept_errors on; {errors} {before} proxy_pass $A; }} {pages}",
        asked,
        to="asked",
    )


def by_password(user: str, password: str) -> tuple[str, Headers, bytes]:
    """A request with a password."""
    return get("/", authorization="Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def satisfying() -> Iterator[Case]:
    """Ingresses of which one of addresses, passwords and who is asked is enough."""
    ask = {"auth-url": "http://asked.default.svc/"}
    basic = {"auth-type": "basic", "auth-secret": "users", "auth-realm": "shop"}
    in_, out = {"whitelist-source-range": "127.0.0.0/8"}, {"whitelist-source-range": "10.0.0.0/8"}
    denied = {"denylist-source-range": "127.0.0.1"}
    words = {
        "in": (in_, "allow 127.0.0.0/8; deny all;"),
        "out": (out, "allow 10.0.0.0/8; deny all;"),
        "denied": (denied, "deny 127.0.0.1;"),
        "none": ({}, ""),
    }
    guard = 'auth_basic "shop"; auth_basic_user_file $U;'
    for name, (said, address) in words.items():
        yield _satisfying(f"{name}-guarded", {**said, **basic}, f"{address} {guard}")
        for answer in (200, 401, 403, 500):
            asked = {"auth-url": f"{ask['auth-url']}{answer}"}
            by = f"auth_request /_asked; {address}"
            yield _satisfying(f"{name}-asked-{answer}", {**said, **asked}, by, answer)
            yield _satisfying(f"{name}-both-{answer}", {**said, **asked, **basic}, f"{by} {guard}", answer)


def _satisfying(name: str, said: Headers, words: str, answer: int = 0) -> Case:
    location = 'internal; satisfy all; proxy_pass_request_body off; proxy_set_header Content-Length "";'
    return Case(
        f"any-{name}",
        (("/", "Prefix"),),
        {"satisfy": "any", **said},
        f"location / {{ satisfy any; {words} {PASS} }} location = /_asked {{ {location} proxy_pass $A/{answer}; }}",
        (get("/"), by_password("bob", "let me in"), by_password("bob", "wrong")),
    )


PASS: Final = "proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_pass $B;"
NOBODYS: Final = "location / { return 404; }"
ALLOW: Final = "allow 127.0.0.0/8; deny all;"
CASES: Final = (
    Case(
        "prefix",
        (("/foo", "Prefix"), ("/foo/bar", "Exact"), ("/text", "ImplementationSpecific")),
        {},
        f"location = /foo/bar {{ {PASS} }} location /foo/ {{ {PASS} }} location = /foo {{ {PASS} }}"
        f" location /text {{ {PASS} }} {NOBODYS}",
        tuple(
            get(text)
            for text in ("/foo", "/foo/", "/foo/x?y=1", "/foobar", "/FOO", "/foo/bar", "/foo/bar/", "/textual", "/")
        ),
    ),
    Case(
        "rewrite",
        (("/api(/|$)(.*)", "ImplementationSpecific"),),
        {"rewrite-target": "/v1/$2"},
        f'location ~* "^/api(/|$)(.*)" {{ rewrite "(?i)/api(/|$)(.*)" /v1/$2 break; {PASS} }} {NOBODYS}',
        tuple(get(text) for text in ("/api", "/api/", "/api/x/y?q=1", "/API/x", "/apix", "/other/api/x")),
    ),
    Case(
        "regex",
        (("/item/[0-9]+$", "ImplementationSpecific"), ("/item/([a-z]+)", "ImplementationSpecific")),
        {"use-regex": "true"},
        f'location ~* "^/item/([a-z]+)" {{ {PASS} }} location ~* "^/item/[0-9]+$" {{ {PASS} }} {NOBODYS}',
        tuple(get(text) for text in ("/item/12", "/item/12/x", "/ITEM/12", "/item/ab/more", "/item/")),
    ),
    Case(
        "root",
        (("/", "Prefix"),),
        {"app-root": "/welcome"},
        f"if ($uri = /) {{ return 302 $scheme://$http_host/welcome; }} location / {{ {PASS} }}",
        (get("/"), get("/?a=b"), get("/welcome")),
    ),
    Case(
        "permanent",
        (("/", "Prefix"),),
        {"permanent-redirect": "https://other.test/x?y=1"},
        "location / { return 301 https://other.test/x?y=1; }",
        (get("/"), get("/a?b=c")),
    ),
    Case(
        "temporal",
        (("/", "Prefix"),),
        {"temporal-redirect": "https://other.test$request_uri", "temporal-redirect-code": "307"},
        "location / { return 307 https://other.test$request_uri; }",
        (get("/"), get("/a?b=c")),
    ),
    Case(
        "forced",
        (("/", "Prefix"),),
        {"force-ssl-redirect": "true"},
        "location / { return 308 https://$http_host$request_uri; }",
        (get("/"), get("/a?b=c")),
    ),
    Case(
        "inside",
        (("/", "Prefix"),),
        {"whitelist-source-range": "127.0.0.0/8"},
        f"location / {{ {ALLOW} {PASS} }}",
        (get("/"),),
    ),
    Case(
        "outside",
        (("/", "Prefix"),),
        {"whitelist-source-range": "10.0.0.0/8"},
        f"location / {{ allow 10.0.0.0/8; deny all; {PASS} }}",
        (get("/"),),
    ),
    Case(
        "denied",
        (("/", "Prefix"),),
        {"denylist-source-range": "127.0.0.1"},
        f"location / {{ deny 127.0.0.1; {PASS} }}",
        (get("/"),),
    ),
    Case(
        "body",
        (("/", "Prefix"),),
        {"proxy-body-size": "1k"},
        f"location / {{ client_max_body_size 1k; {PASS} }}",
        (("/", {}, b"x" * 1024), ("/", {}, b"x" * 1025)),
    ),
    Case(
        "host",
        (("/", "Prefix"),),
        {"upstream-vhost": "inside.test"},
        "location / { proxy_http_version 1.1; proxy_set_header Host inside.test; proxy_pass $B; }",
        (get("/"),),
    ),
    *(asking(said) for said in (200, 202, 204, 302, 401, 403, 404, 500)),
    Case(
        "passwords",
        (("/", "Prefix"),),
        {"auth-type": "basic", "auth-secret": "users"},
        f'location / {{ auth_basic ""; auth_basic_user_file $U; {PASS} }}',
        (
            get("/"),
            get("/", authorization="Basic ####"),
            *(by_password(user, "let me in") for user in ("ann", "bob", "eve", "")),
            *(by_password("ann", wrong) for wrong in ("let me", "", "let me in ", "x" * 90)),
        ),
    ),
    *satisfying(),
    paging(
        "paged",
        {},
        "",
        *(
            get(text, accept="text/html")
            for text in ("/200", "/404", "/500?a=b", "/503", "/401", "/502", "/404?x=%20y")
        ),
        ("/404", {"x-format": "json", "accept": ""}, b""),
        ("/404?a=b", {}, b"body"),
    ),
    paging("paged-denied", {"denylist-source-range": "127.0.0.1"}, "deny 127.0.0.1;", get("/200")),
    paging(
        "paged-guarded",
        {"auth-type": "basic", "auth-secret": "users", "auth-realm": "shop"},
        'auth_basic "shop"; auth_basic_user_file $U;',
        get("/404"),
    ),
)
