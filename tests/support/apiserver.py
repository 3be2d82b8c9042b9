"""A real Kubernetes API for tests: etcd, kube-apiserver and, if wanted, kube-controller-manager, on 127.0.0.1.

    with ApiServer() as api:
        api.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
        api.get("/api/v1/namespaces/a")
        api.pause()                         # SIGSTOP; also resume, stop, start, restore

It starts in about 3 s, has no nodes, and ends with this process, however that ends. EndpointSlices and Pods are written
by the test; the API server refuses loopback addresses in them.
"""

import http.client
import itertools
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.client import ApiError, OwnApi
from tests.e2e.cluster.pki import write_signing_key
from tests.support.child import Child
from tests.support.envoy import wait_until
from tests.support.ports import unused_port
from tests.support.scoped import Scoped

__all__ = ["ApiError", "ApiServer"]

START_DEADLINE = 90.0

_numbers = itertools.count(1)


class ApiServer(OwnApi, Scoped):
    """One API server on data of its own. A context manager; `kubeconfig` is the administrator's, a file.

    `flags` are more arguments for kube-apiserver, `controllers` whether kube-controller-manager runs too (it makes
    EndpointSlices of Services and Pods, ServiceAccounts' `default`, and ends namespaces).
    """

    def __init__(self, *, controllers: bool = False, flags: Sequence[str] = ()) -> None:
        self._binaries = ensure(["etcd", "kube-apiserver", *(["kube-controller-manager"] if controllers else [])])
        super().__init__(Path(tempfile.mkdtemp(prefix="dm-api-")), unused_port())
        self._etcd_port, self._peer_port = unused_port(), unused_port()
        self.etcd = Child("etcd", self._etcd_command(), self.folder / "etcd.log")
        self.server = Child("kube-apiserver", self._server_command(controllers, flags), self.folder / "apiserver.log")
        self.controllers = (
            Child("kube-controller-manager", self._controllers_command(), self.folder / "controllers.log")
            if controllers
            else None
        )

    def close(self) -> None:
        """End everything, and forget the data."""
        for child in (self.controllers, self.server, self.etcd):
            if child is not None:
                child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- life and death

    def start(self) -> None:
        """Start what does not run, on the same data and port; returns when requests are answered."""
        self.etcd.start()
        self.server.start()
        for path in ("/readyz", "/api/v1/namespaces/default"):
            wait_until(lambda path=path: self._has(path, self.etcd, self.server), START_DEADLINE, what=path)
        if self.controllers is None:
            return
        self.controllers.start()  # not before: they wait for an API server no longer than they please
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        children = (self.etcd, self.server, self.controllers)
        wait_until(lambda: self._has(account, *children), START_DEADLINE, what="the controllers at work")

    def stop(self) -> None:
        """kill -9 of the API server; etcd and the data stay."""
        self.server.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing is answered."""
        self.server.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.server.signal(signal.SIGCONT)

    def snapshot(self) -> Path:
        """A copy of etcd's data as it is now, for `restore`; nobody notices it being made."""
        copy = self.folder / f"etcd-{next(_numbers)}"
        self.etcd.signal(signal.SIGSTOP)
        try:
            shutil.copytree(self.folder / "etcd", copy)
        finally:
            self.etcd.signal(signal.SIGCONT)
        return copy

    def restore(self, snapshot: Path) -> None:
        """Kill all, go back to this state (resourceVersions go backwards too), and start again."""
        for child in (self.controllers, self.server, self.etcd):
            if child is not None:
                child.kill()
        shutil.rmtree(self.folder / "etcd")
        shutil.copytree(snapshot, self.folder / "etcd")
        self.start()

    def _has(self, path: str, *children: Child) -> bool:
        """Whether something is there; RuntimeError where one of these has ended."""
        for child in children:
            child.check()
        try:
            return self.request("GET", path)[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    # -- command lines

    def _etcd_command(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        return [
            str(self._binaries["etcd"]),
            f"--data-dir={self.folder}/etcd",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _server_command(self, controllers: bool, flags: Sequence[str]) -> list[str]:
        authority = self.folder / "ca.crt"
        authority.write_bytes(self._authority.pair.certificate)
        certificate, key = self._authority.server("kube-apiserver", ["127.0.0.1", "localhost"]).write(
            self.folder, "apiserver"
        )
        public, private = write_signing_key(self.folder, "accounts")
        return [
            str(self._binaries["kube-apiserver"]),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={authority}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--advertise-address=10.244.0.1",  # told to nobody, and nowhere listened to
            "--endpoint-reconciler-type=none",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--shutdown-delay-duration=0s",
            # Without controllers no namespace has the ServiceAccount that this plugin asks of each Pod.
            *(() if controllers else ("--disable-admission-plugins=ServiceAccount",)),
            *flags,
        ]

    def _controllers_command(self) -> list[str]:
        return [
            str(self._binaries["kube-controller-manager"]),
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            f"--service-account-private-key-file={self.folder}/accounts.key",
            f"--root-ca-file={self.folder}/ca.crt",
            f"--flex-volume-plugin-dir={self.folder}/volumes",  # else it makes a folder in /usr
        ]
