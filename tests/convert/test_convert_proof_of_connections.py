"""Two real Envoys are asked whose connections are: by port, by names in TLS that match, that do not, and by none."""

import json
from typing import Any

import pytest

from convert.proving import proof_of
from convert.values import plain
from tests.convert.converting import SETTINGS, converted, objects
from tests.convert.test_convert_to_gateway import BOTH
from tests.support.certificates import authority
from tests.support.objects import an_object, host, mapping, tls_secret

pytestmark = pytest.mark.envoy

EVERY = {"namespace": {"from": "ALL"}}


def secret(name: str, *hostnames: str) -> str:
    pair = authority().server(hostnames[0], hostnames)
    return tls_secret(name, pair.certificate, pair.key)


def port(name: str, number: int, protocol: str) -> str:
    spec = {"port": number, "protocol": protocol, "securityModel": "XFP", "hostBinding": EVERY}
    return an_object("Listener", name, spec)


def tcp(name: str, number: int, service: str, **spec: Any) -> str:
    return an_object("TCPMapping", name, {"port": number, "service": service, **spec})


def emissarys() -> str:
    """A whole port with shares; names in TLS by a TLSContext; a name at the port of Hosts, below a wide one."""
    text = BOTH + port("raw", 6379, "TCP") + port("names", 6443, "TLS")
    text += secret("db", "db.test", "any.wide.test") + secret("shop", "*.shop.test", "sql.shop.test")
    text += an_object("TLSContext", "db", {"secret": "db", "hosts": ["db.test", "*.wide.test"]})
    text += host("shop", "*.shop.test", tlsSecret={"name": "shop"}) + mapping("all", "*.shop.test", "quote")
    text += tcp("old", 6379, "10.0.0.1:1", weight=30) + tcp("new", 6379, "10.0.0.2:1")
    text += tcp("db", 6443, "db:5432", host="db.test") + tcp("wide", 6443, "10.0.0.3:1", host="*.wide.test")
    return text + tcp("sql", 8443, "sql:5432", host="sql.shop.test")


def of(proof: dict[str, Any], sort: str) -> set[str]:
    return {each["url"] for each in proof[sort]}


def test_connections_are_whose_they_were_by_gateway_api() -> None:
    outcome = converted(emissarys(), prove=True)
    assert (outcome.proof or {})["differ"] == []
    assert [each for each in outcome.converted.told if each.lost] == []
    assert outcome.proof is not None
    # ports 6379, 6443 and 8443: in clear text, without a name, by nobody's name; and by each name
    assert outcome.proof["connections"] == 3 * 3 + 2 + 2
    assert [url for url in of(outcome.proof, "as_told") if "://" in url and not url.startswith("http")] == []
    edits = {"TLSRoute db": ("port: 5432", "port: 5433"), "TCPRoute new": ("weight: 30", "weight: 31")}
    found = {each.partition("/")[2] for each in of(changed(outcome, edits), "differ")}
    assert found == {"/:6379", "/(no name):6379", "/nobody.invalid:6379", "/db.test:6443"}


def changed(outcome: Any, edits: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The proof of the same with mistakes."""
    texts = list(outcome.texts)
    for place, made in enumerate(outcome.converted.made):
        name = f"{made.document['kind']} {plain(made.document['metadata'])['name']}"
        if name in edits:
            assert edits[name][0] in texts[place]
            texts[place] = texts[place].replace(*edits[name])
    return proof_of(outcome.source.side, outcome.converted, texts, SETTINGS)


def test_and_back_again() -> None:
    there = converted(emissarys())
    text = "".join(json.dumps(each) + "\n---\n" for each in there.json()["objects"])
    secrets = secret("db", "db.test", "any.wide.test") + secret("shop", "*.shop.test", "sql.shop.test")
    back = converted(text + secrets, "emissary", prove=True)
    assert (back.proof or {})["differ"] == []
    assert back.proof is not None
    assert back.proof["connections"] == 3 * 3 + 2 + 2
    specs = {name: each["spec"] for name, each in objects(back).items()}
    assert specs["TCPMapping db"] == {"port": 6443, "host": "db.test", "service": "db:5432"}
    assert specs["TLSContext tls-6443-1"] == {"hosts": ["db.test"], "secret": "db"}
