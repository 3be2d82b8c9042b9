"""What annotations name and others have: who is asked about requests, passwords, where copies go.

It is looked up once for an Ingress, and becomes filters and mirrors. What keeps people out and is not to be had shuts
the Ingress, as any other mistake in it does.
"""

from dataclasses import replace
from typing import Any

from translator import ir
from translator.decode import Problem, Reason, few, quote
from translator.filters.address_rules import AddressRules
from translator.filters.auth_requests import AuthRequest
from translator.filters.checks import Checks
from translator.filters.error_pages import ErrorPages
from translator.filters.passwords import Passwords
from translator.ingress.backends import Backends
from translator.ingress.claims import MOST_SAID, Understood
from translator.ingress.kinds import Ingress
from translator.ingress.nginx.part import PREFIX, SHUT
from translator.ingress.nginx.treatment import Authorization, ClientCertificates, Copies, Guarded, ServiceTls, Treatment
from translator.ir import ObjectKey
from translator.kubernetes.passwords import KEY
from translator.kubernetes.secret import Certificate
from translator.kubernetes.tables import KubernetesTables


class Needs:
    """Looks up what annotations name. The methods are for rules that a sweep runs."""

    def __init__(self, backends: Backends, kubernetes: KubernetesTables) -> None:
        self._kubernetes = kubernetes
        self._backends = backends

    def met(self, _: ObjectKey, row: Understood) -> Understood:
        """The same Ingress, with what it names as filters and mirrors."""
        treatment, namespace = row.owner.treatment, row.owner.ingress.namespace
        problems: list[Problem] = []
        if treatment.authorization is not None:
            treatment = self._asking(treatment, treatment.authorization, namespace, problems)
        if treatment.passwords is not None:
            paths = len(row.owner.asked)
            treatment = self._guarded(treatment, treatment.passwords, namespace, paths, problems)
        if treatment.satisfied_by_any:
            treatment = _satisfied_by_any(treatment)
        if treatment.client is not None:
            treatment = self._shown(treatment, treatment.client, namespace, problems)
        if treatment.service_tls is not None:
            treatment = self._spoken_by_tls(treatment, treatment.service_tls, namespace, problems)
        if treatment.copies is not None:
            treatment = self._copied(treatment, treatment.copies, namespace, problems)
        if treatment.default_backend is not None:
            treatment = self._standing_in(treatment, treatment.default_backend, row.owner.ingress, problems)
        if treatment is row.owner.treatment:
            return row
        return replace(row, owner=replace(row.owner, treatment=treatment), problems=few((*row.problems, *problems)))

    def _asking(self, treatment: Treatment, asked: Authorization, namespace: str, problems: list[Problem]) -> Treatment:
        found = self._backends.at(namespace, asked.url)
        if found.backend is None:
            problems.append(_problem("auth-url", found.problem, shuts=True))
            return replace(treatment, shut=(*treatment.shut, "auth-url"))
        value = AuthRequest(
            found.backend,
            asked.url.authority,
            asked.url.path,
            asked.method,
            asked.answer_headers,
            asked.sign_in,
            asked.redirect,
            asked.always_sets_cookies,
        )
        return _held_to(treatment, asking=value)

    def _guarded(
        self, treatment: Treatment, guarded: Guarded, namespace: str, paths: int, problems: list[Problem]
    ) -> Treatment:
        name = guarded.secret.removeprefix(f"{namespace}/")
        called = f"Secret {namespace}/{name}"
        found = self._kubernetes.passwords(ir.SecretRef(namespace, name)) if "/" not in name else None
        said = None
        if "/" in name:
            said = f"must be a Secret of the namespace {namespace}: those of others are theirs"
        elif found is None:
            said = f"{called} does not exist, or has no file of passwords with the key {KEY}"
        elif found.problem:
            said = f"{called} cannot be used: {found.problem}"
        elif sum(len(name) + len(hashed) for name, hashed in found.users) * paths > MOST_SAID:
            said = f"{called} is too large for {paths:,} paths"
        if found is None or said is not None:
            problems.append(_problem("auth-secret", said or "", "SecretNotUsable", shuts=True))
            return replace(treatment, shut=(*treatment.shut, "auth-secret"))
        if found.others:
            names = ", ".join(map(quote, found.others[:3])) + (" and others" if len(found.others) > 3 else "")
            said = f"{called}: {names} cannot get in, since of the kinds of hashes apr1, SHA and SSHA are served"
            problems.append(_problem("auth-secret", said, "SecretNotUsable"))
        return _held_to(treatment, passwords=Passwords(found.users, guarded.realm))

    def _shown(
        self, treatment: Treatment, client: ClientCertificates, namespace: str, problems: list[Problem]
    ) -> Treatment:
        name = client.secret.removeprefix(f"{namespace}/")
        said, found = None, None
        if "/" in name:
            said = f"must be a Secret of the namespace {namespace}: those of others are theirs"
        else:
            found = self._kubernetes.certificate(ir.SecretRef(namespace, name))
            why = (found.problem or found.untrusted) if found else None
            if why:
                said = f"Secret {namespace}/{name} cannot be used: {why}"
            elif found is None or found.ca is None:
                said = f"Secret {namespace}/{name} does not exist, or holds no CA with the key ca.crt"
        if said is None:
            problems += _refused("auth-tls-secret", f"{namespace}/{name}", found)
            return replace(treatment, client=replace(client, secret=name))
        problems.append(_problem("auth-tls-secret", said, "SecretNotUsable", shuts=True))
        return replace(treatment, client=None, shut=(*treatment.shut, "auth-tls-secret"), shuts_hosts=True)

    def _spoken_by_tls(
        self, treatment: Treatment, wanted: ServiceTls, namespace: str, problems: list[Problem]
    ) -> Treatment:
        """What is to be shown to services, or verified, and cannot be: nobody is asked then."""
        name, said = wanted.secret.removeprefix(f"{namespace}/"), None
        secret = ir.SecretRef(namespace, name)
        found = self._kubernetes.certificate(secret) if "/" not in name else None
        called = f"Secret {namespace}/{name}"
        verifies = wanted.name is not None
        if "/" in name:
            said = f"must be a Secret of the namespace {namespace}: those of others are theirs"
        elif found is not None and (why := found.problem or (found.unfit if found.has_certificate else None)):
            said = f"{called} cannot be used: {why}"
        elif found is None or not (found.has_certificate or found.ca is not None):
            said = f"{called} does not exist, or holds neither a certificate with its key nor a CA"
        elif verifies and found.ca is None:
            said = f"{called} holds no CA with the key ca.crt by which services could be verified"
        elif verifies and found.untrusted:
            said = f"{called} cannot be used: {found.untrusted}"
        if found is None or said is not None:
            problems.append(_problem("proxy-ssl-secret", said or "", "SecretNotUsable", shuts=True))
            return replace(treatment, shut=(*treatment.shut, "proxy-ssl-secret"))
        problems += _refused("proxy-ssl-secret", f"{namespace}/{name}", found)
        tls = treatment.to_services
        if found.has_certificate:
            tls = replace(tls, certificate=secret)
        if wanted.name is not None:
            tls = replace(tls, ca=secret, names=(ir.PeerName("dns", wanted.name),))
        return replace(treatment, to_services=tls)

    def _copied(self, treatment: Treatment, copies: Copies, namespace: str, problems: list[Problem]) -> Treatment:
        found = self._backends.at(namespace, copies.url)
        if found.backend is None:
            problems.append(_problem("mirror-target", f"{found.problem}: nothing is copied"))
            return replace(treatment, copies=None)
        return replace(treatment, mirrors=(ir.Mirror(found.backend, host=copies.host, same_host=True),))

    def _standing_in(self, treatment: Treatment, name: str, ingress: Ingress, problems: list[Problem]) -> Treatment:
        found = self._backends.first_port(ingress.namespace, name)
        if found.backend is None:
            problems.append(_problem("default-backend", f"{found.problem}: errors stay as they are"))
            return replace(treatment, default_backend=None)
        pages = None
        if treatment.error_codes:
            asking = treatment.authorization
            hidden = (*(("authorization",) if treatment.passwords else ()), *(asking.answer_headers if asking else ()))
            told = (("x-namespace", ingress.namespace), ("x-ingress-name", ingress.name))
            pages = ErrorPages(found.backend, treatment.error_codes, told, hidden)
        return replace(treatment, stand_in=found.backend, pages=pages)


