"""An index and shards answer as one route configuration: the same objects and requests, asked of two real Envoys."""

import contextlib
import json
import random
import shutil
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import orjson
import pytest

from snapshot import Record
from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy, ads_bootstrap, free_port, short_folder, wait_until
from tests.support.raw import Answer, RawConnection
from tests.support.upstream import HttpUpstream
from translator.checks import LARGEST_REGEX, SCOPE_HEADER
from translator.options import Options
from translator.pipeline import Pipeline
from translator.xds import regions, shards
from translator.xds.shards import chains_of

pytestmark = pytest.mark.envoy

WORLDS = 4
REQUESTS = 500
FEW = 6
"""Routes of a host that is split by its paths, and in each of its regions."""

Objects = list[dict[str, Any]]
NEVER = 1_000_000
CHANGED = (101, 200)
"""What says that a service was asked to change the protocol. Who is not let may hear another reason behind an index."""
NAMES = ("a.test", "b.test", "c.b.test", "d.test:8080")
GLOBS = ("*", "*.b.test", "c.*", "*.test")
STEMS = ("", "/a", "/a/b", "/api-1", "/api-12", "/B")
PREFIXES = ("/", *(f"{stem}{end}" for stem in STEMS for end in ("/", "/x", "x/", "/q.")))
EXPRESSIONS = ("/a/[0-9]+/.*", "/api-[0-9]+/x", ".*[.]png", "(?i)/b/.*", "/a|/b/x")
METHODS = ("GET", "POST", "OPTIONS")
HEADERS = ("x-v: 1", "x-v: 2", "origin: http://page.test", "x-dragoman-scope: default/http/cleartext:index")
UPGRADES = (
    ("connection: upgrade", "upgrade: websocket"),
    ("connection: keep-alive, Upgrade", "upgrade: WebSocket"),
    ("connection: upgrade", "upgrade: other"),
    ("upgrade: websocket",),
)


def an_object(kind: str, name: str, **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def a_mapping(rng: random.Random, number: int, service: str) -> dict[str, Any]:
    """A Mapping with this and that of what a Mapping can say, so that one is told from the other by its answer."""
    path: dict[str, Any] = rng.choice(
        (
            {"prefix": rng.choice(PREFIXES)},
            {"prefix": rng.choice(PREFIXES)},
            {"prefix": rng.choice(PREFIXES), "prefix_exact": True},
            {"prefix": rng.choice(PREFIXES), "case_sensitive": False},
            {"prefix": rng.choice(EXPRESSIONS), "prefix_regex": True},
        )
    )
    asks: dict[str, Any] = rng.choice(
        ({}, {}, {}, {"method": "POST"}, {"headers": {"x-v": "1"}}, {"query_parameters": {"q": "1"}}, {"precedence": 1})
    )
    says: dict[str, Any] = rng.choice(
        (
            {},
            {"rewrite": ""},
            {"rewrite": "/new/"},
            {"host_redirect": True, "path_redirect": "/there", "redirect_response_code": 302},
            {"allow_upgrade": ["websocket"]},
            {"cors": {"origins": ["http://page.test"], "methods": ["POST"]}},
            {"add_response_headers": {"x-own": "yes"}, "remove_request_headers": ["x-v"]},
            {"error_response_overrides": [{"on_status_code": 404, "body": {"text_format": f"m{number}"}}]},
            {"bypass_auth": True, "timeout_ms": 4000},
        )
    )
    host = {"hostname": rng.choice((*NAMES, *NAMES, *GLOBS))}
    added = {"add_request_headers": {"x-mapping": f"m{number}"}}
    return an_object("Mapping", f"m{number}", **path, service=service, **asks, **says, **host, **added)


def asked(made: dict[str, Any]) -> str:
    """What a Mapping asks of a request."""
    fields = ("hostname", "prefix", "prefix_exact", "prefix_regex", "method", "headers", "precedence")
    return json.dumps([made["spec"].get(field) for field in (*fields, "query_parameters")])


def a_world(seed: int, service: str) -> Objects:
    """Objects; every other world has a Module with filters for all requests."""
    rng = random.Random(seed)
    made = []
    for number, hostname in enumerate((*NAMES, *GLOBS)):
        action = rng.choice(("Route", "Route", "Route", "Redirect", "Reject"))
        policy = {"insecure": {"action": action}}
        made.append(an_object("Host", f"h{number}", hostname=hostname, requestPolicy=policy))
    mappings = (a_mapping(rng, number, service) for number in range(60))
    made += {asked(each): each for each in mappings}.values()  # two that ask the same would share requests by chance
    if seed % 2:
        config = {
            "error_response_overrides": [{"on_status_code": 404, "body": {"text_format": "ours"}}],
            "lua_scripts": "function envoy_on_response(handle) handle:headers():add('x-lua', 'ran') end",
        }
        made.append(an_object("Module", "ambassador", config=config))
    return made


@contextlib.contextmanager
def serving(made: Objects, index_from: int, model: str = "XFP") -> Iterator[tuple[int, set[str]]]:
    """The port of an Envoy that serves objects, and its resources' names."""
    port = free_port()
    everywhere = {"namespace": {"from": "ALL"}}
    listener = an_object("Listener", "http", port=port, protocol="HTTP", securityModel=model, hostBinding=everywhere)
    objects = {
        f"getambassador.io/{each['kind']}/default/{each['metadata']['name']}": orjson.dumps(each)
        for each in (listener, *made)
    }
    with patch.object(shards, "MOST_ROUTES", FEW), patch.object(regions, "MOST_ROUTES", FEW):
        pipeline = Pipeline(Options(bind_address="127.0.0.1", index_from=index_from))
        update = pipeline.apply(objects)
    assert not update.failures
    records = {key: Record(row.version, row.body, row.notes) for key, row in pipeline.resources().items()}
    with Adsserver() as ads, contextlib.ExitStack() as stack:
        folder = short_folder()
        stack.callback(shutil.rmtree, folder)
        bootstrap = ads_bootstrap(ads.socket, folder / "admin.sock")
        bootstrap["layered_runtime"]["layers"][0]["static_layer"] = {"re2.max_program_size.error_level": LARGEST_REGEX}
        envoy = stack.enter_context(RealEnvoy(bootstrap, folder=folder))
        ads.replace(records)
        envoy.wait_live()
        ads.wait_accepted("listener/default/http", records["listener/default/http"])
        refused = {key: row.notes for key, row in ads.acks().items() if row.notes.get("refused")}
        assert not refused
        wait_until(lambda: answers(port), what="an open port")
        yield port, set(records)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), RawConnection(port) as connection:
        return connection.ask("a.test", "/").status > 0
    return False


