"""Endpoints that come and go, among 10,000 clusters: one EndpointSlice, and all of them.

A real watcher, translator, adsserver and Envoy, as processes, on a folder: one EndpointSlice is written to a file of
its own, and requests show when Envoy uses it. Then the watcher ends, and its place is taken: EndpointSlices go into the
snapshot as it writes them, one, and then each of 10,000 with ten endpoints. The same load assignments, byte for byte,
are given to another Envoy from memory, by turns: that is what Envoy itself can take.
"""

import contextlib
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from adsserver.resources import Entry, Kind, split_key
from entrypoint.bootstrap import Place, bootstrap
from snapshot import Reader, Record, Snapshot
from tests.bench.answering import answering
from tests.bench.inputs import PER_HOST
from tests.bench.memory_ads import MemoryAds
from tests.bench.processes import cpu_ms, main_ms
from tests.bench.report import Goal, Line, beside
from tests.support.envoy import RealEnvoy, free_port, short_folder, wait_until
from tests.support.objects import an_object, endpoint_slice, host, mapping, service
from tests.support.part import Part
from tests.support.ports import unused_ports
from tests.support.raw import RawConnection
from tests.support.scoped import Scoped
from translator.quarantine import digest

CHANGES = 40
TURNS = 5
ENDPOINTS = 10
COMMIT = 250
"""EndpointSlices that the watcher's place-holder writes at once."""

PROBED = "s0"
NAME = "h0.bench.test"
PATIENCE = 120.0
KEY = "discovery.k8s.io/EndpointSlice/default/"


def slice_text(name: str, *ports_or_number: int, number: int = 0) -> str:
    """An EndpointSlice at this machine's ports, or (no port) of ten addresses that differ by `number`."""
    if ports_or_number:
        (port,) = ports_or_number
        return endpoint_slice(f"{name}-1", name, {"http": port}, {"addresses": ["127.0.0.1"]})
    index = int(name[1:])
    addresses = [f"10.{index >> 8}.{index & 255}.{1 + (number * ENDPOINTS + each) % 250}" for each in range(ENDPOINTS)]
    return endpoint_slice(f"{name}-1", name, {"http": 8080}, *({"addresses": [each]} for each in addresses))


def body_of(text: str) -> bytes:
    """A document as the watcher writes it."""
    return orjson.dumps(orjson.loads(text.partition("\n---\n")[0]))


def envoy_on(folder: Path, ads_socket: Path) -> RealEnvoy:
    """An Envoy with the product's bootstrap."""
    folder.mkdir()
    place = Place("bench", "bench", ads_socket, folder / "admin.sock", 1000, None)
    return RealEnvoy(bootstrap(place), folder=folder)


