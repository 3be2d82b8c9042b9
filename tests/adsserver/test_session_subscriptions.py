"""Who asks for what, and what is answered: the protocol of delta xDS."""

from adsserver_talk import Talk, version

from adsserver.messages import Request
from adsserver.resources import Kind
from adsserver.subscription import Subscription

WORLD = {
    "cluster/a": version("1", endpoints="a"),
    "cluster/b": version("1"),
    "endpoint/a": version("1"),
    "listener/l": version("1"),
    "route/r": version("1"),
}


def test_a_first_request_without_names_wants_all_clusters() -> None:
    assert Talk(WORLD).asks("cluster") == [("cluster", ["a 1", "b 1"], [])]


def test_a_first_request_without_names_wants_no_endpoints() -> None:
    """Envoy sends one when it has given up its last subscription; only clusters and listeners have a wildcard."""
    assert Talk(WORLD).asks("endpoint") == []


def test_the_star_wants_everything_of_any_kind() -> None:
    assert Talk(WORLD).asks("cluster", "*") == [("cluster", ["a 1", "b 1"], [])]
    assert Talk(WORLD).asks("endpoint", "*") == [("endpoint", ["a 1"], [])]
    talk = Talk(WORLD)
    talk.asks("cluster", "b")
    talk.accepts_all()
    assert talk.asks("cluster", "*") == [("cluster", ["a 1"], [])]


def test_names_beside_the_wildcard() -> None:
    """A name does not end the wildcard; giving up the wildcard leaves the name."""
    talk = Talk(WORLD)
    talk.asks("cluster")
    talk.accepts_all()
    assert talk.asks("cluster", "b") == [("cluster", ["b 1"], [])]
    assert talk.changes(cluster={"a": version("2")}) == [("cluster", ["a 2"], [])]
    talk.accepts_all()
    talk.asks("cluster", unsubscribe=("*",))
    assert talk.changes(cluster={"a": version("3"), "b": version("3")}) == [("cluster", ["b 3"], [])]


def test_a_name_given_up_under_the_wildcard_is_answered() -> None:
    """Envoy cannot know whether the wildcard still covers it."""
    talk = Talk(WORLD)
    talk.asks("cluster", "*", "b", "gone")
    talk.accepts_all()
    assert talk.asks("cluster", unsubscribe=("b", "gone")) == [("cluster", [], ["gone"]), ("cluster", ["b 1"], [])]


def test_a_name_subscribed_again_is_answered_though_nothing_changed() -> None:
    talk = Talk(WORLD)
    assert talk.asks("endpoint", "a") == [("endpoint", ["a 1"], [])]
    assert talk.asks("endpoint", "a") == [("endpoint", ["a 1"], [])]
    talk.asks("endpoint", unsubscribe=("a",))
    assert talk.changes(endpoint={"a": version("2")}) == []
    assert talk.asks("endpoint", "a") == [("endpoint", ["a 2"], [])]


def test_what_does_not_exist_is_told_and_sent_when_it_comes() -> None:
    talk = Talk(WORLD)
    assert talk.asks("secret", "s") == [("secret", [], ["s"])]
    talk.accepts_all()
    assert talk.changes(secret={"s": version("1")}) == [("secret", ["s 1"], [])]


def test_a_wildcard_that_finds_nothing_is_answered_nevertheless() -> None:
    """Envoy starts its listeners only after an answer about clusters."""
    talk = Talk({})
    assert talk.asks("cluster") == [("cluster", [], [])]
    talk.accepts_all()
    assert talk.asks("listener") == [("listener", [], [])]


def test_nothing_is_answered_before_the_translator_has_published() -> None:
    talk = Talk(None)
    assert talk.asks("cluster") == []
    assert talk.asks("endpoint", "a") == []
    assert talk.session.deadline is None
    assert talk.changes(endpoint={"a": version("1")}) == [("cluster", [], []), ("endpoint", ["a 1"], [])]


