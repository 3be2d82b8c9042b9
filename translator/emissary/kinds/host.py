"""Host: a name that is served, its certificate, and what becomes of insecure requests."""

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from translator.checks import HOST_SCHEMA, PlainText
from translator.decode import Decoded, Invalid, Rule, rule, schema_of
from translator.emissary.hostnames import host_hostname
from translator.emissary.kinds.tls_context import TlsSettings
from translator.emissary.objects import read_spec
from translator.kubernetes.selectors import LabelSelector, Selector
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretName:
    """The name of a Secret, in the Host's namespace unless it says another."""

    name: PlainText = field(metadata=rule("The Secret's name.", min_size=1))
    namespace: PlainText | None = field(default=None, metadata=rule("The Secret's namespace."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextName:
    """The name of a TLSContext."""

    name: PlainText = field(metadata=rule("The TLSContext's name.", min_size=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class InsecurePolicy:
    """What becomes of requests that did not come by TLS."""

    action: Literal["Redirect", "Reject", "Route"] = field(
        default="Redirect", metadata=rule("Redirect to https, answer 404, or serve them all the same.")
    )
    additional_port: object = field(
        default=None,
        metadata=rule(name="additionalPort", doc="No effect.", warn="has no effect: declare a Listener for that port"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """What becomes of requests, by how they came."""

    insecure: InsecurePolicy = field(default=InsecurePolicy(), metadata=rule("Requests that did not come by TLS."))


def wants_no_certificate(acme: object) -> bool:
    """Whether an `acmeProvider` says that no certificate is to be asked for."""
    authority = acme.get("authority") if isinstance(acme, dict) else None
    return isinstance(authority, str) and authority.lower() == "none"


def _acme(value: object) -> object:
    if wants_no_certificate(value):
        return None
    raise Invalid("is not served by this version: no certificate is asked for", stops=False, sort="Idle")


def _tls(value: object) -> Decoded[TlsSettings]:
    return Decoded(*read_spec(TlsSettings, value, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """A name that is served."""

    SILENT: ClassVar[frozenset[str]] = frozenset()

    hostname: str = field(
        default="*",
        metadata=rule("The name; `*` may stand alone, begin or end it.", check=host_hostname, schema=HOST_SCHEMA),
    )
    mapping_selector: LabelSelector | None = field(
        default=None,
        metadata=rule(name="mappingSelector", doc="Which Mappings are served under the name.", aliases=("selector",)),
    )
    tls_secret: SecretName | None = field(
        default=None, metadata=rule(name="tlsSecret", doc="The certificate; without it there is no TLS.")
    )
    tls_context: ContextName | None = field(
        default=None, metadata=rule(name="tlsContext", doc="A TLSContext for everything else about TLS.")
    )
    tls: Annotated[TlsSettings, Rule(convert=_tls, schema=schema_of(TlsSettings))] | None = field(
        default=None, metadata=rule("The same, said here.")
    )
    request_policy: RequestPolicy = field(
        default=RequestPolicy(), metadata=rule(name="requestPolicy", doc="What becomes of insecure requests.")
    )
    acme_provider: object = field(
        default=None,
        metadata=rule(
            name="acmeProvider", doc="Not served; `authority: none` says that none is wanted.", convert=_acme
        ),
    )

    preview_url: object = field(
        default=None,
        metadata=rule(name="previewUrl", doc="No effect.", warn="has no effect: there are no preview URLs"),
    )

    @property
    def selector(self) -> Selector | None:
        """What is asked of Mappings' labels; None when the Host does not select, an empty one when it selects all."""
        selector = self.mapping_selector
        return None if selector is None or selector.is_empty else selector.wanted
