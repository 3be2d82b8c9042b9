"""The image for tests: built with buildah, run with podman, in a storage of their own that no other program sees.

Images stay in the user's cache, so that the next session only builds what changed; everything else (locks, databases,
run state) is in a folder that ends with the session. A container has a network namespace of its own with nothing but a
loopback in it: it can have the ports that users know it by, and no packet leaves it. Tests ask it from inside.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

TREE = Path(__file__).resolve().parent.parent.parent
IMAGE = "localhost/dragoman-tested"

_MOST_BYTES = 3 * 2**30  # of images kept from session to session
_LONGEST = 600  # seconds that a container may live, whatever becomes of the session that started it
_CLONE_NEWNET = 0x40000000  # sched.h


@dataclass(frozen=True, slots=True)
class Engine:
    """Podman and buildah on one private storage, a folder; `environ` is what makes them use it."""

    storage: Path
    environ: Mapping[str, str]

    def podman(self, *arguments: str) -> str:
        """What a podman command prints; a failure of it is one of the test, told with podman's own words."""
        return self._run("podman", *arguments).strip()

    def build(self, name: str = IMAGE) -> None:
        """Build the tree's image as `make image` does where no registry can be reached."""
        tar = Path(self._run(str(TREE / "scripts/base-image")).strip())
        base = f"localhost/dragoman-base:{tar.stem}"
        if base not in self.podman("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            self.podman("import", "--quiet", str(tar), base)
        self._run(
            str(TREE / "scripts/build-image"), name, environ={"PYTHON_IMAGE": base, "CONTAINER_ENGINE": "buildah"}
        )

    def export(self, image: str, archive: Path, name: str) -> None:
        """Write an image to an archive that says it is called `name`."""
        self._run("buildah", "push", "--quiet", "--disable-compression", image, f"oci-archive:{archive}:{name}")

    def inspect(self, kind: str, name: str) -> Any:
        """`podman inspect` of an image or container."""
        (found,) = json.loads(self.podman("inspect", "--type", kind, name))
        return found

    @contextlib.contextmanager
    def files(self, image: str) -> Iterator[Path]:
        """The image's root, read-only."""
        root = Path(self.podman("image", "mount", image))
        try:
            yield root
        finally:
            self.podman("image", "umount", image)

    @contextlib.contextmanager
    def run(self, image: str, *options: str) -> Iterator["Container"]:
        """A container of the image; killed and removed at the end, when the test has not stopped it."""
        name = self.podman("run", "--detach", "--network", "none", "--timeout", str(_LONGEST), *options, image)
        container = Container(self, name)
        try:
            yield container
        except BaseException:
            print(container.logs())
            raise
        finally:
            self.podman("rm", "--force", "--time", "0", name)

    def clean(self) -> None:
        """Remove what a session that was killed left behind, and all images when they take too much room."""
        left = self.podman("ps", "--all", "--external", "--quiet").split()
        if left:
            self.podman("rm", "--force", *left)
        used = self._run("du", "--summarize", "--block-size=1", str(self.storage)).split()[0]
        if int(used) > _MOST_BYTES:
            self.podman("image", "prune", "--all", "--force")

    def unmount(self) -> None:
        """Take away the mounts that the overlay driver leaves: of its own folder, and of killed containers."""
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in reversed(mounted):
            if point.startswith(f"{self.storage}/"):
                self._run("umount", point)

    def _run(self, *command: str, environ: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            command,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (
            f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done.stdout


@dataclass(frozen=True, slots=True)
class Container:
    """A container that was started."""

    engine: Engine
    name: str

    @property
    def pid(self) -> int:
        """Its first process, as the host counts; 0 when it ended."""
        return int(self.engine.inspect("container", self.name)["State"]["Pid"])

    @property
    def running(self) -> bool:
        """Whether its first process lives."""
        return bool(self.engine.inspect("container", self.name)["State"]["Running"])

    def logs(self) -> str:
        """What it wrote to its stdout and stderr."""
        command = ("podman", "logs", self.name)
        done = subprocess.run(command, env=self.engine.environ, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def output(self, *command: str, options: Sequence[str] = ()) -> str:
        """What a command prints that is run in it."""
        return self.engine.podman("exec", *options, self.name, *command)

    def stop(self, seconds: int) -> int:
        """SIGTERM, SIGKILL after `seconds`; its exit code."""
        self.engine.podman("stop", "--time", str(seconds), self.name)
        return int(self.engine.inspect("container", self.name)["State"]["ExitCode"])

    def processes(self) -> list[Mapping[str, str]]:
        """/proc/PID/status (proc_pid_status(5)) of each of its processes, as names and values."""
        namespace = Path(f"/proc/{self.pid}/ns/pid").readlink()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile, or is none of ours to look at
                if (process / "ns/pid").readlink() == namespace:
                    found.append(_fields((process / "status").read_text()))
        return found

    @contextlib.contextmanager
    def inside(self) -> Iterator[Callable[[Callable[[], T]], T]]:
        """A function that calls another on a thread that is in the container's network."""

        def enter() -> None:
            with Path(f"/proc/{pid}/ns/net").open("rb") as namespace:
                if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")

        pid = self.pid
        libc = ctypes.CDLL(None, use_errno=True)
        with ThreadPoolExecutor(max_workers=1, initializer=enter) as pool:
            yield lambda function: pool.submit(function).result()


@contextlib.contextmanager
def private_engine() -> Iterator[Engine]:
    """Podman and buildah on a storage in the user's cache, for one session at a time; a second one waits."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dragoman"
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="dragoman-image-"))
    try:
        with (cache / "containers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            engine = _engine(cache, folder)
            engine.clean()
            try:
                yield engine
            finally:
                engine.unmount()
    finally:
        shutil.rmtree(folder)


def _engine(cache: Path, folder: Path) -> Engine:
    """An engine on the kernel's overlay, or on plain copies where a file system or a container forbids it.

    No limits are asked for: podman's usual ones are higher than a root without CAP_SYS_RESOURCE can set.
    """
    (folder / "containers.conf").write_text(
        f"""
        [containers]
        default_ulimits = []
        log_driver = "k8s-file"
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "none"
        lock_type = "file"
        runtime = "runc"
        static_dir = "{folder}/static"
        tmp_dir = "{folder}/tmp"
        volume_path = "{folder}/volumes"
        """
    )
    for driver in ("overlay", "vfs"):
        storage = cache / f"containers-{driver}"
        environ = _environment(storage, folder, driver)
        if subprocess.run(("podman", "info"), env=environ, capture_output=True, check=False).returncode == 0:
            break
    return Engine(storage, environ)


def _environment(storage: Path, folder: Path, driver: str) -> Mapping[str, str]:
    (folder / "storage.conf").write_text(
        f"""
        [storage]
        driver = "{driver}"
        graphroot = "{storage}"
        runroot = "{folder}/run"
        """
    )
    return {
        **os.environ,
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "TMPDIR": str(folder),
    }


def _fields(status: str) -> Mapping[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in status.splitlines())}


def find(root: Path, wanted: Callable[[Path], bool], below: Sequence[str] = ("",)) -> list[str]:
    """The files below some folders of an image's root that are `wanted`, as paths in the image."""
    found = []
    for start in below:
        for folder, _, names in os.walk(root / start):
            found += [path for name in names if wanted(path := Path(folder, name))]
    return sorted("/" + str(path.relative_to(root)) for path in found)
