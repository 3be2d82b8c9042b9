"""Who is connected to a listener that drains is still asked about, counted and told of, to the last request."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.test_draining import listener
from tests.support.authorization import ALLOWED, HttpAuthorization
from tests.support.collectors import LogSink
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.kept import KeptAlive
from tests.support.limiting import RateLimiter
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port, unused_ports
from tests.support.scoped import Scoped
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

DRAIN = 6
NAME = "filtered.test"
LABELS = {"ambassador": [{"all": [{"request_headers": {"key": "who", "header_name": "x-who"}}]}]}
MANY = (("who", "many"),)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Gateway(environ={"AMBASSADOR_DRAIN_TIME": str(DRAIN), "DRAGOMAN_DRAIN_MIN": "3"}) as gateway:
        yield gateway


@pytest.fixture
def asked() -> Iterator[HttpAuthorization]:
    with HttpAuthorization("auth") as service:
        yield service


@pytest.fixture
def another() -> Iterator[HttpAuthorization]:
    with HttpAuthorization("another") as service:
        yield service


@pytest.fixture
def limiter() -> Iterator[RateLimiter]:
    with RateLimiter() as service:
        service.full.add(MANY)
        yield service


@pytest.fixture
def sink() -> Iterator[LogSink]:
    with LogSink() as sink:
        yield sink


class Clients(Scoped):
    """Connections that stay: of nobody, of who may, and of who has asked too much."""

    def __init__(self, port: int) -> None:
        self.nobody, self.ann, self.many = (KeptAlive(port, host=NAME) for _ in range(3))
        self.answered = 0

    def start(self) -> None:
        for each in (self.nobody, self.ann, self.many):
            each.start()

    def close(self) -> None:
        for each in (self.nobody, self.ann, self.many):
            each.close()

    def ask(self) -> bool:
        """A request on each; whether one was answered."""
        found = (
            self.nobody.ask(),
            self.ann.ask(authorization=ALLOWED, x_who="ann"),
            self.many.ask(authorization=ALLOWED, x_who="many"),
        )
        self.answered += sum(found)
        return any(found)


def services(asked: HttpAuthorization, limiter: RateLimiter, sink: LogSink) -> str:
    texts = an_object("AuthService", "auth", {"auth_service": asked.service, "timeout_ms": 10_000})
    texts += an_object(
        "RateLimitService", "limits", {"service": limiter.service, "protocol_version": "v3", "timeout_ms": 10_000}
    )
    return texts + an_object("LogService", "log", {"service": sink.service, "driver": "http", "grpc": True})


@pytest.mark.parametrize("change", ["gone", "moved", "alone", "another", "wrong", "unanswered", "kill"])
def test_while_a_listener_drains(
    gateway: Gateway,
    red: HttpUpstream,
    blue: HttpUpstream,
    asked: HttpAuthorization,
    another: HttpAuthorization,
    limiter: RateLimiter,
    sink: LogSink,
    change: str,
) -> None:
    """The Listener goes, and in the same commit something else with it."""
    first, second = unused_ports(2)
    objects = host("filtered", NAME) + mapping("filtered", NAME, red.service, labels=LABELS)
    filters = services(asked, limiter, sink)
    unreachable = an_object("AuthService", "auth", {"auth_service": f"127.0.0.1:{unused_port()}", "timeout_ms": 500})
    after = {
        "gone": objects + filters,
        "moved": objects.replace(red.service, blue.service) + filters + listener(second),
        "alone": filters,
        "another": objects + services(another, limiter, sink) + listener(second),
        "wrong": objects + filters.replace('"timeout_ms": 10000', '"timeout_ms": "soon"') + listener(second),
        "unanswered": objects + unreachable + filters.partition("\n---\n")[2] + listener(second),
        "kill": objects + filters,
    }[change]
    with gateway.applied("filtered", objects + filters + listener(first)):
        wait_in_force(gateway)
        wait_until(lambda: is_open(first), what="the Listener's port")
        with Clients(first) as clients:
            assert clients.ask()
            assert (len(clients.nobody.failures), len(clients.ann.served), len(clients.many.failures)) == (1, 1, 1)
            gateway.apply("filtered", after)
            rounds = 0
            while clients.ask():
                rounds += 1
                if change == "kill" and rounds == 5:
                    gateway.kill("translator")
                    gateway.kill("adsserver")
        assert rounds > 10, "the test is about something"
        assert clients.nobody.served == clients.many.served == []
        if change not in {"wrong", "unanswered"}:
            assert clients.ann.failures == []
            assert {failure[:10] for failure in clients.nobody.failures} == {"status 401"}
            assert {failure[:10] for failure in clients.many.failures} == {"status 429"}
        wait_until(lambda: len(sink.entries("http")) >= clients.answered, what="all of them told")


def wait_in_force(gateway: Gateway) -> None:
    gateway.wait_served(NAME, status=401)
    gateway.wait_served(NAME, status=429, headers={"authorization": ALLOWED, "x-who": "many"})


def is_open(port: int) -> bool:
    try:
        with KeptAlive(port, host=NAME) as tried:
            return tried.ask()
    except OSError:
        return False


def test_while_the_whole_gateway_drains(
    red: HttpUpstream, asked: HttpAuthorization, limiter: RateLimiter, sink: LogSink
) -> None:
    with Gateway(environ={"DRAGOMAN_DRAIN_MIN": "3"}) as gateway:
        objects = host("filtered", NAME) + mapping("filtered", NAME, red.service, labels=LABELS)
        gateway.apply("filtered", objects + services(asked, limiter, sink))
        wait_in_force(gateway)
        with Clients(gateway.http_port) as clients:
            assert clients.ask()
            assert gateway._process is not None
            gateway._process.send_signal(signal.SIGTERM)
            while clients.ask():
                pass
            assert gateway._process.wait(60) == 0
        assert clients.nobody.served == clients.many.served == []
        assert {failure[:10] for failure in clients.nobody.failures} == {"status 401"}
        assert {failure[:10] for failure in clients.many.failures} == {"status 429"}
        assert clients.ann.failures == []
