"""`python -m tests.bench.sizing [MAPPINGS ...]`: what a pod of the manifests needs, on a real API server.

For each number: that many Mappings (50 a Host) and a fifth as many Services are made in a real API server, the whole
system is started on them as in a pod, and when it is ready and at rest, memory and CPU of each process are printed. At
rest is not before all statuses are written, which takes minutes after the first start.
Memory that is a process' own, and what the run directory holds, cannot be taken from a pod; the pages of programs and
libraries, which are resident too, can. docs/sizing.md has the figures.
"""

import compileall
import http.client
import json
import os
import ssl
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tests.bench.rest import wait_for_rest
from tests.deploy.reading import DEPLOY
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.part import ROOT

PARTS = ("watcher", "translator", "adsserver", "diagnostics", "reporter", "envoy")
PRODUCT = ("process", "snapshot", "entrypoint", *PARTS[:-1], "conversion", "envoyapi", "kubeapi")
PER_HOST = 50
PER_SERVICE = 5
WRITERS = 8
READY = 300.0
REST = 20.0
TICKS = os.sysconf("SC_CLK_TCK")
OURS = "/apis/getambassador.io/v3alpha1/namespaces/default"


def objects(count: int, port: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where to POST, and what: Listener, Services with three addresses each, Hosts, Mappings."""

    def ours(kind: str, name: str, spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        body = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        return f"{OURS}/{kind.lower()}s", body

    binding = {"namespace": {"from": "ALL"}}
    yield ours("Listener", "http", {"port": port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding})
    for number in range(count // PER_SERVICE):
        yield from service(f"s{number}", number)
    for number in range(max(1, count // PER_HOST)):
        spec = {"hostname": f"h{number}.test", "requestPolicy": {"insecure": {"action": "Route"}}}
        yield ours("Host", f"h{number}", spec)
    for number in range(count):
        spec = {
            "hostname": f"h{number // PER_HOST}.test",
            "prefix": f"/m{number}/",
            "service": f"s{number // PER_SERVICE}",
        }
        yield ours("Mapping", f"m{number}", spec)


def service(name: str, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """A Service, and its EndpointSlice as the controllers would make it."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    yield (
        "/api/v1/namespaces/default/services",
        {"metadata": {"name": name}, "spec": {"clusterIP": "None", "ports": ports}},
    )
    addresses = [f"10.244.{number // 80 % 250}.{number % 80 * 3 + last + 1}" for last in range(3)]
    yield (
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        },
    )


def write(api: ApiServer, wanted: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Make objects, over a few connections that stay."""
    every = list(wanted)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda first: write_some(api, islice(every, first, None, WRITERS)), range(WRITERS)))


def write_some(api: ApiServer, wanted: Iterable[tuple[str, dict[str, Any]]]) -> None:
    token = api.account_token("writer")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(api.url.removeprefix("https://"), timeout=60, context=context)
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    for path, body in wanted:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != http.HTTPStatus.CREATED:
            raise RuntimeError(f"{path}: {text!r}")
    connection.close()


@dataclass(frozen=True)
class Use:
    """Of one process: its own memory and all that is resident, in MiB, and CPU seconds."""

    own: float
    resident: float
    cpu: float


def use_of(pid: int) -> Use:
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    mebibytes = {words[0]: int(words[1]) / 1024 for words in lines}
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return Use(mebibytes["Pss_Anon:"], mebibytes["Rss:"], (int(fields[11]) + int(fields[12])) / TICKS)


def uses(gateway: Gateway) -> dict[str, Use]:
    """Of each part that runs, and of the entrypoint with supervisord."""
    pids = {part: pid for part in PARTS if (pid := gateway.pid_of(part)) is not None}
    found = {part: use_of(pid) for part, pid in pids.items()}
    rest = [use_of(pid) for pid in gateway._descendants() if pid not in pids.values()]
    return {
        **found,
        "entrypoint": Use(*(sum(getattr(each, field) for each in rest) for field in ("own", "resident", "cpu"))),
    }


def measure(count: int) -> None:
    """Print the table for so many Mappings."""
    with ApiServer() as api:
        api.apply(DEPLOY)
        wait_until(lambda: api.request("GET", f"{OURS}/mappings")[0] == http.HTTPStatus.OK, 60, what="the CRDs")
        cluster_admin(api, "writer")
        gateway = Gateway(
            listeners=False,
            patience=READY,
            environ={
                "DRAGOMAN_CONFIG_DIR": "",
                "KUBECONFIG": str(api.account_kubeconfig("dragoman", namespace="dragoman")),
                "AMBASSADOR_NAMESPACE": "dragoman",
                "ENVOY_CONCURRENCY": "2",
            },
        )
        write(api, objects(count, gateway.http_port))
        began = time.monotonic()
        with gateway:
            print(f"\n{count} Mappings: ready after {time.monotonic() - began:.1f} s", flush=True)
            written = wait_for_rest(api, *(f"{OURS}/{kind}" for kind in ("listeners", "hosts", "mappings")))
            print(f"all statuses are written {written:.0f} s later", flush=True)
            at_rest(gateway)


def at_rest(gateway: Gateway) -> None:
    """Print what each process uses while nothing happens."""
    before, start = uses(gateway), time.monotonic()
    time.sleep(REST)
    after, seconds = uses(gateway), time.monotonic() - start
    for part, use in after.items():
        percent = 100 * (use.cpu - before[part].cpu) / seconds
        memory = f"{use.own:6.0f} MiB of its own, {use.resident:6.0f} resident"
        print(f"{part:12} {memory}; {percent:5.2f} % of a core at rest; {use.cpu:6.1f} s of CPU so far")
    held = sum(path.stat().st_blocks * 512 for path in gateway.run_dir.rglob("*") if path.is_file()) / 2**20
    own = sum(use.own for use in after.values())
    print(f"{'all':12} {own:6.0f} MiB of their own, and {held:.0f} MiB in the run directory: {own + held:.0f} MiB")


def cluster_admin(api: ApiServer, account: str) -> None:
    api.account_token(account)
    api.ask(
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "default"}],
        },
    )


if __name__ == "__main__":
    for room in PRODUCT:
        compileall.compile_dir(ROOT / room, quiet=2)  # as in the image: who compiles what it imports has other memory
    for given in sys.argv[1:] or ("0", "10000"):
        measure(int(given))
