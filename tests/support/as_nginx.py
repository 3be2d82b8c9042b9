"""nginx's own answers beside ours: `python -m tests.support.as_nginx [path of nginx]`, where there is one.

nginx has the configuration that ingress-nginx generates for these annotations; both are asked the same, and lead to the
same service.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from aiohttp import web

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, rule
from tests.support.nginx_cases import CASES, NAMED_IN_ERRORS, USERS, Headers
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream


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
