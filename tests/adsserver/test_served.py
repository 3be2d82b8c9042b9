"""How long changes take: from when they began until Envoy has answered for all that it was sent."""

from adsserver_talk import WORLD, Talk, version

from adsserver.served import BOUNDS, Served, Taken


class Clock:
    """The time that a test says it is."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def served() -> tuple[Talk, Served, Clock]:
    talk, clock = Talk(WORLD), Clock()
    talk.settled()
    return talk, Served(clock), clock


def classes(numbers: Served) -> dict[float, int]:
    """The classes that have something, by their upper ends."""
    found = numbers.record.notes["classes"]
    assert isinstance(found, list)
    return {end: count for end, count in zip((*BOUNDS, float("inf")), found, strict=True) if count}


def test_a_change_ends_with_the_answer_for_its_last_stage() -> None:
    talk, numbers, clock = served()
    talk.changes(cluster={"b": version("1")}, route={"r": version("2", body=b"to b")})
    numbers.came(Taken(1000.0, 7, 7, 1000.0), talk.session)
    clock.now = 1000.02
    talk.accepts("cluster")
    assert not numbers.look(talk.session)
    talk.accepts("route")
    clock.now = 1000.04
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.05: 1}
    assert numbers.log == {"served": [[1000.0, 1000.04, 1000.0, 7, 7]]}
    numbers.told()
    assert numbers.log == {}
    assert not numbers.look(talk.session)
    assert numbers.record.notes["last"] == 1000.04


def test_endpoints_are_served_when_they_are_answered_whatever_a_round_waits_for() -> None:
    talk, numbers, _ = served()
    talk.changes(endpoint={"a": version("2")})
    numbers.came(Taken(990.0, 7, 7, 1000.0), talk.session)
    assert not numbers.look(talk.session)
    talk.accepts("endpoint")
    assert numbers.look(talk.session)
    assert classes(numbers) == {10.0: 1}


def test_an_endpoint_that_changes_again_before_its_answer_is_served_with_the_answer_to_what_it_then_is() -> None:
    talk, numbers, _ = served()
    talk.changes(endpoint={"a": version("2")})
    numbers.came(Taken(999.9, 7, 7, 1000.0), talk.session)
    talk.changes(endpoint={"a": version("3")})
    numbers.came(Taken(999.985, 7, 7, 1000.0), talk.session)
    talk.changes(endpoint={"a": version("4")})
    numbers.came(Taken(999.999, 7, 7, 1000.0), talk.session)
    talk.accepts("endpoint")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.25: 1}
    talk.changes(endpoint={"a": version("5")})
    numbers.came(Taken(970.0, 7, 7, 1000.0), talk.session)
    talk.accepts("endpoint")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.25: 1, 0.025: 1, 0.005: 1}
    talk.accepts("endpoint")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.25: 1, 0.025: 1, 0.005: 1, 30.0: 1}


def test_an_endpoint_that_waits_and_is_what_envoy_has_again_is_waited_for_no_longer() -> None:
    talk, numbers, _ = served()
    talk.changes(endpoint={"a": version("2")})
    talk.changes(endpoint={"a": version("3")})
    numbers.came(Taken(999.985, 7, 7, 1000.0), talk.session)
    talk.changes(endpoint={"a": version("2")})
    talk.accepts("endpoint")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.025: 1}


def test_what_comes_during_a_round_is_served_with_the_next_one() -> None:
    talk, numbers, _ = served()
    talk.changes(route={"r": version("2", body=b"to a")})
    numbers.came(Taken(999.9, 7, 7, 1000.0), talk.session)
    talk.changes(route={"r": version("3", body=b"to a")})
    numbers.came(Taken(999.985, 7, 7, 1000.0), talk.session)
    talk.accepts("route")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.25: 1}
    talk.accepts("route")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.25: 1, 0.025: 1}


def test_what_waits_for_a_secret_and_joins_the_round_that_is_under_way_is_served_with_that() -> None:
    talk, numbers, _ = served()
    talk.changes(cluster={"b": version("1")})
    talk.changes(secret={"s": version("2")}, listener={"l": version("2")})
    numbers.came(Taken(999.9, 7, 7, 1000.0), talk.session)
    talk.accepts("secret")
    assert not numbers.look(talk.session)
    talk.accepts("cluster")
    talk.accepts("listener")
    assert numbers.look(talk.session)
    assert classes(numbers) == {0.25: 1}


def test_what_envoy_refuses_is_answered_too() -> None:
    talk, numbers, _ = served()
    talk.changes(route={"r": version("2", body=b"to a")})
    numbers.came(Taken(999.999, 7, 7, 1000.0), talk.session)
    talk.refuses("route")
    assert numbers.look(talk.session)
    numbers.refused("route")
    assert numbers.record.notes["refused"] == {"route": 1}


def test_what_no_envoy_was_there_for_waits_for_the_next_one() -> None:
    talk, numbers, _ = served()
    talk.changes(route={"r": version("2", body=b"to a")})
    numbers.came(Taken(900.0, 7, 7, 1000.0), talk.session)
    talk.reconnect()
    talk.session.name = "another"
    numbers.came(Taken(950.0, 7, 7, 1000.0), None)
    assert not numbers.look(talk.session)
    talk.settled()
    assert numbers.look(talk.session)
    assert classes(numbers) == {60.0: 1, float("inf"): 1}
