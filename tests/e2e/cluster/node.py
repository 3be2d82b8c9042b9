"""The cluster from inside: run as the first process of its own namespaces, it prepares them and starts the programs.

    unshare --net --mount --pid --fork --kill-child --mount-proc python -m tests.e2e.cluster.node FOLDER

FOLDER holds what `layout` wrote and `plan.json`. When all nodes are ready, the file `ready` appears there.
"""

import asyncio
import ctypes
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.cluster.constants import API_ADDRESS, BRIDGE, BRIDGE_ADDRESS, BRIDGE_HARDWARE, KERNEL_SETTINGS
from tests.e2e.cluster.forwarding import Target, forward
from tests.e2e.cluster.layout import Layout
from tests.e2e.cluster.nodes import Node
from tests.e2e.cluster.services import Services

_READY = 150.0  # seconds that the node may take
_WRITTEN = ("/var/lib", "/var/log")  # by the kubelet and the network plugins, whatever one configures


@dataclass(frozen=True, slots=True)
class Plan:
    """What the keeper wants: the layout, and for each inherited listening socket where it leads to."""

    layout: Layout
    forwards: Sequence[tuple[int, str, int]]

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """The plan of a folder."""
        plan = json.loads((folder / "plan.json").read_text())
        binaries = {name: Path(place) for name, place in plan["binaries"].items()}
        layout = Layout(folder, plan["cgroup"], binaries, plan["nodes"])
        return cls(layout, [tuple(each) for each in plan["forwards"]])


def main(folder: Path) -> int:
    """Be the namespace's init: bury orphans, while a child does the work."""
    worker = os.fork()
    if worker == 0:
        _live(Plan.read(folder))
    while True:
        pid, status = os.wait()
        if pid == worker:
            return os.waitstatus_to_exitcode(status)


def _live(plan: Plan) -> None:
    code = 1
    try:
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: with init ends the namespace, and this with it
        _isolate(plan.layout)
        _make_network(plan.layout.nodes)
        asyncio.run(_run(plan))
        code = 0
    finally:
        os._exit(code)


def _isolate(layout: Layout) -> None:
    """Make private what the programs write to places that no setting moves."""
    _call("mount", "--make-rprivate", "/")
    _call("mount", "-t", "tmpfs", "run", "/run")
    Path("/run/lock").mkdir()
    memory = layout.folder / "memory"
    memory.mkdir()
    _call("mount", "-t", "tmpfs", "memory", str(memory))
    for place in _WRITTEN:
        upper, work = (memory / f"{place.replace('/', '.')}-{part}" for part in ("upper", "work"))
        upper.mkdir()
        work.mkdir()
        _call("mount", "-t", "overlay", "-o", f"lowerdir={place},upperdir={upper},workdir={work}", "overlay", place)
    for name in KERNEL_SETTINGS:
        _call("mount", "--bind", str(layout.folder / name.replace("/", ".")), f"/proc/sys/{name}")
    for node in layout.nodes:
        state = node.folder / "containerd"
        if _file_system(state) == "overlay":  # in a container; an overlay's upper layer cannot be on another overlay
            _call("mount", "-t", "tmpfs", "containerd", str(state))


def _file_system(folder: Path) -> str:
    command = ("findmnt", "-n", "-o", "FSTYPE", "-T", str(folder))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _make_network(nodes: Sequence[Node]) -> None:
    _call("ip", "link", "set", "lo", "up")
    _call("ip", "addr", "add", f"{API_ADDRESS}/32", "dev", "lo")
    # Else it has the lowest address of its members, and a pod that knows an older one of its gateway is heard no more.
    _call("ip", "link", "add", BRIDGE, "address", BRIDGE_HARDWARE, "type", "bridge")
    _call("ip", "addr", "add", f"{BRIDGE_ADDRESS}/24", "dev", BRIDGE)
    for node in nodes[1:]:
        _call("ip", "addr", "add", f"{node.address}/32", "dev", "lo")
    _call("ip", "link", "set", BRIDGE, "up")
    _call("ip", "route", "add", "default", "dev", BRIDGE)  # without one, ClusterIPs are unreachable from the node
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")


