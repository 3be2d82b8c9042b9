"""`dragoman top`, and the numbers by route of which it is made: real requests are counted for who serves them."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.__main__ import main
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.pods import Pods
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "shop.top.test"
POLICY = {"requestPolicy": {"insecure": {"action": "Route"}}}
ROUTES = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: dragoman}}
spec: {{controllerName: getambassador.io/dragoman}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web, namespace: team-a}}
spec:
  gatewayClassName: dragoman
  listeners: [{{name: http, port: {port}, protocol: HTTP, hostname: routes.top.test}}]
---
apiVersion: v1
kind: Service
metadata: {{name: red, namespace: team-a}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: red, namespace: team-a, labels: {{kubernetes.io/service-name: red}}}}
addressType: IPv4
ports: [{{port: {backend}}}]
endpoints: [{{addresses: ["127.0.0.1"]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web.v1, namespace: team-a}}
spec:
  parentRefs: [{{name: web}}]
  rules:
  - {{matches: [{{path: {{value: /one}}}}], backendRefs: [{{name: red, port: 80}}]}}
  - {{matches: [{{path: {{value: /two}}}}], backendRefs: [{{name: red, port: 80}}]}}
"""


@pytest.fixture(scope="module")
def world(red: HttpUpstream) -> Iterator[Gateway]:
    texts = host("top", NAME) + mapping("cart", NAME, red.service, "/cart/", namespace_="team-a")
    texts += an_object("Host", "routes", POLICY | {"hostname": "routes.top.test"}, namespace="team-a")
    texts += mapping("slow", NAME, red.service, "/slow/", namespace_="team-a")
    texts += mapping("dead", NAME, f"127.0.0.1:{unused_port()}", "/dead/", namespace_="team-a")
    texts += mapping("others", NAME, red.service, "/others/", namespace_="team-b")
    # A statsd that nobody listens for has Envoy sum up its histograms each half second, rather than each 15 s.
    statsd = {"STATSD_ENABLED": "true", "STATSD_HOST": "127.0.0.1", "STATSD_FLUSH_INTERVAL": "0.5"}
    with Gateway(environ={"DRAGOMAN_ROUTE_STATS": "team-a", **statsd}, patience=180) as gateway:
        log = {"config": {"envoy_log_path": str(gateway.base / "access.log")}}
        gateway.apply("world", texts + an_object("Module", "ambassador", log))
        gateway.apply("routes", ROUTES.format(port=gateway.http_port, backend=red.service.rpartition(":")[2]))
        gateway.wait_served(NAME, "/others/")
        gateway.wait_served("routes.top.test", "/two")
        yield gateway


