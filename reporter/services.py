"""The Services of Gateways with addresses of their own: what each is to be, and which ports of Envoy are free. Pure.

The Service is where it is written down which port of Envoy is whose (`translator.gateway.dedicated` reads it there). So
a port stays whose it is over every restart, and whoever leads finds it.
"""

from collections.abc import Iterable, Mapping
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

FIRST, LAST = 20_000, 29_999
"""The ports of Envoy that are given: below those that Kubernetes takes for nodes, and Linux for connections."""

Port = tuple[str, int]


class FullError(Exception):
    """No port of Envoy is free."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The Service that a Gateway is to have, as the translator says it. A target of 0 is still to be found."""

    name: str
    gateway_class: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    selector: Mapping[str, str]
    address: str
    targets: Mapping[Port, int]


@dataclass(frozen=True, slots=True)
class Service:
    """One of these Services as it is: whose it is, and where its ports lead to."""

    name: str
    gateway: str
    gateway_class: str
    targets: Mapping[Port, int]


@dataclass(slots=True)
class Given:
    """The Services that there are, and so the ports that are somebody's. `next` is where the search goes on."""

    services: dict[str, Service] = field(default_factory=dict)
    _taken: set[int] = field(default_factory=set)
    _next: int = FIRST

    def keep(self, service: Service) -> None:
        """This Service is there."""
        self.forget(service.name)
        self.services[service.name] = service
        self._taken.update(service.targets.values())

    def forget(self, name: str) -> None:
        """A Service is there no more."""
        known = self.services.pop(name, None)
        if known is not None:
            self._taken.difference_update(known.targets.values())

    def targets(self, wish: Wish) -> dict[Port, int]:
        """Where the ports of a Service are to lead: where they do, and else to a port that is free. FullError."""
        known = self.services.get(wish.name)
        found: dict[Port, int] = {}
        for port, target in wish.targets.items():
            there = target or (known.targets.get(port, 0) if known else 0)
            found[port] = there or self._free(found.values())
        return found

    def _free(self, also: Iterable[int]) -> int:
        """A port that nobody has. Of those that were given back the last one comes last: connections may be left."""
        for _ in range(LAST - FIRST + 1):
            port = self._next
            self._next = FIRST if port == LAST else port + 1
            if port not in self._taken and port not in also:
                return port
        raise FullError(f"all ports from {FIRST} to {LAST} are given to Gateways")


def wish_of(record: Record | None) -> Wish | None:
    """What a record of `statuses` says of the Service of a Gateway; None: it is to have none."""
    said = orjson.loads(record.body).get("gateway") if record is not None else None
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
    )


def service_of(document: Mapping[str, Any]) -> Service:
    """A Service as the API server says it."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    said = metadata.get("annotations") or {}
    targets = {
        (str(each.get("protocol") or "TCP"), each["port"]): each["targetPort"]
        for each in spec.get("ports") or ()
        if isinstance(each.get("targetPort"), int)
    }
    return Service(metadata["name"], said.get(GATEWAY, ""), said.get(CLASS, ""), targets)


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
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": wish.name,
            "namespace": namespace,
            "labels": {**wish.labels, SERVES: SERVES_GATEWAY},
            "annotations": {**wish.annotations, GATEWAY: gateway, CLASS: wish.gateway_class, OWNER: owner},
        },
        "spec": spec,
    }
