"""A real Kubernetes with nodes, for tests and for people: the handle of its owner.

    with Cluster() as cluster:
        cluster.apply(...)                                  # and the rest of ApiClient
        cluster.fetch("10.97.0.1", "/hello/")             # from inside
        cluster.enter("ip", "route")

It lives in namespaces of its own, keeps all that it writes in one folder, and leaves nothing behind.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.client import OwnApi
from tests.e2e.cluster.constants import BRIDGE_ADDRESS, STANDIN_IMAGE
from tests.e2e.cluster.images import write_image
from tests.e2e.cluster.inside import FromInside
from tests.e2e.cluster.layout import Layout
from tests.support.envoy import wait_until
from tests.support.ports import unused_port
from tests.support.scoped import Scoped

ROOT = Path(__file__).resolve().parents[3]
START_DEADLINE = 180.0


class Cluster(OwnApi, FromInside, Scoped):
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
        port = unused_port()
        super().__init__(Path(tempfile.mkdtemp(prefix="dm-cluster-")), port)
        self._forwards = {port: (BRIDGE_ADDRESS, 443), **(forwards or {})}
        self.layout = Layout(self.folder, f"dragoman-{self.folder.name}", ensure(), nodes)
        self._remove = [self.folder, *remove]
        self._keeper: subprocess.Popen[bytes] | None = None
        self.node_names = nodes

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

    def ctr(self, node: str, *arguments: str) -> str:
        """What a command of a node's containerd prints."""
        (place,) = (str(each.socket) for each in self.layout.nodes if each.name == node)
        return self.enter(str(self.layout.binaries["ctr"]), "-a", place, "-n", "k8s.io", *arguments)

    def load_image(self, archive: Path) -> None:
        """Give the nodes the images of an archive, under the names that it says."""
        for node in self.node_names:
            self.ctr(node, "images", "import", str(archive))
