"""In what order changes reach Envoy: make before break, each step proven by Envoy's answer."""

from adsserver_talk import TIMING, WORLD, Talk, version


def settled() -> Talk:
    talk = Talk(WORLD)
    talk.settled()
    return talk


def test_a_cold_start_goes_step_by_step() -> None:
    talk = Talk(WORLD)
    assert talk.asks("cluster") == [("cluster", ["a 1"], [])]
    assert talk.asks("endpoint", "a") == [("endpoint", ["a 1"], [])]
    assert talk.accepts_all() == []
    assert talk.asks("listener") == [("listener", ["l 1"], [])]
    assert talk.asks("route", "r") == [("route", ["r 1"], [])]


def test_clusters_then_listeners_then_routes_then_what_is_no_longer_used() -> None:
    talk = settled()
    sent = talk.changes(
        cluster={"a": None, "b": version("1", endpoints="b")},
        endpoint={"a": None, "b": version("1")},
        listener={"l": version("2")},
        route={"r": version("2", body=b"to b")},
    )
    assert sent == [("cluster", ["b 1"], [])]
    assert talk.asks("endpoint", "b") == [("endpoint", ["b 1"], [])]
    assert talk.accepts("endpoint") == []
    assert talk.accepts("cluster") == [("listener", ["l 2"], [])]
    assert talk.accepts("listener") == [("route", ["r 2"], [])]
    assert talk.accepts("route") == [("cluster", [], ["a"])]
    assert talk.accepts("cluster") == [("endpoint", [], ["a"])]


def with_filter(**notes: str) -> Talk:
    talk = Talk({**WORLD, "extension/f": version("1", **notes)})
    talk.settled()
    return talk


def test_the_configuration_of_a_filter_comes_before_the_routes_that_switch_it_on() -> None:
    talk = with_filter(use="idle")
    sent = talk.changes(
        cluster={"b": version("1")},
        extension={"f": version("2")},
        listener={"l": version("2")},
        route={"r": version("2")},
    )
    assert sent == [("cluster", ["b 1"], [])]
    assert talk.accepts("cluster") == [("extension", ["f 2"], [])]
    assert talk.accepts("extension") == [("listener", ["l 2"], [])]
    assert talk.accepts("listener") == [("route", ["r 2"], [])]


def test_what_configures_a_filter_that_is_switched_off_comes_after_the_routes() -> None:
    talk = with_filter()
    sent = talk.changes(cluster={"a": None}, extension={"f": version("2", use="idle")}, route={"r": version("2")})
    assert sent == [("route", ["r 2"], [])]
    assert talk.accepts("route") == [("extension", ["f 2"], [])]
    assert talk.accepts("extension") == [("cluster", [], ["a"])]


def test_a_new_envoy_is_given_what_configures_an_unused_filter_before_its_listeners_wait_for_it() -> None:
    talk = Talk({**WORLD, "extension/f": version("1", use="idle")})
    talk.asks("cluster")
    talk.asks("endpoint", "a")
    talk.accepts_all()
    assert talk.asks("listener") == [("listener", ["l 1"], [])]
    assert talk.asks("extension", "f") == [("extension", ["f 1"], [])]


def test_the_configuration_of_a_filter_that_is_no_more_goes_when_the_routes_are_told() -> None:
    """An older version of the gateway had the filter: its listeners go, and with them who asks."""
    talk = with_filter()
    assert talk.changes(extension={"f": None}, route={"r": version("2")}) == [("route", ["r 2"], [])]
    assert talk.accepts("route") == [("extension", [], ["f"])]


def test_an_envoy_that_starts_has_its_runtime_before_it_asks_for_anything_else() -> None:
    talk = Talk({**WORLD, "runtime/numbers": version("1")})
    assert talk.asks("runtime", "numbers") == [("runtime", ["numbers 1"], [])]
    assert talk.changes(runtime={"numbers": version("2")}) == []
    assert talk.waits(60) == []
    assert talk.accepts("runtime") == [("runtime", ["numbers 2"], [])]
    assert talk.asks("cluster") == [("cluster", ["a 1"], [])]


