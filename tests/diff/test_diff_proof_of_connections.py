"""`dragoman diff --prove` asks two real Envoys whose connections are, before and after."""

import re
from typing import Any

import pytest

from diff.proof import prove
from diff.text import lines
from process.settings import Settings
from tests.diff.made import compared, made, reported
from tests.support.certificates import authority
from tests.support.gateway_api import api_gateway, backing, document, gateway_class, listener, to
from tests.support.objects import an_object, host, mapping, tls_secret

pytestmark = pytest.mark.envoy

SETTINGS = Settings.from_environment({"DRAGOMAN_CONFIG_DIR": "/nowhere"})
ONE, TWO = "10.0.0.1:1", "10.0.0.2:1"


def proved(before: str, after: str) -> dict[str, Any]:
    return prove(made(before).outline, made(after).outline, compared(before, after), SETTINGS)


def told(proof: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """By URL the method, and for both sides what was said and of which object."""
    return {
        each["url"]: (each["method"], *[_side(each[when]) for when in ("before", "after")]) for each in proof["differ"]
    }


def _side(said: dict[str, Any]) -> tuple[str, str | None]:
    """Clusters are called by their settings, too, which no test is about."""
    owner = said["object"] and "/".join(said["object"].split("/")[1:])
    return re.sub("~[0-9a-f]+", "", said["said"]), owner


def tcp(name: str, number: int, service: str, **spec: Any) -> str:
    return an_object("TCPMapping", name, {"port": number, "service": service, **spec})


def test_a_tcp_mapping_that_leads_elsewhere() -> None:
    others = tcp("same", 6380, ONE)
    proof = proved(others + tcp("raw", 6379, ONE), others + tcp("raw", 6379, TWO))
    assert (proof["asked"], proof["connections"], proof["left_out"]) == (0, 3, 0)
    elsewhere = (
        ("to ip/10.0.0.1:1 (100 %)", "TCPMapping/default/raw"),
        (
            "to ip/10.0.0.2:1 (100 %)",
            "TCPMapping/default/raw",
        ),
    )
    assert told(proof) == {
        "tcp://:6379": ("TCP", *elsewhere),
        "tls://(no name):6379": ("TLS", *elsewhere),
        "tls://nobody.invalid:6379": ("TLS", *elsewhere),
    }


def test_a_port_that_nobody_has_any_more() -> None:
    proof = proved(tcp("raw", 6379, ONE) + tcp("stays", 6380, ONE), tcp("stays", 6380, ONE))
    assert {each[2] for each in told(proof).values()} == {("not passed on", None)}
    assert {url.rpartition(":")[2] for url in told(proof)} == {"6379"}


def test_shares_are_compared_and_not_what_was_drawn() -> None:
    before = tcp("a", 6379, ONE, weight=30) + tcp("b", 6379, TWO)
    proof = proved(before, before.replace('"weight": 30', '"weight": 40'))
    said = {(each[1][0], each[2][0]) for each in told(proof).values()}
    assert len(said) == 1
    ((old, new),) = said
    assert ("30 %" in old, "40 %" in new) == (True, True)


def test_where_nothing_of_a_port_differs_none_is_asked() -> None:
    both = tcp("raw", 6379, ONE) + host("a", "a.test")
    proof = proved(both, both + mapping("m", "a.test", "10.0.0.1", "/new/"))
    assert proof["connections"] == 0
    assert proof["asked"] > 0


def test_the_name_in_tls_chooses_whose_a_connection_is() -> None:
    pair = authority().server("db.test", ("db.test", "any.wide.test"))
    texts = tls_secret("db", pair.certificate, pair.key)
    texts += an_object("TLSContext", "db", {"secret": "db", "hosts": ["db.test", "*.wide.test"]})
    texts += tcp("wide", 6443, ONE, host="*.wide.test")
    proof = proved(texts, texts + tcp("db", 6443, TWO, host="db.test"))
    assert set(told(proof)) == {"tls://db.test:6443"}
    before, after = told(proof)["tls://db.test:6443"][1:]
    assert before == ("not passed on", None)
    assert after[0].startswith("to ip/10.0.0.2:1 (100 %), TLS ends by default/")
    assert after[1] == "TCPMapping/default/db"


@pytest.mark.parametrize(("kind", "protocol"), [("TCPRoute", "TCP"), ("TLSRoute", "TLS")])
def test_routes_of_gateway_api(kind: str, protocol: str) -> None:
    tls = {"tls": {"mode": "Passthrough"}} if kind == "TLSRoute" else {}
    texts = gateway_class() + api_gateway("web", listener("some", 6443, protocol, **tls))
    texts += backing("one", 9001) + backing("two", 9002)
    names = {"hostnames": ["db.test"]} if kind == "TLSRoute" else {}
    spec = {"parentRefs": [{"name": "web"}], **names, "rules": [{"backendRefs": [to("one")]}]}
    other = {**spec, "rules": [{"backendRefs": [to("two")]}]}
    proof = proved(texts + document(kind, "db", spec), texts + document(kind, "db", other))
    found = told(proof)
    asked = {"tls://db.test:6443"} if kind == "TLSRoute" else {"tcp://:6443", "tls://(no name):6443"}
    assert asked <= set(found)
    for url in asked:
        (_, (before, owner), (after, _)) = found[url]
        assert ("/one/" in before, "/two/" in after, owner) == (True, True, f"{kind}/default/db")


def test_connections_are_counted_in_words() -> None:
    before, after = tcp("raw", 6379, ONE), tcp("raw", 6379, TWO)
    report = {**reported(before, after), "proof": proved(before, after)}
    said = "\n".join(lines(report))
    assert "0 requests and 3 connections asked of two Envoys, 3 are answered otherwise" in said
    assert "TCP tcp://:6379" in said
