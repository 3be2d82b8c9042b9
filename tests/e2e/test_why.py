"""`dragoman why` against running gateways: what it says is what requests get, and nobody hears of the question."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from process.settings import Settings
from tests.support import gateway_api
from tests.support.authorization import ALLOWED, HttpAuthorization
from tests.support.certificates import authority
from tests.support.envoy import EnvoyAdmin, wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.part import ROOT
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream
from why.finding import Report, why
from why.gateway import Gateway as Asked
from why.request import Request, send

pytestmark = [pytest.mark.envoy, pytest.mark.system]

SEED = 53
MAPPINGS = 80
REQUESTS = 80
HOSTS = ("a.random.test", "b.random.test", "*.random.test")
ASKED_FOR = ("a.random.test", "b.random.test", "c.random.test", "else.test")
LET_IN = {"authorization": ALLOWED}
BY_COOKIE = {"policy": "ring_hash", "cookie": {"name": "sid", "ttl": "1h"}}
WORDS = ("cart", "shop", "carts")


def asking(gateway: Gateway) -> Asked:
    return Asked(Settings(run_dir=gateway.run_dir))


def report(gateway: Gateway, method: str, url: str, *headers: str, **more: Any) -> Report:
    port = more.pop("port", gateway.https_port if url.startswith("https") else gateway.http_port)
    return why(asking(gateway), Request.of(method, url, headers, "127.0.0.1", **more), port)


def question(port: int | None) -> dict[str, Any]:
    return {"ask": "listener", "scheme": "http", "port": port, "strict": port is not None, "server_name": ""}


def names(rules: list[Report]) -> list[str]:
    return [each["objects"][0]["name"] for each in rules]


def cluster_of(upstream: HttpUpstream) -> str:
    return f"ip/127.0.0.1:{upstream.port}"


def random_mappings(red: HttpUpstream, blue: HttpUpstream) -> str:
    """Mappings of every sort of condition, many of which overlap."""
    chance = random.Random(SEED)
    texts: list[str] = []
    asked: set[str] = set()
    for number in range(MAPPINGS):
        word = chance.choice(WORDS)
        path: dict[str, Any] = chance.choice(
            [
                {"prefix": f"/{word}/"},
                {"prefix": f"/{word}"},
                {"prefix": f"/{word}/{number % 5}"},
                {"prefix": f"/{word}/{number % 5}", "prefix_exact": True},
                {"prefix": f"/{word[:3]}[a-z]*/[0-9]+", "prefix_regex": True},
                {"prefix": f"/{word.upper()}/", "case_sensitive": False},
            ]
        )
        more: dict[str, Any] = chance.choice(
            [
                {},
                {"method": "POST"},
                {"headers": {"x-team": "one"}},
                {"regex_headers": {"x-team": "t.*"}},
                {"query_parameters": {"v": "1"}},
                {"precedence": number % 3},
            ]
        )
        rewrite: dict[str, Any] = chance.choice([{}, {"rewrite": ""}, {"rewrite": f"/r{number}/"}])
        name, service = chance.choice(HOSTS), chance.choice((red, blue)).service
        if str((name, path, more)) not in asked:  # else they would share requests by chance
            asked.add(str((name, path, more)))
            texts.append(mapping(f"m{number}", name, service, path.pop("prefix"), **path, **more, **rewrite))
    texts.append(mapping("last", "a.random.test", red.service, "/last/"))
    return "".join(texts) + "".join(host(f"r{place}", name) for place, name in enumerate(HOSTS))


def random_requests() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    chance = random.Random(SEED)
    for _ in range(REQUESTS):
        word = chance.choice((*WORDS, "none", "CART"))
        path = chance.choice((f"/{word}", f"/{word}/", f"/{word}/{chance.randrange(6)}", f"/{word}//x/../1"))
        query = chance.choice(("", "", "?v=1", "?v=2&v=1"))
        headers = chance.choice(({}, {}, {"x-team": "one"}, {"x-team": "two"}))
        yield chance.choice(("GET", "POST")), chance.choice(ASKED_FOR), path + query, headers


@pytest.fixture(scope="module")
def asked() -> Iterator[HttpAuthorization]:
    with HttpAuthorization("auth") as service:
        yield service


@pytest.fixture(scope="module")
def world(red: HttpUpstream, blue: HttpUpstream, asked: HttpAuthorization) -> Iterator[Gateway]:
    """One with a Host in TLS, and everything that a request may meet."""
    pair = authority().sign("tls.why.test")
    texts = tls_secret("tls", pair.certificate, pair.key)
    texts += host("why", "why.test") + host("tls", "tls.why.test", insecure="Redirect", tlsSecret={"name": "tls"})
    texts += mapping("all", "why.test", blue.service) + mapping("secure", "tls.why.test", red.service)
    texts += mapping(
        "cart", "why.test", red.service, "/cart/", rewrite="/c/", add_request_headers={"x-added": "%PROTOCOL%"}
    )
    texts += mapping(
        "canary", "why.test", blue.service, "/cart/", headers={"x-canary": "1"}, host_rewrite="canary.test"
    )
    texts += mapping("old", "why.test", "new.test", "/old/", host_redirect=True, prefix_redirect="/new/")
    texts += mapping("some", "why.test", red.service, "/some/", weight=40)
    texts += mapping("most", "why.test", blue.service, "/some/")
    texts += mapping("copied", "why.test", red.service, "/copied/") + mapping(
        "copy", "why.test", blue.service, "/copied/", shadow=True
    )
    texts += mapping("hashed", "why.test", red.service, "/hashed/", load_balancer=BY_COOKIE)
    texts += mapping("free", "why.test", red.service, "/free/", bypass_auth=True)
    texts += mapping("dead", "why.test", "nobody.default", "/dead/")
    texts += an_object("AuthService", "auth", {"auth_service": asked.service})
    with Gateway(patience=180) as gateway:
        gateway.apply("why", texts)
        gateway.wait_served("why.test", "/cart/", headers=LET_IN)
        gateway.wait_served("tls.why.test", tls=True, headers=LET_IN)
        yield gateway


def counted(gateway: Gateway) -> dict[str, int]:
    """What Envoy counted of connections and requests to backends, and of questions about authorization."""
    names = r"cluster\.ip/.*(upstream_(cx|rq)_(total|5xx|503)|ext_authz.*)$"
    found = EnvoyAdmin(gateway.run_dir / "admin.sock").stats(names)
    return {name: count for name, count in found.items() if count}


@pytest.fixture
def quiet(world: Gateway, red: HttpUpstream, blue: HttpUpstream, asked: HttpAuthorization) -> Iterator[Gateway]:
    """The gateway, of whose backends and authorization nobody hears until the end, not even a connection."""
    for each in (red, blue, asked):
        each.seen.clear()
    before = counted(world)
    yield world
    assert counted(world) == before
    assert (red.seen, blue.seen, asked.seen) == ([], [], [])


def test_a_rule_is_told_with_its_object_its_file_and_what_envoy_makes_of_the_request(
    quiet: Gateway, red: HttpUpstream
) -> None:
    told = report(quiet, "GET", "http://why.test/cart/7?q=1")
    answer = told["answer"]
    assert told["served"]
    assert told["listener"]["name"] == "default/http"
    assert told["host"]["name"] == "why.test"
    assert told["rule"]["objects"][0]["key"] == "getambassador.io/Mapping/default/cart"
    assert told["rule"]["objects"][0]["source"].startswith("why.yaml#")
    assert (answer["kind"], answer["cluster"]) == ("forwards", cluster_of(red))
    assert (answer["path"], answer["original_path"]) == ("/c/7?q=1", "/cart/7?q=1")
    assert answer["headers"] == {"x-added": "HTTP/1.1"}
    assert told["endpoints"] == [{"address": f"127.0.0.1:{red.port}", "healthy": True, "troubles": []}]
    assert [each["what"] for each in told["rule"]["before"]] == ["authorization"]
    assert names(told["rule"]["before"]) == ["auth"]
    assert names(told["others"]) == ["all"]
    assert told["others"][0]["after"] == "its prefix is shorter"


def test_a_header_decides_and_the_loser_says_why(quiet: Gateway, blue: HttpUpstream) -> None:
    told = report(quiet, "GET", "http://why.test/cart/7", "x-canary: 1")
    assert names([told["rule"]]) == ["canary"]
    assert (told["answer"]["cluster"], told["answer"]["authority"]) == (cluster_of(blue), "canary.test")
    assert [each["after"] for each in told["others"]] == ["it asks less of headers", "its prefix is shorter"]
    assert "1" not in told["rule"]["asks"], "a header's value may be a secret"


def test_a_redirect_is_envoys_own(quiet: Gateway) -> None:
    told = report(quiet, "GET", "http://why.test/old/x?q=1")
    assert told["served"]
    assert told["answer"]["kind"] == "redirects"
    assert told["answer"]["location"] == "http://new.test/new/x?q=1"
    assert names([told["rule"]]) == ["old"]


def test_a_canary_is_drawn_and_the_other_share_is_told(quiet: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    drawn = set()
    while len(drawn) < 2:
        told = report(quiet, "GET", "http://why.test/some/")
        drawn.add(told["answer"]["cluster"])
        assert {*names([told["rule"]]), *names(told["others"])} == {"some", "most", "all"}
    assert drawn == {cluster_of(red), cluster_of(blue)}


def test_no_copy_is_sent_and_a_bypass_is_told(quiet: Gateway, blue: HttpUpstream) -> None:
    assert report(quiet, "GET", "http://why.test/copied/")["rule"]["does"]["mirrors"] == [cluster_of(blue)]
    hashed = report(quiet, "GET", "http://why.test/hashed/")
    assert (hashed["answer"]["kind"], names([hashed["rule"]])) == ("forwards", ["hashed"])
    assert report(quiet, "GET", "http://why.test/free/")["rule"]["before"] == []


def test_nothing_serves_a_name_a_path_or_a_service_that_is_not_there(quiet: Gateway) -> None:
    nowhere = report(quiet, "GET", "http://unknown.test/")
    assert (nowhere["served"], nowhere["host"], nowhere["answer"]["status"]) == (False, None, 404)
    pathless = report(quiet, "GET", "http://some.test/")
    assert (pathless["served"], pathless["host"]["name"], pathless["rule"]) == (False, "some.test", None)
    dead = report(quiet, "GET", "http://why.test/dead/")
    assert (dead["served"], names([dead["rule"]]), dead["endpoints"] or []) == (False, ["dead"], [])


def test_a_chain_of_tls_is_chosen_by_the_name_that_is_asked_for(quiet: Gateway, red: HttpUpstream) -> None:
    told = report(quiet, "GET", "https://tls.why.test/x")
    assert told["served"]
    assert told["chain"]["server_names"] == ["tls.why.test"]
    assert told["chain"]["certificates"] == ["default/tls"]
    assert told["answer"]["cluster"] == cluster_of(red)
    cleartext = report(quiet, "GET", "http://tls.why.test/x")
    assert cleartext["answer"]["location"] == "https://tls.why.test/x"
    misdirected = report(quiet, "GET", "https://why.test/", server_name="tls.why.test")
    real = quiet.request("why.test", tls=True, sni="tls.why.test").status_code
    assert (misdirected["served"], misdirected["answer"]["status"]) == (False, real)
    unknown = report(quiet, "GET", "https://unknown.test/")
    assert (unknown["served"], unknown["chain"]) == (False, None)
    assert "https is not spoken there for this name" in unknown["answer"]["why"]
    with pytest.raises(httpx.TransportError):
        quiet.request("unknown.test", tls=True)


def test_what_envoy_answers_before_it_looks_for_a_rule(quiet: Gateway) -> None:
    slashes = report(quiet, "GET", "http://why.test/a%2fb")
    real = quiet.request("why.test", "/a%2fb")  # which goes no further than Envoy
    assert (slashes["answer"]["status"], slashes["answer"]["location"]) == (real.status_code, real.headers["location"])
    upgrade = report(quiet, "GET", "http://why.test/", "connection: upgrade", "upgrade: websocket")
    assert (upgrade["served"], upgrade["answer"]["status"]) == (False, 403)


def test_routes_of_gateway_api_and_ingresses(world: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    port = unused_port()
    backed = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/api"}}],
        "backendRefs": [{"name": "web", "port": 80}],
    }
    every = {"backendRefs": [{"name": "web", "port": 80}]}
    texts = gateway_api.gateway_class() + gateway_api.api_gateway("gw", gateway_api.listener("http", port))
    texts += gateway_api.route("narrow", "gw", backed, hostnames=["api.test"])
    texts += gateway_api.route("every", "gw", every, hostnames=["api.test"])
    paths = [{"path": "/in", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]
    meta = {"name": "in", "namespace": "default", "annotations": {"kubernetes.io/ingress.class": "ambassador"}}
    rules = [{"host": "why.test", "http": {"paths": paths}}]
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": {"rules": rules}}
    texts += json.dumps(made) + "\n---\n" + _web(red)
    with world.applied("apis", texts):
        world.wait_served("why.test", "/in/", headers=LET_IN)
        told = wait_until(lambda: _served(world, "http://api.test/api/x", port), what="the HTTPRoute")
        assert told["rule"]["objects"][0]["key"] == "gateway.networking.k8s.io/HTTPRoute/default/narrow"
        assert [(names([each]), each["after"]) for each in told["others"]] == [(["every"], "its path is shorter")]
        assert told["listener"]["port"] == port
        ingress = report(world, "GET", "http://why.test/in/x")
        assert ingress["rule"]["objects"][0]["key"] == "networking.k8s.io/Ingress/default/in"


def _web(upstream: HttpUpstream) -> str:
    endpoints = [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "http", "port": upstream.port}]}]
    documents: list[dict[str, Any]] = [
        {"kind": "Service", "spec": {"ports": [{"name": "http", "port": 80}]}},
        {"kind": "Endpoints", "subsets": endpoints},
    ]
    named = {"apiVersion": "v1", "metadata": {"name": "web", "namespace": "default"}}
    return "\n---\n".join(json.dumps({**named, **each}) for each in documents) + "\n---\n"


def _served(gateway: Gateway, url: str, port: int) -> Report | None:
    try:
        told = report(gateway, "GET", url, port=port)
    except Exception:  # noqa: BLE001 -- the port is not open yet
        return None
    return told if told["served"] else None


def compare(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    """Ask why, and send the same request, many times."""
    upstreams = {cluster_of(red): "red", cluster_of(blue): "blue"}
    private = asking(gateway).ask(question(gateway.http_port))
    served = 0
    with asking(gateway).opened(private["private"]) as path:
        for method, name, target, headers in random_requests():
            pairs = [f"{key}: {value}" for key, value in headers.items()]
            said = send(path, Request.of(method, f"http://{name}{target}", pairs, "127.0.0.1"), gateway.http_port)
            real = gateway.request(name, target, method=method, headers={**headers, **LET_IN})
            asked_for = f"{method} {name}{target} {headers}"
            if real.status_code != 200:
                assert said.status == real.status_code, asked_for
                continue
            served += 1
            seen = real.json()
            assert upstreams[said.told["cluster"]] == seen["upstream"], asked_for
            assert said.told["path"].partition("?")[0] == seen["path"].partition("?")[0], asked_for
    assert REQUESTS // 4 < served < REQUESTS


def test_what_why_says_is_what_requests_get(world: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    with world.applied("random", random_mappings(red, blue)):
        world.wait_served("a.random.test", "/last/", headers=LET_IN)
        compare(world, red, blue)


def test_the_same_behind_an_index(red: HttpUpstream, blue: HttpUpstream) -> None:
    with Gateway(environ={"DRAGOMAN_INDEX_FROM": "20"}, patience=180) as gateway:
        gateway.apply("random", random_mappings(red, blue))
        gateway.wait_served("a.random.test", "/last/")
        listeners = EnvoyAdmin(gateway.run_dir / "admin.sock").config("dynamic_listeners", name="default/http")
        assert "scoped_routes" in json.dumps(listeners)
        compare(gateway, red, blue)


def test_the_command(quiet: Gateway) -> None:
    found = run(quiet.run_dir, "GET", "http://why.test/cart/7", "--port", str(quiet.http_port))
    assert found.returncode == 0, found.stderr
    assert "\x1b" not in found.stdout, "no colour where nobody sees it"
    assert "Mapping default/cart (why.yaml#" in found.stdout
    assert "would also  Mapping default/all" in found.stdout
    nothing = run(quiet.run_dir, "GET", "http://unknown.test/", "-o", "json")
    assert (nothing.returncode, json.loads(nothing.stdout)["served"]) == (1, False)
    closed = run(quiet.run_dir, "GET", "http://why.test/", "--port", "1")
    assert closed.returncode == 2
    assert "no Listener is at port 1" in closed.stderr


def test_it_is_private_and_goes_with_who_asked(quiet: Gateway) -> None:
    asked = asking(quiet)
    private = asked.ask(question(None))["private"]
    with asked.opened(private) as path, asked.opened(private) as again:
        assert path == again, "equal listeners are one"
        for each in (path, quiet.run_dir / "why.sock", quiet.run_dir / "guests.sock"):
            assert each.stat().st_mode & 0o777 == 0o600
    listed = EnvoyAdmin(quiet.run_dir / "admin.sock").admin("/listeners")[1].decode()
    assert not [line for line in listed.splitlines() if line.startswith("why/") and str(quiet.run_dir) not in line]


def test_lost_sockets_come_back(world: Gateway) -> None:
    for name in ("why.sock", "guests.sock"):
        (world.run_dir / name).unlink()
    wait_until(lambda: (world.run_dir / "why.sock").exists() and (world.run_dir / "guests.sock").exists())
    assert report(world, "GET", "http://why.test/")["served"]


def run(run_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli", "why", *words, "--run-dir", str(run_dir)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
