"""Which resolvers say nothing that a route does not: those that lead to a Service's pods, as routes always do. Pure."""

from typing import Final

from convert.world import EMISSARY, World
from translator.ambassador_ids import is_for
from translator.emissary.resolvers import ALWAYS, KINDS

_OF_PODS: Final = "KubernetesEndpointResolver"


def leads_to_pods(world: World, name: str, namespace: str) -> bool:
    """Whether a resolver, named in a namespace, finds the pods of Services: that namespace's own comes first."""
    found = [
        (space != namespace, space, kind)
        for _, kind, space, called in (key.split("/", 3) for kind in KINDS for key in world.of_kind(EMISSARY + kind))
        if called == name and is_for(world.spec(f"{EMISSARY}{kind}/{space}/{called}"), world.options.ambassador_id)
    ]
    if found:
        return min(found)[2] == _OF_PODS
    always = ALWAYS.get(name)
    return always is not None and always.kind == "endpoint"
