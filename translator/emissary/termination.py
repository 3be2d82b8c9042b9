"""How TLS is ended: a Host's Secret, with the settings of its TLSContext or its own.

Which settings a Host with a Secret has: those of the TLSContext that it names, or those it says itself, or those of a
TLSContext `<host>-context` beside it, or the defaults. A Host without a Secret ends TLS with the files that its own
settings name, or those of the TLSContext that it names.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from translator import ir
from translator.decode import Problem
from translator.emissary.contexts import Context, Contexts
from translator.emissary.hostnames import covers, without_port
from translator.emissary.kinds.host import HostSpec, SecretName
from translator.emissary.kinds.tls_context import TlsSettings
from translator.emissary.objects import Read
from translator.emissary.problems import stopped_by
from translator.emissary.secret_names import secret_ref
from translator.emissary.settings import Settings
from translator.ir import CertificateRef, PemFiles, SecretRef
from translator.values import dataclass

OFFERED: Final = ir.TlsTermination(()).alpn
"""The protocols that HTTP is offered in, where nothing else is said."""


_Trust = tuple[CertificateRef | None, SecretRef | None]
"""The Secret or file with the CA that clients are checked against, and that with its revocations."""


@dataclass(frozen=True, slots=True)
class HostTls:
    """How TLS is ended for a Host; `asked_alpn` are the protocols that its settings name, if any."""

    termination: ir.TlsTermination
    asked_alpn: tuple[str, ...] = ()


class Terminations:
    """Finds how TLS is ended. The methods are for rules that a sweep runs."""

    def __init__(self, contexts: Contexts, settings: Settings) -> None:
        self._contexts = contexts
        self._settings = settings

    def of_host(self, row: Read[HostSpec], spec: HostSpec, problems: list[Problem]) -> HostTls | None:
        """The TLS of a Host, None for clear text; adds what is wrong with it."""
        if spec.tls is not None and spec.tls_context is not None:
            problems.append(Problem("spec.tlsContext", "cannot be given together with tls"))
            return None
        if spec.tls_secret is None:
            return self._by_files(row, spec, problems)
        if spec.tls is not None and spec.tls.certificate_files:
            problems.append(Problem("spec.tls.cert_chain_file", "cannot be given together with tlsSecret"))
        secret, other = self._secret_of(spec.tls_secret, row.namespace)
        found = self._contexts.secret_problems(secret, None, "spec", field="tlsSecret")
        problems += [_or_other(each, other) for each in found] if other else found
        if spec.tls is not None:
            return self._inline(spec.tls, secret, row.namespace, problems)
        context = self._context_of(row, spec, problems)
        if context is None or context.spec is None:
            return self._ended(TlsSettings(), secret, (None, None), "spec.tls", problems)
        if context.certificate not in {None, secret}:
            called = f"the TLSContext {context.namespace}/{context.name}"
            said = f"is not the Secret of {called}; they must be the same"
            if isinstance(context.certificate, PemFiles):
                said = f"cannot be given together with the files of {called}"
            problems.append(Problem("spec.tlsSecret", said))
        return self._ended(context.spec, secret, _trust_of(context), "spec.tlsContext", problems)

    def of_context(self, context: Context) -> HostTls | None:
        """The TLS of a TLSContext by itself, or None when it cannot end TLS."""
        if context.spec is None or context.certificate is None:
            return None
        problems: list[Problem] = []
        ended = self._ended(context.spec, context.certificate, _trust_of(context), "", problems)
        return None if problems else ended

    def for_name(self, server: str) -> HostTls | Context | None:
        """The TLS of the first TLSContext that lists a name in its hosts; or itself, where its problems stop it."""
        context = self._contexts.for_host(server)
        if context is None or context.spec is None:
            return context
        return self.of_context(context)

    def _secret_of(self, name: SecretName, namespace: str) -> tuple[SecretRef, SecretRef | None]:
        """The Secret that a Host names, and what else its dot may mean, where there is neither.

        Its namespace can be said apart, so the name is the name; but who wrote `name.namespace`, as Emissary reads it,
        means that, where there is no Secret of the whole name.
        """
        whole = SecretRef(name.namespace or namespace, name.name)
        if name.namespace:
            return whole, None
        split = secret_ref(name.name, namespace, namespacing=self._settings.secret_namespacing())
        if split == whole or self._contexts.knows(whole):
            return whole, None
        return (split, None) if self._contexts.knows(split) else (whole, split)

    def _by_files(self, row: Read[HostSpec], spec: HostSpec, problems: list[Problem]) -> HostTls | None:
        """The TLS of a Host without a Secret; None for clear text, where nothing names files."""
        if spec.tls is not None and (files := spec.tls.certificate_files):
            problems += self._contexts.secret_problems(files, None, "spec.tls", field="")
            return self._inline(spec.tls, files, row.namespace, problems)
        context = self._contexts.find(spec.tls_context.name, row.namespace) if spec.tls_context else None
        if context is not None and (context.spec is None or isinstance(context.certificate, PemFiles)):
            self._context_of(row, spec, problems)  # for what is to be told of it
            if context.spec is None or context.certificate is None:
                return None  # stopped, and this Host with it: nobody knows whether it would have named files
            return self._ended(context.spec, context.certificate, _trust_of(context), "spec.tlsContext", problems)
        for name, given in (("tls", spec.tls), ("tlsContext", spec.tls_context)):
            if given is not None:
                problems.append(Problem(f"spec.{name}", "has no effect without tlsSecret", stops=False))
        return None

    def _inline(self, tls: TlsSettings, secret: CertificateRef, namespace: str, problems: list[Problem]) -> HostTls:
        namespacing = self._settings.secret_namespacing()
        named = tls.ca_secret
        authority = secret_ref(named, namespace, namespacing=namespacing) if named else tls.authority_file
        revocations = secret_ref(tls.crl_secret, namespace, namespacing=namespacing) if tls.crl_secret else None
        problems += self._contexts.secret_problems(None, authority, "spec.tls", field="")
        problems += self._contexts.revocation_problems(revocations, "spec.tls.crl_secret")
        return self._ended(tls, secret, (authority, revocations), "spec.tls", problems)

    def _context_of(self, row: Read[HostSpec], spec: HostSpec, problems: list[Problem]) -> Context | None:
        """The TLSContext that a Host names, else the one in its namespace that bears its name."""
        if spec.tls_context is None:
            where, context = "spec.tlsSecret", self._contexts.find_exactly(f"{row.name}-context", row.namespace)
        else:
            where, context = "spec.tlsContext", self._contexts.find(spec.tls_context.name, row.namespace)
            if context is None:
                said = f"names the TLSContext {spec.tls_context.name}, which does not exist"
                problems.append(Problem(where, said, reason="TLSContextNotUsable"))
        if context is None:
            return None
        called = f"the TLSContext {context.namespace}/{context.name}"
        if context.spec is None:
            said = f"needs {called}, {stopped_by(context.problems)}"
            problems.append(Problem(where, said, reason="TLSContextNotUsable"))
        elif context.spec.hosts and not _is_listed(context.spec.hosts, spec.hostname, row.name):
            said = f"uses {called}, although its hosts do not list {spec.hostname}"
            problems.append(Problem(where, said, stops=False))
        return context

    def _ended(
        self, settings: TlsSettings, secret: CertificateRef, trust: _Trust, where: str, problems: list[Problem]
    ) -> HostTls:
        authority, revocations = trust
        authority = authority or self._contexts.own_authority(secret)
        required = self._contexts.requires_certificate(settings, authority)
        if required and authority is None:
            problems.append(Problem(where, "has cert_required, but no ca_secret that clients are checked against"))
        termination = ir.TlsTermination(
            certificates=(secret,),
            client_ca=authority,
            client_revocations=revocations if authority else None,
            require_client_certificate=required,
            versions=settings.versions,
            alpn=settings.alpn or OFFERED,
            cipher_suites=settings.cipher_suites,
            ecdh_curves=settings.ecdh_curves,
        )
        return HostTls(termination, settings.alpn)


def _trust_of(context: Context) -> _Trust:
    return context.authority, context.revocations


def _or_other(problem: Problem, other: SecretRef) -> Problem:
    """The problem of a Secret that is not there, with what else its name may mean."""
    return replace(
        problem, message=f"{problem.message}; nor does {other.namespace}/{other.name}, as its dot may be read"
    )


def _is_listed(hosts: Iterable[str], hostname: str, name: str) -> bool:
    """Whether the hosts of a TLSContext list a Host: by its hostname, by a glob for that, or by its own name."""
    known = {hostname, without_port(hostname)}
    return any(listed == name or any(covers(listed, each) for each in known) for listed in hosts)
