"""What RoutePolicies and BackendPolicies say, field by field, for the Mappings that they become a part of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from convert.fields import OF_BACKENDS, OF_ROUTES
from convert.to_emissary.reading import Attached, Opened
from convert.values import Document, Notes, copied
from convert.world import World
from translator.gateway.kinds.gateway import GatewaySpec
from translator.gateway.kinds.shared import Object
from translator.gateway.names import BACKEND_POLICY, ROUTE_POLICY
from translator.ir import ObjectKey

AUTH: Final = "getambassador.io/AuthService"
_GUARDS: Final = ("ip_allow", "ip_deny")
_Target = tuple[str, str, str, str]
"""Kind, namespace, name and section."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies by their targets; of several for one the first by its name counts."""

    world: World
    by_target: Mapping[_Target, ObjectKey]
    gateway_of: Mapping[ObjectKey, Object[GatewaySpec]]

    @classmethod
    def of(cls, world: World, gateway_of: Mapping[ObjectKey, Object[GatewaySpec]]) -> "Policies":
        """All of them; `gateway_of` is the Gateway of each who declares listeners."""
        found: dict[_Target, ObjectKey] = {}
        for kind, usual in ((ROUTE_POLICY, ""), (BACKEND_POLICY, "Service")):
            for key in world.of_kind(kind):
                for ref in world.spec(key).get("targetRefs") or ():
                    target = (
                        ref.get("kind") or usual,
                        key.split("/")[2],
                        ref.get("name"),
                        ref.get("sectionName") or "",
                    )
                    found.setdefault(target, key)
        return cls(world, found, gateway_of)

    @property
    def keys(self) -> frozenset[ObjectKey]:
        """All policies that have a target."""
        return frozenset(self.by_target.values())

    def of_rule(self, route: Attached, rule: str | None, listeners: list[Opened]) -> Document | None:
        """What is said of a rule's requests, the more specific word first; None where a guard cannot be said."""
        places: list[_Target] = [(route.kind, route.namespace, route.name, rule or "\n")]
        places.append((route.kind, route.namespace, route.name, ""))
        places += [(opening.kind, opening.namespace, opening.name, each.name) for opening, each in listeners]
        places += [(opening.kind, opening.namespace, opening.name, "") for opening, _ in listeners]
        gateways = [self.gateway_of[opening.key] for opening, _ in listeners if opening.kind != "Gateway"]
        places += [("Gateway", gateway.namespace, gateway.name, "") for gateway in gateways]
        said: Document = {}
        asked: bool | None = None
        for key in dict.fromkeys(self.by_target[place] for place in places if place in self.by_target):
            spec = self.world.spec(key)
            for guard in _GUARDS:
                if spec.get(guard):
                    text = "no Mapping says who gets in by the address; what it is about is not converted"
                    self.world.notes.lost(key, f"spec.{guard}", text, "say it in the Module, for all")
                    about = f"rules about addresses, by {key.rpartition('/')[2]}: what they guard is not converted"
                    self.world.notes.lost(route.key, "spec.rules", about, "say them in the Module, for all")
                    return None
            for name in OF_ROUTES:
                if spec.get(name) is not None and name not in said:
                    said[name] = copied(spec[name], key, f"spec.{name}")
            if asked is None and spec.get("external_auth") is not None:
                asked = bool(spec["external_auth"])
            if spec.get("compress"):
                self.world.notes.lost(key, "spec.compress", "no Mapping says it for itself", "say gzip in the Module")
        if not asked and self.world.of_kind(AUTH):
            said["bypass_auth"] = True
        return said

    def of_backend(self, namespace: str, name: str) -> Document:
        """How a Service is reached."""
        key = self.by_target.get(("Service", namespace, name, ""))
        if key is None:
            return {}
        spec = self.world.spec(key)
        return {
            each: copied(spec[each], key, f"spec.{each}") for each in sorted(OF_BACKENDS) if spec.get(each) is not None
        }


def tell_sections(notes: Notes, policies: Policies) -> None:
    """Policies for one port of a Service, whose Mappings nobody tells apart."""
    for (kind, _, _, section), key in policies.by_target.items():
        if kind == "Service" and section:
            notes.lost(key, "spec.targetRefs", "is for one port of a Service", "say it in the Mappings that lead there")


def order(said: Document) -> dict[str, Any]:
    """Fields in the order in which a person would write them."""
    first = ("hostname", "prefix", "prefix_exact", "prefix_regex", "method", "headers", "service", "weight", "rewrite")
    return {**{name: said[name] for name in first if name in said}, **said}
