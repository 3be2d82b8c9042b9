"""What is known of everything, as JSON: for `?json=true` of the diagnostics page. Names and verdicts, never secrets.

version     of Dragoman
uptime      seconds that the diagnostics have run
envoy       whether it answers and is connected, its version and state
parts       by name: whether it is well, and for how long nothing was heard of it
objects     by key: kind, state, problems (the first ones, and how many `more`), and where it came from
pending     keys of objects that the translator has not judged yet
files       files of objects that cannot be read
resources   by `<type>/<name>`: the published version, what Envoy accepted and refused of it, when, and why;
            `asked_for` is false where Envoy has no use for it
changes     of each object that changed of late: when, and how long it took until Envoy had answered for it
sequences   how many commits each database of the snapshot had
history     the newest changes, with what is different; only where it is asked for by its name

and the keys that Emissary's diagnostics have, of which `diagnostics/emissary.py` makes those that show objects.
"""

import os
import platform
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import orjson

from diagnostics import clusters, emissary
from diagnostics.health import LIVE
from diagnostics.parts import Part
from diagnostics.picture import Picture
from diagnostics.rows import FILE_PREFIX, Ack, Status, kind_of
from diagnostics.view import View


@dataclass(frozen=True, slots=True)
class System:
    """What runs here; `started` is a Unix time."""

    version: str
    ambassador_id: str
    namespace: str
    started: float


@dataclass(frozen=True, slots=True)
class Known:
    """What the report says beside what the snapshot does; `info` is Envoy's own, None when it does not answer.

    `statistics` are its counters and gauges of clusters, None likewise.
    """

    system: System
    info: Mapping[str, Any] | None
    statistics: Mapping[str, int] | None
    now: float
    parts: Sequence[Part] = ()


NEED_ENVOY: Final = frozenset({"envoy", "envoy_status", "notices"})
"""Keys for which Envoy is asked about itself."""

NEED_STATISTICS: Final = frozenset({"cluster_stats", "route_info"})
"""Keys for which Envoy is asked for its statistics."""


@dataclass(frozen=True)
class Asked:
    """One asking: the view and what is known beside it, and the picture that Emissary's keys are made from."""

    view: View
    known: Known

    @cached_property
    def picture(self) -> Picture:
        """Made once, if it is needed."""
        return Picture(self.view, self.known.system.ambassador_id, self.known.statistics)


def report(view: View, known: Known, only: str | None = None) -> bytes:
    """The report as JSON, or what one of its keys has. KeyError for a key that it does not have."""
    asked = Asked(view, known)
    told = (SECTIONS | ALONE)[only](asked) if only else {name: make(asked) for name, make in SECTIONS.items()}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _version(asked: Asked) -> str:
    return asked.known.system.version


def _uptime(asked: Asked) -> float:
    return round(asked.known.now - asked.known.system.started, 3)


def _system(asked: Asked) -> dict[str, Any]:
    system = asked.known.system
    return {
        "version": system.version,
        "ambassador_id": system.ambassador_id,
        "ambassador_namespace": system.namespace,
        "namespace": system.namespace,
        "hostname": socket.gethostname(),
        "python": platform.python_version(),
        "pid": os.getpid(),
        "started": _time(system.started),
        "boot_time": _time(system.started),
        "hr_uptime": str(timedelta(seconds=int(asked.known.now - system.started))),
    }


def _envoy_status(asked: Asked) -> dict[str, Any]:
    info = asked.known.info or {}
    accepted = [ack.accepted_at for ack in asked.view.acks.rows.values() if ack.accepted_at]
    return {
        "alive": asked.known.info is not None,
        "ready": info.get("state") == LIVE and bool(accepted),
        "uptime": info.get("uptime_current_epoch"),
        "since_update": round(asked.known.now - max(accepted), 3) if accepted else None,
    }


def _notices(asked: Asked) -> list[dict[str, str]]:
    """What is wrong with no object, but with the gateway."""
    said = []
    if asked.known.info is None:
        said.append(("ERROR", "Envoy does not answer"))
    if not asked.view.connection.connected:
        said.append(("ERROR", "Envoy is not connected: it gets no changes"))
    said += [
        ("WARNING", f"Envoy refuses {key}: {' '.join(ack.message.split())}")
        for key, ack in asked.view.acks.rows.items()
        if ack.refused is not None
    ]
    return [{"level": level, "message": message} for level, message in said]