def shown(answer: Answer) -> tuple[Any, ...]:
    """What is the same wherever the same routes are: nothing of times, numbers and ports."""
    passing = {"date", "x-envoy-upstream-service-time", "content-length"}
    headers = sorted((name, value) for name, value in answer.headers if name not in passing)
    body: Any = answer.body.decode()
    if body.startswith("{"):
        body = json.loads(body)
        body["headers"].pop("x-request-id")
    return answer.status, headers, body


def a_request(rng: random.Random) -> tuple[str, str, tuple[str, ...], str]:
    name = rng.choice((*NAMES, "x.b.test", "c.other", "nobody", "b.test"))
    name += rng.choice(("", "", "", ":80", ":8080", "."))
    name = name.upper() if rng.random() < 0.1 else name
    path = rng.choice((*PREFIXES, "/a/1/x", "/api-7/x", "/b/x", "/pic.png", "/A/B/", "/api-12/x/y", "/a/%2e%2e/b"))
    path += rng.choice(("", "", "x", "?q=1", "?q=2&q=1"))
    lines = tuple(rng.sample(HEADERS, rng.choice((0, 0, 1, 2))))
    if rng.random() < 0.1:
        lines += rng.choice(UPGRADES)
    return name, path, lines, rng.choice(METHODS)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_every_request_is_answered_alike(seed: int) -> None:
    model = ("XFP", "INSECURE")[seed // 2 % 2]
    with (
        HttpUpstream("one") as upstream,
        serving(a_world(seed, upstream.service), NEVER, model) as (plain, whole),
        serving(a_world(seed, upstream.service), 1, model) as (indexed, parts),
    ):
        assert not chains_of(key.partition("/")[2] for key in whole if key.startswith("scope/"))
        assert len([key for key in parts if key.startswith("scope/")]) > 8
        rng = random.Random(seed)
        found = set()
        for number in range(REQUESTS):
            upstream.status = 404 if number % 5 == 0 else 200
            host, path, lines, method = a_request(rng)
            both = []
            for port in (plain, indexed):
                with RawConnection(port) as connection:
                    both.append(shown(connection.ask(host, path, *lines, method=method)))
            body = both[0][2]
            if isinstance(body, dict) and body["headers"].pop(SCOPE_HEADER, None):
                body["names"].remove(SCOPE_HEADER)  # a client's own, which behind an index nobody sees
            if any(line.lower() == "connection: upgrade" or "Upgrade" in line for line in lines):
                both = [(answer[0] in CHANGED,) for answer in both]
            assert both[0] == both[1], (host, path, lines, method)
            found.add(body["headers"]["x-mapping"] if isinstance(body, dict) else both[0][0])
        assert len(found) > 8, found


WS = ["ws"]


def test_who_may_not_change_the_protocol_is_told_so_at_once() -> None:
    """Though the index lets it through for the sake of others, and a filter would wait for a body that never ends."""
    route = {"insecure": {"action": "Route"}}
    with HttpUpstream("one") as upstream:
        made = [
            an_object("Host", "a", hostname="a.test", requestPolicy=route),
            an_object(
                "Mapping", "may", hostname="a.test", prefix="/may/", service=upstream.service, allow_upgrade=["ws"]
            ),
            an_object("Mapping", "not", hostname="a.test", prefix="/not/", service=upstream.service),
            an_object("Module", "ambassador", config={"buffer": {"max_request_bytes": 10_000}}),
        ]
        for index_from in (NEVER, 1):
            with serving(made, index_from) as (port, _), RawConnection(port) as connection:
                assert connection.ask("a.test", "/not/", *("connection: upgrade", "upgrade: ws")).status == 403
                assert connection.ask("a.test", "/none/", *("connection: upgrade", "upgrade: ws")).status in {403, 404}
                assert connection.ask("a.test", "/%2e%2e%2fx", *("connection: upgrade", "upgrade: ws")).status >= 300
                assert connection.ask("a.test", "/not/").status == 200
