"""What a cluster is made of, as values: its addresses, files and command lines. Nothing here is done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.cluster.constants import (
    API_NAMES,
    BRIDGE,
    BRIDGE_ADDRESS,
    KERNEL_SETTINGS,
    POD_NETWORK,
    PODS,
    SERVICES,
)
from tests.e2e.cluster.nodes import Node
from tests.e2e.cluster.pki import ADMINISTRATORS, certificate_user, kubeconfig, write_signing_key
from tests.support.certificates import Authority

_USERS = {
    "cluster": ("cluster", (ADMINISTRATORS,)),
    "controllers": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "proxy": ("system:kube-proxy", ()),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder that holds the cluster's whole state, its cgroup, and where the programs are."""

    folder: Path
    cgroup: str
    binaries: Mapping[str, Path]
    node_names: Sequence[str] = ("node",)

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes."""
        return [Node(name, number, self.folder, self.cgroup) for number, name in enumerate(self.node_names)]

    @property
    def program_path(self) -> str:
        """The PATH of the cluster's programs: containerd looks for its shim, for runc and for nft there."""
        ours = str(self.binaries["containerd-shim-runc-v2"].parent)
        return f"{ours}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def write(self, authority: Authority) -> None:
        """Write the keys, certificates and configurations into the folder."""
        (self.folder / "ca.crt").write_bytes(authority.pair.certificate)
        authority.server("kube-apiserver", API_NAMES).write(self.folder, "apiserver")
        authority.client("kube-apiserver", [ADMINISTRATORS]).write(self.folder, "to-kubelet")
        authority.client("cluster", [ADMINISTRATORS]).write(self.folder, "cluster")
        write_signing_key(self.folder, "accounts")
        for name, (user, groups) in _USERS.items():
            credentials = certificate_user(authority.client(user, groups))
            text = kubeconfig(f"https://{BRIDGE_ADDRESS}:443", authority.pair.certificate, credentials)
            (self.folder / f"{name}.kubeconfig").write_text(text)
        for node in self.nodes:
            node.write(authority)
        (self.folder / "network").mkdir()
        (self.folder / "network" / "10-bridge.conflist").write_text(json.dumps(self._network()))
        for name, value in KERNEL_SETTINGS.items():
            (self.folder / name.replace("/", ".")).write_text(f"{value}\n")

    def commands(self) -> Mapping[str, list[str]]:
        """The command line of each program, by a name that is also its log's."""
        commands = {
            "etcd": [f"--data-dir={self.folder}/etcd", "--unsafe-no-fsync", "--log-level=warn"],
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
            # One serves all nodes, since they share a network.
            "kube-proxy": [
                *(f"--kubeconfig={self.folder}/proxy.kubeconfig", f"--hostname-override={self.node_names[0]}"),
                *("--proxy-mode=nftables", f"--cluster-cidr={POD_NETWORK}", "--conntrack-max-per-core=0"),
            ],
        }
        lines = {name: [str(self.binaries[name]), *arguments] for name, arguments in commands.items()}
        for node in self.nodes:
            for name, arguments in node.commands().items():
                lines[f"{name}-{node.name}"] = [str(self.binaries[name]), *arguments]
        return lines

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

    def _network(self) -> Mapping[str, Any]:
        """What each pod's network is: the CNI plugin that attaches it to the bridge."""
        addresses = {
            "type": "host-local",
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": f"{self.folder}/addresses",
        }
        bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": addresses}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}
