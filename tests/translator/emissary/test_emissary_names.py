"""A Host's name is its own whatever is wrong with the Host: nobody answers in its place."""

import pytest

from tests.support.broken_hosts import broken_hosts
from tests.support.certificates import authority
from tests.translator.emissary.test_emissary_reserved import ROUTE, spelled
from tests.translator.emissary.world import TLS, World, https, key_of
from translator.discerning import MOST_NAMES
from translator.emissary.hostnames import rank, wider
from translator.emissary.names import discerned

CLIENTS_CA = authority("Clients").pair.certificate


def shut_world() -> World:
    """A world with a Host for every name, and what broken Hosts name."""
    made = https()
    made.host("all", "*", **TLS, **ROUTE)
    made.secret("shut")
    made.secret_of("shut-ca", {"ca.crt": CLIENTS_CA})
    made.put("TLSContext", "shut", ca_secret="shut-ca", cert_required=True)
    made.put("TLSContext", "shut-stopped", ca_secret=5)
    return made


@pytest.mark.parametrize("hostnames", ["{}.shut.test", "*.{}.shut.test", "{}.shut.*"])
def test_whatever_stops_a_host_its_names_are_shut(hostnames: str) -> None:
    made = shut_world()
    hosts = broken_hosts(hostnames)
    keys = {hostname: made.put_document(document) for hostname, document in hosts.items()}
    for hostname, key in keys.items():
        assert any(problem.stops for problem in made.told(key)), hostname
        for name in spelled(hostname.replace("*", "x")):
            assert (made.answer(name), made.answer(name, "x.com"), made.answer(name, "")) == (404, 421, 421), name
            assert made.answer(name, hostname.replace("*", "x")) == 421
    assert made.answer("x.com") == made.answer("x.com", "x.com") == "default/all"


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"hostname": True}, "spec.hostname"),
        ({"hostname": {"name": "foo.com"}}, "spec.hostname"),
        ({"hostname": []}, "spec.hostname"),
        ({"hostname": "a*b.com"}, "spec.hostname"),
        ("foo.com", "spec"),
        (["foo.com"], "spec"),
    ],
)
def test_a_host_that_tells_no_name_says_that_none_is_shut(spec: object, path: str) -> None:
    made = shut_world()
    key = made.put("Host", "one", spec)
    told = [problem for problem in made.told(key) if problem.path == path]
    assert [problem.stops for problem in told] == [True, False]
    assert any("tells no name, so that none is shut" in problem.message for problem in told)
    assert made.answer("foo.com") == "default/all"


def test_a_host_without_a_hostname_is_for_every_name_also_while_it_is_stopped() -> None:
    made = https()
    made.put("Host", "all", {"tlsSecret": 5})
    made.host("one", "one.com", **TLS, **ROUTE)
    assert (made.answer("one.com"), made.answer("x.com"), made.answer("x.com", "one.com")) == ("default/one", 404, 421)
    made.host("below", "*.com", **ROUTE)
    assert made.answer("x.com") == "default/below"


def test_a_label_that_cannot_be_read_leaves_open_which_listeners_a_host_is_at() -> None:
    made = World()
    made.secret("tls")
    for name, selector in (("https", {"team": "a"}), ("other", {"tier": "x"})):
        binding = {"namespace": {"from": "ALL"}, "selector": {"matchLabels": selector}}
        made.listener(name, 8443 if name == "https" else 9443, protocol="HTTPS", hostBinding=binding)
    made.host("all", "*", labels={"team": "a", "tier": "x"}, **TLS, **ROUTE)
    one = made.host("one", "foo.com", labels={"team": 5, "tier": "y"}, **TLS)
    assert made.problems(one) == {"metadata.labels.team": "must be a string, not an integer: 5"}
    assert made.answer("foo.com", listener="default/https") == 404
    assert made.answer("foo.com", listener="default/other") == "default/all"
    made.host("one", "foo.com", labels={"team": "a", "tier": "y"}, **TLS)
    assert made.answer("foo.com", listener="default/https") == "default/one"


