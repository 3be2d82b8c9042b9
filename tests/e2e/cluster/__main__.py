"""`make cluster`: a Kubernetes with Dragoman in it, in a terminal, until Ctrl-C.

What scripts want of it is in `.cluster/`: `kubeconfig`, `bin/` (kubectl and the others), and at last `pid`, the process
whose namespaces are the cluster's. The folder goes when the cluster goes.
"""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from cli.terminal import foreground
from tests.e2e.cluster.binaries import BinariesError, ensure
from tests.e2e.cluster.cluster import ROOT, Cluster
from tests.e2e.cluster.gateway import (
    DEMO,
    DEMO_NAMESPACE,
    DEPLOYMENT,
    MANIFESTS,
    NAMESPACE,
    SERVICE,
    load_image,
    tls_secret,
)
from tests.e2e.cluster.needs import missing
from tests.image.containers import private_engine
from tests.support.ports import unused_port

LEFT = ROOT / ".cluster"
USUAL = {
    8080: (f"{NAMESPACE}/{SERVICE}", 80),
    8443: (f"{NAMESPACE}/{SERVICE}", 443),
    8877: (f"{NAMESPACE}/{SERVICE}-admin", 8877),
}


def say(line: str) -> None:
    """Tell the person."""
    print(line, flush=True)


def main() -> int:
    """Start it, tell it, and wait for the end; 2 when the machine cannot run it."""
    if lacking := missing():
        say(f"cluster: {lacking}")
        return 2
    if _runs_already():
        say(f"cluster: one runs already, as {LEFT}/pid says")
        return 2
    ports = {usual: usual if _is_free(usual) else unused_port() for usual in USUAL}
    try:
        ensure(say=say)
    except BinariesError as error:
        say(f"cluster: {error}")
        return 2
    with Cluster({ports[usual]: to for usual, to in USUAL.items()}, remove=[LEFT]) as cluster:
        say("a node is ready; building Dragoman's image and installing deploy/ ...")
        with private_engine() as engine:
            engine.build()
            load_image(cluster, engine)
        cluster.apply(MANIFESTS)
        cluster.apply(DEMO)
        cluster.apply(tls_secret(DEMO_NAMESPACE, "localhost", "localhost", "127.0.0.1"))
        secure = ("patch", "host/everything", "--type=merge", "-p", '{"spec": {"tlsSecret": {"name": "localhost"}}}')
        cluster.kubectl("-n", DEMO_NAMESPACE, *secure)
        cluster.wait_rollout(NAMESPACE, DEPLOYMENT)
        cluster.wait_rollout(DEMO_NAMESPACE, "hello")
        address = cluster.wait_address(NAMESPACE, SERVICE)
        _leave(cluster)
        say(_greeting(cluster, ports, address))
        _wait_for_the_end()
        say("ending; nothing stays")
    return 0


def _runs_already() -> bool:
    try:
        return Path("/proc", (LEFT / "pid").read_text().strip()).exists()
    except OSError:
        return False


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _leave(cluster: Cluster) -> None:
    """Write `.cluster/`, its `pid` last."""
    shutil.rmtree(LEFT, ignore_errors=True)
    (LEFT / "bin").mkdir(parents=True)
    for name, place in cluster.layout.binaries.items():
        (LEFT / "bin" / name).symlink_to(place)
    shutil.copy(cluster.kubeconfig, LEFT / "kubeconfig")
    (LEFT / "pid.new").write_text(f"{cluster.pid}\n")
    (LEFT / "pid.new").rename(LEFT / "pid")


def _greeting(cluster: Cluster, ports: dict[int, int], address: str) -> str:
    kubectl = ".cluster/bin/kubectl --kubeconfig .cluster/kubeconfig"
    return f"""
A Kubernetes with Dragoman in it runs, until Ctrl-C. Try, in another terminal:

  curl http://127.0.0.1:{ports[8080]}/hello/
  curl -k https://127.0.0.1:{ports[8443]}/hello/
  curl http://127.0.0.1:{ports[8877]}/ambassador/v0/check_ready

  {kubectl} get pods -A
  {kubectl} get mappings,hosts,listeners -A
  {kubectl} -n {NAMESPACE} logs deployment/{DEPLOYMENT}

It has a network of its own, where the Service's address is {address}. To look at it from there:

  nsenter -t {cluster.pid} -n -m -p curl http://{address}/hello/
"""


def _wait_for_the_end() -> None:
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.sigwait(ends)


if __name__ == "__main__":
    with foreground(os.environ):
        try:
            code = main()
        except KeyboardInterrupt:
            say("ended while it began; nothing stays")
            code = 130
        except RuntimeError as error:
            say(f"cluster: {error}")
            code = 1
    sys.exit(code)
