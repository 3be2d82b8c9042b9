"""Listeners of Gateways, asked of a real Envoy: hostnames, TLS, and whose a port is."""

import json
import socket
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.certificates import Pair, authority, trusting, unverified
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import (
    api_gateway,
    backing,
    document,
    elsewhere,
    gateway_class,
    grant,
    https,
    listener,
    route,
    rule,
    to,
)
from tests.support.objects import host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAMES = {
    "every": None,
    "wide": "*.example.com",
    "narrow": "*.foo.example.com",
    "exact": "abc.foo.example.com",
}


def to_section(name: str, section: str, *, hostnames: Iterable[str] = ()) -> str:
    """A route that answers under /NAME, attached to one listener."""
    parents = [{"name": "web", "sectionName": section}]
    return route(name, parents, rule(f"/{name}", to("red")), hostnames=hostnames)


@pytest.mark.parametrize("named", [False, True])
def test_a_request_belongs_to_one_listener(red: HttpUpstream, named: bool) -> None:
    made = Gateway(listeners=False)
    listeners = [listener(name, made.http_port, hostname=hostname) for name, hostname in NAMES.items()]
    texts = gateway_class() + api_gateway("web", *listeners) + backing("red", red.port)
    for name, hostname in NAMES.items():
        texts += to_section(name, name, hostnames=[hostname] if named and hostname else [])
    made.apply("all", texts)
    asked = {
        "bar.com": "every",
        "example.com": "every",
        "a.example.com": "wide",
        "a.b.example.com": "wide",
        "foo.example.com": "wide",
        "x.foo.example.com": "narrow",
        "abc.foo.example.com": "exact",
        "x.abc.foo.example.com": "narrow",
    }
    with made:
        for name in NAMES:
            made.wait_served(next(host for host, owner in asked.items() if owner == name), f"/{name}")
        answers = {
            (hostname, name): made.request(hostname, f"/{name}").status_code for hostname in asked for name in NAMES
        }
        assert answers == {(hostname, name): 200 if asked[hostname] == name else 404 for hostname, name in answers}


def test_hostnames_that_meet(red: HttpUpstream) -> None:
    """What listeners and routes have in common is served, and of routes that shrink to one name the narrower first."""
    made = Gateway(listeners=False)
    listeners = [
        listener("exact", made.http_port, hostname="very.specific.com"),
        listener("wide", made.http_port, hostname="*.wildcard.io"),
    ]
    texts = gateway_class() + api_gateway("web", *listeners) + backing("red", red.port)
    texts += route("a", "web", rule("/a", to("red")), hostnames=["non.matching.com", "*.specific.com"])
    texts += route("b", "web", rule("/b", to("red")), hostnames=["foo.wildcard.io", "wildcard.io", "a.b.wildcard.io"])
    texts += route("c", "web", rule("/c", to("red")), hostnames=["*.io"])
    texts += route("d", "web", rule("/d", to("red")), hostnames=["*.other.io"])
    red_by = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "by", "value": "wide"}]}}
    texts += route("older", "web", rule("/a/longer", to("red"), filters=[red_by]), created="2020-01-01T00:00:00Z")
    made.apply("all", texts)
    with made:
        made.wait_served("very.specific.com", "/a")
        made.wait_served("foo.wildcard.io", "/b")
        found = {
            (hostname, path): made.request(hostname, path).status_code
            for hostname in ("non.matching.com", "very.specific.com", "other.specific.com", "wildcard.io")
            for path in ("/a", "/b")
        }
        assert {asked for asked, status in found.items() if status == 200} == {("very.specific.com", "/a")}
        served = ["foo.wildcard.io", "a.b.wildcard.io", "x.wildcard.io", "wildcard.io"]
        assert [made.request(name, "/b").status_code for name in served] == [200, 200, 404, 404]
        assert made.request("x.wildcard.io", "/c").status_code == 200
        narrower = made.request("very.specific.com", "/a/longer").json()["headers"]
        assert "by" not in narrower, "the narrower hostname wins over the longer path and the older route"
        told = made.diag()["objects"]["gateway.networking.k8s.io/HTTPRoute/default/d"]["problems"]
        assert told[0]["message"] == "the listeners exact, wide take none of the hostnames *.other.io"


