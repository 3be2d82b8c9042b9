"""The programs that a Kubernetes is made of, and Prometheus' own, built from Go modules into a cache outside the tree.

    places = ensure(["etcd", "kube-apiserver"], say=print)

The cache's name holds a hash of all that the programs are made from. What is absent is built, one program after
another; each becomes visible when it is whole, and whoever needs the same one meanwhile waits. A folder of ready ones
may be named by KUBEBUILDER_ASSETS: what is there is taken, the rest is built.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.cluster.toolchain import ToolchainError, go_command

HERE = Path(__file__).resolve().parent
VERSION = "v1.36.3"  # as in kubernetes/go.mod

Say = Callable[[str], None]

_APART = ("standin", "promtool")
"""Modules with a folder of their own in the cache: they change with our tests or Prometheus, not with Kubernetes."""
_KEPT = 14 * 24 * 3600  # seconds that the programs of another version stay after they were last used


class BinariesError(RuntimeError):
    """A program is missing and could not be built; the message says why."""


@dataclass(frozen=True, slots=True)
class _Program:
    """One program: the module of ours that names its version, its package, and about how long it takes to build."""

    module: str
    package: str
    seconds: int
    flags: tuple[str, ...] = ("-ldflags", "-s -w")


def _kubernetes(command: str, seconds: int) -> _Program:
    """Clients parse the version; without it `kubectl apply --server-side` fails for some files."""
    major, minor, _ = VERSION.removeprefix("v").split(".")
    given = {"gitVersion": VERSION, "gitMajor": major, "gitMinor": minor}
    version = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in given.items())
    return _Program("kubernetes", f"k8s.io/kubernetes/cmd/{command}", seconds, ("-ldflags", f"-s -w {version}"))


def _containerd(command: str, seconds: int) -> _Program:
    flags = ("-tags", "no_btrfs no_devmapper no_zfs", "-ldflags", "-s -w")
    return _Program("containerd", f"github.com/containerd/containerd/v2/cmd/{command}", seconds, flags)


# The seconds are those of a first build on 2 cores, in this order: what the former ones compiled is not compiled again.
PROGRAMS: Mapping[str, _Program] = {
    "standin": _Program("standin", ".", 10),
    "etcd": _Program("etcd", "go.etcd.io/etcd/server/v3", 75),
    "kube-apiserver": _kubernetes("kube-apiserver", 300),
    "kube-controller-manager": _kubernetes("kube-controller-manager", 90),
    "kubectl": _kubernetes("kubectl", 45),
    "kube-scheduler": _kubernetes("kube-scheduler", 20),
    "kube-proxy": _kubernetes("kube-proxy", 20),
    "kubelet": _kubernetes("kubelet", 90),
    "containerd": _containerd("containerd", 120),
    "containerd-shim-runc-v2": _containerd("containerd-shim-runc-v2", 10),
    "ctr": _containerd("ctr", 15),
}
OTHERS: Mapping[str, _Program] = {
    # Without the clients of all clouds, in which Prometheus looks for targets: half of what there is to compile.
    "promtool": _Program(
        "promtool",
        "github.com/prometheus/prometheus/cmd/promtool",
        150,
        ("-tags", "remove_all_sd", "-ldflags", "-s -w"),
    ),
}
"""What no Kubernetes is made of: it is built when it is named."""
LIGHT = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
"""What serves the API, without nodes."""

_BUILD = ("build", "-trimpath", "-buildvcs=false")
_ENVIRON = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}


def cache() -> Path:
    """The folder of the user's cache that is ours."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dragoman"


def ensure(names: Iterable[str] = PROGRAMS, say: Say = lambda line: None) -> Mapping[str, Path]:
    """Where these programs are; BinariesError when one can be neither found nor built."""
    places = {name: _place(name) for name in names}
    for folder in dict.fromkeys(place.parent for place in places.values()):
        wanted = [name for name, place in places.items() if place.parent == folder]
        if _missing(wanted, folder):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(folder):
                _build(_missing(wanted, folder), folder, say)
            _forget_old(folder)
        elif folder.parent == cache():
            os.utime(folder)  # it was used now
    return places


class InBackground:
    """Builds what is absent of these in a process of its own, which leaves the machine to whoever else wants it.

    `module`: another one that builds when it is run, and says on stderr why it could not.
    """

    def __init__(self, names: Iterable[str], module: str = __name__) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *names],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # a few lines: it never fills
            text=True,
            cwd=HERE.parents[2],
            process_group=0,
        )
        self._give_way(19)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def wait(self) -> str:
        """What was said, when all are there. BinariesError: its end says why one is not."""
        self._give_way(0)
        _, said = self._process.communicate()
        if self._process.returncode != 0:
            raise BinariesError(said.strip())
        return said.strip()

    def _give_way(self, nice: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # only root may hurry others again
            os.setpriority(os.PRIO_PGRP, self._process.pid, nice)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate()


def _place(name: str) -> Path:
    """Where a program is, or will be."""
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given and os.access(Path(given, name), os.X_OK):
        return Path(given, name)
    family = _family(_program(name))
    return cache() / f"{family}-{_key(family)}" / name


def _program(name: str) -> _Program:
    return PROGRAMS.get(name) or OTHERS[name]


def _family(program: _Program) -> str:
    """Programs that change together."""
    return program.module if program.module in _APART else "kubernetes"


@functools.cache
def _key(family: str) -> str:
    """A hash of all that a family's programs are made from."""
    members = {name: each for name, each in {**PROGRAMS, **OTHERS}.items() if _family(each) == family}
    made_from = hashlib.sha256(repr((_BUILD, sorted(_ENVIRON.items()), sorted(members.items()))).encode())
    for module in sorted({program.module for program in members.values()}):
        for path in sorted((HERE / module).iterdir()):
            made_from.update(repr((module, path.name, path.read_bytes())).encode())
    return made_from.hexdigest()[:16]


def _missing(names: Iterable[str], folder: Path) -> list[str]:
    return [name for name in names if not os.access(folder / name, os.X_OK)]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time builds."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(names: list[str], folder: Path, say: Say) -> None:
    if not names:
        return
    try:
        go, environ = go_command(cache(), say)
    except ToolchainError as error:
        raise BinariesError(f"{', '.join(names)} cannot be built: {error}") from error
    about = sum(_program(name).seconds for name in names)
    say(f"building {len(names)} programs into {folder}: at most about {about} s on 2 cores, once")
    for name in names:
        say(f"building {name}")
        began = time.monotonic()
        _build_one(go, name, folder, {**os.environ, **environ, **_ENVIRON})
        say(f"built {name} in {time.monotonic() - began:.0f} s")


def _build_one(go: Path, name: str, folder: Path, environ: Mapping[str, str]) -> None:
    program = _program(name)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as work:
        command = [str(go), *_BUILD, *program.flags, "-o", f"{work}/{name}", program.package]
        done = subprocess.run(
            command, cwd=HERE / program.module, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BinariesError(f"{name} could not be built:\n{done.stderr[-2000:]}")
        Path(work, name).rename(folder / name)


def _forget_old(folder: Path) -> None:
    family = folder.name.rpartition("-")[0]
    for other in cache().glob(f"{family}-*"):
        if other != folder and time.time() - other.stat().st_mtime > _KEPT:
            shutil.rmtree(other, ignore_errors=True)


if __name__ == "__main__":
    try:
        for place in ensure(sys.argv[1:] or PROGRAMS, lambda line: print(line, file=sys.stderr, flush=True)).values():
            print(place)
    except BinariesError as error:
        sys.exit(str(error))
