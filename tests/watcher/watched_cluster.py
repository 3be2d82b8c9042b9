"""A namespace of a real API server, and the watcher's process that follows it."""

import time
from typing import Any

import orjson

from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import GROUP
from tests.support.envoy import wait_until
from tests.watcher.running_watcher import RunningWatcher

SOON = 90.0
"""Seconds: 5 on a machine that does nothing else, where most of it is the API server's own start."""


class Cluster:
    """A namespace on the API server, and the watcher that follows it."""

    def __init__(self, api: ApiServer, namespace: str, watcher: RunningWatcher) -> None:
        self.api, self.namespace, self.watcher = api, namespace, watcher

    @property
    def path(self) -> str:
        return f"{GROUP}/namespaces/{self.namespace}"

    def create(self, name: str, prefix: str, kind: str = "Mapping", **spec: Any) -> None:
        made = {
            "apiVersion": "getambassador.io/v3alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec if kind != "Mapping" else {"hostname": "*", "prefix": prefix, "service": "a.b", **spec},
        }
        status = 429
        while status == 429:  # for a moment after the API server's own start
            status, answer = self.api.request("POST", f"{self.path}/{kind.lower()}s", made)
        assert status == 201, answer

    def change(self, name: str, prefix: str) -> None:
        self.api.ask(
            "PATCH",
            f"{self.path}/mappings/{name}",
            {"spec": {"prefix": prefix}},
            content_type="application/merge-patch+json",
        )

    def delete(self, name: str) -> None:
        self.api.ask("DELETE", f"{self.path}/mappings/{name}")

    def there(self) -> dict[str, str]:
        """The Mappings of the API server: name and prefix."""
        status, answer = self.api.request("GET", f"{self.path}/mappings")
        items = orjson.loads(answer)["items"] if status == 200 else []
        return {item["metadata"]["name"]: item["spec"]["prefix"] for item in items}

    def published(self) -> dict[str, str]:
        """The Mappings of the snapshot."""
        beginning = f"getambassador.io/Mapping/{self.namespace}/"
        return {
            key.removeprefix(beginning): found["spec"]["prefix"]
            for key, found in self.watcher.objects().items()
            if key.startswith(beginning)
        }

    def wait_equal(self, limit: float = SOON) -> float:
        """Seconds until the snapshot says what the API server says."""
        began = time.monotonic()
        wait_until(
            lambda: self.published() == self.there(),
            limit,
            what=f"the snapshot equal to the API server; the log:\n{self.watcher.log()[-3000:]}",
        )
        return time.monotonic() - began

    def problems(self) -> dict[str, str]:
        return {
            key.removeprefix("dragoman/Watch//"): orjson.loads(record.body)["message"]
            for key, record in self.watcher.records().items()
            if key.startswith("dragoman/Watch//")
        }


def filled(cluster: Cluster, count: int = 6) -> None:
    for number in range(count):
        cluster.create(f"m{number}", f"/{number}/")
    cluster.wait_equal()


def edit(cluster: Cluster) -> None:
    cluster.delete("m0")
    cluster.change("m1", "/changed/")
    cluster.create("new", "/new/")
