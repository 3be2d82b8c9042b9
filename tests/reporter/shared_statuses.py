"""Objects of Gateway API on a real API server, and a snapshot in which a test is the translator."""

from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import orjson

from reporter.gateway_fields import observed
from reporter.gateway_merging import CONTROLLER
from snapshot import Record
from tests.reporter.running_reporter import Cluster, Reporter, path_of
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.gateway_crds import GROUP
from tests.watcher.running_watcher import RunningWatcher

MERGE = "application/merge-patch+json"
THEIRS = "example.com/theirs"
EARLIER = "2026-01-01T00:00:00Z"
SPECS: dict[str, dict[str, Any]] = {
    "Gateway": {"gatewayClassName": "ours", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    "ListenerSet": {"parentRef": {"name": "g"}, "listeners": [{"name": "h", "port": 80, "protocol": "HTTP"}]},
    "HTTPRoute": {"parentRefs": [{"name": "g"}, {"name": "h"}]},
    "GRPCRoute": {"parentRefs": [{"name": "g"}]},
    "TLSRoute": {
        "parentRefs": [{"name": "g"}],
        "hostnames": ["a.test"],
        "rules": [{"backendRefs": [{"name": "s", "port": 80}]}],
    },
    "TCPRoute": {"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "s", "port": 80}]}]},
    "UDPRoute": {"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "s", "port": 80}]}]},
    "BackendTLSPolicy": {
        "targetRefs": [{"group": "", "kind": "Service", "name": "s"}],
        "validation": {"hostname": "x.test", "wellKnownCACertificates": "System"},
    },
    "BackendPolicy": {"targetRefs": [{"name": "s"}], "connect_timeout_ms": 5},
    "RoutePolicy": {"targetRefs": [{"kind": "Gateway", "name": "g"}], "timeout_ms": 5},
}
OWN = frozenset({"BackendPolicy", "RoutePolicy"})
"""Of our own group."""


def condition(kind: str, status: str = "True", reason: str = "R") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": "m"}


def entry(about: str, name: str, *conditions: dict[str, Any], controller: str = CONTROLLER) -> dict[str, Any]:
    return {about: {"name": name}, "controllerName": controller, "conditions": list(conditions)}


def listeners(name: str, *conditions: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = [{"kind": "HTTPRoute"}]
    return [{"name": name, "supportedKinds": kinds, "attachedRoutes": 1, "conditions": list(conditions)}]


def well(kind: str) -> dict[str, Any]:
    """Our part of a status of this kind."""
    good = (condition("Accepted"), condition("Programmed"))
    match kind:
        case "GatewayClass":
            return {"conditions": [condition("Accepted")], "supportedFeatures": [{"name": "HTTPRoute"}]}
        case "Gateway":
            return {
                "conditions": list(good),
                "listeners": listeners("http", *good),
                "addresses": [{"value": "192.0.2.1"}],
                "attachedListenerSets": 1,
            }
        case "ListenerSet":
            return {"conditions": list(good), "listeners": listeners("h", *good)}
        case "BackendTLSPolicy" | "BackendPolicy" | "RoutePolicy":
            return {"ancestors": [entry("ancestorRef", "g", condition("Accepted"))]}
    return {"parents": [entry("parentRef", "g", condition("Accepted"), condition("ResolvedRefs"))]}


class Gateways:
    """A namespace on the API server, a watcher that follows it, and a snapshot in which the test is the translator."""

    def __init__(self, api: ApiServer, folder: Path, kubeconfig: Path | None = None, namespace: str = "") -> None:
        self.api, self.namespace = api, namespace or api.namespace()
        self._kubeconfig = kubeconfig or api.kubeconfig
        environ = {"KUBECONFIG": str(self._kubeconfig), "AMBASSADOR_NAMESPACE": self.namespace}
        self.watcher = RunningWatcher(folder, **environ, DRAGOMAN_CONFIG_DIR="")
        self.folder = self.watcher.run_dir
        self._statuses = self.watcher.snapshot.writer("statuses")
        self.watcher.start()

    def close(self) -> None:
        self.watcher.close()

    def reporter(self, **more: str) -> Reporter:
        return Reporter(cast("Cluster", self), "pod-0", kubeconfig=self._kubeconfig, **more)

    def create(self, kind: str, name: str = "g") -> str:
        group, version = ("getambassador.io", "v3alpha1") if kind in OWN else (GROUP, "v1")
        made = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, "spec": SPECS[kind]}
        key = f"{group}/{kind}/{self.namespace}/{name}"
        self.api.ask("POST", path_of(key).rpartition("/")[0], made)
        return key

    def get(self, key: str) -> Any:
        return self.api.get(path_of(key))

    def edit(self, key: str, fields: dict[str, Any], sub: str = "") -> None:
        self.api.ask("PATCH", path_of(key) + sub, fields, content_type=MERGE)

    def say(self, key: str, gateway: dict[str, Any] | None) -> None:
        """Let the snapshot say what the translator would, of the object as it is now."""
        metadata = self.get(key)["metadata"]
        body = {"state": "ok", "problems": [], "uid": metadata["uid"], "generation": metadata["generation"]}
        encoded = orjson.dumps(body | ({} if gateway is None else {"gateway": gateway}))
        self._statuses.commit({key: Record(blake2b(encoded, digest_size=8).hexdigest(), encoded)})

    def forget(self, key: str) -> None:
        """Let the snapshot say nothing of it."""
        self._statuses.commit({key: None})

    def says(self, key: str, wanted: dict[str, Any]) -> bool:
        """Whether the API server says that, beside what others do; about the object as it is."""
        found = self.get(key)
        status, expected = found.get("status", {}), observed(wanted, found["metadata"]["generation"])
        return all(_within(value, status.get(name)) for name, value in expected.items())

    def becomes(self, key: str, wanted: dict[str, Any]) -> None:
        wait_until(lambda: self.says(key, wanted), 90, what=f"{key} says {wanted}")


def _within(wanted: Any, there: Any) -> bool:
    """Whether what is wanted is there; in a list, in any place."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_within(value, there.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, list) and all(any(_within(each, one) for one in there) for each in wanted)
    return bool(wanted == there)
