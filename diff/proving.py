"""Two real Envoys, one with each configuration, are asked the same requests at the private listeners of `dragoman why`.

Each has an adsserver of its own, in a run directory of its own, that is given the routes, scopes and certificates of
its configuration. There are no listeners but the private ones, and clusters are stubs without endpoints: no port is
opened, no name is resolved, and no service hears of it. Where a request goes is Envoy's word, by the cluster's name.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any, Final

from diff.fields import HIDDEN
from diff.outline import Outline, Placed
from diff.probes import Probe
from diff.sources import SourceError
from entrypoint.orphans import dying_with
from envoyapi.config_cluster_v3 import Cluster
from envoyapi.config_endpoint_v3 import ClusterLoadAssignment
from process.settings import Settings
from snapshot import Record, Snapshot
from translator.asking import answer as answer_of
from translator.explaining import Explainer, UnknownError
from translator.resources import resource
from translator.wording import action_of, share_of
from translator.xds.names import cluster_name
from why.finding import answered
from why.gateway import Gateway, GatewayError
from why.request import AnswerError, send

PATIENCE: Final = 30.0
"""Seconds until an Envoy must be there."""
WARMING: Final = 10.0
"""Seconds in which a listener must be open that Envoy has accepted."""
_STEP: Final = 0.02
_ROOT: Final = Path(__file__).resolve().parent.parent
_GIVEN: Final = ("route", "scope", "secret", "runtime")
_DRAIN: Final = 1
_VALUES: Final = re.compile(r"([?&][^=&\s]*)=[^&\s]*")

Report = dict[str, Any]
Group = tuple[str, int, str]
"""Scheme, port and the name asked for in TLS: what chooses a listener's chains."""


@contextlib.contextmanager
def both(before: Outline, after: Outline, settings: Settings) -> Iterator[tuple["Asked", "Asked"]]:
    """Both sides with their Envoys, for the length of a block. SourceError: the Envoys cannot be had."""
    with _envoy(before, settings) as first, _envoy(after, settings) as second:
        sides = (Asked(before, first), Asked(after, second))
        for side in sides:
            side.wait()
        yield sides


def answers(sides: tuple["Asked", "Asked"], chosen: Sequence[Probe]) -> Iterator[tuple[Probe, Report, Report]]:
    """Each request, with what becomes of it on both sides."""
    for group, those in _grouped(chosen).items():
        yield from zip(those, *[side.ask(group, those) for side in sides], strict=True)


def _grouped(chosen: Sequence[Probe]) -> dict[Group, list[Probe]]:
    found: dict[Group, list[Probe]] = {}
    for probe in chosen:
        name = (probe.request.asked_name or "") if probe.request.scheme == "https" else ""
        found.setdefault((probe.request.scheme, probe.port, name), []).append(probe)
    return found


def differs(probe: Probe, old: Report, new: Report) -> Report:
    """A request that is answered otherwise, without what may be a secret."""
    request = probe.request
    return {
        "method": request.method,
        "url": _without_values(f"{request.scheme}://{request.host}:{probe.port}{request.target}"),
        "headers": [name for name, _ in request.headers],
        "before": {"said": old["said"], "object": old["object"]},
        "after": {"said": new["said"], "object": new["object"]},
    }


def _without_values(text: str) -> str:
    """A URL or path without what its query parameters are: a route may ask for a secret there."""
    return _VALUES.sub(rf"\1={HIDDEN}", text)


@dataclass(slots=True)
class _Running:
    """The processes of one side."""

    gateway: Gateway
    processes: tuple["subprocess.Popen[bytes]", ...]
    log: Path


@dataclass(slots=True)
class Asked:
    """One configuration, and the Envoy that has it."""

    outline: Outline
    running: _Running

    def wait(self) -> None:
        """Until Envoy is there."""
        end = time.monotonic() + PATIENCE
        while not _is_live(self.running.gateway.settings):
            ended = [process for process in self.running.processes if process.poll() is not None]
            if ended or time.monotonic() > end:
                said = self.running.log.read_text(errors="replace")[-1000:]
                raise SourceError(f"the requests cannot be asked, there is no Envoy: {said or 'it does not answer'}")
            time.sleep(_STEP)

    def ask(self, group: Group, those: list[Probe]) -> list[Report]:
        """What becomes of each request."""
        scheme, port, name = group
        question = {"ask": "listener", "scheme": scheme, "port": port, "strict": True, "server_name": name}
        try:
            listener = answer_of(Explainer(self.outline.pipeline, lambda _: ""), question)
        except UnknownError:
            return [_nothing("no Listener is there") for _ in those]
        if listener["private"] is None:
            return [_nothing(f"{scheme} is not spoken there for this name") for _ in those]
        with self.opened(listener["private"]) as path:
            return [self._one(path, probe) for probe in those]

    @contextlib.contextmanager
    def opened(self, private: str) -> Iterator[Path]:
        """The socket of a private listener that is open. SourceError: Envoy cannot be asked."""
        try:
            with self.running.gateway.opened(private) as path:
                _wait_open(path)
                yield path
        except GatewayError as error:
            raise SourceError(f"Envoy cannot be asked: {error}") from error

    def _one(self, path: Path, probe: Probe) -> Report:
        try:
            answer = send(path, probe.request, probe.port)
        except AnswerError as error:
            return _nothing(str(error))
        said = answered(answer)
        placed = self.outline.routes.get(answer.told.get("route", ""))
        origins = placed.route.origins if placed else ()
        shared = self._shares(placed) if placed else []
        plain = {name: value for name, value in said.items() if name != "why"}
        return {
            "is": {"drawn": shared} if shared else plain,
            "answer": plain,
            "object": origins[0] if origins else None,
            "said": _words(said, origins[0] if origins else "", shared),
            "route": answer.told.get("route", ""),
        }

    def _shares(self, placed: Placed) -> list[Report]:
        """What a request may be drawn for, where it is: what is drawn this time says nothing."""
        several = (
            [each for each in self.outline.routes.values() if each.row == placed.row] if placed.drawn else [placed]
        )
        does = [
            {"share": share_of(each.route.match), **action_of(each.route.action, cluster_name)}
            for each in sorted(several, key=lambda each: each.route.order)
        ]
        is_drawn = placed.drawn or any(len(each.get("backends", ())) > 1 for each in does)
        return does if is_drawn else []


