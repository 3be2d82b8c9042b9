"""What a `service` means, and how it is spoken to."""

import pytest

from tests.support.certificates import authority
from tests.translator.emissary.world import World, world
from translator.decode import Invalid
from translator.emissary.service_names import kubernetes_service, parse, qualified
from translator.ir import Addresses, Backend, DnsName, SecretRef, ServicePort, Target, TlsVersions, UpstreamTls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo", (None, "foo", None, "")),
        ("foo:8080", (None, "foo", 8080, "")),
        ("HTTP://foo.bar:1", ("http", "foo.bar", 1, "")),
        ("https://foo", ("https", "foo", None, "")),
        ("[::1]:80", (None, "::1", 80, "")),
        ("10.0.0.1", (None, "10.0.0.1", None, "")),
        ("http://foo/bar/baz", ("http", "foo", None, "/bar/baz")),
        ("foo.bar.svc.cluster.local.", (None, "foo.bar.svc.cluster.local.", None, "")),
    ],
)
def test_a_service_is_a_scheme_a_host_and_a_port(text: str, expected: tuple[object, ...]) -> None:
    found = parse(text)
    assert (found.scheme, found.host, found.port, found.path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://foo", "must have the scheme http or https, or none, not 'ftp'"),
        ("foo:http", "must have a port from 1 to 65535, not 'http'"),
        ("foo:0", "must have a port from 1 to 65535, not '0'"),
        ("foo:65536", "must have a port from 1 to 65535, not '65536'"),
        ("foo:", "must have a port from 1 to 65535, not ''"),
        ("::1", "must name a host, not '::1'"),
        ("[::g]", "must have an IPv6 address in its brackets, not '[::g]'"),
        ("http://", "must name a host, not 'http://'"),
        ("foo bar", "must be a host name, not 'foo bar'"),
        ("a" * 64, f"must be a host name, not '{'a' * 57}...'"),
        ("foo%2Fbar", "must be a host name, not 'foo%2Fbar'"),
        ("foo[1]", "must be [scheme://]host[:port], not 'foo[1]'"),
    ],
)
def test_what_is_no_service_is_told(text: str, message: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse(text)
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("foo", ("here", "foo")),
        ("foo.bar", ("bar", "foo")),
        ("foo.bar.svc", ("bar", "foo")),
        ("foo.bar.svc.cluster.local", ("bar", "foo")),
        ("foo.bar.svc.my.domain.", ("bar", "foo")),
        ("www.example.com", None),
        ("localhost", None),
    ],
)
def test_which_kubernetes_service_a_host_stands_for(host: str, expected: tuple[str, str] | None) -> None:
    assert kubernetes_service(host, "here") == expected


def test_an_unqualified_name_is_one_of_the_mappings_namespace() -> None:
    assert qualified("foo", "here", "own") == "foo.here"
    assert qualified("foo", "own", "own") == "foo"
    assert qualified("localhost", "here", "own") == "localhost"
    assert qualified("foo.bar", "here", "own") == "foo.bar"


def test_a_service_that_is_known_is_its_endpoints_and_another_is_left_to_dns() -> None:
    made = world()
    made.mapping("a", service="quote:8080")
    made.mapping("b", prefix="/b", service="www.example.com")
    made.mapping("c", prefix="/c", service="10.1.2.3:81")
    made.mapping("d", prefix="/d", service="http://[fd00::1]")
    assert made.backend("default/a") == Backend(DnsName("quote", 8080))
    made.service("quote", 8080)
    assert made.backend("default/a") == Backend(ServicePort("default", "quote", 8080))
    assert made.backend("default/b") == Backend(DnsName("www.example.com", 80))
    assert made.backend("default/c") == Backend(Addresses((("10.1.2.3", 81),)))
    assert made.backend("default/d") == Backend(Addresses((("fd00::1", 80),)))


def test_names_are_looked_up_where_the_mapping_is_unless_the_module_says_in_our_namespace() -> None:
    made = world()
    made.mapping("a", service="quote", namespace="other")
    assert made.backend("other/a") == Backend(DnsName("quote.other", 80))
    made.service("quote", 80)
    made.service("quote", 80, namespace="other")
    assert made.backend("other/a") == Backend(ServicePort("other", "quote", 80))
    made.module(use_ambassador_namespace_for_service_resolution=True)
    assert made.backend("other/a") == Backend(ServicePort("default", "quote", 80))


ASKING = {
    "AuthService": {"auth_service": "asked"},
    "RateLimitService": {"service": "asked", "protocol_version": "v3"},
    "LogService": {"service": "asked", "driver": "http"},
    "TracingService": {"service": "asked", "driver": "zipkin"},
}


