"""Endpoints as they are read, and the addresses of a Service without ports."""

from typing import Any

from translator.kubernetes.endpoint_slice import EndpointSlice, SliceEndpoint, addresses_of, endpoint_slice_of
from translator.kubernetes.endpoints import slices_of
from translator.kubernetes.service import NamedPort, Service, service_of

METADATA = {"name": "quote", "namespace": "team", "labels": {"kubernetes.io/service-name": "quote"}}


def endpoints(*subsets: dict[str, Any]) -> tuple[object, ...]:
    return slices_of("team", "quote", {"metadata": METADATA, "subsets": list(subsets)})


def test_each_subset_is_a_slice() -> None:
    first = {
        "addresses": [{"ip": "10.0.0.1", "nodeName": "n"}],
        "notReadyAddresses": [{"ip": "10.0.0.2"}],
        "ports": [{"name": "http", "port": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}],
    }
    ready = SliceEndpoint("10.0.0.1", ready=True, serving=True)
    other = SliceEndpoint("10.0.0.2", ready=False, serving=False)
    assert endpoints(first, {"addresses": [{"ip": "10.0.0.1"}]}) == (
        EndpointSlice("team", "quote", (("http", 8080),), (ready, other)),
        EndpointSlice("team", "quote", (), (ready,)),
    )
    assert endpoints() == ()


def test_what_is_wrong_with_endpoints_is_told() -> None:
    (problem,) = endpoints({"addresses": [{"ip": "quote.test"}]})
    assert str(getattr(problem, "path", "")) == "subsets[0].addresses[0].ip"
    (problem,) = slices_of("team", "quote", {"metadata": METADATA, "subsets": 5})
    assert str(getattr(problem, "path", "")) == "subsets"


def test_a_service_without_ports_is_asked_at_the_wanted_one() -> None:
    document = {
        "metadata": METADATA,
        "addressType": "IPv4",
        "ports": [{"name": "", "port": None}],
        "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"], "conditions": {"ready": False}}],
    }
    found = endpoint_slice_of("team", document)
    assert isinstance(found, EndpointSlice)
    headless = service_of("team", "quote", {"metadata": METADATA, "spec": {"clusterIP": "None"}})
    assert headless == Service("team", "quote", ())
    assert addresses_of(headless, [found], 8123) == (("10.0.0.1", 8123),)
    with_ports = Service("team", "quote", (NamedPort("", 80),))
    assert addresses_of(with_ports, [found], 8123) == ()
