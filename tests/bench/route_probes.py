"""HTTPRoutes on a real API server, as gateway-api-bench asks about them: how soon, how surely, with how many writes.

All are of one Gateway. A new route is asked for each 5 ms until it answers; beside it stands how long a plain watch of
the same API server takes to show it. They come one after the other, from the first to the 3,000th; or others were
created before, and have their statuses, or come at the same time, as fast as the API server takes them, which is more
than gateway-api-bench does. Every answer that is none of the two expected ones counts as wrong.
"""

import asyncio
import http.client
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.bench.cluster import PlainWatch, Wanted, create
from tests.bench.report import Goal, Line, beside, sizes_up_to
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.gateway_crds import GROUP, install
from tests.support.ports import unused_port

CONTROLLER = "getambassador.io/dragoman"
STEPS = (0, 3000, 5000)
"""Routes that are there before each round of probes."""
PROBES, CHANGES = 100, 100
STRETCH = 500
"""Routes of which one median is told, where each is probed."""
POLL = 0.005
SERVED = Goal("<=", 30.0, "value")
NONE_WRONG = Goal("<=", 0.0, "value")
PATIENCE = 600.0


def _spec(host: str, answer: str) -> dict[str, Any]:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": answer, "statusCode": 302}}
    return {"parentRefs": [{"name": "g"}], "hostnames": [host], "rules": [{"filters": [redirect]}]}


def _document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@dataclass
class Found:
    """Milliseconds until each new route answered, and until a plain watch showed it; and answers that were wrong."""

    served: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    wrong: int = 0


