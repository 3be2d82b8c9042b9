"""What a node is made of, as values: a kubelet and the containerd that it commands, and their configurations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster.constants import BRIDGE_ADDRESS, CNI_FOLDERS, STANDIN_IMAGE
from tests.e2e.cluster.pki import certificate_user, kubeconfig
from tests.support.certificates import Authority

_KUBELET_PORT = 10250


@dataclass(frozen=True, slots=True)
class Node:
    """One of the nodes. They share a network; the first has the bridge's address, the others one of their own."""

    name: str
    number: int
    cluster_folder: Path
    cluster_cgroup: str

    @property
    def folder(self) -> Path:
        """Where its state is."""
        return self.cluster_folder / f"node-{self.name}"

    @property
    def address(self) -> str:
        """Where its kubelet answers."""
        return BRIDGE_ADDRESS if self.number == 0 else f"10.244.255.{self.number}"

    @property
    def cgroup(self) -> str:
        """What its pods' cgroups are in."""
        return f"{self.cluster_cgroup}/{self.name}"

    @property
    def socket(self) -> Path:
        """Where its containerd listens."""
        return self.folder / "containerd.sock"

    def write(self, authority: Authority) -> None:
        """Write its certificates and configurations."""
        (self.folder / "containerd").mkdir(parents=True)
        authority.server(self.name, [self.name, self.address]).write(self.folder, "kubelet")
        user = certificate_user(authority.client(f"system:node:{self.name}", ["system:nodes"]))
        text = kubeconfig(f"https://{BRIDGE_ADDRESS}:443", authority.pair.certificate, user)
        (self.folder / "kubelet.kubeconfig").write_text(text)
        (self.folder / "kubelet.yaml").write_text(yaml.safe_dump(self._kubelet()))
        (self.folder / "containerd.toml").write_text(self._containerd())

    def commands(self) -> Mapping[str, list[str]]:
        """The arguments of its programs."""
        return {
            "containerd": [f"--config={self.folder}/containerd.toml"],
            "kubelet": [
                *(f"--config={self.folder}/kubelet.yaml", f"--kubeconfig={self.folder}/kubelet.kubeconfig"),
                *(f"--root-dir={self.folder}/kubelet", f"--hostname-override={self.name}", f"--node-ip={self.address}"),
            ],
        }

    def _kubelet(self) -> Mapping[str, Any]:
        nothing = ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "port": _KUBELET_PORT + self.number,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{self.cluster_folder}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{self.folder}/kubelet.crt",
            "tlsPrivateKeyFile": f"{self.folder}/kubelet.key",
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "evictionHard": dict.fromkeys(nothing, "0%"),
            "imageGCHighThresholdPercent": 100,  # never: a test's images come from nowhere else
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
address = "{self.socket}"
[ttrpc]
address = "{self.socket}.ttrpc"
[plugins."io.containerd.cri.v1.images"]
pinned_images = {{ sandbox = "{STANDIN_IMAGE}" }}
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
disable_apparmor = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = {json.dumps(CNI_FOLDERS)}
conf_dir = "{self.cluster_folder}/network"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
"""
