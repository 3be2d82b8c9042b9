"""Where the objects of a configuration come from: folders, a revision of git, a gateway that runs here.

Each gives a `Side`: bodies by key, as the gateway's own reader makes them, and where each is written. (A cluster is in
`diff.cluster`.)
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import orjson

from lint.reading import Read, read
from process.settings import Settings
from snapshot import Snapshot, SnapshotError
from translator.ir import ObjectKey
from translator.publishing import hold_of
from translator.quarantine import Hold
from watcher.gateway_kinds import GATEWAY_KINDS
from watcher.kinds import KINDS
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.parsing import Work

GIT: Final = "git:"
DECLARED: Final = ("getambassador.io/", "gateway.networking.k8s.io/", "networking.k8s.io/Ingress/")
"""Begin the keys of what people declare for the gateway, and perhaps no more: `--prune`."""
_KINDS: Final = (*KINDS, *GATEWAY_KINDS)
_EVERYWHERE: Final = tuple(kind.key("", "")[:-1] for kind in _KINDS if kind.is_everywhere)
"""Begin the keys of objects that are in no namespace."""
_READ: Final = tuple(kind.key("", "")[:-1] for kind in _KINDS)
"""Begin the keys of what a gateway reads; of other kinds nobody knows whether they are in a namespace."""
_OURS: Final = "dragoman/"
_GIT_SECONDS: Final = 60.0
_ELSEWHERE: Final = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_PREFIX",
        "GIT_INDEX_FILE",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    }
)
"""Variables, as hooks have them, by which git would take another repository than the folder's, or other files."""


