"""Scopes before what leads to them, with the routes that they lead to; and gone after it."""

from dataclasses import replace

from adsserver_talk import TIMING, Talk, version

from adsserver.round import Timing
from adsserver.withdrawal import MOST_KEPT
from snapshot import Record

LINGERING = replace(TIMING, linger=15.0, drain=100.0)


def scope(name: str) -> dict[str, Record]:
    """A scope whose routes are called as it is."""
    return {name: version("1", routes=name)}


def index(text: str, *scopes: str) -> Record:
    return version(text, body=" ".join(scopes).encode())


WORLD = {
    "cluster/a": version("1"),
    "listener/l": version("1", body=b"begins with first"),
    **{f"scope/{name}": each for name, each in {**scope("first"), **scope("k")}.items()},
    "route/first": index("1", "k"),
    "route/k": version("1", body=b"to a"),
}


def settled(timing: Timing = TIMING) -> Talk:
    talk = Talk(WORLD, timing=timing)
    talk.asks("cluster")
    talk.accepts_all()
    talk.asks("listener")
    talk.asks("scope")
    talk.asks("route", "first", "k")
    talk.accepts_all()
    talk.waits(2)
    return talk


def moved(talk: Talk, old: str, new: str) -> None:
    """The index leads to a new scope in place of an old one, which goes in the same commit."""
    talk.changes(
        scope={old: None, **scope(new)}, route={old: None, new: version("1"), "first": index(f"to {new}", new)}
    )
    talk.asks("route", new)
    talk.accepts_all()


def test_a_listener_that_needs_scopes_is_given_all_at_once() -> None:
    """It waits for the first response about them, and for the routes that these lead to."""
    talk = Talk(WORLD)
    talk.asks("cluster")
    talk.accepts_all()
    assert talk.asks("listener") == [("listener", ["l 1"], [])]
    assert talk.asks("scope") == [("scope", ["first 1", "k 1"], [])]
    assert talk.asks("route", "first", "k") == [("route", ["first 1"], []), ("route", ["k 1"], [])]


def test_routes_wait_until_those_of_new_scopes_are_answered() -> None:
    talk = settled()
    assert talk.changes(
        cluster={"b": version("1")},
        scope=scope("n"),
        listener={"l": version("2")},
        route={"n": version("1"), "first": index("2", "n")},
    ) == [("cluster", ["b 1"], [])]
    assert talk.accepts("cluster") == [("scope", ["n 1"], []), ("route", ["n 1"], [])]
    assert talk.asks("route", "n") == []
    assert talk.accepts("scope") == []
    assert talk.accepts("route") == [("listener", ["l 2"], [])]
    assert talk.accepts("listener") == [("route", ["first 2"], [])]


def test_a_new_scope_and_the_index_that_leads_there_take_two_exchanges() -> None:
    """Envoy asks for the routes as it reads the scope: they are behind it already, and it waits for no answer."""
    talk = settled()
    sent = talk.changes(scope=scope("n"), route={"n": version("1"), "first": index("2", "n")})
    assert sent == [("scope", ["n 1"], []), ("route", ["n 1"], [])]
    assert talk.asks("route", "n") == talk.accepts("scope") == []
    assert talk.accepts("route") == [("route", ["first 2"], [])]
    assert talk.accepts("route") == []
    assert talk.asks("route", "n") == [("route", ["n 1"], [])], "who asks again has dropped it"


def test_what_was_sent_behind_a_refused_scope_is_sent_again() -> None:
    """Envoy passes over routes that nothing there leads to, and accepts them."""
    talk = settled()
    talk.changes(scope=scope("n"), route={"n": version("1"), "first": index("2", "n")})
    talk.refuses("scope")
    talk.accepts("route")
    sent = talk.changes(scope={"n": version("2", routes="n")})
    assert sent == [("scope", ["n 2"], []), ("route", ["n 1"], [])]
    talk.refuses("scope")
    talk.accepts("route")
    assert talk.asks("route", "n") == [("route", ["n 1"], [])]


def test_routes_of_very_many_new_scopes_are_sent_when_they_are_asked_for() -> None:
    talk, names = settled(), [f"n{number}" for number in range(17)]
    routes = {name: version("1") for name in names}
    scopes = {name: each for new in names for name, each in scope(new).items()}
    assert talk.changes(scope=scopes, route=routes) == [("scope", [f"{name} 1" for name in names], [])]
    assert talk.asks("route", *names) == [("route", [f"{name} 1" for name in names], [])]


