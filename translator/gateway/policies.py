"""BackendTLSPolicies: what is demanded of connections to a Service before any request is sent there.

Whoever writes a policy wants no request to go out unverified. So a policy that cannot be used is not passed over, be it
that a CA is missing, that it cannot be read or that Envoy refused it: its Service gets no requests until it is mended,
or gone. Nor does a younger policy take the place of an older one that is broken.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from translator import ir
from translator.files.names import Files, pem_files
from translator.gateway.conditions import Condition, false, true
from translator.gateway.kinds.backend_tls_policy import (
    OWN_OPTIONS,
    BackendTLSPolicySpec,
    SubjectAltName,
    TargetRef,
    Validation,
    targets_of,
)
from translator.gateway.kinds.gateway import AuthorityRef
from translator.gateway.kinds.shared import Object, read_object
from translator.gateway.names import BACKEND_TLS_POLICY
from translator.gateway.problems import in_words
from translator.gateway.termination import Terminations
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables, Name
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

WHOLE: Final = ""
"""The section that stands for all ports of a Service."""

Policy = Object[BackendTLSPolicySpec]
Owners = Mapping[str, ObjectKey]
"""Whose policy counts, by the names of ports, and for the whole Service."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a policy demands of connections; `tls` None: what nobody can meet, so that there are none."""

    policy: ObjectKey
    tls: ir.UpstreamTls | None

    @property
    def named(self) -> str:
        """The policy for people."""
        return f"BackendTLSPolicy {self.policy.split('/', 2)[2]}"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy demands, whether that is sound, and the references that lead nowhere."""

    demand: Demand
    accepted: Condition
    references: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a policy is about of a Service."""

    age: tuple[str, str, str]
    sections: tuple[str, ...]


