"""A real Kubernetes with nodes, for tests and for people: the handle of its owner.

    with Cluster() as cluster:
        cluster.apply(...)                                  # and the rest of ApiClient
        cluster.fetch("10.97.0.1", "/hello/")             # from inside
        cluster.enter("ip", "route")

It lives in namespaces of its own, keeps all that it writes in one folder, and leaves nothing behind.
"""

import contextlib
import ctypes
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.client import ApiClient, ApiError
from tests.e2e.cluster.constants import BRIDGE_ADDRESS, STANDIN_IMAGE
from tests.e2e.cluster.images import write_image
from tests.e2e.cluster.layout import Layout
from tests.e2e.cluster.pki import Authority
from tests.e2e.cluster.processes import quiet_port
from tests.support.envoy import wait_until

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[3]
START_DEADLINE = 120.0
ROLLOUT = 120.0

_CLONE_NEWNET = 0x40000000  # sched.h


class Cluster(ApiClient):
    """One cluster with these nodes. A context manager; its API server answers on 127.0.0.1 of this machine.

    `forwards` maps ports of this machine to Services: `{8080: ("dragoman/dragoman", 80)}`. They lead into the cluster
    from here and from inside alike.
    """

    def __init__(
        self,
        forwards: Mapping[int, tuple[str, int]] | None = None,
        *,
        nodes: Sequence[str] = ("node",),
        remove: Sequence[Path] = (),
    ) -> None:
        """`remove`: folders that must not outlive the cluster, however it ends."""
        port = quiet_port()
        super().__init__(Path(tempfile.mkdtemp(prefix="dm-cluster-")), port, Authority())
        self._forwards = {port: (BRIDGE_ADDRESS, 443), **(forwards or {})}
        self.layout = Layout(self.folder, f"dragoman-{self.folder.name}", ensure(), nodes)
        self._remove = [self.folder, *remove]
        self._keeper: subprocess.Popen[bytes] | None = None
        self.pid = 0
        """The first process of the cluster's namespaces."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it; returns when the nodes are ready."""
        try:
            self._begin()
            wait_until(self._is_ready, START_DEADLINE, what="the nodes ready")
            self.pid = int((self.folder / "pid").read_text())
        except BaseException:
            print(self.logs(), file=sys.stderr)
            self.close()
            raise

    def _begin(self) -> None:
        folder = self.folder
        self.layout.write(self._authority)
        write_image(ensure(["standin"])["standin"], STANDIN_IMAGE, folder / "standin.tar")
        with contextlib.ExitStack() as stack:
            listeners = []
            for port, (service, there) in self._forwards.items():
                listener = stack.enter_context(socket.create_server(("127.0.0.1", port)))
                listeners.append((listener.fileno(), service, there))
            binaries = {name: str(place) for name, place in self.layout.binaries.items()}
            plan = {
                "cgroup": self.layout.cgroup,
                "binaries": binaries,
                "nodes": list(self.layout.node_names),
                "forwards": listeners,
                "remove": [str(path) for path in self._remove],
            }
            (folder / "plan.json").write_text(json.dumps(plan))
            with (folder / "node.log").open("ab") as log:
                self._keeper = subprocess.Popen(
                    (sys.executable, "-m", "tests.e2e.cluster.keeper", str(folder), str(os.getpid())),
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=[number for number, _, _ in listeners],
                )

    def _is_ready(self) -> bool:
        assert self._keeper is not None
        if self._keeper.poll() is not None:
            raise RuntimeError(f"the cluster ended with {self._keeper.returncode}")
        return (self.folder / "ready").exists()

    def close(self) -> None:
        """End it; returns when nothing is left."""
        if self._keeper is not None:
            assert self._keeper.stdin is not None
            self._keeper.stdin.close()
            self._keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self) -> str:
        """The end of each program's log."""
        paths = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {path.stem}\n{path.read_text(errors='replace')[-3000:]}" for path in paths)

    # -- being inside

    def enter(self, *command: str, stdin: str | None = None, timeout: float = 120.0) -> str:
        """What a program prints that runs in the cluster's namespaces; its stderr is the error when it fails."""
        done = subprocess.run(
            (*self.entering, *command), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    @property
    def entering(self) -> Sequence[str]:
        """What to write before a command to run it in the cluster's namespaces."""
        return ("nsenter", "-t", str(self.pid), "-n", "-m", "-p", "--")

    def enter_network(self) -> None:
        """Put the calling thread into the cluster's network, for good."""
        with Path(f"/proc/{self.pid}/ns/net").open("rb") as namespace:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def inside(self, function: Callable[[], T]) -> T:
        """The result of a function that was called in the cluster's network."""
        with ThreadPoolExecutor(max_workers=1, initializer=self.enter_network) as pool:
            return pool.submit(function).result()

    def fetch(
        self,
        address: str,
        path: str = "/",
        *,
        host: str | None = None,
        port: int = 80,
        tls: ssl.SSLContext | None = None,
        timeout: float = 10.0,
    ) -> tuple[int, str]:
        """(status, body) of a GET from inside; the status is 0 when there is no answer, and the body says why."""

        def ask() -> tuple[int, str]:
            connection = (
                http.client.HTTPSConnection(address, port, timeout=timeout, context=tls)
                if tls
                else http.client.HTTPConnection(address, port, timeout=timeout)
            )
            with contextlib.closing(connection):
                try:
                    connection.request("GET", path, headers={"host": host or address})
                    answer = connection.getresponse()
                    return answer.status, answer.read().decode(errors="replace")
                except (OSError, http.client.HTTPException) as error:
                    return 0, repr(error)

        return self.inside(ask)

    # -- images and workloads

    def load_image(self, archive: Path) -> None:
        """Give the nodes the images of an archive (OCI or Docker), under the names that it says."""
        for node in self.layout.nodes:
            self.ctr(node.name, "images", "import", str(archive))

    def ctr(self, node: str, *arguments: str) -> str:
        """What a command of a node's containerd prints."""
        (place,) = (str(each.socket) for each in self.layout.nodes if each.name == node)
        return self.enter(str(self.layout.binaries["ctr"]), "-a", place, "-n", "k8s.io", *arguments)

    def pods(self, namespace: str, selector: str = "") -> list[Any]:
        """The pods with these labels that are not about to end."""
        query = urllib.parse.urlencode({"labelSelector": selector})
        found = self.get(f"/api/v1/namespaces/{namespace}/pods?{query}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def wait_rollout(self, namespace: str, deployment: str, deadline: float = ROLLOUT) -> None:
        """Wait until all pods of a Deployment are its newest, and ready; RuntimeError with their state otherwise."""
        try:
            self.kubectl("-n", namespace, "rollout", "status", f"deployment/{deployment}", f"--timeout={deadline:.0f}s")
        except ApiError as error:
            described = self.kubectl("-n", namespace, "describe", "pods")
            raise RuntimeError(f"{error}\n{described[-6000:]}") from error

    def wait_address(self, namespace: str, service: str) -> str:
        """The address that a Service of type LoadBalancer was given."""

        def given() -> str:
            status = self.get(f"/api/v1/namespaces/{namespace}/services/{service}")["status"]
            addresses = status["loadBalancer"].get("ingress") or [{}]
            return str(addresses[0].get("ip", ""))

        return wait_until(given, what=f"the address of {namespace}/{service}")

    def evict(self, namespace: str, pod: str) -> int:
        """Ask for a pod's eviction, as a node's drain does; the status: 201, or 429 when a budget forbids it now."""
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        return self.request("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", eviction)[0]
