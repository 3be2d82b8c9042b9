"""What a one-node cluster is made of, as values: its addresses, files and command lines. Nothing here is done."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster.pki import ADMINISTRATORS, Authority, certificate_user, kubeconfig, write_signing_key

NODE = "node"
BRIDGE = "cni0"
BRIDGE_ADDRESS = "10.244.0.1"
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

_USERS = {
    "cluster": ("cluster", (ADMINISTRATORS,)),
    "controllers": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "proxy": ("system:kube-proxy", ()),
    "kubelet": (f"system:node:{NODE}", ("system:nodes",)),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder that holds the cluster's whole state, its cgroup, and where the programs are."""

    folder: Path
    cgroup: str
    binaries: Mapping[str, Path]

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.folder / "containerd.sock"

    @property
    def program_path(self) -> str:
        """The PATH of the cluster's programs: containerd looks for its shim, for runc and for nft there."""
        ours = str(self.binaries["containerd-shim-runc-v2"].parent)
        return f"{ours}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def write(self, authority: Authority) -> None:
        """Write the keys, certificates and configurations into the folder."""
        (self.folder / "ca.crt").write_bytes(authority.certificate)
        authority.server("kube-apiserver", API_NAMES).write(self.folder, "apiserver")
        authority.server(NODE, [NODE, BRIDGE_ADDRESS]).write(self.folder, "kubelet")
        authority.client("kube-apiserver", [ADMINISTRATORS]).write(self.folder, "to-kubelet")
        authority.client("cluster", [ADMINISTRATORS]).write(self.folder, "cluster")
        write_signing_key(self.folder, "accounts")
        for name, (user, groups) in _USERS.items():
            credentials = certificate_user(authority.client(user, groups))
            text = kubeconfig(f"https://{BRIDGE_ADDRESS}:443", authority.certificate, credentials)
            (self.folder / f"{name}.kubeconfig").write_text(text)
        (self.folder / "kubelet.yaml").write_text(yaml.safe_dump(self._kubelet()))
        (self.folder / "containerd.toml").write_text(self._containerd())
        (self.folder / "network").mkdir()
        (self.folder / "network" / "10-bridge.conflist").write_text(json.dumps(self._network()))
        for name, value in KERNEL_SETTINGS.items():
            (self.folder / name.replace("/", ".")).write_text(f"{value}\n")

    def commands(self) -> Mapping[str, list[str]]:
        """The command line of each program, in the order of their start."""
        return {
            "etcd": self._etcd(),
            "kube-apiserver": self._apiserver(),
            "kube-controller-manager": [
                *(f"--kubeconfig={self.folder}/controllers.kubeconfig", "--leader-elect=false", "--secure-port=0"),
                f"--service-account-private-key-file={self.folder}/accounts.key",
                *(f"--root-ca-file={self.folder}/ca.crt", "--use-service-account-credentials"),
                f"--flex-volume-plugin-dir={self.folder}/volumes",
            ],
            "kube-scheduler": [
                *(f"--kubeconfig={self.folder}/scheduler.kubeconfig", "--leader-elect=false", "--secure-port=0"),
            ],
            "containerd": [f"--config={self.folder}/containerd.toml"],
            "kubelet": [
                *(f"--config={self.folder}/kubelet.yaml", f"--kubeconfig={self.folder}/kubelet.kubeconfig"),
                *(f"--root-dir={self.folder}/kubelet", f"--hostname-override={NODE}", f"--node-ip={BRIDGE_ADDRESS}"),
            ],
            "kube-proxy": [
                *(f"--kubeconfig={self.folder}/proxy.kubeconfig", f"--hostname-override={NODE}"),
                *("--proxy-mode=nftables", f"--cluster-cidr={POD_NETWORK}", "--conntrack-max-per-core=0"),
            ],
        }

    def _etcd(self) -> list[str]:
        return [f"--data-dir={self.folder}/etcd", "--unsafe-no-fsync", "--log-level=warn"]

    def _apiserver(self) -> list[str]:
        return [
            "--etcd-servers=http://127.0.0.1:2379",
            "--secure-port=443",  # so that the first address of SERVICES needs no translation
            f"--advertise-address={BRIDGE_ADDRESS}",
            f"--service-cluster-ip-range={SERVICES}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--tls-cert-file={self.folder}/apiserver.crt",
            f"--tls-private-key-file={self.folder}/apiserver.key",
            f"--client-ca-file={self.folder}/ca.crt",
            f"--kubelet-client-certificate={self.folder}/to-kubelet.crt",
            f"--kubelet-client-key={self.folder}/to-kubelet.key",
            "--kubelet-preferred-address-types=InternalIP",  # nobody resolves the node's name
            f"--service-account-key-file={self.folder}/accounts.pub",
            f"--service-account-signing-key-file={self.folder}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--shutdown-delay-duration=0s",
        ]

    def _kubelet(self) -> Mapping[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{self.folder}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{self.folder}/kubelet.crt",
            "tlsPrivateKeyFile": f"{self.folder}/kubelet.key",
            "containerRuntimeEndpoint": f"unix://{self.containerd_socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "evictionHard": dict.fromkeys(
                ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"), "0%"
            ),
            "imageGCHighThresholdPercent": 100,
            "podLogsDir": f"{self.folder}/pods",
            "volumePluginDir": f"{self.folder}/volumes",
            "resolvConf": "",
        }

    def _containerd(self) -> str:
        return f"""
version = 3
root = "{self.folder}/containerd/root"
state = "{self.folder}/containerd/state"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{self.containerd_socket}"
[ttrpc]
address = "{self.containerd_socket}.ttrpc"
[plugins."io.containerd.cri.v1.images"]
pinned_images = {{ sandbox = "{STANDIN_IMAGE}" }}
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
disable_apparmor = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = {json.dumps(CNI_FOLDERS)}
conf_dir = "{self.folder}/network"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
"""

    def _network(self) -> Mapping[str, Any]:
        addresses = {
            "type": "host-local",
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": f"{self.folder}/addresses",
        }
        bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": addresses}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}
