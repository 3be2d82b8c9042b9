"""What the page is told: names with the places where they are served, and routes in the order of matching."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.certificates import authority
from tests.support.objects import an_object, host, mapping, tls_secret
from translator.asking import answer
from translator.explaining import Explainer, UnknownError
from translator.options import Options
from translator.translation import Translation

LISTENERS = an_object("Listener", "http", {"port": 8080, "protocol": "HTTP", "securityModel": "XFP",
    "hostBinding": {"namespace": {"from": "ALL"}}}) + an_object("Listener", "https", {"port": 8443,
    "protocol": "HTTPS", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}})  # fmt: skip

_TWO = ("exact", "canary")


def objects(text: str) -> Iterator[tuple[str, bytes]]:
    for document in text.split("\n---\n")[:-1]:
        found = json.loads(document)
        group = "core" if found["apiVersion"] == "v1" else found["apiVersion"].partition("/")[0]
        metadata = found["metadata"]
        yield f"{group}/{found['kind']}/{metadata['namespace']}/{metadata['name']}", document.encode()


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    pair = authority().sign("a.test")
    text = LISTENERS + tls_secret("tls", pair.certificate, pair.key)
    text += host("a", "a.test", insecure="Redirect", tlsSecret={"name": "tls"}) + host("b", "b.test")
    text += mapping("all", "a.test", "svc") + mapping("cart", "a.test", "svc:81", "/cart/")
    text += mapping("exact", "a.test", "svc", "/cart/7", prefix_exact=True) + mapping(
        "first", "a.test", "x", precedence=9
    )
    text += mapping("canary", "a.test", "new", "/cart/", weight=20) + mapping("b", "b.test", "svc")
    text += an_object("TCPMapping", "tcp", {"port": 9999, "service": "db:5432"})
    translation = Translation(Options(), {})
    translation.objects_changed(0.0, dict(objects(text)))
    return Explainer(translation.pipeline, lambda key: f"{key.rpartition('/')[2]}.yaml")


@pytest.mark.parametrize(("scheme", "port"), [("http", 8080), ("https", 8443)])
def test_who_names_no_port_is_told_of_one_where_requests_are_read(explainer: Explainer, scheme: str, port: int) -> None:
    text = an_object("TCPMapping", "low", {"port": 70, "service": "db:5432"})
    text += an_object("TLSContext", "low", {"hosts": ["a.test"], "secret": "tls"})
    text += an_object("TCPMapping", "low-tls", {"port": 71, "host": "a.test", "service": "db:5432"})
    pair = authority().sign("a.test")
    text += LISTENERS + tls_secret("tls", pair.certificate, pair.key)
    text += host("a", "a.test", insecure="Route", tlsSecret={"name": "tls"})
    translation = Translation(Options(), {})
    translation.objects_changed(0.0, dict(objects(text)))
    made = Explainer(translation.pipeline, str)
    assert made.listener(scheme, None, "a.test", strict=False)["port"] == port
    low = 71 if scheme == "https" else 70
    assert made.listener(scheme, low, "a.test", strict=True)["port"] == low


def hosts(explainer: Explainer, find: str = "", first: int = 0, most: int = 50, listener: str = "") -> Any:
    return answer(explainer, {"ask": "hosts", "find": find, "listener": listener, "from": first, "most": most})


def routes(explainer: Explainer, of: Any, find: str = "", first: int = 0, most: int = 50) -> Any:
    asked = {"chain": of["chain"], "host": of["number"], "find": find, "from": first, "most": most}
    return answer(explainer, {"ask": "routes", **asked})


def test_a_name_is_told_with_port_protocol_certificate_object_and_routes(explainer: Explainer) -> None:
    told = hosts(explainer)
    found = {(each["name"], each["port"], each["protocol"]): each for each in told["hosts"]}
    secure = found["a.test", 8443, "HTTPS"]
    assert secure["certificates"] == ["default/tls"]
    assert [each["key"] for each in secure["objects"]] == ["getambassador.io/Host/default/a"]
    assert secure["objects"][0]["source"] == "a.yaml"
    assert found["a.test", 8080, "HTTP"]["insecure"] == "redirect"
    assert found["*", 9999, "TCP"]["does"]["backends"][0]["weight"]
    assert told["of"] == len(told["hosts"])
    assert not [each for each in told["hosts"] if each["name"].endswith(".")]


def test_names_are_found_and_told_a_page_at_a_time(explainer: Explainer) -> None:
    assert {each["name"] for each in hosts(explainer, "B.t")["hosts"]} == {"b.test"}
    everything = hosts(explainer)
    assert hosts(explainer, first=1, most=2) == {**everything, "hosts": everything["hosts"][1:3]}
    assert {each["port"] for each in hosts(explainer, listener="default/https")["hosts"]} == {8443}
    assert [each["port"] for each in everything["listeners"]] == [8080, 8443, 9999]
    assert hosts(explainer, first=10**6)["hosts"] == []
    assert len(hosts(explainer, first=-5, most=-1)["hosts"]) == 1


def test_routes_are_told_in_the_order_of_matching(explainer: Explainer) -> None:
    (secure,) = [each for each in hosts(explainer, "a.test")["hosts"] if each["protocol"] == "HTTPS"]
    told = routes(explainer, secure)
    names = [each["objects"][0]["name"] for each in told["routes"] if each["objects"]]
    assert names == ["first", "exact", "canary", "cart", "all"]
    assert [each["place"] for each in told["routes"]] == list(range(told["all"]))
    assert told["of"] == told["all"] == secure["routes"]
    exact, canary = (each for each in told["routes"] if each["objects"] and each["objects"][0]["name"] in _TWO)
    assert exact["asks"] == "path /cart/7"
    assert canary["share"] == 20
    found = routes(explainer, secure, "/cart/7")
    assert [(each["place"], each["asks"]) for each in found["routes"]] == [(exact["place"], "path /cart/7")]
    assert [each["place"] for each in routes(explainer, secure, first=2, most=2)["routes"]] == [2, 3]
    assert routes(explainer, secure, "Mapping/default/canary")["of"] == 1


def test_what_is_gone_is_told(explainer: Explainer) -> None:
    secure = hosts(explainer, "a.test")["hosts"][0]
    for changed in ({"chain": "x"}, {"number": 99}, {"number": -1}):
        with pytest.raises(UnknownError, match="ask again"):
            routes(explainer, {**secure, **changed})
