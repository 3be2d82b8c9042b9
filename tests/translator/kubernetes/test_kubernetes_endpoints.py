"""Endpoints as they are read, and the addresses of a Service without ports."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.decode import Invalid
from translator.kubernetes.endpoint_slice import (
    EndpointSlice,
    SliceEndpoint,
    addresses_of,
    endpoint_slice_of,
    ip_literal,
)
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


GOOD = ["10.0.0.1", "10.0.0.2", "255.255.255.255", "0.0.0.0", "::1"]
BAD = ["256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4 ", "1.2.3.4\n", "a", "", "\u0661.2.3.4", "1.2.3.4/8"]
TEXTS = st.sampled_from([*GOOD, *BAD])
ANSWERS = st.sampled_from([True, False, None, 0, 1, "true", []])
CONDITIONS = st.one_of(st.none(), st.just([]), st.dictionaries(st.sampled_from(["ready", "serving", "x"]), ANSWERS))
ENDPOINT = st.fixed_dictionaries(
    {"addresses": st.one_of(st.lists(TEXTS, max_size=2), st.sampled_from([None, "10.0.0.1", [5], {}]))},
    optional={"conditions": CONDITIONS, "nodeName": st.just("n")},
)


@given(st.lists(st.one_of(ENDPOINT, st.sampled_from([None, 5, {}])), max_size=3))
def test_endpoints_that_are_read_at_once_are_what_the_decoder_says(given: list[Any]) -> None:
    """Beside an endpoint that must be looked at closer, all are."""
    port = {"name": "http", "port": 8080}
    document = {"metadata": METADATA, "addressType": "IPv4", "ports": [port], "endpoints": given}
    closer = {"addresses": ["10.9.9.9"], "conditions": {}, "nodeName": None}
    unusual = {**closer, "addresses": ["10.9.9.9", "10.9.9.10"]}
    here = endpoint_slice_of("team", document)
    there = endpoint_slice_of("team", {**document, "endpoints": [*given, unusual]})
    if isinstance(there, EndpointSlice):
        assert isinstance(here, EndpointSlice)
        assert there == replace(here, endpoints=(*here.endpoints, SliceEndpoint("10.9.9.9", ready=True, serving=True)))
    else:
        assert here == there


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True) | TEXTS)
def test_an_address_is_what_the_standard_library_says(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        with pytest.raises(Invalid):
            ip_literal(text)
    else:
        assert ip_literal(text) == text