def test_an_envoy_that_comes_back_keeps_its_runtime() -> None:
    talk = Talk({**WORLD, "runtime/numbers": version("1")})
    assert talk.asks("runtime", "numbers", holds={"numbers": "1"}) == []
    assert talk.asks("cluster", holds={"a": "1"}) == []
    assert talk.waits(2) == []


def test_a_refused_runtime_is_refused_again_by_an_envoy_that_waits_for_it() -> None:
    """An answer is what it waits for, be it one that it cannot use."""
    talk = Talk({**WORLD, "runtime/numbers": version("1")})
    talk.asks("runtime", "numbers")
    assert talk.refuses("runtime") == []
    talk.reconnect()
    assert talk.asks("runtime", "numbers") == [("runtime", ["numbers 1"], [])]


def test_numbers_of_the_runtime_go_at_any_moment() -> None:
    talk = Talk({**WORLD, "runtime/numbers": version("1")})
    talk.settled()
    talk.asks("runtime", "numbers")
    talk.accepts_all()
    assert talk.changes(cluster={"b": version("1")}, route={"r": version("2")}) == [("cluster", ["b 1"], [])]
    assert talk.changes(runtime={"numbers": version("2")}) == [("runtime", ["numbers 2"], [])]


def test_an_isolated_change_goes_at_once() -> None:
    assert settled().changes(route={"r": version("2")}) == [("route", ["r 2"], [])]
    assert settled().changes(listener={"l": version("2")}) == [("listener", ["l 2"], [])]


def test_a_changed_cluster_is_followed_by_its_endpoints_at_once() -> None:
    """Envoy warms the new version of a cluster until endpoints come, though they are the same."""
    talk = settled()
    assert talk.changes(cluster={"a": version("2", endpoints="a")}) == [
        ("cluster", ["a 2"], []),
        ("endpoint", ["a 1"], []),
    ]


def test_endpoints_that_change_with_their_cluster_come_after_it() -> None:
    talk = settled()
    assert talk.changes(endpoint={"a": version("2")}, cluster={"a": version("2", endpoints="a")}) == [
        ("cluster", ["a 2"], []),
        ("endpoint", ["a 2"], []),
    ]


def test_two_clusters_may_share_endpoints() -> None:
    """Envoy does not ask again for what it has asked for already."""
    talk = settled()
    assert talk.changes(cluster={"b": version("1", endpoints="a")}) == [
        ("cluster", ["b 1"], []),
        ("endpoint", ["a 1"], []),
    ]


def test_endpoints_and_secrets_wait_for_nothing() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")})
    assert talk.changes(endpoint={"a": version("2")}, secret={"s": version("2")}) == [
        ("endpoint", ["a 2"], []),
        ("secret", ["s 2"], []),
    ]


def test_endpoints_of_a_cluster_that_waits_for_the_next_round_wait_with_it() -> None:
    talk = settled()
    talk.changes(route={"r": version("2")})
    assert talk.changes(cluster={"a": version("2", endpoints="a")}, endpoint={"a": version("2")}) == []
    assert talk.accepts("route") == [("cluster", ["a 2"], []), ("endpoint", ["a 2"], [])]


def test_endpoints_that_change_quickly_wait_for_envoys_answer() -> None:
    talk = settled()
    assert talk.changes(endpoint={"a": version("2")}) == [("endpoint", ["a 2"], [])]
    assert talk.changes(endpoint={"a": version("3")}) == []
    assert talk.changes(endpoint={"a": version("4")}) == []
    assert talk.accepts("endpoint") == [("endpoint", ["a 4"], [])]


def test_changes_during_a_round_make_the_next_one_together() -> None:
    talk = settled()
    talk.changes(route={"r": version("2")})
    assert talk.changes(cluster={"b": version("1")}, route={"r": version("3")}) == []
    assert talk.changes(route={"r": version("4")}) == []
    assert talk.accepts("route") == [("cluster", ["b 1"], [])]
    assert talk.accepts("cluster") == [("route", ["r 4"], [])]


