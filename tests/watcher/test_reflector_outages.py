"""What the reflector does while the API server answers badly or not at all, and how soon it is over."""

import pytest
from model_apiserver import FAULTS
from worlds import HOST, KEY, MAPPING, SERVICE, TARGET, asked, filled, synced, world

from watcher.asking import Ask
from watcher.kinds import KINDS, SECRET, Kind, Target


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("none", "no bookmarks", "no streams")])
def test_no_fault_makes_a_hot_loop(fault: str) -> None:
    """At most 5 requests of a kind within 10 s, and at most one in 4 s later on."""
    run = world(MAPPING, model=filled())
    run.run(2)
    run.model.fault = fault
    run.streams.clear()
    run.cluster.reflectors[TARGET].ended(run.now)
    run.model.asked.clear()
    run.run(10)
    assert len(run.model.asked) <= 5
    run.run(110, tick=0.5)
    run.model.asked.clear()
    run.run(120, tick=0.5)
    assert len(run.model.asked) <= 30


def test_in_an_outage_one_asks_for_all_and_its_end_wakes_all() -> None:
    kinds = tuple(kind for kind in KINDS if kind is not SECRET)
    run = world(*kinds)
    run.run(10)
    run.model.fault = "down"
    run.run(60)
    run.model.asked.clear()
    run.run(120)
    assert 40 <= len(run.model.asked) <= 130, "about one request in a second or two, all kinds together"
    run.model.fault = "none"
    run.model.put(MAPPING, "m", 1)
    run.run(5)
    assert KEY in run.objects
    assert len(run.streams) == len(kinds)


@pytest.mark.parametrize("fault", ["closing", "gone in stream", "garbage", "cut", "mute", "500"])
def test_an_outage_that_ends_badly_still_ends_soon(fault: str) -> None:
    run = world(MAPPING, HOST, SERVICE, model=filled())
    run.model.fault = "down"
    run.run(30)
    run.model.fault = fault
    run.run(10)
    run.model.fault = "none"
    run.run(40 if fault == "mute" else 5)
    assert len(run.objects) == 3


def test_trouble_with_one_kind_alone_is_told_and_disturbs_no_other() -> None:
    run = world(MAPPING, HOST)
    run.run(5)
    run.model.refusal = lambda target, ask: (500, "the webhook failed") if target.kind is HOST else None  # type: ignore[method-assign]
    run.streams.pop(Target(HOST))
    run.cluster.reflectors[Target(HOST)].ended(run.now)
    run.run(20)
    run.model.put(MAPPING, "m", 1)
    run.run(1)
    assert KEY in run.objects
    assert "the webhook failed" in run.problems["hosts.getambassador.io"]
    del run.model.refusal  # type: ignore[method-assign]
    run.run(60)
    assert run.problems == {}


def test_the_wish_to_be_left_alone_is_respected() -> None:
    reflector = synced()
    reflector.ended(100)
    asked(reflector, 100)
    reflector.refused(100, 429, "too many requests", 20.0)
    step = reflector.next(101)
    assert isinstance(step, float)
    assert step >= 120


@pytest.mark.parametrize("first", [SERVICE, None], ids=["some kinds are let in", "none is let in"])
def test_an_outage_that_ends_with_please_wait_ends_soon_too(first: Kind | None) -> None:
    """As an API server's own start does: what it says in the first second, and in the next."""
    kinds = tuple(kind for kind in KINDS if kind is not SECRET)
    run = world(*kinds, model=filled())
    run.model.fault = "down"
    run.run(120)
    began = run.now
    run.model.fault = "none"

    def refusal(target: Target, ask: Ask) -> tuple[int, str, float] | None:
        if target.kind is first or run.now >= began + 1.5:
            return None
        if run.now < began + 1:
            return 503, "the request has been made before all known HTTP paths have been installed", 5.0
        return 429, "storage is (re)initializing", 1.0

    run.model.refusal = refusal  # type: ignore[assignment, method-assign]
    run.run(4)
    assert len(run.objects) == 3


def test_a_silent_stream_is_given_up_and_everything_asked_again() -> None:
    run = world(model=filled())
    run.run(5)
    run.model.fault = "no bookmarks"
    run.model.asked.clear()
    run.run(151, tick=1.0)
    assert [plural for _, plural in run.model.asked] == ["mappings"]