def test_that_wait_is_no_longer_than_others_and_begins_anew_with_each_answer() -> None:
    talk = settled()
    talk.changes(
        scope=scope("n") | scope("m"), route={"n": version("1"), "m": version("1"), "first": index("2", "n", "m")}
    )
    talk.accepts("scope")
    talk.asks("route", "n", "m")
    assert talk.waits(TIMING.patience - 0.1) == []
    assert talk.accepts("route") == []
    assert talk.waits(TIMING.patience - 0.1) == []
    assert talk.waits(0.2) == [("route", ["first 2"], [])]


def test_a_scope_goes_after_the_routes_that_led_to_it_and_then_its_own_and_their_cluster() -> None:
    talk = settled()
    talk.changes(
        cluster={"a": None},
        scope={"k": None, **scope("n")},
        route={"k": None, "n": version("1"), "first": index("2", "n")},
    )
    talk.asks("route", "n")
    talk.accepts("scope")
    assert talk.accepts("route") == [("route", ["first 2"], [])]
    assert talk.accepts("route") == [("scope", [], ["k"])]
    assert talk.accepts("scope") == []
    assert talk.asks("route", unsubscribe=("k",)) == [("cluster", [], ["a"])]
    talk.accepts_all()
    changes = talk.ledger.changes(1.0)
    assert (changes["scope/k"], changes["route/k"], changes["cluster/a"]) == (None, None, None)
    talk.waits(TIMING.pardon)
    assert talk.session.deadline is None


def test_a_scope_lingers() -> None:
    """A request may be authorized just now, and be routed by it afterwards."""
    talk = settled(LINGERING)
    moved(talk, "k", "n")
    assert talk.waits(14.9) == []
    assert talk.waits(0.2) == [("scope", [], ["k"])]


def test_a_scope_that_comes_back_is_kept_and_its_routes_go_before_the_index() -> None:
    talk = settled(LINGERING)
    moved(talk, "k", "n")
    talk.waits(10)
    sent = talk.changes(route={"first": index("3", "k"), "k": version("2")}, scope=scope("k"))
    assert sent == [("route", ["k 2"], []), ("route", ["first 3"], [])]
    talk.accepts_all()
    assert talk.waits(1000) == []


def test_a_refused_index_keeps_the_scopes_that_its_last_version_names() -> None:
    talk = settled()
    talk.changes(scope={"k": None}, route={"k": None, "first": index("2")})
    assert talk.refuses("route") == []
    assert talk.waits(1000) == []
    assert talk.changes(route={"first": index("3")}) == [("route", ["first 3"], [])]
    assert talk.accepts("route") == [("scope", [], ["k"])]


def test_a_refused_listener_keeps_the_scope_that_it_begins_with_and_what_that_leads_to() -> None:
    talk = settled()
    talk.changes(listener={"l": version("2")}, scope={"first": None, "k": None}, route={"first": None, "k": None})
    assert talk.refuses("listener") == []
    assert talk.waits(1000) == []


def test_the_scopes_of_a_listener_that_goes_stay_while_it_drains() -> None:
    talk = settled(LINGERING)
    talk.changes(listener={"l": None}, scope={"first": None, "k": None}, route={"first": None, "k": None})
    talk.accepts_all()
    assert talk.waits(99) == []
    assert talk.waits(2) == [("scope", [], ["first", "k"])]


def test_they_go_as_soon_as_envoy_has_dropped_their_routes() -> None:
    talk = settled(LINGERING)
    talk.changes(listener={"l": None}, scope={"first": None, "k": None}, route={"first": None, "k": None})
    talk.accepts_all()
    talk.waits(20)
    assert talk.asks("route", unsubscribe=("k",)) == [("scope", [], ["k"])]
    assert talk.asks("route", unsubscribe=("first",)) == [("scope", [], ["first"])]


def test_a_listener_that_comes_when_envoy_has_dropped_its_scopes_is_given_them_again() -> None:
    """It asks for none, though it waits for some."""
    talk = settled(LINGERING)
    gone = {"scope": {"first": None, "k": None}, "route": {"first": None, "k": None}}
    talk.changes(listener={"l": version("2", body=b"without")}, **gone)
    talk.accepts_all()
    talk.asks("route", unsubscribe=("first", "k"))
    talk.accepts_all()
    back = {**scope("first"), **scope("k")}
    sent = talk.changes(listener={"l": version("3")}, scope=back, route={"first": index("1", "k"), "k": version("1")})
    assert sent == [("listener", ["l 3"], []), ("scope", ["first 1", "k 1"], [])]
    talk.accepts("listener")
    talk.accepts("scope")
    assert talk.asks("route", "first", "k") == [("route", ["first 1"], []), ("route", ["k 1"], [])]


