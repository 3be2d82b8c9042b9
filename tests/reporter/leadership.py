"""Leadership without a cluster: a snapshot that the test writes, an API server that answers as told, its own clock."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from kubeapi.connection import Answer, Connection
from process.settings import Settings
from reporter.reporting import Reporting
from reporter.writing import Events, Statuses
from snapshot import JSON, Record, Snapshot
from translator.ir import ObjectKey
from translator.publishing import record_of_status
from translator.statuses import ReportedProblem, Status
from translator.subjects import Edition, Subject

WRONG = ReportedProblem("spec.prefix", "must begin with /", stops=True)
GIVEN_AWAY = Record("given away", orjson.dumps({"state": "ok", "problems": []}))

Rule = Callable[[str, str], Answer | Awaitable[Answer] | None]
"""What is answered to a method and a path; None: what it should be."""


def key_of(name: str = "m", kind: str = "Mapping", namespace: str = "default") -> ObjectKey:
    return f"getambassador.io/{kind}/{namespace}/{name}"


def refusal(status: int, message: str = "", retry_after: float | None = None) -> Answer:
    return Answer(status, orjson.dumps({"message": message}), retry_after)


class Api:
    """The API server. It takes all that no rule has another answer to, and its objects are seen at once."""

    def __init__(self, leadership: "Leadership") -> None:
        self._lead = leadership
        self.rule: Rule = lambda _method, _path: None
        self.asked: list[tuple[str, str, Any]] = []

    async def request(self, method: str, path: str, *, body: bytes | None = None, **_more: Any) -> Answer:
        document = orjson.loads(body) if body else {}
        self.asked.append((method, path, document))
        answer = self.rule(method, path)
        if answer is not None:
            return answer if isinstance(answer, Answer) else await answer
        if method == "PATCH" and path.endswith("/status"):
            return Answer(200, self._lead.applied(document))
        return Answer(201, b"{}")


class Leadership:
    """One leadership, whose lease is held while `leads`."""

    def __init__(self, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
        self._live, self._wanted = snapshot.writer("live"), snapshot.writer("statuses")
        self._snapshot = snapshot
        self._version = 100
        self._uids: dict[ObjectKey, str] = {}
        self.now = 1000.0
        self.leads = True
        self.api = Api(self)
        monkeypatch.setattr("reporter.reporting.time", SimpleNamespace(monotonic=lambda: self.now))
        self.begin()

    def begin(self, *, mapping_statuses: bool = True) -> None:
        """A new leadership: nothing is remembered."""
        settings = replace(Settings(), mapping_statuses=mapping_statuses)
        api = cast("Connection", self.api)
        self.reporting = Reporting(
            self._snapshot, settings, Statuses(api, "default"), Events(api, "pod-0"), lambda: self.leads
        )

    def has(self, key: ObjectKey, uid: str = "one", status: dict[str, Any] | None = None) -> None:
        """The cluster has this object."""
        self._version += 1
        self._uids[key] = uid
        notes: dict[str, JSON] = {"uid": uid, "generation": 1, "resourceVersion": str(self._version)}
        self._live.commit({key: Record(str(self._version), orjson.dumps(status or {}), notes)})

    def says(self, key: ObjectKey, *told: ReportedProblem, uid: str = "one") -> None:
        """The translator says what its status should be."""
        self._wanted.commit({key: record_of_status(key, Status(told, subject=Subject(Edition(uid, 1))))})

    def gives_away(self, key: ObjectKey) -> None:
        """The translator says that another gateway is to speak for it."""
        self._wanted.commit({key: GIVEN_AWAY})

    def loses(self, key: ObjectKey) -> None:
        """The cluster has the object no more."""
        self._live.commit({key: None})

    def status_of(self, key: ObjectKey, *told: ReportedProblem) -> dict[str, Any]:
        """What is in the cluster once this was written."""
        body = orjson.loads(record_of_status(key, Status(told, subject=Subject(Edition("one", 1)))).body)["status"]
        since = {"lastTransitionTime": "2026-01-01T00:00:00Z"}
        return {**body, "conditions": [each | since for each in body["conditions"]]}

    def applied(self, document: dict[str, Any]) -> bytes:
        """What the API server makes of a status, and answers."""
        metadata, status = document["metadata"], document.get("status", {})
        key = key_of(metadata["name"], document["kind"], metadata["namespace"])
        self.has(key, self._uids[key], status)
        version = {"uid": self._uids[key], "generation": 1, "resourceVersion": str(self._version)}
        return orjson.dumps({"metadata": metadata | version, "status": status})

    def start(self) -> None:
        """Begin what is due."""
        self.reporting.follow()
        self.reporting.work(lambda: None)

    async def settle(self) -> None:
        """Do all that is due now."""
        while True:
            self.start()
            await self.reporting.end()
            self.reporting.follow()
            if self.reporting.wait != 0:
                return

    async def live_on(self, seconds: float) -> None:
        """Do all that comes due in so many seconds."""
        until = self.now + seconds
        while True:
            await self.settle()
            wait = self.reporting.wait
            if wait is None or self.now + wait > until:
                self.now = until
                return
            self.now += wait + 1e-6

    def events(self) -> list[tuple[str, str]]:
        """The Events that were asked for: of which object, and why."""
        found = [document for method, path, document in self.api.asked if method == "POST" and path.endswith("/events")]
        return [(each["involvedObject"]["uid"], each["reason"]) for each in found]

    def writes(self) -> list[str]:
        """The objects whose statuses were to be written."""
        names = [path.split("/")[-5:-1] for method, path, _ in self.api.asked if method == "PATCH"]
        return [f"{namespace}/{kind}/{name}" for _, namespace, kind, name in names]


@contextmanager
def reign_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leadership]:
    with Snapshot.open(folder / "snapshot") as snapshot:
        yield Leadership(snapshot, monkeypatch)
