"""A whole node comes and goes: everything that makes it a node works, and nothing of it stays."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.cluster.cluster import ROOT
from tests.e2e.cluster.constants import KERNEL_SETTINGS
from tests.e2e.cluster.inside import FromInside
from tests.e2e.cluster.keeper import hierarchies
from tests.support.envoy import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

END = 30.0  # seconds
WORKLOAD = """
apiVersion: v1
kind: Namespace
metadata:
  name: workload
  labels: {pod-security.kubernetes.io/enforce: restricted}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: red, namespace: workload}
spec:
  replicas: 2
  selector: {matchLabels: {app: red}}
  template:
    metadata: {labels: {app: red}}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: red
          image: localhost/standin:test
          imagePullPolicy: Never
          args: [serve, red]
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
          securityContext:
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
---
apiVersion: v1
kind: Service
metadata: {name: red, namespace: workload}
spec: {type: LoadBalancer, selector: {app: red}, ports: [{port: 80, targetPort: 8080}]}
"""
PLACES = (
    *("/run/containerd", "/run/kubelet", "/run/netns", "/run/nri", "/opt/cni", "/opt/containerd", "/opt/nri"),
    *("/var/lib/cni", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods"),
    "/usr/libexec/kubernetes",
)
SETTINGS = [Path("/proc/sys", name) for name in ("net/ipv4/ip_forward", *KERNEL_SETTINGS)]
OWNER = """
import pathlib, sys, time
from tests.e2e.cluster.cluster import Cluster
cluster = Cluster(remove=[pathlib.Path(sys.argv[2])])
cluster.start()
cluster.kubectl("run", "one", "--image=localhost/standin:test", "--image-pull-policy=Never")
cluster.kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
print(cluster.folder, cluster.pid, flush=True)
if sys.argv[1] == "close":
    cluster.close()
else:
    time.sleep(600)
"""


def test_pods_run_and_are_reached_by_every_address(cluster: FromInside) -> None:
    cluster.apply(WORKLOAD)
    cluster.wait_rollout("workload", "red")
    address = cluster.wait_address("workload", "red")
    service = cluster.get("/api/v1/namespaces/workload/services/red")["spec"]
    pods = cluster.pods("workload", "app=red")
    wait_until(lambda: cluster.fetch(address)[0] == 200, what="the load balancer's address served")
    wait_until(lambda: cluster.fetch(service["clusterIP"])[0] == 200, what="the Service's own address served")
    (node, *_) = cluster.get("/api/v1/nodes")["items"]
    (internal,) = (each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    port = service["ports"][0]["nodePort"]
    wait_until(lambda: cluster.fetch(internal, port=port)[0] == 200, what="the node's port served")
    for pod in pods:
        status, answer = cluster.fetch(pod["status"]["podIP"], port=8080)
        assert (status, pod["metadata"]["name"] in answer) == (200, True)
        assert cluster.kubectl("-n", "workload", "logs", pod["metadata"]["name"]).startswith("red serves")


def test_pod_security_is_enforced(cluster: FromInside) -> None:
    cluster.apply(WORKLOAD)
    with pytest.raises(Exception, match="violates PodSecurity"):
        cluster.kubectl("-n", "workload", "run", "bad", "--image=localhost/standin:test")


@pytest.mark.parametrize("end", ["close", "kill"])
def test_nothing_stays(cluster_needs: None, tmp_path: Path, end: str) -> None:
    before = _traces()
    left = tmp_path / "left"  # as `make cluster` leaves `.cluster`
    left.mkdir()
    command = (sys.executable, "-c", OWNER, end, str(left))
    owner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner, owner.stdout:
        folder, pid = owner.stdout.readline().split()
        if end == "kill":
            network = Path(f"/proc/{pid}/ns/net").readlink()
            assert any(folder in line for line in _processes())
            assert network in _networks()
            assert _cgroups(Path(folder).name)
            owner.send_signal(signal.SIGKILL)
            wait_until(lambda: network not in _networks(), END, what="the end of the network")
    wait_until(lambda: not Path(folder).exists(), END, what="the end of the folder")
    wait_until(lambda: not any(folder in line for line in _processes()), END, what="the end of the processes")
    wait_until(lambda: not left.exists(), END, what="the end of what was left for scripts")
    assert _cgroups(Path(folder).name) == []
    assert folder not in Path("/proc/self/mountinfo").read_text()
    assert _traces() <= before


def _traces() -> set[str]:
    """What a cluster could leave on the machine, beside what has its folder's name."""
    interfaces = {path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(("cni", "veth"))}
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    settings = {f"{path} {path.read_text()}" for path in SETTINGS}
    places = {place for place in PLACES if Path(place).exists()}
    return interfaces | places | settings | (mounts & {"/run", "/var/lib", "/var/log"})


def _processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def _networks() -> set[Path]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(path.readlink())
        except OSError:
            continue
    return found


def _cgroups(name: str) -> list[Path]:
    return [path for root in hierarchies() for path in root.glob(f"*{name}*")]
