"""Nothing leaks between namespaces: attacks of a stranger in a real cluster, by real requests to each replica.

Three namespaces: the owner's has the Gateway, the vault's keeps what is its own, and the stranger writes objects in one
of its own alone. Each attack is shown to be one: the same objects work as soon as they are allowed, and where that can
be taken back, no longer. That nothing came of it is said when each replica has seen it (`Estate.attempt`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster.gateway import Installed, gateway_api, tls_secret
from tests.e2e.leaks import CLASS, OWNER, STRANGER, VAULT, Estate, at, service_of_shop
from tests.support.gateway_api import api_gateway, document, grant, listener, route, rule, to
from tests.support.objects import an_object

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

NAMESPACE = f"/api/v1/namespaces/{STRANGER}"
EVERYBODY = [{"peer": "0.0.0.0/0"}]


@pytest.fixture(scope="module")
def estate(installed: Installed, gateway_api_release: Path) -> Iterator[Estate]:
    with gateway_api(installed.cluster, "dedicated-addresses"):
        made = Estate(installed)
        made.begin()
        yield made
        made.end()


def phishing(name: str, *hostnames: str, path: str = "/", section: str = "", where: str = STRANGER) -> str:
    """A route that sends whoever comes by the owner's Gateway to the stranger's page."""
    named = {"sectionName": section} if section else {}
    away = {"type": "RequestRedirect", "requestRedirect": {"hostname": "stranger.test", "statusCode": 302}}
    parents = [{"name": "web", "namespace": OWNER, **named}]
    return route(name, parents, rule(path, filters=[away]), hostnames=hostnames, namespace=where)


def test_a_namespace_that_is_not_chosen_attaches_no_route(estate: Estate) -> None:
    estate.attempt(phishing("friend", "shop.friends.test", section="friends"))
    assert estate.answers("shop.friends.test") == {"404"}
    estate.told(at("httproutes", "friend"), "NotAllowedByListeners")
    estate.patch(NAMESPACE, {"metadata": {"labels": {"let-in": "yes"}}})
    estate.becomes("shop.friends.test", "302")
    estate.patch(NAMESPACE, {"metadata": {"labels": {"let-in": None}}})
    estate.becomes("shop.friends.test", "404")


def test_a_listener_of_one_namespace_takes_no_path_of_another(estate: Estate) -> None:
    estate.attempt(phishing("path", "shop.own.test", path="/login"))
    assert estate.answers("shop.own.test", "/login") == {OWNER}
    estate.told(at("httproutes", "path"), "NoMatchingListenerHostname")
    estate.attempt(phishing("path", "shop.own.test", path="/login", where=OWNER))
    assert estate.answers("shop.own.test", "/login") == {"302"}


def test_a_route_has_no_hostname_that_its_listener_has_not(estate: Estate) -> None:
    """Not by naming it, and not by naming none."""
    named = phishing("outside", "shop.own.test", path="/outside", section="open")
    estate.attempt(named + phishing("nameless", path="/nameless", section="open"))
    assert estate.answers("shop.own.test", "/outside") == {OWNER}
    assert estate.answers("shop.own.test", "/nameless") == {OWNER}
    assert estate.answers("any.open.test", "/nameless") == {"302"}
    estate.told(at("httproutes", "outside"), "NoMatchingListenerHostname")
    estate.attempt(named.replace("shop.own.test", "shop.open.test"))
    assert estate.answers("shop.open.test", "/outside") == {"302"}


def test_a_hostname_with_a_listener_of_its_own_is_no_other_listeners(estate: Estate) -> None:
    """The listener for `*.open.test` takes everybody's routes, that for `pay.open.test` its own namespace's."""
    estate.attempt(phishing("isolated", "pay.open.test", "*.open.test", path="/isolated", section="open"))
    assert estate.answers("pay.open.test", "/isolated") == {OWNER}
    assert estate.answers("any.open.test", "/isolated") == {"302"}


def granted(
    name: str, source: str, where: str = VAULT, of: str = "HTTPRoute", kind: str = "Service", only: str = ""
) -> str:
    return grant(name, where, {"kind": of, "namespace": source}, kind, only or None)


def visiting(name: str, hostname: str, source: str, service: str = "shop") -> str:
    """A route to a Service of the vault's."""
    parents = [{"name": "web", "namespace": OWNER}]
    return route(name, parents, rule("/", to(service, namespace=VAULT)), hostnames=[hostname], namespace=source)


OTHERS_GRANT = (
    service_of_shop("fence-%", VAULT)
    + granted("fence-%", OWNER, only="fence-%")
    + visiting("fence-%", "fence-%.open.test", OWNER, "fence-%")
)
"""For the owner's routes, with one that uses it: who has seen this grant has seen those that were written before."""