def _wait_open(path: Path) -> None:
    """Until a listener takes connections: Envoy has accepted it, and may still wait for its routes and certificates."""
    end = time.monotonic() + WARMING
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket(AF_UNIX) as talk:
            talk.connect(str(path))
            return
        time.sleep(_STEP)


def _nothing(why: str) -> Report:
    told = {"kind": "nothing", "why": why}
    return {"is": told, "answer": told, "object": None, "said": f"nothing: {why}", "route": ""}


def _words(said: Mapping[str, Any], owner: str, shared: list[Report]) -> str:
    by = f", by {'/'.join(owner.split('/')[1:])}" if owner else ""
    if shared:
        return "by shares: " + "; ".join(map(_share, shared)) + by
    if said["kind"] == "forwards":
        headers = f", with {', '.join(sorted(said['headers']))}" if said["headers"] else ""
        path = _without_values(said["path"] or "")
        return f"to {said['cluster']} as {said['method']} {path}, Host: {said['authority']}{headers}{by}"
    where = f" {_without_values(said['location'])}" if said.get("location") else ""
    why = f" ({said['why']})" if said.get("why") else ""
    return f"{said.get('status', said['kind'])}{where}{why}{by}"


def _share(each: Report) -> str:
    share = "else" if each["share"] is None else f"{each['share']:g} %"
    clusters = [f"{one['cluster'] or 'nowhere'} ({one['weight']})" for one in each.get("backends", ())]
    return f"{share} to {', '.join(clusters)}" if clusters else f"{share} {each['kind']}"


@contextlib.contextmanager
def _envoy(outline: Outline, settings: Settings) -> Iterator[_Running]:
    """An adsserver and an Envoy with a configuration, for the length of a block."""
    parent = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 -- a new folder
    run_dir = Path(tempfile.mkdtemp(prefix="dg-diff-", dir=parent))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        _publish(outline, run_dir)
        log = run_dir / "log"
        with log.open("wb") as out:
            for module in ("adsserver", "entrypoint.envoy"):
                processes.append(_started(module, run_dir, settings, out.fileno()))  # noqa: PERF401 -- each is to be ended
        yield _Running(Gateway(Settings(run_dir=run_dir)), tuple(processes), log)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(run_dir, ignore_errors=True)


def _publish(outline: Outline, run_dir: Path) -> None:
    """Write what Envoy is given into a snapshot."""
    for folder in ("bells", "beats"):
        (run_dir / folder).mkdir(mode=0o700)
    rows = dict(outline.resources)
    given = {key: row for key, row in rows.items() if key.partition("/")[0] in _GIVEN}
    for key in rows:
        kind, _, name = key.partition("/")
        if kind == "cluster":
            stub = Cluster(name=name, load_assignment=ClusterLoadAssignment(cluster_name=name))
            given[key] = resource(stub)
    with Snapshot.open(run_dir / "snapshot") as snapshot:
        snapshot.writer("resources").replace(
            {key: Record(version=row.version, body=row.body) for key, row in given.items()}
        )


def _started(module: str, run_dir: Path, settings: Settings, out: int) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    environ = {
        **kept,
        "HOME": str(run_dir),
        "PYTHONPATH": str(_ROOT),
        "DRAGOMAN_RUN_DIR": str(run_dir),
        "AMBASSADOR_DRAIN_TIME": str(_DRAIN),
        "AES_LOG_LEVEL": "error",
        "ENVOY_CONCURRENCY": "1",
        **({"ENVOY_PATH": str(settings.envoy_path.absolute())} if settings.envoy_path else {}),
    }
    command = [sys.executable, "-P", "-m", module]
    return subprocess.Popen(command, env=environ, stdout=out, stderr=out, preexec_fn=dying_with(os.getpid()))  # noqa: PLW1509 -- no threads


def _is_live(settings: Settings) -> bool:
    if not settings.guests_socket.is_socket():
        return False
    with contextlib.suppress(OSError, HTTPException), socket(AF_UNIX) as talk:
        talk.settimeout(1)
        talk.connect(str(settings.admin_socket))
        connection = HTTPConnection("localhost")
        connection.sock = talk
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    return False
