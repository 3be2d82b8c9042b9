"""BackendTLSPolicies, asked of a real Envoy and of servers that speak TLS: who is asked, and who never is."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection
from typing import Any

import grpc
import httpx
import pytest
from websockets.sync.client import connect

from tests.support.certificates import Pair, authority, trusting, unverified
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import (
    api_gateway,
    authorities,
    backing,
    elsewhere,
    gateway_class,
    https,
    listener,
    route,
    rule,
    tls_policy,
    to,
)
from tests.support.objects import tls_secret
from tests.support.tap import HANDSHAKE, Tap
from tests.support.upstream import GrpcUpstream, HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

HOST = "front.test"
NAME = "backend.test"
URI = "spiffe://cluster.test/ns/shop/sa/quote"
BACKENDS = authority("Backends")
OTHERS = authority("Others")
CLIENTS = authority("Clients of backends")


@dataclass
class Secure:
    """A server that speaks TLS, the wire to it, and the names that it was asked for."""

    upstream: HttpUpstream
    tap: Tap
    asked: list[str | None] = field(default_factory=list)

    def forget(self) -> None:
        self.upstream.seen.clear()
        self.asked.clear()
        self.tap.begun.clear()


@contextmanager
def secure(name: str, pair: Pair, folder: Path, clients: bytes | None = None) -> Iterator[Secure]:
    """A server with a certificate; `clients`: the CA of those that it speaks with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair.write(folder, name))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.decode())
    asked: list[str | None] = []

    def note(connection: Any, server: str | None, _: ssl.SSLContext) -> None:
        asked.append(server)
        connection.asked_for = server

    context.set_servername_callback(note)
    with HttpUpstream(name, tls=context) as upstream, Tap(upstream.port) as tap:
        yield Secure(upstream, tap, asked)


@dataclass(frozen=True)
class World:
    """The gateway, and servers: one that is what it says, one that others signed, one that wants to know clients."""

    gateway: Gateway
    good: Secure
    impostor: Secure
    strict: Secure

    def status(self, path: str = "/", **more: Any) -> int:
        return self.gateway.request(HOST, path, **more).status_code

    def told(self, kind: str, name: str) -> dict[str, str]:
        found = self.gateway.diag()["objects"][f"gateway.networking.k8s.io/{kind}/default/{name}"]["problems"]
        return {each["path"]: each["message"] for each in found}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("servers")
    system = folder / "system.pem"
    system.write_bytes(BACKENDS.pair.certificate)
    with ExitStack() as stack:
        pair = BACKENDS.sign(NAME, "*.wide.test", URI)
        good = stack.enter_context(secure("good", pair, folder))
        impostor = stack.enter_context(secure("impostor", OTHERS.sign(NAME, URI), folder))
        strict = stack.enter_context(secure("strict", pair, folder, CLIENTS.pair.certificate))
        made = Gateway(listeners=False, environ={"SSL_CERT_FILE": str(system)})
        shown = CLIENTS.client("gateway.test")
        listeners = (listener("http", made.http_port), https("https", made.https_port, HOST, "front"))
        tls = {"backend": {"clientCertificateRef": {"name": "shown"}}}
        front = authority().sign(HOST)
        made.apply("web", gateway_class() + api_gateway("web", *listeners, tls=tls))
        made.apply(
            "certificates",
            authorities("cas", BACKENDS.pair.certificate)
            + authorities("others", OTHERS.pair.certificate)
            + tls_secret("shown", shown.certificate, shown.key)
            + tls_secret("front", front.certificate, front.key),
        )
        made.apply(
            "services",
            backing("good", good.tap.port, port_name="main")
            + backing("https", good.tap.port, port_name="main", app_protocol="https")
            + backing("impostor", impostor.tap.port, port_name="main")
            + backing("strict", strict.tap.port, port_name="main"),
        )
        yield World(stack.enter_context(made), good, impostor, strict)


@pytest.fixture(autouse=True)
def fresh(world: World) -> None:
    for each in (world.good, world.impostor, world.strict):
        each.forget()


