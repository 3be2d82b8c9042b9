"""A pod that would answer nothing, since it may not read the certificates, takes no requests from those that do."""

import httpx
import pytest

from tests.support.apiserver import ApiServer
from tests.support.certificates import authority, trusting
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.rights import EVERYTHING, grant, may_see
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]

READY = "/ambassador/v0/check_ready"


def test_without_the_right_to_secrets_a_new_pod_is_not_ready(apiserver: ApiServer, red: HttpUpstream) -> None:
    install_crds(apiserver)
    pair = authority().sign("tls.test")
    gateway = ClusterGateway(apiserver, kubeconfig=apiserver.user_kubeconfig("blind"))
    gateway.delete("Host", "some")
    secret = {"metadata": {"name": "tls"}, "type": "kubernetes.io/tls"}
    secret |= {"stringData": {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}}
    apiserver.ask("POST", f"/api/v1/namespaces/{gateway.namespace}/secrets", secret)
    gateway.put("Host", "tls", {"hostname": "tls.test", "tlsSecret": {"name": "tls"}})
    gateway.put("Mapping", "tls", {"hostname": "tls.test", "prefix": "/", "service": red.service})
    slices = may_see("endpointslices", group="discovery.k8s.io")
    grant(apiserver, gateway.namespace, "blind", [may_see("*"), may_see("services", group=""), slices])
    try:
        gateway.begin()
        wait_until(lambda: "Secrets may not be read" in _readiness(gateway), 60, what="the reason told")
        assert not gateway.is_ready()
        grant(apiserver, gateway.namespace, "blind", EVERYTHING)
        wait_until(gateway.is_ready, 90, what="ready")
        gateway.wait_served("tls.test", tls=True, context=trusting(authority()))
    finally:
        gateway.close()


def _readiness(gateway: ClusterGateway) -> str:
    try:
        return gateway.diagnostics(READY).text
    except httpx.TransportError:
        return ""
