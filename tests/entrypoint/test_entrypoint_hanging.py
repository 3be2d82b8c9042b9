"""Who hangs, and who is only busy, waiting, slow, or was suspended with all of us: decisions, second by second."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from entrypoint.hanging import ENVOY, OURS, SUPERVISORD, TICK, UNKNOWN, Bounds, Hung, Sight, Vigil

NEVER = 10_000
MANNERS = {
    "lives": ("S", 1, 0.001),
    "sleeps": ("S", 0, 0.0),
    "polls": ("S", 0, 0.01),
    "computes": ("R", 0, 1.0),
    "is throttled": ("R", 0, 0.1),
    "is starved": ("R", 0, 0.0),
    "waits for a disk": ("D", 0, 0.0),
    "is stopped": ("T", 0, 0.0),
}
"""The state in which it is seen, how many signs of life it gives a tick, and its share of a processor."""


@dataclass
class World:
    """Processes that live, work, sleep or stop, and a clock; what is replaced begins anew and works."""

    vigil: Vigil = field(default_factory=Vigil)
    now: float = 1000.0
    sights: dict[str, Sight] = field(default_factory=dict)
    doing: dict[str, str] = field(default_factory=dict)
    replaced: list[tuple[str, float]] = field(default_factory=list)
    found: list[Hung] = field(default_factory=list)

    def add(self, part: str, doing: str = "lives", bounds: Bounds = OURS) -> None:
        self.sights[part] = Sight(len(self.sights) + 1, 0, "S", 0.0, bounds)
        self.doing[part] = doing

    def tick(self, seconds: float = TICK) -> None:
        """Time passes, and everybody does what they do."""
        self.now += seconds
        for part, doing in self.doing.items():
            self.sights[part] = self._after(self.sights[part], doing, seconds)
        self.found = self.vigil.look(self.sights, self.now)
        for hung in self.found:
            if hung.due:
                self.replaced.append((hung.part, self.now))
                fresh = Sight(self.sights[hung.part].pid + 1000, 0, "R", 0.0, self.sights[hung.part].bounds)
                self.sights[hung.part] = fresh
                if "always" not in self.doing[hung.part]:
                    self.doing[hung.part] = "lives"

    def _after(self, sight: Sight, doing: str, seconds: float) -> Sight:
        state, life, share = MANNERS[doing.removeprefix("always ")]
        return replace(sight, state=state, life=(sight.life or 0) + life, cpu=sight.cpu + seconds * share)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.tick()

    def until_replaced(self, part: str, at_most: int = 200) -> float:
        """Seconds until it is replaced; NEVER when it is not."""
        began = self.now
        for _ in range(at_most):
            self.tick()
            if self.replaced and self.replaced[-1][0] == part and self.replaced[-1][1] == self.now:
                return self.now - began
        return NEVER


def a_world(*parts: str) -> World:
    world = World()
    for part in parts or ("translator", "watcher"):
        world.add(part)
    world.run(5)
    return world


@pytest.mark.parametrize(
    ("doing", "least", "most"),
    [
        ("lives", NEVER, NEVER),
        ("is stopped", 4, 5),
        ("sleeps", 5, 7),
        ("computes", 7, 9),
        ("is throttled", 60, 75),
        ("polls", 60, 75),
        ("is starved", 60, 75),
        ("waits for a disk", 60, 75),
    ],
)
def test_a_part_of_ours_is_replaced_as_soon_as_it_is_sure(doing: str, least: float, most: float) -> None:
    world = a_world()
    world.doing["translator"] = doing
    assert least <= world.until_replaced("translator") <= most
    assert {part for part, _ in world.replaced} <= {"translator"}


@pytest.mark.parametrize(
    ("bounds", "doing", "least", "most"),
    [
        (ENVOY, "is stopped", 4, 5),
        (ENVOY, "sleeps", 30, 32),
        (ENVOY, "computes", NEVER, NEVER),
        (ENVOY, "is throttled", NEVER, NEVER),
        (SUPERVISORD, "is stopped", 4, 5),
        (SUPERVISORD, "sleeps", 30, 32),
        (SUPERVISORD, "computes", NEVER, NEVER),
        (UNKNOWN, "is stopped", 4, 5),
        (UNKNOWN, "sleeps", NEVER, NEVER),
    ],
)
def test_others_are_judged_by_what_is_known_of_them(bounds: Bounds, doing: str, least: float, most: float) -> None:
    world = a_world("translator")
    world.add("it", bounds=bounds)
    world.run(5)
    world.doing["it"] = doing
    assert least <= world.until_replaced("it") <= most


def test_it_is_told_before_it_is_replaced_and_until_it_works_again() -> None:
    world = a_world()
    world.doing["translator"] = "always is stopped"
    world.run(3)
    assert [(hung.part, hung.due, hung.how) for hung in world.found] == [("translator", False, "stopped for 3 s")]
    world.run(1)
    assert [(hung.part, hung.due) for hung in world.found] == [("translator", True)]
    world.run(2)
    assert [(hung.part, hung.due, hung.how) for hung in world.found] == [("translator", False, "being replaced")]
    world.doing["translator"] = "lives"
    world.run(2)
    assert world.found == []


def test_who_goes_on_in_time_is_left_alone() -> None:
    world = a_world()
    for doing in ("is stopped", "sleeps", "computes"):
        world.doing["translator"] = doing
        world.run(3)
        world.doing["translator"] = "lives"
        world.run(2)
        assert world.found == []
    assert world.replaced == []


def test_a_process_that_waits_with_leave_is_given_its_time() -> None:
    world = a_world()
    world.sights["translator"] = replace(world.sights["translator"], patience=90.0)
    world.doing["translator"] = "sleeps"
    assert 89 <= world.until_replaced("translator") <= 92


def test_a_process_that_never_beat_is_given_more_time_unless_it_is_stopped() -> None:
    world = a_world("watcher")
    world.add("translator", "sleeps")
    assert 60 <= world.until_replaced("translator") <= 62
    world.add("adsserver", "is stopped")
    assert world.until_replaced("adsserver") <= 6


def test_after_all_of_us_slept_time_is_counted_anew() -> None:
    world = a_world("translator", "watcher", "adsserver")
    world.doing = dict.fromkeys(world.doing, "sleeps")
    world.tick(3600)
    assert world.found == []
    world.doing = dict.fromkeys(world.doing, "lives")
    world.run(10)
    assert world.replaced == []


def test_where_our_own_ticks_are_late_others_are_given_as_much_more_time() -> None:
    world = a_world()
    world.doing["translator"] = "sleeps"
    for _ in range(3):
        world.tick(10)
    assert world.replaced == []
    world.tick(10)
    assert world.replaced


def test_who_sleeps_while_another_one_works_may_wait_for_it() -> None:
    world = a_world()
    world.doing |= {"translator": "sleeps", "watcher": "is throttled"}
    world.run(20)
    assert world.replaced == []


def test_when_one_that_was_stopped_held_up_all_others_only_it_is_replaced() -> None:
    world = a_world("translator", "watcher", "adsserver")
    world.doing |= {"watcher": "is stopped", "translator": "sleeps", "adsserver": "sleeps"}
    world.run(5)
    world.doing |= {"translator": "lives", "adsserver": "lives"}
    world.run(30)
    assert [part for part, _ in world.replaced] == ["watcher"]


def test_all_stopped_at_once_are_replaced_one_by_one_within_ten_seconds() -> None:
    parts = ("watcher", "translator", "adsserver", "diagnostics", "reporter")
    world = a_world(*parts)
    began = world.now
    world.doing = dict.fromkeys(parts, "is stopped")
    world.run(20)
    assert sorted(part for part, _ in world.replaced) == sorted(parts)
    times = [at for _, at in world.replaced]
    assert len(set(times)) == len(times)
    assert max(times) - began < 10


@pytest.mark.parametrize("doing", ["sleeps", "computes"])
def test_one_that_hangs_again_and_again_is_borne_with_longer_each_time(doing: str) -> None:
    world = a_world()
    times = []
    for _ in range(5):
        world.doing["translator"] = "lives"
        world.run(5)
        world.doing["translator"] = doing
        times.append(world.until_replaced("translator", 1000))
    assert all(later > 1.8 * former for former, later in pairwise(times)), times


def test_what_was_long_ago_is_forgotten() -> None:
    world = a_world()
    world.doing["translator"] = "sleeps"
    first = world.until_replaced("translator")
    world.run(1000)
    world.doing["translator"] = "sleeps"
    assert world.until_replaced("translator") == first


def test_never_more_than_so_many_a_minute_whatever_hangs() -> None:
    parts = [f"part-{number}" for number in range(8)]
    world = a_world(*parts)
    world.doing = dict.fromkeys(parts, "always is stopped")
    world.run(600)
    times = [at for _, at in world.replaced]
    assert max(sum(start <= at < start + 60 for at in times) for start in times) <= 12
    assert {part for part, _ in world.replaced} == set(parts)
