"""Listeners that ask clients for certificates: no Host that is made asks for any, so these are not converted. Pure."""

from collections.abc import Iterable, Mapping

from convert.to_emissary.reading import Opening
from convert.world import World
from translator.gateway.kinds.gateway import GatewaySpec
from translator.gateway.kinds.shared import Object
from translator.ir import ObjectKey


def asking_clients(
    world: World, openings: Iterable[Opening], gateway_of: Mapping[ObjectKey, Object[GatewaySpec]]
) -> frozenset[tuple[ObjectKey, str]]:
    """The listeners of HTTPS for which a Gateway says whose certificates clients must show."""
    found = set()
    for opening in openings:
        gateway = gateway_of[opening.key]
        for listener in opening.spec.listeners if opening.spec and gateway.spec else ():
            if listener.protocol != "HTTPS" or gateway.spec is None:
                continue
            validation, path = gateway.spec.tls.frontend.of_port(listener.port)
            if validation is not None:
                said = f"clients show certificates there: what comes by the listener {listener.name} is not converted"
                instead = "write a Host for it, with a TLSContext that has ca_secret and cert_required"
                world.notes.lost(gateway.key, f"spec.tls.frontend.{path}.validation", said, instead)
                found.add((opening.key, listener.name))
    return frozenset(found)
