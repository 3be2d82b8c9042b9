"""What a new hostname costs does not depend on how many there are: counted, never timed.

Functions that are called, rows that are made anew, questions that are asked for them, and what Envoy is sent. The one
thing that grows is the index, by a name in a list.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest

from tests.bench.inputs import objects_in
from tests.support.calls import calls_of
from tests.support.gateway_api import api_gateway, gateway_class, listener, route, rule
from tests.support.ingresses import backing, ingress, ingress_class, path
from tests.support.ingresses import rule as ingress_rule
from tests.support.objects import an_object, host, mapping
from translator.computed import Computed, Group
from translator.options import Options
from translator.pipeline import Pipeline, Update
from translator.resources import Resource

FEW, MANY = 300, 1200
MOST_GROWTH = 1.5
"""Of work, from few to many hostnames: four times as many are there."""

MOST_BYTES = 30_000
"""Of all that is sent for one but the index: a shard has some thirty hostnames."""

MOST_IN_THE_INDEX, BESIDE_A_WIDE_ONE = 60, 160
"""Bytes for a hostname, in two spellings; beside a wide one all that Envoy's domains can say are listed."""

EVERYWHERE = {"namespace": {"from": "ALL"}}
LISTENER = {"port": 9000, "protocol": "HTTP", "securityModel": "INSECURE", "hostBinding": EVERYWHERE}
LOGGED = {
    "targetRefs": [{"kind": "HTTPRoute", "name": "logged"}],
    "access_log": {"envoy_log_format": "%REQ(:PATH)%"},
}
REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"hostname": "a.test"}}

WORLDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "HTTPRoute": (
        gateway_class() + api_gateway("g", listener("http", 9000)),
        lambda name: route(name, "g", rule("/", filters=[REDIRECT]), hostnames=[f"{name}.test"]),
    ),
    "HTTPRoute, one of which has a log": (
        gateway_class()
        + api_gateway("g", listener("http", 9000))
        + route("logged", "g", rule("/", filters=[REDIRECT]), hostnames=["logged.test"])
        + an_object("RoutePolicy", "p", LOGGED),
        lambda name: route(name, "g", rule("/", filters=[REDIRECT]), hostnames=[f"{name}.test"]),
    ),
    "Ingress": (
        ingress_class() + backing("s", 9),
        lambda name: ingress(name, ingress_rule(f"{name}.test", path("/", "s"))),
    ),
    "Host": (
        an_object("Listener", "l", LISTENER),
        lambda name: host(name, f"{name}.test") + mapping(name, f"{name}.test", "10.0.0.1:80"),
    ),
    "Host beside a wide one": (
        an_object("Listener", "l", LISTENER) + host("wide", "*.wide.test"),
        lambda name: host(name, f"{name}.test") + mapping(name, f"{name}.test", "10.0.0.1:80"),
    ),
}


@dataclass
class Work:
    """What a sweep did."""

    calls: int = 0
    rows: int = 0
    questions: int = 0
    copied: int = 0


@contextmanager
def counted() -> Iterator[Work]:
    """Count what is made anew meanwhile."""
    work = Work()
    answers, remember, regroup = Computed._answers, Computed._remember, Group._regroup

    def count_answers(table: Any, stale: Any) -> Iterator[tuple[Any, Any]]:
        for each in answers(table, stale):
            work.rows += 1
            yield each

    def count_questions(table: Any, key: Any, now: tuple[Any, ...]) -> None:
        work.questions += len(now)
        remember(table, key, now)

    def count_copies(table: Any, key: Any, gives: Any, fresh: dict[Any, Any]) -> None:
        known = set(fresh)
        regroup(table, key, gives, fresh)
        work.copied += sum(len(row) for group, row in fresh.items() if group not in known and isinstance(row, dict))

    with (
        patch.object(Computed, "_answers", count_answers),
        patch.object(Computed, "_remember", count_questions),
        patch.object(Group, "_regroup", count_copies),
    ):
        yield work


def is_index(name: str) -> bool:
    return name.startswith("route/") and name.endswith(":index")


def added(api: str, count: int) -> tuple[Work, Update]:
    """A hostname more than these."""
    frame, make = WORLDS[api]
    pipeline = Pipeline(Options())
    there = frame + "".join(make(f"there-{number}") for number in range(count))
    assert not pipeline.apply(objects_in(there)).failures
    assert pipeline.indexes()
    pipeline.apply(objects_in(make("first")))  # what was small until now is large from here on
    with counted() as work:
        update = pipeline.apply(objects_in(make("new")))
    assert not update.failures
    work.calls = calls_of(lambda: pipeline.apply(objects_in(make("newer"))))
    return work, update


@pytest.mark.parametrize("api", WORLDS)
def test_a_new_hostname_costs_the_same_among_four_times_as_many(api: str) -> None:
    few, many = added(api, FEW), added(api, MANY)
    for what in ("calls", "rows", "questions", "copied"):
        before, now = getattr(few[0], what), getattr(many[0], what)
        assert now <= MOST_GROWTH * before, f"{what}: {before} among {FEW:,} hostnames, {now} among {MANY:,}"
    sent = {name: row for name, row in many[1].resources.items() if row is not None}
    assert len(many[1].resources) <= 10
    assert sum(size(row) for name, row in sent.items() if not is_index(name)) < MOST_BYTES
    indexes = [row for name, row in sent.items() if is_index(name)]
    assert len(indexes) == 1
    assert size(indexes[0]) < (BESIDE_A_WIDE_ONE if "wide" in api else MOST_IN_THE_INDEX) * MANY


def test_a_port_of_a_tcp_mapping_is_no_hosts_matter() -> None:
    frame, make = WORLDS["Host"]
    counts = []
    for count in (FEW // 3, FEW):
        pipeline = Pipeline(Options())
        pipeline.apply(objects_in(frame + "".join(make(f"there-{number}") for number in range(count))))
        pipeline.apply(objects_in(an_object("TCPMapping", "first", {"port": 9001, "service": "10.0.0.1:90"})))
        new = objects_in(an_object("TCPMapping", "new", {"port": 9002, "service": "10.0.0.1:90"}))
        counts.append(calls_of(lambda pipeline=pipeline, new=new: pipeline.apply(new)))  # type: ignore[misc]
    assert counts[1] <= MOST_GROWTH * counts[0], counts


def size(row: Resource) -> int:
    return len(row.body)