@pytest.mark.parametrize(
    ("expression", "may_have_it"),
    [
        ({"key": "team", "operator": "In", "values": ["a"]}, True),
        ({"key": "team", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "team", "operator": "Exists"}, True),
        ({"key": "team", "operator": "DoesNotExist"}, True),
        ({"key": "tier", "operator": "In", "values": ["x", "y"]}, True),
        ({"key": "tier", "operator": "NotIn", "values": ["y"]}, False),
        ({"key": "none", "operator": "Exists"}, False),
        ({"key": "none", "operator": "DoesNotExist"}, True),
    ],
)
def test_a_label_that_cannot_be_read_may_meet_any_expression(expression: dict[str, object], may_have_it: bool) -> None:
    made = World()
    made.secret("tls")
    binding = {"namespace": {"from": "ALL"}, "selector": {"matchExpressions": [expression]}}
    made.listener("https", 8443, protocol="HTTPS", hostBinding=binding)
    good = {"In": {"team": "a", "tier": "x"}, "NotIn": {"tier": "x"}, "Exists": dict.fromkeys(["team", "none"], "a")}
    made.host("all", "*", labels=good.get(str(expression["operator"]), {}), **TLS, **ROUTE)
    made.host("one", "foo.com", labels={"team": 5, "tier": "y"}, **TLS)
    assert made.answer("x.com") == "default/all"
    assert made.answer("foo.com") == (404 if may_have_it else "default/all")


def test_a_host_with_a_wrong_expression_keeps_its_name() -> None:
    made = shut_world()
    wrong = {"matchExpressions": [{"key": "team", "operator": "In"}]}
    key = made.host("one", "foo.com", mappingSelector=wrong, **TLS)
    assert made.problems(key) == {
        "spec.mappingSelector.matchExpressions[0].values": "must not be empty with the operator In"
    }
    assert (made.answer("foo.com"), made.answer("foo.com", "x.com"), made.answer("x.com")) == (404, 421, "default/all")


def test_a_host_of_an_older_version_keeps_its_name_while_it_is_wrong() -> None:
    made = shut_world()
    spec = {"hostname": "foo.com", "tls": {"alpn_protocols": 5}, "tlsSecret": {"name": "shut"}}
    made.put("Host", "one", spec, version="getambassador.io/v2")
    assert (made.answer("foo.com"), made.answer("foo.com", "x.com")) == (404, 421)


def test_what_is_left_of_a_host_that_envoy_refuses_stands_for_its_name() -> None:
    made = shut_world()
    made.mapping("a", hostname="foo.com")
    key = made.put_document({**broken_hosts("{}.test")["label.test"], "heldBack": True})
    assert made.problems(key)["metadata.name"] == "is held back, since Envoy refused it"
    assert (made.answer("label.test"), made.answer("label.test", "x.com")) == (404, 421)


# TCPMappings


def tcp(made: World, host: str) -> dict[str, str]:
    """The problems of a TCPMapping for a name."""
    return made.problems(made.put("TCPMapping", "tcp", port=8443, service="10.0.0.1:1", host=host))


@pytest.mark.parametrize("hostnames", ["{}.shut.test", "*.{}.shut.test", "{}.shut.test:8443"])
def test_no_tcp_mapping_has_the_tls_of_others_in_place_of_a_host_that_is_stopped(hostnames: str) -> None:
    made = shut_world()
    made.put("TLSContext", "lists", secret="tls", hosts=["x.shut.test"])
    for hostname, document in broken_hosts(hostnames).items():
        key = made.put_document(document)
        server = hostname.replace("*", "x").removesuffix(":8443")
        said = f"would have the TLS settings of Host {key.split('/', 2)[2]}, which its own problems stop"
        problems = tcp(made, server)
        assert problems.keys() == {"spec.host"}
        assert problems["spec.host"].partition(": ")[0] == said, "the reason may follow"
        assert f"default/https/{server}" not in made.chains
        made.delete(key)
        assert tcp(made, server) == {}


