"""A model of an API server, with what one does in bad hours; and one who runs a Cluster against it in made-up time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from snapshot import Record
from watcher.asking import Ask
from watcher.cluster import Cluster
from watcher.kinds import Kind, Target
from watcher.reflector import Reflector
from watcher.watch_events import WatchEvent

FAULTS = (
    "none", "down", "500", "429", "401", "gone", "gone in stream", "closing", "cut", "mute", "no bookmarks",
    "no streams", "ignored streams", "garbage", "too large", "repeating", "expired pages", "broken beginnings",
)  # fmt: skip
"""What the server may do wrong, to all at once."""

Line = dict[str, Any]


def document(kind: Kind, name: str, value: int, version: int, uid: str) -> dict[str, Any]:
    """An object as the server says it."""
    content: dict[str, Any] = {"spec": {"value": value}}
    if kind.name == "Secret":
        content = {"type": "kubernetes.io/tls", "data": {"tls.crt": str(value), "password": "secret"}}
    if kind.name == "Host":
        content = {"spec": {"tlsSecret": {"name": f"n{value % 3}"}}}
    return {
        "apiVersion": kind.version,
        "kind": kind.name,
        "metadata": {
            "name": name,
            "namespace": "a",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": value,
            "managedFields": [{"manager": "test"}],
        },
        **content,
        "status": {"state": str(version)},
    }


@dataclass
class Stream:
    """A watch that goes on: what has not been sent of the beginning, and the version up to which all was sent."""

    plural: str
    sent: int
    pending: list[Line] = field(default_factory=list)
    ends: float = 0.0
    bookmark: float = 0.0
    first: bool = True
    start: int = 0


class Model:
    """Objects by kind and name, the log of their changes, and what is wrong with the server now."""

    def __init__(self) -> None:
        self.version = 100
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.log: list[tuple[int, str, Line]] = []
        self.compacted = 0
        self.fault = "none"
        self.forbidden: set[str] = set()
        self.absent: set[str] = set()
        self.asked: list[tuple[float, str]] = []
        self.back_at = 0.0

    # What users do

    def put(self, kind: Kind, name: str, value: int) -> None:
        before = self.objects.setdefault(kind.plural, {}).get(name)
        self.version += 1
        uid = before["metadata"]["uid"] if before else f"u{self.version}"
        made = document(kind, name, value, self.version, uid)
        self.objects[kind.plural][name] = made
        self.log.append((self.version, kind.plural, {"type": "MODIFIED" if before else "ADDED", "object": made}))

    def delete(self, kind: Kind, name: str) -> None:
        before = self.objects.setdefault(kind.plural, {}).pop(name, None)
        if before:
            self.version += 1
            last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version)}}
            self.log.append((self.version, kind.plural, {"type": "DELETED", "object": last}))

    def compact(self) -> None:
        self.compacted = self.version

    def copy(self) -> tuple[int, Any, Any]:
        return self.version, {plural: dict(found) for plural, found in self.objects.items()}, list(self.log)

    def restore(self, copy: tuple[int, Any, Any], now: float) -> None:
        """Back to an older state; the server is away meanwhile."""
        version, objects, log = copy
        self.version, self.objects = version, {plural: dict(found) for plural, found in objects.items()}
        self.log = list(log)
        self.back_at = now + 5

    # What it answers

    def is_down(self, now: float) -> bool:
        return self.fault == "down" or now < self.back_at

    def refusal(self, target: Target, ask: Ask) -> tuple[int, str] | None:  # noqa: PLR0911 -- a table
        plural, params = target.kind.plural, ask.params
        beginning, watching = "sendInitialEvents" in params, "watch" in params
        if self.fault in ("500", "429", "401"):
            return int(self.fault), "not now"
        if plural in self.forbidden:
            return 403, f"{plural} is forbidden"
        if plural in self.absent:
            return 404, "the server could not find the requested resource"
        if self.fault == "no streams" and beginning:
            return 400, "sendInitialEvents is forbidden"
        if self.fault == "too large":
            return 504, "Too large resource version: 99999, current: 1"
        if self.fault == "expired pages" and params.get("continue"):
            return 410, "The provided continue parameter is too old"
        if watching and not beginning and (self.fault == "gone" or int(params["resourceVersion"]) < self.compacted):
            return 410, "too old resource version"
        return None

    def page(self, target: Target, ask: Ask) -> bytes:
        names = sorted(self.objects.get(target.kind.plural, {}))
        start, _, version = str(ask.params.get("continue", "0")).partition("@")
        size = min(2, int(ask.params["limit"])) if "limit" in ask.params else len(names) + 1
        chosen = names[int(start) : int(start) + size]
        more = int(start) + size < len(names)
        items = []
        for name in chosen:
            found = self.objects[target.kind.plural][name]
            items.append({field: value for field, value in found.items() if field not in ("apiVersion", "kind")})
        token = {"continue": f"{int(start) + size}@{version or self.version}"} if more else {}
        return orjson.dumps({"metadata": {"resourceVersion": version or str(self.version), **token}, "items": items})

    def stream(self, target: Target, ask: Ask, now: float) -> Stream:
        plural = target.kind.plural
        ends = now + float(ask.params["timeoutSeconds"])
        if "sendInitialEvents" not in ask.params:
            start = int(ask.params["resourceVersion"])
            return Stream(plural, start, [], ends, now + 60, start=start)
        pending: list[Line] = [{"type": "ADDED", "object": found} for found in self.objects.get(plural, {}).values()]
        if self.fault != "ignored streams":
            annotations = {"k8s.io/initial-events-end": "true"}
            pending.append(
                {
                    "type": "BOOKMARK",
                    "object": {"metadata": {"resourceVersion": str(self.version), "annotations": annotations}},
                }
            )
        return Stream(plural, self.version, pending, ends, now + 60)

    def lines(self, stream: Stream, now: float) -> Iterator[Line]:
        yield from stream.pending
        stream.pending = []
        for version, plural, line in self.log:
            if plural == stream.plural and version > stream.sent:
                yield line
                if self.fault == "repeating":
                    yield line
        stream.sent = max(stream.sent, self.version)
        stands_still = self.version <= stream.start  # a real server has nothing to say then
        if now >= stream.bookmark and not stands_still and self.fault != "no bookmarks":
            stream.bookmark = now + 60
            yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(self.version)}}}


class World:
    """A Cluster that is run against the model, tick by tick."""

    def __init__(
        self, targets: tuple[Target, ...], seed: int = 0, model: Model | None = None,
        remembered: dict[str, Record] | None = None,
    ) -> None:  # fmt: skip
        chance = random.Random(seed).random
        self.model = model or Model()
        self.cluster = Cluster(targets, remembered, chance)
        self.now = 1000.0
        self.published: dict[str, Record] = {}
        self.live: dict[str, Record] = {}
        self.publications = 0
        self.streams: dict[Target, Stream] = {}
        self._heard: dict[Target, float] = {}

    def run(self, seconds: float, tick: float = 0.5) -> None:
        end = self.now + seconds
        while self.now < end:
            for target in list(self.cluster.reflectors):
                if target in self.cluster.reflectors:
                    self._turn(target, self.cluster.reflectors[target])
            self.now += tick

    def _turn(self, target: Target, reflector: Reflector) -> None:
        stream = self.streams.get(target)
        if stream is None:
            step = reflector.next(self.now)
            if isinstance(step, Ask):
                self._ask(target, reflector, step)
            return
        self._read(target, reflector, stream)

    def _ask(self, target: Target, reflector: Reflector, ask: Ask) -> None:
        model = self.model
        model.asked.append((self.now, target.kind.plural))
        refusal = model.refusal(target, ask)
        if model.is_down(self.now):
            self._take(target, reflector.ended(self.now, "connection refused"))
        elif refusal:
            self._take(target, reflector.refused(self.now, *refusal))
        elif not ask.stream:
            self._take(target, reflector.listed(self.now, model.page(target, ask)))
        else:
            self.streams[target] = model.stream(target, ask, self.now)
            self._heard[target] = self.now
            self._take(target, reflector.opened(self.now))
            self._read(target, reflector, self.streams[target])

    def _read(self, target: Target, reflector: Reflector, stream: Stream) -> None:
        fault = self.model.fault
        beginning, stream.first = stream.first, False
        broken = self.model.is_down(self.now) or (fault == "broken beginnings" and stream.pending)
        lines = [] if broken or fault == "mute" else list(self.model.lines(stream, self.now))
        encoded = [orjson.dumps(line) for line in lines]
        if fault == "gone in stream" and beginning:
            encoded.append(b'{"type":"ERROR","object":{"code":410,"message":"too old resource version"}}')
        if fault == "garbage" and encoded:
            encoded[-1] = encoded[-1][:-9]
        if fault == "cut" and encoded:
            encoded, broken = encoded[: len(encoded) // 2], True
        if encoded:
            self._heard[target] = self.now
            self._take(target, reflector.heard(self.now, encoded))
        if reflector.over:
            self.streams.pop(target, None)
        elif broken:
            del self.streams[target]
            self._take(target, reflector.ended(self.now, "the connection broke"))
        elif fault == "closing" or self.now >= stream.ends:
            del self.streams[target]
            self._take(target, reflector.ended(self.now))
        elif self.now - self._heard[target] >= reflector.silence:
            del self.streams[target]
            self._take(target, reflector.silent(self.now))

    def _take(self, target: Target, events: list[WatchEvent]) -> None:
        outcome = self.cluster.take(self.now, target, events)
        for changes, into in ((outcome.objects, self.published), (outcome.live, self.live)):
            if changes.whole:
                into.clear()
            for key, record in changes.records.items():
                if record:
                    into[key] = record
                else:
                    into.pop(key, None)
        self.publications += bool(outcome.objects.records or outcome.objects.whole)
        for gone in self.streams.keys() - self.cluster.reflectors.keys():
            del self.streams[gone]

    @property
    def objects(self) -> dict[str, Any]:
        """What is published, sources' problems apart."""
        return {
            key: orjson.loads(record.body) for key, record in self.published.items() if not key.startswith("dragoman/")
        }

    @property
    def problems(self) -> dict[str, str]:
        return {
            key.partition("//")[2]: orjson.loads(record.body)["message"]
            for key, record in self.published.items()
            if key.startswith("dragoman/")
        }
