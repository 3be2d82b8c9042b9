"""Leases on a real API server: candidates in this process, some of them behind an API server that is stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kubeapi.connection import Connection
from kubeapi.lease import Lease, Terms, lease_name
from process.settings import Settings
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until

pytestmark = pytest.mark.kubernetes

QUICK = Terms(duration=3.0, deadline=2.0, retry=0.4)


class Candidate:
    """A lease that is run, until it is ended or dropped."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(lease.run(self._stopping))

    async def end(self) -> None:
        self._stopping.set()
        await self._task

    async def drop(self) -> None:
        """As if the process were killed: nothing is given back."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Connection]:
    async with Connection.open(Settings.from_environment({"KUBECONFIG": str(path)})) as api:
        yield api


def spec(api: ApiServer, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/x")["spec"]
    return found


async def until(lease: Lease, held: bool = True, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        if held:
            await lease.gained()
        while lease.is_held != held:  # noqa: ASYNC110 -- it ends by the clock, of which nobody tells
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("gateway", ["default", "My_Gateway", "a.b", "ä", "-", "x" * 300, "team-a"])
def test_every_gateway_has_a_lease_of_its_own_with_a_name_that_can_be(own_apiserver: ApiServer, gateway: str) -> None:
    name = lease_name(gateway, "status")
    assert name != lease_name(gateway, "webhook")
    assert name != lease_name(gateway + "_", "status")
    namespace = own_apiserver.namespace()
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    own_apiserver.ask("POST", path, {"metadata": {"name": name}})


async def test_one_holds_it_and_the_next_takes_it_when_it_is_given_back(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    async with connected(own_apiserver.kubeconfig) as api:
        one = Candidate(Lease(api, namespace, "x", "pod-0", QUICK))
        await until(one.lease)
        two = Candidate(Lease(api, namespace, "x", "pod-1", QUICK))
        assert spec(own_apiserver, namespace)["holderIdentity"] == one.lease.identity
        await one.end()
        await until(two.lease, seconds=QUICK.duration)
        assert not one.lease.is_held
        found = spec(own_apiserver, namespace)
        assert (found["holderIdentity"], found["leaseTransitions"]) == (two.lease.identity, 1)
        await two.end()
        assert not spec(own_apiserver, namespace).get("holderIdentity")


async def test_who_was_killed_is_followed_by_another_and_by_himself_at_once(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    async with connected(own_apiserver.kubeconfig) as api:
        one = Candidate(Lease(api, namespace, "x", "pod-0", QUICK))
        await until(one.lease)
        await one.drop()
        again = Candidate(Lease(api, namespace, "x", "pod-0", QUICK))
        await until(again.lease, seconds=2.0)
        two = Candidate(Lease(api, namespace, "x", "pod-1", QUICK))
        await again.drop()
        await until(two.lease)
        await two.end()


async def test_labels_that_people_put_on_it_stay(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    own_apiserver.ask("POST", path, {"metadata": {"name": "x", "labels": {"team": "a"}}})
    async with connected(own_apiserver.kubeconfig) as api:
        one = Candidate(Lease(api, namespace, "x", "pod-0", QUICK))
        await until(one.lease)
        await one.end()
    assert own_apiserver.get(f"{path}/x")["metadata"]["labels"] == {"team": "a"}


async def test_an_api_server_that_hangs_ends_the_reign_and_brings_it_back(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    async with connected(own_apiserver.kubeconfig) as api:
        one = Candidate(Lease(api, namespace, "x", "pod-0", QUICK))
        await until(one.lease)
        own_apiserver.pause()
        try:
            await until(one.lease, held=False)
        finally:
            own_apiserver.resume()
        await until(one.lease)
        assert spec(own_apiserver, namespace).get("leaseTransitions", 0) == 0
        await one.end()


async def held_by_account(api: ApiServer, namespace: str) -> dict[str, Any]:
    """The Lease's metadata when a ServiceAccount of the namespace has held it, who may do no more than the gateway."""
    role = {"metadata": {"name": "leases"}, "rules": [RULE]}
    bound = {"metadata": {"name": "leases"}, "roleRef": REFERENCE, "subjects": [SUBJECT | {"namespace": namespace}]}
    rights = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    kubeconfig = api.account_kubeconfig("gateway", namespace=namespace)
    async with connected(kubeconfig) as connection:
        one = Candidate(Lease(connection, namespace, "x", "pod-0", QUICK))
        api.ask("POST", f"{rights}/roles", role)  # as in a new cluster: its first writes are forbidden
        api.ask("POST", f"{rights}/rolebindings", bound)
        await until(one.lease)
        await one.end()
    found: dict[str, Any] = api.get(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/x")["metadata"]
    return found


RULE = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "patch"]}
REFERENCE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "leases"}
SUBJECT = {"kind": "ServiceAccount", "name": "gateway"}


async def test_it_goes_with_the_account_of_its_holder(apiserver: ApiServer) -> None:
    namespace = apiserver.namespace()
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts/gateway"
    found = await held_by_account(apiserver, namespace)
    owner = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "name": "gateway",
        "uid": apiserver.get(accounts)["metadata"]["uid"],
    }
    assert found["ownerReferences"] == [owner]
    apiserver.ask("DELETE", accounts)
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/x"
    wait_until(lambda: apiserver.request("GET", lease)[0] == 404, 60, what="the Lease is gone, too")


async def test_it_is_held_without_an_owner_where_none_may_be_said(kubernetes_programs: None) -> None:
    with ApiServer(flags=["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"]) as api:
        namespace = api.namespace()
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        api.ask("POST", leases, {"metadata": {"name": "x"}})  # who makes one may say of whom
        found = await held_by_account(api, namespace)
    assert "ownerReferences" not in found
