"""The Services of Gateways: which ports of Envoy they lead to, and what is written."""

from dataclasses import replace

import orjson
import pytest

from reporter.services import (
    ADDRESSES,
    FIRST,
    LAST,
    OWNER,
    PROVISIONED,
    SELECTED_BY,
    SERVES,
    SERVES_GATEWAY,
    FullError,
    Given,
    Service,
    Wish,
    document_of,
    service_of,
    wish_of,
)
from snapshot import Record
from tests.reporter.words import service_said
from translator.gateway import dedicated

HTTP, HTTPS = ("TCP", 80), ("TCP", 443)


def wish(name: str = "gateway-a", **targets: int) -> Wish:
    """`p80=0`: a port without a target."""
    ports = {("TCP", int(port[1:])): target for port, target in targets.items()}
    return Wish(name, "ours", {"team": "a"}, {}, {"app": "us"}, "", ports)


def service(name: str, *targets: int) -> Service:
    return Service(name, "default/x", "ours", {("TCP", 80 + place): target for place, target in enumerate(targets)})


def test_each_port_leads_where_nobody_elses_does() -> None:
    given = Given()
    given.keep(service("gateway-b", FIRST, FIRST + 2))
    assert given.targets(wish(p80=0, p443=0)) == {HTTP: FIRST + 1, HTTPS: FIRST + 3}


def test_a_port_stays_where_it_is() -> None:
    given = Given()
    given.keep(service("gateway-a", 20_500))
    assert given.targets(wish(p80=0, p443=0)) == {HTTP: 20_500, HTTPS: FIRST}
    assert given.targets(wish(p80=20_700)) == {HTTP: 20_700}  # as whoever serves it has seen


def test_what_is_given_back_is_given_again_but_last() -> None:
    given = Given()
    given.keep(Service("gateway-b", "", "", given.targets(wish("gateway-b", p80=0))))
    given.forget("gateway-b")
    assert given.targets(wish(p80=0)) == {HTTP: FIRST + 1}
    given.keep(service("gateway-c", *range(FIRST + 1, LAST + 1)))
    assert given.targets(wish(p80=0)) == {HTTP: FIRST}
    given.keep(service("gateway-d", FIRST))
    with pytest.raises(FullError):
        given.targets(wish(p80=0))


def test_what_is_written_is_read_again() -> None:
    made = wish("gateway-a", p80=0, p443=0)
    document = document_of(made, "default/web", {HTTP: 20_000, HTTPS: 20_001}, "ambassador", "default")
    assert service_of(document) == Service("gateway-a", "default/web", "ours", {HTTP: 20_000, HTTPS: 20_001}, "default")
    assert document["metadata"]["labels"] == {"team": "a", "getambassador.io/serves": "gateway"}
    assert "loadBalancerIP" not in document["spec"]
    asked = Wish("gateway-a", "ours", {}, {}, {}, "192.0.2.1", {})
    assert document_of(asked, "default/web", {}, "ambassador", "default")["spec"]["loadBalancerIP"] == "192.0.2.1"


def test_a_gateway_without_addresses_of_its_own_is_to_have_none() -> None:
    assert wish_of(None) is None
    assert wish_of(Record("1", orjson.dumps({"gateway": {"conditions": []}}), {})) is None
    said = service_said("gateway-a", **{"class": "ours"}, labels={"team": "a"})
    record = Record("1", orjson.dumps({"gateway": {"service": said}}), {})
    assert wish_of(record) == wish(p80=0)


def test_of_two_that_were_given_one_port_one_goes_elsewhere_and_one_stays() -> None:
    given = Given()
    given.keep(service("gateway-a", FIRST))
    given.keep(service("gateway-b", FIRST))
    moved = given.targets(wish(p80=FIRST))
    assert moved == {HTTP: FIRST + 1}
    given.keep(Service("gateway-a", "", "", moved))
    assert given.targets(wish("gateway-b", p80=FIRST)) == {HTTP: FIRST}
    given.forget("gateway-b")
    assert given.targets(wish("gateway-c", p80=FIRST)) == {HTTP: FIRST}


def test_a_port_is_given_to_no_second_port_of_the_same_service() -> None:
    assert Given().targets(wish(p80=0, p443=FIRST)) == {HTTP: FIRST + 1, HTTPS: FIRST}


def test_what_others_have_is_not_given() -> None:
    given = Given()
    avoiding = Wish("gateway-a", "ours", {}, {}, {}, "", {HTTP: 0}, frozenset({FIRST}))
    assert given.targets(avoiding) == {HTTP: FIRST + 1}
    given.keep(Service("gateway-a", "default/x", "ours", {HTTP: FIRST}))  # and they have it since
    assert given.targets(avoiding) == {HTTP: FIRST + 2}


def test_both_parts_know_these_services_by_the_same_label_and_ports() -> None:
    assert (SERVES, SERVES_GATEWAY) == (dedicated.SERVES, dedicated.SERVES_GATEWAY)
    assert (FIRST, LAST, OWNER) == (dedicated.FIRST, dedicated.LAST, dedicated.OWNER)
    assert (ADDRESSES, PROVISIONED) == (dedicated.LABEL, dedicated.PROVISIONED)
    assert SELECTED_BY == dedicated.SELECTED_BY


def test_a_provisioned_gateway_has_its_ports_as_they_are_and_none_of_our_envoys() -> None:
    made = replace(wish(p80=0, p443=0), is_provisioned=True)
    given = Given()
    targets = given.targets(made)
    assert targets == {HTTP: 80, HTTPS: 443}
    there = service_of(document_of(made, "default/web", targets, "ambassador", "default"))
    assert there == Service("gateway-a", "default/web", "ours", {}, "default", is_provisioned=True)
