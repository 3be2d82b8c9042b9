"""The costs on a real API server.

For each size: from the start to ready, memory and CPU at rest (Hosts' statuses are written by then, and all objects
compared), and the probe: a Mapping is created, its path is asked each 5 ms until it answers 200. Beside it stands how
long a plain watch of the same API server takes to show the same Mapping. Asking in steps makes it look longer, by half
the time between the last two askings on average, which is taken off. Each of the 200 Hosts has TLS; Mappings' statuses
are off, since writing 10,000 of them for the first time takes minutes (tests.bench.sizing measures it).
"""

import asyncio
import http.client
import json
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import aiohttp

from tests.bench.processes import cpu_ms, resident_mb
from tests.bench.report import Line, beside, sizes_up_to
from tests.bench.rest import wait_for_rest
from tests.bench.tls import NamedConnection
from tests.e2e.cluster.client import ApiClient
from tests.support.apiserver import ApiServer
from tests.support.certificates import authority
from tests.support.cluster_gateway import GROUP, ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.upstream import HttpUpstream

PARTS = ("watcher", "translator", "adsserver", "diagnostics", "reporter", "envoy")
HOSTS, SERVICES = 200, 2000
POLL = 0.005
REST = 20.0
AT_ONCE = 16
PROBES = 30
SIZES = (0, 10_000)

Wanted = tuple[str, dict[str, Any]]


def objects_of(namespace: str, first: int, last: int) -> Iterator[Wanted]:
    """Mappings from one number to another, with the Hosts and Services that they need: path and object."""
    ours, core = f"{GROUP}/namespaces/{namespace}", f"/api/v1/namespaces/{namespace}"
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    if not first:
        pair = authority().sign("*.bench.test")
        data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
        made = {"metadata": {"name": "bench"}, "type": "kubernetes.io/tls", "stringData": data}
        yield f"{core}/secrets", made
        for number in range(HOSTS if last else 1):
            spec = {"hostname": f"h{number}.bench.test", "tlsSecret": {"name": "bench"}}
            yield f"{ours}/hosts", _ours("Host", f"h{number}", spec)
    if not first and last:
        for number in range(SERVICES):
            port = {"name": "http", "port": 80}
            service = {"metadata": {"name": f"s{number}"}, "spec": {"ports": [port], "clusterIP": "None"}}
            yield f"{core}/services", service
            address = f"10.{number >> 8}.{number & 255}.1"
            labels = {"kubernetes.io/service-name": f"s{number}"}
            made = {"metadata": {"name": f"s{number}-1", "labels": labels}, "addressType": "IPv4"}
            yield slices, made | {"ports": [{"name": "http", "port": 8080}], "endpoints": [{"addresses": [address]}]}
    for number in range(first, last):
        spec = {"hostname": f"h{number % HOSTS}.bench.test", "prefix": f"/m{number}/"}
        yield f"{ours}/mappings", _ours("Mapping", f"m{number}", spec | {"service": f"s{number % SERVICES}:80"})


def _ours(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


async def create(api: ApiClient, wanted: Iterator[Wanted]) -> None:
    """Create these, several at once."""
    connector = aiohttp.TCPConnector(ssl=api._tls, limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for path, made in wanted:
                async with session.post(api.url + path, json=made) as answer:
                    answer.raise_for_status()

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))


class PlainWatch:
    """A client that only watches the objects of a path: when it first sees each, and how many `events` there are."""

    def __init__(self, api: ApiServer, path: str) -> None:
        self.seen: dict[str, float] = {}
        self.events = 0
        version = api.get(f"{path}?limit=1")["metadata"]["resourceVersion"]
        self._connection = http.client.HTTPSConnection("127.0.0.1", int(api.url.rpartition(":")[2]), context=api._tls)
        self._connection.request("GET", f"{path}?watch=true&resourceVersion={version}")
        self._answer = self._connection.getresponse()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while line := self._answer.readline():
                name = json.loads(line)["object"]["metadata"]["name"]
                self.seen.setdefault(name, time.perf_counter())
                self.events += 1
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return

    def close(self) -> None:
        if self._connection.sock:
            self._connection.sock.close()


