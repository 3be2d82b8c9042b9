"""Knative's Ingress: what is read of it.

Source: Knative's networking API, Ingress v1alpha1 networking.internal.knative.dev.
"""

from collections import abc
from dataclasses import field
from typing import Any, ClassVar, Final, Literal

from translator.checks import Duration, Percent, Port
from translator.decode import Problem, decode, few, rule
from translator.derived import id_of
from translator.kubernetes.shapes import metadata_of
from translator.values import dataclass

CLASS: Final = "networking.knative.dev/ingress.class"
OURS: Final = "ambassador.ingress.networking.knative.dev"
LOCAL: Final = "ClusterLocal"
IN_VAIN: Final = "has no effect"
NO_TLS: Final = f"{IN_VAIN}: declare a Host with the certificate"
NO_REDIRECT: Final = f"{IN_VAIN}: whether insecure requests are redirected is said by the Host"
NO_RETRIES: Final = f"{IN_VAIN}: requests are not tried again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header must be."""

    OPEN: ClassVar[bool] = True

    exact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A share of a path's requests, and where it goes."""

    OPEN: ClassVar[bool] = True

    service_name: str = field(metadata=rule(name="serviceName", min_size=1))
    service_namespace: str | None = field(default=None, metadata=rule(name="serviceNamespace"))
    service_port: Port | str = field(default=80, metadata=rule(name="servicePort"))
    percent: Percent = 100
    append_headers: abc.Mapping[str, str] | None = field(default=None, metadata=rule(name="appendHeaders"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A path of a rule."""

    OPEN: ClassVar[bool] = True

    path: str = "/"
    headers: abc.Mapping[str, Header] | None = None
    splits: tuple[Split, ...] = ()
    append_headers: abc.Mapping[str, str] | None = field(default=None, metadata=rule(name="appendHeaders"))
    rewrite_host: str | None = field(default=None, metadata=rule(name="rewriteHost"))
    timeout: Duration = 15_000
    retries: object = field(default=None, metadata=rule(warn=NO_RETRIES))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Http:
    OPEN: ClassVar[bool] = True

    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The paths of some hosts."""

    OPEN: ClassVar[bool] = True

    hosts: tuple[str, ...] = ()
    visibility: Literal["ExternalIP", "ClusterLocal", ""] = ""
    http: _Http = _Http()

    @property
    def is_local(self) -> bool:
        """Whether it is to be seen in the cluster alone."""
        return self.visibility == LOCAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What an Ingress of Knative's says."""

    OPEN: ClassVar[bool] = True

    rules: tuple[Rule, ...] = ()
    tls: object = field(default=None, metadata=rule(warn=NO_TLS))
    http_option: str = field(default="Enabled", metadata=rule(name="httpOption"))

    def cross_check(self) -> abc.Iterable[Problem]:
        """What has no effect though it is known."""
        if self.http_option == "Redirected":
            yield Problem("httpOption", NO_REDIRECT, stops=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    OPEN: ClassVar[bool] = True

    spec: Spec = Spec()


@dataclass(frozen=True, slots=True)
class KnativeIngress:
    """An Ingress of Knative's; `spec` is None where a problem stops it."""

    namespace: str
    name: str
    labels: abc.Mapping[str, str]
    annotations: abc.Mapping[str, str]
    spec: Spec | None
    problems: tuple[Problem, ...] = ()

    def is_for(self, ambassador_id: str) -> bool:
        """Whether it is for the gateway with this id."""
        is_ours = self.annotations.get(CLASS, OURS).lower() == OURS
        return is_ours and id_of(self.annotations) == ambassador_id


def read_knative(namespace: str, name: str, document: abc.Mapping[str, Any]) -> KnativeIngress:
    """Read one; the API server knows little of it, and a folder of YAML nothing."""
    metadata, read = metadata_of(document), decode(_Document, document, "")
    given = metadata.value
    return KnativeIngress(
        namespace,
        name,
        (given and given.labels) or {},
        (given and given.annotations) or {},
        read.value.spec if read.value is not None and given is not None else None,
        few((*metadata.problems, *read.problems)),
    )
