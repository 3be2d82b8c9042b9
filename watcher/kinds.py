"""What is watched in a cluster, as a table; and what of an object of each kind is kept.

Everything that nobody reads is left out before it costs memory, and so that its change is none: bookkeeping of the API
server, kubectl's copy of the object, what the nodes add to an EndpointSlice, and what a Secret holds
beside TLS and passwords.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from watcher.sources import Source

Document: TypeAlias = Mapping[str, Any]

OURS: Final = "getambassador.io"
GATEWAY_API: Final = "gateway.networking.k8s.io"

TLS_KEYS: Final = frozenset(
    (
        "tls.crt",
        "tls.key",
        "ca.crt",
        "cert-chain.pem",
        "key.pem",
        "root-cert.pem",
        "user.key",
        "crl.pem",
        "cert_required",
    )
)

PASSWORDS: Final = "auth"
"""The key of a file of passwords, which annotations of Ingresses name."""

WAYS_IN: Final = {
    "app.kubernetes.io/component": "ambassador-service",
    "getambassador.io/serves": "gateway",
    "networking.knative.dev/visibility": "cluster-local",
}
"""The labels, any of which a Service must have that statuses of Ingresses and Gateways speak of."""

_NO_TLS: Final = (
    "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=kubernetes.io/dockerconfigjson"
)
"""Secrets that cannot hold a certificate, and may be many and large; the API server does not even send them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects. `content` gives what is kept beside metadata; `fields` is a field selector of its own.

    `annotated`: whether annotations are kept. `reported`: whether we write its statuses though it is none of our own.
    `optional`: an API server may be without it. `needed`: without it, requests would be answered wrongly; a pod that
    has never seen it is not ready. `is_everywhere`: its objects are of no namespace. `gated`: watched only where a
    GatewayClass is ours. `by_name`: never all of them, only those that others refer to. `chosen`: selectors choose
    among its objects.
    """

    group: str
    version: str
    name: str
    plural: str
    content: Callable[[Document], dict[str, Any]]
    annotated: bool = True
    needed: bool = True
    fields: str = ""
    is_everywhere: bool = False
    reported: bool = False
    optional: bool = False
    gated: bool = False
    by_name: bool = False
    chosen: bool = True

    @property
    def is_told(self) -> bool:
        """Whether its statuses are written, so that it must be known what they say."""
        return self.reported or self.group == OURS

    @property
    def may_be_missing(self) -> bool:
        """Whether an API server may be without it."""
        return self.optional or self.group == OURS

    @property
    def resource(self) -> str:
        """As kubectl and RBAC call it: `mappings.getambassador.io`, `services`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api(self) -> str:
        """The path of its group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def key(self, namespace: str, name: str) -> str:
        """An object's key in the snapshot."""
        return f"{self.group or 'core'}/{self.name}/{namespace}/{name}"

    def is_of(self, key: str) -> bool:
        """Whether a key is that of an object of this kind."""
        return key.startswith(f"{self.group or 'core'}/{self.name}/")

    def key_of(self, metadata: Mapping[str, Any]) -> str:
        """The key of an object by its metadata. KeyError when it has no name."""
        return self.key(str(metadata.get("namespace") or ""), str(metadata["name"]))