class World:
    """A Gateway of ours on the API server, and two kept connections: to the API server and to the gateway."""

    def __init__(self, api: ApiServer, gateway: ClusterGateway) -> None:
        self.api, self.gateway, self.port = api, gateway, unused_port()
        self.made = 0
        self.folder = f"/apis/{GROUP}/v1/namespaces/{gateway.namespace}"
        listeners = [{"name": "http", "port": self.port, "protocol": "HTTP"}]
        api.ask(
            "POST", f"/apis/{GROUP}/v1/gatewayclasses", _document("GatewayClass", "c", {"controllerName": CONTROLLER})
        )
        api.ask(
            "POST",
            f"{self.folder}/gateways",
            _document("Gateway", "g", {"gatewayClassName": "c", "listeners": listeners}),
        )
        self._writing = http.client.HTTPSConnection("127.0.0.1", int(api.url.rpartition(":")[2]), context=api._tls)
        self._asking = http.client.HTTPConnection("127.0.0.1", self.port)

    def write(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Create, or change by a merge."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self._writing.request(method, path, json.dumps(body), {"Content-Type": kind})
        answer = self._writing.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")

    def answer(self, host: str) -> tuple[int, str]:
        """Status and Location."""
        self._asking.request("GET", "/", headers={"Host": host})
        answer = self._asking.getresponse()
        answer.read()
        return answer.status, answer.getheader("location") or ""

    def attached(self) -> int:
        """Routes of the listener, as the Gateway's status has it."""
        listeners = self.api.get(f"{self.folder}/gateways/g").get("status", {}).get("listeners") or [{}]
        return int(listeners[0].get("attachedRoutes", 0))

    def wait_told(self) -> None:
        """Until each route has a status: before that the API server has writes of ours to do.

        It is asked seldom, since to list thousands of routes is work for it, too.
        """
        end = time.monotonic() + PATIENCE
        while not self._is_told():
            if time.monotonic() > end:
                raise TimeoutError(f"not all routes have a status after {PATIENCE:g} s")
            time.sleep(1)

    def _is_told(self) -> bool:
        found = self.api.get(f"{self.folder}/httproutes")["items"]
        return all(each.get("status", {}).get("parents") for each in found)

    def routes(self, first: int, last: int) -> Iterator[Wanted]:
        """To be created: path and object."""
        self.made += last - first
        for number in range(first, last):
            yield f"{self.folder}/httproutes", _document("HTTPRoute", f"r{number}", _spec(f"r{number}.test", "r.test"))


def probe(world: World, label: str, count: int) -> Found:
    """New routes, one after the other."""
    found, watch = Found(), PlainWatch(world.api, f"{world.folder}/httproutes")
    try:
        for number in range(count):
            name = f"probe-{label}-{number}"
            host = f"{name}.test"
            began = time.perf_counter()
            world.write("POST", f"{world.folder}/httproutes", _document("HTTPRoute", name, _spec(host, "p.test")))
            world.made += 1
            while (status := world.answer(host)[0]) != 302:
                found.wrong += status != 404
                time.sleep(POLL)
            found.served.append((time.perf_counter() - began) * 1000)
            wait_until(lambda name=name: name in watch.seen, what="the plain watch")
            found.seen.append((watch.seen[name] - began) * 1000)
    finally:
        watch.close()
    return found


def changes(world: World, count: int) -> Found:
    """One route that is changed again and again, asked all the time: each answer is the old one or the new one."""
    found, host, path = Found(), "changing.test", f"{world.folder}/httproutes/changing"
    world.write("POST", f"{world.folder}/httproutes", _document("HTTPRoute", "changing", _spec(host, "v0.test")))
    wait_until(lambda: world.answer(host)[0] == 302, what="the route that is to change")
    for number in range(1, count + 1):
        old, new = f"//v{number - 1}.test", f"//v{number}.test"
        began = time.perf_counter()
        world.write("PATCH", path, {"spec": _spec(host, f"v{number}.test")})
        while new not in (said := world.answer(host))[1]:
            found.wrong += said[0] != 302 or old not in said[1]
            time.sleep(POLL)
        found.served.append((time.perf_counter() - began) * 1000)
    return found


def told(what: str, found: Found, goal: Goal | None = SERVED) -> Iterator[Line]:
    """Median, p99 and failures. Without a goal: where both processors are busy with what else comes."""
    served = statistics.median(found.served)
    if found.seen:
        seen = statistics.median(found.seen)
        yield beside(f"{what}: until served", served, "ms", seen, "until a plain watch shows it", goal=goal)
    else:
        yield Line(f"{what}: until served", served, "ms", goal=goal)
    yield Line(f"{what}: p99", statistics.quantiles(found.served, n=100)[98], "ms")
    yield Line(f"{what}: wrong answers", found.wrong, "of all", goal=NONE_WRONG)


def grow(world: World, first: int, last: int) -> Iterator[Line]:
    """Routes come as fast as the API server takes them; others are probed meanwhile."""
    watch = PlainWatch(world.api, f"{world.folder}/gateways")
    began = time.perf_counter()
    coming = threading.Thread(target=lambda: asyncio.run(create(world.api, world.routes(first, last))))
    coming.start()
    try:
        found = probe(world, f"to-{last}", PROBES)
        coming.join()
        created = time.perf_counter() - began
        last_one = f"r{last - 1}.test"
        wait_until(lambda: world.answer(last_one)[0] == 302, PATIENCE, what=last_one)
        all_served = time.perf_counter() - began - created
        wait_until(lambda: world.attached() == world.made, PATIENCE, what=f"{world.made} attached routes")
        counted = time.perf_counter() - began - created
    finally:
        watch.close()
    what = f"{first:,} to {last:,} HTTPRoutes"
    yield from told(f"{what}: a new one meanwhile", found, goal=None)
    yield Line(f"{what}: created in", created, "s")
    yield Line(f"{what}: all served after the last was created", all_served, "s")
    world.wait_told()
    yield Line(f"{what}: attachedRoutes right after the last was created", counted, "s")
    yield Line(f"{what}: writes of the Gateway's status", watch.events, f"for {last - first:,} routes")


def in_turn(world: World, last: int) -> Iterator[Line]:
    """From none to so many, each created when the one before is served."""
    found = probe(world, "in-turn", last)
    yield from told(f"0 to {last:,} HTTPRoutes in turn: each", found)
    slowest = max(statistics.median(found.served[first : first + STRETCH]) for first in range(0, last, STRETCH))
    yield Line(f"0 to {last:,} HTTPRoutes in turn: the slowest {STRETCH}", slowest, "ms")


@contextmanager
def _world() -> Iterator[World]:
    with ApiServer() as api:
        install_crds(api)
        install(api)
        environ = {"AES_LOG_LEVEL": "warning", "DRAGOMAN_NAMESPACES": ""}
        with ClusterGateway(api, environ=environ, patience=120) as gateway:
            world = World(api, gateway)
            wait_until(lambda: world.port and _opens(world), 60, what="the Gateway's port")
            yield world


def lines(largest: int) -> Iterator[Line]:
    """One after the other, on an API server of their own; then by what is there before."""
    steps = sizes_up_to(largest, STEPS)
    if len(steps) > 1:
        with _world() as world:
            yield from in_turn(world, steps[1])
    with _world() as world:
        there = 0
        for step in steps:
            if step:
                yield from grow(world, there, step)
                there = step
            yield from told(f"{step:,} HTTPRoutes: a new one", probe(world, f"at-{step}", PROBES))
        yield from told(f"{there:,} HTTPRoutes: a changed one", changes(world, CHANGES))


def _opens(world: World) -> bool:
    try:
        return bool(world.answer("nobody.test")[0])
    except OSError:
        world._asking.close()
        return False
