"""Our image and our manifests in a cluster, as a person would install them."""

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.e2e.cluster.cluster import ROOT
from tests.e2e.cluster.inside import FromInside
from tests.image.containers import IMAGE, Engine
from tests.support.certificates import new_authority
from tests.support.gateway_crds import install_whole
from tests.support.load import Load

NAMESPACE = "dragoman"
DEPLOYMENT = "dragoman"
SERVICE = "dragoman"
IMAGE_NAME = "docker.io/library/dragoman:latest"  # what `image: dragoman` in deploy/workload.yaml means
MANIFESTS = ROOT / "deploy"
DEMO = ROOT / "examples/kubernetes"
DEMO_NAMESPACE = "quickstart"


def load_image(cluster: FromInside, engine: Engine) -> None:
    """Give the nodes the image that the engine has built."""
    archive = cluster.folder / "image.tar"
    engine.export(IMAGE, archive, IMAGE_NAME)
    cluster.load_image(archive)
    archive.unlink()


@contextlib.contextmanager
def gateway_api(cluster: FromInside, *more: str) -> Iterator[None]:
    """The kinds of Gateway API, and classes of ours; without the classes nothing is served of it afterwards.

    `more`: folders below deploy/gateway-api, for classes of other sorts.
    """
    install_whole(cluster, "standard")
    for folder in ("gateway-api", *(f"gateway-api/{each}" for each in more)):
        cluster.apply(MANIFESTS / folder)
    cluster.kubectl("wait", "gatewayclasses", "--all", "--for=condition=Accepted", "--timeout=120s")
    yield
    cluster.kubectl("delete", "gatewayclasses", "--all")


@dataclass(frozen=True, slots=True)
class Installed:
    """Dragoman in a cluster: where its Service is, and its pods."""

    cluster: FromInside
    address: str

    def load(self, host: str = "some.test", path: str = "/steady/") -> Load:
        """Load through the Service, from inside the cluster's network."""
        return Load(80, host=host, path=path, rate=50, address=self.address, enter=self.cluster.enter_network)

    def status(self, path: str, address: str | None = None, *, host: str = "some.test") -> int:
        """The status of an answer through the Service, or of one pod when its address is given; 0: none."""
        return self.cluster.fetch(address or self.address, path, host=host, port=8080 if address else 80)[0]

    def pods(self) -> dict[str, str]:
        """The address of each of its pods that serves."""
        found = {}
        for pod in self.cluster.pods(NAMESPACE, f"app.kubernetes.io/name={DEPLOYMENT}"):
            conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
            if conditions.get("Ready") == "True":
                found[pod["metadata"]["name"]] = pod["status"]["podIP"]
        return found


def tls_secret(namespace: str, name: str, *hostnames: str) -> str:
    """A Secret with a new certificate, as a manifest."""
    pair = new_authority("test cluster").server(hostnames[0], hostnames)
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    metadata = {"name": name, "namespace": namespace}
    return json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}
    )
