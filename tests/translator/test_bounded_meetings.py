"""Where many things meet, the work grows with their number and not with its square.

Counted is what is called, so that the machine does not matter: for four times as many, linear is 4, quadratic 16.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tests.fuzz.worlds import good_world, key_of
from tests.support.calls import calls_of
from translator.emissary.own_ports import overlap
from translator.emissary.tcp_ports import PortClaim, losing
from translator.options import Options, OwnPort
from translator.translation import Translation

FEW = 150
MOST_RATIO = 7

Objects = Iterator[dict[str, Any]]


def an_object(kind: str, name: str, spec: dict[str, Any], version: str = "getambassador.io/v3alpha1") -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "team"}, "spec": spec}


def a_slice(ports: list[dict[str, Any]], endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"name": "many", "namespace": "team", "labels": {"kubernetes.io/service-name": "many"}}
    made = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
    return {**made, "addressType": "IPv4", "ports": ports, "endpoints": endpoints}


def a_mapping(name: str, service: str) -> dict[str, Any]:
    return an_object("Mapping", name, {"hostname": "one.team.test", "prefix": f"/{name}/", "service": service})


def address(number: int) -> str:
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def tcp_mappings_at_one_port(many: int) -> Objects:
    for number in range(many):
        spec = {"port": 5432, "address": address(number), "service": "quote"}
        yield an_object("TCPMapping", f"t{number}", spec)


def ports_of_one_number_that_is_ours(many: int) -> Objects:
    yield an_object("Service", "many", {"ports": [{"port": 80}]}, "v1")
    yield a_mapping("m", "many")
    ports = [{"port": 8877, "name": f"n{number}"} for number in range(many)]
    yield a_slice(ports, [{"addresses": [address(number)]} for number in range(many)])


MEETINGS: tuple[Callable[[int], Objects], ...] = (
    tcp_mappings_at_one_port,
    ports_of_one_number_that_is_ours,
)


def cost(made: Objects) -> int:
    diagnostics = OwnPort("127.0.0.1", 8877, "the diagnostics", closed=True)
    translation = Translation(Options(own_ports=(diagnostics,)), {})
    translation.objects_changed(0.0, good_world())
    objects = {key_of(document): orjson.dumps(document) for document in made}
    return calls_of(lambda: translation.objects_changed(1.0, objects))


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.__name__)
def test_four_times_as_many_cost_four_times_as_much(meeting: Callable[[int], Objects]) -> None:
    assert cost(meeting(4 * FEW)) < MOST_RATIO * cost(meeting(FEW))


ADDRESSES = ("0.0.0.0", "10.0.0.1", "127.0.0.1", "::", "::1", "fd00::1", "a.test", "b.test")


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_whose_port_it_is_follows_from_which_addresses_overlap(count: int) -> None:
    for addresses in itertools.permutations(ADDRESSES, count):
        claims = {one: PortClaim(one, f"{number}", one) for number, one in enumerate(addresses)}
        kept: list[str] = []
        expected = {}
        for one in addresses:
            winner = next((other for other in kept if overlap(other, one)), None)
            if winner is None:
                kept.append(one)
            else:
                expected[one] = claims[winner]
        assert losing(claims) == expected