class Caller:
    """Requests to the API server, and to the gateway, each on one connection that is kept."""

    def __init__(self, gateway: ClusterGateway) -> None:
        port = int(gateway.api.url.rpartition(":")[2])
        self._api = http.client.HTTPSConnection("127.0.0.1", port, context=gateway.api._tls)
        self._gateway = NamedConnection(gateway.https_port, "h0.bench.test")
        self._path = gateway.path("Mapping")

    def create(self, name: str, spec: dict[str, Any]) -> None:
        body = json.dumps(_ours("Mapping", name, spec))
        self._api.request("POST", self._path, body, {"Content-Type": "application/json"})
        answer = self._api.getresponse()
        answer.read()
        assert answer.status == 201, answer.status

    def status(self, host: str, path: str) -> int:
        self._gateway.request("GET", path, headers={"Host": host})
        answer = self._gateway.getresponse()
        answer.read()
        return answer.status


def probe(gateway: ClusterGateway, upstream: HttpUpstream, label: str, count: int) -> list[tuple[float, float, float]]:
    """Milliseconds from the wish to create a Mapping to its first answer, and to its being seen by a plain watch.

    The third is half the step between the last two askings (0 when the first one was answered).
    """
    watch, caller = PlainWatch(gateway.api, gateway.path("Mapping")), Caller(gateway)
    found = []
    try:
        for number in range(count):
            name = f"probe-{label}-{number}"
            spec = {"hostname": "h0.bench.test", "prefix": f"/{name}/", "service": upstream.service}
            assert caller.status("h0.bench.test", f"/{name}/") == 404
            began = time.perf_counter()
            caller.create(name, spec)
            served = missed = 0.0
            while not served:
                answer = caller.status("h0.bench.test", f"/{name}/")
                now = time.perf_counter()
                if answer == 200:
                    served, missed = now, missed or now
                else:
                    missed = now
                    time.sleep(POLL)
            wait_until(lambda name=name: name in watch.seen, what="the plain watch")
            found.append(((served - began) * 1000, (watch.seen[name] - began) * 1000, (served - missed) * 500))
            time.sleep(0.1)
    finally:
        watch.close()
    return found


def measure(gateway: ClusterGateway, upstream: HttpUpstream, size: int) -> Iterator[Line]:
    """One size."""
    began = time.perf_counter()
    with gateway:
        ready = time.perf_counter() - began
        gateway.put("Mapping", "first", {"hostname": "h0.bench.test", "prefix": "/first/", "service": upstream.service})
        gateway.wait_served("h0.bench.test", "/first/", tls=True)
        pids = {part: pid for part in PARTS if (pid := gateway.pid_of(part))}
        wait_for_rest(gateway.api, gateway.path("Listener"), gateway.path("Host"))
        quiet = cpu_ms(pids.values())
        time.sleep(REST)
        rest = (cpu_ms(pids.values()) - quiet) / REST / 10
        before = {part: cpu_ms([pid]) for part, pid in pids.items()}
        found = probe(gateway, upstream, str(size), PROBES)
        change = {part: (cpu_ms([pid]) - before[part]) / PROBES for part, pid in pids.items()}
        memory = {part: resident_mb(pid) for part, pid in pids.items()}
    what = f"{size:,} Mappings"
    ours = sum(spent for part, spent in change.items() if part != "envoy")
    yield beside(f"{what}: CPU of our parts a new Mapping", ours, "ms", change["envoy"], "Envoy, for the same")
    served, seen, half_step = (statistics.median(row[column] for row in found) for column in range(3))
    yield beside(f"{what}: a new Mapping until served", served - half_step, "ms", seen, "until a plain watch shows it")
    yield Line(f"{what}: until ready after a start", ready, "s")
    yield Line(f"{what}: CPU at rest, with Envoy", rest, "% of a core")
    yield Line(f"{what}: memory of our parts", sum(memory.values()) - memory["envoy"], "MB")
    yield Line(f"{what}: Envoy's memory", memory["envoy"], "MB")


def lines(largest: int) -> Iterator[Line]:
    """By size, on one API server."""
    with ApiServer() as api, HttpUpstream("bench") as upstream:
        install_crds(api)
        for size in sizes_up_to(largest, SIZES):
            gateway = ClusterGateway(
                api, environ={"AES_LOG_LEVEL": "warning", "AMBASSADOR_UPDATE_MAPPING_STATUS": "false"}, patience=300
            )
            asyncio.run(create(api, objects_of(gateway.namespace, 0, size)))
            yield from measure(gateway, upstream, size)
