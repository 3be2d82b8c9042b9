"""How many routes a Gateway has is written a few times while thousands come, and soon after the last of them.

The reporter's own decisions on a snapshot of thousands of routes; the clock and the API server are the test's.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from process.settings import Settings
from reporter import reporting
from reporter.agenda import WRITES_A_SECOND, WRITES_AT_ONCE
from reporter.counting import AT_LATEST, SETTLED, are_counts
from reporter.gateway_merging import CONTROLLER
from reporter.objects import GATEWAY_API, Live, Name
from reporter.reporting import Reporting
from reporter.writing import Events, Statuses
from snapshot import Record, Snapshot
from snapshot.writer import Writer

ROUTES = 1000
A_SECOND = 40
"""Routes that come."""
GATEWAY = f"{GATEWAY_API}/Gateway/n/g"
LOOK = 0.1
"""Seconds between two looks of the reporter's loop at the snapshot, about."""


def _listeners(count: int) -> dict[str, Any]:
    return {"listeners": [{"name": "http", "attachedRoutes": count, "supportedKinds": [], "conditions": []}]}


class World:
    """A snapshot, a clock, and an API server that takes each write at once and tells of it in the snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.now = 1000.0
        self.writes: list[tuple[float, str, Any]] = []
        self._wanted: Writer = snapshot.writer("statuses")
        self._live: Writer = snapshot.writer("live")
        self._versions = 0

    def say(self, statuses: dict[str, Any]) -> None:
        """What the translator wants."""
        bodies = {
            key: orjson.dumps({"uid": key, "generation": 1, "gateway": status}) for key, status in statuses.items()
        }
        self._wanted.commit({key: Record(str(hash(body)), body) for key, body in bodies.items()})

    def is_now(self, statuses: dict[str, Any]) -> None:
        """What the watcher tells."""
        self._versions += 1
        notes = {"generation": 1, "resourceVersion": str(self._versions)}
        self._live.commit(
            {
                key: Record(str(self._versions), orjson.dumps(status), {"uid": key, **notes})
                for key, status in statuses.items()
            }
        )

    async def amend(self, name: Name, live: Live, remake: Any) -> Live:
        """As `Statuses.amend`."""
        key = f"{name.group}/{name.kind}/{name.namespace}/{name.name}"
        fields = remake(live)
        self.writes.append((self.now, key, fields))
        self.is_now({key: {**live.status, **fields}})
        return Live(live.uid, live.generation, str(self._versions), {**live.status, **fields})

    def counts(self) -> list[tuple[float, int]]:
        """When which number was written."""
        return [(at, fields["listeners"][0]["attachedRoutes"]) for at, key, fields in self.writes if key == GATEWAY]


@pytest.fixture
def snapshot(tmp_path: Path) -> Iterator[Snapshot]:
    with Snapshot.open(tmp_path / "snapshot", bells=tmp_path / "bells") as made:
        yield made


def _run(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, steps: dict[int, Any], seconds: float) -> World:
    """Let the loop run for so long; `steps`: what happens, by the number of the look before which it does."""
    world = World(snapshot)
    monkeypatch.setattr(reporting.time, "monotonic", lambda: world.now)
    made = Reporting(snapshot, Settings(), cast("Statuses", world), cast("Events", _NoEvents()), lambda: True)

    async def loop() -> None:
        for look in range(round(seconds / LOOK)):
            if look in steps:
                steps[look](world)
            made.follow()
            for _ in range(20):
                made.work(lambda: None)
                await asyncio.sleep(0)
                if made.wait != 0 and not made._tasks:
                    break
            world.now += LOOK
        await made.end()

    asyncio.run(loop())
    return world


class _NoEvents:
    def count(self, _: float, *, at_once: bool = False) -> None:
        """None is told."""


def _parents() -> dict[str, Any]:
    return {"parents": [{"parentRef": {"name": "g"}, "controllerName": CONTROLLER, "conditions": []}]}


def _come(world: World, look: int) -> None:
    """Some more routes, and their number."""
    some = round(A_SECOND * LOOK)
    keys = [f"{GATEWAY_API}/HTTPRoute/n/r{look * some + each}" for each in range(some)]
    world.is_now({key: {} for key in keys})
    world.say({**dict.fromkeys(keys, _parents()), GATEWAY: _listeners((look + 1) * some)})


def test_a_thousand_routes_are_counted_a_few_times_and_soon_after_the_last(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = ROUTES * 10 // A_SECOND

    def begin(world: World) -> None:
        world.is_now({GATEWAY: {}})
        _come(world, 0)

    steps: dict[int, Any] = {0: begin}
    steps |= {look: (lambda world, look=look: _come(world, look)) for look in range(1, looks)}
    world = _run(snapshot, monkeypatch, steps, ROUTES / A_SECOND + 30)
    counts, ended = world.counts(), 1000.0 + looks * LOOK
    assert counts[0] == (1000.0, 4), "the first one at once"
    assert counts[-1][1] == ROUTES
    assert counts[-1][0] <= ended + SETTLED + 3 * LOOK
    assert len(counts) <= 2 + ROUTES / A_SECOND / AT_LATEST
    assert len({key for _, key, _ in world.writes}) == ROUTES + 1


def test_a_gateway_does_not_wait_for_the_routes_that_wait_for_their_turn(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"{GATEWAY_API}/HTTPRoute/n/r{number}" for number in range(ROUTES)]

    def begin(world: World) -> None:
        world.is_now({key: {} for key in keys})
        world.say(dict.fromkeys(keys, _parents()))

    def follow(world: World) -> None:
        world.is_now({GATEWAY: {}})
        world.say({GATEWAY: _listeners(ROUTES)})

    world = _run(snapshot, monkeypatch, {0: begin, 10: follow}, 25.0)
    before = [key for at, key, _ in world.writes if at < world.counts()[0][0]]
    assert world.counts() == [(pytest.approx(1001.0), ROUTES)]
    assert len(before) < WRITES_AT_ONCE + 2 * WRITES_A_SECOND < ROUTES == len(world.writes) - 1


def test_what_else_a_status_says_waits_for_no_count(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    def condition(kind: str) -> dict[str, Any]:
        return {"conditions": [{"type": kind, "status": "True", "reason": "R", "message": ""}]}

    steps = {
        0: lambda world: (world.is_now({GATEWAY: {}}), world.say({GATEWAY: _listeners(1)})),
        5: lambda world: world.say({GATEWAY: _listeners(2)}),
        7: lambda world: world.say({GATEWAY: _listeners(3) | condition("Accepted")}),
        20: lambda world: world.say({GATEWAY: _listeners(4) | condition("Accepted")}),
    }
    counts = _run(snapshot, monkeypatch, steps, 5.0).counts()
    assert [number for _, number in counts] == [1, 3, 4], "two never settled, since more was to be said"
    assert [round(at - 1000.0, 1) for at, _ in counts] == [0.0, 0.7, 3.0]


@pytest.mark.parametrize(
    ("fields", "are"),
    [
        (_listeners(2), True),
        ({"listeners": []}, False),
        ({"listeners": None}, False),
        (_listeners(2) | {"addresses": []}, False),
        ({"listeners": [{**_listeners(2)["listeners"][0], "conditions": [{}]}]}, False),
        ({"conditions": []}, False),
    ],
)
def test_what_counts_as_a_count(fields: dict[str, Any], are: bool) -> None:
    assert are_counts(_listeners(1), fields) is are
    assert not are_counts({}, fields) or fields["listeners"] in ([], None)