class SourceError(Exception):
    """The objects cannot be had; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Side:
    """A configuration's objects.

    Args:
        label: what it is, for people.
        objects: their bodies.
        places: of each, the file and document, or nothing.
        holds: what a running gateway holds back, and serves instead.
        known: what the watcher found beside the objects: files that they name, answers of Consul.
        read: the files, where they are ours to tell mistakes of.
        has_secrets: whether a Secret that is not among the objects is not there; else nobody knows.
        notes: what is to be said of it.
        is_partial: whether some of a cluster's objects, other than Secrets, could not be read.
    """

    label: str
    objects: Mapping[ObjectKey, bytes]
    places: Mapping[ObjectKey, str] = field(default_factory=dict)
    holds: Mapping[ObjectKey, Hold] = field(default_factory=dict)
    known: Mapping[str, bytes] = field(default_factory=dict)
    read: Read | None = None
    has_secrets: bool = False
    notes: tuple[str, ...] = ()
    is_partial: bool = False

    @property
    def is_of_a_folder(self) -> bool:
        """Whether the objects are from files of a folder, which may have none, and not from a cluster."""
        return self.read is not None or not self.objects or any(map(_is_followed, self.places.values()))

    @property
    def unread(self) -> bool:
        """Whether a file, or a kind of a cluster, could not be read, so that nobody knows what is in it."""
        if self.is_partial:
            return True
        return self.read is not None and any(told.problem.sort == "Unread" for told in self.read.problems)


def of_files(paths: Sequence[Path], settings: Settings, label: str = "") -> Side:
    """Folders and files as one configuration."""
    found = read(paths, settings.namespace, Limits.of(settings), _in_lanes)
    return of_read(found, label or ", ".join(map(str, paths)))


def of_read(found: Read, label: str) -> Side:
    """What was read of files."""
    objects = {key: record.body for key, record in found.objects.items()}
    return Side(label, objects, _places(found), read=found)


def _in_lanes(works: Iterable[Work]) -> Iterator[Work]:
    """Have documents read by a process beside, since what others write is bounded there."""
    with Lanes() as lanes:
        for work in works:
            lanes.do(work)
            yield work


def _places(found: Read) -> dict[ObjectKey, str]:
    places = {}
    for key in found.objects:
        at = found.place_of(key)
        if at is not None:
            places[key] = f"{at[0].shown}#{at[1]}"
    return places


@contextmanager
def of_git(revision: str, paths: Sequence[Path], settings: Settings) -> Iterator[Side]:
    """The same folders and files as they are in a revision of the repository that they are in."""
    if not revision or revision.startswith("-"):
        raise SourceError(f"{GIT}{revision}: a revision is a branch, a tag or a commit, such as {GIT}main")
    with tempfile.TemporaryDirectory(prefix="dragoman-diff-") as made:
        top = Path(_git(paths[0], "rev-parse", "--show-toplevel").removesuffix("\n")).resolve()
        tree = Path(made).resolve() / "tree"
        index = {"GIT_INDEX_FILE": str(Path(made) / "index")}
        commit = _git(paths[0], "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
        _git(top, "read-tree", commit, **index)
        there = []
        for path in paths:
            absolute = path.resolve()
            if not absolute.is_relative_to(top):
                raise SourceError(f"{path} is in another repository than {paths[0]}")
            inside = absolute.relative_to(top)
            names = _git(top, "ls-files", "--cached", "-z", "--", str(inside), **index)
            if names:
                _git(top, "checkout-index", "-q", "-z", "--stdin", f"--prefix={tree}/", given=names, **index)
                there.append(tree / inside)
        label = f"{GIT}{revision}"
        if not there:
            yield Side(label, {}, notes=(f"{label} has nothing at {', '.join(map(str, paths))}",))
            return
        side = of_files(there, settings, label)
        shown = {key: f"{revision}:{_below(place, tree)}" for key, place in side.places.items()}
        yield replace(side, places=shown)


def _below(place: str, tree: Path) -> str:
    return os.path.relpath(place.rpartition("#")[0], tree) + "#" + place.rpartition("#")[2]


def _git(folder: Path, *arguments: str, given: str = "", **environment: str) -> str:
    home = folder if folder.is_dir() else folder.parent
    command = ["git", "--literal-pathspecs", "-C", str(home), *arguments]
    kept = {name: text for name, text in os.environ.items() if name not in _ELSEWHERE}
    try:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            env={**kept, **environment},
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git cannot be asked: {error}") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise SourceError(f"git {arguments[0]} in {home}: {said}")
    return done.stdout


def of_gateway(settings: Settings) -> Side:
    """What a gateway that runs here serves, of its run directory: also what it holds back."""
    path = settings.snapshot_path
    if not path.is_dir():
        raise SourceError(f"{settings.run_dir} has no snapshot: is a gateway running there?")
    try:
        with Snapshot.open(path) as snapshot:
            records = snapshot.reader("objects").all()
            holds = {key: hold_of(record) for key, record in snapshot.reader("holds").all().items()}
            known = {key: record.body for key, record in snapshot.reader("catalog").all().items()}
    except SnapshotError as error:
        raise SourceError(f"the snapshot of {settings.run_dir} cannot be read: {error}") from error
    mine = {key: record for key, record in records.items() if not key.startswith(_OURS)}
    places = {key: str(record.notes["source"]) for key, record in mine.items() if record.notes.get("source")}
    objects = {key: record.body for key, record in mine.items()}
    return Side(f"the gateway at {settings.run_dir}", objects, places, holds, known, has_secrets=True)


def applied(live: Side, folder: Side, *, prune: bool = False) -> Side:
    """What there would be if a folder took the place of the one that is followed, or were applied to a cluster.

    Objects that come from no file of a folder stay, but for those that `prune` takes: what people declare, in the
    namespaces that the folder has objects in, of kinds that are read, and not in the folder.
    """
    if not live.is_of_a_folder:
        folder = _as_in_a_cluster(folder)
    kept = {key: body for key, body in live.objects.items() if not _is_followed(live.places.get(key, ""))}
    if prune:
        spaces = {key.split("/")[2] for key in folder.objects if key.startswith(_READ)} - {""}
        gone = {key for key in kept if key.startswith(DECLARED) and key.split("/")[2] in spaces}
        kept = {key: body for key, body in kept.items() if key not in gone}
    mine = {key: _as_old(body, live.objects.get(key)) for key, body in folder.objects.items()}
    return replace(
        folder,
        objects={**kept, **mine},
        places={**{key: place for key, place in live.places.items() if key in kept}, **folder.places},
        holds=live.holds,
        known=live.known,
        has_secrets=live.has_secrets,
    )


def _as_in_a_cluster(folder: Side) -> Side:
    """A folder, of whose objects those are in no namespace that are in none in a cluster: in files all are in one."""
    objects, places = dict(folder.objects), dict(folder.places)
    for key in [key for key in objects if key.startswith(_EVERYWHERE)]:
        group, kind, _, name = key.split("/", 3)
        document = orjson.loads(objects.pop(key))
        document["metadata"].pop("namespace", None)
        objects[f"{group}/{kind}//{name}"] = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        places[f"{group}/{kind}//{name}"] = places.pop(key, "")
    return replace(folder, objects=objects, places=places)


def _is_followed(place: str) -> bool:
    """Whether an object is from a file of the folder that a gateway follows; others' names begin with `(`."""
    return bool(place) and not place.startswith("(")


def _as_old(body: bytes, before: bytes | None) -> bytes:
    """An object with the age of the one that it takes the place of: by it conflicts are decided."""
    born = orjson.loads(before)["metadata"].get("creationTimestamp") if before else None
    document = orjson.loads(body) if born else {}
    if not born or document["metadata"].get("creationTimestamp"):
        return body
    metadata = {**document["metadata"], "creationTimestamp": born}
    return orjson.dumps({**document, "metadata": metadata}, option=orjson.OPT_SORT_KEYS)
