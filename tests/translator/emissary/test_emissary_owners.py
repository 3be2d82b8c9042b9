"""Whoever has a name answers for it, and nobody else: held for any Hosts, in any state, and for any request."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.broken_hosts import broken_hosts
from tests.support.certificates import authority
from tests.translator.emissary.world import TLS, World, https, key_of

CLIENTS_CA = authority("Clients").pair.certificate
BROKEN = [
    host for host in broken_hosts("{}.test").values() if host["spec"]["hostname"] == f"{host['metadata']['name']}.test"
]
NAMES = ("a.x", "b.x", "a.b.x", "x", "y")
GLOBS = ("*", "*.x", "*.b.x", "*x", "a.*", "a*", "*.y")
ENDS = ("", ".", ":", ":80", ":8443", ".:80", "..")

hostnames = st.builds(str.__add__, st.sampled_from(NAMES + GLOBS), st.sampled_from(("", "", "", ":8443"))).filter(
    lambda name: not name.endswith("*:8443") or name.startswith("*:")
)


@dataclass(frozen=True)
class Declared:
    """A Host as the test put it."""

    name: str
    hostname: str
    spec: dict[str, Any]
    serves: bool


@st.composite
def hosts(draw: st.DrawFn) -> list[Declared]:
    found: list[Declared] = []
    for hostname in draw(st.lists(hostnames, min_size=1, max_size=6, unique=True)):
        state = draw(st.sampled_from(["tls", "tls", "strict", "clear", "reject", "broken"]))
        name = f"h{len(found)}"
        if state == "broken":
            document = draw(st.sampled_from(BROKEN))
            spec = {**document["spec"], "hostname": hostname}
            found.append(Declared(name, hostname, {**document, "spec": spec}, serves=False))
        else:
            spec = {"hostname": hostname, "requestPolicy": {"insecure": {"action": "Route"}}}
            spec |= {} if state == "clear" else TLS
            spec |= {"tlsContext": {"name": "shut"}} if state == "strict" else {}
            if state == "reject":
                spec["requestPolicy"] = {"insecure": {"action": "Reject"}}
            found.append(Declared(name, hostname, {"spec": spec}, serves=True))
    return found


def made_of(declared: list[Declared]) -> World:
    made = https()
    made.secret("shut")
    made.secret_of("shut-ca", {"ca.crt": CLIENTS_CA})
    made.put("TLSContext", "shut", ca_secret="shut-ca", cert_required=True)
    made.put("TLSContext", "shut-stopped", ca_secret=5)
    for host in declared:
        base = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Host", "metadata": {}}
        document = {**base, **host.spec}
        document["metadata"] = {**document["metadata"], "name": host.name, "namespace": "default"}
        made.put_document(document)
    return made


def split(name: str) -> tuple[str, str]:
    """A name as DNS knows it, and its port."""
    name, colon, port = name.partition(":")
    return name.removesuffix("."), colon + port


def stands_for(hostname: str, name: str) -> tuple[int, int] | None:
    """How closely a hostname is the name, the smallest the most; None when it is not."""
    if hostname == "*":
        return 3, 0
    if hostname[0] == "*" and name.endswith(hostname[1:]) and len(name) >= len(hostname):
        return 1, -len(hostname)
    if hostname[-1] == "*" and name.startswith(hostname[:-1]) and len(name) >= len(hostname):
        return 2, -len(hostname)
    return (0, 0) if hostname == name else None


def owner_of(declared: list[Declared], asked: str) -> Declared | None:
    """Whose name it is that is asked for: of the closest hostname, and of that port rather than of any."""
    name, port = split(asked)
    found: list[tuple[tuple[tuple[int, int], bool], str, Declared]] = []
    for host in declared:
        own, wanted = split(host.hostname)
        rank = stands_for(own, name)
        if rank is not None and wanted in {"", port}:
            found.append(((rank, not wanted), host.name, host))
    return min(found)[2] if found else None


requests = st.builds(
    lambda name, end, upper: (name + end).upper() if upper else name + end,
    st.sampled_from((*NAMES, "z", "a.y", "c.x", "c.b.x", "xx", "ax")),
    st.sampled_from(ENDS),
    st.booleans(),
)


@settings(deadline=None, max_examples=200)
@given(hosts(), st.lists(requests, min_size=1, max_size=8), st.lists(st.sampled_from((*NAMES, "z", "")), max_size=3))
def test_nobody_answers_for_anothers_name(declared: list[Declared], asked: list[str], connections: list[str]) -> None:
    made = made_of(declared)
    for authority_asked in asked:
        owner = owner_of(declared, authority_asked.lower())
        own = {f"default/{owner.name}"} if owner and owner.serves else set()
        clear = made.answer(authority_asked)
        assert clear in {*own, 404, 0}
        for sni in connections:
            answer = made.answer(authority_asked, sni)
            assert answer in {*own, 421, 404, 0}
            if owner and not owner.serves:
                assert answer in {421, 0} or (answer == 404 and split(authority_asked)[1])
            if owner and answer == 404 and not made.told(key_of("Host", owner.name)):
                assert authority_asked.lower() != owner.hostname, "whoever has the name is not reached here: 421"


@settings(deadline=None, max_examples=100)
@given(hosts(), st.sampled_from(NAMES))
def test_who_is_well_is_reached_by_his_own_name(declared: list[Declared], name: str) -> None:
    made = made_of(declared)
    owner = owner_of(declared, name)
    if owner is None or not owner.serves or made.told(key_of("Host", owner.name)):
        return
    expected = f"default/{owner.name}"
    rejects = owner.spec["spec"]["requestPolicy"]["insecure"]["action"] == "Reject"
    assert made.answer(name) == (404 if rejects else expected)
    is_ported = any(":" in host.hostname for host in declared)  # then the connection may be that Host's
    if "tlsSecret" in owner.spec["spec"] and not is_ported:
        assert made.answer(name, name) == expected
