"""The same handle for a kind cluster that somebody started (`make e2e KIND=1`), for people who have Docker.

Its nodes are containers of this machine, so their network is entered as ours is (by root). kind has no load balancer:
our stand-in serves it too, as long as the tests run.
"""

import base64
import subprocess
import tempfile
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.constants import STANDIN_IMAGE
from tests.e2e.cluster.images import write_image
from tests.e2e.cluster.inside import FromInside
from tests.e2e.cluster.services import Services
from tests.support.certificates import Pair

NAME = "dragoman"  # as in kind-config.yaml


class KindCluster(FromInside):
    """`kind create cluster --name dragoman --config kind-config.yaml`, seen from its machine."""

    def __init__(self) -> None:
        given = yaml.safe_load(_run("kind", "get", "kubeconfig", "--name", NAME))
        server = urllib.parse.urlsplit(given["clusters"][0]["cluster"]["server"])
        assert server.hostname == "127.0.0.1", server
        certificate = base64.b64decode(given["clusters"][0]["cluster"]["certificate-authority-data"])
        user = given["users"][0]["user"]
        admin = Pair(*(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
        folder = Path(tempfile.mkdtemp(prefix="dm-kind-"))
        super().__init__(folder, server.port or 443, certificate, admin)
        self.node_names: Sequence[str] = _run("kind", "get", "nodes", "--name", NAME).split()
        self.pid = int(_run("docker", "inspect", "--format", "{{.State.Pid}}", self.node_names[0]))
        write_image(ensure(["standin"])["standin"], STANDIN_IMAGE, folder / "standin.tar")
        self.load_image(folder / "standin.tar")
        Services("127.0.0.1", self._port, self._tls).start()

    def ctr(self, node: str, *arguments: str) -> str:
        """What a command of a node's containerd prints."""
        return _run("docker", "exec", node, "ctr", "--namespace", "k8s.io", *arguments)

    def load_image(self, archive: Path) -> None:
        """Give the nodes the images of an archive, under the names that it says."""
        for node in self.node_names:
            with archive.open("rb") as content:
                command = (
                    "docker",
                    "exec",
                    "--interactive",
                    node,
                    "ctr",
                    "--namespace",
                    "k8s.io",
                    "images",
                    "import",
                    "-",
                )
                subprocess.run(command, stdin=content, check=True, capture_output=True)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
