"""A node without a kubelet: each pod of the cluster has an address and an end here, and is what a function makes of it.

    with Node(api, lambda pod, address: HttpUpstream("red", address=address, port=8080)):
        ...                                       # a Deployment becomes available, a Service has endpoints

What decides about pods (controllers, and the programs that are tested) sees what a kubelet would tell. The addresses
are those of network.py.
"""

import http.client
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.friends.network import PODS
from tests.support.apiserver import ApiError, ApiServer
from tests.support.child import Child
from tests.support.scoped import Scoped

NODE = "node"

_MERGE = "application/strategic-merge-patch+json"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_PAUSE = 0.2  # seconds between two looks
_BEAT = 5.0  # seconds between two signs of life
_LINGERS = 3.0  # seconds that a pod goes on serving after its end was wished: others must learn of it first

Run = Callable[[Mapping[str, Any], str], Scoped]


class Node(Scoped):
    """Runs every pod. `run` makes what serves for one (of its object, at an address); it is started and closed here."""

    def __init__(self, api: ApiServer, run: Run) -> None:
        self._api, self._run = api, run
        self._running: dict[str, Scoped] = {}
        self._leaving: dict[str, float] = {}
        self._free: Iterator[Any] = ipaddress.ip_network(PODS).hosts()
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Tell the API server of a node, and begin."""
        ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastHeartbeatTime": _now()}
        self._api.ask("POST", "/api/v1/nodes", {"metadata": {"name": NODE}, "status": {"conditions": [ready]}})
        spec = {"holderIdentity": NODE, "leaseDurationSeconds": 40, "renewTime": _now()}
        self._api.ask("POST", _LEASES, {"metadata": {"name": NODE}, "spec": spec})
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(30)
        for each in self._running.values():
            each.close()
        self._running.clear()

    def check(self) -> None:
        """RuntimeError when the node has failed."""
        if self._failure is not None:
            raise RuntimeError("the node failed") from self._failure

    def _follow(self) -> None:
        beat = time.monotonic()
        while not self._stopping.wait(_PAUSE):
            try:
                for pod in self._api.get("/api/v1/pods")["items"]:
                    self._see(pod)
                if time.monotonic() - beat > _BEAT:
                    self._ask("PATCH", f"{_LEASES}/{NODE}", {"spec": {"renewTime": _now()}})
                    beat = time.monotonic()
            except (OSError, http.client.HTTPException):
                continue  # the API server is away for a moment
            except Exception as error:  # noqa: BLE001  told by `check`
                self._failure = error
                return

    def _see(self, pod: Mapping[str, Any]) -> None:
        metadata, uid = pod["metadata"], pod["metadata"]["uid"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            if time.monotonic() - self._leaving.setdefault(uid, time.monotonic()) > _LINGERS:
                if (ended := self._running.pop(uid, None)) is not None:
                    ended.close()
                self._ask("DELETE", path, {"gracePeriodSeconds": 0})
        elif not pod["spec"].get("nodeName"):
            self._ask("POST", f"{path}/binding", {"metadata": {"name": metadata["name"]}, "target": {"name": NODE}})
        elif uid not in self._running:
            address = str(next(self._free))
            self._running[uid] = self._run(pod, address)
            self._running[uid].start()
            self._ask("PATCH", f"{path}/status", {"status": _status(pod, address)})
        elif isinstance(running := self._running[uid], Child):
            running.start()  # as a kubelet does, when it has ended

    def _ask(self, method: str, path: str, body: Any) -> None:
        """Of a pod that somebody else has deleted meanwhile there is nothing to say."""
        try:
            self._api.ask(method, path, body, content_type=_MERGE if method == "PATCH" else "application/json")
        except ApiError as error:
            if error.status not in (http.client.NOT_FOUND, http.client.CONFLICT):
                raise


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _status(pod: Mapping[str, Any], address: str) -> dict[str, Any]:
    """What a kubelet says of a pod whose containers all serve."""
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    started = _now()[:19] + "Z"
    containers = [
        {
            "name": each["name"],
            "image": each["image"],
            "imageID": "",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": started}},
        }
        for each in pod["spec"]["containers"]
    ]
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": started,
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": started} for kind in kinds],
        "containerStatuses": containers,
    }