class Served(Scoped):
    """The processes, on a folder with a Service, an EndpointSlice and a Mapping for each cluster."""

    def __init__(self, count: int) -> None:
        self.base = short_folder()
        self.folder, self.run_dir = self.base / "config", self.base / "run"
        self.folder.mkdir()
        self.run_dir.mkdir()
        (self.port,) = unused_ports(1)
        self._stack = contextlib.ExitStack()
        self.upstreams = {name: free_port() for name in ("a", "b")}
        self._answering = answering({port: name for name, port in self.upstreams.items()})
        self.names = [f"s{number}" for number in range(count)]
        self._write()
        settings = {
            "DRAGOMAN_CONFIG_DIR": str(self.folder),
            "DRAGOMAN_RUN_DIR": str(self.run_dir),
            "AES_LOG_LEVEL": "warning",
        }
        self.parts = {
            name: Part(name, self.base / f"{name}.log", settings) for name in ("watcher", "translator", "adsserver")
        }
        self.envoy = envoy_on(self.base / "envoy", self.run_dir / "ads.sock")
        self.snapshot = Snapshot.open(self.run_dir / "snapshot", bells=self.run_dir / "bells")

    def _write(self) -> None:
        everywhere = {"namespace": {"from": "ALL"}}
        spec = {"port": self.port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": everywhere}
        self.apply("listener", an_object("Listener", "http", spec))
        self.apply("probed", slice_text(PROBED, self.upstreams["a"]))
        for first in range(0, len(self.names), PER_HOST):
            hostname = f"h{first // PER_HOST}.bench.test"
            texts = [host(hostname.replace(".", "-"), hostname)]
            for name in self.names[first : first + PER_HOST]:
                texts += [service(name, {"http": 80}), mapping(name, hostname, name, f"/{name}/")]
                texts += [slice_text(name)] if name != PROBED else []
            self.apply(f"host-{first}", "".join(texts))

    def apply(self, name: str, text: str) -> None:
        """Write a file at once."""
        beside = self.base / "new"
        beside.write_text(text)
        beside.rename(self.folder / f"{name}.yaml")

    def start(self) -> None:
        for part in self.parts.values():
            part.begin()
        self._stack.enter_context(self._answering).wait_live()
        self.envoy.start()
        self.envoy.wait_live(PATIENCE)
        self._connection = self._stack.enter_context(RawConnection(self.port))
        wait_until(lambda: self.answers("a"), PATIENCE, what="the probed EndpointSlice served")
        self.acks, self.resources = self.snapshot.reader("acks"), self.snapshot.reader("resources")
        self.settle()

    def close(self) -> None:
        self.envoy.close()
        for part in self.parts.values():
            part.kill()
        self._stack.close()
        self.snapshot.close()

    def settle(self) -> None:
        """Until Envoy has accepted all load assignments as they are."""
        wait_until(self.is_settled, PATIENCE, what="all load assignments accepted")

    def is_settled(self) -> bool:
        acks = self.snapshot.reader("acks").all("endpoint/")
        wanted = self.snapshot.reader("resources").all("endpoint/")
        return len(wanted) == len(self.names) and all(
            key in acks and acks[key].notes.get("accepted") == record.version for key, record in wanted.items()
        )

    def answers(self, name: str) -> bool:
        """Whether this upstream answers."""
        answer = self._connection.ask(NAME, f"/{PROBED}/")
        return answer.status == 200 and answer.body == name.encode()

    def pids(self) -> list[int]:
        """Of our processes that run."""
        return [part.pid for part in self.parts.values() if part.running]


class Feed:
    """EndpointSlices into the snapshot, as the watcher writes them, in its place."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._writer = served.snapshot.writer("objects")
        self._before = served.snapshot.reader("objects").all(KEY)

    def records(self, texts: Mapping[str, str]) -> dict[str, Record]:
        """By key, as the watcher would write them; `texts` by the Service's name."""
        made = {}
        for name, text in texts.items():
            key, body = f"{KEY}{name}-1", body_of(text)
            made[key] = Record(digest(body), body, self._before[key].notes)
        return made

    def commit(self, records: dict[str, Record]) -> None:
        """Write these at once."""
        if self._writer.commit(records) is None:
            raise RuntimeError("nothing changed")


def lines(largest: int) -> Iterator[Line]:
    """One EndpointSlice by the folder, one by the snapshot, and all."""
    with Served(largest) as served:
        what = f"one EndpointSlice among {largest:,} clusters"
        yield from single(served, f"{what}, by a folder", lambda text: served.apply("probed", text), None)
        served.parts["watcher"].end()
        feed = Feed(served)
        goal = Goal("<=", 3.0, "value")

        def commit(text: str) -> None:
            feed.commit(feed.records({PROBED: text}))

        yield from single(served, f"{what}, from the watcher's commit on", commit, goal)
        yield from churn(served, feed)


def single(served: Served, what: str, change: object, goal: Goal | None) -> Iterator[Line]:
    """One changes from one upstream to the other, and back."""
    assert callable(change)
    cpu, envoy, took = [], [], []
    for turn in range(CHANGES):
        name = "ba"[turn % 2]
        text = slice_text(PROBED, served.upstreams[name])
        ours, main, began = cpu_ms(served.pids()), main_ms(served.envoy.pid), time.perf_counter()
        change(text)
        while not served.answers(name):
            pass
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.2)
        cpu.append(cpu_ms(served.pids()) - ours)
        envoy.append(main_ms(served.envoy.pid) - main)
    main_cpu = statistics.median(envoy)
    yield beside(
        f"{what}: CPU of our parts", statistics.median(cpu), "ms", main_cpu, "Envoy's main thread, for the same"
    )
    yield Line(f"{what}: until Envoy uses it", statistics.median(took), "ms", goal=goal)


