"""A running gateway: where it is, and its sockets, by which the translator and the adsserver are spoken with."""

import base64
import contextlib
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from process.settings import Settings

PATIENCE: Final = 15.0
"""Seconds that an answer may take: the adsserver waits for Envoy itself."""
_PREFIX: Final = "dragoman-"
"""Begins the run directories of gateways that were not told where to have them."""
_LARGEST_LIST: Final = 256 << 20
"""Bytes of Envoy's list of clusters that are read."""


class GatewayError(Exception):
    """The gateway is not there, or does not answer; the message says what to do."""


class QuestionError(GatewayError):
    """The gateway answers that it cannot tell."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One that runs on this machine, or in this pod."""

    settings: Settings

    def ask(self, question: Mapping[str, Any]) -> Any:
        """What the translator says. QuestionError: it cannot; GatewayError: nobody answers."""
        with _talking(self.settings.why_socket) as talk:
            talk.sendall(orjson.dumps(question) + b"\n")
            said = _line(talk)
        if "error" in said:
            raise QuestionError(str(said["error"]))
        return said

    @contextlib.contextmanager
    def opened(self, private: str) -> Iterator[Path]:
        """Have Envoy open a listener for the length of a block; the path of its socket."""
        body = base64.b64decode(private)
        with _talking(self.settings.guests_socket) as talk:
            talk.sendall(len(body).to_bytes(4) + body)
            said = _line(talk)
            if "socket" not in said:
                raise QuestionError(f"Envoy cannot be asked: {said.get('refused')}")
            yield Path(said["socket"])

    def cluster(self, name: str) -> dict[str, Any] | None:
        """All that Envoy tells of a cluster now, its endpoints among it; empty: it has none; None: it does not tell."""
        listed = self.admin(f"/clusters?format=json&filter={quote(f'^{re.escape(name)}$', safe='')}")
        if listed is None:
            return None
        return next((dict(each) for each in listed.get("cluster_statuses", ()) if each.get("name") == name), {})

    def counted(self, pattern: str) -> dict[str, int]:
        """The counters and gauges whose names match; none where Envoy does not tell."""
        told = self.admin(f"/stats?format=json&filter={quote(pattern, safe='')}") or {}
        return {each["name"]: int(each["value"]) for each in told.get("stats", ()) if "name" in each}

    def admin(self, target: str) -> dict[str, Any] | None:
        """What Envoy's admin interface answers; None: nothing."""
        try:
            with socket.socket(socket.AF_UNIX) as talk:
                talk.settimeout(PATIENCE)
                talk.connect(str(self.settings.admin_socket))
                connection = HTTPConnection("localhost")
                connection.sock = talk
                connection.request("GET", target)
                found: dict[str, Any] = orjson.loads(connection.getresponse().read(_LARGEST_LIST))
        except (OSError, HTTPException, orjson.JSONDecodeError):
            return None
        return found


def address_of(said: Mapping[str, Any]) -> str:
    """Where an endpoint is."""
    address = said.get("address", {})
    place = address.get("socket_address", {})
    return f"{place.get('address')}:{place.get('port_value')}" if place else address.get("pipe", {}).get("path", "?")


def endpoint_told(said: Mapping[str, Any]) -> dict[str, Any]:
    """An endpoint, and what keeps requests from it."""
    health = said.get("health_status", {})
    known = health.get("eds_health_status", "HEALTHY")
    troubles = [name.replace("_", " ") for name, value in health.items() if value is True]
    if known not in ("HEALTHY", "UNKNOWN"):
        troubles.append(known.lower())
    return {"address": address_of(said), "healthy": not troubles, "troubles": troubles}


def find(run_dir: Path | None, environ: Mapping[str, str]) -> Gateway:
    """The gateway of a run directory, of the environment's, or the only one that runs here."""
    settings = Settings.from_environment(dict(environ))
    if run_dir is not None or environ.get("DRAGOMAN_RUN_DIR"):
        return _of(run_dir or settings.run_dir)
    shared = [Path("/dev/shm"), Path(tempfile.gettempdir())]  # noqa: S108 -- where they are made
    found = [path for parent in shared for path in sorted(parent.glob(f"{_PREFIX}*")) if _answers(path)]
    if _answers(settings.run_dir):
        found.append(settings.run_dir)
    if len(found) == 1:
        return _of(found[0])
    if not found:
        raise GatewayError(
            "no gateway of this user runs here: start one with dragoman run FOLDER, or name its --run-dir; in a "
            "cluster: kubectl exec POD -- dragoman ..."
        )
    raise GatewayError(f"several gateways run here: say --run-dir, one of {', '.join(map(str, found))}")


def _of(run_dir: Path) -> Gateway:
    return Gateway(Settings(run_dir=run_dir))


def _answers(run_dir: Path) -> bool:
    """Whether a gateway of this user runs there: in a folder of another's, anybody may wait for what is asked."""
    with contextlib.suppress(GatewayError, OSError):
        if run_dir.stat().st_uid == os.geteuid():
            with _talking(Settings(run_dir=run_dir).why_socket):
                return True
    return False


@contextlib.contextmanager
def _talking(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as talk:
        talk.settimeout(PATIENCE)
        try:
            talk.connect(str(path))
        except OSError as error:
            raise GatewayError(f"no gateway answers at {path}: {error.strerror or error}") from None
        try:
            yield talk
        except TimeoutError:
            raise GatewayError(f"the gateway does not answer in time at {path}") from None
        except ConnectionError as error:
            raise GatewayError(f"the gateway stopped answering at {path}: {error.strerror}") from None


def _line(talk: socket.socket) -> Any:
    with talk.makefile("rb") as lines:
        line = lines.readline()
    if not line.endswith(b"\n"):
        raise GatewayError("the gateway ended while it was asked: ask again")
    return orjson.loads(line)
