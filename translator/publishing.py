"""Between the state machine and the snapshot: records in and out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from snapshot import JSON, Record, Snapshot
from translator.conditions import kubernetes_status
from translator.consul.tables import key_of
from translator.derived import INGRESS
from translator.files.names import Files
from translator.ingress_statuses import ingress_news, ingress_status
from translator.ir import ConsulService, ObjectKey
from translator.object_statuses import GROUP
from translator.pipeline import kind_of
from translator.publication import Publication
from translator.quarantine import Hold, Verdict, digest
from translator.resources import Resource
from translator.statuses import Status
from translator.subjects import Edition

LONGEST_REASON: Final = 300
"""Characters of the reason why an object is stopped, in the log of `statuses`: the whole of it is in its status."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What led to a publication: the commits of `objects` by their first and last number, and when they were taken in.

    `since`: when the watcher heard of the first of these changes, `taken`: when the translator began (Unix times).
    """

    since: float | None
    first: int
    last: int
    taken: float

    def notes(self, *, stopped: dict[str, JSON] | None = None) -> dict[str, JSON]:
        """What the log says of a commit that follows from it."""
        told: dict[str, JSON] = {"objects": [self.first, self.last], "taken": round(self.taken, 4)}
        return {**told, "stopped": stopped} if stopped else told


class Publisher:
    """The four databases that the translator writes. Raises SnapshotFullError where there is no room."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._resources = snapshot.writer("resources")
        self._statuses = snapshot.writer("statuses")
        self._holds = snapshot.writer("holds", keeps=lambda _: "notes")
        self._wanted = snapshot.writer("wanted")

    def publish(self, publication: Publication, cause: Cause | None = None) -> None:
        """Write what changed; resources first, since requests wait for nothing else.

        `cause`: what of objects led to this; None: nothing, or it was compared.
        """
        since, notes = (cause.since, cause.notes()) if cause else (None, None)
        self._resources.commit(_records(publication.resources, record_of_resource), since=since, notes=notes)
        self._holds.commit(_records(publication.holds, record_of_hold))
        self._statuses.commit(
            {key: None if row is None else record_of_status(key, row) for key, row in publication.statuses.items()},
            notes=cause.notes(stopped=_stopped(publication.statuses)) if cause else None,
        )

    def want(self, services: Iterable[ConsulService], files: Iterable[Files]) -> None:
        """Write which services of Consul's are wanted, and which files."""
        wanted = {key_of(service): record_of_wanted(service) for service in services}
        self._wanted.replace(wanted | {each.key: record_of_files(each) for each in files})

    def replace(self, resources: Mapping[str, Resource], statuses: Mapping[ObjectKey, Status]) -> None:
        """Write everything; only what differs is written, and known to others as a change."""
        self._resources.replace({key: record_of_resource(row) for key, row in resources.items()})
        self._statuses.replace({key: record_of_status(key, row) for key, row in statuses.items()})


def _stopped(statuses: Mapping[ObjectKey, Status | None]) -> dict[str, JSON]:
    """How many of these objects are stopped, and the first of them with its reason."""
    found = [(key, row) for key, row in statuses.items() if row is not None and row.state == "stopped"]
    if not found:
        return {}
    key, row = found[0]
    told = next(each for each in row.problems if each.stops)
    reason = f"{told.path}: {told.message}" if told.path else told.message
    return {"count": len(found), "object": key, "reason": reason[:LONGEST_REASON]}


def _records(rows: Mapping[str, Any], record_of: Any) -> dict[str, Record | None]:
    return {key: None if row is None else record_of(row) for key, row in rows.items()}


def record_of_resource(row: Resource) -> Record:
    """A resource as a record of `resources`."""
    return Record(version=row.version, body=row.body, notes=dict[str, JSON](row.notes))


def edition_of(record: Record) -> Edition:
    """Which version of an object a record of `objects` holds."""
    uid, generation = record.notes.get("uid"), record.notes.get("generation")
    return Edition(str(uid or ""), generation if isinstance(generation, int) else None)


def record_of_status(key: ObjectKey, row: Status) -> Record:
    """A status as a record of `statuses`."""
    said, uid = row.json(), row.subject.edition.uid if row.subject else ""
    if uid and row.gateway:
        generation = row.subject and row.subject.edition.generation
        said |= {"uid": uid, "generation": generation, "gateway": orjson.Fragment(row.gateway)}
    elif uid and row.address:
        said |= {"uid": uid, "generation": row.subject and row.subject.edition.generation}
        said["status"] = ingress_status(kind_of(key), row)
        if kind_of(key) == INGRESS and row.problems:
            said["news"] = ingress_news(row)
    elif uid and key.startswith(GROUP):
        in_kubernetes = kubernetes_status(kind_of(key).partition("/")[2], row)
        said |= {} if in_kubernetes is None else {"uid": uid, "status": in_kubernetes}
    body = orjson.dumps(said)
    return Record(version=digest(body), body=body)


def record_of_wanted(service: ConsulService) -> Record:
    """A service as a record of `wanted`."""
    body = orjson.dumps({"address": service.address, "datacenter": service.datacenter, "service": service.service})
    return Record(version=digest(body), body=body)


def record_of_files(files: Files) -> Record:
    """Files that belong together, as a record of `wanted`."""
    body = orjson.dumps({"sort": files.sort, "paths": files.paths, "optional": files.optional})
    return Record(version=digest(body), body=body)


def record_of_hold(row: Hold) -> Record:
    """A hold as a record of `holds`."""
    notes: dict[str, JSON] = {"refused": row.refused, "message": row.message, "kept": row.good is not None}
    return Record(version=digest(repr(notes).encode() + (row.good or b"")), body=row.good or b"", notes=notes)


def hold_of(record: Record) -> Hold:
    """The hold that a record tells of."""
    good = record.body if record.notes.get("kept") else None
    return Hold(str(record.notes["refused"]), good, str(record.notes["message"]))


def verdict_of(record: Record) -> Verdict:
    """What a record of `acks` says of a resource."""
    accepted, refused = record.notes.get("accepted"), record.notes.get("refused")
    return Verdict(
        accepted=str(accepted) if accepted else None,
        refused=str(refused) if refused else None,
        message=str(record.notes.get("message") or ""),
    )


def is_connected(record: Record | None) -> bool:
    """What the record of `acks` about the stream says: whether an Envoy is there."""
    return record is not None and record.notes.get("connected") is True
