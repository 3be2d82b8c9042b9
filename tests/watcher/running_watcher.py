"""The watcher as a process of its own, on a folder and a snapshot of the test's."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from snapshot import Record, Snapshot
from tests.support.envoy import wait_until

ROOT = Path(__file__).parents[2]


def mapping(name: str, prefix: str = "/", **spec: Any) -> dict[str, Any]:
    """A small Mapping."""
    return {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"prefix": prefix, **spec},
    }


def key(name: str) -> str:
    """A Mapping's key."""
    return f"getambassador.io/Mapping/default/{name}"


def text(*objects: dict[str, Any]) -> str:
    """Objects as a file of YAML documents (JSON is YAML)."""
    return "".join(f"---\n{orjson.dumps(value).decode()}\n" for value in objects)


class RunningWatcher:
    """A watcher process with `config` and `run` folders below `folder`; this process reads the snapshot it writes."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.config, self.run_dir, self.log_path = folder / "config", folder / "run", folder / "log"
        self.config.mkdir(exist_ok=True)
        self.run_dir.mkdir(exist_ok=True)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.snapshot = Snapshot.open(self.run_dir / "snapshot")
        self._reader = self.snapshot.reader("objects")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.snapshot.close()

    def start(self, *, wait: bool = True) -> Self:
        """Start the process, and wait for its first view or, at a later start, until it follows the folder."""
        watching = self.log().count("watching")
        environment = {
            **os.environ,
            "DRAGOMAN_CONFIG_DIR": str(self.config),
            "DRAGOMAN_RUN_DIR": str(self.run_dir),
            "PYTHONPATH": str(ROOT),
            **self._environment,
        }
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "watcher"], env=environment, stderr=log, cwd="/")
        if wait:
            wait_until(self._begun(watching), what="the watcher to begin")
        return self

    def _begun(self, watching: int) -> Any:
        def begun() -> bool:
            process = self._process
            if process is None or process.poll() is not None:
                raise RuntimeError(self.log())
            return self.log().count("watching") > watching and self.sequence > 0

        return begun

    @property
    def sequence(self) -> int:
        """How many commits there were."""
        reader = self.snapshot.reader("objects")
        return reader.changes().sequence

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(10)

    def wait(self) -> int:
        """The exit code of a process that ends by itself."""
        assert self._process
        return self._process.wait(20)

    def records(self) -> dict[str, Record]:
        """All records as of now."""
        return self._reader.all()

    def objects(self) -> dict[str, Any]:
        """The objects as of now."""
        return {key: orjson.loads(record.body) for key, record in self.records().items() if "dragoman/" not in key}

    def problems(self) -> dict[str, str]:
        """The files' problems as of now, by file."""
        return {
            key.removeprefix("dragoman/File//"): orjson.loads(record.body)["message"]
            for key, record in self.records().items()
            if key.startswith("dragoman/")
        }

    def until(self, *objects: dict[str, Any], problems: dict[str, str] | None = None) -> None:
        """Wait until exactly these objects (and problems, when given) are published."""
        expected = {
            "/".join([_group(value), value["kind"], value["metadata"]["namespace"], value["metadata"]["name"]]): value
            for value in objects
        }
        try:
            wait_until(lambda: self.objects() == expected and problems in (None, self.problems()))
        except TimeoutError:
            assert (self.objects(), self.problems()) == (expected, problems), self.log()

    def log(self) -> str:
        """What the process logged so far."""
        return self.log_path.read_text() if self.log_path.exists() else ""


def _group(value: dict[str, Any]) -> str:
    group, _, _ = value["apiVersion"].rpartition("/")
    return group or "core"
