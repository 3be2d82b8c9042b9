"""What is read of Envoy's statistics for `dragoman top`: rows by object, latencies of classes."""

from typing import Any

import pytest

from cli.traffic import in_order, rows_of
from diagnostics.traffic import quantile, traffic


def counter(name: str, value: int) -> dict[str, Any]:
    return {"name": name, "value": value}


def histogram(name: str, **of: int) -> dict[str, Any]:
    return {
        "name": name,
        "buckets": [{"upper_bound": int(bound[1:]), "interval": n, "cumulative": 9} for bound, n in of.items()],
    }


def test_rules_and_hostnames_of_an_object_are_one_row() -> None:
    told = {
        "stats": [
            counter("vhost.a.test.route.HTTPRoute/team/x.v1.upstream_rq_completed", 2),
            counter("vhost.*.route.HTTPRoute/team/x.v1.upstream_rq_completed", 3),
            counter("cluster.k8s/team/x/80.upstream_rq_5xx", 1),
            counter("cluster.k8s/team/x/80.external.upstream_rq_5xx", 1),
            {
                "histograms": [
                    histogram("vhost.a.test.route.HTTPRoute/team/x.v1.upstream_rq_time", _10=1, _20=1),
                    histogram("vhost.*.route.HTTPRoute/team/x.v1.upstream_rq_time", _10=0, _20=1),
                ]
            },
        ]
    }
    [row], [cluster] = traffic(told)["routes"], traffic(told)["clusters"]
    assert (row["kind"], row["namespace"], row["name"], row["completed"]) == ("HTTPRoute", "team", "x.v1", 5)
    assert row["latency_ms"]["p50"] == 10
    assert (cluster["namespace"], cluster["name"], cluster["5xx"]) == ("team", "k8s/team/x/80", 1)


@pytest.mark.parametrize(
    ("times", "share", "wanted"),
    [
        ({1: 0, 2: 10, 4: 10}, 0.5, 1.5),
        ({1: 10, 2: 20, 4: 20}, 0.95, 1.9),
        ({1: 0, 2: 0}, 0.5, None),
        ({}, 0.5, None),
    ],
)
def test_a_quantile_lies_between_the_ends_of_its_class(times: dict[float, int], share: float, wanted: float) -> None:
    assert quantile(times, share) == wanted


def row(name: str, completed: int, failed: int = 0) -> dict[str, Any]:
    counts = {"total": completed, "2xx": 0, "3xx": 0, "4xx": 0, "retry": 0, "timeout": 0}
    latency = {"p50": None, "p95": None, "p99": None}
    return {
        "kind": "Mapping", "namespace": "n", "name": name, "completed": completed, "5xx": failed, **counts,
        "latency_ms": latency,
    }  # fmt: skip


def test_rates_are_differences_and_an_envoy_that_began_anew_counts_from_nothing() -> None:
    rows = rows_of([row("a", 10), row("b", 90)], [row("a", 30, 4), row("b", 6), row("never", 0), row("new", 8)], 2.0)
    assert {each["name"]: each["per_second"]["requests"] for each in rows} == {"a": 10, "b": 3, "new": 4}
    assert in_order(rows, "errors")[0]["name"] == "a"
    assert [each["name"] for each in in_order(rows, "requests")] == ["a", "new", "b"]