def test_a_service_is_reached_by_the_grant_of_its_own_namespace_alone(estate: Estate) -> None:
    useless = (
        granted("own", STRANGER, where=STRANGER)
        + granted("of-another-kind", STRANGER, of="GRPCRoute")
        + granted("of-another-service", STRANGER, only="lobby")
        + granted("of-secrets", STRANGER, kind="Secret")
    )
    estate.attempt(useless + visiting("visit", "visit.open.test", STRANGER), OTHERS_GRANT, VAULT)
    assert estate.answers("visit.open.test") == {"500"}
    estate.told(at("httproutes", "visit"), "RefNotPermitted")
    estate.apply(granted("visitors", STRANGER, only="shop"))
    estate.becomes("visit.open.test", VAULT)
    estate.delete(VAULT, "referencegrant", "visitors")
    estate.becomes("visit.open.test", "500")


def test_a_certificate_is_shown_by_the_grant_of_its_own_namespace_alone(estate: Estate) -> None:
    """The stranger's Gateway has its own Secret, and would like the vault's."""

    def https(name: str, hostname: str, where: str) -> dict[str, object]:
        tls = {"certificateRefs": [{"name": "certificate", "namespace": where}]}
        return listener(name, 443, "HTTPS", hostname=hostname, tls=tls)

    secrets = [tls_secret(VAULT, "certificate", "vault.test"), tls_secret(STRANGER, "certificate", "thief.test")]
    thief = api_gateway(
        "thief",
        https("own", "thief.test", STRANGER),
        https("stolen", "vault.test", VAULT),
        namespace=STRANGER,
        gatewayClassName=CLASS,
    )
    useless = (
        granted("own-secrets", STRANGER, where=STRANGER, of="Gateway", kind="Secret")
        + granted("secrets-of-routes", STRANGER, kind="Secret")
        + granted("services-of-gateways", STRANGER, of="Gateway")
        + granted("another-secret", STRANGER, of="Gateway", kind="Secret", only="other")
    )
    estate.attempt("\n---\n".join((*secrets, useless + thief)), OTHERS_GRANT, VAULT)
    name = f"{STRANGER}/thief"
    estate.shows("thief.test", "thief.test", name)
    assert estate.certificates("vault.test", name) == {""}
    estate.told(at("gateways", "thief"), "RefNotPermitted")
    estate.apply(granted("certificates", STRANGER, of="Gateway", kind="Secret", only="certificate"))
    estate.shows("vault.test", "vault.test", name)
    estate.delete(VAULT, "referencegrant", "certificates")
    estate.shows("vault.test", "", name)
    assert estate.certificates("thief.test", name) == {"thief.test"}


def shutting(name: str, target: dict[str, str], where: str) -> str:
    """A policy by which nobody gets in."""
    return an_object("RoutePolicy", name, {"targetRefs": [target], "ip_deny": EVERYBODY}, namespace=where)


def test_a_policy_is_for_objects_of_its_own_namespace(estate: Estate) -> None:
    fence = shutting("fence-%", {"kind": "HTTPRoute", "name": "fence-%"}, OWNER)
    targets = [{"kind": "HTTPRoute", "name": "shop"}, {"kind": "Gateway", "name": "web"}]
    estate.attempt("".join(shutting(f"shut-{each['name']}", each, STRANGER) for each in targets), fence, "403")
    assert estate.answers("shop.own.test") == {OWNER}
    for each in targets:
        estate.told(
            f"/apis/getambassador.io/v3alpha1/namespaces/{STRANGER}/routepolicies/shut-{each['name']}", "TargetNotFound"
        )
        estate.apply(shutting("shut", each, OWNER))
        estate.becomes("shop.own.test", "403")
        estate.delete(OWNER, "routepolicy", "shut")
        estate.becomes("shop.own.test", OWNER)


def test_a_gateway_takes_listeners_of_the_namespaces_that_it_names(estate: Estate) -> None:
    """A hostname of the owner's, taken away by a listener of one's own for the very name."""

    def listeners(name: str, hostname: str, where: str) -> str:
        taken = [listener("http", 80, hostname=hostname)]
        parent = {"name": "web", "namespace": OWNER}
        return document("ListenerSet", name, {"parentRef": parent, "listeners": taken}, where)

    of_the_set = [{"kind": "ListenerSet", "group": "gateway.networking.k8s.io", "name": "pirate"}]
    away = {"type": "RequestRedirect", "requestRedirect": {"hostname": "stranger.test", "statusCode": 302}}
    attack = listeners("pirate", "shop.own.test", STRANGER)
    attack += route("pirate", of_the_set, rule("/", filters=[away]), namespace=STRANGER)
    estate.attempt(attack, listeners("fence-%", "fence-%.open.test", OWNER), "404")
    assert estate.answers("shop.own.test") == {OWNER}
    estate.told(at("listenersets", "pirate"), "NotAllowed")
    web = at("gateways", "web", OWNER)
    estate.patch(web, {"spec": {"allowedListeners": {"namespaces": {"from": "All"}}}})
    estate.becomes("shop.own.test", "302")
    estate.patch(web, {"spec": {"allowedListeners": {"namespaces": {"from": "Same"}}}})
    estate.becomes("shop.own.test", OWNER)
