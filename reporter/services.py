"""The Services of Gateways with addresses of their own: what each is to be, and which ports of Envoy are free. Pure.

The Service is where it is written down which port of Envoy is whose (`translator.gateway.dedicated` reads it there). So
a port stays whose it is over every restart, and whoever leads finds it.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from reporter.objects import JSONObject
from snapshot import Record

SERVES: Final = "getambassador.io/serves"
SERVES_GATEWAY: Final = "gateway"
"""The label by which these Services are known."""
GATEWAY: Final = "getambassador.io/gateway"
"""The annotation that says which Gateway is served, as `namespace/name`."""
CLASS: Final = "getambassador.io/gateway-class"
"""The annotation that says of which class it was then."""
OWNER: Final = "getambassador.io/ambassador-id"
ADDRESSES: Final = "getambassador.io/addresses"
PROVISIONED: Final = "provisioned"
"""The annotation that says that a Service leads to pods of its Gateway's own, and not to our Envoy."""
SELECTED_BY: Final = "getambassador.io/gateway-pods"
"""The label by which such a Service selects them; its value is the name of the Service."""

FIRST, LAST = 20_000, 29_999
"""The ports of Envoy that are given: below those that Kubernetes takes for nodes, and Linux for connections."""

Port = tuple[str, int]


class FullError(Exception):
    """No port of Envoy is free."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The Service that a Gateway is to have, as the translator says it.

    A target of 0 is still to be found, and none of the ports `avoid`: others have these. `uid` is the Gateway's. Where
    it is provisioned, there are pods to be made too, which have the ports as they are.
    """

    name: str
    gateway_class: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    selector: Mapping[str, str]
    address: str
    targets: Mapping[Port, int]
    avoid: frozenset[int] = frozenset()
    uid: str = ""
    is_provisioned: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """One of these Services as it is: whose it is, which of us made it, and where its ports lead to in our Envoy."""

    name: str
    gateway: str
    gateway_class: str
    targets: Mapping[Port, int]
    owner: str = ""
    is_provisioned: bool = False


@dataclass(slots=True)
class Given:
    """The Services that there are, and so the ports that are somebody's. `next` is where the search goes on.

    Two may have one port: who lost the lease may have given it a moment after its successor looked.
    """

    services: dict[str, Service] = field(default_factory=dict)
    _of: dict[str, dict[str, Service]] = field(default_factory=dict)
    _taken: Counter[int] = field(default_factory=Counter)
    _next: int = FIRST

    def keep(self, service: Service) -> None:
        """This Service is there."""
        self.forget(service.name)
        self.services[service.name] = service
        self._of.setdefault(service.gateway, {})[service.name] = service
        self._taken.update(set(service.targets.values()))

    def forget(self, name: str) -> None:
        """A Service is there no more."""
        known = self.services.pop(name, None)
        if known is not None:
            del self._of[known.gateway][name]
            if not self._of[known.gateway]:
                del self._of[known.gateway]
            for target in set(known.targets.values()):
                self._taken[target] -= 1
                if not self._taken[target]:
                    del self._taken[target]

    def of(self, gateway: str) -> list[Service]:
        """The Services of a Gateway."""
        return list(self._of.get(gateway, {}).values())

    def targets(self, wish: Wish) -> dict[Port, int]:
        """Where the ports of a Service are to lead: where they do, and else to a port that is free. FullError."""
        if wish.is_provisioned:
            return {port: port[1] for port in wish.targets}
        known = self.services.get(wish.name)
        before = known.targets if known else {}
        own = set(before.values())
        found: dict[Port, int] = {}
        for port, target in wish.targets.items():
            there = before.get(port, 0)
            there = target or (0 if there in wish.avoid else there)
            is_others = there in found.values() or self._taken[there] > (there in own)
            also = {*found.values(), *wish.targets.values(), *wish.avoid}
            found[port] = there if there and not is_others else self._free(also)
        return found

    def _free(self, also: Collection[int]) -> int:
        """A port that nobody has. Of those that were given back the last one comes last: connections may be left."""
        for _ in range(LAST - FIRST + 1):
            port = self._next
            self._next = FIRST if port == LAST else port + 1
            if port not in self._taken and port not in also:
                return port
        raise FullError(f"all ports from {FIRST} to {LAST} are given to Gateways")


def wish_of(record: Record | None) -> Wish | None:
    """What a record of `statuses` says of the Service of a Gateway; None: it is to have none."""
    body = orjson.loads(record.body) if record is not None else {}
    said = body.get("gateway")
    wanted = said.get("service") if isinstance(said, dict) else None
    if wanted is None:
        return None
    targets = {(each["protocol"], each["port"]): each["target"] for each in wanted["ports"]}
    return Wish(
        wanted["name"],
        wanted["class"],
        wanted["labels"],
        wanted["annotations"],
        wanted["selector"],
        wanted["address"],
        targets,
        frozenset(wanted["avoid"]),
        str(body.get("uid") or ""),
        wanted["provisioned"],
    )


def wants_none(record: Record) -> bool:
    """Whether the translator says of a Gateway of ours that it has no Service of its own.

    Of one of another class nothing is said, and neither where its class is gone or is no good at the moment.
    """
    said = orjson.loads(record.body).get("gateway")
    return bool(said) and "service" not in said


def service_of(document: Mapping[str, Any]) -> Service:
    """A Service as the API server says it."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    said = metadata.get("annotations") or {}
    is_provisioned = said.get(ADDRESSES) == PROVISIONED
    targets = {
        (str(each.get("protocol") or "TCP"), each["port"]): each["targetPort"]
        for each in spec.get("ports") or ()
        if isinstance(each.get("targetPort"), int) and not is_provisioned
    }
    whose = said.get(GATEWAY, ""), said.get(CLASS, "")
    return Service(metadata["name"], *whose, targets, said.get(OWNER, ""), is_provisioned)


def document_of(wish: Wish, gateway: str, targets: Mapping[Port, int], namespace: str, owner: str) -> JSONObject:
    """The Service to apply for a Gateway, which is named as `namespace/name`."""
    spec: JSONObject = {
        "type": "LoadBalancer",
        "selector": dict(wish.selector),
        "ports": [
            {"name": f"{protocol.lower()}-{port}", "protocol": protocol, "port": port, "targetPort": target}
            for (protocol, port), target in sorted(targets.items())
        ],
    }
    if wish.address:
        spec["loadBalancerIP"] = wish.address
    annotations = {**wish.annotations, GATEWAY: gateway, CLASS: wish.gateway_class, OWNER: owner}
    if wish.is_provisioned:
        annotations[ADDRESSES] = PROVISIONED
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": wish.name,
            "namespace": namespace,
            "labels": {**wish.labels, SERVES: SERVES_GATEWAY},
            "annotations": annotations,
        },
        "spec": spec,
    }
