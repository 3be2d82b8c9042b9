"""TLSContexts: TLS settings by name, for Hosts, for TCPMappings, and for services that speak TLS."""

from collections.abc import Mapping

from translator.decode import Problem
from translator.emissary.hostnames import wider
from translator.emissary.kinds.tls_context import TLSContextSpec, TlsSettings
from translator.emissary.names import listed_hosts
from translator.emissary.objects import Read, read_object
from translator.emissary.secret_names import (
    authority_problem,
    certificate_problem,
    how_read,
    revocations_problem,
    secret_ref,
)
from translator.emissary.settings import Settings
from translator.files.names import Files, pem_files
from translator.ir import CertificateRef, ObjectKey, PemFiles, SecretRef, UpstreamTls
from translator.kubernetes.secret import Certificate
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

GROUP_KIND = "getambassador.io/TLSContext"


@dataclass(frozen=True, slots=True)
class Context:
    """A TLSContext with its Secrets found; `spec` is None when a problem stops it, and who needs it with it."""

    key: ObjectKey
    namespace: str
    name: str
    spec: TLSContextSpec | None
    certificate: CertificateRef | None = None
    authority: CertificateRef | None = None
    revocations: SecretRef | None = None
    problems: tuple[Problem, ...] = ()
    hosts: tuple[str, ...] = ()
    """The names that it lists, also while it is stopped."""


class Contexts:
    """The TLSContexts' tables. The methods are for rules that a sweep runs."""

    def __init__(
        self,
        tables: Tables,
        objects: Table[ObjectKey, bytes],
        kubernetes: KubernetesTables,
        settings: Settings,
        options: Options,
    ) -> None:
        self._kubernetes = kubernetes
        self._settings = settings
        found = tables.each(
            "TLS contexts read",
            objects,
            lambda key, body: read_object(TLSContextSpec, key, body, options.ambassador_id),
        )
        self.files: Table[Files, Mapping[ObjectKey, bool]] = tables.group(
            "files of TLS contexts", found, lambda _, row: files_of(row.value)
        )
        self._listed = tables.each("hosts of TLS contexts", objects, lambda _, body: listed_hosts(body))
        self.rows: Table[ObjectKey, Context] = tables.each("TLS contexts", found, self._context_of)
        self._by_name = tables.group("TLS contexts by name", self.rows, lambda _, row: {row.name: row})
        self._by_host = tables.group("TLS contexts by host", self.rows, lambda _, row: dict.fromkeys(row.hosts, row))
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "TLS context problems", self.rows, lambda _, row: row.problems or None
        )

    def _context_of(self, key: ObjectKey, row: Read[TLSContextSpec]) -> Context:
        spec, problems, hosts = row.value, list(row.problems), read(self._listed, key) or ()
        if spec is None:
            return Context(key, row.namespace, row.name, None, problems=row.problems, hosts=hosts)
        namespacing = spec.secret_namespacing
        if namespacing is None:
            namespacing = self._settings.secret_namespacing()
        named, ca = spec.secret, spec.ca_secret
        certificate = secret_ref(named, row.namespace, namespacing=namespacing) if named else spec.certificate_files
        authority = secret_ref(ca, row.namespace, namespacing=namespacing) if ca else spec.authority_file
        revocations = secret_ref(spec.crl_secret, row.namespace, namespacing=namespacing) if spec.crl_secret else None
        found = self.secret_problems(certificate, authority, "spec", field="secret")
        found += self.revocation_problems(revocations, "spec.crl_secret")
        problems += (
            [how_read(each, spec.secret, spec.ca_secret, spec.crl_secret) for each in found] if namespacing else found
        )
        authority = authority or self.own_authority(certificate)
        if any(problem.stops for problem in problems):
            spec = None
        if revocations and authority is None and not any(problem.stops for problem in found):
            problems.append(Problem("spec.crl_secret", "has no effect without ca_secret", stops=False))
        return Context(key, row.namespace, row.name, spec, certificate, authority, revocations, tuple(problems), hosts)

    def secret_problems(
        self, certificate: CertificateRef | None, authority: CertificateRef | None, where: str, *, field: str
    ) -> list[Problem]:
        """What is wrong with Secrets and files that are wanted; `field` names the certificate's."""
        problems = []
        if certificate is not None:
            problems.append(
                certificate_problem(
                    _path(where, certificate, field, "cert_chain_file"), certificate, self._secret(certificate)
                )
            )
        if authority is not None:
            problems.append(
                authority_problem(
                    _path(where, authority, "ca_secret", "cacert_chain_file"), authority, self._secret(authority)
                )
            )
        return [problem for problem in problems if problem is not None]

    def revocation_problems(self, revocations: SecretRef | None, path: str) -> list[Problem]:
        """What is wrong with a Secret that is to say which certificates are revoked."""
        problem = revocations_problem(path, revocations, self._secret(revocations)) if revocations else None
        return [problem] if problem else []

    def own_authority(self, certificate: CertificateRef | None) -> CertificateRef | None:
        """The CA that a Secret brings along beside its certificate."""
        found = self._secret(certificate) if certificate else None
        return certificate if found is not None and found.brings_ca else None

    def requires_certificate(self, settings: TlsSettings, authority: CertificateRef | None) -> bool:
        """Whether clients must show a certificate: by the settings, or by the CA's own word."""
        found = self._secret(authority) if authority else None
        return bool(settings.cert_required) or (found is not None and found.required)

    def knows(self, secret: SecretRef) -> bool:
        """Whether there is a Secret, good or bad."""
        return self._secret(secret) is not None

    def _secret(self, secret: CertificateRef) -> Certificate | None:
        return self._kubernetes.certificate(secret)

    def find(self, name: str, namespace: str) -> Context | None:
        """The context that a name means: of this namespace, else the first by namespace, else name.namespace."""
        members = read(self._by_name, name)
        if members:
            return _nearest(members, namespace)
        short, dot, other = name.rpartition(".")
        members = read(self._by_name, short) if dot else None
        return next((row for row in (members or {}).values() if row.namespace == other), None)

    def find_exactly(self, name: str, namespace: str) -> Context | None:
        """The context of this name in this namespace."""
        members = read(self._by_name, name) or {}
        return next((row for row in members.values() if row.namespace == namespace), None)

    def for_host(self, hostname: str) -> Context | None:
        """The first context by name that lists a host, or else the narrowest glob for it."""
        for listed in (hostname, *wider(hostname)):
            members = read(self._by_host, listed)
            if members:
                return min(members.values(), key=lambda row: (row.name, row.namespace))
        return None


def _path(where: str, wanted: CertificateRef, secret: str, file: str) -> str:
    """The field that names a Secret, or a file."""
    return f"{where}.{file if isinstance(wanted, PemFiles) else secret}"


def files_of(settings: TlsSettings | None) -> dict[Files, bool]:
    """The files that settings of TLS name."""
    named = (settings.certificate_files, settings.authority_file) if settings else ()
    return {pem_files(each): True for each in named if each}


def _nearest(members: Mapping[ObjectKey, Context], namespace: str) -> Context:
    return min(members.values(), key=lambda row: (row.namespace != namespace, row.namespace))


def upstream_tls(context: Context) -> UpstreamTls | None:
    """How a service is spoken to by a context; None when the context is stopped."""
    spec = context.spec
    if spec is None:
        return None
    return UpstreamTls(
        sni=spec.sni,
        ca=context.authority,
        revocations=context.revocations if context.authority else None,
        certificate=context.certificate,
        versions=spec.versions,
        alpn=spec.alpn,
        cipher_suites=spec.cipher_suites,
        ecdh_curves=spec.ecdh_curves,
    )
