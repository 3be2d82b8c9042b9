"""What a change costs the adsserver does not depend on how many resources there are: counted, never timed."""

from dataclasses import replace

import pytest
from adsserver_talk import TIMING, Talk, version

from snapshot import Record
from tests.support.calls import calls_of

FEW, MANY = 40, 400
MOST_GROWTH = 1.2

KINDS = ("cluster", "endpoint", "extension", "listener", "route", "secret")


def talk(count: int) -> Talk:
    """A stream that holds so many resources of each kind."""
    records: dict[str, Record | None] = {}
    for number in range(count):
        records |= {f"{kind}/{number}": version("1", body=b"a") for kind in KINDS if kind != "cluster"}
        records[f"cluster/{number}"] = version("1", endpoints=f"{number}")
    found = Talk({key: record for key, record in records.items() if record})
    for kind in KINDS:
        names = () if kind in {"cluster", "listener"} else tuple(str(number) for number in range(count))
        found.asks(kind, *names)
    found.settled()
    return found


def costs(count: int, kind: str) -> list[int]:
    """Calls for one that changes, one that is new, and one that goes; what Envoy answers is a part of that."""
    found, made = talk(count), {"cluster": {"endpoints": "3"}}.get(kind, {})

    def take(name: str, record: Record | None) -> int:
        def change() -> None:
            found.changes(**{kind: {name: record}})
            found.accepts_all()
            found.ledger.changes(1.0)
            found.ledger.saved()

        return calls_of(change)

    take("1", version("2", body=b"b", **made))
    changed = take("2", version("2", body=b"b", **made))
    return [changed, take("new", version("1", body=b"c", **made)), take("4", None)]


@pytest.mark.parametrize("kind", KINDS)
def test_one_resource_costs_the_same_among_ten_times_as_many(kind: str) -> None:
    few, many = costs(FEW, kind), costs(MANY, kind)
    assert all(now <= MOST_GROWTH * before for before, now in zip(few, many, strict=True)), (few, many)


def draining(count: int) -> Talk:
    """A stream whose listener was replaced, with so many scopes that go: they stay while the listener drains."""
    names = [f"old-{number:04}" for number in range(count)]
    records = {f"scope/{name}": version("1", routes=name) for name in names}
    records |= {f"route/{name}": version("1") for name in (*names, "kept")}
    records |= {"cluster/a": version("1"), "listener/l": version("1", body=b"begins with old-0000")}
    found = Talk(records, timing=replace(TIMING, linger=15.0, drain=600.0))
    for kind, asked in (("cluster", ()), ("listener", ()), ("scope", ()), ("route", (*names, "kept"))):
        found.asks(kind, *asked)
    found.settled()
    gone = dict.fromkeys(names)
    found.changes(listener={"l": version("2", body=b"begins with kept")}, scope=gone, route=gone)
    found.accepts_all()
    return found


def cost_in_a_drain(count: int) -> list[int]:
    """Calls for a change of a route, and of a cluster, with so many scopes that wait for the end of a drain."""
    found = draining(count)

    def take(kind: str, text: str) -> int:
        def change() -> None:
            name = "kept" if kind == "route" else "a"
            found.changes(**{kind: {name: version(text)}})
            found.accepts_all()
            assert found.session.deadline is not None, "the scopes still wait"

        return calls_of(change)

    take("route", "2")
    return [take("route", "3"), take("cluster", "2")]


def test_a_change_costs_the_same_while_many_scopes_wait_for_the_end_of_a_drain() -> None:
    few, many = cost_in_a_drain(FEW), cost_in_a_drain(MANY)
    assert all(now <= MOST_GROWTH * before for before, now in zip(few, many, strict=True)), (few, many)