def test_changes_join_a_round_that_still_waits_for_its_clusters() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")}, route={"r": version("2")})
    assert talk.changes(cluster={"c": version("1")}, route={"r": version("3")}) == [("cluster", ["c 1"], [])]
    assert talk.accepts("cluster") == []
    assert talk.accepts("cluster") == [("route", ["r 3"], [])]


def test_what_goes_and_comes_back_within_a_round_is_not_taken_away() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1"), "a": None}, route={"r": version("2")})
    talk.accepts("cluster")
    assert talk.changes(cluster={"a": version("1", endpoints="a")}) == []
    assert talk.accepts_all() == []


def test_the_routes_of_a_new_listener_are_answered_when_envoy_asks() -> None:
    """The listener warms until it has them, and its answer may come after that question."""
    talk = settled()
    assert talk.changes(listener={"m": version("1")}, route={"n": version("1")}) == [("listener", ["m 1"], [])]
    assert talk.asks("route", "n") == [("route", ["n 1"], [])]
    assert talk.accepts_all() == []


def test_routes_wait_for_the_clusters_they_came_with() -> None:
    talk = settled()
    assert talk.changes(cluster={"b": version("1")}, route={"n": version("1")}) == [("cluster", ["b 1"], [])]
    assert talk.asks("route", "n") == []
    assert talk.accepts("cluster") == [("route", ["n 1"], [])]


def test_a_warming_cluster_holds_a_round_back_for_a_second() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")}, route={"r": version("2")})
    assert talk.waits(TIMING.grace - 0.01) == []
    assert talk.waits(0.02) == [("route", ["r 2"], [])]


def test_later_rounds_wait_less_for_the_same_warming_cluster() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")})
    talk.waits(2)
    assert talk.changes(cluster={"c": version("1")}, route={"r": version("2")}) == [("cluster", ["c 1"], [])]
    assert talk.waits(TIMING.short_grace + 0.01) == [("route", ["r 2"], [])]


def test_a_busy_envoy_is_given_time_to_ask_for_the_endpoints_of_a_new_cluster() -> None:
    """The routes must not overtake the endpoints only because the machine is slow."""
    talk = settled()
    talk.changes(cluster={"b": version("1", endpoints="b")}, endpoint={"b": version("1")}, route={"r": version("2")})
    assert talk.waits(TIMING.patience - 0.1) == []
    assert talk.asks("endpoint", "b") == [("endpoint", ["b 1"], [])]
    assert talk.accepts("endpoint") == [("route", ["r 2"], [])]


def test_no_cluster_goes_while_an_answer_about_routes_is_missing() -> None:
    talk = settled()
    talk.changes(cluster={"a": None}, route={"r": version("2")})
    assert talk.waits(60) == []
    assert talk.changes(route={"r": version("3")}) == [("route", ["r 3"], [])]
    assert talk.accepts("route") == []
    assert talk.accepts("route") == [("cluster", [], ["a"])]


def test_no_cluster_goes_just_after_a_reconnection() -> None:
    """The requests of all kinds come within a moment; which routes Envoy has is known only then."""
    talk = settled()
    talk.reconnect()
    talk.asks("cluster", holds={"a": "1"})
    talk.asks("listener", holds={"l": "1"})
    talk.changes(cluster={"a": None}, route={"r": version("2")})
    assert talk.asks("route", "r", holds={"r": "1"}) == [("route", ["r 2"], [])]
    assert talk.accepts("route") == []
    assert talk.waits(1.1) == [("cluster", [], ["a"])]


def test_an_unanswered_listener_does_not_stop_the_world() -> None:
    talk = settled()
    talk.changes(listener={"l": version("2")}, route={"r": version("2")})
    assert talk.waits(TIMING.patience + 0.1) == [("route", ["r 2"], [])]


def test_an_old_listener_goes_in_the_response_that_brings_the_new_one() -> None:
    """Envoy removes first: the new one may have the old one's address."""
    talk = settled()
    assert talk.changes(listener={"l": None, "m": version("1")}) == [("listener", ["m 1"], ["l"])]


def test_an_idle_session_wants_no_timer() -> None:
    talk = settled()
    talk.waits(TIMING.pardon)
    assert talk.session.deadline is None