def test_scopes_that_envoy_drops_though_they_are_wanted_go_again() -> None:
    """The last drain ended while a listener was on its way: it waits, and nothing else would tell."""
    talk = settled()
    assert talk.asks("route", unsubscribe=("k",)) == [("scope", ["first 1", "k 1"], [])]
    assert talk.accepts("scope") == []
    assert talk.waits(1000) == []


def test_an_envoy_that_comes_back_is_heard_before_routes_change() -> None:
    talk = settled()
    talk.reconnect()
    talk.asks("cluster", holds={"a": "1"})
    talk.asks("listener", holds={"l": "1"})
    talk.changes(scope=scope("n"), route={"n": version("1"), "first": index("2", "n")})
    assert talk.asks("route", "first", "k", holds={"first": "1", "k": "1"}) == []
    assert talk.asks("scope", holds={"first": "1", "k": "1"}) == [("scope", ["n 1"], []), ("route", ["n 1"], [])]
    assert talk.asks("route", "n") == []
    talk.accepts("scope")
    assert talk.accepts("route") == [("route", ["first 2"], [])]


def test_scopes_that_nobody_remembers_stay_for_a_drain() -> None:
    talk = Talk(WORLD, timing=LINGERING)
    talk.asks("cluster", holds={"a": "1"})
    talk.asks("listener", holds={"l": "1"})
    assert talk.asks("scope", holds={"first": "1", "k": "1", "old": "1"}) == []
    talk.asks("route", "first", "k", "old", holds={"first": "1", "k": "1", "old": "1"})
    assert talk.waits(LINGERING.drain) == []
    assert talk.waits(LINGERING.trust + 1) == [("scope", [], ["old"])]


def test_a_refused_scope_is_found_told_and_not_sent_again() -> None:
    talk = settled()
    routes = [("route", ["n 1"], []), ("route", ["bad 1"], [])]
    sent = talk.changes(scope=scope("n") | scope("bad"), route={"n": version("1"), "bad": version("1")})
    assert sent == [("scope", ["n 1", "bad 1"], []), *routes]
    assert talk.refuses("scope") == [("scope", ["n 1"], []), routes[0], ("scope", ["bad 1"], []), routes[1]]
    talk.accepts("scope")
    assert talk.refuses("scope") == []
    saved = talk.saved()
    assert saved["scope/bad"].notes["refused"] == "1"
    assert saved["scope/n"].notes["accepted"] == "1"
    talk.asks("route", "n")
    talk.accepts_all()
    talk.waits(2)
    assert talk.changes(scope=scope("m")) == [("scope", ["m 1"], [])]


def test_the_last_good_version_of_a_scope_still_names_its_routes() -> None:
    talk = settled()
    talk.changes(scope={"k": version("2", routes="k")})
    talk.refuses("scope")
    saved = talk.saved()["scope/k"]
    assert (saved.notes["routes"], saved.body) == ("k", b"1")


def test_the_translator_takes_refused_routes_of_a_new_scope_back_before_any_are_led_there() -> None:
    talk = settled()
    talk.changes(scope=scope("n"), route={"n": version("1"), "first": index("2", "n")})
    talk.accepts("scope")
    talk.asks("route", "n")
    assert talk.refuses("route") == []
    assert talk.changes(cluster={"b": version("1")}, route={"n": version("2")}) == [("cluster", ["b 1"], [])]
    assert talk.accepts("cluster") == [("route", ["n 2"], [])]
    assert talk.refuses("route") == []
    assert talk.changes(route={"n": version("3")}) == [("route", ["n 3"], [])]
    assert talk.accepts("route") == [("route", ["first 2"], [])]


def test_that_is_waited_for_a_moment_only() -> None:
    talk = settled()
    talk.changes(scope=scope("n"), route={"n": version("1"), "first": index("2", "n")})
    talk.accepts("scope")
    talk.asks("route", "n")
    talk.refuses("route")
    assert talk.waits(TIMING.pause - 0.1) == []
    assert talk.waits(0.2) == [("route", ["first 2"], [])]


def test_no_more_scopes_are_kept_than_there_are_others_or_a_thousand() -> None:
    talk = settled(LINGERING)
    many = {f"s-{number:04}": version("1", routes=f"s-{number:04}") for number in range(MOST_KEPT + 1)}
    talk.changes(scope=many)
    talk.asks("route", *many)
    talk.accepts_all()
    assert talk.changes(scope=dict.fromkeys(many)) == [("scope", [], ["s-0000"])]
