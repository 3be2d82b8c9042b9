"""Which Secret a field means, and whether it holds what is wanted.

A missing or broken Secret stops who needs it: clear text, or TLS that checks nobody, never takes its place.
"""

from dataclasses import replace
from typing import Final

from translator.decode import Problem, Reason, quote
from translator.files.tables import UNREAD
from translator.ir import CertificateRef, PemFiles, SecretRef
from translator.kubernetes.secret import Certificate

UNUSABLE: Final[Reason] = "SecretNotUsable"


def secret_ref(text: str, namespace: str, *, namespacing: bool) -> SecretRef:
    """The Secret that a name means: `name`, or `name.namespace` where namespacing is on, split at the last dot."""
    name, dot, other = text.rpartition(".")
    if namespacing and dot and name and other:
        return SecretRef(other, name)
    return SecretRef(namespace, text)


def how_read(problem: Problem, *written: str | None) -> Problem:
    """The problem of a Secret, with how the dot in its name was read, where it was read as one."""
    for text in written:
        name, dot, namespace = (text or "").rpartition(".")
        if dot and f"{namespace}/{name}," in problem.message:
            said = f"{problem.message} ({quote(text or '')} is read as {name} of the namespace {namespace}: "
            return replace(problem, message=f"{said}secret_namespacing: false makes it a name)")
    return problem


def certificate_problem(path: str, secret: CertificateRef, found: Certificate | None) -> Problem | None:
    """Why a Secret cannot be shown as a certificate, or is not shown as it is now; None when all is well."""
    if found is not None and not found.problem and not found.has_certificate:
        return Problem(path, f"names {_called(secret)}, which holds no tls.crt with its tls.key", reason=UNUSABLE)
    problem = _unusable(path, secret, found, found.unfit if found else None)
    return problem or _remark(path, secret, found.remark if found else None)


def authority_problem(path: str, secret: CertificateRef, found: Certificate | None) -> Problem | None:
    """Why a Secret cannot be what certificates are checked against, or is not as it is now; None when all is well."""
    if found is not None and not found.problem and not found.has_ca:
        return Problem(path, f"names {_called(secret)}, which holds no tls.crt", reason=UNUSABLE)
    problem = _unusable(path, secret, found, found.untrusted if found else None)
    return problem or _remark(path, secret, found.remark_on_ca if found else None)


def revocations_problem(path: str, secret: SecretRef, found: Certificate | None) -> Problem | None:
    """Why a Secret cannot say which certificates are revoked, or does not as it is now; None when all is well."""
    if found is not None and not found.problem and found.revocations is None:
        return Problem(path, f"names {_called(secret)}, which holds no crl.pem", reason=UNUSABLE)
    return _unusable(path, secret, found, found.unusable_revocations if found else None)


def _remark(path: str, secret: CertificateRef, said: str | None) -> Problem | None:
    return Problem(path, f"names {_called(secret)}: {said}", stops=False) if said else None


def _unusable(path: str, secret: CertificateRef, found: Certificate | None, unfit: str | None) -> Problem | None:
    if found is None:
        if isinstance(secret, PemFiles):
            return Problem(path, f"names {_called(secret)}, which {UNREAD}", reason=UNUSABLE)
        said = "which does not exist, may not be read, or holds no certificate"
        return Problem(path, f"names {_called(secret)}, {said}", reason=UNUSABLE, sort="Absent")
    problem = found.problem or unfit
    if problem:
        return Problem(path, f"names {_called(secret)}, which cannot be used: {problem}", reason=UNUSABLE)
    if found.refusal:
        said = f"names {_called(secret)}, which is not used as it is now: {found.refusal}"
        return Problem(path, said, stops=False, reason=UNUSABLE)
    return None


def _called(secret: CertificateRef) -> str:
    if isinstance(secret, PemFiles):
        return f"the file {secret.certificate}"
    return f"the Secret {secret.namespace}/{secret.name}"