def churn(served: Served, feed: Feed) -> Iterator[Line]:
    """Each EndpointSlice changes once a turn; then the other Envoy gets the same from memory."""
    catalog = in_memory(served.resources)
    count = len(served.names)
    socket = served.base / "memory.sock"
    with MemoryAds(socket, catalog) as memory, envoy_on(served.base / "envoy-2", socket) as other:
        other.wait_live(PATIENCE)
        rates, limits, parts, mains, bare = [], [], [], [], []
        for turn in range(1, TURNS + 1):
            records = feed.records({name: slice_text(name, number=turn) for name in served.names})
            items = list(records.items())
            before = versions_of(served)
            served.acks.changes(), served.resources.changes()
            time.sleep(1)
            ours, main, began = cpu_ms(served.pids()), main_ms(served.envoy.pid), time.perf_counter()
            for first in range(0, count, COMMIT):
                feed.commit(dict(items[first : first + COMMIT]))
            wait_for_all(served, before)
            rates.append(count / (time.perf_counter() - began))
            time.sleep(0.5)  # what follows from the acceptances is part of the CPU
            parts.append((cpu_ms(served.pids()) - ours) * 1000 / count)
            mains.append((main_ms(served.envoy.pid) - main) * 1000 / count)
            responses = memory.encoded(entries_of(Kind.ENDPOINT, served.resources))
            time.sleep(1)
            main, began = main_ms(other.pid), time.perf_counter()
            memory.push(responses)
            limits.append(count / (time.perf_counter() - began))
            bare.append((main_ms(other.pid) - main) * 1000 / count)
    what = f"{count:,} EndpointSlices of {ENDPOINTS} endpoints"
    limit = statistics.median(bare)
    against = "Envoy's main thread, given the same from memory"
    yield beside(f"{what}: CPU of translator and adsserver each", statistics.median(parts), "us", limit, against)
    yield beside(f"{what}: CPU of Envoy's main thread each", statistics.median(mains), "us", limit, against)
    ratio = statistics.median(a / b for a, b in zip(rates, limits, strict=True))
    rate, most = statistics.median(rates), statistics.median(limits)
    yield Line(f"{what}: a second", rate, "", "Envoy, given the same from memory", most, ratio, Goal(">=", 0.5))


def versions_of(served: Served) -> dict[str, str]:
    """Of the load assignments that are published."""
    return {key: each.version for key, each in served.resources.all("endpoint/").items()}


def wait_for_all(served: Served, before: Mapping[str, str]) -> None:
    """Until Envoy has accepted another version of each load assignment; only what changes is read."""
    accepted: dict[str, str] = {}
    versions = dict(before)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for key, record in served.acks.changes().records.items():
            if record is not None and key.startswith("endpoint/"):
                accepted[key] = str(record.notes.get("accepted"))
        for key, record in served.resources.changes().records.items():
            if record is not None and key in before:
                versions[key] = record.version
        if all(accepted.get(key) == version != before[key] for key, version in versions.items()):
            return
        time.sleep(0.005)
    raise TimeoutError(f"{len(accepted)} of {len(before)} load assignments accepted")


def entries_of(kind: Kind, reader: Reader) -> list[Entry]:
    """All resources of a kind as they are."""
    records = reader.all(f"{kind}/")
    return [Entry.of(kind, key.partition("/")[2], record) for key, record in records.items()]


def in_memory(reader: Reader) -> dict[Kind, dict[str, Entry]]:
    """What there is, without listeners: their ports are taken."""
    found: dict[Kind, dict[str, Entry]] = {}
    for key, record in reader.all().items():
        split = split_key(key)
        if split is not None and split[0] in (Kind.CLUSTER, Kind.ENDPOINT, Kind.RUNTIME):
            found.setdefault(split[0], {})[split[1]] = Entry.of(*split, record)
    return found
