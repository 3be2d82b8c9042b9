"""Behaviours that were hard-won in Emissary, asked of a real Envoy; tests/e2e/test_by_number.py counts them all."""

import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.test_services import others, slice_of
from tests.e2e.test_tls import host_with_context, secure_host, serial
from tests.e2e.test_upstreams import stat
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, service, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def judged(gateway: Gateway, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.diag()["objects"].get(f"getambassador.io/{kind}/default/{name}", {})
    return found


def test_1_the_name_in_tls_is_without_the_port_that_the_host_has(gateway: Gateway, red: HttpUpstream) -> None:
    name, pair = "ported.test", authority().sign("ported.test")
    ported = f"{name}:{gateway.https_port}"
    texts = tls_secret("ported", pair.certificate, pair.key) + host("ported", ported, tlsSecret={"name": "ported"})
    with gateway.applied(name, texts + mapping("ported", ported, red.service)):
        shown = trusting(authority())
        gateway.wait_served(ported, tls=True, sni=name, context=shown)
        assert gateway.request(name, tls=True, sni=name, context=shown).status_code in {404, 421}


def test_5_of_hosts_with_one_name_in_tls_the_first_keeps_its_context(gateway: Gateway, red: HttpUpstream) -> None:
    name, one, other = "twice.test", authority().sign("twice.test"), authority().sign("twice.test")
    texts = tls_secret("twice-a", one.certificate, one.key) + tls_secret("twice-b", other.certificate, other.key)
    texts += host("twice-a", name, tlsSecret={"name": "twice-a"})
    texts += host("twice-b", f"{name}:{gateway.https_port}", tlsSecret={"name": "twice-b"})
    with gateway.applied(name, texts + mapping("twice", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert serial(gateway, name) == one.serial
        assert judged(gateway, "Host", "twice-a")["state"] == "ok"
        assert judged(gateway, "Host", "twice-b")["state"] == "stopped"


def test_7_a_mapping_may_itself_ask_for_the_scheme(gateway: Gateway, red: HttpUpstream) -> None:
    name = "scheme.test"
    texts = secure_host(name, authority().sign(name)) + mapping(
        "scheme", name, red.service, headers={"x-forwarded-proto": "https"}
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert gateway.request(name).status_code == 301


def test_10_the_proxys_line_is_read_before_tls(gateway: Gateway, red: HttpUpstream) -> None:
    name, port, pair = "proxied.test", unused_port(), authority().sign("proxied.test")
    stack = {"port": port, "protocolStack": ["PROXY", "TLS", "HTTP", "TCP"], "securityModel": "SECURE"}
    listener = an_object("Listener", "proxied", {**stack, "hostBinding": {"namespace": {"from": "ALL"}}})
    texts = listener + tls_secret("proxied", pair.certificate, pair.key)
    texts += host("proxied", name, tlsSecret={"name": "proxied"}) + mapping("proxied", name, red.service)
    with gateway.applied(name, texts):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert wait_until(lambda: proxied(port, name), what="an answer behind the line").startswith(b"HTTP/1.1 200")
        assert red.seen[-1]["headers"]["x-forwarded-for"] == "192.0.2.7"


def proxied(port: int, name: str) -> bytes:
    """The answer to a request in TLS behind the line of the PROXY protocol."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\n")
        try:
            with trusting(authority()).wrap_socket(connection, server_hostname=name) as secure:
                secure.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                return secure.recv(65536)
        except (ssl.SSLError, ConnectionError):
            return b""


def test_17_a_redirect_is_reached_by_its_host_and_never_mixed(gateway: Gateway, red: HttpUpstream) -> None:
    name = "mixed.test"
    texts = host(name, name) + mapping("mixed-a", name, "elsewhere.test", "/x/", host_redirect=True)
    with gateway.applied(name, texts + mapping("mixed-b", name, red.service, "/x/")):
        gateway.wait_served(name, "/x/", status=301)
        assert judged(gateway, "Mapping", "mixed-b")["state"] == "stopped"
        assert {gateway.request(name, "/x/").status_code for _ in range(20)} == {301}


def test_18_canaries_of_hosts_that_choose_by_label_stay_apart(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    texts = ""
    for team, upstream in (("one", red), ("two", blue)):
        texts += host(team, f"{team}.teams.test", mappingSelector={"matchLabels": {"team": team}})
        texts += mapping(f"team-{team}", None, upstream.service, "/x/", labels_={"team": team})
    with gateway.applied("teams", texts):
        for team, upstream in (("one", red), ("two", blue)):
            gateway.wait_served(f"{team}.teams.test", "/x/")
            answers = {gateway.request(f"{team}.teams.test", "/x/").json()["upstream"] for _ in range(20)}
            assert answers == {upstream.name}


def test_21_one_name_in_two_namespaces_is_two_mappings(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "namesakes.test"
    own = mapping("namesake", name, red.service, "/own/")
    with gateway.applied(
        name, host(name, name) + own + mapping("namesake", name, blue.service, "/other/", namespace_="other")
    ):
        assert gateway.wait_served(name, "/own/").json()["upstream"] == red.name
        assert gateway.wait_served(name, "/other/").json()["upstream"] == blue.name
        with gateway.applied("changed", mapping("namesake", name, red.service, "/third/", namespace_="third")):
            gateway.wait_served(name, "/third/")
            assert gateway.request(name, "/other/").json()["upstream"] == blue.name


def test_25_names_of_clusters_are_bounded_and_never_alike(gateway: Gateway, red: HttpUpstream) -> None:
    name, tag = "tags.test", "long-" * 60
    texts = host(name, name)
    for last in "ab":
        texts += mapping(f"tag-{last}", name, red.service, f"/{last}/", cluster_tag=tag + last)
    with gateway.applied(name, texts):
        for last in "ab":
            gateway.wait_served(name, f"/{last}/")
        given = gateway.diag()["envoy_elements"]
        clusters = {given[f"getambassador.io/Mapping/default/tag-{last}"]["cluster"][0] for last in "ab"}
        assert len(clusters) == 2
        assert all(len(cluster) < 256 for cluster in clusters)


def test_27_each_has_the_statistics_of_its_own_name(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "counted.test"
    auth = {"auth_service": blue.service, "stats_name": "the_auth"}
    texts = host(name, name) + an_object("AuthService", "counted", auth)
    texts += mapping("counted-a", name, red.service, "/x/", stats_name="member_a", weight=50)
    texts += mapping("counted-b", name, blue.service, "/x/", stats_name="member_b")
    with gateway.applied(name, texts):

        def counted(cluster: str) -> float:
            return stat(gateway, "envoy_cluster_upstream_rq_completed", envoy_cluster_name=cluster)

        gateway.wait_served(name, "/x/")
        for cluster in ("the_auth", "member_a", "member_b"):
            wait_until(lambda it=cluster: gateway.request(name, "/x/") and counted(it) >= 1, what=cluster)


def test_29_a_breakers_priority_is_written_as_one_likes(gateway: Gateway, red: HttpUpstream) -> None:
    name = "loud.test"
    breakers = [{"priority": "HIGH", "max_requests": 0}, {"priority": "Default", "max_requests": 5}]
    texts = host(name, name) + mapping("loud", name, red.service, "/low/", circuit_breakers=breakers)
    texts += mapping("loud-high", name, red.service, "/high/", circuit_breakers=breakers, priority="High")
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/low/")
        gateway.wait_served(name, "/high/", status=503)


def test_33_a_way_to_ask_dns_means_nothing_to_endpoints(gateway: Gateway, red: HttpUpstream) -> None:
    name = "eds.test"
    texts = host(name, name) + service("eds", {"web": 80}) + slice_of("eds-a", "eds", red)
    fields = {"dns_type": "logical_dns", "respect_dns_ttl": True}
    with gateway.applied(name, texts + mapping("eds", name, "eds", "/", **fields)):
        assert gateway.wait_served(name).json()["upstream"] == red.name


def test_35_a_secret_is_named_with_its_namespace_behind_a_dot(gateway: Gateway, red: HttpUpstream) -> None:
    name, pair = "dotted.test", authority().sign("dotted.test")
    made = tls_secret("dotted", pair.certificate, pair.key).replace('"namespace": "default"', '"namespace": "vault"')
    assert '"vault"' in made
    texts = made + host("dotted", name, tlsSecret={"name": "dotted.vault"}) + mapping("dotted", name, red.service)
    with gateway.applied(name, texts):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert serial(gateway, name) == pair.serial


def test_37_another_ca_counts_although_nothing_else_changed(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    name = "ca.test"
    first, second = authority("First clients"), authority("Second clients")
    client = second.sign("client")
    (tmp_path / "client.pem").write_bytes(client.certificate + client.key)
    shown = trusting(authority())
    shown.load_cert_chain(tmp_path / "client.pem")
    texts = host_with_context(name, authority().sign(name), ca_secret="the-ca", cert_required=True)
    with (
        gateway.applied(name, texts + mapping("ca", name, red.service)),
        gateway.applied("the-ca", tls_secret("the-ca", first.pair.certificate, b"")),
    ):
        wait_until(lambda: judged(gateway, "Host", name).get("state") == "ok", what="the Host in force")
        wait_until(lambda: refused(gateway, name, shown), what="the other CA's client refused")
        gateway.apply("the-ca", tls_secret("the-ca", second.pair.certificate, b""))
        gateway.wait_served(name, tls=True, context=shown)


def refused(gateway: Gateway, name: str, context: ssl.SSLContext) -> bool:
    try:
        gateway.request(name, tls=True, context=context)
    except httpx.TransportError:
        return True
    return False


def test_38_a_context_needs_no_certificate(gateway: Gateway) -> None:
    context = an_object("TLSContext", "bare", {"hosts": ["bare.test"], "alpn_protocols": "h2"})
    with gateway.applied("bare", context):
        wait_until(lambda: judged(gateway, "TLSContext", "bare"), what="the TLSContext judged")
        assert judged(gateway, "TLSContext", "bare")["state"] == "ok"


def test_50_what_comes_together_is_one_change(gateway: Gateway, red: HttpUpstream) -> None:
    name, pair = "together.test", authority().sign("together.test")
    texts = secure_host(name, pair) + mapping("together", name, red.service)
    wait_until(lambda: not others(gateway), what="the objects of other tests gone")
    before = gateway.diag()["sequences"]["objects"]
    with gateway.applied(name, texts):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert gateway.diag()["sequences"]["objects"] == before + 1
        assert judged(gateway, "Host", name)["problems"] == []
        assert f"{name}.yaml" not in gateway.log(), "nothing was missing for a moment"