def top(*arguments: object) -> Result:
    done = CliRunner().invoke(main, ["top", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def told(*arguments: object) -> dict[str, Any]:
    done = top("--once", "-o", "json", *arguments)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    return {"by": found["by"], **{row["name"]: row for row in found["rows"]}}


def asking(ask: Callable[[], object]) -> tuple[threading.Event, threading.Thread]:
    """Ask again and again, until the event."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            ask()

    thread = threading.Thread(target=run)
    thread.start()
    return over, thread


def test_requests_are_counted_for_the_object_that_serves_them(world: Gateway) -> None:
    before = told("--run-dir", world.run_dir, "--interval", "0.2")
    assert before["by"] == "route"
    for path, status in (("/cart/1", 200), ("/cart/2", 200), ("/dead/", 503), ("/others/", 200)):
        assert world.request(NAME, path).status_code == status
    for path in ("/one", "/two", "/two/3"):
        assert world.request("routes.top.test", path).status_code == 200
    now = told("--url", f"127.0.0.1:{world.diagnostics_port}", "--interval", "0.2")
    grown = {
        name: now[name]["total"]["requests"] - before.get(name, {"total": {"requests": 0}})["total"]["requests"]
        for name in now
        if name != "by"
    }
    assert grown == {"cart": 2, "dead": 1, "web.v1": 3}, "each object is a row, and another namespace's is not counted"
    assert now["dead"]["total"]["5xx"] - before.get("dead", {"total": {"5xx": 0}})["total"]["5xx"] == 1
    assert (now["web.v1"]["kind"], now["web.v1"]["namespace"]) == ("HTTPRoute", "team-a")


def test_rates_and_latencies_are_of_now(world: Gateway, red: HttpUpstream) -> None:
    red.delay = 0.02
    over, thread = asking(lambda: world.request(NAME, "/slow/"))
    try:
        row = wait_until(
            lambda: (
                (found := told("--run-dir", world.run_dir, "--interval", "0.5").get("slow"))
                and found["latency_ms"]["p50"]
                and found["per_second"]["requests"]
                and found
            ),
            what="a rate and latencies",
        )
    finally:
        over.set()
        thread.join()
        red.delay = 0.0
    assert 15 < row["latency_ms"]["p50"] <= row["latency_ms"]["p95"] <= row["latency_ms"]["p99"]
    assert row["per_second"]["5xx"] == 0


def test_the_table_is_sorted_chosen_and_plain_where_nobody_sees_colours(world: Gateway) -> None:
    for path in ("/cart/1", "/cart/2", "/dead/"):
        world.request(NAME, path)
    shown = top("--once", "--run-dir", world.run_dir, "--interval", "0.2", "--sort", "errors").stdout
    heads, first, *_ = shown.splitlines()
    assert heads.split() == ["NAMESPACE", "KIND", "NAME", "REQ/S", "4XX/S", "5XX/S", "P50", "P95", "P99", "TOTAL"]
    assert first.split()[:3] == ["team-a", "Mapping", "dead"]
    assert "\x1b" not in shown
    assert top("--once", "--run-dir", world.run_dir, "--interval", "0.2", "-n", "team-b").stdout == "no request yet\n"


def test_clusters_have_their_numbers_too(world: Gateway, red: HttpUpstream) -> None:
    world.request(NAME, "/others/")
    found = told("--run-dir", world.run_dir, "--interval", "0.2", "--by", "cluster")
    port = red.service.rpartition(":")[2]
    assert found[f"ip/127_0_0_1_{port}"]["total"]["requests"] > 0
    assert found["k8s/team-a/red/80"]["namespace"] == "team-a"
    assert "dragoman_ads" not in found


def test_prometheus_is_told_kind_namespace_and_name(world: Gateway) -> None:
    world.request(NAME, "/cart/1")
    world.request("routes.top.test", "/one")
    text = world.diagnostics("/metrics").text
    for kind, name, hostname in (("Mapping", "cart", NAME), ("HTTPRoute", "web.v1", "routes.top.test")):
        labels = f'hostname="{hostname}",kind="{kind}",object_namespace="team-a",object_name="{name}"'
        assert re.search(
            rf"^envoy_vhost_route_upstream_rq_total{{[^}}]*{re.escape(labels)}}} [1-9]", text, re.MULTILINE
        ), kind
        assert re.search(
            rf'^envoy_vhost_route_upstream_rq_xx{{[^}}]*class="2"[^}}]*{re.escape(labels)}}} [1-9]', text, re.MULTILINE
        )
    names = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line.startswith("envoy_vhost")}
    assert not [name for name in names if "test" in name or "team" in name], (
        "no name of somebody's is in a metric's name"
    )
    assert "others" not in "".join(line for line in text.splitlines() if line.startswith("envoy_vhost"))


def test_why_tells_what_went_wrong_before_or_what_was_looked_at(world: Gateway) -> None:
    def why(path: str) -> dict[str, Any]:
        asked = ["why", "GET", f"http://{NAME}{path}", "--port", str(world.http_port), "-o", "json"]
        done = CliRunner().invoke(main, [*asked, "--run-dir", str(world.run_dir)])
        found: dict[str, Any] = json.loads(done.stdout)["errors"]
        return found

    world.request(NAME, "/dead/last")
    wait_until(lambda: "/dead/last" in (world.base / "access.log").read_text(), what="the line in the access log")
    bad = why("/dead/last")
    said = {(each["where"], each.get("what")) for each in bad["found"]}
    assert ("Mapping team-a/dead", "answers with 5xx") in said
    assert ("cluster", "connections that failed") in said
    assert [each["line"].split()[2:5] for each in bad["found"] if "line" in each] == [
        ['"GET', "/dead/last", 'HTTP/1.1"']
    ]
    before = [each for each in bad["found"] if each["where"] != "access log"]
    assert why("/dead/last")["found"] == before, "to ask why is no error of the route"
    good = why("/others/")
    assert good["found"] == []
    assert good["looked_at"] == [
        "Envoy's numbers of the cluster and its endpoints",
        f"the access log {world.base / 'access.log'}",
    ]


def test_all_replicas_are_asked_and_where_they_differ_is_told(
    world: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://{NAME}/cart/1"
    here = {"DRAGOMAN_RUN_DIR": str(world.run_dir)}
    pods = {"gw-a": here, "gw-b": here, "gw-c": here | {"ASKED_INSTEAD": url.replace("/cart/", "/others/")}}
    with Pods(pods) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))
        port = ("--port", str(world.http_port))
        asked = ["why", "GET", url, *port, "-H", "x-a: 1", "--all-replicas", "--context", "test"]
        done = CliRunner().invoke(main, [*asked, "-o", "json"])
        assert done.exit_code == 1, done.output
        found = json.loads(done.stdout)
        assert (found["alike"], found["differ_in"]) == (False, ["answer", "rule"])
        objects = {each["pod"]: each["report"]["rule"]["objects"][0]["name"] for each in found["replicas"]}
        assert objects == {"gw-a": "cart", "gw-b": "cart", "gw-c": "others"}
        assert cluster.commands[0][6:8] == ["-H", "x-a: 1"]
        text = CliRunner().invoke(main, asked).stdout
        assert "2 of 3 replicas: gw-a, gw-b" in text
        assert "otherwise, in rule, answer: gw-c" in text
        cluster.pods = {"gw-a": here, "gw-d": {"DRAGOMAN_RUN_DIR": str(tmp_path)}}
        done = CliRunner().invoke(main, asked)
        assert (done.exit_code, "not asked: gw-d: no gateway" in done.stdout) == (2, True), done.output
        cluster.pods = {"gw-a": here, "gw-e": {"REFUSED": "you cannot get pods/exec"}}
        done = CliRunner().invoke(main, asked)
        said = "not asked: gw-e: you cannot get pods/exec; it takes the right to get and create pods/exec in dragoman"
        assert (done.exit_code, said in done.stdout) == (2, True), done.output
        cluster.pods = {"gw-a": here, "gw-b": here}
        assert CliRunner().invoke(main, asked).exit_code == 0
        done = CliRunner().invoke(main, [*asked, "-n", "elsewhere"])
        assert (done.exit_code, "no pod of elsewhere" in done.stderr) == (2, True)


def test_where_no_gateway_runs_it_says_what_to_do(tmp_path: Path) -> None:
    done = top("--once", "--run-dir", tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr
