"""nginx's own answers beside ours: `python -m tests.support.as_nginx [path of nginx]`, where there is one.

nginx has the configuration that ingress-nginx generates for these annotations; both are asked the same, and lead to the
same service.
"""

import base64
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from aiohttp import web

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, rule
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

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


class Asked(HttpUpstream):
    """Answers the status that the path says."""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.path.strip("/")), headers={"location": "/elsewhere"})


def main() -> int:
    """Ask both; 1 where they do not agree."""
    nginx = shutil.which(sys.argv[1] if len(sys.argv) > 1 else "nginx")
    if nginx is None:
        print("there is no nginx here")
        return 2
    ours = Gateway(listeners=False, patience=180)
    for case in CASES:
        paths = [path(text, case.to, kind) for text, kind in case.paths]
        ours.apply(case.name, ingress(case.name, rule(f"{case.name}.test", *paths), nginx=case.said))
    users = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users"}, "stringData": {"auth": USERS}}
    ours.apply("users", json.dumps(users))
    with HttpUpstream("web") as service, Asked("asked") as asked, _nginx(nginx, service.port, asked.port) as theirs:
        ours.apply("class", ingress_class() + backing("web", service.port) + backing("asked", asked.port))
        with ours:
            amiss = _compare(theirs, ours)
    return min(amiss, 1)


def _compare(theirs: int, ours: Gateway) -> int:
    """Ask both all; how often they do not agree."""
    amiss = 0
    ours.wait_served("prefix.test", "/foo")
    ours.wait_served("host.test")
    for case in CASES:
        for asked in case.asked:
            found = [_answer(port, case.name, *asked) for port in (theirs, ours.http_port)]
            same = found[0] == found[1]
            amiss += not same
            print(f"{'same' if same else 'DIFFERENT'}  {case.name:10} {asked[0]:16} {found[0]}")
            if not same:
                print(f"{'':39}{found[1]}  <- ours")
    print(f"{sum(len(case.asked) for case in CASES)} requests, {amiss} answered differently")
    return amiss


def _answer(port: int, name: str, text: str, headers: Headers, body: bytes) -> tuple[int | str, ...]:
    """The status, where a client is sent and how challenged, and what the service saw: of an error also its headers."""
    method, sent = ("POST" if body else "GET"), {"host": f"{name}.test", **headers}
    answer = httpx.request(method, f"http://127.0.0.1:{port}{text}", headers=sent, content=body, timeout=10)
    seen = answer.json() if answer.status_code == httpx.codes.OK and answer.content else {}
    named = (
        [seen["headers"].get(f"x-{each}", "") for each in NAMED_IN_ERRORS]
        if "x-code" in seen.get("headers", ())
        else []
    )
    where = (seen.get("method", ""), seen.get("path", ""), seen.get("host", ""))
    return (
        answer.status_code,
        answer.headers.get("location", ""),
        answer.headers.get("www-authenticate", ""),
        *where,
        *named,
    )


@contextlib.contextmanager
def _nginx(program: str, backend: int, asked: int) -> Iterator[int]:
    """An nginx with all cases; its port."""
    (port,) = unused_ports(1)
    servers = "".join(
        f"server {{ listen 127.0.0.1:{port}; server_name {case.name}.test; {case.server} }}\n" for case in CASES
    )
    for name, port_of in (("$B", backend), ("$A", asked)):
        servers = servers.replace(name, f"http://127.0.0.1:{port_of}")
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users"
        users.write_text(USERS)
        Path(folder).chmod(0o755)  # a worker of nginx may be another user
        servers = servers.replace("$U", str(users))
        file = Path(folder) / "nginx.conf"
        temporary = " ".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        http = f"http {{ access_log off; merge_slashes on; absolute_redirect on; {temporary}\n{servers}}}"
        file.write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/log; worker_processes 1;\nevents {{}}\n{http}"
        )
        with subprocess.Popen([program, "-c", str(file), "-p", folder, "-e", f"{folder}/log"]) as process:
            try:
                wait_until(lambda: _is_open(port), what="nginx answers")
                yield port
            finally:
                process.terminate()


def _is_open(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", headers={"host": "none"}).status_code > 0
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main())
