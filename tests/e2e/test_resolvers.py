"""Resolvers: the endpoints of a Service, its name in DNS, and the healthy instances that Consul knows."""

from collections.abc import Iterator

import pytest

from tests.e2e.test_upstreams import spoken
from tests.support.consul import ConsulServer
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, endpoint_slice, host, mapping, service
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


@pytest.fixture
def consul() -> Iterator[ConsulServer]:
    with ConsulServer("east") as server:
        yield server


def resolver(name: str, consul: ConsulServer, datacenter: str = "east") -> str:
    return an_object("ConsulResolver", name, {"address": consul.address, "datacenter": datacenter})


def told(gateway: Gateway, key: str) -> list[str]:
    """What is said of an object, as path and sentence."""
    problems = gateway.diag()["objects"].get(f"getambassador.io/{key}", {}).get("problems", [])
    return [f"{one['path']} {one['message']}" for one in problems]


def serving(gateway: Gateway, name: str, path: str = "/") -> set[str]:
    answers = [gateway.request(name, path) for _ in range(8)]
    return {one.json()["upstream"] if one.text.startswith("{") else str(one.status_code) for one in answers}


def test_a_service_of_consuls_is_reached_at_its_healthy_instances_as_they_come_and_go(
    gateway: Gateway, consul: ConsulServer, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name = "consul.test"
    consul.register("web", "127.0.0.1", red.port, called="red")
    texts = resolver("catalog", consul) + host(name, name) + mapping("catalog", name, "web", resolver="catalog")
    with gateway.applied(name, texts):
        assert gateway.wait_served(name).json()["upstream"] == "red"
        wait_until(lambda: told(gateway, "Mapping/default/catalog") == [], what="nothing to be told")
        consul.register("web", "", blue.port, called="blue", node="127.0.0.1")
        wait_until(lambda: serving(gateway, name) == {"red", "blue"}, what="the second instance, at its node")
        consul.register("web", "127.0.0.1", red.port, called="red", passing=False)
        wait_until(lambda: serving(gateway, name) == {"blue"}, what="the healthy one alone")
        consul.restart()
        consul.register("web", "127.0.0.1", red.port, called="red")
        wait_until(lambda: serving(gateway, name) == {"red", "blue"}, what="both, after the index went back")
        consul.deregister("web", "red")
        consul.deregister("web", "blue")
        gateway.wait_served(name, status=503)
        wait_until(lambda: "no healthy instance" in str(told(gateway, "Mapping/default/catalog")), what="it told")
    wait_until(lambda: gateway.request(name).status_code == 404, what="the Mapping gone")
    wait_until(lambda: consul.waiting == 0, what="nobody asks for what nobody wants")


def test_what_consul_said_last_stays_while_it_cannot_be_asked(
    gateway: Gateway, consul: ConsulServer, red: HttpUpstream
) -> None:
    name = "consul-away.test"
    consul.register("web", "127.0.0.1", red.port)
    texts = resolver("away", consul) + host(name, name) + mapping("away", name, "web", resolver="away")
    with gateway.applied(name, texts):
        gateway.wait_served(name)
        consul.broken = True
        consul.register("other", "127.0.0.1", 1)
        consul.register("web", "127.0.0.1", red.port, called="again")
        said = "Consul cannot be asked: it answers 500 No cluster leader; what it said last stays"
        wait_until(lambda: said in str(told(gateway, "Mapping/default/away")), what="the trouble told")
        assert gateway.request(name).status_code == 200
        gateway.kill("watcher")
        wait_until(lambda: gateway.pid_of("watcher"), what="another watcher")
        assert gateway.request(name).status_code == 200
        consul.broken = False
        wait_until(lambda: told(gateway, "Mapping/default/away") == [], what="the trouble over")


def test_the_wrong_datacenter_is_told(gateway: Gateway, consul: ConsulServer) -> None:
    name = "consul-west.test"
    texts = resolver("west", consul, "west") + host(name, name) + mapping("west", name, "web", resolver="west")
    with gateway.applied(name, texts):
        gateway.wait_served(name, status=503)
        wait_until(lambda: "No path to datacenter" in str(told(gateway, "Mapping/default/west")), what="it told")


def test_a_tcp_mapping_and_the_module_have_resolvers_too(
    gateway: Gateway, consul: ConsulServer, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name, port = "consul-module.test", unused_port()
    consul.register("web", "127.0.0.1", red.port)
    module = an_object("Module", "ambassador", {"config": {"resolver": "whole"}})
    with TcpUpstream("tcp") as upstream:
        consul.register("lines", "127.0.0.1", upstream.port)
        texts = (
            resolver("whole", consul)
            + host(name, name)
            + mapping("by-module", name, "web", "/module/")
            + mapping("by-itself", name, blue.service, "/own/", resolver="endpoint")
            + an_object("TCPMapping", "lines", {"port": port, "service": "lines", "resolver": "whole"})
        )
        with gateway.applied(name, texts), gateway.applied("resolving", module):
            assert gateway.wait_served(name, "/module/").json()["upstream"] == "red"
            assert gateway.wait_served(name, "/own/").json()["upstream"] == "blue"
            wait_until(lambda: spoken(port), what="a line").close()


def test_the_environment_says_where_consul_is_and_what_it_is_shown(red: HttpUpstream) -> None:
    with ConsulServer(token="secret") as consul:
        consul.register("web", "127.0.0.1", red.port)
        given = {"CONSUL_HTTP_ADDR": consul.address, "CONSUL_HTTP_TOKEN": "secret", "CONSUL_PORT": str(consul.port)}
        with Gateway(environ=given) as gateway:
            spec = {"address": "127.0.0.1:$CONSUL_PORT", "datacenter": "dc1"}
            texts = (
                an_object("ConsulResolver", "expanded", spec)
                + mapping("built-in", "*", "web", "/built-in/", resolver="consul")
                + mapping("expanded", "*", "web", "/expanded/", resolver="expanded")
            )
            gateway.apply("built-in", texts)
            assert gateway.wait_served("some.test", "/built-in/").json()["upstream"] == "red"
            assert gateway.wait_served("some.test", "/expanded/").json()["upstream"] == "red"
            assert consul.shown == {"secret"}
            stranger = an_object(
                "ConsulResolver", "stranger", {"address": f"localhost:{consul.port}", "datacenter": "dc1"}
            )
            with gateway.applied("stranger", stranger + mapping("stranger", "*", "web", "/s/", resolver="stranger")):
                wait_until(lambda: "403 Permission" in str(told(gateway, "Mapping/default/stranger")), what="it told")
                assert consul.shown == {"secret", ""}, "whoever names another Consul does not get the token"
            consul.token = "another"
            consul.register("web", "127.0.0.1", red.port, called="more")
            wait_until(
                lambda: "403 Permission denied" in str(told(gateway, "Mapping/default/built-in")), what="it told"
            )
            assert gateway.request("some.test", "/built-in/").status_code == 200


def test_an_instance_at_our_own_diagnostics_gets_nothing(
    gateway: Gateway, consul: ConsulServer, red: HttpUpstream
) -> None:
    name = "consul-own.test"
    consul.register("web", "127.0.0.1", gateway.diagnostics_port, called="own")
    texts = resolver("own", consul) + host(name, name) + mapping("own", name, "web", rewrite="", resolver="own")
    with gateway.applied(name, texts):
        wait_until(lambda: ("web", "east", 0) in consul.asked, what="the question")
        consul.register("web", "127.0.0.1", red.port, called="red")
        wait_until(lambda: "red" in serving(gateway, name), what="the other instance")
        assert serving(gateway, name) == {"red"}


@pytest.mark.parametrize("named", ["kubernetes-service", "by-name"])
def test_a_service_resolver_asks_dns(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream, named: str) -> None:
    """Envoy knows by itself that every name below `localhost` is this machine: such a Service needs no DNS here."""
    name = "by-name.test"
    objects = service("web", {"web": red.port}) + endpoint_slice(
        "web", "web", {"web": blue.port}, {"addresses": ["127.0.0.1"]}
    )
    texts = (
        an_object("KubernetesServiceResolver", "by-name", {})
        + an_object("KubernetesEndpointResolver", "at-pods", {})
        + objects.replace('"namespace": "default"', '"namespace": "localhost"')
        + host(name, name)
        + mapping("by-name", name, f"web.localhost:{red.port}", "/name/", resolver=named)
        + mapping("at-pods", name, f"web.localhost:{red.port}", "/pods/", resolver="at-pods")
        + mapping("unsaid", name, f"web.localhost:{red.port}", "/unsaid/")
    )
    with gateway.applied(name, texts):
        assert gateway.wait_served(name, "/name/").json()["upstream"] == "red"
        assert gateway.wait_served(name, "/pods/").json()["upstream"] == "blue"
        assert gateway.wait_served(name, "/unsaid/").json()["upstream"] == "blue"


def test_an_unknown_resolver_stops_its_mapping_alone(gateway: Gateway, red: HttpUpstream) -> None:
    name = "no-resolver.test"
    texts = (
        host(name, name)
        + mapping("nobody", name, red.service, "/nobody/", resolver="nobody")
        + mapping("good", name, red.service, "/good/", resolver="endpoint")
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/good/")
        assert gateway.request(name, "/nobody/").status_code == 404
        assert told(gateway, "Mapping/default/nobody") == [
            "spec.resolver names the resolver nobody, which does not exist"
        ]
