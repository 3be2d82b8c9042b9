"""Names for which nobody else may answer: of Hosts that are stopped, that reject, or whose connection it is not."""

import pytest

from tests.support.certificates import authority
from tests.translator.emissary.answering import SHUT
from tests.translator.emissary.world import TLS, World, https

CLIENTS_CA = authority("Clients").pair.certificate
ROUTE = {"requestPolicy": {"insecure": {"action": "Route"}}}
REJECT = {"requestPolicy": {"insecure": {"action": "Reject"}}}


def spelled(name: str) -> list[str]:
    """A name, however it may be spelled."""
    dotted = [name, f"{name}.", f"{name}:", f"{name}.:", f"{name}:80", f"{name}.:8443", f"{name}:x", f"u@{name}"]
    return [*dotted, *map(str.upper, dotted)]


def test_nobody_else_answers_for_a_host_that_is_stopped() -> None:
    made = https()
    made.host("all", "*", **TLS, **ROUTE)
    made.host("other", "other.com", **TLS)
    stopped = made.host("one", "foo.com", tlsSecret={"name": "missing"})
    clear = made.virtual_hosts("default/https/cleartext")
    assert (clear["foo.com"].secure, clear["foo.com"].insecure) == ("never", "reject")
    assert clear["foo.com"].origins == (stopped,)
    for name in spelled("foo.com"):
        assert made.answer(name) == 404
        assert {made.answer(name, sni) for sni in ("foo.com", "x.com", "")} == {421}
    assert made.answer("foo.com", "other.com") == 421
    made.secret("missing")
    assert made.virtual_hosts("default/https/cleartext")["foo.com"].insecure == "redirect"
    assert made.answer("foo.com", "foo.com") == "default/one"
    assert made.answer("foo.com", "x.com") == 421


def test_a_name_below_a_glob_is_shut_with_a_port_and_with_a_final_dot_too() -> None:
    made = https()
    made.host("all", "*", **TLS, **ROUTE)
    made.host("port", "bar.com:8443", tlsSecret={"name": "missing"})
    made.host("below", "*.glob.com", tlsSecret={"name": "missing"})
    made.host("after", "glob.*", tlsSecret={"name": "missing"})
    for name in (*spelled("a.glob.com"), *spelled("glob.org"), "bar.com:8443", "bar.com.:8443"):
        assert (made.answer(name), made.answer(name, "x.com")) == (404, 421), name
    for name in ("bar.com", "bar.com:80", "xglob.com:80", "glob.com.evil:80"):
        expected = (404, 421) if name.startswith("glob.") else ("default/all", "default/all")
        assert (made.answer(name), made.answer(name, "x.com")) == expected, name


def test_a_glob_with_a_port_answers_for_no_host_that_is_stopped() -> None:
    made = https()
    made.host("all", "*:8443", **TLS, **ROUTE)
    made.host("one", "foo.com", tlsSecret={"name": "missing"})
    made.host("below", "*.glob.com", tlsSecret={"name": "missing"})
    for name in ("foo.com:8443", "foo.com.:8443", "a.glob.com:8443", "a.glob.com.:8443"):
        assert (made.answer(name), made.answer(name, "x.com")) == (404, 421), name
    assert made.answer("x.com:8443") == made.answer("x.com:8443", "x.com") == "default/all"


def test_a_stopped_host_takes_a_name_from_nobody_who_serves_it_or_at_other_listeners() -> None:
    made = https(hostBinding={"namespace": {"from": "SELF"}})
    made.host("all", "*", **TLS, **ROUTE)
    made.host("a", "foo.com", tlsSecret={"name": "missing"})
    made.host("b", "foo.com", **TLS)
    made.host("c", "bar.com", namespace="elsewhere", tlsSecret={"name": "missing"})
    assert made.answer("foo.com") == made.answer("foo.com", "foo.com") == "default/b"
    assert made.answer("bar.com") == made.answer("bar.com", "bar.com") == "default/all"


def test_a_host_that_is_stopped_by_another_is_answered_for_by_none_with_a_wider_name() -> None:
    made = https()
    made.secret("other")
    made.host("all", "*", **TLS, **ROUTE)
    made.host("one", "foo.com", **TLS, **ROUTE)
    second = made.host("two", "foo.com:8443", tlsSecret={"name": "other"})
    assert set(made.problems(second)) == {"spec.tlsSecret"}
    assert (made.answer("foo.com:8443"), made.answer("foo.com:8443", "x.com")) == (404, 421)
    assert made.answer("foo.com") == "default/one"


