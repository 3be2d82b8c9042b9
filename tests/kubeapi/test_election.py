"""Leader election in a simulated world: candidates with clocks of their own, a server, a network that loses things."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from kubeapi.election import NOBODY, Election, Look, Record, Step, Terms, Wait, Write, identity_of

TERMS = Terms()
TIMEOUT = 2.0
QUIET = 120.0
"""Seconds without faults at the end of a history."""


@dataclass
class Server:
    """One Lease, as an API server keeps it: a write that names another version than the present one is refused."""

    record: Record | None = None
    writes: int = 0

    def look(self) -> Record | None:
        return self.record

    def write(self, step: Write) -> Record | None:
        if step.version != (self.record.version if self.record else None):
            return None
        self.writes += 1
        self.record = Record(str(self.writes), step.holder, step.duration, step.acquired or "now", step.transitions)
        return self.record


@dataclass
class Candidate:
    """A process. Its clock is `rate` times the world's, plus jumps; `lossy` is what befalls its requests, in turn."""

    identity: str
    rate: float = 1.0
    offset: float = 0.0
    alive: bool = True
    stopped_until: float = 0.0
    holding: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.election = Election(self.identity, TERMS, lambda: 0.5)

    def clock(self, time: float) -> float:
        return time * self.rate + self.offset


class World:
    """Runs candidates against the server, by the second, and remembers who held the lease when."""

    def __init__(self, candidates: list[Candidate], faults: Callable[[], str]) -> None:
        self.server = Server()
        self.candidates = candidates
        self.faults = faults
        self.time = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.requests: dict[str, int] = {}
        self.held_by: set[str] = set()
        self.together: list[tuple[float, set[str]]] = []
        self.leaderless_since = 0.0
        for candidate in candidates:
            self.at(0.0, partial(self.turn, candidate))

    def at(self, time: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (time, self._count, what))

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.time, _, what = heapq.heappop(self._queue)
            what()
            self.check()
        self.time = until
        self.check()

    def check(self) -> None:
        held = {c.identity for c in self.candidates if c.alive and c.election.holds(c.clock(self.time))}
        if len(held) > 1:
            self.together.append((self.time, held))
        self.held_by = held
        if held:
            self.leaderless_since = self.time

    def awake(self, candidate: Candidate, what: Callable[[], None]) -> None:
        """Do it now, or when the candidate goes on after having been stopped; never, when it has died."""
        if not candidate.alive:
            return
        if candidate.stopped_until > self.time:
            self.at(candidate.stopped_until, lambda: self.awake(candidate, what))
        else:
            what()

    def turn(self, candidate: Candidate) -> None:
        if not candidate.alive:
            return
        step = candidate.election.step(candidate.clock(self.time))
        if isinstance(step, Wait):
            assert step.seconds > 0
            self.later(candidate, step.seconds / candidate.rate)
            return
        self.requests[candidate.identity] = self.requests.get(candidate.identity, 0) + 1
        self.send(candidate, step, self.faults())

    def later(self, candidate: Candidate, seconds: float) -> None:
        self.at(self.time + seconds, lambda: self.awake(candidate, lambda: self.turn(candidate)))

    def send(self, candidate: Candidate, step: Step, fault: str) -> None:
        there, back = (0.9, 0.9) if fault == "slow" else (0.01, 0.01)
        if fault == "lost":
            self.at(self.time + TIMEOUT, lambda: self.awake(candidate, lambda: self.fail(candidate)))
            return

        def arrive() -> None:
            found = self.server.look() if isinstance(step, Look) else self.server.write(step)  # type: ignore[arg-type]
            if fault == "unanswered":
                self.at(self.time + TIMEOUT, lambda: self.awake(candidate, lambda: self.fail(candidate)))
            else:
                self.at(self.time + back, lambda: self.awake(candidate, lambda: self.answer(candidate, step, found)))

        self.at(self.time + there, arrive)

    def fail(self, candidate: Candidate) -> None:
        candidate.election.failed(candidate.clock(self.time))
        self.turn(candidate)

    def answer(self, candidate: Candidate, step: Step, found: Record | None) -> None:
        now = candidate.clock(self.time)
        if isinstance(step, Look):
            candidate.election.looked(now, found)
        elif found is None:
            candidate.election.refused(now)
        else:
            candidate.election.written(now, found)
        self.turn(candidate)


def _candidates(count: int, rates: list[float] | None = None) -> list[Candidate]:
    return [Candidate(identity_of(f"pod-{n}", "a"), (rates or [1.0] * count)[n], 1000.0 * n) for n in range(count)]


def _well() -> str:
    return "well"


FAULTS = st.sampled_from(["well", "well", "well", "slow", "lost", "unanswered"])
DEEDS = st.tuples(
    st.floats(1.0, 30.0),
    st.sampled_from(["stop", "kill", "jump", "outage", "delete", "give back"]),
    st.integers(0, 2),
    st.floats(0.5, 40.0),
)


