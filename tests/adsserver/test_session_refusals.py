"""What a refusal touches: the guilty resource, and nothing else."""

import pytest
from adsserver_talk import TIMING, Talk, version

from adsserver.channel import BATCH, FEW, PARTS
from adsserver.ledger import DOUBTFUL_KEY
from snapshot import Record

WORLD = {
    "cluster/a": version("1", endpoints="a"),
    "endpoint/a": version("1"),
    "listener/l": version("1"),
    "route/r": version("1", body=b"to a"),
}


def settled() -> Talk:
    talk = Talk(WORLD)
    talk.settled()
    return talk


def test_a_refused_route_is_told_and_not_sent_again() -> None:
    talk = settled()
    talk.changes(route={"r": version("2")})
    assert talk.refuses("route", "no such thing") == []
    notes = talk.saved()["route/r"].notes
    assert (notes["accepted"], notes["refused"], notes["message"]) == ("1", "2", "no such thing")
    assert talk.saved() == {}
    assert talk.changes(endpoint={"a": version("2")}) == [("endpoint", ["a 2"], [])]
    assert talk.changes(route={"r": version("3")}) == [("route", ["r 3"], [])]
    talk.accepts_all()
    assert talk.saved()["route/r"].notes["refused"] is None


def test_taking_a_refused_change_back_ends_the_refusal() -> None:
    """What Envoy holds is what is wanted again: nothing is sent, so no answer will come that says so."""
    talk = settled()
    talk.changes(route={"r": version("2")})
    talk.refuses("route")
    assert talk.saved()["route/r"].notes["refused"] == "2"
    assert talk.changes(route={"r": version("1", body=b"to a")}) == []
    assert talk.saved()["route/r"].notes["refused"] is None


def test_an_envoy_that_comes_empty_gets_the_last_good_version() -> None:
    talk = settled()
    talk.changes(route={"r": version("2")})
    talk.refuses("route")
    acks = talk.saved()
    assert acks["route/r"].body == b"to a"
    for again in (talk, Talk(WORLD | {"route/r": version("2")}, acks)):
        again.reconnect()
        again.asks("cluster")
        again.accepts_all()
        assert again.asks("route", "r") == [("route", ["r 1"], [])]
        again.accepts_all()
        refused = again.ledger.changes(2.0).get("route/r", acks["route/r"])
        assert refused.notes["refused"] == "2" if refused else False


def test_a_new_resource_that_is_refused_is_not_there() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")})
    talk.refuses("cluster")
    talk.reconnect()
    assert talk.asks("cluster", holds={"a": "1"}) == []
    assert talk.waits(10) == []


def test_a_serving_listener_is_left_alone_when_only_its_bytes_are_not_known() -> None:
    """After a restart of the adsserver a version that came meanwhile is refused: Envoy keeps the one before."""
    talk = Talk(WORLD | {"listener/l": version("2")}, {"listener/l": Record("1+", b"", {"accepted": "1"})})
    talk.asks("cluster", holds={"a": "1"})
    assert talk.asks("listener", holds={"l": "1"}) == [("listener", ["l 2"], [])]
    assert talk.refuses("listener") == []
    assert talk.waits(10) == []


