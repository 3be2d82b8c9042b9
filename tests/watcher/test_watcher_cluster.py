"""The watcher's process on a real API server, with every fault that a proxy between can make, or the server itself."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from running_watcher import RunningWatcher

from crds.definitions import current, definition
from crds.kinds import SERVED
from tests.support.apiserver import ApiServer
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.faulty import FAULTS, FaultyProxy

pytestmark = pytest.mark.kubernetes

SOON = 20.0
"""Seconds: 5 on a machine that does nothing else, where most of it is the API server's own start."""

GROUP = "/apis/getambassador.io/v3alpha1"


def install(api: ApiServer, *plurals: str) -> None:
    """The CRDs, served when this returns."""
    wanted = [kind for kind in SERVED if not plurals or kind.plural in plurals]
    for kind in wanted:
        made = definition(kind, [current(kind)])
        api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", made)
    for kind in wanted:
        path = f"{GROUP}/{kind.plural}"
        wait_until(lambda path=path: api.request("GET", path)[0] == 200, what=f"{kind.plural} served")


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    install(own_apiserver)
    return own_apiserver


@pytest.fixture
def namespace(api: ApiServer) -> str:
    return api.namespace()


class Cluster:
    """A namespace on the API server, and the watcher that follows it."""

    def __init__(self, api: ApiServer, namespace: str, watcher: RunningWatcher) -> None:
        self.api, self.namespace, self.watcher = api, namespace, watcher

    @property
    def path(self) -> str:
        return f"{GROUP}/namespaces/{self.namespace}"

    def create(self, name: str, prefix: str, kind: str = "Mapping", **spec: Any) -> None:
        made = {
            "apiVersion": "getambassador.io/v3alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec if kind != "Mapping" else {"hostname": "*", "prefix": prefix, "service": "a.b", **spec},
        }
        status = 429
        while status == 429:  # for a moment after the API server's own start
            status, answer = self.api.request("POST", f"{self.path}/{kind.lower()}s", made)
        assert status == 201, answer

    def change(self, name: str, prefix: str) -> None:
        self.api.ask(
            "PATCH",
            f"{self.path}/mappings/{name}",
            {"spec": {"prefix": prefix}},
            content_type="application/merge-patch+json",
        )

    def delete(self, name: str) -> None:
        self.api.ask("DELETE", f"{self.path}/mappings/{name}")

    def there(self) -> dict[str, str]:
        """The Mappings of the API server: name and prefix."""
        status, answer = self.api.request("GET", f"{self.path}/mappings")
        items = orjson.loads(answer)["items"] if status == 200 else []
        return {item["metadata"]["name"]: item["spec"]["prefix"] for item in items}

    def published(self) -> dict[str, str]:
        """The Mappings of the snapshot."""
        beginning = f"getambassador.io/Mapping/{self.namespace}/"
        return {
            key.removeprefix(beginning): found["spec"]["prefix"]
            for key, found in self.watcher.objects().items()
            if key.startswith(beginning)
        }

    def wait_equal(self, limit: float = 30.0) -> float:
        """Seconds until the snapshot says what the API server says."""
        began = time.monotonic()
        wait_until(
            lambda: self.published() == self.there(),
            limit,
            what=f"the snapshot equal to the API server; the log:\n{self.watcher.log()[-3000:]}",
        )
        return time.monotonic() - began

    def problems(self) -> dict[str, str]:
        return {
            key.removeprefix("dragoman/Watch//"): orjson.loads(record.body)["message"]
            for key, record in self.watcher.records().items()
            if key.startswith("dragoman/Watch//")
        }


