"""How a listener ends TLS: with which certificates, and what clients must show.

What cannot be used is told and left out; without any certificate, or without any CA where clients are to be checked,
a listener is not served.
"""

from dataclasses import replace
from typing import Final

from translator import ir
from translator.gateway.conditions import Condition, false, true
from translator.gateway.grants import Grants, Reference
from translator.gateway.kinds.gateway import AuthorityRef, GatewaySpec
from translator.gateway.kinds.shared import Object, ObjectRef
from translator.gateway.listeners import Listener
from translator.gateway.names import GROUP
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.values import dataclass

_CORE: Final = ("", "core")


@dataclass(frozen=True, slots=True)
class Ended:
    """How TLS is ended, None where it cannot be; and what is said of references.

    `unverifiable`: clients are to be checked, and nothing is there to check them by.
    """

    termination: ir.TlsTermination | None
    problems: tuple[Condition, ...] = ()
    unverifiable: Condition | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """The certificate that a Gateway shows to services, None where it cannot; and what is said of that."""

    certificate: ir.SecretRef | None
    said: Condition


class Terminations:
    """Finds how TLS is ended. The methods are for rules that a sweep runs."""

    def __init__(self, kubernetes: KubernetesTables, grants: Grants) -> None:
        self._kubernetes = kubernetes
        self._grants = grants

    def of(self, listener: Listener) -> Ended:
        """The TLS of a listener that speaks HTTPS."""
        tls = listener.spec.tls
        path = f"{listener.place}.tls"
        refs = tls.certificate_refs if tls else ()
        if not refs:
            said = "must name a Secret, since the listener ends TLS"
            return Ended(None, (false("ResolvedRefs", "InvalidCertificateRef", said, f"{path}.certificateRefs"),))
        certificates: list[ir.CertificateRef] = []
        problems: list[Condition] = []
        for place, ref in enumerate(refs):
            found = self._certificate(listener, ref, f"{path}.certificateRefs[{place}]")
            if isinstance(found, Condition):
                problems.append(found)
            else:
                certificates.append(found)
                problems += self.refused(found, f"{path}.certificateRefs[{place}]", "InvalidCertificateRef")
        ended = ir.TlsTermination(tuple(certificates)) if certificates else None
        return self._verifying(listener, Ended(ended, tuple(problems)))

    def _verifying(self, listener: Listener, ended: Ended) -> Ended:
        """The same, with what clients must show."""
        validation = listener.validation
        if validation is None:
            return ended
        # A ListenerSet has no say in it: the CAs are those that its Gateway names, where that is.
        namespace = name_of(listener.gateway)[0]
        found: list[tuple[str, str]] = []
        problems: list[Condition] = []
        for place, ref in enumerate(validation.ca_certificate_refs):
            path = f"spec.tls.frontend.{listener.validated_by}.validation.caCertificateRefs[{place}]"
            authority = self.authority("Gateway", namespace, ref, path)
            if isinstance(authority, Condition):
                problems.append(authority)
            else:
                found.append(authority)
                problems += self.refused(ir.ConfigMaps((authority,)), path, "InvalidCACertificateRef")
        ended = replace(ended, problems=(*ended.problems, *problems))
        if not found:
            said = "there is no CA that clients could be checked against"
            return replace(ended, unverifiable=false("Accepted", "NoValidCACertificate", said))
        authority_ref = ir.ConfigMaps(tuple(found))
        if (wrong := self.too_much(authority_ref)) is not None:
            return replace(ended, unverifiable=false("Accepted", "NoValidCACertificate", wrong))
        if ended.termination is None:
            return ended
        lax = validation.mode == "AllowInsecureFallback"
        checked = replace(
            ended.termination, client_ca=authority_ref, require_client_certificate=not lax, takes_any_client=lax
        )
        return replace(ended, termination=checked)

    def authority(self, kind: str, namespace: str, ref: AuthorityRef, path: str) -> tuple[str, str] | Condition:
        """The ConfigMap with CAs that an object of this kind and namespace refers to; else what is wrong with it."""
        if ref.group not in _CORE or ref.kind != "ConfigMap":
            said = f"must be a ConfigMap, not {ref.group or 'core'}/{ref.kind}"
            return false("ResolvedRefs", "InvalidCACertificateKind", said, path)
        name = (ref.namespace or namespace, ref.name)
        if not self._grants.permit(Reference(GROUP, kind, namespace, "", "ConfigMap", name[0]), name[1]):
            said = f"no ReferenceGrant in {name[0]} lets {kind}s of {namespace} refer to its ConfigMaps"
            return false("ResolvedRefs", "RefNotPermitted", said, path)
        held = self._kubernetes.certificate(ir.ConfigMaps((name,)))
        if held is None or held.problem is not None:
            said = f"the ConfigMap {'/'.join(name)} does not exist, or its ca.crt holds no CA"
            said += f": {held.problem}" if held is not None else ""
            return false("ResolvedRefs", "InvalidCACertificateRef", said, path)
        return name

    def too_much(self, authorities: ir.ConfigMaps) -> str | None:
        """Why CAs that can be used one by one cannot be used together; None: they can."""
        held = self._kubernetes.certificate(authorities)
        return f"the CAs cannot be used: {held.problem}" if held is not None and held.problem else None

    def refused(self, wanted: ir.SecretRef | ir.ConfigMaps, path: str, reason: str) -> list[Condition]:
        """That Envoy refused what is there now, where what was there before goes on in its place."""
        found = self._kubernetes.certificate(wanted)
        if found is None or not found.refusal:
            return []
        one = wanted.names[0] if isinstance(wanted, ir.ConfigMaps) else (wanted.namespace, wanted.name)
        kind = "ConfigMap" if isinstance(wanted, ir.ConfigMaps) else "Secret"
        said = f"the {kind} {'/'.join(one)} is not used as it is now: {found.refusal}"
        return [false("ResolvedRefs", reason, said, path)]

    def _certificate(self, listener: Listener, ref: ObjectRef, path: str) -> ir.SecretRef | Condition:
        found = self.secret(listener.key[0].split("/")[1], listener.namespace, ref, path)
        if isinstance(found, ir.SecretRef):
            return found
        reason = "InvalidCertificateRef" if found.reason == "Invalid" else found.reason
        return replace(found, reason=reason)

    def presented(self, gateway: Object[GatewaySpec]) -> Presented | None:
        """The certificate that a Gateway shows to services; None: it names none."""
        ref = gateway.spec.tls.backend.client_certificate_ref if gateway.spec else None
        if ref is None:
            return None
        path = "spec.tls.backend.clientCertificateRef"
        found = self.secret("Gateway", gateway.namespace, ref, path)
        if isinstance(found, ir.SecretRef):
            told = self.refused(found, path, "InvalidClientCertificateRef")
            return Presented(found, told[0] if told else true("ResolvedRefs"))
        reason = "InvalidClientCertificateRef" if found.reason == "Invalid" else found.reason
        return Presented(None, replace(found, reason=reason))

    def secret(self, kind: str, namespace: str, ref: ObjectRef, path: str) -> ir.SecretRef | Condition:
        """The Secret with a certificate that an object of this kind and namespace refers to.

        Else what is wrong with it; the reason is RefNotPermitted, or Invalid.
        """
        if ref.group not in _CORE or ref.kind not in {None, "Secret"}:
            return false("ResolvedRefs", "Invalid", f"must be a Secret, not {ref.group or 'core'}/{ref.kind}", path)
        secret = ir.SecretRef(ref.namespace or namespace, ref.name)
        if not self._grants.permit(Reference(GROUP, kind, namespace, "", "Secret", secret.namespace), secret.name):
            said = f"no ReferenceGrant in {secret.namespace} lets {kind}s of {namespace} refer to its Secrets"
            return false("ResolvedRefs", "RefNotPermitted", said, path)
        called = f"the Secret {secret.namespace}/{secret.name}"
        found = self._kubernetes.certificate(secret)
        wrong = found.problem or found.unfit if found else None
        if found is None:
            said = f"{called} does not exist, or holds no certificate"
            return replace(false("ResolvedRefs", "Invalid", said, path), is_absent=True)
        if wrong or not found.has_certificate:
            return false(
                "ResolvedRefs", "Invalid", f"{called} cannot be used: {wrong or 'it holds no certificate'}", path
            )
        return secret


def resolved(problems: tuple[Condition, ...]) -> Condition:
    """What a status says of references: the first that leads nowhere, and all messages."""
    if not problems:
        return true("ResolvedRefs")
    message = "; ".join(f"{each.path}: {each.message}" for each in problems)
    return Condition("ResolvedRefs", "False", problems[0].reason, message, problems[0].path)