def test_requests_that_a_narrower_route_does_not_want_go_to_the_wider_one(
    red: HttpUpstream, blue: HttpUpstream
) -> None:
    made = Gateway(listeners=False)
    texts = gateway_class() + api_gateway("web", listener("http", made.http_port, hostname="a.example.com"))
    texts += backing("red", red.port) + backing("blue", blue.port)
    texts += route("wide", "web", rule("/x/y", to("blue")), hostnames=["*.com"], created="2020-01-01T00:00:00Z")
    asked = [{"path": {"value": "/x"}, "headers": [{"name": "who", "value": "narrow"}]}]
    narrow = {"matches": asked, "backendRefs": [to("red")]}
    texts += route("narrow", "web", narrow, hostnames=["*.example.com"], created="2021-01-01T00:00:00Z")
    made.apply("all", texts)
    with made:
        made.wait_served("a.example.com", "/x/y")
        assert made.request("a.example.com", "/x/y", headers={"who": "narrow"}).json()["upstream"] == "red"
        assert made.request("a.example.com", "/x/y").json()["upstream"] == "blue"


def secrets(*names: str, namespace: str = "default") -> str:
    texts = ""
    for name in names:
        pair = authority().sign(name)
        texts += tls_secret(name.replace("*", "any"), pair.certificate, pair.key)
    return elsewhere(texts, namespace)


def test_tls_by_listener_and_requests_that_are_misdirected(red: HttpUpstream) -> None:
    made = Gateway(listeners=False)
    names = {"exact": "second.test", "wide": "*.wide.test", "narrow": "a.wide.test"}
    listeners = [
        https(name, made.https_port, hostname, hostname.replace("*", "any")) for name, hostname in names.items()
    ]
    texts = gateway_class() + api_gateway("web", *listeners) + backing("red", red.port) + secrets(*names.values())
    for name in names:
        texts += to_section(name, name)
    made.apply("all", texts)
    cases = {
        ("second.test", "second.test", "/exact"): 200,
        ("second.test", "second.test", "/none"): 404,
        ("second.test", "a.wide.test", "/narrow"): 421,
        ("second.test", "b.wide.test", "/wide"): 421,
        ("second.test", "unknown.test", "/exact"): 404,
        ("b.wide.test", "c.wide.test", "/wide"): 200,
        ("b.wide.test", "b.wide.test", "/narrow"): 404,
        ("b.wide.test", "a.wide.test", "/narrow"): 421,
        ("b.wide.test", "second.test", "/exact"): 421,
        ("a.wide.test", "a.wide.test", "/narrow"): 200,
        ("a.wide.test", "b.wide.test", "/wide"): 421,
    }
    with made:
        for name, path in (("second.test", "/exact"), ("b.wide.test", "/wide"), ("a.wide.test", "/narrow")):
            made.wait_served(name, path, tls=True, context=trusting(authority()))
        found = {
            (sni, name, path): made.request(name, path, tls=True, sni=sni, http2=True).status_code
            for sni, name, path in cases
        }
        assert found == cases
        with pytest.raises(httpx.TransportError):
            made.request("unknown.test", tls=True)


def test_a_certificate_of_another_namespace_takes_a_grant_and_a_broken_one_stops_its_listener(
    red: HttpUpstream,
) -> None:
    made = Gateway(listeners=False)
    far = {"mode": "Terminate", "certificateRefs": [{"name": "far.test", "namespace": "vault"}]}
    listeners = (
        listener("http", made.http_port),
        listener("far", made.https_port, "HTTPS", "far.test", tls=far),
        https("missing", made.https_port, "missing.test", "missing"),
        https("both", made.https_port, "both.test", "missing", "both.test"),
    )
    texts = gateway_class() + api_gateway("web", *listeners) + backing("red", red.port)
    texts += secrets("far.test", namespace="vault") + secrets("both.test") + route("all", "web", rule("/", to("red")))
    made.apply("all", texts)
    key = "gateway.networking.k8s.io/Gateway/default/web"
    with made:
        made.wait_served("any.test")
        made.wait_served("both.test", tls=True)
        told = {each["path"]: each["message"] for each in made.diag()["objects"][key]["problems"]}
        assert told == {
            "spec.listeners[1].tls.certificateRefs[0]": (
                "no ReferenceGrant in vault lets Gateways of default refer to its Secrets"
            ),
            "spec.listeners[2].tls.certificateRefs[0]": (
                "the Secret default/missing does not exist, or holds no certificate"
            ),
            "spec.listeners[3].tls.certificateRefs[0]": (
                "the Secret default/missing does not exist, or holds no certificate"
            ),
        }
        for name in ("far.test", "missing.test"):
            with pytest.raises(httpx.TransportError):
                made.request(name, tls=True)
        with made.applied(
            "grant", grant("g", "vault", {"kind": "Gateway", "namespace": "default"}, "Secret", "far.test")
        ):
            made.wait_served("far.test", tls=True, context=trusting(authority()))
        wait_until(lambda: _is_refused(made, "far.test"), what="the grant is gone")


