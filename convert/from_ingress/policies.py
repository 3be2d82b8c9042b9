"""Policies of what annotations say and routes cannot: addresses, time, how Services are reached. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from convert.from_ingress.reading import Given
from convert.values import Document, Made, at
from convert.world import World
from translator.features.hash_policy import HashPolicy
from translator.features.upstream.load_balancing import LoadBalancing
from translator.filters.address_rules import AddressRange, AddressRules
from translator.filters.cors import CrossOrigin

_POLICY = "getambassador.io/v3alpha1"


def of_gateway(world: World, gateway: str) -> Made:
    """Requests of Ingresses may take as long as they like."""
    spec = {"targetRefs": [{"kind": "Gateway", "name": gateway}], "timeout_ms": 0}
    name = world.free("RoutePolicy", world.options.namespace, gateway)
    return Made({"apiVersion": _POLICY, "kind": "RoutePolicy", "metadata": {"name": name}, "spec": spec}, ())


def of_routes(world: World, given: Given, routes: Iterable[Made]) -> Iterator[Made]:
    """Who gets in, by the address, and which pages may ask; what else annotations say to filters cannot be said."""
    said: Document = {}
    for each in given.treatment.filters:
        if isinstance(each, AddressRules):
            where = given.path_of("filters", "range")
            if each.allowed is not None:
                said["ip_allow"] = at([_entry(one) for one in each.allowed], given.key, where)
            if each.denied:
                said["ip_deny"] = at([_entry(one) for one in each.denied], given.key, where)
        elif isinstance(each, CrossOrigin):
            said["cors"] = at(_cors(each), given.key, given.path_of("filters", "enable-cors"))
        else:
            reason, instead = "counts for each client, which no policy says", "count by labels and a RateLimitService"
            world.notes.lost(given.key, given.path_of("filters", "limit"), reason, instead)
    if not said:
        return
    for route in [each for each in routes if _forwards(each)]:
        name = route.document["metadata"]["name"]
        space = {part: text for part, text in route.document["metadata"].items() if part == "namespace"}
        spec = {"targetRefs": [{"kind": "HTTPRoute", "name": name}], **said}
        called = world.free("RoutePolicy", given.key.split("/")[2], name)
        metadata = {"name": called, **space}
        yield Made({"apiVersion": _POLICY, "kind": "RoutePolicy", "metadata": metadata, "spec": spec}, ())


def _forwards(route: Made) -> bool:
    """Whether a route leads to a Service; redirects are for everybody, as they were."""
    return any("backendRefs" in rule for rule in route.document["spec"]["rules"])


def _cors(said: CrossOrigin) -> Document:
    origins = [f"{each.subdomains_of}*{each.text}" if each.subdomains_of else each.text for each in said.origins]
    lists = {"methods": said.methods, "headers": said.headers, "exposed_headers": said.exposed_headers}
    found: Document = {"origins": origins, **{name: list(value) for name, value in lists.items() if value}}
    if said.credentials:
        found["credentials"] = True
    return {**found, **({"max_age": said.max_age} if said.max_age else {})}


def _entry(each: AddressRange) -> dict[str, str]:
    return {each.whose: f"{each.address}/{each.length}"}


def reach(world: World, given: Given, found: dict[tuple[str, str], Document]) -> None:
    """How the Services of an Ingress are reached: one word for all that lead there."""
    said = _reach(world, given)
    namespace = given.key.split("/")[2]
    for asked in given.understood.owner.asked:
        if asked.backend.service is None:
            continue
        name = (namespace, asked.backend.service.name)
        known = found.setdefault(name, said)
        if known.keys() != said.keys() or any(known[each].value != said[each].value for each in said):
            reason = f"one BackendPolicy speaks for all that lead to the Service {'/'.join(name)}"
            fields = [field for field in ("connect_ms", "hashed", "upstream_features") if field in given.annotations]
            world.notes.lost(
                given.key, given.path_of(fields[0] if fields else ""), reason, "make another Service for the same pods"
            )


def _reach(world: World, given: Given) -> Document:
    treatment, key, said = given.treatment, given.key, dict[str, Any]()
    if treatment.connect_ms is not None:
        said["connect_timeout_ms"] = at(treatment.connect_ms, key, given.path_of("connect_ms"))
    hashed = treatment.hashed
    where = given.path_of("hashed" if hashed is not None else "upstream_features")
    if hashed is not None:
        said["load_balancer"] = at({"policy": "ring_hash", **_hashed(hashed)}, key, where)
        if hashed.attributes:
            reason = f"a cookie has no attributes ({', '.join(name for name, _ in hashed.attributes)})"
            world.notes.lost(key, where, reason, "have the service set the cookie")
        return said
    for each in treatment.upstream_features:
        if isinstance(each, LoadBalancing):
            said["load_balancer"] = at({"policy": each.policy}, key, where)
    return said


def _hashed(hashed: HashPolicy) -> Document:
    if hashed.by == "source_ip":
        return {"source_ip": True}
    if hashed.by == "header":
        return {"header": hashed.name}
    cookie: Document = {"name": hashed.name}
    if hashed.path:
        cookie["path"] = hashed.path
    if hashed.ttl_s is not None:
        cookie["ttl"] = f"{hashed.ttl_s}s"
    return {"cookie": cookie}


def of_backend(world: World, namespace: str, name: str, said: Document) -> Made:
    """The policy of a Service."""
    space = {} if namespace == world.options.namespace else {"namespace": namespace}
    spec = {"targetRefs": [{"name": name}], **said}
    metadata = {"name": world.free("BackendPolicy", namespace, name), **space}
    return Made({"apiVersion": _POLICY, "kind": "BackendPolicy", "metadata": metadata, "spec": spec}, ())
