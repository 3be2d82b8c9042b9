"""What the snapshot says of an object: its status as it should be, and as it is in the cluster."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from snapshot import Record

GROUP: Final = "getambassador.io"
VERSION: Final = "v3alpha1"

JSONObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Name:
    """Which object."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{self.kind.lower()}s/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a status should say. `version` changes whenever that does."""

    version: str
    uid: str
    status: JSONObject


@dataclass(frozen=True, slots=True)
class Live:
    """What the cluster says of an object: which one it is, which version of it, and its status."""

    uid: str
    generation: int
    version: str
    status: JSONObject


def name_of(key: str) -> Name | None:
    """The object of a key of the snapshot; None when it is of no kind of ours."""
    group, kind, namespace, name = key.split("/", 3)
    return Name(kind, namespace, name) if group == GROUP and namespace and name else None


def wanted_of(record: Record | None) -> Wanted | None:
    """What a record of `statuses` says should be; None when nothing is to be said."""
    if record is None:
        return None
    body = orjson.loads(record.body)
    uid, status = body.get("uid"), body.get("status")
    return Wanted(record.version, uid, status) if uid and isinstance(status, dict) else None


def live_of(record: Record | None) -> Live | None:
    """What a record of `live` says is."""
    if record is None:
        return None
    notes, status = record.notes, orjson.loads(record.body)
    return _live(notes.get("uid"), notes.get("generation"), notes.get("resourceVersion"), status)


def live_of_answer(body: bytes) -> Live | None:
    """What the API server answers to a write; None when it cannot be understood."""
    try:
        document = orjson.loads(body)
        metadata = document["metadata"]
        return _live(metadata["uid"], metadata.get("generation"), metadata["resourceVersion"], document.get("status"))
    except (ValueError, KeyError, TypeError):
        return None


def _live(uid: object, generation: object, version: object, status: object) -> Live:
    return Live(
        uid=str(uid or ""),
        generation=generation if isinstance(generation, int) else 0,
        version=str(version or ""),
        status=status if isinstance(status, dict) else {},
    )


def is_older(one: Live, other: Live) -> bool:
    """Whether `one` is an earlier state of the same object; what cannot be compared is not older."""
    if one.uid != other.uid or not (one.version.isdecimal() and other.version.isdecimal()):
        return False
    return int(one.version) < int(other.version)


def conditions_of(status: JSONObject) -> dict[str, JSONObject]:
    """The conditions of a status by their types; what is no condition is left out."""
    conditions = status.get("conditions")
    if not isinstance(conditions, list):
        return {}
    return {each["type"]: each for each in conditions if isinstance(each, dict) and isinstance(each.get("type"), str)}
