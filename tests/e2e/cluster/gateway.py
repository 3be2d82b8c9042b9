"""Our image and our manifests in a cluster, as a person would install them."""

import base64
import json
from collections.abc import Sequence

from tests.e2e.cluster.cluster import ROOT, Cluster
from tests.e2e.cluster.pki import Authority
from tests.image.containers import IMAGE, Engine

NAMESPACE = "dragoman"
DEPLOYMENT = "dragoman"
SERVICE = "dragoman"
IMAGE_NAME = "docker.io/library/dragoman:latest"  # what `image: dragoman` in deploy/workload.yaml means
MANIFESTS = ROOT / "deploy"
DEMO = ROOT / "examples/kubernetes"
DEMO_NAMESPACE = "quickstart"


def install(cluster: Cluster, engine: Engine, names: Sequence[str] = (IMAGE_NAME,)) -> None:
    """Give the node the image (built already) and the API server the manifests; see `Cluster.wait_rollout`."""
    for number, name in enumerate(names):
        archive = cluster.folder / f"image-{number}.tar"
        engine.export(IMAGE, archive, name)
        cluster.load_image(archive)
        archive.unlink()
    cluster.apply(MANIFESTS)


def tls_secret(namespace: str, name: str, *hostnames: str) -> str:
    """A Secret with a new certificate, as a manifest."""
    pair = Authority().server(hostnames[0], hostnames)
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    metadata = {"name": name, "namespace": namespace}
    return json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}
    )