@dataclass(frozen=True, slots=True)
class Target:
    """Some objects of a kind: of all namespaces or of one, all or the one of a name, and only those that match."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    labels: str = ""
    fields: str = ""

    @property
    def path(self) -> str:
        """The path to list and watch them by."""
        inside = f"/namespaces/{quote(self.namespace, safe='')}" if self.namespace else ""
        return f"{self.kind.api}{inside}/{self.kind.plural}"

    @property
    def params(self) -> dict[str, str]:
        """The parameters that choose them."""
        own = f"metadata.name={self.name}" if self.name else self.kind.fields
        fields = ",".join(part for part in (own, self.fields) if part)
        return {name: value for name, value in (("labelSelector", self.labels), ("fieldSelector", fields)) if value}

    @property
    def source(self) -> Source:
        """Them as a source of objects."""
        return Source(0, "/".join(filter(None, (self.kind.resource, self.namespace, self.name))), "Watch")

    @property
    def said(self) -> str:
        """Them, for people."""
        where = f" in the namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind.resource}{where}{f' of the name {self.name}' if self.name else ''}"

    def holds(self, key: str) -> bool:
        """Whether the object of this key would be among them, as far as the key tells."""
        _, _, namespace, own = key.split("/", 3)
        return self.kind.is_of(key) and self.namespace in ("", namespace) and self.name in ("", own)

    def named(self, namespace: str, name: str) -> "Target":
        """The one object of this name among them."""
        return replace(self, namespace=namespace, name=name)


def _everything(document: Document) -> dict[str, Any]:
    return {field: value for field, value in document.items() if field != "status"}


def _some(value: Any, fields: Collection[str]) -> Any:
    """Some fields of an object. What is none is kept as it is: the translator says what is wrong with it."""
    return {field: item for field, item in value.items() if field in fields} if isinstance(value, dict) else value


def _service(document: Document) -> dict[str, Any]:
    """Of one that may lead to us also whom it selects, and where its load balancer is."""
    fields = ("type", "externalName", "ports", "clusterIP", "clusterIPs")
    if not _may_be_ours(document):
        return {"spec": _some(document.get("spec"), fields)}
    return {
        "spec": _some(document.get("spec"), (*fields, "selector")),
        "status": _some(document.get("status"), ("loadBalancer",)),
    }


def _may_be_ours(document: Document) -> bool:
    metadata = document.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return isinstance(labels, dict) and any(labels.get(name) == value for name, value in WAYS_IN.items())


def _secret(document: Document) -> dict[str, Any]:
    data = _some(document.get("data"), TLS_KEYS | {PASSWORDS})
    if isinstance(data, dict):
        data = {name: text if isinstance(text, str) else _hollow(text) for name, text in data.items()}
    return {"type": document.get("type"), "data": data if isinstance(data, dict) else _hollow(data)}


def _hollow(value: Any) -> Any:
    """What is of another kind than it should be may be a secret all the same: only its kind is kept."""
    return None if value is None else type(value)()


def _slice(document: Document) -> dict[str, Any]:
    endpoints = document.get("endpoints")
    if isinstance(endpoints, list):
        endpoints = [_some(endpoint, ("addresses", "conditions", "zone")) for endpoint in endpoints]
    return {"addressType": document.get("addressType"), "ports": document.get("ports"), "endpoints": endpoints}


def _ingress(document: Document) -> dict[str, Any]:
    return {"spec": document.get("spec")}


def _own(name: str, plural: str, *, needed: bool = True) -> Kind:
    return Kind(OURS, "v3alpha1", name, plural, _everything, needed=needed)


SECRET: Final = Kind("", "v1", "Secret", "secrets", _secret, annotated=False, fields=_NO_TLS)

KINDS: Final = (
    _own("Mapping", "mappings"),
    _own("Host", "hosts"),
    _own("Listener", "listeners"),
    _own("TLSContext", "tlscontexts"),
    _own("TCPMapping", "tcpmappings"),
    _own("Module", "modules"),
    _own("ConsulResolver", "consulresolvers"),
    _own("KubernetesEndpointResolver", "kubernetesendpointresolvers"),
    _own("KubernetesServiceResolver", "kubernetesserviceresolvers"),
    _own("LogService", "logservices", needed=False),
    _own("TracingService", "tracingservices", needed=False),
    _own("AuthService", "authservices"),
    _own("RateLimitService", "ratelimitservices"),
    # Not served; said to each object, since whoever relies on one must know.
    _own("DevPortal", "devportals", needed=False),
    Kind("", "v1", "Service", "services", _service),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", _ingress, needed=False, reported=True),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", _ingress, needed=False, is_everywhere=True),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", _slice, annotated=False),
    SECRET,
)

KNATIVE: Final = (
    Kind(
        "networking.internal.knative.dev",
        "v1alpha1",
        "Ingress",
        "ingresses",
        _ingress,
        needed=False,
        reported=True,
        optional=True,
    ),
)
"""Watched where AMBASSADOR_KNATIVE_SUPPORT says so."""

_OF_ALL: Final = {"Module", "AuthService", "RateLimitService", "LogService", "TracingService"}
_ASIDE: Final = frozenset(_OF_ALL | {"TLSContext", "Service", "EndpointSlice", "Secret"})
BESIDE_ONE: Final = tuple([kind for kind in KINDS if kind.name in _ASIDE])
"""Watched, beside Gateway API, where one Gateway is served and nothing else (DRAGOMAN_GATEWAY)."""

TOLD: Final = (
    f"{OURS}/",
    f"{GATEWAY_API}/",
    *(kind.key("", "").rstrip("/") + "/" for kind in (*KINDS, *KNATIVE) if kind.reported),
)
"""Begin the keys of objects whose statuses are written."""
