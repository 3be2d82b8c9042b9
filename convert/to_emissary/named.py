"""TCPMappings with `host` of TLSRoutes: connections whose TLS ends here, by the name that is asked for. Pure.

As the gateway decides: a name is the listener's that says the most of it, in that the route's that wrote the narrower
one, then the older one's. What is passed on in the client's own TLS no TCPMapping says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from convert.to_emissary.backend_tls import BackendTls
from convert.to_emissary.connections import VERSION, mappings_of, port_of
from convert.to_emissary.gateways import Certificates
from convert.to_emissary.reading import Attached, Opening, Routes, hostnames_of
from convert.values import Document, Made, at, called
from convert.world import World
from translator.gateway.hostnames import best, intersection, specificity
from translator.gateway.kinds.gateway import ListenerSpec
from translator.ir import ObjectKey


@dataclass(frozen=True, slots=True)
class _Claim:
    """A name that a route would have at a listener."""

    route: Attached
    opening: Opening
    listener: ListenerSpec
    where: str
    original: str

    @property
    def rank(self) -> tuple[object, ...]:
        return (specificity(self.original), self.route.age, self.route.key)


@dataclass(slots=True)
class Named:
    """What is made, and the routes that it takes the place of."""

    made: list[Made] = field(default_factory=list)
    replaced: set[ObjectKey] = field(default_factory=set)


def named_of(
    world: World, routes: Routes, secured: BackendTls, certificates: Certificates, speaking_http: Mapping[int, object]
) -> Named:
    """All that TLSRoutes become; `certificates` are those of Hosts, `speaking_http` the ports that have a Listener."""
    found = Named()
    left: set[ObjectKey] = set()
    opened: set[int] = set(speaking_http)
    served: dict[tuple[ObjectKey, str], dict[str, None]] = {}
    for (port, name), claim in sorted(_winners(world, routes).items()):
        reason = _unsaid(claim, name, certificates)
        if reason is not None:
            world.notes.lost(claim.route.key, "spec.hostnames", f"{reason[0]}; it is not converted", reason[1])
            left.add(claim.route.key)
            continue
        mappings = mappings_of(
            world, claim.route, claim.listener.port, secured, host=at(name, claim.route.key, "spec.hostnames")
        )
        if not mappings:
            left.add(claim.route.key)
            continue
        if port not in opened:
            opened.add(port)
            found.made.append(port_of(world, claim.opening, claim.listener, claim.where, "TLS"))
        if certificates.of(name) is None:
            served.setdefault((claim.opening.key, claim.listener.name), {})[name] = None
        found.made += mappings
        found.replaced.add(claim.route.key)
    for opening, listener, where in routes.opened():
        names = served.get((opening.key, listener.name))
        if names:
            found.made.append(_context(world, opening, listener, where, list(names)))
    found.replaced -= left
    return found


def _winners(world: World, routes: Routes) -> dict[tuple[int, str], _Claim]:
    """Whose each name is, at each port."""
    listeners: dict[int, set[str]] = {}
    places = {}
    for opening, listener, where in routes.opened():
        places[opening.key, listener.name] = where
        if listener.protocol in {"HTTPS", "TLS"}:
            listeners.setdefault(listener.port, set()).add(listener.hostname or "")
    claims: dict[tuple[int, str], list[_Claim]] = {}
    for route in routes.passing:
        attached = routes.listeners(route)
        if not attached:
            said = "attaches to no listener of TLS that is converted, and is not converted"
            world.notes.lost(route.key, "spec.parentRefs", said, "convert them together")
        for opening, listener in attached:
            for original in hostnames_of(route):
                name = intersection(listener.hostname or "", original)
                if name is not None and best(name, listeners[listener.port]) == (listener.hostname or ""):
                    claim = _Claim(route, opening, listener, places[opening.key, listener.name], original)
                    claims.setdefault((listener.port, name), []).append(claim)
    found = {}
    for (port, name), those in claims.items():
        first, *others = sorted(those, key=lambda each: each.rank)
        found[port, name] = first
        for each in others:
            said = f"{called(first.route.key)} has {name} at port {port} before it: nothing comes to this one"
            world.notes.otherwise(each.route.key, "spec.hostnames", said, "nothing")
    return found


def _unsaid(claim: _Claim, name: str, certificates: Certificates) -> tuple[str, str] | None:
    """Why no TCPMapping says it, and what to do."""
    tls = claim.listener.tls
    if tls is None or not tls.ends_here:
        return (
            f"the TLS of {name} is passed on, and for a TCPMapping it ends here",
            "keep it, and a Gateway with that listener alone",
        )
    host = certificates.of(name)
    if host is None:
        return None
    ref = tls.certificate_refs[0]
    if host.secret != (ref.namespace or claim.opening.namespace, ref.name):
        instead = "keep it, or have one certificate for both"
        return f"{name} would have the certificate of {host.hostname}, which is another one", instead
    if claim.listener.port in host.ports and host.namespace != claim.route.namespace:
        said = f"{name} is at port {claim.listener.port} the name of a Host of the namespace {host.namespace}"
        return said, "have both in one namespace"
    return None


def _context(world: World, opening: Opening, listener: ListenerSpec, where: str, names: list[str]) -> Made:
    """The TLSContext of the names of a listener."""
    refs = listener.tls.certificate_refs if listener.tls else ()
    path = f"{where}.tls.certificateRefs"
    if len(refs) > 1:
        world.notes.lost(opening.key, path, "a TLSContext shows one certificate", "have one Secret for all names")
    if listener.tls is not None and listener.tls.options:
        world.notes.lost(opening.key, f"{where}.tls.options", "are not understood", "say it in the TLSContext")
    name, space = refs[0].name, refs[0].namespace or opening.namespace
    elsewhere = space != opening.namespace
    spec: Document = {
        "hosts": at(names, opening.key, f"{where}.hostname"),
        "secret": at(f"{name}.{space}" if elsewhere else name, opening.key, f"{path}[0].name", path),
    }
    if "." in name and not elsewhere:
        spec["secret_namespacing"] = False
    own = {"namespace": opening.namespace} if opening.namespace != world.options.namespace else {}
    metadata = {"name": world.free("TLSContext", opening.namespace, listener.name), **own}
    document = {"apiVersion": VERSION, "kind": "TLSContext", "metadata": metadata, "spec": spec}
    return Made(document, (opening.key,))
