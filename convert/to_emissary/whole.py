"""All of Gateway API that Emissary's kinds can say. Pure."""

from collections.abc import Iterator
from typing import Any

from convert.to_emissary.backend_tls import BackendTls, Spoken
from convert.to_emissary.clients import asking_clients
from convert.to_emissary.connections import connections_of, ports_of
from convert.to_emissary.gateways import VERSION, is_to_https, ports_and_hosts
from convert.to_emissary.named import named_of
from convert.to_emissary.policies import Policies, order, tell_sections
from convert.to_emissary.reading import OF_CALLS, Attached, Opened, Opening, Routes, gateways_of, hostnames_of, spec_of
from convert.to_emissary.rules import (
    ENVOYS_TIMEOUT,
    NOT_CONVERTED,
    asked_of,
    called_by,
    edits_of,
    patience,
    redirected,
    rewritten,
    treated,
)
from convert.to_emissary.sets import sets_of, without_a_place
from convert.values import At, Converted, Document, Made, at, plain
from convert.world import World
from translator.gateway.filters import Treatment, share_of
from translator.gateway.kinds.http_route import BackendRef, Match
from translator.gateway.kinds.shared import BackendObjectRef
from translator.gateway.names import GATEWAY_CLASS, REFERENCE_GRANT, UDP_ROUTE
from translator.ir import ObjectKey


def to_emissary(world: World) -> Converted:
    """Listeners, Hosts and Mappings of Gateways and routes, with what policies say of them."""
    gateways = gateways_of(world)
    sets = sets_of(world, gateways)
    openings: list[Opening] = [*gateways, *(each for each, _ in sets.values())]
    gateway_of = {**{each.key: each for each in gateways}, **{key: gateway for key, (_, gateway) in sets.items()}}
    shut = without_a_place(world, openings) | asking_clients(world, openings, gateway_of)
    routes, policies = Routes.of(world, openings, gateway_of, shut), Policies.of(world, gateway_of)
    secured = BackendTls.of(world)
    connections, connected = connections_of(world, routes, secured)
    doors, speaking_http, certificates = ports_and_hosts(world, routes, ports_of(routes, world))
    named = named_of(world, routes, secured, certificates, speaking_http)
    made = [*doors, *connections, *named.made]
    replaced = {each.key for each in openings} | connected | named.replaced
    maker = _Maker(world, routes, policies, secured)
    for route in routes.routes:
        mappings = list(maker.of(route))
        made += mappings
        if mappings or is_to_https(route):
            replaced.add(route.key)
    for key in world.of_kind(UDP_ROUTE):
        said = "none of Emissary's kinds passes datagrams on: it is not converted"
        world.notes.lost(key, "", said, "keep it, and a Gateway with its listener alone")
    secured.tell_unused()
    tell_sections(world.notes, policies)
    if gateways:
        replaced |= set(world.of_kind(GATEWAY_CLASS)) | set(world.of_kind(REFERENCE_GRANT)) | policies.keys
    every = (*secured.made, *made)  # so that what is said beside a policy stands at its TLSContext
    return Converted(every, world.notes.told, frozenset(replaced | secured.converted))


