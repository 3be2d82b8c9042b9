"""Ingress and IngressClass: what is read of them.

Source: Kubernetes API reference, Ingress v1 and IngressClass v1 networking.k8s.io.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, ClassVar, Final, Literal

from translator.checks import Port
from translator.decode import FrozenMap, Problem, decode, few, rule
from translator.derived import id_of
from translator.ingress.older import VERSIONS, current
from translator.kubernetes.shapes import metadata_of, unread
from translator.unserved import wrong_version
from translator.values import dataclass

CONTROLLER: Final = "getambassador.io/ingress-controller"
"""Of classes whose Ingresses mean what they mean to Emissary."""
STANDARD: Final = "getambassador.io/dragoman"
"""Of classes whose Ingresses mean what Kubernetes says; GatewayClasses of ours name the same."""
NGINX: Final = "k8s.io/ingress-nginx"
TAKEN_OVER: Final = "getambassador.io/take-over"
"""The annotation by which a class of ingress-nginx becomes ours: a class's controller can never be changed."""
DEFAULT: Final = "ingressclass.kubernetes.io/is-default-class"
CLASS: Final = "kubernetes.io/ingress.class"
OURS: Final = "ambassador"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Port:
    OPEN: ClassVar[bool] = True

    name: str | None = None
    number: Port | None = None

    def cross_check(self) -> Iterable[Problem]:
        if (self.name is None) == (self.number is None):
            yield Problem("number", "must be given, or a name, and not both")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    OPEN: ClassVar[bool] = True

    name: str = field(metadata=rule(min_size=1))
    port: _Port = field(metadata=rule(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where requests go; `resource` is what is no Service, and is not served."""

    OPEN: ClassVar[bool] = True

    service: _Service | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A path of a rule, and where its requests go."""

    OPEN: ClassVar[bool] = True

    path: str = "/"
    type: Literal["Exact", "Prefix", "ImplementationSpecific"] = field(
        default="ImplementationSpecific", metadata=rule(name="pathType")
    )
    backend: Backend = field(metadata=rule(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """The paths of a rule."""

    OPEN: ClassVar[bool] = True

    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressRule:
    """The paths of a host."""

    OPEN: ClassVar[bool] = True

    host: str | None = None
    http: Http = Http()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Hosts, and the Secret with their certificate."""

    OPEN: ClassVar[bool] = True

    hosts: tuple[str, ...] = ()
    secret_name: str | None = field(default=None, metadata=rule(name="secretName"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What an Ingress says."""

    OPEN: ClassVar[bool] = True

    class_name: str | None = field(default=None, metadata=rule(name="ingressClassName"))
    default_backend: Backend | None = field(default=None, metadata=rule(name="defaultBackend"))
    rules: tuple[IngressRule, ...] = ()
    tls: tuple[Tls, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    OPEN: ClassVar[bool] = True

    spec: Spec = Spec()


@dataclass(frozen=True, slots=True)
class Ingress:
    """An Ingress; `spec` is None where a problem stops it."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Spec | None
    problems: tuple[Problem, ...] = ()
    is_older: bool = False
    """Whether it was written in a form before v1."""
    created: str = ""
    """When, in RFC 3339; empty where nobody says."""
    class_name: str = ""
    """Its class, also where nothing else of it can be read."""
    left: Spec | None = None
    """Of one that is stopped: its hosts and paths, as far as they can be read."""

    @property
    def age(self) -> tuple[str, str, str]:
        """The order in which those that want the same come: the oldest, then the first by its name."""
        return self.created, self.namespace, self.name


@dataclass(frozen=True, slots=True)
class IngressClass:
    """What an Ingress is of: whose it is, and whether those that name none are of it."""

    name: str
    controller: str
    id: str
    created: str = ""
    is_default: bool = False
    is_standard: bool = False
    """Whether its Ingresses are ours and mean what Kubernetes says."""
    has_parameters: bool = False


def read_ingress(namespace: str, name: str, document: Mapping[str, Any]) -> Ingress:
    """Read an Ingress; the API server has checked it, a folder of YAML has not."""
    is_older = str(document.get("apiVersion")) in VERSIONS
    metadata, read = metadata_of(document), decode(_Document, current(document) if is_older else document, "")
    unknown = (*unread(document), *wrong_version(document))
    given, wrong = metadata.value, (*unknown, *metadata.problems, *read.problems)
    return Ingress(
        namespace,
        name,
        (given and given.labels) or {},
        given.annotations or {} if given else _texts_of(document),
        read.value.spec if read.value is not None and given is not None and not unknown else None,
        few(wrong),
        is_older,
        (given and given.creation_timestamp) or "",
        _class_name(document),
    )


def _class_name(document: Mapping[str, Any]) -> str:
    spec = document.get("spec")
    name = spec.get("ingressClassName") if isinstance(spec, dict) else None
    if isinstance(name, list) and name:
        name = name[0]
    return name if isinstance(name, str) else ""


def _texts_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """The annotations of which something else, or one of them, cannot be read: they say whose the Ingress is."""
    metadata = document.get("metadata")
    given = metadata.get("annotations") if isinstance(metadata, dict) else None
    every = given.items() if isinstance(given, dict) else ()
    return FrozenMap({name: text for name, text in every if isinstance(text, str)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClassSpec:
    OPEN: ClassVar[bool] = True

    controller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    OPEN: ClassVar[bool] = True

    spec: _ClassSpec = _ClassSpec()


def misshapen_class(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with the shape of an IngressClass, whosever it is."""
    return few((*wrong_version(document), *metadata_of(document).problems, *decode(_Class, document, "").problems))


def read_class(name: str, document: Mapping[str, Any]) -> IngressClass | None:
    """Read an IngressClass; None for one of no controller."""
    metadata, spec = metadata_of(document).value, document.get("spec")
    controller = spec.get("controller") if isinstance(spec, dict) else None
    if metadata is None or not isinstance(controller, str):
        return None
    said = metadata.annotations or {}
    taken = controller.lower() == NGINX and said.get(TAKEN_OVER) == "true"
    return IngressClass(
        name,
        controller,
        id_of(said),
        metadata.creation_timestamp or "",
        said.get(DEFAULT) == "true",
        taken or controller.lower() == STANDARD,
        isinstance(spec, dict) and bool(spec.get("parameters")),
    )
