"""The cluster's Services as they are now, and what a cloud's load balancer does for those of that type.

A Service of type LoadBalancer gets an address from a range of its own, which kube-proxy then serves on the node.
"""

import http.client
import ipaddress
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.e2e.cluster.constants import LOAD_BALANCERS

_PAUSE = 0.2  # seconds between two watches


class Services(threading.Thread):
    """Follows the Services; `addresses` maps `namespace/name` to the ClusterIP of each."""

    def __init__(self, address: str, port: int, tls: ssl.SSLContext) -> None:
        """Where the API server is, and the administrator's way to it."""
        super().__init__(daemon=True)
        self.addresses: dict[str, str] = {}
        self._address, self._port, self._tls = address, port, tls
        self._free: Iterator[Any] = ipaddress.ip_network(LOAD_BALANCERS).hosts()

    def run(self) -> None:
        while True:
            try:
                self._follow()
            except (OSError, http.client.HTTPException, ValueError) as error:
                print(f"services: {error!r}", file=sys.stderr, flush=True)
            time.sleep(_PAUSE)

    def _follow(self) -> None:
        """One list and one watch, until the server ends it."""
        listed = json.loads(self._request("GET", "/api/v1/services").read())
        for service in listed["items"]:
            self._see("ADDED", service)
        version = listed["metadata"]["resourceVersion"]
        watch = self._request("GET", f"/api/v1/services?watch=true&resourceVersion={version}")
        while line := watch.readline():
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            self._see(event["type"], event["object"])

    def _see(self, event: str, service: Mapping[str, Any]) -> None:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        if event == "DELETED":
            self.addresses.pop(f"{namespace}/{name}", None)
            return
        self.addresses[f"{namespace}/{name}"] = service["spec"].get("clusterIP", "")
        if service["spec"].get("type") != "LoadBalancer":
            return
        wanted, there = service["spec"].get("loadBalancerIP"), service["status"]["loadBalancer"].get("ingress")
        if wanted and ipaddress.ip_address(wanted) not in ipaddress.ip_network(LOAD_BALANCERS):
            given = None  # as in a cloud, which has no such address to give
        elif there and wanted in {None, there[0]["ip"]}:
            given = there
        else:
            given = [{"ip": wanted or str(next(self._free))}]
        if given != there:
            status = {"status": {"loadBalancer": {"ingress": given}}}
            self._request("PATCH", f"/api/v1/namespaces/{namespace}/services/{name}/status", status).read()

    def _request(self, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(self._address, self._port, context=self._tls)
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"content-type": "application/merge-patch+json"})
        answer = connection.getresponse()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise OSError(f"{method} {path}: {answer.status}")
        return answer
