"""What a change costs the adsserver does not depend on how many resources there are: counted, never timed."""

import pytest
from adsserver_talk import Talk, version

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
