"""Who answers for a name, asked of a real Envoy: its own Host, in every spelling and on every connection, or nobody."""

import itertools
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

import httpx
import pytest

from tests.support.broken_hosts import broken_hosts, documents
from tests.support.certificates import authority, unverified
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

PATHS = ("/", "/regex/", "/glob/", "/regex/any/")
CLOSED = 0
"""No answer: the connection was ended."""


class Connection:
    """A connection that stays open, on which names are asked for as they are written; in clear text, or by TLS."""

    def __init__(self, port: int, sni: str | None = None, *, tls: bool = False) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        if tls:
            self._socket = unverified().wrap_socket(self._socket, server_hostname=sni)
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()

    def ask(self, name: str, path: str = "/") -> int:
        """The status for a name."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._answers.readline()
            if not line:
                return CLOSED
            head += line
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        self._answers.read(int(length[1]) if length else 0)
        return int(head.split()[1])


def spelled(name: str) -> list[str]:
    """A name in the spellings in which a service takes it for the same."""
    ends = ("", ".", ":", ":80", ":8443", ".:", ".:443")
    return [*(name + end for end in ends), name.upper(), f"{name}:80".upper(), f"someone@{name}", f"{name}.."]


def unexpected(connection: Connection, names: Iterable[str], expected: int) -> dict[str, int]:
    """The names that are answered otherwise, each at the path of another Mapping of `wide`."""
    asked = zip(names, itertools.cycle(PATHS), strict=False)
    return {name: status for name, path in asked if (status := connection.ask(name, path)) != expected}


@contextmanager
def settled(gateway: Gateway, name: str, texts: str) -> Iterator[None]:
    """Objects that are in force: a Host of their own, which comes last, tells so."""
    last = f"in-force.{name}.test"
    with gateway.applied(name, texts + host(f"zz-{name}", last) + mapping(f"zz-{name}", last, "127.0.0.1:9", "/none")):
        gateway.wait_served(last, "/none", status=503)
        yield
    gateway.wait_served(last, "/none", status=404)


def wide(service: str) -> str:
    """A Host for every name, and Mappings for names that others have."""
    pair = authority().sign("*.shut.test")
    texts = tls_secret("shut", pair.certificate, pair.key)
    texts += tls_secret("shut-ca", authority("Clients").pair.certificate, b"")
    texts += an_object("TLSContext", "shut", {"ca_secret": "shut-ca", "cert_required": True})
    texts += an_object("TLSContext", "shut-stopped", {"ca_secret": 5})
    texts += host("all", "*", tlsSecret={"name": "shut"}) + host("wide", "*.shut.test", tlsSecret={"name": "shut"})
    texts += mapping("every", "*", service) + mapping("glob", "*.shut.test", service, "/glob/")
    for name, regex in (("regex", ".*[.](shut|reject)[.].*"), ("regex-any", ".*")):
        spec = {"prefix": f"/{name.replace('-', '/')}/", "service": service, "host": regex, "host_regex": True}
        texts += an_object("Mapping", name, spec)
    return texts


@pytest.mark.parametrize("hostnames", ["{}.shut.test", "*.{}.shut.test", "{}.shut.*"])
def test_nobody_answers_for_a_host_that_its_own_mistake_stops(
    gateway: Gateway, red: HttpUpstream, hostnames: str
) -> None:
    hosts = broken_hosts(hostnames)
    names = [hostname.replace("*", "x") for hostname in hosts]
    every = [spelling for name in names for spelling in spelled(name)]
    texts = wide(red.service) + documents(hosts)
    for place, name in enumerate(names):
        tcp = {"port": gateway.https_port, "host": name, "service": red.service}
        texts += an_object("TCPMapping", f"shut-{place}", tcp)
    with settled(gateway, "shut", texts):
        with Connection(gateway.http_port) as clear, Connection(gateway.https_port) as also_clear:
            wait_until(
                lambda: clear.ask("open.test") == also_clear.ask("open.test") == 200, what="both connections served"
            )
            assert unexpected(clear, ["open.shut.test"] * len(PATHS), 200) == {}
            assert unexpected(clear, every, 404) == {}
            assert unexpected(also_clear, every, 404) == {}
        for sni in (None, "open.test", "open.shut.test"):
            with Connection(gateway.https_port, sni, tls=True) as connection:
                assert connection.ask(sni or "open.test") == 200
                assert unexpected(connection, every, 421) == {}
        for name in names:
            with Connection(gateway.https_port, name, tls=True) as connection:
                assert connection.ask(name) == 421
        assert {request["host"] for request in red.seen} == {"open.test", "open.shut.test"}


@pytest.mark.parametrize("action", ["Reject", "Redirect"])
def test_no_spelling_leads_in_clear_text_to_a_host_that_takes_none(
    gateway: Gateway, red: HttpUpstream, action: str
) -> None:
    texts = wide(red.service)
    names = {"one.reject.test": "one.reject.test", "*.below.reject.test": "x.below.reject.test", "after.*": "after.x"}
    for place, hostname in enumerate(names):
        texts += host(f"reject-{place}", hostname, insecure=action)
    with settled(gateway, "reject", texts), Connection(gateway.http_port) as clear:
        assert clear.ask("open.test") == 200
        for hostname, name in names.items():
            # What follows the star of `after.*` is the Host's own, however it goes on.
            own = (
                {name, name.upper()}
                if hostname[-1] != "*"
                else {each for each in spelled(name) if not re.search("@|[.]{2}", each)}
            )
            assert {clear.ask(each) for each in own} == {404 if action == "Reject" else 301}
            assert unexpected(clear, [each for each in spelled(name) if each not in own], 404) == {}


def test_a_listener_that_is_never_secure_serves_no_host_that_rejects(gateway: Gateway, red: HttpUpstream) -> None:
    listener = {"port": gateway.http_port, "protocol": "HTTP", "securityModel": "INSECURE"}
    texts = an_object("Listener", "a-first", {**listener, "hostBinding": {"namespace": {"from": "ALL"}}})
    texts += wide(red.service) + host("never", "never.test", insecure="Reject")
    with gateway.applied("never", texts):
        gateway.wait_served("open.test")
        wait_until(lambda: gateway.request("never.test").status_code == 404, what="the Host told")
        with Connection(gateway.http_port) as clear:
            assert unexpected(clear, spelled("never.test"), 404) == {}


# Whose a connection is

OWNERS = {
    "x.own.test": "*.own.test",
    "one.own.test": "one.own.test",
    "two.own.test": "two.own.test",
    "strict.own.test": "strict.own.test",
    "x.deep.own.test": "*.deep.own.test",
    "other.test": "other.test",
    "any.example": "*",
}


def owners(service: str) -> str:
    """Hosts of every kind with a Mapping each that tells whose it is; most share one wildcard certificate."""
    pair, clients = authority().sign("*.own.test"), authority("Clients").pair
    texts = tls_secret("own", pair.certificate, pair.key) + tls_secret("own-ca", clients.certificate, b"")
    pair = authority().sign("other.test")
    texts += tls_secret("other", pair.certificate, pair.key)
    texts += an_object("TLSContext", "own-strict", {"ca_secret": "own-ca", "cert_required": True})
    for place, hostname in enumerate(sorted(OWNERS.values())):
        more = {"tlsContext": {"name": "own-strict"}} if hostname.startswith("strict") else {}
        if hostname.startswith("two"):
            more = {"tls": {"min_tls_version": "v1.2"}}
        secret = "other" if hostname.startswith("other") else "own"
        texts += host(f"own-{place}", hostname, tlsSecret={"name": secret}, **more)
        added = {"x-owner": {"value": hostname, "append": False}}
        texts += mapping(f"own-{place}", hostname, service, add_response_headers=added)
    return texts


def asked(gateway: Gateway, sni: str, names: Iterable[str], context: ssl.SSLContext) -> Mapping[str, str | int]:
    """Who answers for names on one HTTP/2 connection: the Host, or the status."""
    found: dict[str, str | int] = {}
    with httpx.Client(http1=False, http2=True, verify=context, timeout=10) as client:
        for name in names:
            url = f"https://127.0.0.1:{gateway.https_port}/"
            answer = client.get(url, headers={"host": name}, extensions={"sni_hostname": sni})
            found[name] = answer.headers["x-owner"] if answer.status_code == 200 else answer.status_code
    return found


def test_a_connection_belongs_to_the_host_of_its_name(
    gateway: Gateway, red: HttpUpstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    client = authority("Clients").sign("client")
    folder = tmp_path_factory.mktemp("names")
    (folder / "client.pem").write_bytes(client.certificate + client.key)
    context = unverified()
    context.load_cert_chain(folder / "client.pem")
    passed_on = "tcp.own.test"
    tcp = an_object("TCPMapping", "own", {"port": gateway.https_port, "host": passed_on, "service": red.service})
    with settled(gateway, "own", owners(red.service) + tcp):
        for sni, owner in OWNERS.items():
            expected = {name: other if other == owner else 421 for name, other in OWNERS.items()}
            assert asked(gateway, sni, [*OWNERS, passed_on], context) == {**expected, passed_on: 421}, sni
        for sni in ("one.own.test", "x.own.test"):
            assert asked(gateway, sni, ["nobody.example"], context) == {"nobody.example": 421}


def test_a_name_that_nobody_has_is_not_found(gateway: Gateway, red: HttpUpstream) -> None:
    pair = authority().sign("one.lone.test")
    texts = tls_secret("lone", pair.certificate, pair.key)
    texts += host("lone", "one.lone.test", tlsSecret={"name": "lone"}) + mapping("lone", "*", red.service)
    with settled(gateway, "lone", texts):
        with Connection(gateway.https_port, "one.lone.test", tls=True) as connection:
            assert [connection.ask(name) for name in ("one.lone.test", "one.lone.test:8443")] == [200, 404]
            assert connection.ask("two.lone.test") == 421
        with Connection(gateway.http_port) as clear:
            assert clear.ask("two.lone.test") == 404