def _envoy(asked: Asked) -> dict[str, Any]:
    info, connection = asked.known.info or {}, asked.view.connection
    return {
        "answers": asked.known.info is not None,
        "state": info.get("state"),
        "version": info.get("version"),
        "uptime": info.get("uptime_current_epoch"),
        "connected": connection.connected,
        "since": _time(connection.since),
        "node": connection.node,
    }


def _parts(asked: Asked) -> dict[str, Any]:
    said = (each.said(asked.known.now) for each in asked.known.parts)
    return {each.pop("name"): each for each in said}


def _objects(asked: Asked) -> dict[str, Any]:
    sources = asked.view.objects.rows
    return {
        key: {"kind": kind_of(key), **_judged(status), "source": sources.get(key) or status.carrier}
        for key, status in asked.view.statuses.rows.items()
        if (key in sources or status.carrier in sources) and not key.startswith(FILE_PREFIX)
    }


def _pending(asked: Asked) -> list[str]:
    judged = asked.view.statuses.rows
    return [key for key in asked.view.objects.rows if key not in judged and not key.startswith(FILE_PREFIX)]


def _files(asked: Asked) -> dict[str, Any]:
    return {
        key.rpartition("//")[2]: _judged(status)
        for key, status in asked.view.statuses.rows.items()
        if key.startswith(FILE_PREFIX) and key in asked.view.objects.rows
    }


def _resources(asked: Asked) -> dict[str, Any]:
    published, acks = asked.view.resources.rows, asked.view.acks.rows
    gone = [key for key in acks if "/" in key and key not in published]
    unasked = asked.view.unasked
    return {
        key: _resource(published.get(key), acks.get(key, Ack()), asked=key not in unasked)
        for key in [*published, *gone]
    }


def _changes(asked: Asked) -> dict[str, Any]:
    objects = asked.view.objects.rows
    return {
        key: {"at": _time(change.since), "served_after_s": change.seconds}
        for key, change in asked.view.changes.items()
        if key in objects and not key.startswith(FILE_PREFIX)
    }


def _history(asked: Asked) -> list[dict[str, Any]]:
    from diagnostics.history import history  # noqa: PLC0415 -- it reads and writes YAML, which nobody else here does

    return [{**each, "at": _time(each["at"])} for each in history(asked.view)]


def _sequences(asked: Asked) -> dict[str, int]:
    return asked.view.sequences


def _errors(asked: Asked) -> list[tuple[str, str]]:
    return [(key, said) for key, status in asked.view.statuses.rows.items() for said in _said(status)]


def _said(status: Status) -> Iterator[str]:
    for problem in status.faults:
        yield f"{problem['path']}: {problem['message']}" if problem["path"] else problem["message"]
    if status.more:
        yield f"and {status.more:,} more"


SECTIONS: Final[dict[str, Callable[[Asked], Any]]] = {
    "version": _version,
    "uptime": _uptime,
    "system": _system,
    "envoy": _envoy,
    "parts": _parts,
    "envoy_status": _envoy_status,
    "notices": _notices,
    "errors": _errors,
    "objects": _objects,
    "pending": _pending,
    "files": _files,
    "resources": _resources,
    "sequences": _sequences,
    "changes": _changes,
    "groups": lambda asked: emissary.groups(asked.picture),
    "route_info": lambda asked: emissary.route_info(asked.picture),
    "cluster_info": lambda asked: clusters.cluster_info(asked.picture),
    "cluster_stats": lambda asked: clusters.cluster_stats(asked.picture),
    "ambassador_services": lambda asked: emissary.ambassador_services(asked.picture),
    "ambassador_resolvers": lambda asked: emissary.ambassador_resolvers(asked.picture),
    "ambassador_elements": lambda asked: emissary.ambassador_elements(asked.picture),
    "envoy_elements": lambda asked: emissary.envoy_elements(asked.picture),
    "tlscontexts": lambda asked: emissary.tlscontexts(asked.picture),
    "source_map": lambda asked: emissary.source_map(asked.picture),
}

ALONE: Final[dict[str, Callable[[Asked], Any]]] = {"history": _history}
"""What is large, or dear, and no part of the whole."""


def _judged(status: Status) -> dict[str, Any]:
    return {"state": status.state, "problems": status.problems, **({"more": status.more} if status.more else {})}


def _resource(version: str | None, ack: Ack, *, asked: bool) -> dict[str, Any]:
    return {
        "published": version,
        "asked_for": asked,
        "accepted": ack.accepted,
        "accepted_at": _time(ack.accepted_at),
        "refused": ack.refused,
        "refused_at": _time(ack.refused_at),
        "message": ack.message,
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
