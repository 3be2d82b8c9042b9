"""The Services that lead to this gateway: what Ingresses say of where clients come in is what these say.

A Service of ours is in our namespace, has Emissary's label, and selects our pod. Where nobody tells the pod's labels,
the label is enough. One with Knative's label of what is seen in the cluster alone is the way in of that; since Services
of Knative's own may have that label, it must be known to select our pod.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson

from translator.ir import ObjectKey
from translator.kubernetes.tables import name_of
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

LABEL: Final = "app.kubernetes.io/component"
PUBLIC: Final = "ambassador-service"
VISIBILITY: Final = "networking.knative.dev/visibility"
CLUSTER_LOCAL: Final = "cluster-local"
"""Knative's label of what is to be seen in the cluster alone."""
READ_LABELS: Final = frozenset({LABEL, VISIBILITY})
"""The labels by which a Service of our namespace is taken for ours."""
_FIELDS: Final = ("ip", "hostname", "ports")
"""What Services and Ingresses both have of an address; an Ingress has no `ipMode`."""
_DOMAIN: Final = "svc.cluster.local"

Way = Literal["public", "local"]


@dataclass(frozen=True, slots=True)
class OwnService:
    """A Service of ours; `addresses` are those of its load balancer, and `selector` its own, both as JSON."""

    namespace: str
    name: str
    addresses: bytes
    selector: bytes = b"{}"

    @property
    def domain(self) -> str:
        """Its name in DNS."""
        return f"{self.name}.{self.namespace}.{_DOMAIN}"


class OwnServices:
    """Which Services are ours; the methods are for rules that a sweep runs."""

    def __init__(self, tables: Tables, services: Table[ObjectKey, bytes], options: Options) -> None:
        self._options = options
        found = tables.group("ways in", services, self._found)
        self._first = tables.each("own services", found, lambda _, them: them[min(them)])

    def public(self) -> OwnService | None:
        """By which clients come in; of several, the first by name."""
        return read(self._first, "public")

    def local(self) -> OwnService | None:
        """By which those of the cluster alone come in; where there is none of its own, it is the one of all."""
        return read(self._first, "local") or self.public()

    def _found(self, key: ObjectKey, body: bytes) -> dict[Way, OwnService]:
        namespace, name = name_of(key)
        if namespace != self._options.namespace or not (PUBLIC.encode() in body or CLUSTER_LOCAL.encode() in body):
            return {}
        document = orjson.loads(body)
        labels = _mapping(_mapping(document, "metadata"), "labels")
        selector, ours = _mapping(_mapping(document, "spec"), "selector"), self._options.pod_labels
        selects_us = ours is not None and all(ours.get(name) == value for name, value in selector.items())
        service = OwnService(namespace, name, _addresses(document), orjson.dumps(selector))
        ways: dict[Way, OwnService] = {}
        if labels.get(VISIBILITY) == CLUSTER_LOCAL:
            ways = {"local": service} if selector and selects_us else {}
        elif labels.get(LABEL) == PUBLIC:
            ways = {"public": service} if ours is None or selects_us else {}
        return ways


def _addresses(document: Mapping[str, Any]) -> bytes:
    listed = _mapping(_mapping(document, "status"), "loadBalancer").get("ingress")
    items = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return orjson.dumps([{field: each[field] for field in _FIELDS if each.get(field)} for each in items])


def _mapping(value: Mapping[str, Any], field: str) -> dict[str, Any]:
    found = value.get(field)
    return found if isinstance(found, dict) else {}
