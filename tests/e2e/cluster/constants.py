"""The names and addresses that all parts of a test cluster agree upon."""

from collections.abc import Mapping

BRIDGE = "cni0"
BRIDGE_ADDRESS = "10.244.0.1"
BRIDGE_HARDWARE = "02:00:0a:f4:00:01"
PODS = "10.244.0.0/24"
POD_NETWORK = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
# The first of SERVICES, where pods look for the API server. The programs of the node use the bridge: kube-proxy
# translates this one, also for connections that were there before it, which are never heard of again.
API_ADDRESS = "10.96.0.1"
API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", API_ADDRESS, BRIDGE_ADDRESS, "127.0.0.1")
LOAD_BALANCERS = "10.97.0.0/16"
CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")  # where Debian, and everyone else, puts the plugins
STANDIN_IMAGE = "localhost/standin:test"

# What the kubelet wants of the kernel; shown to it in its own view of /proc, and not changed on the machine.
KERNEL_SETTINGS: Mapping[str, str] = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
}