def test_a_connection_belongs_to_the_name_that_it_was_made_for() -> None:
    made = https()
    made.secret_of("ca", {"ca.crt": CLIENTS_CA})
    made.put("TLSContext", "strict", ca_secret="ca", cert_required=True)
    made.host("all", "*", **TLS)
    made.host("below", "*.foo.com", **TLS)
    made.host("one", "one.foo.com", **TLS, tlsContext={"name": "strict"})
    made.host("two", "two.foo.com", **TLS)
    made.host("clear", "clear.foo.com")
    assert made.all_problems() == {}
    owners = {"x.com": "all", "x.foo.com": "below", "one.foo.com": "one", "two.foo.com": "two", "clear.foo.com": ""}
    for sni, owner in owners.items():
        for name, other in owners.items():
            expected = f"default/{owner}" if owner and owner == other else 421
            if owner == "":  # by TLS the name is not served, so that a connection for it is one for the glob
                expected = "default/below" if other == "below" else 421
            assert made.answer(name, sni) == expected, (name, sni)
    assert made.virtual_hosts("default/https/cleartext")["one.foo.com"].insecure == "redirect"


def test_a_name_that_no_host_has_is_nobodys_answer_on_any_connection() -> None:
    made = https()
    made.host("one", "one.com", **TLS)
    made.host("port", "port.com:8443", **TLS)
    made.host("below", "*.foo.com", **TLS)
    assert [made.answer("two.com", sni) for sni in ("one.com", "x.foo.com", "two.com")] == [421, 421, SHUT]
    assert made.answer("two.com") == 404
    for own in spelled("one.com")[1:8]:
        assert made.answer(own, "one.com") == (421 if "@" in own else 404)
    owned = [made.answer(name, "port.com") for name in ("port.com", "port.com:1", "port.com:8443")]
    assert owned == [404, 404, "default/port"]
    assert [made.answer(f"x.foo.com{end}", "x.foo.com") for end in (".", ":80", ".:80")] == [404, 404, 404]


def test_where_all_hosts_wait_for_their_certificates_the_port_is_open_and_nothing_is_served() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    key = made.host("one", "foo.com", **TLS, **ROUTE)
    made.mapping("a", hostname="foo.com")
    made.mapping("acme", hostname="foo.com", prefix="/.well-known/acme-challenge/")
    assert set(made.listeners) == {"default/https"}
    assert set(made.chains) == {"default/https/cleartext"}
    (host,) = made.virtual_hosts("default/https/cleartext").values()
    assert (host.hostname, host.secure, host.insecure, host.origins) == ("foo.com", "never", "reject", (key,))
    assert made.hosts_of("default/acme") == {host.name}


@pytest.mark.parametrize("model", ["INSECURE", "XFP"])
def test_who_rejects_insecure_requests_is_not_served_by_a_wider_name_however_it_is_spelled(model: str) -> None:
    made = https(securityModel=model)
    made.host("all", "*", **TLS, **ROUTE)
    made.host("one", "foo.com", **TLS, **REJECT)
    for name in spelled("foo.com"):
        assert made.answer(name) == 404
        assert made.answer(name, "x.com") == 421
    assert ("default/https/foo.com" in made.chains) == (model == "XFP")


def test_a_host_that_redirects_is_not_reached_in_clear_text_by_another_spelling_either() -> None:
    made = https()
    made.host("all", "*", **TLS, **ROUTE)
    made.host("one", "foo.com", **TLS)
    assert made.answer("FOO.com") == "default/one"
    assert {made.answer(name) for name in spelled("foo.com") if name.lower() != "foo.com"} == {404}


def test_a_change_of_a_host_touches_its_own_chain_those_of_wider_names_and_the_clear_text() -> None:
    made = https()
    for name in ("one.foo.com", "two.foo.com", "*.foo.com", "*.bar.com", "*.com", "*", "x.bar.com"):
        made.host(name.replace("*", "all"), name, **TLS)
    made.sweep()
    made.host("new", "new.foo.com", **TLS)
    changed = {name.removeprefix("default/https/") for name in made.sweep().changed(made.emissary.chains)}
    assert changed == {"new.foo.com", "*.foo.com", "*.com", "*", "cleartext"}
