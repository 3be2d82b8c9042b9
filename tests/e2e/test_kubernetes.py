"""The whole gateway on a real API server: applied is served, and what befalls that server befalls no request."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.support.apiserver import ApiServer
from tests.support.certificates import authority, trusting, unverified
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.load import Load
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]

SOON = 90.0
"""Seconds: 5 on a machine that does nothing else, where most of it is the API server's own start."""

PARTS = ("watcher", "translator", "adsserver", "diagnostics")


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    install_crds(own_apiserver)
    return own_apiserver


@pytest.fixture(scope="module")
def clustered(api: ApiServer, red: HttpUpstream) -> Iterator[ClusterGateway]:
    with ClusterGateway(api) as gateway:
        gateway.put("Host", "steady", {"hostname": "steady.test", "requestPolicy": {"insecure": {"action": "Route"}}})
        gateway.put("Mapping", "steady", {"hostname": "steady.test", "prefix": "/", "service": red.service})
        gateway.wait_served("steady.test")
        yield gateway


def served_after(gateway: ClusterGateway, upstream: HttpUpstream, name: str) -> None:
    """A new Mapping, and its first answer."""
    gateway.put("Mapping", name, {"hostname": "steady.test", "prefix": f"/{name}/", "service": upstream.service})
    wait_until(lambda: from_mapping(gateway, name), SOON, what=f"{name} served; the log ends:\n{gateway.log()[-3000:]}")


def from_mapping(gateway: ClusterGateway, name: str) -> bool:
    """Whether the answer is the Mapping's own, and not that of the one for everything: its prefix is rewritten."""
    answer = gateway.request("steady.test", f"/{name}/")
    return answer.status_code == 200 and answer.json()["path"] == "/"


def test_applied_is_served_changed_is_changed_and_deleted_is_gone(
    clustered: ClusterGateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    clustered.put("Host", "life", {"hostname": "life.test", "requestPolicy": {"insecure": {"action": "Route"}}})
    clustered.put("Mapping", "life", {"hostname": "life.test", "prefix": "/a/", "service": red.service})
    assert clustered.wait_served("life.test", "/a/").json()["upstream"] == red.name
    clustered.put("Mapping", "life", {"hostname": "life.test", "prefix": "/a/", "service": blue.service})
    wait_until(lambda: clustered.request("life.test", "/a/").json()["upstream"] == blue.name, what="the other upstream")
    clustered.delete("Mapping", "life")
    clustered.wait_served("life.test", "/a/", status=404)


def test_what_changed_in_the_cluster_is_told_with_what_is_different(
    clustered: ClusterGateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    for upstream in (red, blue):
        clustered.put("Mapping", "told", {"hostname": "steady.test", "prefix": "/told/", "service": upstream.service})
        wait_until(lambda service=upstream.service: _told(clustered, service), what="the change, served")
    assert _told(clustered, blue.service) == [
        "   prefix: /told/",
        f"-  service: {red.service}",
        f"+  service: {blue.service}",
    ]


def _told(gateway: ClusterGateway, service: str) -> list[str] | None:
    """The end of the difference that the last change of a Mapping made, once it leads there and is served."""
    (newest, *_) = gateway.history(f"getambassador.io/Mapping/{gateway.namespace}/told") or [None]
    if newest is None or newest["served_after_s"] is None or f"service: {service}" not in newest["diff"]:
        return None
    lines: list[str] = newest["diff"].splitlines()
    return lines[-3:]


def test_a_host_is_served_with_the_secret_that_it_names(clustered: ClusterGateway, red: HttpUpstream) -> None:
    pair = authority().sign("tls.test")
    made = {"metadata": {"name": "tls"}, "type": "kubernetes.io/tls"}
    made |= {"stringData": {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}}
    clustered.api.ask("POST", f"/api/v1/namespaces/{clustered.namespace}/secrets", made)
    clustered.put("Host", "tls", {"hostname": "tls.test", "tlsSecret": {"name": "tls"}})
    clustered.put("Mapping", "tls", {"hostname": "tls.test", "prefix": "/", "service": red.service})
    clustered.wait_served("tls.test", tls=True, context=trusting(authority()))


def test_the_certificate_of_last_resort_is_there_for_who_names_it(clustered: ClusterGateway, red: HttpUpstream) -> None:
    clustered.put("Host", "last", {"hostname": "last.test", "tlsSecret": {"name": "fallback-self-signed-cert"}})
    clustered.put("Mapping", "last", {"hostname": "last.test", "prefix": "/", "service": red.service})
    context = unverified()
    clustered.wait_served("last.test", tls=True, context=context)
    with (
        socket.create_connection(("127.0.0.1", clustered.https_port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="last.test") as encrypted,
    ):
        presented = x509.load_der_x509_certificate(encrypted.getpeercert(binary_form=True) or b"")
    assert presented.subject.rfc4514_string() == "CN=dragoman fallback"


@pytest.mark.faults
@pytest.mark.parametrize("manner", ["killed", "stopped"])
def test_while_the_api_server_is_away_all_is_served_though_every_part_is_killed(
    clustered: ClusterGateway, red: HttpUpstream, manner: str
) -> None:
    api = clustered.api
    away, back = (api.stop, api.start) if manner == "killed" else (api.pause, api.resume)
    with Load(clustered.http_port, host="steady.test", rate=30) as load:
        away()
        time.sleep(3)
        for part in PARTS:
            killed = clustered.kill(part)
            wait_until(
                lambda part=part, killed=killed: clustered.pid_of(part) not in {None, killed}, what=f"{part} back"
            )
        time.sleep(3)
        back()
        served_after(clustered, red, f"after-{manner}")
        wait_until(lambda: load.requests > 200, what="enough requests")
    assert load.failures == []


@pytest.mark.faults
def test_an_older_state_of_the_cluster_is_served_without_a_restart(
    clustered: ClusterGateway, red: HttpUpstream
) -> None:
    copy = clustered.api.snapshot()
    served_after(clustered, red, "undone")
    watcher = clustered.pid_of("watcher")
    with Load(clustered.http_port, host="steady.test", rate=30) as load:
        clustered.api.restore(copy)
        wait_until(lambda: not from_mapping(clustered, "undone"), SOON, what="the undone Mapping gone")
        served_after(clustered, red, "redone")
    assert load.failures == []
    assert clustered.pid_of("watcher") == watcher


def test_a_gateway_that_has_never_seen_the_api_server_is_never_ready(api: ApiServer, tmp_path: Path) -> None:
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(api.kubeconfig.read_text().replace(api.url, "https://127.0.0.1:1"))
    gateway = ClusterGateway(api, kubeconfig=nowhere)
    try:
        gateway.begin()
        wait_until(lambda: "does not answer" in gateway.log(), 60, what="the outage told")
        for _ in range(20):
            assert not gateway.is_ready()
            with pytest.raises(httpx.TransportError):
                gateway.request("some.test")
            time.sleep(0.1)
    finally:
        gateway.__exit__(None, None, None)