def test_no_tcp_mapping_goes_on_to_the_next_tls_context_when_its_own_is_stopped() -> None:
    made = World()
    made.secret("tls")
    made.put("TLSContext", "b", secret="tls", hosts=["db.test"])
    assert tcp(made, "db.test") == {}
    for spec in ({"hosts": ["db.test"], "cert_required": 5}, {"hosts": "DB.test", "secret": "tls"}):
        made.put("TLSContext", "a", spec)
        said = "would have the TLS settings of the TLSContext default/a, which its own problems stop"
        assert tcp(made, "db.test") == {"spec.host": said}


def test_of_wide_hosts_the_narrowest_gives_a_tcp_mapping_its_tls() -> None:
    made = World()
    made.listener("https", 8443, protocol="HTTPS")
    for name, hostname in (("all", "*"), ("wide", "*.test"), ("below", "*.a.test"), ("clear", "db.a.test")):
        made.secret(name)
        made.host(name, hostname, **({} if name == "clear" else {"tlsSecret": {"name": name}}))
    for server, secret in (("db.a.test", "below"), ("a.test", "wide"), ("test", "all")):
        assert tcp(made, server) == {}
        tls = made.chains[f"default/https/{server}"].tls
        assert tls is not None
        assert [each.name for each in tls.certificates] == [secret]


def test_a_tls_context_that_is_held_back_leaves_no_host_without_it() -> None:
    made = shut_world()
    made.put("TLSContext", "one-context", min_tls_version="v1.3")
    one = made.host("one", "foo.com", **TLS, **ROUTE)
    assert made.answer("foo.com", "foo.com") == "default/one"
    left = {"apiVersion": "getambassador.io/v3alpha1", "kind": "TLSContext", "metadata": {}, "spec": {}}
    made.put_document({**left, "heldBack": True}, key_of("TLSContext", "one-context"))
    assert set(made.problems(one)) == {"spec.tlsSecret"}
    assert made.answer("foo.com", "foo.com") == 421


# What is read as a name


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Foo.COM", ("foo.com",)),
        ("", ("*",)),
        ("https://foo.com/path", ("foo.com",)),
        ("foo.com:99999", ("foo.com",)),
        ("foo.com, bar.com", ("foo.com", "bar.com")),
        ("foo com", ("foo", "com")),
        ("foo.com!", ("foo.com",)),
        ("{{ foo.com }}", ("foo.com",)),
        ("~^foo.com$", ("foo.com",)),
        ("host=foo.com&bar.com", ("foo.com", "bar.com")),
        ("foo.com\u2026", ("foo.com",)),
        ("${HOST}.com", ()),
        ("%66oo.com", ()),
        (".foo.com", ("*.foo.com",)),
        ("*.foo.com/", ("*.foo.com",)),
        ("bücher.example", ("xn--bcher-kva.example",)),
        ("[::1]:99999", ("[::1]",)),
        (["foo.com", "bar.com:8443", 5], ("foo.com", "bar.com:8443")),
        (10.5, ("10.5",)),
        ("a*b.com", ()),
        ("x" * 254, ()),
        (True, ()),
        ({"name": "foo.com"}, ()),
        ([["foo.com"]], ()),
    ],
)
def test_names_are_read_in_what_is_no_hostname(written: object, names: tuple[str, ...]) -> None:
    assert discerned(written) == names


def test_looking_for_names_is_bounded() -> None:
    assert len(discerned("a.b," * 1_000_000)) == 1
    assert len(discerned([f"{number}.com" for number in range(100_000)])) == MOST_NAMES
    assert len(discerned(",".join(f"{number}.com" for number in range(1_000)))) == MOST_NAMES


def test_wider_names_and_who_of_them_is_closest() -> None:
    assert wider("a.b.com") == ("*.b.com", "*.com", "*")
    assert wider("*.b.com") == ("*.com", "*")
    assert wider("*b.com") == ("*.com", "*")
    assert (wider("b.*"), wider("*:80"), wider("*"), wider("[::1]:80")) == (("*",), ("*",), (), ("*",))
    closest = ["a.b.com", "*.b.com", "*b.com", "*.com", "a.b.*", "a*", "*"]
    assert sorted(set(closest), key=rank) == closest
