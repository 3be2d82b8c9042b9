"""What one does with a cluster that runs: be inside its network, give it images, and wait for its workloads."""

import contextlib
import ctypes
import http.client
import ssl
import subprocess
import urllib.parse
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from tests.e2e.cluster.client import ApiClient, ApiError
from tests.support.envoy import wait_until

T = TypeVar("T")

ROLLOUT = 240.0

_CLONE_NEWNET = 0x40000000  # sched.h


class FromInside(ApiClient):
    """A cluster with nodes, of whatever kind."""

    pid = 0
    """A process of this machine that is in the cluster's namespaces."""
    node_names: Sequence[str] = ()

    @abstractmethod
    def ctr(self, node: str, *arguments: str) -> str:
        """What a command of a node's containerd prints."""

    @abstractmethod
    def load_image(self, archive: Path) -> None:
        """Give the nodes the images of an archive, under the names that it says."""

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