@contextmanager
def served(world: World, *texts: str, **services: str) -> Iterator[None]:
    """Policies, and a route to services by their paths, until it is there; `/is` tells that it is.

    They are in one file: of two, either may be served first.
    """
    rules = [rule(f"/{path}", to(service)) for path, service in services.items()]
    moved = {"type": "RequestRedirect", "requestRedirect": {"statusCode": 302, "path": FULL}}
    made = route("secured", "web", *rules, rule("/is", filters=[moved]), hostnames=[HOST])
    with world.gateway.applied("secured", "".join(texts) + made):
        world.gateway.wait_served(HOST, "/is", status=302)
        yield
    world.gateway.wait_served(HOST, "/is", status=404)


@contextmanager
def seen(world: World, kind: str, name: str) -> Iterator[None]:
    """Begins when an object in another file has been read, and what stands in it was found."""
    key = f"gateway.networking.k8s.io/{kind}/default/{name}"
    wait_until(lambda: (row := world.gateway.diag()["objects"].get(key)) and not row.get("problems"), what=key)
    yield


FULL = {"type": "ReplaceFullPath", "replaceFullPath": "/"}


def test_services_are_asked_by_their_names_in_tls_from_clear_text_and_from_tls(world: World) -> None:
    policies = tls_policy("good", "good", NAME, "cas"), tls_policy("https", "https", NAME, "cas", section="main")
    with served(world, *policies, good="good", https="https"):
        for path in ("/good", "/https"):
            assert world.gateway.wait_served(HOST, path).json()["upstream"] == "good"
            answer = world.gateway.request(HOST, path, tls=True, http2=True, context=trusting(authority()))
            assert answer.json()["tls"] == "TLSv1.3"
        assert set(world.good.asked) == {NAME}
        assert set(world.good.tap.begun) == {HANDSHAKE}
        assert [seen["host"] for seen in world.good.upstream.seen] == [HOST] * 4
        with (
            create_connection(("127.0.0.1", world.gateway.http_port)) as connection,
            connect(f"ws://{HOST}/good/ws", sock=connection) as socket,
        ):
            socket.send("hello")
            assert socket.recv(timeout=10) == "good: hello"


def hostname(text: str) -> dict[str, str]:
    return {"type": "Hostname", "hostname": text}


NAMED: Mapping[str, tuple[str, list[dict[str, str]], int]] = {
    "own": (NAME, [], 200),
    "covered": ("a.wide.test", [], 200),
    "other": ("other.test", [], 503),
    "below": ("a.b.wide.test", [], 503),
    "said": ("other.test", [hostname(NAME)], 200),
    "not-its-hostname": (NAME, [hostname("other.test")], 503),
    "any": ("x.test", [hostname("other.test"), {"type": "URI", "uri": URI}], 200),
    "uri": ("x.test", [{"type": "URI", "uri": f"{URI}x"}], 503),
    "within": ("x.test", [hostname("*.wide.test")], 200),
    "not-within": ("x.test", [hostname("*.backend.test")], 503),
}


def test_the_certificate_is_for_one_of_the_names_that_are_wanted(world: World) -> None:
    texts, routes = "", []
    for word, (sni, names, _) in NAMED.items():
        texts += backing(word, world.good.tap.port)
        texts += tls_policy(word, word, sni, "cas", **({"subjectAltNames": names} if names else {}))
        routes.append(rule(f"/{word}", to(word)))
    made = route("named", "web", *routes, hostnames=[HOST])
    with world.gateway.applied("named", texts + made):
        for word in ("own", "within"):
            world.gateway.wait_served(HOST, f"/{word}")
        assert {word: world.status(f"/{word}") for word in NAMED} == {word: said for word, (*_, said) in NAMED.items()}
        assert {sni for sni, *_ in NAMED.values()} == set(world.good.asked), "each is asked for its hostname"
        refused = {f"/{word}" for word, (*_, said) in NAMED.items() if said != 200}
        assert not refused & {seen["path"] for seen in world.good.upstream.seen}
    world.gateway.wait_served(HOST, "/own", status=404)


