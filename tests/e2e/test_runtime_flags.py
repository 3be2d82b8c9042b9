"""`runtime_flags` of the Module: Envoy reads other numbers at once, on connections that are open, too."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, PingAckReceived, StreamEnded, StreamReset

from tests.support.envoy import EnvoyAdmin, wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "flags.test"
AT_ONCE = "http.max_requests_per_io_cycle"
SECONDS = "overload.premature_reset_min_stream_lifetime_seconds"
STREAMS = "overload.premature_reset_total_stream_count"
GOAWAY = "envoy.restart_features.send_goaway_for_premature_rst_streams"


class Client:
    """One connection by HTTP/2."""

    def __init__(self, port: int) -> None:
        self.state = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.state.initiate_connection()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.settimeout(10)
        self.is_over = self.pinged = False
        self.answered: set[int] = set()
        self.flush()

    def flush(self) -> None:
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(self.state.data_to_send())

    def begin(self, *, end: bool = True) -> int:
        stream = self.state.get_next_available_stream_id()
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", NAME), (":path", "/")]
        self.state.send_headers(stream, headers, end_stream=end)
        return stream

    def reset(self, stream: int) -> None:
        self.state.reset_stream(stream, ErrorCodes.CANCEL)

    def read(self, patience: float) -> None:
        """What comes within so many seconds."""
        self.socket.settimeout(patience)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.is_over = True
            return
        for event in self.state.receive_data(data):
            self.is_over |= isinstance(event, ConnectionTerminated)
            self.pinged &= not isinstance(event, PingAckReceived)
            if isinstance(event, StreamEnded | StreamReset) and event.stream_id:
                self.answered.add(event.stream_id)
        self.flush()

    def get(self) -> None:
        """A request with its answer: all that was sent before was read by then."""
        stream = self.begin()
        self.flush()
        end = time.monotonic() + 10
        while stream not in self.answered and not self.is_over and time.monotonic() < end:
            self.read(1)

    def ping(self) -> None:
        """All that was sent before was read when this is answered, or the connection is over."""
        self.pinged = True
        self.state.ping(b"12345678")
        self.flush()
        end = time.monotonic() + 10
        while self.pinged and not self.is_over and time.monotonic() < end:
            self.read(1)

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[HttpUpstream]:
    with gateway.applied("flags", host(NAME, NAME) + mapping(NAME, NAME, red.service)):
        gateway.wait_served(NAME)
        yield red


def module(**flags: Any) -> str:
    return an_object("Module", "ambassador", {"config": {"runtime_flags": flags}})


def admin(gateway: Gateway) -> EnvoyAdmin:
    return EnvoyAdmin(next(gateway.run_dir.rglob("admin*.sock")))


def runtime(gateway: Gateway) -> dict[str, str]:
    """What Envoy's runtime says of the flags."""
    entries = admin(gateway).admin_json("/runtime")["entries"]
    return {
        name: entry["final_value"] for name, entry in entries.items() if name in (AT_ONCE, SECONDS, STREAMS, GOAWAY)
    }


@contextlib.contextmanager
def flags(gateway: Gateway, given: dict[str, Any], shown: dict[str, str]) -> Iterator[None]:
    with gateway.applied("flags-module", module(**given)):
        wait_until(lambda: runtime(gateway) == shown, what=f"{given} in force")
        yield
    wait_until(lambda: runtime(gateway) == {}, what=f"{given} gone")


def resets_until_closed(gateway: Gateway, *, most: int, age: float = 0.0) -> int:
    """How many requests, each given up at this age, a connection takes; `most` where it is not closed before."""
    with contextlib.closing(Client(gateway.http_port)) as client:
        for number in range(1, most + 1):
            stream = client.begin(end=False)
            client.flush()
            if age:
                time.sleep(age)
            client.reset(stream)
            client.ping()
            if client.is_over:
                return number
    return most


def counted(gateway: Gateway) -> int:
    return sum(admin(gateway).stats(r"http\..*downstream_rq_too_many_premature_resets$").values())


def reaching(gateway: Gateway, of: int) -> int:
    """How many requests reach a cluster that were all given up in the same write as they came in."""
    name = r"cluster\..*upstream_rq_(total|cancelled)$"
    before = sum(admin(gateway).stats(name).values())
    with contextlib.closing(Client(gateway.http_port)) as client:
        client.get()
        for stream in [client.begin(end=False) for _ in range(of)]:
            client.reset(stream)
        client.flush()
        client.get()
    return sum(admin(gateway).stats(name).values()) - before - 2


def test_premature_resets_are_counted_from_another_number_at_once(gateway: Gateway, served: HttpUpstream) -> None:
    assert resets_until_closed(gateway, most=20) == 20
    with flags(gateway, {STREAMS: 10}, {STREAMS: "10"}):
        before = counted(gateway)
        assert resets_until_closed(gateway, most=20) == 5
        assert counted(gateway) == before + 1
    assert resets_until_closed(gateway, most=20) == 20


def test_how_old_a_premature_stream_is_is_the_modules(gateway: Gateway, served: HttpUpstream) -> None:
    with flags(gateway, {STREAMS: 2}, {STREAMS: "2"}):
        assert resets_until_closed(gateway, most=3, age=2.1) == 3
    with flags(gateway, {STREAMS: 2, SECONDS: 60}, {STREAMS: "2", SECONDS: "60"}):
        assert resets_until_closed(gateway, most=3, age=2.1) == 1


def test_requests_of_one_read_wait_for_the_next_where_more_than_so_many_come(
    gateway: Gateway, served: HttpUpstream
) -> None:
    assert reaching(gateway, of=20) == 20
    with flags(gateway, {AT_ONCE: 1}, {AT_ONCE: "1"}):
        assert reaching(gateway, of=20) <= 1
    assert reaching(gateway, of=20) == 20


def test_a_flag_that_is_wrong_is_left_out_alone(gateway: Gateway, served: HttpUpstream) -> None:
    given = {STREAMS: 10, AT_ONCE: "10", SECONDS: 0, GOAWAY: False, "re2.max_program_size.error_level": 1}
    with flags(gateway, given, {STREAMS: "10"}):
        said = gateway.diag()["objects"]["getambassador.io/Module/default/ambassador"]["problems"]
        assert {each["path"]: each["stops"] for each in said} == {
            f'spec.config.runtime_flags["{name}"]': False for name in given if name != STREAMS
        }
    with flags(gateway, {GOAWAY: True, AT_ONCE: 7}, {AT_ONCE: "7"}):
        said = gateway.diag()["objects"].get("getambassador.io/Module/default/ambassador", {}).get("problems", [])
        assert said == []


def test_an_envoy_that_starts_again_has_them_from_its_first_connection(gateway: Gateway, served: HttpUpstream) -> None:
    with flags(gateway, {STREAMS: 10}, {STREAMS: "10"}):
        gateway.kill("envoy")
        gateway.wait_served(NAME)
        assert runtime(gateway) == {STREAMS: "10"}
        assert resets_until_closed(gateway, most=20) == 5


def test_they_outlive_the_control_plane(gateway: Gateway, served: HttpUpstream) -> None:
    with flags(gateway, {STREAMS: 10}, {STREAMS: "10"}):
        gateway.kill("adsserver")
        gateway.kill("translator")
        assert runtime(gateway) == {STREAMS: "10"}
        assert resets_until_closed(gateway, most=20) == 5
