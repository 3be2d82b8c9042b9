"""Two reporters, one lease: only its holder writes, and when he is killed the other makes all right."""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.reporter.running_reporter import QUICK, Cluster, Reporter
from tests.reporter.told import Versions, becomes, becomes_well
from tests.support.envoy import wait_until
from tests.support.pace import is_within
from translator.statuses import ReportedProblem

pytestmark = [pytest.mark.kubernetes, pytest.mark.faults]

WRONG = ReportedProblem("spec.prefix", "must begin with /", stops=True)
ILL = {"Accepted": "False Invalid", "ResolvedRefs": "True Resolved", "Programmed": "False NotAccepted"}
KILLS = 20
LIMIT = 30.0
"""Seconds in which all is right again."""


def holder(cluster: Cluster) -> str:
    """The pod that holds the lease."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases/dragoman-default-status"
    status, _ = cluster.api.request("GET", path)
    if status == 404:
        return ""
    identity = cluster.api.get(path)["spec"].get("holderIdentity") or ""
    return str(identity).partition("_")[0]


def test_a_writer_that_is_killed_twenty_times_leaves_right_statuses(cluster: Cluster) -> None:
    keys = [cluster.create(f"m{number}") for number in range(5)]
    pods = (f"pod-{number}" for number in itertools.count())
    times = []
    with ExitStack() as stack:
        running = {pod: stack.enter_context(Reporter(cluster, pod, QUICK)) for pod in (next(pods), next(pods))}
        for number in range(KILLS):
            wait_until(lambda: holder(cluster) in running, 2 * LIMIT, what="one of them leads")
            versions = [Versions(cluster, key) for key in keys]
            wanted = {WRONG} if number % 2 == 0 else set[ReportedProblem]()
            cluster.say(*keys, told=tuple(wanted))
            begin = time.monotonic()
            killed = holder(cluster)
            running.pop(killed).kill()
            pod = killed if number % 3 == 0 else next(pods)  # supervisord's doing, or a new pod's
            running[pod] = stack.enter_context(Reporter(cluster, pod, QUICK))
            for key in keys:
                if wanted:
                    becomes(cluster, key, ILL, 2 * LIMIT)
                else:
                    becomes_well(cluster, key, 2 * LIMIT)
            times.append(time.monotonic() - begin)
            for each in versions:
                each.close()
            assert max(len(each.seen) for each in versions) <= 2, "nobody is written more often than twice a change"
    assert is_within(max(times), LIMIT, times=20), times
    print(f"right after {sorted(times)[KILLS // 2]:.1f} s at the median, {max(times):.1f} s at most")


@pytest.fixture
def pair(cluster: Cluster) -> Iterator[tuple[Reporter, Reporter]]:
    """Two reporters: the first has the lease, and the second knows it."""
    with Reporter(cluster, "pod-0") as one:
        wait_until(lambda: "leading" in one.log(), what="the first leads")
        with Reporter(cluster, "pod-1") as two:
            wait_until(lambda: "not leading" in two.log(), what="the second knows it")
            yield one, two


def test_only_the_holder_writes_and_gives_the_lease_back_at_its_end(
    cluster: Cluster, pair: tuple[Reporter, Reporter]
) -> None:
    key, (one, _) = cluster.create("a"), pair
    cluster.say(key)
    becomes_well(cluster, key)
    assert one.end() == 0
    begin = time.monotonic()
    wait_until(lambda: holder(cluster) == "pod-1", what="the second leads")
    assert time.monotonic() - begin < 10, "it did not have to wait for the end of the lease, which is five seconds more"
    cluster.say(key, told=(WRONG,))
    becomes(cluster, key, ILL)


def test_with_the_shipped_durations_all_is_right_within_half_a_minute(
    cluster: Cluster, pair: tuple[Reporter, Reporter]
) -> None:
    key, (one, _) = cluster.create("a"), pair
    cluster.say(key)
    one.kill()
    begin = time.monotonic()
    becomes_well(cluster, key, 2 * LIMIT)
    took = time.monotonic() - begin
    print(f"right after {took:.1f} s")
    assert is_within(took, LIMIT, times=20)
    assert holder(cluster) == "pod-1"
