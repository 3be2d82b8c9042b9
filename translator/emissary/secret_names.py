"""Which Secret a field means, and whether it holds what is wanted.

A missing or broken Secret stops who needs it: clear text, or TLS that checks nobody, never takes its place.
"""

from typing import Final

from translator.decode import Problem, Reason
from translator.ir import SecretRef
from translator.kubernetes.secret import Certificate

UNUSABLE: Final[Reason] = "SecretNotUsable"


def secret_ref(text: str, namespace: str, *, namespacing: bool) -> SecretRef:
    """The Secret that a name means: `name`, or `name.namespace` where namespacing is on, split at the last dot."""
    name, dot, other = text.rpartition(".")
    if namespacing and dot and name and other:
        return SecretRef(other, name)
    return SecretRef(namespace, text)


def certificate_problem(path: str, secret: SecretRef, found: Certificate | None) -> Problem | None:
    """Why a Secret cannot be shown as a certificate; None when it can."""
    if found is not None and not found.problem and not found.has_certificate:
        return Problem(
            path, f"names the Secret {_called(secret)}, which holds no tls.crt with its tls.key", reason=UNUSABLE
        )
    return _unusable(path, secret, found) or (_unfit(path, secret, found.unfit) if found and found.unfit else None)


def authority_problem(path: str, secret: SecretRef, found: Certificate | None) -> Problem | None:
    """Why a Secret cannot be what certificates are checked against; None when it can."""
    if found is not None and not found.problem and not found.has_ca:
        return Problem(path, f"names the Secret {_called(secret)}, which holds no tls.crt", reason=UNUSABLE)
    return _unusable(path, secret, found)


def _unusable(path: str, secret: SecretRef, found: Certificate | None) -> Problem | None:
    if found is None:
        return Problem(
            path,
            f"names the Secret {_called(secret)}, which does not exist, may not be read, or holds no certificate",
            reason=UNUSABLE,
        )
    return _unfit(path, secret, found.problem) if found.problem else None


def _unfit(path: str, secret: SecretRef, said: str) -> Problem:
    return Problem(path, f"names the Secret {_called(secret)}, which cannot be used: {said}", reason=UNUSABLE)


def _called(secret: SecretRef) -> str:
    return f"{secret.namespace}/{secret.name}"
