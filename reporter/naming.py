"""The names of Gateways in their own namespaces: a Service there that stands for the one that clients come in by.

That one is in our namespace, where the pods are. A Gateway's own namespace has one with its name and class (GEP-1762),
of type ExternalName: the name in DNS by which pods reach the Gateway, with the labels and annotations that it wants on
what is made for it. Nothing of it is read again, and the API server takes it away with its Gateway.
"""

import re
from typing import Final

from process import logs
from reporter.asking import Asking, FailedError
from reporter.objects import GATEWAY_API, JSONObject
from reporter.services import OWNER, SERVES, Service, Wish

SERVES_NAME: Final = "gateway-name"
"""What the label of these Services says."""

_DOMAIN: Final = "svc.cluster.local"
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_OF_ADDRESSES: Final = ("external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/")
"""Begin the annotations that are about the address: the Service that has one has them."""

log = logs.get("provisioning")


class Naming:
    """One term's Services of this kind."""

    def __init__(self, asking: Asking, namespace: str, owner: str) -> None:
        self._asking = asking
        self._namespace, self._owner = namespace, owner
        self._made: dict[str, JSONObject] = {}
        self._is_told = False

    async def give(self, wish: Wish, gateway: str) -> None:
        """Make the one that a Gateway is to have. FailedError, where it may be had later.

        Without the right there is none: what is served does not depend on it. And nobody's Service is taken over.
        """
        path = _path(gateway, wish.gateway_class, wish.name)
        document = document_of(wish, gateway, self._namespace, self._owner)
        if not wish.uid or self._made.get(gateway) == document:
            return
        try:
            found = await self._asking.find(path)
        except FailedError as error:
            if not error.is_forbidden:
                raise
            self._tell(str(error))
            return
        if found is None or self._is_ours(found, gateway):
            await self._asking.apply(path, document)
        else:
            name = document["metadata"]["name"]
            log.warning("a Gateway has no name in its namespace: somebody has it", gateway=gateway, service=name)
        self._made[gateway] = document

    async def take(self, service: Service) -> None:
        """Take away the one that a Gateway had beside this Service. FailedError."""
        path = _path(service.gateway, service.gateway_class, service.name)
        self._made.pop(service.gateway, None)
        try:
            found = await self._asking.find(path)
            if found is not None and self._is_ours(found, service.gateway):
                await self._asking.delete(path, found["metadata"]["uid"])
        except FailedError as error:
            if not error.is_forbidden:
                raise
            self._tell(str(error))

    def _is_ours(self, found: JSONObject, gateway: str) -> bool:
        """Whether we made it, and for this Gateway: `a` of class `b-c` is called as `a-b` of class `c`."""
        metadata = found["metadata"]
        whose = [each["name"] for each in metadata.get("ownerReferences") or ()]
        if gateway.partition("/")[2] not in whose:
            return False
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        return bool(labels.get(SERVES) == SERVES_NAME and annotations.get(OWNER) == self._owner)

    def _tell(self, reason: str) -> None:
        """What is true of all is said once a term."""
        if not self._is_told:
            self._is_told = True
            log.warning("Gateways have no names in their namespaces", reason=reason)


def name_of(gateway: str, gateway_class: str, otherwise: str) -> str:
    """What the Service is called: as the Gateway and its class, where that can be the name of one."""
    name = f"{gateway.partition('/')[2]}-{gateway_class}"
    return name if _NAME.fullmatch(name) else otherwise


def document_of(wish: Wish, gateway: str, namespace: str, owner: str) -> JSONObject:
    """The Service to apply for a Gateway, which is named as `namespace/name`; ours is `namespace`."""
    own_namespace, _, name = gateway.partition("/")
    annotations = {key: text for key, text in wish.annotations.items() if not key.startswith(_OF_ADDRESSES)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name_of(gateway, wish.gateway_class, wish.name),
            "namespace": own_namespace,
            "labels": {**wish.labels, SERVES: SERVES_NAME},
            "annotations": {**annotations, OWNER: owner},
            "ownerReferences": [
                {"apiVersion": f"{GATEWAY_API}/v1", "kind": "Gateway", "name": name, "uid": wish.uid},
            ],
        },
        "spec": {
            "type": "ExternalName",
            "externalName": f"{wish.name}.{namespace}.{_DOMAIN}",
            "ports": [
                {"name": f"{protocol.lower()}-{port}", "protocol": protocol, "port": port}
                for protocol, port in sorted(wish.targets)
            ],
        },
    }


def _path(gateway: str, gateway_class: str, otherwise: str) -> str:
    namespace = gateway.partition("/")[0]
    return f"/api/v1/namespaces/{namespace}/services/{name_of(gateway, gateway_class, otherwise)}"