class TlsPolicies:
    """`all` are the policies, `judged` what each demands, `owners` whose counts, by Services; `files` those they need.

    The methods are for rules that a sweep runs.
    """

    def __init__(
        self, tables: Tables, kubernetes: KubernetesTables, terminations: Terminations, options: Options
    ) -> None:
        self._kubernetes = kubernetes
        self._terminations = terminations
        self._system = ir.PemFiles(options.system_authorities)
        objects: Table[ObjectKey, bytes] = tables.source(f"{BACKEND_TLS_POLICY} objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {BACKEND_TLS_POLICY: objects}
        self.all: Table[ObjectKey, Policy] = tables.each(
            "backend TLS policies",
            objects,
            lambda key, body: read_object(BackendTLSPolicySpec, key, body, targets_of),
        )
        named = tables.group("files of backend TLS policies", self.all, lambda _, row: self._files_of(row))
        self.files: Table[Files, bool] = tables.each("files that policies need", named, lambda _, __: True)
        self.judged: Table[ObjectKey, Judged] = tables.each("backend TLS policies judged", self.all, self._judge)
        self._demands: Table[ObjectKey, Demand] = tables.each(
            "demands of backend TLS policies", self.judged, lambda _, row: row.demand
        )
        claims = tables.group("backend TLS policies by service", self.all, lambda _, row: _claims_of(row))
        self.owners: Table[Name, Owners] = tables.each(
            "owners of TLS with services", claims, lambda _, them: _owners_of(them)
        )

    def are_about(self, service: Name) -> bool:
        """Whether any policy is about a Service, or a port of it."""
        return read(self.owners, service) is not None

    def demand(self, service: Name, port: str) -> Demand | None:
        """What is demanded of connections to a port of a Service, by its name; None: nothing.

        A policy that a failure of ours has kept from being judged demands what nobody can meet.
        """
        owners = read(self.owners, service)
        if owners is None:
            return None
        owner = owners.get(port) or owners.get(WHOLE)
        return None if owner is None else read(self._demands, owner) or Demand(owner, None)

    def _files_of(self, row: Policy) -> dict[Files, bool]:
        wanted = row.spec is not None and row.spec.validation.well_known == "System"
        return {pem_files(self._system): True} if wanted else {}

    def _judge(self, key: ObjectKey, row: Policy) -> Judged:
        def refused(accepted: Condition, *references: Condition) -> Judged:
            return Judged(Demand(key, None), accepted, references)

        spec = row.spec
        if spec is None:
            return refused(false("Accepted", "Invalid", in_words(row.problems)))
        for name in sorted(spec.options):
            if name.startswith(OWN_OPTIONS):
                return refused(false("Accepted", "Invalid", "is no option that there is", f"spec.options[{name}]"))
        validation = spec.validation
        if validation.well_known not in {None, "System"}:
            said = f"{validation.well_known} is not served, only System"
            return refused(false("Accepted", "Invalid", said, "spec.validation.wellKnownCACertificates"))
        authority, wrong = self._authority(row, validation)
        if authority is None:
            said = "there is no CA that the Service could be checked against"
            return refused(false("Accepted", "NoValidCACertificate", said), *wrong)
        tls = None if row.is_held else ir.UpstreamTls(validation.hostname, authority, names=tuple(_names(validation)))
        return Judged(Demand(key, tls), true("Accepted"), wrong)

    def _authority(self, row: Policy, validation: Validation) -> tuple[ir.AuthorityRef | None, tuple[Condition, ...]]:
        """The CAs that can be used, and what is said of those that cannot."""
        if validation.well_known:
            return self._of_system()
        found: list[tuple[str, str]] = []
        problems: list[Condition] = []
        for place, ref in enumerate(validation.ca_certificate_refs):
            path = f"spec.validation.caCertificateRefs[{place}]"
            wanted = AuthorityRef(group=ref.group, kind=ref.kind, name=ref.name)
            authority = self._terminations.authority(row.kind, row.namespace, wanted, path)
            if isinstance(authority, Condition):
                is_kind = authority.reason == "InvalidCACertificateKind"
                reason = "InvalidKind" if is_kind else authority.reason
                problems.append(false(authority.type, reason, authority.message, path))
            else:
                found.append(authority)
                problems += self._terminations.refused(ir.ConfigMaps((authority,)), path, "InvalidCACertificateRef")
        authorities = ir.ConfigMaps(tuple(dict.fromkeys(found))) if found else None
        if authorities is not None and (said := self._terminations.too_much(authorities)) is not None:
            path = "spec.validation.caCertificateRefs"
            return None, (*problems, false("ResolvedRefs", "InvalidCACertificateRef", said, path))
        return authorities, tuple(problems)

    def _of_system(self) -> tuple[ir.PemFiles | None, tuple[Condition, ...]]:
        """The CAs that this machine trusts."""
        found = self._kubernetes.certificate(self._system)
        if found is not None and found.problem is None and found.has_ca:
            return self._system, ()
        wrong = found.problem if found is not None and found.problem else "has not been read yet"
        said = f"the CAs of the system cannot be used: {wrong}"
        return None, (
            false("ResolvedRefs", "InvalidCACertificateRef", said, "spec.validation.wellKnownCACertificates"),
        )


def targets(row: Policy) -> tuple[TargetRef, ...]:
    """What a policy is about, be it that no more of it can be read."""
    return row.spec.target_refs if row.spec else row.left


def _claims_of(row: Policy) -> dict[Name, _Claim]:
    sections: dict[Name, list[str]] = {}
    for each in targets(row):
        if each.is_service:
            sections.setdefault((row.namespace, each.name), []).append(each.section_name or WHOLE)
    return {name: _Claim(row.age, tuple(found)) for name, found in sections.items()}


def _owners_of(claims: Mapping[ObjectKey, _Claim]) -> Owners:
    """Of those that want the same the oldest."""
    found: dict[str, ObjectKey] = {}
    for key in sorted(claims, key=lambda each: (claims[each].age, each)):
        for section in claims[key].sections:
            found.setdefault(section, key)
    return found


def _names(validation: Validation) -> Iterator[ir.PeerName]:
    """The names of which the certificate must have one; the hostname is none of them where others are said."""
    if not validation.subject_alt_names:
        yield ir.PeerName("dns", validation.hostname)
    for each in validation.subject_alt_names:
        yield _name(each)


def _name(said: SubjectAltName) -> ir.PeerName:
    if said.uri is not None:
        return ir.PeerName("uri", said.uri)
    hostname = said.hostname or ""
    return ir.PeerName("within", hostname[2:]) if hostname.startswith("*.") else ir.PeerName("dns", hostname)
