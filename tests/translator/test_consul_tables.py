"""What Consul's answers become: endpoints that Envoy takes, and what is told."""

import orjson

from tests.translator.emissary.world import world
from translator.consul.tables import answer_of_assignment, key_of
from translator.ir import ConsulService
from translator.xds.names import assignment_name

WEB = ConsulService("", "dc1", "web")


def test_names_are_no_addresses_and_the_others_serve() -> None:
    made = world()
    places = [("10.0.0.1", 80), ("web.example.com", 80), ("fd00::1", 80), ("10.0.0.2", 0), ("127.0.0.1", 8877)]
    body = {
        "address": "",
        "datacenter": "dc1",
        "service": "web",
        "endpoints": [{"address": address, "port": port} for address, port in places],
    }
    key = key_of(WEB)
    made.tables.sweep({made.consul.sources["consul/Endpoints"]: {key: orjson.dumps(body)}})
    assert made.consul.endpoints.view()[WEB] == (("10.0.0.1", 80), ("fd00::1", 80))
    assert [problem.path for problem in made.consul.problems.view()[key]] == ["endpoints[1]", "endpoints[3]"]
    told = made.consul.troubles.view()[WEB]
    assert told == "its instance at 127.0.0.1:8877 leads to Dragoman's diagnostics, and gets no requests"


def test_an_answer_of_another_shape_is_told() -> None:
    made = world()
    key = key_of(WEB)
    made.tables.sweep({made.consul.sources["consul/Endpoints"]: {key: b'{"endpoints": 5}'}})
    assert made.consul.problems.view()[key][0].stops
    assert made.consul.endpoints.view() == {}


def test_endpoints_lead_back_to_the_answer() -> None:
    for service in (WEB, ConsulService("consul:8500", "dc1", "web")):
        assert answer_of_assignment(assignment_name(service)) == key_of(service)
    assert answer_of_assignment("k8s/default/web/80") is None
