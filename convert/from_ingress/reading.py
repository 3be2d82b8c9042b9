"""Ingresses as the translator understands them, and which annotation made what of each. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from convert.values import Notes
from convert.world import World
from translator.decode import join, step
from translator.emissary.objects import words
from translator.ingress.claims import Understood, understand
from translator.ingress.kinds import CLASS, OURS, read_class, read_ingress
from translator.ingress.nginx import GROUPS
from translator.ingress.nginx.part import PREFIX, Said
from translator.ingress.nginx.treatment import Treatment
from translator.ir import ObjectKey

INGRESS: Final = "networking.k8s.io/Ingress"
INGRESS_CLASS: Final = "networking.k8s.io/IngressClass"
_EMISSARY: Final = "getambassador.io/ingress-controller"

SAID: Final = words(
    "https https_code use_regex rewrite root redirect aliases host connect_ms filters canary hashed"
    " upstream_features headers"
)
"""Fields of a treatment that conversions look at: what of them cannot be said, they tell."""
UNSAID: Final[Mapping[str, tuple[str, str]]] = {
    "other_name": ("no route redirects to another name of the host", "write a route for that name"),
    "protocol": ("the port of a Service says what is spoken there", "say appProtocol at the port of the Service"),
    "upstream_tls": ("the port of a Service says that TLS is spoken", "say appProtocol: https at its port"),
    "to_services": (
        "a route does not say how TLS is spoken with a service",
        "write a BackendTLSPolicy for the Service",
    ),
    "service_tls": ("a route does not say by whom a service is known", "write a BackendTLSPolicy for the Service"),
    "error_codes": ("no policy asks another service about errors", "say error_response_overrides in a RoutePolicy"),
    "default_backend": ("no route leads elsewhere while a Service has no pods", "have the Service always have some"),
    "pages": ("no policy asks another service about errors", "say error_response_overrides in a RoutePolicy"),
    "stand_in": ("no route leads elsewhere while a Service has no pods", "have the Service always have some"),
    "idle_ms": ("no policy says how long a service may be silent", "say timeout_ms in a RoutePolicy"),
    "most_bytes": ("no policy says how large a body may be", "have the service refuse it"),
    "retry": ("a route's retries are of other sorts", "say retry_policy in a RoutePolicy"),
    "mirrors": ("a mirror is a Service", "write a filter RequestMirror"),
    "copies": ("a mirror is a Service", "write a filter RequestMirror"),
}
GUARDING: Final[Mapping[str, tuple[str, str]]] = {
    "shut": ("it is shut by a mistake, or by what is not served", "mend it first"),
    "shuts_hosts": ("it is shut by a mistake, or by what is not served", "mend it first"),
    "passthrough": ("TLS that is passed on is a TLSRoute's", "write a TLSRoute, and a listener with mode Passthrough"),
    "authorization": ("nobody is asked as ingress-nginx does it", "write a filter ExternalAuth, or keep the Ingress"),
    "passwords": ("no policy asks for passwords", "have an AuthService ask, or keep the Ingress"),
    "satisfied_by_any": ("no policy lets in by one of several rules", "say satisfy: all, or keep the Ingress"),
    "client": ("a Gateway asks for certificates of clients at a whole port", "say tls.frontend in a Gateway"),
}
"""What keeps people out: an Ingress that says it is not converted."""


@dataclass(frozen=True, slots=True)
class Given:
    """An Ingress, and of each field of its treatment the annotations that made it."""

    key: ObjectKey
    understood: Understood
    annotations: Mapping[str, tuple[str, ...]]

    @property
    def treatment(self) -> Treatment:
        """What its annotations make of it."""
        return self.understood.owner.treatment

    def path_of(self, field: str, like: str = "") -> str:
        """Where a field of the treatment is said; of several annotations by one that is called like this."""
        every = self.annotations.get(field, ())
        names = [name for name in every if like in name] or every
        return join("metadata.annotations", step(f"{PREFIX}{names[0]}")) if names else "metadata.annotations"


def ingresses_of(world: World) -> Iterator[Given]:
    """The Ingresses that mean what Kubernetes says, and can be converted; of the others it is told why not."""
    emissarys = set(_classes_of_emissary(world))
    for key in sorted(world.of_kind(INGRESS), key=world.place):
        document = world.document(key)
        _, _, namespace, name = key.split("/", 3)
        ingress = read_ingress(namespace, name, document)
        if ingress.annotations.get(CLASS) == OURS or ingress.class_name in emissarys:
            said = "is an Ingress by Emissary's rules, which are other ones"
            world.notes.lost(
                key, "spec.ingressClassName", said, "make Mappings of it by hand, or give it another class"
            )
            continue
        understood = understand(key, ingress)
        problem = next((each for each in ingress.problems if each.stops), None)
        if understood is None or ingress.spec is None:
            reason = f"{problem.message}: the Ingress is stopped" if problem else "cannot be read"
            world.notes.lost(key, problem.path if problem else "", reason, "mend it first: dragoman lint")
            continue
        given = Given(key, understood, _made_by(ingress.annotations))
        for each in understood.problems:
            world.notes.otherwise(key, each.path, each.message, "as before, nothing is done about it")
        if _can_be(world.notes, given):
            yield given


def _classes_of_emissary(world: World) -> Iterator[str]:
    for key in world.of_kind(INGRESS_CLASS):
        found = read_class(key.rpartition("/")[2], world.document(key))
        if found is not None and found.controller.lower() == _EMISSARY:
            yield found.name


def _made_by(annotations: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Of each field of a treatment, the annotations of the group that sets it."""
    given = {name.removeprefix(PREFIX): text for name, text in annotations.items() if name.startswith(PREFIX)}
    found: dict[str, tuple[str, ...]] = {}
    usual = Treatment()
    for group in GROUPS:
        names = tuple(sorted(group.names & given.keys()))
        if names:
            said = Said(given)
            treated, _ = said.treated(group.read(said, usual))
            changed = [
                each.name for each in fields(Treatment) if getattr(treated, each.name) != getattr(usual, each.name)
            ]
            found.update({field: found.get(field, ()) + names for field in changed})
    return found


def _can_be(notes: Notes, given: Given) -> bool:
    """Whether it can be converted; what cannot be said is told."""
    usual: Any = Treatment()
    guards = [name for name in GUARDING if getattr(given.treatment, name) != getattr(usual, name)]
    for name in guards:
        reason, instead = GUARDING[name]
        notes.lost(given.key, given.path_of(name), f"{reason}; the Ingress is not converted", instead)
    for name, (reason, instead) in UNSAID.items():
        if getattr(given.treatment, name) != getattr(usual, name):
            notes.lost(given.key, given.path_of(name), reason, instead)
    return not guards
