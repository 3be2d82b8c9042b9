"""The watcher's process with fewer rights than it wants, and the Secrets that it reads with them."""

from collections.abc import Callable

import pytest

from tests.support.apiserver import ApiServer
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.rights import EVERYTHING, grant, may_see
from tests.watcher.watched_cluster import Cluster, edit, filled

pytestmark = pytest.mark.kubernetes


def test_who_may_not_see_all_is_never_first_and_says_what_is_missing(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster]
) -> None:
    kubeconfig = api.user_kubeconfig("partial")
    grant(api, namespace, "partial", [may_see("mappings", "hosts", "listeners", "tlscontexts"), *EVERYTHING[1:]])
    cluster = watching(kubeconfig, wait=False)
    reason = r"cannot watch resource \"modules\" in API group \"getambassador.io\" in the namespace"
    wait_until(lambda: reason in cluster.watcher.log(), what=f"the missing right told:\n{cluster.watcher.log()}")
    wait_until(lambda: "waiting_for" in cluster.watcher.log(), what="what is waited for")
    assert cluster.watcher.sequence == 0
    grant(api, namespace, "partial", EVERYTHING)
    cluster.create("m", "/m/")
    cluster.wait_equal(60)


def test_a_right_that_is_withdrawn_takes_nothing_away(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster]
) -> None:
    kubeconfig = api.user_kubeconfig("withdrawn")
    grant(api, namespace, "withdrawn", EVERYTHING)
    cluster = watching(kubeconfig)
    filled(cluster)
    cluster.create("h", "", "Host", hostname="a.test")
    key = f"getambassador.io/Host/{namespace}/h"
    wait_until(lambda: key in cluster.watcher.records(), what="the Host")
    grant(
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


def test_references_to_what_no_secret_can_be_called_hold_nothing_up(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster]
) -> None:
    kubeconfig = api.user_kubeconfig("senseless")
    secrets = may_see("secrets", group="", names=("first", "dotted.name"))
    grant(api, namespace, "senseless", [EVERYTHING[0], EVERYTHING[2], may_see("services", group=""), secrets])
    secret(api, namespace, "first")
    secret(api, namespace, "dotted.name")
    cluster = watching(kubeconfig, wait=False)
    references: list[dict[str, str]] = [
        {"name": "first"},
        {"name": "dotted.name"},
        {"name": "x", "namespace": "../../../healthz?x="},
        {"name": "x", "namespace": ".."},
        {"name": "a,b"},
        {"name": "a=b"},
        {"name": "forbidden"},
    ]
    for number, reference in enumerate(references):
        cluster.create(f"h{number}", "", "Host", hostname=f"h{number}.test", tlsSecret=reference)
    keys = {f"core/Secret/{namespace}/{name}" for name in ("first", "dotted.name")}
    wait_until(lambda: keys <= cluster.watcher.objects().keys(), what=f"the view:\n{cluster.watcher.log()}")
    wait_until(lambda: f"secrets/{namespace}" in cluster.problems(), what="the one that is forbidden")
    cluster.watcher.kill()
    before = cluster.watcher.log().count("everything was seen")  # it may have been killed before it said so
    api.ask("DELETE", f"/api/v1/namespaces/{namespace}/secrets/first")
    cluster.watcher.start()
    wait_until(lambda: cluster.watcher.log().count("everything was seen") > before, 120, what="everything seen again")
    wait_until(lambda: f"core/Secret/{namespace}/first" not in cluster.watcher.records(), 120, what="the second look")
    told = cluster.problems()[f"secrets/{namespace}"]
    assert told.startswith(f"the Secret {namespace}/forbidden may not be read: ")
    assert "; " not in told, "there is no other problem"


@pytest.mark.parametrize("listing", [True, False])
def test_only_secrets_that_are_referred_to_are_read(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster], listing: bool
) -> None:
    user = f"secrets-{listing}".lower()
    kubeconfig = api.user_kubeconfig(user)
    secrets = may_see("secrets", group="", names=() if listing else ("first", "second"))
    grant(api, namespace, user, [EVERYTHING[0], EVERYTHING[2], may_see("services", group=""), secrets])
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