def test_who_is_signed_by_others_is_told_nothing(world: World) -> None:
    policies = (
        tls_policy("impostor", "impostor", NAME, "cas", subjectAltNames=[hostname(NAME), {"type": "URI", "uri": URI}]),
        tls_policy("good", "good", NAME, "others"),
    )
    with served(world, *policies, impostor="impostor", good="good"):
        for path, secret in (("/impostor", "password=1"), ("/good", "password=2")):
            assert world.status(path, method="POST", content=secret.encode()) == 503
        assert (world.impostor.upstream.seen, world.good.upstream.seen) == ([], [])
        assert set(world.impostor.tap.begun) == set(world.good.tap.begun) == {HANDSHAKE}


def test_connections_that_end_at_the_gateway_go_on_in_tls_or_not_at_all(world: World) -> None:
    ended = https("ended", world.gateway.https_port, "ended.test", "front") | {"protocol": "TLS"}
    texts = api_gateway("connections", ended) + backing("broken", world.good.tap.port)
    texts += tls_policy("good", "good", NAME, "cas") + tls_policy("broken", "broken", NAME, "nowhere")

    def asked() -> bytes:
        with create_connection(("127.0.0.1", world.gateway.https_port), timeout=10) as plain:
            try:
                with unverified().wrap_socket(plain, server_hostname="ended.test") as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
                    return connection.recv(100)
            except OSError:
                return b""

    def leading_to(backend: str) -> str:
        rule = {"backendRefs": [to(backend)]}
        return texts + route("p", "connections", rule, hostnames=["ended.test"], kind="TLSRoute")

    with world.gateway.applied("connections", leading_to("good")):
        wait_until(lambda: asked().startswith(b"HTTP/1.1 200"), what="the Service")
        assert set(world.good.asked) == {NAME}
        world.gateway.apply("connections", leading_to("broken"))
        wait_until(lambda: world.told("TLSRoute", "p"), what="the policy's word")
        wait_until(lambda: asked() == b"", what="the end of connections")
        assert set(world.good.tap.begun) == {HANDSHAKE}
        world.good.forget()
        assert asked() == b""
        assert world.good.tap.begun == []


def test_while_a_policy_cannot_be_used_nobody_is_asked(world: World) -> None:
    broken = {
        "missing": tls_policy("missing", "missing", NAME, "nowhere"),
        "word": tls_policy("word", "word", NAME, wellKnownCACertificates="x.test/y"),
        "unread": tls_policy("unread", "unread", "*.not.precise", "cas"),
        "mixed": tls_policy("mixed", "mixed", NAME, "nowhere", "cas"),
    }
    services = "".join(backing(word, world.good.tap.port, app_protocol="https") for word in broken)
    with served(world, services, *broken.values(), **{word: word for word in broken}):
        answers = {word: world.status(f"/{word}", method="POST", content=b"secret") for word in broken}
        assert answers == {"missing": 500, "word": 500, "unread": 500, "mixed": 200}
        assert [seen["path"] for seen in world.good.upstream.seen] == ["/mixed"]
        assert world.told("HTTPRoute", "secured")["spec.rules[0].backendRefs[0]"] == (
            "gets no requests, since the BackendTLSPolicy default/missing cannot be used"
        )
        assert list(world.told("BackendTLSPolicy", "missing")) == ["spec.validation.caCertificateRefs[0]"]


def test_the_cas_of_the_machine(world: World) -> None:
    policies = (
        tls_policy("good", "good", NAME, wellKnownCACertificates="System"),
        tls_policy("impostor", "impostor", NAME, wellKnownCACertificates="System"),
    )
    with served(world, *policies, good="good", impostor="impostor"):
        world.gateway.wait_served(HOST, "/good")
        world.gateway.wait_served(HOST, "/impostor", status=503)
        assert world.impostor.upstream.seen == []


def test_a_service_is_shown_the_certificate_of_the_gateway(world: World) -> None:
    with served(world, tls_policy("strict", "strict", NAME, "cas"), strict="strict"):
        assert world.gateway.wait_served(HOST, "/strict").json()["upstream"] == "strict"


