"""What stands for an object that cannot be read: its names alone, so that the translator shuts them.

A Host with a number beyond 64 bits, or without a name of its own, is no object to the watcher; but a Host with a wider
hostname would then answer for it, and may ask less of clients. So its names go on, marked, and nothing else of it: and
so do those of whatever else has names, ports or guards that others would get, or be without. What the object said
before, where it was ever read, is better still: that stays (see `watcher.state`).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import orjson

from snapshot import JSON
from watcher.flat import is_flat, unfolded
from watcher.objects import Made, canonical, is_name

STANDS_IN: Final = "standsIn"
"""The field that marks such a body: for the translator, which knows it by the same word (docs/snapshot.md)."""

IN_ANNOTATION: Final = "annotation"
"""What the field says of an object that is carried in an annotation."""

VERSION: Final = "~"
"""Begins the versions of such records: what was read once is not replaced by them."""

UNNAMED: Final = "unnamed-"
"""Begins the names of what has none that can be read."""

_OURS: Final = "getambassador.io"
_GATEWAY: Final = "gateway.networking.k8s.io"
_INGRESS: Final = "networking.k8s.io"
_IDS: Final = ("ambassador_id", "ambassadorId")
_ROUTE: Final = ("parentRefs", "hostnames", "useDefaultGateways")
_WHOLE: Final = None
_LEFT: Final[Mapping[tuple[str, str], tuple[str, ...] | None]] = {
    (_OURS, "Host"): ("hostname", *_IDS),
    (_OURS, "Listener"): ("port", "protocol", "protocolStack", *_IDS),
    (_OURS, "TLSContext"): ("hosts", *_IDS),
    (_OURS, "AuthService"): ("auth_service", *_IDS),
    (_OURS, "RoutePolicy"): _WHOLE,
    (_GATEWAY, "GatewayClass"): ("controllerName",),
    (_GATEWAY, "Gateway"): ("gatewayClassName", "listeners", "allowedListeners"),
    (_GATEWAY, "ListenerSet"): ("parentRef", "listeners"),
    (_GATEWAY, "HTTPRoute"): _ROUTE,
    (_GATEWAY, "GRPCRoute"): _ROUTE,
    (_GATEWAY, "TLSRoute"): _ROUTE,
    (_GATEWAY, "BackendTLSPolicy"): _WHOLE,
    (_INGRESS, "Ingress"): _WHOLE,
    ("extensions", "Ingress"): _WHOLE,
}
"""What of a spec says which names, ports and guards the object has."""
_NAMED: Final[Mapping[str, tuple[str, str, JSON]]] = {
    "Host": ("", "hostname", {}),
    "Gateway": ("listeners", "hostname", {}),
    "ListenerSet": ("listeners", "hostname", {}),
    "HTTPRoute": ("", "hostnames", [{}]),
    "GRPCRoute": ("", "hostnames", [{}]),
    "TLSRoute": ("", "hostnames", [{}]),
    "Ingress": ("rules", "host", {}),
}
"""In which list of the spec a name is, if in any; the field; and what is no name there."""
_SAID_IN_ANNOTATIONS: Final = ("kubernetes.io/ingress.class", "getambassador.io/ambassador-id")
"""Whose an Ingress is."""

_LONGEST: Final = 1_000
_DEEPEST: Final = 12
_MOST: Final = 5_000
_UNKNOWN: Final = "unknown"


def stand_in(value: JSON, namespace: str, *, is_part: bool = False) -> Made | None:
    """What stands for a document, or an item of a list in it, that was rejected; None for what has no names to shut.

    `is_part`: lines of it may be missing, so that a name that is not there is none, and not every name.
    """
    if not isinstance(value, dict):
        return None
    if is_flat(value):
        value = unfolded(value)
    version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return None
    group, slash, rest = version.partition("/")
    if not slash or not is_name(rest) or (group, kind) not in _LEFT:
        return None
    spec, metadata = _names(value.get("spec"), _LEFT[group, kind]), value.get("metadata")
    if is_part:
        spec = _without_every(kind, spec)
    given = metadata if isinstance(metadata, dict) else {}
    name, where, labels = given.get("name"), given.get("namespace"), given.get("labels")
    called: dict[str, JSON] = {
        "name": name if is_name(name) else f"{UNNAMED}{blake2b(canonical(spec), digest_size=4).hexdigest()}",
        "namespace": where if is_name(where) else namespace,
        "labels": labels if _is_short(labels) else _UNKNOWN,
    }
    if kind == "Ingress":
        group = _INGRESS
        called |= {"labels": None, "annotations": _texts(given.get("annotations"))}
    body: JSON = {"apiVersion": version, "kind": kind, "metadata": called, "spec": spec, STANDS_IN: True}
    return Made(f"{group}/{kind}/{called['namespace']}/{called['name']}", canonical(body))


def _names(spec: JSON, kept: tuple[str, ...] | None) -> JSON:
    """What a spec says of names. What is there and cannot be passed on is something that is no name."""
    if spec is None or isinstance(spec, dict):
        found = spec or {}
        room = _Room()
        return {
            field: room.cut(item)
            for field, item in found.items()
            if (field in kept if kept is not None else _is_short(field))
        }
    return _UNKNOWN


def _without_every(kind: str, spec: JSON) -> JSON:
    """A spec with something that is no name where none is said."""
    if not isinstance(spec, dict) or kind not in _NAMED:
        return spec
    listed, field, nothing = _NAMED[kind]
    if not listed:
        return {field: nothing, **spec}
    items = spec.get(listed)
    if not isinstance(items, list):
        return spec
    return {**spec, listed: [{field: nothing, **item} if isinstance(item, dict) else item for item in items]}


def _texts(annotations: JSON) -> JSON:
    found = annotations if isinstance(annotations, dict) else {}
    return {name: text for name in _SAID_IN_ANNOTATIONS if isinstance(text := found.get(name), str) and _is_short(text)}


class _Room:
    """How many more values are passed on."""

    def __init__(self) -> None:
        self._left = _MOST

    def cut(self, value: JSON, depth: int = 0) -> JSON:
        """A value with `{}` in the place of each that is too long, too deep or has no form in JSON."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return {}
        if isinstance(value, list):
            return [self.cut(item, depth + 1) for item in value[: self._left + 1]]
        if isinstance(value, dict):
            few = list(value.items())[: self._left + 1] if len(value) > self._left else value.items()
            return {name: self.cut(item, depth + 1) for name, item in few if _is_short(name)}
        return value if _is_short(value) else {}


def _is_short(value: JSON) -> bool:
    """Whether a value can be passed on as it is."""
    try:
        return len(orjson.dumps(value)) <= _LONGEST
    except orjson.JSONEncodeError:
        return False
