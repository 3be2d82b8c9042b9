"""BackendTLSPolicies: a TLSContext for each, and services that are spoken with by https. Pure.

A TLSContext believes every certificate that its CA has signed, whatever its name. With a CA of one's own that is a
little less than the policy says, and told; with the CAs that the machine trusts it is nearly everybody, so that what
leads to such a Service is not converted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from convert.to_emissary.reading import read
from convert.values import At, Document, Field, Made, at
from convert.world import World
from translator.gateway.kinds.backend_tls_policy import BackendTLSPolicySpec, Validation, targets_of
from translator.gateway.kinds.shared import Object
from translator.gateway.names import BACKEND_TLS_POLICY
from translator.ir import ObjectKey
from translator.kubernetes.service import Service, service_of

VERSION: Final = "getambassador.io/v3alpha1"
CA: Final = "ca.crt"
NOT_CONVERTED: Final = "what leads to its Services is not converted"
_Target = tuple[str, str, str]
"""Namespace, Service and the name of a port; empty: all ports."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a Service is spoken with: what stands before its name, the TLSContext, and the policy that says so."""

    scheme: str = ""
    tls: Document = field(default_factory=dict)
    of: tuple[ObjectKey, ...] = ()


IN_CLEAR: Final = Spoken()


@dataclass(slots=True)
class BackendTls:
    """Finds the policy of a Service, and makes what it needs; `made` is that."""

    world: World
    by_target: Mapping[_Target, ObjectKey]
    policies: Mapping[ObjectKey, Object[BackendTLSPolicySpec]]
    made: list[Made] = field(default_factory=list)
    contexts: dict[ObjectKey, str | None] = field(default_factory=dict)
    """The TLSContexts that were made, by their policies; None: there can be none."""

    @classmethod
    def of(cls, world: World) -> "BackendTls":
        """All policies; of two for one target the older counts, also where it cannot be read."""
        policies = {each.key: each for each in read(world, BACKEND_TLS_POLICY, BackendTLSPolicySpec)}
        found: dict[_Target, ObjectKey] = {}
        for key in sorted(world.of_kind(BACKEND_TLS_POLICY), key=lambda key: _age(world, key)):
            row = policies.get(key)
            targets = row.spec.target_refs if row and row.spec else targets_of(world.spec(key))
            for each in targets:
                if each.is_service:
                    found.setdefault((key.split("/")[2], each.name, each.section_name or ""), key)
        return cls(world, found, policies)

    @property
    def converted(self) -> frozenset[ObjectKey]:
        """The policies that are said now by a TLSContext."""
        return frozenset(key for key, name in self.contexts.items() if name is not None)

    def tell_unused(self) -> None:
        """Of policies for Services to which nothing leads."""
        for key in self.policies:
            if key not in self.contexts:
                said = "nothing that is converted leads to its Services, and it is not converted"
                self.world.notes.lost(key, "spec.targetRefs", said, "convert them together")

    def spoken(self, namespace: str, service: str, port: int | None, user: str) -> Spoken | None:
        """How a port of a Service is spoken with by objects of the namespace `user`; None: that cannot be said."""
        name = self._port_name(namespace, service, port)
        targets = [(namespace, service, each) for each in ((name, "") if name else ("",))]
        key = next((self.by_target[each] for each in targets if each in self.by_target), None)
        if key is None:
            return IN_CLEAR
        if key not in self.contexts:
            row = self.policies.get(key)
            self.contexts[key] = self._context(row) if row else None
        context = self.contexts[key]
        if context is None:
            return None
        called = context if user == namespace else f"{context}.{namespace}"
        return Spoken("https://", {"tls": at(called, key, "spec.targetRefs")}, (key,))

    def _port_name(self, namespace: str, service: str, port: int | None) -> str:
        key = f"core/Service/{namespace}/{service}"
        found = service_of(namespace, service, self.world.document(key)) if key in self.world.bodies else None
        known = found.port(port) if isinstance(found, Service) and port is not None else None
        return known.name if known is not None else ""

    def _context(self, row: Object[BackendTLSPolicySpec]) -> str | None:
        """The name of the TLSContext that is made for a policy; None where it cannot be said."""
        notes, spec = self.world.notes, row.spec
        if spec is None:
            return None
        wanted, where = spec.validation, "spec.validation"
        if wanted.well_known:
            said = "a TLSContext checks no names, so that every certificate of a public CA would be believed"
            said = f"{said}; {NOT_CONVERTED}"
            notes.lost(row.key, f"{where}.wellKnownCACertificates", said, "keep them, or have a CA of your own")
            return None
        if any(ref.kind != "ConfigMap" for ref in wanted.ca_certificate_refs):
            said = f"its CAs are in no ConfigMap; {NOT_CONVERTED}"
            notes.lost(row.key, f"{where}.caCertificateRefs", said, "name a ConfigMap with ca.crt")
            return None
        names = [wanted.hostname, *(each.hostname or each.uri or "" for each in wanted.subject_alt_names)]
        listed = " or ".join(names[1:] or names)
        said = f"a TLSContext checks no names: a certificate of the CA is believed that is not for {listed}, too"
        notes.lost(row.key, f"{where}.hostname", said, "have a CA for these Services alone")
        for option in sorted(spec.options):
            notes.lost(row.key, f"spec.options[{option}]", "no TLSContext says it", "keep the policy")
        context: Document = {
            "sni": at(wanted.hostname, row.key, f"{where}.hostname"),
            "ca_secret": at(self._authority(row, wanted), row.key, f"{where}.caCertificateRefs"),
        }
        metadata = self.world.metadata(row.key, self.world.free("TLSContext", row.namespace, row.name))
        document = {"apiVersion": VERSION, "kind": "TLSContext", "metadata": metadata, "spec": context}
        if "." in context["ca_secret"].value:
            context["secret_namespacing"] = False
        self.made.append(Made(document, (row.key,)))
        return str(metadata["name"])

    def _authority(self, row: Object[BackendTLSPolicySpec], wanted: Validation) -> str:
        """The name of the Secret with the CAs of some ConfigMaps."""
        first, texts, fields = wanted.ca_certificate_refs[0].name, list[str](), list[Field]()
        for place, ref in enumerate(wanted.ca_certificate_refs):
            key = f"core/ConfigMap/{row.namespace}/{ref.name}"
            data: dict[str, Any] = (self.world.document(key).get("data") or {}) if key in self.world.bodies else {}
            if isinstance(data.get(CA), str):
                texts.append(data[CA])
                fields.append((key, f'data["{CA}"]'))
                continue
            said = f"a TLSContext has its CA in a Secret, and the ConfigMap {ref.name} is not among these objects"
            path = f"spec.validation.caCertificateRefs[{place}]"
            self.world.notes.lost(row.key, path, said, f"make a Secret {first} with its {CA}")
        if not texts:
            return first
        name = self.world.free("Secret", row.namespace, first)
        space = {"namespace": row.namespace} if row.namespace != self.world.options.namespace else {}
        joined = "".join([text if text.endswith("\n") else f"{text}\n" for text in texts])
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, **space},
            "stringData": {CA: At(joined, tuple(fields))},
        }
        self.made.append(Made(document, ()))
        return name


def _age(world: World, key: ObjectKey) -> tuple[str, ObjectKey]:
    created = world.document(key).get("metadata", {}).get("creationTimestamp")
    return created if isinstance(created, str) else "", key
