"""Resolvers as objects of a real API server: Consul's services are served, and each object says what became of it."""

import pytest

from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.consul import ConsulServer
from tests.support.envoy import wait_until
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]


def test_consuls_services_are_served_by_objects_of_the_cluster(apiserver: ApiServer, red: HttpUpstream) -> None:
    install_crds(apiserver)
    with ConsulServer() as consul, ClusterGateway(apiserver) as gateway:
        consul.register("web", "127.0.0.1", red.port)
        gateway.put("ConsulResolver", "catalog", {"address": consul.address, "datacenter": "dc1"})
        gateway.put("Mapping", "web", {"hostname": "*", "prefix": "/web/", "service": "web", "resolver": "catalog"})
        gateway.put("Mapping", "none", {"hostname": "*", "prefix": "/none/", "service": "none", "resolver": "catalog"})
        assert gateway.wait_served("some.test", "/web/").json()["upstream"] == "red"

        def resolved(kind: str, name: str) -> dict[str, str]:
            status = apiserver.get(gateway.path(kind, name)).get("status", {})
            return {one["type"]: one["status"] for one in status.get("conditions", [])}

        wait_until(lambda: resolved("Mapping", "web").get("ResolvedRefs") == "True", what="the Mapping's status")
        wait_until(lambda: resolved("Mapping", "none").get("ResolvedRefs") == "False", what="that nobody is there")
        wait_until(
            lambda: resolved("ConsulResolver", "catalog").get("Accepted") == "True", what="the resolver's status"
        )
        consul.register("none", "127.0.0.1", red.port)
        gateway.wait_served("some.test", "/none/")
