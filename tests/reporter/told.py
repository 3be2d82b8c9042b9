"""What the API server tells of the objects that a reporter writes: their conditions, and each of their versions."""

import http.client
import socket
import threading
from typing import Any

import orjson

from tests.reporter.running_reporter import Cluster, path_of
from tests.support.envoy import wait_until
from translator.ir import ObjectKey

WELL = {"Accepted": "True Accepted", "ResolvedRefs": "True Resolved", "Programmed": "True Programmed"}


class Versions(threading.Thread):
    """The versions of one object that the API server tells a watch of."""

    def __init__(self, cluster: Cluster, key: ObjectKey) -> None:
        super().__init__(daemon=True)
        folder, _, name = path_of(key).rpartition("/")
        since = cluster.get(key)["metadata"]["resourceVersion"]
        self._path = f"{folder}?watch=true&fieldSelector=metadata.name={name}&resourceVersion={since}"
        self._connection = http.client.HTTPSConnection("127.0.0.1", cluster.api._port, context=cluster.api._tls)
        self._connection.request("GET", self._path)
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.seen: list[dict[str, Any]] = []
        self.start()

    def run(self) -> None:
        try:
            for line in self._answer:
                self.seen.append(orjson.loads(line)["object"])
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self._answer.close()
        self._connection.close()
        self._socket.close()


def becomes(cluster: Cluster, key: ObjectKey, wanted: dict[str, str], seconds: float = 60.0) -> None:
    wait_until(lambda: cluster.conditions(key) == wanted, seconds, what=f"{key} says {wanted}")


def becomes_well(cluster: Cluster, key: ObjectKey, seconds: float = 60.0) -> None:
    wanted = {name: so for name, so in WELL.items() if name != "ResolvedRefs" or "/Listener/" not in key}
    becomes(cluster, key, wanted, seconds)
