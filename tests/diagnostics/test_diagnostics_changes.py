"""How long an object's last change took: from the logs of a real snapshot, as the parts write them."""

from pathlib import Path

from diagnostics.view import View
from snapshot import Record, Snapshot


def took(snapshot: Snapshot, path: Path) -> dict[str, float | None]:
    view = View(snapshot, path)
    view.catch_up()
    return {key: change.seconds for key, change in view.changes.items()}


def test_a_change_is_served_with_what_was_heard_of_before_it_or_with_it(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    with Snapshot.open(path) as snapshot, snapshot.writer("objects") as objects, snapshot.writer("acks") as acks:
        objects.commit({"compared": Record("1", b"")})
        objects.commit({"first": Record("1", b""), "again": Record("1", b"")}, since=100.0)
        objects.commit({"together": Record("1", b"")}, since=100.25)
        objects.commit({"nothing": Record("1", b"")}, since=102.0)
        acks.commit({"served": Record("1", b"")}, notes={"served": [[100.0, 101.0]]})
        assert took(snapshot, path) == {"first": 1.0, "again": 1.0, "together": 0.75, "nothing": None}
        objects.commit({"again": Record("2", b"")}, since=103.0)
        assert took(snapshot, path)["again"] is None
        acks.commit({"served": Record("2", b"")}, notes={"served": [[103.0, 103.125]]})
        assert took(snapshot, path) == {"first": 1.0, "again": 0.125, "together": 0.75, "nothing": None}


def test_what_a_part_found_by_comparing_began_at_no_known_time(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    with Snapshot.open(path) as snapshot, snapshot.writer("objects") as objects, snapshot.writer("acks") as acks:
        objects.commit({"a": Record("1", b"")}, since=100.0)
        objects.commit({"a": Record("2", b"")})
        acks.commit({"served": Record("1", b"")}, notes={"served": [[100.0, 101.0]]})
        assert took(snapshot, path) == {}
