"""The reporter on a real API server among others: gateways, writers, policies, and objects that took a name over."""

import pytest

from tests.reporter.running_reporter import Cluster, Reporter, path_of
from tests.reporter.told import Versions, becomes_well
from tests.support.envoy import wait_until
from translator.ir import ObjectKey

pytestmark = pytest.mark.kubernetes

MERGE_PATCH = "application/merge-patch+json"


def test_an_error_that_another_writer_left_is_taken_over_in_one_write(cluster: Cluster) -> None:
    key, witness = cluster.create("a", "Host"), cluster.create("b", "Host")
    left = {"status": {"errorReason": "of another time", "errorTimestamp": "2026-01-01T00:00:00Z"}}
    cluster.api.ask("PATCH", f"{path_of(key)}/status", left, content_type=MERGE_PATCH)
    cluster.say(key)
    versions = Versions(cluster, key)
    with Reporter(cluster) as reporter:
        becomes_well(cluster, key)
        cluster.edit(key, hostname="b.example")
        cluster.say(key)
        wait_until(lambda: _generations(cluster, key) == {2}, what="it is written")
        cluster.say(witness)
        becomes_well(cluster, witness)
    versions.close()
    assert cluster.get(key)["status"]["errorReason"] == ""
    assert len(versions.seen) == 3, "two statuses and an edit"
    assert "changed back" not in reporter.log()


def _generations(cluster: Cluster, key: ObjectKey) -> set[int]:
    return {each["observedGeneration"] for each in cluster.get(key)["status"]["conditions"]}