@given(
    rates=st.lists(st.floats(0.9, 1.1), min_size=3, max_size=3),
    faults=st.lists(FAULTS, max_size=60),
    deeds=st.lists(DEEDS, max_size=6),
)
def test_never_two_lead_and_always_one_does_in_the_end(
    rates: list[float], faults: list[str], deeds: list[tuple[float, str, int, float]]
) -> None:
    left = list(faults)
    outage_until = 0.0

    def fault() -> str:
        if world.time < outage_until:
            return "lost"
        return left.pop() if left else "well"

    world = World(_candidates(3, rates), fault)
    for pause, deed, who, seconds in deeds:
        world.run(world.time + pause)
        candidate = world.candidates[who]
        if deed == "stop":
            candidate.stopped_until = world.time + seconds
        elif deed == "kill" and candidate.alive:
            _replaced(world, who)
        elif deed == "jump":
            candidate.offset += TERMS.duration / 2 + seconds
        elif deed == "outage":
            outage_until = world.time + seconds
        elif deed == "delete" and not world.held_by:
            world.server.record = None
        elif deed == "give back":
            _given_back(world, candidate)
    assert world.together == []
    left.clear()
    world.run(max([world.time, outage_until, *(c.stopped_until for c in world.candidates)]) + QUIET)
    assert world.together == []
    assert len(world.held_by) == 1


def _replaced(world: World, who: int) -> None:
    """A process dies; another one of the same pod takes its place."""
    dead = world.candidates[who]
    dead.alive = False
    born = replace(dead, identity=f"{dead.identity}{len(world.candidates)}", alive=True, stopped_until=0.0)
    world.candidates[who] = born
    world.at(world.time, lambda: world.turn(born))


def _given_back(world: World, candidate: Candidate) -> None:
    step = candidate.election.release(candidate.clock(world.time))
    if step is not None:
        world.server.write(step)


def test_who_comes_first_leads_and_stays() -> None:
    world = World(_candidates(3), _well)
    world.run(600)
    assert world.held_by == {"pod-0_a"}
    assert world.server.record is not None
    assert world.server.record.transitions == 0


def test_requests_are_few() -> None:
    world = World(_candidates(3), _well)
    world.run(600)
    assert all(count <= 600 / TERMS.retry + 2 for count in world.requests.values())


def test_when_the_leader_dies_another_leads_after_the_duration() -> None:
    world = World(_candidates(2), _well)
    world.run(100)
    world.candidates[0].alive = False
    world.run(100 + TERMS.duration + 2 * TERMS.retry)
    assert world.held_by == {"pod-1_a"}


def test_what_is_given_back_is_taken_at_the_next_look() -> None:
    world = World(_candidates(2), _well)
    world.run(100)
    _given_back(world, world.candidates[0])
    world.candidates[0].alive = False
    world.run(100 + 2 * TERMS.retry)
    assert world.held_by == {"pod-1_a"}


def test_a_process_started_again_in_the_same_pod_leads_at_once() -> None:
    world = World(_candidates(2), _well)
    world.run(100)
    _replaced(world, 0)
    world.run(100.1)
    assert world.held_by == {"pod-0_a2"}


def test_a_second_process_of_the_same_pod_makes_the_first_a_stranger_not_a_rival() -> None:
    world = World(_candidates(1), _well)
    world.run(100)
    twin = Candidate(identity_of("pod-0", "twin"))
    world.candidates.append(twin)
    world.at(100, lambda: world.turn(twin))
    world.run(100 + 2 * TERMS.retry)
    assert world.held_by == {"pod-0_twin"}
    transitions = world.server.record.transitions if world.server.record else -1
    world.run(1000)
    assert world.held_by == {"pod-0_twin"}
    assert world.server.record
    assert world.server.record.transitions == transitions == 1


def test_after_an_outage_the_lease_stays_where_it_was() -> None:
    outage = False
    world = World(_candidates(3), lambda: "lost" if outage else "well")
    world.run(100)
    outage = True
    world.run(100 + TERMS.deadline + TERMS.retry)
    assert world.held_by == set(), "a holder that cannot renew stops acting"
    world.run(400)
    outage = False
    world.run(410)
    assert world.held_by == {"pod-0_a"}


def test_who_did_not_look_for_long_starts_to_measure_anew() -> None:
    election, other = Election("me_1", TERMS, lambda: 0.0), Record("7", "other_1", TERMS.duration)
    for now in (0.0, 2.0, 100.0, 102.0, 104.0, 112.0, 114.0, 116.0, 118.0):
        election.looked(now, other)
        assert isinstance(election.step(now), Wait), now
    election.looked(127.0, other)  # since 112.0, when the last hole ended, it did not change for 15 s
    assert isinstance(election.step(127.0), Wait), "there was a hole again"
    for now in (129.0, 131.0, 133.0, 135.0, 137.0, 139.0, 141.0):
        election.looked(now, other)
    assert isinstance(election.step(141.0), Wait)
    election.looked(142.0, other)
    assert isinstance(election.step(142.0), Write)


def test_a_write_whose_answer_was_lost_is_recognised() -> None:
    faults = ["well", "unanswered"]
    world = World(_candidates(1), lambda: faults.pop(0) if faults else "well")
    world.run(10)
    assert world.held_by == {"pod-0_a"}
    assert world.server.record
    assert world.server.record.transitions == 0


def test_a_senseless_duration_is_not_believed_for_ever() -> None:
    world = World(_candidates(1), _well)
    world.server.record = Record("0", "someone-else", 1e9)
    world.run(70)
    assert world.held_by == {"pod-0_a"}


def test_who_does_not_lead_has_nothing_to_give_back() -> None:
    election = Election("a", TERMS, lambda: 0.0)
    assert election.release(0.0) is None
    assert election.holder == NOBODY