async def _run(plan: Plan) -> None:
    """Start all, say so when the nodes are ready, and go on for as long as a program runs."""
    layout, nodes = plan.layout, plan.layout.nodes
    programs = Programs(layout)
    services = Services(BRIDGE_ADDRESS, 443, _administrator(layout.folder))
    await programs.start("etcd", "kube-apiserver")
    await programs.until(partial(_kubectl, layout, "get", "--raw", "/readyz"), "the API server")
    services.start()
    await programs.start("kube-controller-manager", "kube-scheduler", *(f"containerd-{node.name}" for node in nodes))
    for node in nodes:
        await programs.until(partial(_ctr, layout, node, "version"), f"containerd of {node.name}")
        _call(*_ctr_command(layout, node, "images", "import", f"{layout.folder}/standin.tar"), path=layout.program_path)
    await programs.start("kube-proxy", *(f"kubelet-{node.name}" for node in nodes))
    for node in nodes:
        await programs.until(partial(_is_ready, layout, node), node.name)
    await programs.until(partial(_proxy_is_ready, layout), "kube-proxy")
    tasks = [
        asyncio.create_task(forward(socket.socket(fileno=number), _target(services, to, port)))
        for number, to, port in plan.forwards
    ]
    (layout.folder / "ready").touch()
    await programs.all_ends()
    del tasks


def _administrator(folder: Path) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    tls.load_cert_chain(folder / "cluster.crt", folder / "cluster.key")
    return tls


def _target(services: Services, to: str, port: int) -> Target:
    """Where `to` is: a Service as `namespace/name`, or an address."""

    def now() -> tuple[str, int] | None:
        address = services.addresses.get(to) if "/" in to else to
        return (address, port) if address else None

    return now


class Programs:
    """The cluster's programs: each writes to a log of its own, and none is started again."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, *names: str) -> None:
        """Start these."""
        environ = {"PATH": self._layout.program_path, "HOME": str(self._layout.folder)}
        commands = self._layout.commands()
        for name in names:
            with (self._layout.folder / f"{name}.log").open("ab") as log:
                self._running[name] = await asyncio.create_subprocess_exec(
                    *commands[name], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ
                )

    async def until(self, condition: Any, what: str) -> None:
        """Wait until a condition holds; RuntimeError when a program ends, or too much time passes."""
        end = time.monotonic() + _READY
        while not condition():
            for name, process in self._running.items():
                if process.returncode is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what} was not ready within {_READY:.0f} s")
            await asyncio.sleep(0.05)

    async def all_ends(self) -> None:
        """Wait until all have ended, and tell each; a test may have killed it."""
        waits = {asyncio.create_task(process.wait()): name for name, process in self._running.items()}
        while waits:
            ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in ended:
                print(f"{waits.pop(each)} ended with {each.result()}", file=sys.stderr, flush=True)


def _kubectl(layout: Layout, *arguments: str) -> str:
    """What kubectl prints; nothing when it fails."""
    command = (str(layout.binaries["kubectl"]), "--kubeconfig", f"{layout.folder}/cluster.kubeconfig", *arguments)
    environ = {**os.environ, "HOME": str(layout.folder)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _is_ready(layout: Layout, node: Node) -> bool:
    """Whether a pod could run there now: it needs the node, and its namespace's ServiceAccount."""
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return _kubectl(layout, "get", "node", node.name, "-o", ready) == "True" and bool(
        _kubectl(layout, "get", "serviceaccount", "default")
    )


def _proxy_is_ready(layout: Layout) -> bool:
    """Whether kube-proxy serves the first Service, and with it all."""
    command = ("nft", "list", "map", "ip", "kube-proxy", "service-ips")
    done = subprocess.run(command, env={"PATH": layout.program_path}, capture_output=True, text=True, check=False)
    return API_ADDRESS in done.stdout


def _ctr_command(layout: Layout, node: Node, *arguments: str) -> list[str]:
    return [str(layout.binaries["ctr"]), "-a", str(node.socket), "-n", "k8s.io", *arguments]


def _ctr(layout: Layout, node: Node, *arguments: str) -> bool:
    done = subprocess.run(_ctr_command(layout, node, *arguments), capture_output=True, check=False)
    return done.returncode == 0


def _call(*command: str, path: str | None = None) -> None:
    environ = {**os.environ, "PATH": path or f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
