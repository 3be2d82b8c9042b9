"""The watcher as a process of its own, on a folder and a snapshot of the test's."""

from pathlib import Path
from typing import Any, Self

import orjson

from snapshot import Record, Snapshot
from tests.support.envoy import wait_until
from tests.support.part import Part


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


class RunningWatcher(Part):
    """A watcher process with `config` and `run` folders below `folder`; this process reads the snapshot it writes."""

    ready = "watching"

    def __init__(self, folder: Path, **environment: str) -> None:
        self.config, self.run_dir = folder / "config", folder / "run"
        self.config.mkdir(exist_ok=True)
        self.run_dir.mkdir(exist_ok=True)
        settings = {"DRAGOMAN_CONFIG_DIR": str(self.config), "DRAGOMAN_RUN_DIR": str(self.run_dir), **environment}
        super().__init__("watcher", folder / "log", settings)
        self.snapshot = Snapshot.open(self.run_dir / "snapshot")
        self._reader = self.snapshot.reader("objects")

    def start(self) -> Self:
        """Start the process, and wait for its first view or, at a later start, until it follows the folder."""
        super().start()
        return self

    def has_begun(self, before: int) -> bool:
        """Whether it follows the folder, and has published."""
        return super().has_begun(before) and self.sequence > 0

    def close(self) -> None:
        """kill -9, if it runs; the snapshot can be read no more."""
        self.kill()
        self.snapshot.close()

    @property
    def sequence(self) -> int:
        """How many commits there were."""
        reader = self.snapshot.reader("objects")
        return reader.changes().sequence

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


def _group(value: dict[str, Any]) -> str:
    group, _, _ = value["apiVersion"].rpartition("/")
    return group or "core"
