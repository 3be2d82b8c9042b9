"""What is known of everything, as JSON: for `?json=true` of the diagnostics page. Names and verdicts, never contents.

version     of Dragoman
uptime      seconds that the diagnostics have run
system      what runs here
envoy       whether it answers and is connected, its version and state
objects     by key: kind, state, problems (the first ones, and how many `more`), and where it came from
pending     keys of objects that the translator has not judged yet
files       files of objects that cannot be read
resources   by `<type>/<name>`: the published version, what Envoy accepted and refused of it, when, and why
sequences   how many commits each database of the snapshot had
errors      every problem as [key, message], as Emissary lists them
"""

import os
import platform
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from diagnostics.view import FILE_PREFIX, Ack, Status, View, kind_of


@dataclass(frozen=True, slots=True)
class System:
    """What runs here; `started` is a Unix time."""

    version: str
    ambassador_id: str
    namespace: str
    started: float


@dataclass(frozen=True, slots=True)
class Known:
    """What the report says beside what the snapshot does; `info` is Envoy's own, None when it does not answer."""

    system: System
    info: Mapping[str, Any] | None
    now: float


def report(view: View, known: Known, only: str | None = None) -> bytes:
    """The report as JSON, or what one of its keys has. KeyError for a key that it does not have."""
    told = SECTIONS[only](view, known) if only else {name: make(view, known) for name, make in SECTIONS.items()}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _version(_view: View, known: Known) -> str:
    return known.system.version


def _uptime(_view: View, known: Known) -> float:
    return round(known.now - known.system.started, 3)


def _system(_view: View, known: Known) -> dict[str, Any]:
    return {
        "ambassador_id": known.system.ambassador_id,
        "namespace": known.system.namespace,
        "hostname": socket.gethostname(),
        "python": platform.python_version(),
        "pid": os.getpid(),
        "started": _time(known.system.started),
    }


def _envoy(view: View, known: Known) -> dict[str, Any]:
    info, connection = known.info or {}, view.connection
    return {
        "answers": known.info is not None,
        "state": info.get("state"),
        "version": info.get("version"),
        "uptime": info.get("uptime_current_epoch"),
        "connected": connection.connected,
        "since": _time(connection.since),
        "node": connection.node,
    }


def _objects(view: View, _known: Known) -> dict[str, Any]:
    sources = view.objects.rows
    return {
        key: {"kind": kind_of(key), **_judged(status), "source": sources.get(key) or status.carrier}
        for key, status in view.statuses.rows.items()
        if (key in sources or status.carrier in sources) and not key.startswith(FILE_PREFIX)
    }


def _pending(view: View, _known: Known) -> list[str]:
    return [key for key in view.objects.rows if key not in view.statuses.rows and not key.startswith(FILE_PREFIX)]


def _files(view: View, _known: Known) -> dict[str, Any]:
    return {
        key.rpartition("//")[2]: _judged(status)
        for key, status in view.statuses.rows.items()
        if key.startswith(FILE_PREFIX) and key in view.objects.rows
    }


def _resources(view: View, _known: Known) -> dict[str, Any]:
    published, acks = view.resources.rows, view.acks.rows
    gone = [key for key in acks if "/" in key and key not in published]
    return {key: _resource(published.get(key), acks.get(key, Ack())) for key in [*published, *gone]}


def _sequences(view: View, _known: Known) -> dict[str, int]:
    return view.sequences


def _errors(view: View, _known: Known) -> list[tuple[str, str]]:
    return [(key, said) for key, status in view.statuses.rows.items() for said in _said(status)]


def _said(status: Status) -> Iterator[str]:
    for problem in status.problems:
        yield f"{problem['path']}: {problem['message']}" if problem["path"] else problem["message"]
    if status.more:
        yield f"and {status.more:,} more"


SECTIONS: Final[Mapping[str, Callable[[View, Known], Any]]] = {
    "version": _version,
    "uptime": _uptime,
    "system": _system,
    "envoy": _envoy,
    "objects": _objects,
    "pending": _pending,
    "files": _files,
    "resources": _resources,
    "sequences": _sequences,
    "errors": _errors,
}


def _judged(status: Status) -> dict[str, Any]:
    return {"state": status.state, "problems": status.problems, **({"more": status.more} if status.more else {})}


def _resource(version: str | None, ack: Ack) -> dict[str, Any]:
    return {
        "published": version,
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