@pytest.mark.parametrize("kind", ASKING)
def test_who_is_asked_by_the_gateway_is_looked_up_in_its_own_namespace(kind: str) -> None:
    made = world()
    made.put(kind, "a", ASKING[kind], namespace="other")

    def target() -> Target:
        made.sweep()
        filters = [row.value.backend for row in made.emissary.filters.view().values() if hasattr(row.value, "backend")]
        features = [feature for chain in made.chains.values() for feature in chain.body.options.features]  # type: ignore[union-attr]
        (found,) = {*filters, *[feature.backend for feature in features if hasattr(feature, "backend")]}
        return found.target  # type: ignore[no-any-return]

    assert target() == DnsName("asked", 80)
    made.service("asked", 80, namespace="other")
    assert target() == DnsName("asked", 80)
    made.service("asked", 80)
    assert target() == ServicePort("default", "asked", 80)
    made.put(kind, "a", {**ASKING[kind], next(iter(ASKING[kind])): "asked.other"}, namespace="other")
    assert target() == ServicePort("other", "asked", 80)


def test_an_external_name_is_left_to_dns() -> None:
    made = world()
    made.service("quote", type="ExternalName", externalName="quote.example.com")
    made.mapping("a", service="quote:8080")
    assert made.backend() == Backend(DnsName("quote.example.com", 8080))


def test_a_port_that_the_service_has_not_is_told_and_leads_nowhere() -> None:
    made = world()
    made.service("quote", 8080, 9090)
    key = made.mapping("a", service="quote")
    assert made.backend() == Backend(ServicePort("default", "quote", 80))
    assert made.problems(key) == {
        "spec.service": "warning: leads nowhere: the Service default/quote has no port 80, only 8080, 9090"
    }
    made.service("quote", 80)
    assert made.problems(key) == {}


def test_a_path_has_no_effect_and_is_told() -> None:
    made = world()
    key = made.mapping("a", service="http://www.example.com/api")
    assert made.problems(key) == {"spec.service": "warning: has a path, /api, which has no effect"}
    assert made.backend() == Backend(DnsName("www.example.com", 80))


def test_how_a_service_is_spoken_to() -> None:
    made = world()
    made.mapping("a", grpc=True, connect_timeout_ms=500, cluster_tag="blue")
    assert made.backend() == Backend(DnsName("quote", 80), "http2", connect_timeout_ms=500, tag="blue")


def test_https_is_tls_that_checks_nobody_on_port_443() -> None:
    made = world()
    made.mapping("a", service="https://quote")
    made.mapping("b", prefix="/b", service="https://quote", grpc=True)
    assert made.backend("default/a") == Backend(DnsName("quote", 443), tls=UpstreamTls("quote"))
    assert made.backend("default/b") == Backend(DnsName("quote", 443), "http2", tls=UpstreamTls("quote", alpn=("h2",)))


def test_tls_by_a_context() -> None:
    made = world()
    made.secret("client")
    made.secret_of("ca", {"tls.crt": authority().pair.certificate})
    made.put(
        "TLSContext",
        "upstream",
        secret="client.default",
        ca_secret="ca",
        sni="quote.example.com",
        min_tls_version="v1.2",
        alpn_protocols="h2,http/1.1",
    )
    made.mapping("a", tls="upstream")
    assert made.backend() == Backend(
        DnsName("quote", 443),
        tls=UpstreamTls(
            sni="quote.example.com",
            ca=SecretRef("default", "ca"),
            certificate=SecretRef("default", "client"),
            versions=TlsVersions("v1.2"),
            alpn=("h2", "http/1.1"),
        ),
    )


def test_a_context_wins_over_http_and_is_told() -> None:
    made = world()
    made.put("TLSContext", "plain")
    key = made.mapping("a", service="http://quote", tls="plain")
    assert made.backend().tls == UpstreamTls("quote")
    assert made.problems(key) == {"spec.tls": "warning: wins over the http:// of service: TLS is spoken"}


def test_an_unknown_or_stopped_context_stops_the_mapping_rather_than_speak_clear_text() -> None:
    made = world()
    unknown = made.mapping("a", tls="nowhere")
    stopped = made.mapping("b", tls="broken")
    broken = made.put("TLSContext", "broken", secret="missing")
    assert made.routes() == []
    assert made.problems(unknown) == {"spec.tls": "names the TLSContext nowhere, which does not exist"}
    missing = (
        "spec.secret names the Secret default/missing, which does not exist, may not be read, or holds no certificate"
    )
    assert made.problems(stopped) == {
        "spec.tls": f"names the TLSContext broken, which its own problems stop: {missing}"
    }
    said = "which does not exist, may not be read, or holds no certificate"
    assert made.problems(broken) == {"spec.secret": f"names the Secret default/missing, {said}"}
    made.secret("missing")
    assert made.names() == ["b"]


