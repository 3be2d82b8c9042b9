"""Objects that the entrypoint makes stand beside the cluster's, and give way to them."""

from collections.abc import Mapping

from snapshot import Record
from watcher.cluster import Cluster
from watcher.kinds import KINDS, SECRET, Target
from watcher.trimming import Seen, seen
from watcher.watch_events import Changed, Gone, Listed

HOST = next(kind for kind in KINDS if kind.name == "Host")
TARGETS = (Target(HOST), Target(SECRET))
KEY = "core/Secret/own/fallback"
MADE = Record("made", b'{"kind": "Secret"}')


def found(kind: str, name: str, content: Mapping[str, object]) -> Seen:
    metadata = {"namespace": "own", "name": name, "uid": "1", "resourceVersion": "1"}
    return seen(HOST if kind == "Host" else SECRET, {"kind": kind, "metadata": metadata, **content})


def test_they_are_in_the_first_view_and_not_before() -> None:
    cluster = Cluster(TARGETS, None, lambda: 0.5, {KEY: MADE})
    first = cluster.take(0.0, TARGETS[0], [Listed({})])
    assert (first.objects.whole, first.objects.records) == (False, {})
    second = cluster.take(0.0, TARGETS[1], [Listed({})])
    assert (second.objects.whole, second.objects.records) == (True, {KEY: MADE})


def test_the_clusters_own_comes_before_and_leaves_them_when_it_goes() -> None:
    own = found("Secret", "fallback", {"type": "kubernetes.io/tls", "data": {"tls.crt": "eA==", "tls.key": "eQ=="}})
    refers = found("Host", "h", {"spec": {"tlsSecret": {"name": "fallback"}}})
    cluster = Cluster(TARGETS, None, lambda: 0.5, {KEY: MADE})
    cluster.take(0.0, TARGETS[0], [Listed({refers.key: refers})])
    whole = cluster.take(0.0, TARGETS[1], [Listed({})]).objects
    assert whole.records[KEY] == MADE
    assert cluster.take(1.0, TARGETS[1], [Changed(own)]).objects.records[KEY] == own.record
    assert cluster.take(2.0, TARGETS[1], [Gone(own.key)]).objects.records[KEY] == MADE


def test_remembered_they_are_not_taken_for_the_clusters() -> None:
    cluster = Cluster(TARGETS, {KEY: MADE}, lambda: 0.5, {KEY: MADE})
    first = cluster.take(0.0, TARGETS[0], [Listed({})])
    second = cluster.take(0.0, TARGETS[1], [Listed({})])
    assert first.objects.appeared + second.objects.appeared == ()
    assert second.objects.records == {KEY: MADE}