def _is_refused(made: Gateway, name: str) -> bool:
    try:
        made.request(name, tls=True)
    except httpx.TransportError:
        return True
    return False


def test_of_two_gateways_the_older_keeps_a_hostname(red: HttpUpstream, blue: HttpUpstream) -> None:
    made = Gateway(listeners=False)
    texts = gateway_class() + backing("red", red.port) + backing("blue", blue.port)
    shared, own = (
        listener("shared", made.http_port, hostname="shared.test"),
        listener("own", made.http_port, hostname="own.test"),
    )
    texts += api_gateway("older", shared, created="2020-01-01T00:00:00Z")
    texts += api_gateway("newer", shared, own, created="2021-01-01T00:00:00Z")
    texts += route("red", "older", rule("/", to("red"))) + route("blue", "newer", rule("/", to("blue")))
    twice = (listener("one", made.https_port, hostname="x.test"), listener("two", made.https_port, hostname="x.test"))
    texts += api_gateway("twice", *twice) + route("twice", "twice", rule("/", to("red")))
    made.apply("all", texts)
    with made:
        assert made.wait_served("shared.test").json()["upstream"] == "red"
        assert made.wait_served("own.test").json()["upstream"] == "blue"
        told = _problems(made, "newer")
        assert told == {
            "spec.listeners[0]": "the hostname shared.test at this port belongs to the listener shared of Gateway"
            " default/older, which comes first"
        }
        assert set(_problems(made, "twice")) == {"spec.listeners[0]", "spec.listeners[1]"}
        with pytest.raises(httpx.TransportError):
            plain.get(f"http://127.0.0.1:{made.https_port}", headers={"host": "x.test"})
        made.apply("all", texts.replace("2020-01-01", "2022-01-01"))
        wait_until(lambda: made.request("shared.test").json()["upstream"] == "blue", what="the other is older")


def _problems(made: Gateway, name: str) -> Mapping[str, Any]:
    told = made.diag()["objects"][f"gateway.networking.k8s.io/Gateway/default/{name}"]["problems"]
    return {each["path"]: each["message"] for each in told}


def test_a_port_that_others_have_is_not_available(gateway: Gateway, red: HttpUpstream) -> None:
    (free,) = unused_ports(1)
    listeners = (
        listener("taken", gateway.http_port),
        listener("ours", gateway.diagnostics_port),
        listener("free", free),
    )
    texts = gateway_class() + api_gateway("web", *listeners) + backing("red", red.port)
    texts += route("all", "web", rule("/", to("red"))) + host("taken", "taken.test")
    texts += mapping("taken", "taken.test", red.service, "/mapping/")
    with gateway.applied("both", texts):
        gateway.wait_served("taken.test", "/mapping/")
        wait_until(lambda: _answers(free), what="the listener that is free")
        assert gateway.request("other.test").status_code == 404
        told = _problems(gateway, "web")
        assert told["spec.listeners[0]"].startswith(f"port {gateway.http_port} belongs to Listener default/http; ")
        assert "Dragoman's own" in told["spec.listeners[1]"]


def _answers(port: int) -> bool:
    try:
        return plain.get(f"http://127.0.0.1:{port}", headers={"host": "any.test"}).status_code == 200
    except httpx.TransportError:
        return False