def _refused(annotation: str, secret: str, found: Certificate | None) -> list[Problem]:
    """That Envoy refused what is there now, where what was there before goes on in its place."""
    if found is None or not found.refusal:
        return []
    return [_problem(annotation, f"Secret {secret} is not used as it is now: {found.refusal}", "SecretNotUsable")]


def _held_to(treatment: Treatment, **said: Any) -> Treatment:
    """The same, with more that its requests are held to."""
    before = next((each for each in treatment.filters if isinstance(each, Checks)), Checks())
    others = tuple(each for each in treatment.filters if each is not before)
    return replace(treatment, filters=(*others, replace(before, **said)))


def _satisfied_by_any(treatment: Treatment) -> Treatment:
    """The same, where one that lets a request in is enough; addresses that are only kept out let nobody in."""
    checks = next((each for each in treatment.filters if isinstance(each, Checks)), None)
    if checks is None:
        return treatment
    found: list[Any] = []
    for each in treatment.filters:
        if not isinstance(each, AddressRules):
            found.append(replace(each, any_of=True) if each is checks else each)
        elif each.allowed is not None:
            found.append(replace(each, only_noted=True))
    return replace(treatment, filters=tuple(found))


def _problem(
    name: str,
    message: str,
    reason: Reason = "BackendNotFound",
    *,
    shuts: bool = False,
) -> Problem:
    said = f"{message}{SHUT}" if shuts else message
    return Problem(f'metadata.annotations["{PREFIX}{name}"]', said, stops=shuts, reason=reason)
