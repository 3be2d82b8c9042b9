"""What Envoy has no use for is told as such, once all that is on its way has come; it is not waited for."""

from pathlib import Path

import orjson
from adsserver_talk import WORLD, Talk, version

from adsserver.acks import Acks
from adsserver.resources import Kind
from adsserver.unasked import UNASKED_KEY, Unasked
from snapshot import Record, Snapshot


def keys(record: Record | None) -> list[str] | None:
    return None if record is None else orjson.loads(record.body)


def settled(*unused: str) -> Talk:
    """A stream on which all has come, but for what the translator then adds and Envoy has no use for."""
    talk = Talk(WORLD)
    talk.settled()
    talk.changes(**{kind: {name: version("1")} for kind, name in (key.split("/") for key in unused)})
    return talk


def told(unasked: Unasked, talk: Talk) -> list[str] | None:
    """What is news, which is then told."""
    unasked.look(talk.session)
    found = keys(unasked.record)
    unasked.told()
    return found


def test_what_nobody_asks_for_is_told_and_what_is_answered_is_not() -> None:
    talk = settled("route/unused", "extension/f")
    unasked = Unasked(talk.catalog, talk.ledger)
    assert unasked.is_open
    assert told(unasked, talk) == ["extension/f", "route/unused"]
    assert not unasked.is_open
    assert told(unasked, talk) is None


def test_while_something_is_on_its_way_nothing_is_said() -> None:
    talk = Talk(WORLD)
    unasked = Unasked(talk.catalog, talk.ledger)
    talk.settled()
    assert told(unasked, talk) == []
    talk.changes(route={"r": version("2", body=b"to a"), "unused": version("1")})
    unasked.changed({Kind.ROUTE: dict(talk.catalog.of(Kind.ROUTE))})
    assert told(unasked, talk) is None, "the answer for r is missing"
    talk.accepts("route")
    assert told(unasked, talk) == ["route/unused"]
    talk.asks("route", "unused")
    talk.accepts("route")
    assert told(unasked, talk) == []


def test_of_an_envoy_that_has_not_asked_for_anything_yet_nothing_is_said() -> None:
    talk = settled("route/unused")
    unasked = Unasked(talk.catalog, talk.ledger)
    talk.reconnect()
    talk.asks("runtime", "dragoman")
    assert told(unasked, talk) == []
    talk.settled()
    assert told(unasked, talk) is None, "this one wants all there is"


def test_what_is_gone_or_refused_is_no_longer_told() -> None:
    talk = settled("route/one", "secret/two")
    unasked = Unasked(talk.catalog, talk.ledger)
    assert told(unasked, talk) == ["route/one", "secret/two"]
    talk.changes(route={"one": None})
    assert told(unasked, talk) == ["secret/two"]
    talk.asks("secret", "two")
    talk.refuses("secret")
    assert told(unasked, talk) == []


async def test_it_is_in_the_snapshot_once_and_what_an_earlier_process_said_is_over(tmp_path: Path) -> None:
    talk = settled("route/unused")
    with Snapshot.open(tmp_path / "snapshot") as snapshot, snapshot.writer("acks") as writer:
        writer.commit({UNASKED_KEY: Record("old", b'["route/old"]')})
        acks = Acks(writer, talk.ledger, talk.catalog)
        acks.tell_stream(connected=False)
        assert keys(snapshot.reader("acks").get(UNASKED_KEY)) == []
        acks.look(talk.session)
        acks.save()
        assert keys(snapshot.reader("acks").get(UNASKED_KEY)) == ["route/unused"]
        before = snapshot.reader("acks").sequence
        acks.save()
        assert snapshot.reader("acks").sequence == before