def test_clients_show_certificates_by_port(red: HttpUpstream) -> None:
    made = Gateway(listeners=False)
    (other,) = unused_ports(1)
    first, second = authority("First CA"), authority("Second CA")
    texts = "".join(
        json.dumps(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"ca.crt": pem.decode()}}
        )
        + "\n---\n"
        for name, pem in (("first", first.pair.certificate), ("second", second.pair.certificate))
    )
    frontend = {
        "default": validation("first"),
        "perPort": [{"port": other, "tls": validation("second", mode="AllowInsecureFallback")}],
    }
    listeners = (https("strict", made.https_port, None, "x.test"), https("lax", other, None, "x.test"))
    texts += gateway_class() + api_gateway("web", *listeners, tls={"frontend": frontend})
    texts += secrets("x.test") + backing("red", red.port) + route("all", "web", rule("/", to("red")))
    made.apply("all", texts)
    good, bad = showing(first.client("good")), showing(second.client("bad"))
    with made:
        made.wait_served("x.test", tls=True, context=good)
        for context in (bad, None):
            with pytest.raises(httpx.TransportError):
                made.request("x.test", tls=True, context=context)
        for context in (good, bad, unverified()):
            with httpx.Client(verify=context) as client:
                assert (
                    client.get(f"https://127.0.0.1:{other}", extensions={"sni_hostname": "x.test"}).status_code == 200
                )
        assert "CERTIFICATE_REQUEST" in messages(other, "x.test"), "who falls back asks all the same"
        broken = {"default": validation("missing"), "perPort": frontend["perPort"]}
        plain = listener("http", made.http_port)
        gateway = api_gateway("web", *listeners, plain, tls={"frontend": broken})
        made.apply("all", texts.replace(api_gateway("web", *listeners, tls={"frontend": frontend}), gateway))
        made.wait_served("x.test")
        wait_until(lambda: _is_refused(made, "x.test"), what="the listener is not served")


def messages(port: int, name: str) -> set[str]:
    """The names of the messages of a handshake."""
    context, seen = unverified(), set()
    context._msg_callback = lambda *said: seen.add(getattr(said[4], "name", ""))  # type: ignore[attr-defined]
    with socket.create_connection(("127.0.0.1", port), 10) as there, context.wrap_socket(there, server_hostname=name):
        return seen


def validation(name: str, **more: Any) -> dict[str, Any]:
    """TLS that checks clients by the CAs of a ConfigMap."""
    return {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": name}], **more}}


def showing(pair: Pair) -> ssl.SSLContext:
    """A client that shows a certificate, and takes any."""
    context = unverified()
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(*pair.write(Path(folder), "client"))
    return context


def test_a_set_adds_listeners_to_a_gateway(red: HttpUpstream) -> None:
    made = Gateway(listeners=False)
    allowed = {"namespaces": {"from": "All"}}
    texts = gateway_class() + backing("red", red.port) + secrets("tls.test")
    texts += api_gateway("web", listener("own", made.http_port, hostname="own.test"), allowedListeners=allowed)
    entries = [
        listener("more", made.http_port, hostname="more.test"),
        listener("own", made.http_port, hostname="own.test"),
        https("tls", made.https_port, "tls.test", "tls.test"),
    ]
    texts += document("ListenerSet", "set", {"parentRef": {"name": "web"}, "listeners": entries})
    both = [{"name": "web"}, {"name": "set", "kind": "ListenerSet"}]
    texts += route("own", "web", rule("/own", to("red"))) + route("both", both, rule("/both", to("red")))
    texts += route("set", both[1:], rule("/set", to("red")))
    made.apply("all", texts)
    with made:
        made.wait_served("tls.test", "/set", tls=True, context=trusting(authority()))
        found = {
            (name, path): made.request(f"{name}.test", path, tls=name == "tls").status_code
            for name in ("own", "more", "tls")
            for path in ("/own", "/both", "/set")
        }
        served = {("own", "/own"), *((name, path) for name in ("more", "tls") for path in ("/both", "/set"))}
        assert {asked for asked, status in found.items() if status == 200} == {*served, ("own", "/both")}
        key = "gateway.networking.k8s.io/ListenerSet/default/set"
        told = {each["path"]: each["message"] for each in made.diag()["objects"][key]["problems"]}
        assert list(told) == ["spec.listeners[1]"]
