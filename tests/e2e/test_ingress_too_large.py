"""An Ingress of more hosts than are served: none of them is left to who has wider names, of a real Envoy."""

import pytest

from tests.e2e.test_whose_name import Connection
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, rule, told
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def test_its_hosts_are_shut_the_last_as_the_first(red: HttpUpstream) -> None:
    hosts = [f"n{number}.large.test" for number in range(5_500)]
    wide = ingress_class() + backing("large", red.port)
    wide += ingress("wide", rule("*.large.test", path("/", "large")), created="2001-01-01T00:00:00Z")
    ports = unused_ports(2)
    with Gateway(environ={"DRAGOMAN_INGRESS_PORTS": ",".join(map(str, ports))}) as gateway:
        gateway.settle("wide", wide)
        gateway.apply("large", ingress("large", *(rule(host, path("/", "large")) for host in hosts)))
        told(gateway, "large", "would become more than 5,000 paths")
        some = (*hosts[:5], *hosts[4_990:5_010], *hosts[-5:])

        def answers() -> set[int]:
            # The Listener changes its shape among so many routes, and asks older connections to end.
            with Connection(ports[0]) as clear:
                return {clear.ask(host) for host in some}

        wait_until(lambda: answers() == {503}, what="the first and the last are shut")
        with Connection(ports[0]) as clear:
            assert clear.ask("other.large.test") == 200