class _Maker:
    """Makes Mappings of routes."""

    def __init__(self, world: World, routes: Routes, policies: Policies, secured: BackendTls) -> None:
        self._world, self._routes, self._policies, self._secured = world, routes, policies, secured

    def of(self, route: Attached) -> Iterator[Made]:
        """The Mappings of a route: one for each hostname, match and backend."""
        listeners = self._routes.listeners(route)
        if not listeners:
            said = "attaches to no Gateway that is converted, and is not converted"
            self._world.notes.lost(route.key, "spec.parentRefs", said, "convert them together")
            return
        if is_to_https(route):
            codes = {each.request_redirect.status_code for rule in spec_of(route).rules for each in rule.filters}
            if codes - {301}:
                said = f"a Host redirects by 301, and not by {', '.join(map(str, sorted(codes)))}"
                self._world.notes.otherwise(route.key, "spec.rules", said, "nothing")
            return
        self._tell_doors(route, listeners)
        hostnames, rules = hostnames_of(route) or ("*",), spec_of(route).rules
        several = len(hostnames) * sum(max(1, len(each.matches)) for each in rules) > 1
        for place, rule in enumerate(rules):
            where = f"spec.rules[{place}]"
            shared = self._shared(route, rule, where, listeners)
            if shared is None:
                continue
            for number, match in enumerate(rule.matches or (None,)):
                asked = self._asked(route, match, f"{where}.matches[{number}]")
                for hostname in hostnames:
                    name = f"{route.name}-{rule.name or place + 1}" if several else route.name
                    whose = {"hostname": at(hostname, route.key, "spec.hostnames"), **asked}
                    yield from self._mappings(route, rule, where, name, whose, shared)

    def _tell_doors(self, route: Attached, listeners: list[Opened]) -> None:
        mine = {(gateway.key, each.name) for gateway, each in listeners}
        for opening, each, _ in self._routes.opened():
            is_other = (opening.key, each.name) not in mine and each.protocol in {"HTTP", "HTTPS"}
            if is_other and any(other.hostname == each.hostname for _, other in listeners):
                said = f"comes by some listeners alone, and a Mapping by all of its Host: by {each.name}, too"
                self._world.notes.otherwise(route.key, "spec.parentRefs", said, "nothing, or another hostname")

    def _asked(self, route: Attached, match: Any, where: str) -> Document:
        if route.key.startswith(OF_CALLS):
            if match is None:
                return {"prefix": "/"}
            return called_by(self._world.notes, route.key, match, where)
        return asked_of(self._world.notes, route.key, match or Match(), where)

    def _shared(
        self, route: Attached, rule: Any, where: str, listeners: list[Opened]
    ) -> tuple[Treatment, Document] | None:
        """What all Mappings of a rule say; None where something of it cannot be said."""
        notes, of_calls = self._world.notes, route.key.startswith(OF_CALLS)
        treatment = treated(notes, route.key, rule.filters, where, of_calls=of_calls)
        said = self._policies.of_rule(route, rule.name, listeners)
        if treatment is None or said is None:
            return None
        if rule.session_persistence is not None:
            notes.lost(route.key, f"{where}.sessionPersistence", "no Mapping says it", "say load_balancer: a cookie")
        if not of_calls:
            said = {**said, **patience(notes, route.key, rule.timeouts, rule.retry, where)}
        said.setdefault("timeout_ms", 0 if of_calls else ENVOYS_TIMEOUT)
        if of_calls:
            said["grpc"] = True
        if treatment.cors is not None:
            raw = self._world.spec(route.key)["rules"][int(where[11:-1])]["filters"]
            given = next(each["cors"] for each in raw if each.get("type") == "CORS")
            said["cors"] = at(_cors(given), route.key, f"{where}.filters")
        return treatment, {**said, **edits_of(route.key, rule.filters, where)}

    def _mappings(
        self, route: Attached, rule: Any, where: str, name: str, asked: Document, shared: tuple[Treatment, Document]
    ) -> Iterator[Made]:
        treatment, said = shared
        if treatment.redirect is not None:
            redirect = redirected(self._world.notes, route.key, treatment.redirect, where)
            if redirect is not None:
                kept = {each: value for each, value in said.items() if each in {"bypass_auth", "labels"}}
                yield self._made(route, name, {**asked, **redirect, **kept})
            return
        placed = [(f"{where}.backendRefs[{place}]", each) for place, each in enumerate(rule.backend_refs)]
        paths, refs = [path for path, each in placed if each.weight], [each for _, each in placed if each.weight]
        if not refs:
            text = "has no backend: it answers an error, and a Mapping leads somewhere; the rule is not converted"
            self._world.notes.lost(route.key, f"{where}.backendRefs", text, "name a Service")
            return
        services = [self._service(route, ref, path) for ref, path in zip(refs, paths, strict=True)]
        if any(each is None for each in services):  # its share would go to the others
            return
        whole = sum(each.weight for each in refs)
        for place, (ref, path, (text, spoken)) in enumerate(zip(refs, paths, filter(None, services), strict=True)):
            own = self._own(route, ref, path)
            if own is None:
                continue
            spec: Document = {**asked, "service": at(text, route.key, f"{path}.name", path), **spoken.tls}
            if place:
                spec["weight"] = self._weight(route, ref, whole, path)
            used = own if own.rewrite is not None else treatment
            spec |= rewritten(route.key, used, str(plain(asked["prefix"])), where)
            reach = self._policies.of_backend(ref.namespace or route.namespace, ref.name)
            yield self._made(route, f"{name}-{ref.name}" if place else name, {**spec, **said, **reach}, spoken.of)
        yield from self._copied(route, where, name, asked, treatment)

    def _copied(self, route: Attached, where: str, name: str, asked: Document, treatment: Treatment) -> Iterator[Made]:
        """The Mapping that gets copies of what a rule serves."""
        for number, (_, mirror) in enumerate(treatment.mirrors):
            share = share_of(mirror)
            service = self._service(route, mirror.backend_ref, f"{where}.filters")
            if service is None:
                continue
            spec = {**asked, "service": service[0], **service[1].tls, "shadow": True}
            if share.part != share.whole:
                spec["weight"] = round(100 * share.part / share.whole)
            if number:
                text = "requests are copied once"
                self._world.notes.lost(route.key, f"{where}.filters", text, "have the first service copy")
            else:
                yield self._made(route, f"{name}-mirror", spec)

    def _own(self, route: Attached, ref: BackendRef, path: str) -> Treatment | None:
        """What is done with one backend's requests; None where it cannot be said."""
        own = treated(self._world.notes, route.key, ref.filters, path, of_calls=route.key.startswith(OF_CALLS))
        if own is not None and (edits_of(route.key, ref.filters, path) or own.mirrors):
            text = "Mappings for the same requests share what they edit and copy"
            self._world.notes.lost(route.key, f"{path}.filters", text, "edit it in the service")
        return own

    def _weight(self, route: Attached, ref: BackendRef, whole: int, path: str) -> At:
        share = round(100 * ref.weight / whole)
        if 100 * ref.weight != share * whole:
            said = f"{ref.weight} of {whole} is {share} %"
            self._world.notes.otherwise(route.key, "spec.rules", said, "nothing")
        return at(share, route.key, f"{path}.weight")

    def _service(self, route: Attached, ref: BackendObjectRef, path: str) -> tuple[str, Spoken] | None:
        """How a Service is named, and how it is spoken with; None where that cannot be said."""
        spoken = self._secured.spoken(ref.namespace or route.namespace, ref.name, ref.port, route.namespace)
        if spoken is None:
            said = f"leads to a Service whose BackendTLSPolicy cannot be said; {NOT_CONVERTED}"
            self._world.notes.lost(route.key, path, said, "see what is said of the policy")
            return None
        space = f".{ref.namespace}" if ref.namespace and ref.namespace != route.namespace else ""
        port = f":{ref.port}" if spoken.scheme or ref.port not in {None, 80} else ""
        return f"{spoken.scheme}{ref.name}{space}{port}", spoken

    def _made(self, route: Attached, name: str, spec: Document, of: tuple[ObjectKey, ...] = ()) -> Made:
        called = self._world.free("Mapping", route.namespace, name)
        metadata = self._world.metadata(route.key, called)
        document = {"apiVersion": VERSION, "kind": "Mapping", "metadata": metadata, "spec": order(spec)}
        return Made(document, (route.key, *of))


def _cors(given: dict[str, Any]) -> Document:
    names = {
        "allowOrigins": "origins",
        "allowMethods": "methods",
        "allowHeaders": "headers",
        "exposeHeaders": "exposed_headers",
        "allowCredentials": "credentials",
    }
    said = {mine: given[theirs] for theirs, mine in names.items() if given.get(theirs)}
    return {**said, "max_age": str(given.get("maxAge", 5))}
