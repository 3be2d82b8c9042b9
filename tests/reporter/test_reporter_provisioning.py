"""Making Services of Gateways, as it goes on when the API server refuses, or something was left by a former term.

The requests themselves are tried on a real API server by the conformance suite; here it says what a test wants.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from kubeapi.connection import Answer, Connection
from process.settings import Settings
from reporter import provisioning
from reporter.pods import Pods
from reporter.provisioning import Provisioning
from reporter.services import FIRST, Service, Wish, document_of, service_of, wish_of
from snapshot import Record, Snapshot
from tests.reporter.words import service_said

SERVICES = "/api/v1/namespaces/default/services"
OTHER_SERVICE: dict[str, Any] = {"conditions": [], "listeners": []}


def said(name: str, **more: Any) -> dict[str, Any]:
    """What the translator says of a Gateway that is to have a Service."""
    return {"service": service_said(f"gateway-{name}", **({"class": "own"} | more))}


class Server:
    """An API server: its Services, its Gateways with their classes, and whom it refuses."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Any]] = {}
        self.gateways: dict[str, str] = {}
        self.refused: dict[tuple[str, str], list[int]] = {}
        self.asked: list[tuple[str, str]] = []

    async def request(self, method: str, path: str, **more: Any) -> Answer:
        name = "" if path == SERVICES else path.rpartition("/")[2]
        self.asked.append((method, name))
        refusals = self.refused.get((method, name))
        if refusals:
            return Answer(refusals.pop(0), b'{"message": "refused"}')
        if method == "PATCH":
            self.services[name] = orjson.loads(more["body"])
            self.services[name]["metadata"]["uid"] = f"uid of {name}"
            return Answer(HTTPStatus.CREATED, orjson.dumps(self.services[name]))
        if method == "DELETE":
            return Answer(HTTPStatus.OK if self.services.pop(name, None) else HTTPStatus.NOT_FOUND, b"{}")
        if not name:
            return Answer(HTTPStatus.OK, orjson.dumps({"items": list(self.services.values())}))
        if name not in self.gateways:
            return Answer(HTTPStatus.NOT_FOUND, b"{}")
        return Answer(HTTPStatus.OK, orjson.dumps({"spec": {"gatewayClassName": self.gateways[name]}}))

    def left(self, name: str, owner: str = "default") -> None:
        """A Service that a former term has made."""
        wish = wish_of(Record("1", orjson.dumps({"gateway": said(name)}), {}))
        assert wish is not None
        document = document_of(wish, f"default/{name}", {("TCP", 80): FIRST}, "default", owner)
        self.services[f"gateway-{name}"] = document

    def found(self, name: str) -> Service:
        return service_of(self.services[f"gateway-{name}"])


class Term:
    """A term: `say` is the translator."""

    def __init__(self, snapshot: Snapshot, server: Server) -> None:
        self._writer = snapshot.writer("statuses")
        self.provisioning = Provisioning(snapshot, Settings(), cast("Connection", server), lambda: True)

    def say(self, **gateways: dict[str, Any] | None) -> None:
        """By name, what its status is to say; None: it is not ours, or there is no such Gateway."""
        records = {
            f"{provisioning.PREFIX}default/{name}": None
            if found is None
            else Record(
                blake2b(orjson.dumps(found)).hexdigest()[:16], orjson.dumps({"gateway": found} if found else {}), {}
            )
            for name, found in gateways.items()
        }
        self._writer.commit(records)
        self.provisioning.follow()


@asynccontextmanager
async def term(folder: Path, server: Server) -> AsyncIterator[Term]:
    with Snapshot.open(folder / "snapshot", map_size=1 << 24) as snapshot:
        made = Term(snapshot, server)
        running = asyncio.create_task(made.provisioning.run())
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.wait([running])


async def becomes(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  what is waited for rings no bell
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "SHORTEST", 0.02)


@pytest.mark.parametrize("status", [400, 403, 409, 422, 500])
async def test_what_is_refused_for_one_gateway_keeps_no_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(provisioning, "SHORTEST", 600.0)  # it would not be over within this test
    server = Server()
    server.refused["PATCH", "gateway-a"] = [status]
    async with term(tmp_path, server) as made:
        made.say(a=said("a"), b=said("b"))
        await becomes(lambda: "gateway-b" in server.services)
    assert "gateway-a" not in server.services


@pytest.mark.parametrize("status", [200, 403, 422, 429, 500, 503])  # 200: another than the API server answers
async def test_what_was_refused_is_made_by_and_by(tmp_path: Path, status: int) -> None:
    server = Server()
    server.refused["PATCH", "gateway-a"] = [status, status]
    async with term(tmp_path, server) as made:
        made.say(a=said("a"))
        await becomes(lambda: "gateway-a" in server.services)