def test_after_a_reconnection_only_the_differences_go() -> None:
    talk = Talk(WORLD)
    assert talk.asks("cluster", holds={"a": "1", "b": "0"}) == [("cluster", ["b 1"], [])]
    assert talk.asks("endpoint", "a", holds={"a": "1"}) == []
    talk.accepts_all()
    assert talk.asks("listener", holds={"l": "1"}) == []
    assert talk.asks("route", "r", holds={"r": "0"}) == [("route", ["r 1"], [])]


def test_a_reconnection_without_changes_sends_nothing() -> None:
    talk = Talk(WORLD)
    talk.settled()
    talk.reconnect()
    assert talk.asks("cluster", holds={"a": "1", "b": "1"}) == []
    assert talk.asks("endpoint", "a", holds={"a": "1"}) == []
    assert talk.asks("listener", holds={"l": "1"}) == []
    assert talk.asks("route", "r", holds={"r": "1"}) == []
    assert talk.waits(60) == []


def test_names_that_are_no_longer_known_are_removed_after_a_reconnection() -> None:
    """Listeners and names asked for at once, clusters when Envoy has had time to say what it wants."""
    talk = Talk(WORLD)
    assert talk.asks("cluster", holds={"a": "1", "b": "1", "old": "1"}) == []
    assert talk.asks("endpoint", "a", "old", holds={"a": "1", "old": "1"}) == [("endpoint", [], ["old"])]
    assert talk.asks("listener", holds={"l": "1", "old": "1"}) == [("listener", [], ["old"])]
    talk.accepts_all()
    assert talk.asks("route", "r", holds={"r": "0"}) == [("route", ["r 1"], [])]
    assert talk.waits(2) == []
    assert talk.accepts("route") == [("cluster", [], ["old"])]


def test_endpoints_go_again_when_envoy_keeps_its_request_about_clusters_back() -> None:
    """It does so while a cluster warms, and that one waits for its endpoints."""
    talk = Talk(WORLD)
    assert talk.asks("endpoint", "a", holds={"a": "1"}) == [("endpoint", ["a 1"], [])]


def test_endpoints_go_again_for_a_cluster_that_was_sent_before_they_were_asked_for() -> None:
    talk = Talk(WORLD)
    assert talk.asks("cluster", holds={"a": "0", "b": "1"}) == [("cluster", ["a 1"], [])]
    assert talk.asks("endpoint", "a", holds={"a": "1"}) == [("endpoint", ["a 1"], [])]


def test_an_envoy_that_cannot_ask_for_clusters_is_sent_the_new_ones() -> None:
    """While one warms for long, its request is kept back; what it accepted last is taken for what it holds."""
    talk = Talk(WORLD)
    talk.settled()
    talk.reconnect()
    talk.asks("endpoint", "a", holds={"a": "1"})
    talk.asks("route", "r", holds={"r": "1"})
    talk.accepts_all()
    assert talk.changes(cluster={"c": version("1")}, route={"r": version("2")}) == []
    assert talk.waits(1) == [("cluster", ["c 1"], [])]
    assert talk.waits(1.1) == [("route", ["r 2"], [])]


def test_a_nonce_of_another_stream_means_nothing_but_the_subscription_counts() -> None:
    talk = Talk(WORLD)
    assert talk.asks("endpoint", "a", nonce="77") == [("endpoint", ["a 1"], [])]
    assert talk.asks("endpoint", nonce="not a number") == []


def test_a_subscription_covers_what_was_asked_for() -> None:
    subscription = Subscription()
    assert subscription.update(Request(Kind.ROUTE, ("a", "b"), initial_versions={"b": "1"})) == ["a"]
    assert (subscription.covers("a"), subscription.covers("c")) == (True, False)
    assert subscription.update(Request(Kind.ROUTE, ("b",), ("a",))) == ["b"]
    assert (subscription.covers("a"), subscription.covers("b")) == (False, True)