def test_of_contexts_of_one_name_the_mappings_own_namespace_goes_first() -> None:
    made = world()
    for namespace in ("a", "b", "c"):
        made.put("TLSContext", "ctx", namespace=namespace, sni=f"{namespace}.com")
    made.mapping("one", tls="ctx", namespace="b")
    made.mapping("two", prefix="/2", tls="ctx", namespace="x")
    made.mapping("three", prefix="/3", tls="ctx.c", namespace="x")
    found = [made.backend(name).tls for name in ("b/one", "x/two", "x/three")]
    assert [tls.sni if tls else None for tls in found] == ["b.com", "a.com", "c.com"]


def test_a_context_for_hosts_is_told_that_it_needs_one() -> None:
    made = World()
    key = made.put("TLSContext", "ctx", hosts=["foo.com"])
    assert made.problems(key) == {
        "spec.hosts": "warning: is for TCPMappings alone: without a Host, HTTP is not served by TLS"
    }
    made.host("any", "*")
    assert made.problems(key) == {}


@pytest.mark.parametrize(
    ("service", "missing"),
    [
        ("quote", "default/quote"),
        ("other", ""),
        ("quote.default", "default/quote"),
        ("quote.elsewhere.svc", "elsewhere/quote"),
        ("quote.elsewhere.svc.cluster.local:8080", "elsewhere/quote"),
        ("example.com", ""),
        ("api.example.com", ""),
        ("localhost", ""),
        ("1.2.3.4", ""),
    ],
)
def test_a_name_that_can_only_be_a_service_and_is_none_is_told(service: str, missing: str) -> None:
    made = world(service_namespaces=None)
    made.service("other", 80)
    key = made.mapping("a", service=service)
    said = f"warning: leads nowhere: there is no Service {missing}"
    assert made.problems(key) == ({"spec.service": said} if missing else {})
    if missing:
        namespace, _, name = missing.partition("/")
        made.service(name, 80, 8080, namespace=namespace)
        assert made.problems(key) == {}


def test_the_last_service_of_a_namespace_is_missed_by_name_where_its_mapping_is() -> None:
    made = world(service_namespaces=None)
    service = made.service("quote", 80)
    key = made.mapping("a", service="quote.default")
    assert made.problems(key) == {}
    made.delete(service)
    assert made.problems(key) == {"spec.service": "warning: leads nowhere: there is no Service default/quote"}


def test_where_not_all_services_are_seen_a_name_may_be_one() -> None:
    for namespaces in (frozenset[str](), frozenset({"elsewhere"})):
        made = world(service_namespaces=namespaces)
        assert made.problems(made.mapping("a", service="quote")) == {}, namespaces
    assert made.problems(made.mapping("b", service="quote.elsewhere.svc")) != {}


@pytest.mark.parametrize(
    ("service", "sni"),
    [
        ("https://quote", "quote"),
        ("https://quote.other.:8443", "quote.other"),
        ("https://api.example.com", "api.example.com"),
        ("https://10.0.0.1", None),
        ("https://[::1]:443", None),
        ("https://alias", "target.example.com"),
    ],
)
def test_a_service_is_asked_for_in_tls_by_its_name(service: str, sni: str | None) -> None:
    made = world()
    made.service("quote", 443)
    made.service("alias", type="ExternalName", externalName="target.example.com.")
    made.mapping("a", service=service)
    assert made.backend().tls == UpstreamTls(sni)


def test_a_service_of_whose_pods_nothing_is_known_is_left_to_dns_in_a_folder() -> None:
    body = {"spec": {"ports": [{"port": 80}]}}
    made = world()
    made.core("Service", "quote", body)
    key = made.mapping("a", service="quote")
    assert made.backend() == Backend(DnsName("quote", 80))
    assert "spec.service" not in made.problems(key)
    made.pods("quote")
    assert made.backend() == Backend(ServicePort("default", "quote", 80))
    made = world(service_namespaces=None)
    made.core("Service", "quote", body)
    made.mapping("a", service="quote")
    assert made.backend() == Backend(ServicePort("default", "quote", 80)), "in a cluster they would be known"


def test_a_headless_service_without_ports_is_asked_at_the_port_of_the_mapping() -> None:
    made = world()
    made.service("quote", clusterIP="None")
    key = made.mapping("a", service="quote:8123")
    assert made.backend() == Backend(ServicePort("default", "quote", 8123))
    assert "spec.service" not in made.problems(key)