def test_a_refused_batch_is_taken_apart_down_to_the_guilty_one() -> None:
    talk = settled()
    names = [f"c{number:03}" for number in range(BATCH)]
    (first,) = talk.changes(cluster={name: version("1") for name in names})
    assert len(first[1]) == BATCH
    sent = talk.refuses("cluster")
    assert [len(entries) for _, entries, _ in sent] == [BATCH // PARTS] * PARTS
    while talk.unanswered:
        guilty = any(entry.name == "c077" for entry in talk.unanswered[0].entries)
        sent += talk.refuses("cluster", "c077: bad") if guilty else talk.accepts("cluster")
    assert len(sent) == PARTS + BATCH // PARTS
    acks = talk.saved()
    assert [key for key, record in acks.items() if record.notes.get("refused")] == ["cluster/c077"]
    assert sum(record.notes.get("accepted") == "1" for record in acks.values()) == BATCH - 1 + len(WORLD)


@pytest.mark.parametrize(("count", "responses"), [(FEW, FEW), (FEW + 1, 1)])
def test_few_routes_go_one_by_one_and_many_together(count: int, responses: int) -> None:
    """A response with routes is refused as a whole, so that a batch costs a second try; one by one costs time."""
    talk = settled()
    names = [f"r{number}" for number in range(count)]
    talk.changes(route={name: version("1") for name in names})
    assert len(talk.asks("route", *names)) == responses


def test_a_refused_listener_does_not_keep_an_old_one_alive() -> None:
    talk = settled()
    assert talk.changes(listener={"l": None, "m": version("1")}) == [("listener", ["m 1"], ["l"])]
    assert talk.refuses("listener") == [("listener", [], ["l"]), ("listener", ["m 1"], [])]
    talk.accepts("listener")
    assert talk.refuses("listener") == []
    assert talk.waits(10) == []


def test_what_a_last_good_version_uses_is_not_taken_away() -> None:
    talk = settled()
    talk.changes(cluster={"a": None, "b": version("1")}, endpoint={"a": None}, route={"r": version("2", body=b"to b")})
    talk.accepts("cluster")
    assert talk.refuses("route") == []
    assert talk.waits(60) == []
    assert talk.changes(route={"r": version("3", body=b"to b")}) == [("route", ["r 3"], [])]
    assert talk.accepts("route") == [("cluster", [], ["a"])]
    assert talk.accepts("cluster") == [("endpoint", [], ["a"])]


def test_what_a_last_good_version_uses_by_way_of_another_is_not_taken_away() -> None:
    """The listener that stays names routes that go, and these name a cluster that goes."""
    talk = Talk(WORLD | {"listener/l": version("1", body=b"routes: r")})
    talk.settled()
    talk.changes(cluster={"a": None}, listener={"l": version("2", body=b"routes: n")}, route={"r": None})
    assert talk.refuses("listener") == []
    assert talk.waits(60) == []


def test_where_the_last_good_bytes_are_not_known_nothing_is_taken_away() -> None:
    world = {key: record for key, record in WORLD.items() if key != "cluster/a"} | {"route/r": version("2")}
    talk = Talk(world, {"route/r": Record("1+", b"", {"accepted": "1"})})
    talk.asks("cluster", holds={"a": "1"})
    talk.asks("route", "r", holds={"r": "1"})
    talk.refuses("route")
    assert talk.waits(60) == []


def test_routes_to_a_refused_new_cluster_wait_for_the_translator() -> None:
    """It reads the refusal and publishes what was good before; until then the old routes serve."""
    talk = settled()
    talk.changes(cluster={"b": version("1")}, route={"r": version("2")})
    assert talk.refuses("cluster") == []
    assert talk.waits(TIMING.pause / 2) == []
    assert talk.changes(cluster={"b": None}, route={"r": version("1", body=b"to a")}) == []
    assert talk.waits(60) == []


def test_the_wait_for_the_translator_ends() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")}, route={"r": version("2")})
    talk.refuses("cluster")
    assert talk.waits(TIMING.pause + 0.01) == [("route", ["r 2"], [])]


def test_a_version_that_was_good_once_and_is_refused_now_is_given_up() -> None:
    """Not a ping-pong between two versions that Envoy wants neither of."""
    talk = settled()
    talk.changes(route={"r": version("2")})
    talk.refuses("route")
    talk.reconnect()
    talk.asks("cluster", holds={"a": "1"})
    assert talk.asks("route", "r") == [("route", ["r 1"], [])]
    assert talk.refuses("route") == []
    assert talk.waits(60) == []


def test_a_listener_without_its_address_is_tried_again() -> None:
    """Nothing is wrong with it: somebody else has the address."""
    talk = settled()
    talk.changes(listener={"m": version("1")})
    assert talk.refuses("listener", "m: cannot bind '0.0.0.0:80': Address already in use") == []
    assert talk.waits(TIMING.pardon + 0.1) == [("listener", ["m 1"], [])]
    talk.saved()
    assert talk.refuses("listener", "m: cannot bind '0.0.0.0:80': Address already in use") == []
    assert talk.saved() == {}
    assert talk.waits(TIMING.pardon + 0.1) == [("listener", ["m 1"], [])]
    talk.accepts_all()
    assert talk.saved()["listener/m"].notes["refused"] is None


def test_a_batch_that_was_not_accepted_is_in_doubt_after_a_restart() -> None:
    """Envoy applies the good ones of a refused batch and does not show them in its initial versions."""
    talk = settled()
    talk.saved()
    talk.changes(cluster={"b": version("1"), "c": version("1"), "d": version("1")})
    acks = talk.saved()
    assert DOUBTFUL_KEY in acks
    world = WORLD | {"cluster/b": version("1")}
    later = Talk(world, acks)
    assert later.asks("cluster", holds={"a": "1", "b": "1"}) == [("cluster", ["b 1"], [])]
    later.accepts_all()
    assert later.waits(1.1) == [("cluster", [], ["c", "d"])]
    later.accepts_all()
    assert DOUBTFUL_KEY not in later.saved()
    assert not later.ledger.is_unsaved


def test_an_answered_batch_leaves_no_doubt() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1"), "c": version("1")})
    assert talk.ledger.is_urgent
    talk.saved()
    talk.refuses("cluster")
    talk.accepts("cluster")
    talk.refuses("cluster")
    assert talk.ledger.changes(1.0)[DOUBTFUL_KEY] is None
