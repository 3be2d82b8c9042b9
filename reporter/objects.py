"""What the snapshot says of an object: its status as it should be, and as it is in the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from reporter.gateway_fields import observed
from snapshot import Record

GROUP: Final = "getambassador.io"
VERSION: Final = "v3alpha1"
INGRESS: Final = "networking.k8s.io"
KNATIVE: Final = "networking.internal.knative.dev"
_INGRESSES: Final = {INGRESS: "v1", KNATIVE: "v1alpha1"}
"""The groups whose Ingresses have statuses of ours, with their versions."""
GATEWAY_API: Final = "gateway.networking.k8s.io"
_GATEWAY_PLURALS: Final[Mapping[str, str]] = {
    "GatewayClass": "gatewayclasses",
    "Gateway": "gateways",
    "ListenerSet": "listenersets",
    "HTTPRoute": "httproutes",
    "GRPCRoute": "grpcroutes",
    "TLSRoute": "tlsroutes",
    "TCPRoute": "tcproutes",
    "UDPRoute": "udproutes",
    "BackendTLSPolicy": "backendtlspolicies",
}
"""The kinds of Gateway API that have statuses, all of them v1."""
_POLICIES: Final[Mapping[str, str]] = {"BackendPolicy": "backendpolicies", "RoutePolicy": "routepolicies"}
"""The kinds of ours whose statuses are those of policies in Gateway API, with an entry for each ancestor."""

JSONObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Name:
    """Which object."""

    kind: str
    namespace: str
    name: str
    group: str = GROUP

    @property
    def is_own_kind(self) -> bool:
        """Whether it is of a kind whose CRD is ours."""
        return self.group == GROUP

    @property
    def is_shared(self) -> bool:
        """Whether its status is one that several controllers write together."""
        return self.group == GATEWAY_API or self.is_policy

    @property
    def is_policy(self) -> bool:
        """Whether it is of a kind of ours that attaches to objects of Gateway API."""
        return self.is_own_kind and self.kind in _POLICIES

    @property
    def api_version(self) -> str:
        """Its group and version."""
        return f"{self.group}/{'v1' if self.group == GATEWAY_API else _INGRESSES.get(self.group, VERSION)}"

    @property
    def plural(self) -> str:
        """Its kind as RBAC calls it."""
        if self.is_shared:
            return (_POLICIES if self.is_own_kind else _GATEWAY_PLURALS)[self.kind]
        return f"{self.kind.lower()}s" if self.is_own_kind else f"{self.kind.lower()}es"

    @property
    def sort(self) -> str:
        """Its kind, also where another group has one of the same name."""
        return self.kind if self.is_own_kind else f"{self.kind}.{self.group}"

    @property
    def path(self) -> str:
        """Where the API server has it."""
        inside = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"/apis/{self.api_version}{inside}/{self.plural}/{self.name}"

    def __str__(self) -> str:
        return f"{self.sort} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a status should say. `version` changes whenever that does.

    `generation` is that which it is about, where its conditions do not say so. `is_shared`: as of its Name. `news` are
    the reasons and messages of problems that the status itself has no place for; None: it tells of them.
    """

    version: str
    uid: str
    status: JSONObject
    generation: int = 0
    is_shared: bool = False
    news: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What the cluster says of an object: which one it is, which version of it, and its status."""

    uid: str
    generation: int
    version: str
    status: JSONObject


def name_of(key: str) -> Name | None:
    """The object of a key of the snapshot; None when it is of no kind of ours."""
    group, kind, namespace, name = key.split("/", 3)
    if group == GATEWAY_API:
        has_place = bool(namespace) != (kind == "GatewayClass")
        return Name(kind, namespace, name, group) if kind in _GATEWAY_PLURALS and has_place and name else None
    is_known = group == GROUP or (group in _INGRESSES and kind == "Ingress")
    return Name(kind, namespace, name, group) if is_known and namespace and name else None


def many_ask_for(key: str) -> bool:
    """Whether the object of a key has a status that tells of others: these are few, and waited for by many."""
    return key.startswith((f"{GATEWAY_API}/Gateway", f"{GATEWAY_API}/ListenerSet/"))


def wanted_of(record: Record | None) -> Wanted | None:
    """What a record of `statuses` says should be; None when nothing is to be said."""
    if record is None:
        return None
    body = orjson.loads(record.body)
    uid, status, about = body.get("uid"), body.get("status"), body.get("generation")
    shared = body.get("gateway")
    if uid and isinstance(shared, dict):
        shared.pop("service", None)  # that is `reporter.services`'
        return Wanted(record.version, uid, observed(shared, about or 0), about or 0, is_shared=True)
    if not uid or not isinstance(status, dict) or not status:
        return None
    return Wanted(record.version, uid, status, about or 0, news=_news(body, status))


def unsaid_of(record: Record | None) -> Wanted | None:
    """What is to be told of an Ingress for us whose status is to say nothing, or stays as it is."""
    if record is None or not (is_addressed(record) or is_unknown(record)):
        return None
    body = orjson.loads(record.body)
    return Wanted(record.version, body["uid"], {}, body.get("generation") or 0, news=_news(body, {}))


def _news(body: JSONObject, status: JSONObject) -> tuple[tuple[str, str], ...] | None:
    if "conditions" in status:
        return None
    return tuple((each["reason"], each["message"]) for each in body.get("news", ()))


def is_addressed(record: Record) -> bool:
    """Whether a record of `statuses` is that of an Ingress for us, of which there is nothing to say."""
    return b'"status":{}' in record.body


def is_unknown(record: Record | None) -> bool:
    """Whether nobody knows what the status of an Ingress for us should say, so that it stays as it is."""
    return record is not None and b'"status":null' in record.body


def live_of(record: Record | None) -> Live | None:
    """What a record of `live` says is."""
    if record is None:
        return None
    notes, status = record.notes, orjson.loads(record.body)
    return _live(notes.get("uid"), notes.get("generation"), notes.get("resourceVersion"), status)


def edition_of(record: Record) -> Live:
    """Which object, and which version of it, a record of `live` is about; its status is left out."""
    notes = record.notes
    return _live(notes.get("uid"), notes.get("generation"), notes.get("resourceVersion"), None)


def live_of_answer(body: bytes) -> Live | None:
    """What the API server answers to a write; None when it cannot be understood."""
    try:
        document = orjson.loads(body)
        metadata = document["metadata"]
        return _live(metadata["uid"], metadata.get("generation"), metadata["resourceVersion"], document.get("status"))
    except (ValueError, KeyError, TypeError):
        return None


def _live(uid: object, generation: object, version: object, status: object) -> Live:
    return Live(
        uid=str(uid or ""),
        generation=generation if isinstance(generation, int) else 0,
        version=str(version or ""),
        status=status if isinstance(status, dict) else {},
    )


def is_older(one: Live, other: Live) -> bool:
    """Whether `one` is an earlier state of the same object; what cannot be compared is not older."""
    if one.uid != other.uid or not (one.version.isdecimal() and other.version.isdecimal()):
        return False
    return int(one.version) < int(other.version)


def conditions_of(status: JSONObject) -> dict[str, JSONObject]:
    """The conditions of a status by their types; what is no condition is left out."""
    conditions = status.get("conditions")
    if not isinstance(conditions, list):
        return {}
    return {each["type"]: each for each in conditions if isinstance(each, dict) and isinstance(each.get("type"), str)}
