"""Reporters as processes, on a snapshot that the test writes and a real API server."""

import contextlib
import http.client
import shutil
import threading
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from reporter.objects import name_of
from snapshot import JSON, Record, Snapshot
from snapshot.writer import Writer
from tests.support.apiserver import ApiServer
from tests.support.envoy import short_folder
from tests.support.part import Part
from translator.ir import ObjectKey
from translator.publishing import record_of_status
from translator.statuses import ReportedProblem, Status
from translator.subjects import Edition, Subject

GROUP = "getambassador.io"


def path_of(key: ObjectKey) -> str:
    name = name_of(key)
    assert name is not None
    return name.path


SPECS: dict[str, dict[str, Any]] = {
    "Mapping": {"prefix": "/", "service": "a"},
    "Host": {"hostname": "a.example"},
    "TCPMapping": {"port": 1, "service": "a"},
    "TLSContext": {},
    "Listener": {
        "port": 1,
        "protocol": "HTTP",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    },
}


class Cluster:
    """Objects of one namespace on the API server, and a snapshot that says what their statuses should be."""

    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.api = api
        self.namespace = api.namespace()
        self.folder = folder
        self.snapshot = Snapshot.open(folder / "snapshot", bells=folder / "bells")
        self.statuses = self.snapshot.writer("statuses")
        self._mirror = _Mirror(api, self.namespace, self.snapshot.writer("live"))
        self._count = 0

    def close(self) -> None:
        self._mirror.stop()
        self.snapshot.close()

    def create(self, name: str, kind: str = "Mapping", **spec: Any) -> ObjectKey:
        """A new object. Its status is not told yet."""
        key = f"{GROUP}/{kind}/{self.namespace}/{name}"
        document = {
            "apiVersion": f"{GROUP}/v3alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": SPECS[kind] | spec,
        }
        self.api.ask("POST", path_of(key).rpartition("/")[0], document)
        return key

    def edit(self, key: ObjectKey, **spec: Any) -> None:
        """Change an object's spec."""
        self.api.ask("PATCH", path_of(key), {"spec": spec}, content_type="application/merge-patch+json")

    def delete(self, key: ObjectKey) -> None:
        self.api.ask("DELETE", path_of(key))

    def get(self, key: ObjectKey) -> Any:
        return self.api.get(path_of(key))

    def conditions(self, key: ObjectKey) -> dict[str, str]:
        """Type -> status and reason, as the API server has them."""
        found = self.get(key).get("status", {}).get("conditions", [])
        return {each["type"]: f"{each['status']} {each['reason']}" for each in found}

    def say(self, *keys: ObjectKey, told: tuple[ReportedProblem, ...] = (), **more: Any) -> None:
        """Let the snapshot say what the translator would, of the objects as they are now."""
        for key in keys:
            metadata = self.get(key)["metadata"]
            self.say_of(key, metadata["uid"], metadata["generation"], told, **more)

    def say_of(
        self, key: ObjectKey, uid: str, generation: int, told: tuple[ReportedProblem, ...] = (), **more: Any
    ) -> None:
        """The same of a version of an object that the test names."""
        status = Status(told, subject=Subject(Edition(uid, generation)), **more)
        self.statuses.commit({key: record_of_status(key, status)})

    def events(self, **fields: str) -> list[dict[str, Any]]:
        """The Events of the namespace."""
        found = self.api.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        return [each for each in found if all(each[name] == value for name, value in fields.items())]


class _Mirror(threading.Thread):
    """Stands for the watcher: keeps `live` equal to the namespace on the API server."""

    def __init__(self, api: ApiServer, namespace: str, writer: Writer) -> None:
        super().__init__(daemon=True)
        self._api, self._namespace, self._writer = api, namespace, writer
        self._ending = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ending.wait(0.05):
            with contextlib.suppress(OSError, KeyError, ValueError, http.client.HTTPException):
                self._writer.replace(self._records())

    def _records(self) -> dict[str, Record]:
        records = {}
        for kind in SPECS:
            path = f"/apis/{GROUP}/v3alpha1/namespaces/{self._namespace}/{kind.lower()}s"
            for item in orjson.loads(self._api.request("GET", path)[1])["items"]:
                metadata = item["metadata"]
                status = orjson.dumps(item.get("status") or {}, option=orjson.OPT_SORT_KEYS)
                notes: dict[str, JSON] = {
                    "generation": metadata["generation"],
                    "uid": metadata["uid"],
                    "resourceVersion": metadata["resourceVersion"],
                }
                version = f"{metadata['resourceVersion']}:{blake2b(status, digest_size=8).hexdigest()}"
                records[f"{GROUP}/{kind}/{self._namespace}/{metadata['name']}"] = Record(version, status, notes)
        return records

    def stop(self) -> None:
        self._ending.set()
        self.join()


class Reporter(Part):
    """One reporter's process."""

    def __init__(
        self, cluster: Cluster, pod: str = "pod-0", begin: str = "", kubeconfig: Path | None = None, **more: str
    ) -> None:
        self.pod = pod
        settings = {
            "DRAGOMAN_RUN_DIR": str(cluster.folder),
            "AMBASSADOR_NAMESPACE": cluster.namespace,
            "KUBECONFIG": str(kubeconfig or cluster.api.kubeconfig),
            "POD_NAME": pod,
            **more,
        }
        log = cluster.folder / f"{pod}-{time.monotonic_ns()}.log"
        super().__init__("reporter", log, settings, program=f"{begin}\nimport sys\n{MAIN}" if begin else "")


MAIN = """
from process.main import run
from reporter.__main__ import report
sys.exit(run("reporter", report))
"""

QUICK = """
import kubeapi.lease, kubeapi.election
kubeapi.lease.Terms = lambda: kubeapi.election.Terms(duration=3.0, deadline=2.0, retry=0.5)
"""
"""Another beginning of the program: with a lease of three seconds."""


@contextlib.contextmanager
def cluster_on(api: ApiServer) -> Iterator[Cluster]:
    folder = short_folder()
    cluster = Cluster(api, folder)
    try:
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)