def test_a_policy_of_another_namespace_changes_nothing(world: World) -> None:
    theirs = authorities("cas", OTHERS.pair.certificate) + tls_policy(
        "theirs", "good", "evil.test", "cas", created="2000-01-01T00:00:00Z"
    )
    own = tls_policy("good", "good", NAME, "cas")
    with served(world, elsewhere(theirs, "evil"), own, good="good"):
        world.gateway.wait_served(HOST, "/good")
        assert set(world.good.asked) == {NAME}


def test_calls_are_secured_as_well(world: World) -> None:
    with (
        GrpcUpstream("calls", tls=BACKENDS.sign(NAME)) as calls,
        GrpcUpstream("fakes", tls=OTHERS.sign(NAME)) as fakes,
    ):
        texts = backing("calls", calls.port) + tls_policy("calls", "calls", NAME, "cas")
        texts += backing("fakes", fakes.port) + tls_policy("fakes", "fakes", NAME, "cas")
        rules = [
            {"backendRefs": [to("calls")], "matches": [{"method": {"service": "test.Echo"}}]},
            {
                "backendRefs": [to("fakes")],
                "matches": [{"method": {"service": "test.Echo"}, "headers": [{"name": "to", "value": "fakes"}]}],
            },
        ]
        texts += route("calls", "web", *rules, hostnames=["calls.test"], kind="GRPCRoute")
        with world.gateway.applied("calls", texts):
            wait_until(lambda: called(world) == "calls: x", what="an answer to a call")
            assert called(world, ("to", "fakes")) == "UNAVAILABLE"


def called(world: World, *metadata: tuple[str, str]) -> str:
    options = [("grpc.default_authority", "calls.test")]
    with grpc.insecure_channel(f"127.0.0.1:{world.gateway.http_port}", options=options) as channel:
        try:
            answer: bytes = channel.unary_unary("/test.Echo/Say")(b"x", timeout=10, metadata=metadata)
        except grpc.RpcError as error:
            return str(error.code().name)
    return answer.decode()


def test_nothing_goes_out_unverified_while_policies_come_and_go(world: World) -> None:
    """The older of two is removed, its CA is taken away and comes back, and one for the port takes its place."""
    older = tls_policy("older", "https", NAME, "own", created="2020-01-01T00:00:00Z")
    younger = tls_policy("younger", "https", "a.wide.test", "cas", created="2021-01-01T00:00:00Z")
    of_port = tls_policy("port", "https", "b.wide.test", "cas", section="main")
    cas = authorities("own", BACKENDS.pair.certificate)
    gateway = world.gateway

    def answered(wanted: str) -> bool:
        """Whether a request gets through on a connection that was made for this name."""
        answer = gateway.request(HOST, "/https")
        return answer.status_code == 200 and answer.json()["sni"] == wanted

    with (
        gateway.applied("older", older),
        gateway.applied("own", cas),
        seen(world, "BackendTLSPolicy", "older"),
        served(world, younger, https="https"),
        clients(gateway) as statuses,
    ):
        wait_until(lambda: answered(NAME), what="the older policy")
        gateway.apply("own", authorities("own"))
        gateway.wait_served(HOST, "/https", status=500)
        wait_until(lambda: 500 in statuses, what="the clients that ask without end refused, too")
        gateway.apply("own", cas)
        gateway.wait_served(HOST, "/https")
        gateway.remove("older")
        wait_until(lambda: answered("a.wide.test"), what="the younger policy")
        with gateway.applied("port", of_port):
            wait_until(lambda: answered("b.wide.test"), what="the policy of the port")
        wait_until(lambda: answered("a.wide.test"), what="the younger policy again")
        wait_until(lambda: len(statuses) > 100, what="enough requests")
    assert set(world.good.tap.begun) == {HANDSHAKE}
    assert set(world.good.asked) == {NAME, "a.wide.test", "b.wide.test"}
    assert {seen["sni"] for seen in world.good.upstream.seen} == set(world.good.asked)
    assert set(statuses) == {200, 500}


@contextmanager
def clients(gateway: Gateway) -> Iterator[list[int]]:
    """Requests without end to one path; the statuses of the answers, once there were any but 404."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not stop.is_set():
                answer = client.get(f"http://127.0.0.1:{gateway.http_port}/https", headers={"host": HOST})
                statuses.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()
