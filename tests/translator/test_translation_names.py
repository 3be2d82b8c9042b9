"""A name stays shut while Envoy refuses what its Host gives: in every trial, and when the Host is held back."""

import base64
from collections.abc import Callable

import orjson
import pytest

from tests.translator.emissary.world import pair
from tests.translator.test_translation_refusals import BOUND, GROUP, ROUTES, Envoy, an_object, mapping
from translator.options import Options
from translator.translation import Translation

LISTENER, WIDE, OWN = "listener/default/l", "route/default/l/*", "route/default/l/foo.test"
HOST, CONTEXT = f"{GROUP}/Host/default/foo", f"{GROUP}/TLSContext/default/foo-context"
OPEN = {"requestPolicy": {"insecure": {"action": "Route"}}, "tlsSecret": {"name": "tls"}}
DATA = {"tls.crt": pair().certificate, "tls.key": pair().key}
SECRET = {
    "metadata": {"name": "tls", "namespace": "default"},
    "data": {name: base64.b64encode(value).decode() for name, value in DATA.items()},
}
WORLD = (
    an_object("Listener", "l", {"port": 8443, "protocol": "HTTPS", **BOUND})
    | an_object("Host", "all", {"hostname": "*", **OPEN})
    | {"core/Secret/default/tls": orjson.dumps(SECRET)}
)


def watching(is_bad: Callable[[str, bytes], bool], seen: list[str]) -> Envoy:
    """An Envoy that notes in which resources the name is missing."""

    def judge(key: str, body: bytes) -> str | None:
        if key in {ROUTES, WIDE} and b"foo.test" not in body:
            seen.append(key)
        return "boom" if is_bad(key, body) else None

    return Envoy(judge)


def foo(**spec: object) -> dict[str, bytes | None]:
    return an_object("Host", "foo", {"hostname": "foo.test", **OPEN, **spec})


BAD = {"tls": {"alpn_protocols": "guilty"}}


def is_guilty(key: str, body: bytes) -> bool:
    return key == LISTENER and b"guilty" in body


@pytest.mark.parametrize("beside", [0, 1, 5])
def test_a_host_that_is_held_back_without_a_good_version_keeps_its_name(beside: int) -> None:
    seen: list[str] = []
    envoy = watching(is_guilty, seen)
    envoy.translation.stream_changed(0.0, connected=True)
    others = {}
    for number in range(beside):
        others |= an_object("Host", f"a{number}", {"hostname": f"a{number}.test", **OPEN})
    envoy.change(0.0, WORLD | foo(**BAD) | others)
    envoy.answer(0.1)
    assert envoy.stopped() == {HOST}
    assert envoy.statuses[HOST]["problems"][0]["message"] == "Envoy refused the listener default/l: boom"
    assert (seen, OWN in envoy.translation.resources()) == ([], False)
    envoy.change(9.0, foo())
    envoy.answer(9.1)
    assert envoy.stopped() == set()
    assert OWN in envoy.translation.resources()


def test_its_name_is_shut_also_by_a_translator_that_starts_with_the_hold() -> None:
    envoy = watching(is_guilty, [])
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | foo(**BAD))
    envoy.answer(0.1)
    again = Translation(Options(), envoy.holds)
    again.objects_changed(0.0, WORLD | foo(**BAD))
    assert {key: row.version for key, row in again.resources().items()} == {
        key: row.version for key, row in envoy.translation.resources().items()
    }


def test_a_host_whose_last_good_version_serves_goes_on() -> None:
    seen: list[str] = []
    envoy = watching(is_guilty, seen)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | foo())
    envoy.answer(0.1)
    envoy.change(9.0, foo(**BAD))
    envoy.answer(9.1)
    assert envoy.stopped() == {HOST}
    assert (seen, OWN in envoy.translation.resources()) == ([], True)


def test_the_search_for_a_guilty_mapping_opens_no_name() -> None:
    seen: list[str] = []
    envoy = watching(lambda key, body: key == ROUTES and b"/m2/" in body, seen)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | foo(tlsSecret={"name": "missing"}) | mapping(0) | mapping(1) | mapping(2))
    envoy.answer(0.1)
    assert envoy.stopped() == {HOST, f"{GROUP}/Mapping/default/m2"}
    assert seen == []


def test_a_tls_context_that_is_held_back_stops_the_host_that_finds_it_by_its_name() -> None:
    seen: list[str] = []
    envoy = watching(is_guilty, seen)
    envoy.translation.stream_changed(0.0, connected=True)
    context = an_object("TLSContext", "foo-context", {"alpn_protocols": "guilty"})
    envoy.change(0.0, WORLD | context)
    envoy.answer(0.1)
    seen.clear()
    envoy.change(9.0, foo())
    envoy.answer(9.1)
    assert envoy.stopped() == {HOST}
    assert (seen, OWN in envoy.translation.resources()) == ([], False)


@pytest.mark.parametrize("beside", [0, 1, 5])
def test_a_name_that_is_refused_itself_is_let_go_and_nobody_else_is_held(beside: int) -> None:
    envoy = Envoy(lambda key, body: "boom" if key == ROUTES and b"foo.test" in body else None)
    envoy.translation.stream_changed(0.0, connected=True)
    others = {}
    for number in range(beside):
        others |= an_object("Host", f"z{number}", {"hostname": f"z{number}.test", **OPEN})
    envoy.change(0.0, WORLD | foo() | others)
    envoy.answer(0.1)
    assert envoy.stopped() == {HOST}
    assert envoy.verdicts[ROUTES].accepted == envoy.translation.resources()[ROUTES].version


def test_the_port_of_a_listener_that_is_held_back_is_opened_by_nobody_else() -> None:
    envoy = Envoy(lambda key, body: "boom" if b"guilty" in body else None)
    envoy.translation.stream_changed(0.0, connected=True)
    guilty = {"port": 8443, "protocol": "HTTPS", "statsPrefix": "guilty", **BOUND}
    tcp = an_object("TCPMapping", "tcp", {"port": 8443, "service": "10.0.0.1:1"})
    envoy.change(0.0, WORLD | foo() | an_object("Listener", "l", guilty) | tcp)
    envoy.answer(0.1)
    assert f"{GROUP}/Listener/default/l" in envoy.stopped()
    assert not [key for key in envoy.translation.resources() if key.startswith("listener/")]