async def test_changes_of_what_is_refused_are_not_tried_again_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, timers = asyncio.get_running_loop(), list[asyncio.TimerHandle]()
    call_later = loop.call_later

    def noted(*given: Any) -> asyncio.TimerHandle:
        timers.append(call_later(*given))
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", noted)
    monkeypatch.setattr(provisioning, "SHORTEST", 600.0)
    monkeypatch.setattr(provisioning, "LONGEST", 600.0)
    server = Server()
    server.refused["PATCH", "gateway-a"] = [422] * 3
    async with term(tmp_path, server) as made:
        for number in range(3):
            made.say(a=said("a", labels={"number": str(number)}))
            await becomes(lambda left=2 - number: len(server.refused["PATCH", "gateway-a"]) == left)  # type: ignore[misc]
        soon = loop.time() + 300
        assert len([each for each in timers if each.when() > soon and not each.cancelled()]) == 1


async def test_a_service_without_ports_is_not_asked_for(tmp_path: Path) -> None:
    server = Server()
    async with term(tmp_path, server) as made:
        made.say(a=said("a", ports=[]), b=said("b"))
        await becomes(lambda: "gateway-b" in server.services)
    assert ("PATCH", "gateway-a") not in server.asked


@pytest.mark.parametrize("trouble", [[], [500], [403, 500]])
async def test_what_a_former_term_left_goes_also_where_nobody_has_a_service(tmp_path: Path, trouble: list[int]) -> None:
    server = Server()
    server.left("a")
    server.left("theirs", owner="other")
    server.refused["GET", "a"] = trouble
    async with term(tmp_path, server) as made:
        made.say(other=OTHER_SERVICE)
        await becomes(lambda: "gateway-a" not in server.services)
    assert "gateway-theirs" in server.services


async def test_a_class_that_is_no_good_for_a_while_costs_no_address(tmp_path: Path) -> None:
    server = Server()
    server.gateways = {"a": "own"}
    async with term(tmp_path, server) as made:
        made.say(a=said("a"))
        await becomes(lambda: "gateway-a" in server.services)
        made.say(a={})
        await becomes(lambda: server.asked[-1] == ("GET", "a"))
        server.gateways = {}
        made.say(a=None)
        await becomes(lambda: "gateway-a" not in server.services)


async def test_who_shares_addresses_by_now_or_is_of_another_class_has_no_service(tmp_path: Path) -> None:
    server = Server()
    server.gateways = {"a": "own", "b": "another"}
    async with term(tmp_path, server) as made:
        made.say(a=said("a"), b=said("b"))
        await becomes(lambda: len(server.services) == 2)
        made.say(a=OTHER_SERVICE, b={})
        await becomes(lambda: not server.services)


async def test_a_list_that_is_none_is_asked_for_again(tmp_path: Path) -> None:
    server = Server()
    server.refused["GET", ""] = [200, 403]
    async with term(tmp_path, server) as made:
        made.say(a=said("a"))
        await becomes(lambda: "gateway-a" in server.services)


async def test_another_dragoman_in_our_namespace_has_an_envoy_and_ports_of_its_own(tmp_path: Path) -> None:
    server = Server()
    server.left("a")
    server.left("b", owner="other")
    ports = [{"protocol": "TCP", "port": 80, "target": FIRST}]
    async with term(tmp_path, server) as made:
        made.say(a=said("a", ports=ports))
        await becomes(lambda: ("PATCH", "gateway-a") in server.asked)
    assert server.found("a").targets == {("TCP", 80): FIRST}


async def test_two_leaders_gave_one_port(tmp_path: Path) -> None:
    server = Server()
    server.left("a")
    server.left("b")
    ports = [{"protocol": "TCP", "port": 80, "target": FIRST}]
    async with term(tmp_path, server) as made:
        made.say(a=said("a", ports=ports), b=said("b", ports=ports))
        await becomes(lambda: server.found("a").targets != server.found("b").targets)
    assert FIRST in {*server.found("a").targets.values(), *server.found("b").targets.values()}


async def test_pods_that_are_deleted_before_they_served_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_for: list[str] = []

    async def make(_: Pods, wish: Wish, *__: str) -> None:
        made_for.append(wish.name)

    monkeypatch.setattr(Pods, "make", make)
    monkeypatch.setattr(provisioning, "LONGEST", 0.02)
    async with term(tmp_path, Server()) as made:
        made.say(a=said("a", provisioned=True))
        await becomes(lambda: len(made_for) > 2)
        serving = [{"protocol": "TCP", "port": 80, "target": 80}]
        made.say(a=said("a", provisioned=True, ports=serving))
        await becomes(lambda: not made.provisioning._again)
