"""Clusters on the page: what is made of their resources, of Envoy's word of endpoints, and of its numbers."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from diagnostics.admin import Admin
from diagnostics.published import clusters_of
from diagnostics.ui.clusters import hosts_of
from diagnostics.ui.numbers import summed
from diagnostics.ui.query import Paged
from diagnostics.view import View
from envoyapi.config_cluster_v3 import Cluster, ClusterDiscoveryType
from snapshot import Record
from tests.diagnostics.page_worlds import html, shown, viewing

NAMES = ("a", "b", "c")


class Told(Admin):
    """An Envoy that says what it is told to, and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = ""

    async def told(self, target: str) -> Any:
        self.asked = target
        return self.answer


def endpoint(port: int, *, healthy: bool = True, **stats: int) -> dict[str, Any]:
    """As Envoy tells of one: what is 0 is left out."""
    health = {} if healthy else {"failed_active_health_check": True}
    return {
        "address": {"socket_address": {"address": "10.0.0.1", "port_value": port}},
        "stats": [{"name": name, "value": str(value)} for name, value in stats.items()] + [{"name": "rq_error"}],
        "health_status": {"eds_health_status": "HEALTHY", **health},
        "weight": 2,
        "locality": {"zone": "z1"},
    }


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    eds = ClusterDiscoveryType.EDS
    resources = {f"cluster/{name}": Record("1", bytes(Cluster(name=name, type=eds))) for name in NAMES}
    with viewing(tmp_path_factory.mktemp("clusters"), resources=resources) as view:
        yield view


async def test_envoy_is_asked_for_the_clusters_of_a_page_alone() -> None:
    said = {
        "cluster_statuses": [{"name": "a.b", "host_statuses": [endpoint(80, rq_total=7, cx_active=1)]}, {"name": "c"}]
    }
    admin = Told(said)
    found = await hosts_of(admin, ["a.b", "c"])
    assert admin.asked == "/clusters?format=json&filter=%5E%28a%5C.b%7Cc%29%24"
    assert found is not None
    assert found["c"] == []
    (told,) = found["a.b"]
    assert (told["address"], told["healthy"], told["rq_total"], told["rq_error"], told["weight"], told["zone"]) == (
        "10.0.0.1:80",
        True,
        7,
        0,
        2,
        "z1",
    )
    assert await hosts_of(Told(None), ["a"]) is None
    assert await hosts_of(Told(None), []) == {}


async def test_a_cluster_is_as_well_as_its_endpoints(view: View) -> None:
    said = {
        "cluster_statuses": [
            {"name": "a", "host_statuses": [endpoint(1, rq_total=3), endpoint(2, healthy=False, rq_total=4)]},
            {"name": "b", "host_statuses": []},
        ]
    }
    hosts = await hosts_of(Told(orjson.loads(orjson.dumps(said))), NAMES)
    known = view.resources.bodies("cluster/")
    clusters = clusters_of(each.body for each in known.values())
    told = {"page": Paged(1, 3, 50), "clusters": clusters, "hosts": hosts}
    rows = shown(view, "clusters", told)["rows"]
    assert [(each["name"], each["state"], each["health"], each["rq_total"]) for each in rows] == [
        ("a", "warned", "1 of 2 healthy", 7),
        ("b", "stopped", "no endpoints", 0),
        ("c", "pending", "unknown", 0),
    ]
    assert "Envoy does not answer" in html(view, "clusters", {**told, "hosts": None})
    one = shown(view, "cluster", {"hosts": hosts}, name="a")
    assert [each["healthy"] for each in one["endpoints"]] == [False, True]
    text = html(view, "cluster", {"hosts": hosts}, name="a")
    assert "failed active health check" in text
    assert 'data-numbers="numbers?cluster=a"' in text
    assert "There is no such cluster" in html(view, "cluster", {"hosts": {}}, name="x")


def test_numbers_are_summed_without_envoys_own() -> None:
    words = {"downstream_rq_completed": "requests", "downstream_rq_5xx": "errors"}
    values = [{"cumulative": 9.0, "interval": each} for each in (1.0, 2.0, None)]
    slow = [{"cumulative": 9.0, "interval": each} for each in (3.0, 1.0, 8.0)]
    said = {
        "stats": [
            {"name": "http.a.downstream_rq_completed", "value": 3},
            {"name": "http.b.downstream_rq_completed", "value": 4},
            {"name": "http.admin.downstream_rq_completed", "value": 99},
            {"name": "http.a.downstream_rq_5xx", "value": 1},
            {
                "histograms": {
                    "supported_quantiles": [50, 95, 99],
                    "computed_quantiles": [
                        {"name": "http.a.downstream_rq_time", "values": values},
                        {"name": "http.b.downstream_rq_time", "values": slow},
                        {"name": "http.admin.downstream_rq_time", "values": [{"interval": 99.0}] * 3},
                    ],
                }
            },
        ]
    }
    assert summed(said, words) == {"requests": 7, "errors": 1, "p50": 3.0, "p95": 2.0, "p99": 8.0}
    assert summed({"stats": []}, words) == {"requests": 0, "errors": 0}