@pytest.fixture
def watching(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Call it with a kubeconfig and settings; the watcher that it starts ends with the test."""
    started: list[RunningWatcher] = []

    def start(kubeconfig: Path | None = None, *, wait: bool = True, **environment: str) -> Cluster:
        environ = {"DRAGOMAN_CONFIG_DIR": "", "DRAGOMAN_NAMESPACES": namespace, "AMBASSADOR_NAMESPACE": namespace}
        environ |= {"KUBECONFIG": str(kubeconfig or api.kubeconfig), **environment}
        watcher = RunningWatcher(tmp_path, **environ)
        started.append(watcher)
        if wait:
            watcher.start()
        else:
            watcher.begin()
        return Cluster(api, namespace, watcher)

    yield start
    for watcher in started:
        watcher.close()


def filled(cluster: Cluster, count: int = 6) -> None:
    for number in range(count):
        cluster.create(f"m{number}", f"/{number}/")
    cluster.wait_equal()


def edit(cluster: Cluster) -> None:
    cluster.delete("m0")
    cluster.change("m1", "/changed/")
    cluster.create("new", "/new/")


def test_what_is_applied_changed_and_deleted_is_published(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    edit(cluster)
    cluster.wait_equal()


BLIND = ("refuse", "black hole", "500", "429", "slow", "cut in a line", "closing", "garbage", "gone in stream")
"""With these, nothing can be seen; with the others all goes on."""


@pytest.mark.parametrize("fault", FAULTS)
def test_in_bad_hours_nothing_is_lost_and_afterwards_all_is_seen(
    api: ApiServer, watching: Callable[..., Cluster], fault: str
) -> None:
    with FaultyProxy(api) as proxy:
        cluster = watching(proxy.kubeconfig)
        filled(cluster)
        before = cluster.published()
        proxy.become(fault)
        edit(cluster)
        time.sleep(4)
        if fault in BLIND:
            assert len(cluster.published()) >= len(before) - 1
        else:
            cluster.wait_equal()
        kinds: dict[str, int] = {}
        for _, path in proxy.asked:
            kinds[path.partition("?")[0]] = kinds.get(path.partition("?")[0], 0) + 1
        assert max(kinds.values(), default=0) <= 6, kinds
        proxy.become("")
        assert cluster.wait_equal() < SOON
        cluster.create("after", "/after/")
        assert cluster.wait_equal() < SOON


@pytest.mark.parametrize("fault", ["no watch list", "watch list ignored", "no bookmarks", "gone"])
def test_a_server_that_is_like_that_from_the_start_is_watched_too(
    api: ApiServer, watching: Callable[..., Cluster], namespace: str, fault: str
) -> None:
    with FaultyProxy(api) as proxy:
        proxy.become(fault)
        cluster = watching(proxy.kubeconfig, wait=False)
        filled(cluster)
        edit(cluster)
        cluster.wait_equal()


def test_a_watcher_that_is_started_anew_commits_nothing(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    sequence = cluster.watcher.sequence
    for _ in range(2):
        cluster.watcher.kill()
        cluster.watcher.start()
        wait_until(lambda: cluster.watcher.log().count("everything was seen") > 1, what="everything seen again")
    assert cluster.watcher.sequence == sequence


def test_what_an_earlier_watcher_saw_stays_while_the_api_server_is_away(
    api: ApiServer, watching: Callable[..., Cluster]
) -> None:
    with FaultyProxy(api) as proxy:
        cluster = watching(proxy.kubeconfig)
        filled(cluster)
        before = cluster.watcher.records()
        proxy.become("refuse")
        cluster.watcher.kill()
        cluster.watcher.start()
        wait_until(lambda: "does not answer" in cluster.watcher.log(), what="the outage told")
        time.sleep(1)
        assert cluster.watcher.records() == before
        edit(cluster)
        proxy.become("")
        assert cluster.wait_equal() < SOON


def test_a_watcher_that_has_never_seen_the_api_server_publishes_nothing(
    api: ApiServer, watching: Callable[..., Cluster]
) -> None:
    with FaultyProxy(api) as proxy:
        proxy.become("refuse")
        cluster = watching(proxy.kubeconfig, wait=False)
        wait_until(lambda: "does not answer" in cluster.watcher.log(), what="the outage told")
        assert cluster.watcher.sequence == 0


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


# Rights


def role(api: ApiServer, namespace: str, user: str, rules: list[dict[str, Any]]) -> None:
    """What the user may do in the namespace; made or changed."""
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    made = {"metadata": {"name": user}, "rules": rules}
    if api.request("PUT", f"{roles}/roles/{user}", made)[0] == 404:
        api.ask("POST", f"{roles}/roles", made)
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }
    api.request("POST", f"{roles}/rolebindings", binding)


def may_see(*resources: str, group: str = "getambassador.io", names: tuple[str, ...] = ()) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list", "watch"]}
    return rule | ({"resourceNames": list(names)} if names else {})


EVERYTHING = [
    may_see("*"),
    may_see("services", "secrets", group=""),
    may_see("endpointslices", group="discovery.k8s.io"),
]


def test_who_may_not_see_all_is_never_first_and_says_what_is_missing(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster]
) -> None:
    kubeconfig = api.user_kubeconfig("partial")
    role(api, namespace, "partial", [may_see("mappings", "hosts", "listeners", "tlscontexts"), *EVERYTHING[1:]])
    cluster = watching(kubeconfig, wait=False)
    reason = r"cannot watch resource \"modules\" in API group \"getambassador.io\" in the namespace"
    wait_until(lambda: reason in cluster.watcher.log(), what=f"the missing right told:\n{cluster.watcher.log()}")
    wait_until(lambda: "waiting_for" in cluster.watcher.log(), what="what is waited for")
    assert cluster.watcher.sequence == 0
    role(api, namespace, "partial", EVERYTHING)
    cluster.create("m", "/m/")
    cluster.wait_equal(60)


def test_a_right_that_is_withdrawn_takes_nothing_away(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster]
) -> None:
    kubeconfig = api.user_kubeconfig("withdrawn")
    role(api, namespace, "withdrawn", EVERYTHING)
    cluster = watching(kubeconfig)
    filled(cluster)
    cluster.create("h", "", "Host", hostname="a.test")
    key = f"getambassador.io/Host/{namespace}/h"
    wait_until(lambda: key in cluster.watcher.records(), what="the Host")
    role(
        api,
        namespace,
        "withdrawn",
        [may_see("mappings", "listeners", "tlscontexts", "tcpmappings", "modules"), *EVERYTHING[1:]],
    )
    cluster.watcher.kill()
    cluster.watcher.start()
    wait_until(lambda: f"hosts.getambassador.io/{namespace}" in cluster.problems(), what="the problem told")
    edit(cluster)
    cluster.wait_equal()
    assert key in cluster.watcher.records()


def secret(api: ApiServer, namespace: str, name: str) -> None:
    pair = authority().sign(name)
    data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode(), "password": "x"}
    made = {"metadata": {"name": name}, "type": "kubernetes.io/tls", "stringData": data}
    api.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", made)


@pytest.mark.parametrize("listing", [True, False])
def test_only_secrets_that_are_referred_to_are_read(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster], listing: bool
) -> None:
    user = f"secrets-{listing}".lower()
    kubeconfig = api.user_kubeconfig(user)
    secrets = may_see("secrets", group="", names=() if listing else ("first", "second"))
    role(api, namespace, user, [EVERYTHING[0], EVERYTHING[2], may_see("services", group=""), secrets])
    for name in ("first", "second", "other"):
        secret(api, namespace, name)
    cluster = watching(kubeconfig, wait=False)
    cluster.create("h", "", "Host", hostname="a.test", tlsSecret={"name": "first"})

    def read() -> list[str]:
        return [key.rpartition("/")[2] for key in cluster.watcher.objects() if key.startswith("core/Secret/")]

    wait_until(lambda: read() == ["first"], what=f"the Secret that is referred to:\n{cluster.watcher.log()}")
    found = cluster.watcher.objects()[f"core/Secret/{namespace}/first"]
    assert sorted(found["data"]) == ["tls.crt", "tls.key"]
    host = f"{cluster.path}/hosts/h"
    patch = {"spec": {"tlsSecret": {"name": "second"}}}
    api.ask("PATCH", host, patch, content_type="application/merge-patch+json")
    wait_until(lambda: read() == ["second"], what="the other Secret")
    api.ask("DELETE", f"/api/v1/namespaces/{namespace}/secrets/second")
    wait_until(lambda: read() == [], what="no Secret")
    secret(api, namespace, "second")
    wait_until(lambda: read() == ["second"], what="the Secret again")


# Selectors and namespaces


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


# The kinds themselves, and the server's own life: on an API server of their own


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
    install(cluster.api, "tcpmappings")
    cluster.create("t", "", "TCPMapping", port=9000, service="a.b:80")
    wait_until(lambda: key in cluster.watcher.records(), 40, what="the TCPMapping again")


def test_an_api_server_that_is_killed_or_stopped_and_comes_back(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    for away, back in ((cluster.api.stop, cluster.api.start), (cluster.api.pause, cluster.api.resume)):
        before = cluster.published()
        away()
        time.sleep(5)
        assert cluster.published() == before
        back()
        cluster.create(f"after-{back.__name__}", "/after/")
        assert cluster.wait_equal() < SOON


def test_an_older_state_of_etcd_is_taken_over_without_a_restart(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    copy = cluster.api.snapshot()
    for number in range(3):
        cluster.delete(f"m{number}")
    for number in range(20):
        cluster.create(f"later{number}", "/later/")
    cluster.wait_equal()
    cluster.api.restore(copy)
    wait_until(lambda: len(cluster.there()) == 6, what="the API server's storage")
    assert cluster.wait_equal() < SOON
    cluster.create("after", "/after/")
    assert cluster.wait_equal() < SOON
