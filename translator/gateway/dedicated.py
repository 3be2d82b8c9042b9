"""Addresses of a Gateway's own: a Service for it alone, whose ports lead to ports of Envoy that nobody else has.

All Gateways are served by one Envoy. Where a class says that each of its Gateways has an address of its own, two of
them may have the same port and hostname, since their Services lead to different ports of that Envoy. Which those are
is written in the Service and nowhere else: all replicas read it there, and so does whoever makes it (`reporter`).

Or a class says that each of its Gateways has pods of its own besides. Then its Service leads to these, by the ports as
they are, and nothing of it is served by our Envoy: here it is judged, for its status.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from translator.gateway.conditions import Condition, false
from translator.gateway.kinds.gateway import Address, Infrastructure
from translator.gateway.kinds.shared import Object
from translator.gateway.statuses import Addresses, addresses_of
from translator.ir import ObjectKey
from translator.kubernetes.own_services import READ_LABELS
from translator.kubernetes.shapes import metadata_of
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

LABEL: Final = "getambassador.io/addresses"
"""Of a GatewayClass: what addresses its Gateways have."""
SHARED: Final = "shared"
DEDICATED: Final = "dedicated"
PROVISIONED: Final = "provisioned"
_WORDS: Final = (SHARED, DEDICATED, PROVISIONED)

SERVES: Final = "getambassador.io/serves"
SERVES_GATEWAY: Final = "gateway"
"""The label by which the Service of one Gateway is known."""
FIRST, LAST = 20_000, 29_999
"""The ports of Envoy that are given to these Services, where nobody else has them."""
_GATEWAY_NAME: Final = "gateway.networking.k8s.io/gateway-name"
_LONGEST_LABEL: Final = 63
_KEPT: Final = READ_LABELS | {_GATEWAY_NAME}
"""The labels that say something to us, or of us, beside those of our own group."""

OWNER: Final = "getambassador.io/ambassador-id"
"""The annotation that says which gateway a Service leads to, of several in our namespace."""

SELECTED_BY: Final = "getambassador.io/gateway-pods"
"""The label by which the Service of a provisioned Gateway selects its pods; its value is the name of the Service."""

_OURS: Final = "getambassador.io/"

Port = tuple[str, int]
"""The protocol that a Service has it by, TCP or UDP, and its number."""


@dataclass(frozen=True, slots=True)
class Way:
    """A Gateway's own Service: where each of its ports leads to in Envoy, and by which addresses clients come in.

    Where it is provisioned, that Envoy is in pods of the Gateway's own.
    """

    targets: Mapping[Port, int]
    addresses: Addresses
    is_provisioned: bool = False


NO_WAY: Final = Way({}, ())
"""Of a Gateway whose Service is not there yet."""


class Ways:
    """The Services that serve one Gateway each. `of` is for rules that a sweep runs."""

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, options: Options) -> None:
        self._options = options
        self._slices = kubernetes.slices
        services = kubernetes.sources["core/Service"]
        found = tables.group("services of gateways", services, self._found)
        self._by_name: Table[str, Way] = tables.each(
            "ways to gateways", found, lambda _, them: next(iter(them.values()))
        )
        led = tables.group(
            "ports of Envoy that ways lead to",
            self._by_name,
            lambda name, way: {} if way.is_provisioned or options.gateway else _led_to(name, way),
        )
        self._leading: Table[Port, str] = tables.each("ways by port of Envoy", led, lambda _, them: min(them))

    def of(self, gateway: ObjectKey) -> Way:
        """That of a Gateway that has its own."""
        return read(self._by_name, self.name(gateway)) or NO_WAY

    def serves(self, gateway: ObjectKey) -> bool:
        """Whether a pod of a provisioned Gateway serves: it is ready once it does, and its Service leads there."""
        if not self.of(gateway).is_provisioned:
            return False
        slices = read(self._slices, (self._options.namespace, self.name(gateway))) or {}
        return any(endpoint.ready for each in slices.values() for endpoint in each.endpoints)

    def leading_to(self, port: Port) -> str | None:
        """The name of the Service that leads to a port of Envoy; of several, which last a moment, the first."""
        return read(self._leading, port)

    def name(self, gateway: ObjectKey) -> str:
        """What the Service of a Gateway is called, whose own name may be longer than that of a Service."""
        said = f"{self._options.ambassador_id}/{gateway}".encode()
        return f"gateway-{blake2b(said, digest_size=10).hexdigest()}"

    def _found(self, key: ObjectKey, body: bytes) -> dict[str, Way]:
        namespace, name = name_of(key)
        if namespace != self._options.namespace or SERVES.encode() not in body:
            return {}
        document = orjson.loads(body)
        metadata = metadata_of(document).value
        if metadata is None or (metadata.labels or {}).get(SERVES) != SERVES_GATEWAY:
            return {}
        ours = self._options.ambassador_id
        annotations = metadata.annotations or {}
        if annotations.get(OWNER, ours) != ours:
            return {}
        is_provisioned = annotations.get(LABEL) == PROVISIONED
        return {name: Way(_targets(document.get("spec")), _addresses(document.get("status")), is_provisioned)}


def givable(number: int) -> dict[str, int]:
    """As a member of the one row of ports that might be given to Services, and that somebody else has."""
    return {"": number} if FIRST <= number <= LAST else {}


def addresses_said(body: bytes) -> str:
    """What a GatewayClass says of the addresses of its Gateways."""
    metadata = metadata_of(orjson.loads(body)).value
    return ((metadata and metadata.labels) or {}).get(LABEL, SHARED)


def wrong_with(said: str) -> Condition | None:
    """What is said of a GatewayClass that says something else of addresses than can be."""
    if said in _WORDS:
        return None
    message = f"must be {', '.join(_WORDS[:-1])} or {_WORDS[-1]}, not {said!r}"
    return false("Accepted", "InvalidParameters", message, f'metadata.labels["{LABEL}"]')


def wish(
    name: str,
    gateway: Object[Any],
    ports: Iterable[Port],
    way: Way,
    selector: Mapping[str, str],
    asked: tuple[Infrastructure, Iterable[Address]],
    avoid: Iterable[int],
) -> dict[str, Any]:
    """The Service that a Gateway is to have, for who makes it; a target of 0 is still to be found.

    Args:
        name: what it is called.
        gateway: whose it is.
        ports: those that its listeners want.
        way: the Service as it is; whether it is to be provisioned.
        selector: which pods it is to select; nobody knows, and nothing is to be made, where it is empty.
        asked: what the Gateway says of what is made for it, and of its addresses.
        avoid: the ports of Envoy that it is not to be given, since others have them.
    """
    infrastructure, addresses = asked
    labels = {**_harmless(infrastructure.labels), SERVES: SERVES_GATEWAY}
    if len(gateway.name) <= _LONGEST_LABEL:
        labels[_GATEWAY_NAME] = gateway.name
    wanted = [each.value for each in addresses if each.type == "IPAddress" and each.value]
    return {
        "name": name,
        "class": gateway.spec.gateway_class_name if gateway.spec else "",
        "labels": labels,
        "annotations": _harmless(infrastructure.annotations),
        "selector": dict(selector),
        "address": wanted[0] if wanted else "",
        "ports": [
            {"protocol": protocol, "port": port, "target": way.targets.get((protocol, port), 0)}
            for protocol, port in sorted(set(ports))
        ],
        "avoid": sorted(set(avoid)),
        "provisioned": way.is_provisioned,
    }


def _harmless(given: Mapping[str, str]) -> dict[str, str]:
    """What a Gateway may write on its Service, which is in our namespace: nothing that we read ourselves."""
    return {name: text for name, text in given.items() if not (name.startswith(_OURS) or name in _KEPT)}


def _led_to(_: str, way: Way) -> dict[Port, bool]:
    return {(protocol, target): True for (protocol, _), target in way.targets.items()}


def _targets(spec: Any) -> dict[Port, int]:
    given = spec.get("ports") if isinstance(spec, dict) else None
    targets: dict[Port, int] = {}
    for each in given if isinstance(given, list) else ():
        port, target = (each.get("port"), each.get("targetPort")) if isinstance(each, dict) else (None, None)
        if isinstance(port, int) and isinstance(target, int):
            targets[(str(each.get("protocol") or "TCP"), port)] = target
    return targets


def _addresses(status: Any) -> Addresses:
    balancer = status.get("loadBalancer") if isinstance(status, dict) else None
    listed = balancer.get("ingress") if isinstance(balancer, dict) else None
    return addresses_of([each for each in listed if isinstance(each, dict)]) if isinstance(listed, list) else ()
