"""What a draining listener's routes may name stays, what came after them does not; then everything goes."""

from dataclasses import replace

from adsserver_talk import TIMING, Talk, version

from adsserver.round import Timing
from adsserver.withdrawal import MOST_KEPT
from snapshot import Record

WORLD = {
    "cluster/a": version("1"),
    "cluster/x": version("1"),
    "listener/l": version("1"),
    "route/first": version("1"),
}


def moved(talk: Talk, cluster: str, to: str, route: str, to_route: str) -> None:
    """The listener gets other routes, these another cluster, and the old ones go, in one commit."""
    talk.changes(
        cluster={cluster: None, to: version("1")},
        listener={"l": version(f"with {to_route}")},
        route={route: None, to_route: version("1")},
    )
    talk.accepts("cluster")
    talk.asks("route", to_route)


def settled(timing: Timing = TIMING) -> Talk:
    talk = Talk(WORLD, timing=timing)
    talk.settled()
    return talk


def test_a_cluster_stays_while_envoy_asks_for_routes_that_are_gone() -> None:
    talk = settled()
    moved(talk, "a", "b", "first", "second")
    assert talk.accepts_all() == []
    assert talk.waits(10_000) == []
    assert talk.asks("route", unsubscribe=("first",)) == [("cluster", [], ["a"])]
    talk.accepts_all()
    changes = talk.ledger.changes(1.0)
    assert (changes["route/first"], changes["cluster/a"]) == (None, None)
    assert talk.session.deadline is None


def test_a_cluster_that_came_later_is_not_kept_for_them() -> None:
    talk = settled()
    moved(talk, "a", "b", "first", "second")
    talk.accepts_all()
    talk.changes(cluster={"late": version("1")})
    talk.accepts_all()
    assert talk.changes(cluster={"late": None}) == [("cluster", [], ["late"])]
    talk.accepts_all()
    assert talk.changes(cluster={"x": None}) == []
    assert talk.asks("route", unsubscribe=("first",)) == [("cluster", [], ["a", "x"])]


def test_each_of_several_drains_keeps_its_own() -> None:
    talk = settled()
    moved(talk, "a", "b", "first", "second")
    talk.accepts_all()
    moved(talk, "b", "c", "second", "third")
    assert talk.accepts_all() == []
    assert talk.asks("route", unsubscribe=("first",)) == []
    assert talk.asks("route", unsubscribe=("second",)) == [("cluster", [], ["a", "b"])]


def test_routes_that_come_back_keep_nothing() -> None:
    """Envoy gives them to the connections of the draining listener, too."""
    talk = settled()
    moved(talk, "a", "b", "first", "second")
    talk.accepts_all()
    assert talk.changes(route={"first": version("2")}) == [("route", ["first 2"], [])]
    assert talk.accepts("route") == [("cluster", [], ["a"])]


def test_a_stream_that_begins_during_a_drain_knows_it_by_what_envoy_asks_for() -> None:
    world: dict[str, Record] = {"cluster/b": version("1"), "listener/l": version("2"), "route/second": version("1")}
    accepted = {key: Record("1+", b"", {"accepted": "1"}) for key in ("listener/l", "route/first")}
    talk = Talk(world, accepted)
    talk.asks("cluster", holds={"a": "1", "b": "1"})
    talk.asks("listener", holds={"l": "2"})
    assert talk.asks("route", "first", "second", holds={"first": "1", "second": "1"}) == []
    assert talk.waits(10_000) == []
    assert talk.asks("route", unsubscribe=("first",)) == [("cluster", [], ["a"])]


def test_a_cluster_lingers_when_nothing_leads_to_it_any_more() -> None:
    """A request may have been led there, and be held up on the way; or it is tried once more."""
    talk = settled(replace(TIMING, linger=15.0))
    talk.changes(cluster={"a": None}, route={"first": version("2")})
    assert talk.waits(20) == []
    assert talk.accepts("route") == []
    for _ in range(13):
        talk.waits(1)
        talk.changes(route={"first": version(f"at {talk.now}")})
        talk.accepts_all()
    assert talk.waits(1.9) == []
    assert talk.waits(0.2) == [("cluster", [], ["a"])]
    talk.accepts_all()
    assert talk.session.deadline is None


def test_a_lingering_cluster_that_comes_back_is_not_taken_away() -> None:
    talk = settled(replace(TIMING, linger=15.0))
    talk.changes(cluster={"a": None})
    talk.accepts_all()
    talk.waits(14)
    assert talk.changes(cluster={"a": version("1")}) == []
    assert talk.waits(60) == []


def test_no_more_are_kept_than_there_are_others_or_a_thousand() -> None:
    """The first to leave go before their time."""
    talk = settled()
    old = {f"old-{number:04}": version("1") for number in range(MOST_KEPT)}
    talk.changes(cluster=old)
    talk.accepts_all()
    moved(talk, "a", "b", "first", "second")
    talk.accepts_all()
    assert talk.changes(cluster=dict.fromkeys(old)) == [("cluster", [], ["a"])]
    talk.accepts_all()
    assert talk.waits(10_000) == []
    assert talk.asks("route", unsubscribe=("first",)) == [("cluster", [], list(old))]


def test_what_a_drain_needs_stays_when_there_are_too_many_that_none_needs() -> None:
    talk = settled(replace(TIMING, linger=15.0))
    moved(talk, "a", "b", "first", "second")
    talk.accepts_all()
    late = {f"late-{number:04}": version("1") for number in range(MOST_KEPT)}
    talk.changes(cluster=late)
    talk.accepts_all()
    assert talk.changes(cluster=dict.fromkeys(late)) == [("cluster", [], ["late-0000"])]


def test_what_nobody_asks_for_goes_though_a_cluster_lingers() -> None:
    """Else nothing would ever go where some cluster always does."""
    talk = Talk(WORLD | {"secret/s": version("1"), "secret/t": version("1")}, timing=replace(TIMING, linger=15.0))
    talk.settled()
    talk.changes(cluster={"x": None}, secret={"s": None, "t": None})
    talk.asks("secret", unsubscribe=("s",))
    talk.accepts_all()
    talk.changes(cluster={"y": version("1")})
    talk.accepts_all()
    assert talk.session.deadline is not None, "the cluster lingers"
    changes = talk.ledger.changes(1.0)
    assert changes["secret/s"] is None
    assert changes["secret/t"] is not None
