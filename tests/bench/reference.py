"""What we are compared with: an Envoy without a control plane, which reads its own finished file when it is renamed.

It is the shortest way that a changed route can take into an Envoy that is not told which route it was: no translation,
no hand-over, only Envoy parsing and applying.
"""

import http.client
import json
import time
from typing import Any

from tests.bench.inputs import Layout, hosts_of
from tests.support.envoy import RealEnvoy, free_port, short_folder
from tests.support.scoped import Scoped

KIND = "type.googleapis.com/envoy.extensions.filters"


class BareEnvoy(Scoped):
    """Serves the same routes as the gateway, in clear text, from a file."""

    def __init__(self, count: int, layout: Layout) -> None:
        self.port = free_port()
        self._folder = short_folder()
        self._file = self._folder / "routes.json"
        self._hosts = hosts_of(count, layout)
        self._virtual_hosts = [_virtual_host(name, size) for name, size in self._hosts]
        self._write("v0.bench.test")
        self._envoy = RealEnvoy(_bootstrap(self.port, str(self._file)))

    def start(self) -> None:
        self._envoy.start()
        self._envoy.wait_live(120)

    def close(self) -> None:
        self._envoy.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._envoy.pid

    def change(self, answer: str) -> float:
        """Rename a file with one changed route over the old one; milliseconds until it is served."""
        beside = self._write_beside(answer)
        began = time.perf_counter()
        beside.rename(self._file)
        name, size = self._hosts[0]
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        wait_for_answer(connection, name, f"/m{size - 1}/x", answer)
        connection.close()
        return (time.perf_counter() - began) * 1000

    def _write(self, answer: str) -> None:
        self._write_beside(answer).rename(self._file)

    def _write_beside(self, answer: str) -> Any:
        self._virtual_hosts[0]["routes"][-1]["redirect"]["host_redirect"] = answer
        configuration = {
            "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            "name": "bench",
            "virtual_hosts": self._virtual_hosts,
        }
        beside = self._folder / "routes.new"
        beside.write_text(json.dumps({"version_info": answer, "resources": [configuration]}))
        return beside


def wait_for_answer(connection: http.client.HTTPConnection, host: str, path: str, answer: str) -> None:
    """Ask on one connection, again and again, until the redirect names `answer`; TimeoutError after 60 s."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        connection.request("GET", path, headers={"host": host})
        response = connection.getresponse()
        response.read()
        if answer in (response.getheader("location") or ""):
            return
        time.sleep(0.0005)
    raise TimeoutError(f"{host}{path} did not answer {answer} within 60 s")


def _virtual_host(name: str, size: int) -> dict[str, Any]:
    routes: list[dict[str, Any]] = [
        {
            "name": f"{name}-{index}",
            "match": {"prefix": f"/m{index}/"},
            "route": {"cluster": "upstream", "prefix_rewrite": "/", "timeout": "3s"},
            **(
                {"request_headers_to_add": [{"header": {"key": "x-bench", "value": str(index)}}]}
                if index % 10 == 0
                else {}
            ),
        }
        for index in range(size - 1)
    ]
    routes.append({"match": {"prefix": f"/m{size - 1}/"}, "redirect": {"host_redirect": "v0.bench.test"}})
    return {"name": name, "domains": [name], "routes": routes}


def _bootstrap(port: int, path: str) -> dict[str, Any]:
    manager = {
        "@type": f"{KIND}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "rds": {"route_config_name": "bench", "config_source": {"path_config_source": {"path": path}}},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{KIND}.http.router.v3.Router"}}],
    }
    listener = {
        "name": "bench",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 9}}}}
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {"node": {"id": "b", "cluster": "b"}, "static_resources": {"listeners": [listener], "clusters": [cluster]}}
