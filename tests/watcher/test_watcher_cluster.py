"""The watcher's process on a real API server: what is published of which namespaces, kinds and objects."""

from collections.abc import Callable

import orjson
import pytest

from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import install_crds
from tests.support.envoy import wait_until
from tests.watcher.watched_cluster import Cluster, edit, filled

pytestmark = pytest.mark.kubernetes


def test_what_is_applied_changed_and_deleted_is_published(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    edit(cluster)
    cluster.wait_equal()


def test_a_watcher_that_is_started_anew_commits_nothing(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    sequence = cluster.watcher.sequence
    for seen in (1, 2):
        cluster.watcher.kill()
        cluster.watcher.start()
        wait_until(lambda seen=seen: cluster.watcher.log().count("everything was seen") > seen, what=f"seen {seen}")
    assert cluster.watcher.sequence == sequence


def test_status_and_bookkeeping_wake_nobody_but_who_asks_for_them(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster, 1)
    sequence = cluster.watcher.sequence
    live = cluster.watcher.snapshot.reader("live")
    live.changes()
    path = f"{cluster.path}/mappings/m0"
    merge = "application/merge-patch+json"
    cluster.api.ask("PATCH", f"{path}/status", {"status": {"state": "Running"}}, content_type=merge)
    kubectl = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}}
    cluster.api.ask("PATCH", path, kubectl, content_type=merge)
    key = f"getambassador.io/Mapping/{cluster.namespace}/m0"

    def told() -> bool:
        record = live.get(key)
        return record is not None and orjson.loads(record.body) == {"state": "Running"}

    wait_until(told, what="the status in live")
    cluster.create("m1", "/1/")
    cluster.wait_equal()
    assert cluster.watcher.sequence == sequence + 1


def test_only_what_the_selectors_choose_counts(
    api: ApiServer, watching: Callable[..., Cluster], namespace: str
) -> None:
    cluster = watching(AMBASSADOR_LABEL_SELECTOR="team in (blue)", AMBASSADOR_FIELD_SELECTOR="metadata.name!=m2")
    for name, team in (("m1", "blue"), ("m2", "blue"), ("m3", "red")):
        made = {"metadata": {"name": name, "labels": {"team": team}}, "spec": {"prefix": "/", "service": "a"}}
        made |= {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping"}
        api.ask("POST", f"{cluster.path}/mappings", made)
    wait_until(lambda: set(cluster.published()) == {"m1"}, what="the chosen one")
    labels = {"metadata": {"labels": {"team": "red"}}}
    api.ask("PATCH", f"{cluster.path}/mappings/m1", labels, content_type="application/merge-patch+json")
    wait_until(lambda: not cluster.published(), what="none that is chosen")


def test_several_namespaces_count_and_no_other(
    api: ApiServer, watching: Callable[..., Cluster], namespace: str
) -> None:
    second, third = api.namespace(), api.namespace()
    cluster = watching(DRAGOMAN_NAMESPACES=f"{namespace},{second}")
    for each in (namespace, second, third):
        Cluster(api, each, cluster.watcher).create("m", "/m/")
    expected = {f"getambassador.io/Mapping/{each}/m" for each in (namespace, second)}
    wait_until(lambda: {key for key in cluster.watcher.objects() if "Mapping" in key} == expected, what="the two")


def test_kinds_come_and_go_without_disturbing_others(api: ApiServer, watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    cluster.create("t", "", "TCPMapping", port=9000, service="a.b:80")
    key = f"getambassador.io/TCPMapping/{cluster.namespace}/t"
    wait_until(lambda: key in cluster.watcher.records(), what="the TCPMapping")
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tcpmappings.getambassador.io"
    cluster.api.ask("DELETE", crd)
    wait_until(lambda: key not in cluster.watcher.records(), what="the TCPMapping gone")
    edit(cluster)
    cluster.wait_equal()
    wait_until(lambda: cluster.api.request("GET", crd)[0] == 404, what="the CRD gone")
    wait_until(lambda: "lost a kind" in cluster.watcher.log(), 90, what="a warning of it")
    install_crds(cluster.api, "tcpmappings")
    cluster.create("t", "", "TCPMapping", port=9000, service="a.b:80")
    wait_until(lambda: key in cluster.watcher.records(), 90, what="the TCPMapping again")
