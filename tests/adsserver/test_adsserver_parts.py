"""The small parts: resources from records, messages, the text of refusals, the ledger, and how it is saved."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adsserver.acks import FIRST_DELAY, LAST_DELAY, STREAM_KEY, Acks
from adsserver.ledger import Ledger
from adsserver.messages import Request, Response
from adsserver.redaction import CUT, LIMIT, redacted
from adsserver.resources import Catalog, Entry, Kind, split_key
from envoyapi import (
    config_cluster_v3,
    config_core_v3,
    config_endpoint_v3,
    config_listener_v3,
    config_route_v3,
    service_runtime_v3,
    transport_sockets_tls_v3,
)
from envoyapi.google_rpc import Status
from envoyapi.service_discovery_v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource
from envoyapi.wire import Any, type_url
from snapshot import JSON, Changes, Record, Snapshot, SnapshotFullError, Writer
from tests.support.envoy import until

SECRET = Entry(Kind.SECRET, "default-secret", "1", b"...MIIEvQIBADANBgkqhkiG9w0BAQEF...")
ROUTE = Entry(Kind.ROUTE, "r", "1", b"...")


def test_kinds_have_envoys_names() -> None:
    messages = {
        Kind.CLUSTER: config_cluster_v3.Cluster,
        Kind.ENDPOINT: config_endpoint_v3.ClusterLoadAssignment,
        Kind.SECRET: transport_sockets_tls_v3.Secret,
        Kind.RUNTIME: service_runtime_v3.Runtime,
        Kind.EXTENSION: config_core_v3.TypedExtensionConfig,
        Kind.SCOPE: config_route_v3.ScopedRouteConfiguration,
        Kind.LISTENER: config_listener_v3.Listener,
        Kind.ROUTE: config_route_v3.RouteConfiguration,
    }
    assert {kind: kind.type_url for kind in Kind} == {kind: type_url(message) for kind, message in messages.items()}


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("cluster/a", (Kind.CLUSTER, "a")),
        ("route/a/b c", (Kind.ROUTE, "a/b c")),
        ("stream", None),
        ("other/a", None),
    ],
)
def test_keys_of_the_snapshot(key: str, found: tuple[Kind, str] | None) -> None:
    assert split_key(key) == found


def test_the_catalog_tells_what_really_changed() -> None:
    catalog = Catalog()
    first = {"cluster/a": Record("1", b"", {"endpoints": "e"}), "cluster/b": Record("1", b""), "note": Record("1", b"")}
    edits = catalog.apply(Changes(1, first, whole=True))
    assert repr(edits) == f"{{{Kind.CLUSTER!r}: {{'a': <cluster/a 1>, 'b': <cluster/b 1>}}}}"
    assert catalog.apply(Changes(2, first | {"cluster/c": None}, whole=False)) == {}
    assert catalog.apply(Changes(3, {"cluster/b": None}, whole=False)) == {Kind.CLUSTER: {"b": None}}
    entry = catalog.entry(Kind.CLUSTER, "a")
    assert entry is not None
    assert (entry.endpoints, catalog.size) == ("e", 1)


@pytest.mark.parametrize(("sequence", "published"), [(0, False), (1, True)])
def test_an_empty_catalog_is_known_to_be_empty_once_it_was_published(sequence: int, published: bool) -> None:
    catalog = Catalog()
    catalog.apply(Changes(sequence, {}, whole=True))
    assert catalog.published is published


def test_a_request_from_its_bytes() -> None:
    message = DeltaDiscoveryRequest(
        type_url=Kind.ROUTE.type_url,
        resource_names_subscribe=["a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"c": "1"},
        response_nonce="5",
        error_detail=Status(message="why"),
    )
    assert Request.decode(bytes(message)) == Request(Kind.ROUTE, ("a",), ("b",), {"c": "1"}, "5", "why")


def test_a_request_for_a_kind_that_is_not_ours() -> None:
    assert Request.decode(bytes(DeltaDiscoveryRequest(type_url="type.googleapis.com/x"))) == "type.googleapis.com/x"


def test_a_response_as_bytes() -> None:
    response = Response(7, Kind.ROUTE, (ROUTE,), ("gone",), {}, 0)
    packed = Any(type_url=Kind.ROUTE.type_url, value=b"...")
    assert response.encode() == DeltaDiscoveryResponse(
        resources=[Resource(version="1", resource=packed, name="r")],
        type_url=Kind.ROUTE.type_url,
        nonce="7",
        removed_resources=["gone"],
    )
    assert type(response.encode()) is bytes
    assert ROUTE.wire is ROUTE.wire


def test_the_resource_itself_is_left_out_of_a_refusals_text() -> None:
    """Envoy puts all of it before the reason, keys included."""
    dump = 'goo.gle/debugproto  \nname: "r"\ninner {\n  key: "hidden"\n}\n'
    assert (
        redacted(f"{dump}: Proto constraint validation failed (X)", ROUTE) == "Proto constraint validation failed (X)"
    )
    assert redacted(f"Unable to unpack as X: {dump}", ROUTE) == "Unable to unpack as X"
    assert redacted(dump + "...(truncated)", ROUTE) == CUT


def test_no_word_of_a_secret_is_told() -> None:
    told = redacted("default-secret: 'MIIEvQIBADANBgkqhkiG9w0BAQEF' is no key", SECRET)
    assert told == "default-secret: '[redacted]' is no key"


def test_a_refusals_text_has_a_limit() -> None:
    told = redacted("ü" * 2000, ROUTE)
    assert len(told.encode()) <= LIMIT
    assert told.endswith("ü...")


def ledger_with(*entries: Entry) -> Ledger:
    records = {entry.key: Record(entry.version, entry.body) for entry in entries}
    catalog = Catalog()
    catalog.apply(Changes(1, records, whole=True))
    return Ledger.load(catalog, {})


def test_facts_are_stamped_once() -> None:
    ledger = ledger_with(ROUTE)
    ledger.accept(ROUTE)
    first = ledger.changes(5.0)
    assert first["route/r"] is not None
    assert first["route/r"].notes["accepted_at"] == 5.0
    ledger.saved()
    assert not ledger.is_unsaved
    ledger.accept(ROUTE)
    assert not ledger.is_unsaved
    ledger.refuse(ROUTE, "now it is wrong")
    second = ledger.changes(9.0)["route/r"]
    assert second is not None
    assert (second.notes["accepted_at"], second.notes["refused_at"]) == (5.0, 9.0)


def test_a_shadow_learns_for_itself() -> None:
    """The stream of an Envoy that is going away must not tell what the new one accepted."""
    ledger = ledger_with(ROUTE)
    ledger.refuse(ROUTE, "no")
    shadow = ledger.shadow()
    assert shadow.wanted(ROUTE) is None
    shadow.accept(ROUTE)
    assert shadow.wanted(ROUTE) is ROUTE
    assert ledger.wanted(ROUTE) is None
    assert not shadow.is_unsaved
    assert not shadow.is_urgent


def test_the_forgotten_is_removed() -> None:
    ledger = ledger_with()
    ledger.accept(ROUTE)
    ledger.changes(1.0)
    ledger.saved()
    ledger.forget_all_but({kind: {"r": ROUTE} for kind in Kind})
    assert not ledger.is_unsaved
    ledger.forget_all_but({kind: {} for kind in Kind})
    assert ledger.changes(2.0) == {"route/r": None}
    ledger.saved()
    assert not ledger.is_unsaved
    ledger.forget("route/r")
    assert not ledger.is_unsaved


async def test_many_facts_are_few_commits(tmp_path: Path) -> None:
    entries = [Entry(Kind.ROUTE, f"r{number}", "1", b"") for number in range(2000)]
    ledger = ledger_with(*entries)
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        acks = Acks(snapshot.writer("acks"), ledger, Catalog())
        for number, entry in enumerate(entries):
            ledger.accept(entry)
            acks.note()
            if number % 50 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(LAST_DELAY * 2)
        stored = snapshot.reader("acks").changes()
    assert sum(key.startswith("route/") for key in stored.records) == 2000
    assert stored.sequence <= 5


async def test_what_is_heard_in_a_round_is_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchanges of a new hostname behind an index; each commit wakes the translator."""
    entries = [Entry(kind, "n", "1", b"") for kind in (Kind.SCOPE, Kind.ROUTE)]
    ledger, timers = ledger_with(*entries), list[tuple[float, Callable[[], None]]]()
    loop = asyncio.get_running_loop()
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        acks = Acks(snapshot.writer("acks"), ledger, Catalog())
        with monkeypatch.context() as patched:
            patched.setattr(
                loop, "call_later", lambda delay, save: timers.append((delay, save)) or loop.call_soon(id, 0)
            )
            for entry in entries:
                ledger.accept(entry)
                acks.note()
        ((delay, save),) = timers
        assert delay == FIRST_DELAY
        save()
        assert snapshot.reader("acks").changes().sequence == 1


async def test_a_refusal_is_saved_at_once(tmp_path: Path) -> None:
    ledger = ledger_with(ROUTE)
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        acks = Acks(snapshot.writer("acks"), ledger, Catalog())
        ledger.refuse(ROUTE, "no")
        acks.note()
        acks.tell_stream(connected=True, node="n")
        stored = snapshot.reader("acks").all()
    assert stored["route/r"].notes["message"] == "no"
    assert stored[STREAM_KEY].notes["node"] == "n"


class FullWriter:
    """A writer without room until `room` is set."""

    def __init__(self, writer: Writer) -> None:
        self.room = False
        self._writer = writer

    def commit(self, changes: dict[str, Record | None], *, notes: Mapping[str, JSON] | None = None) -> int | None:
        if not self.room:
            raise SnapshotFullError("no room")
        return self._writer.commit(changes, notes=notes)


async def test_a_full_snapshot_is_survived(tmp_path: Path) -> None:
    ledger = ledger_with(ROUTE)
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        writer = FullWriter(snapshot.writer("acks"))
        acks = Acks(writer, ledger, Catalog())  # type: ignore[arg-type]
        ledger.refuse(ROUTE, "no")
        acks.note()
        writer.room = True
        await until(snapshot.reader("acks").all)
