"""TLS with services: what is shown to them, by whom they are verified, and how it is spoken.

What cannot be verified as it is wanted is not asked: the Ingress is shut.
"""

import re
from dataclasses import replace
from typing import Final, Literal

from translator import ir
from translator.ciphers import CIPHERS
from translator.decode import Invalid, quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import ServiceTls, Treatment
from translator.ingress.nginx.upstreams import host_of

Version = Literal["v1.0", "v1.1", "v1.2", "v1.3"]

_VERSIONS: Final[dict[str, Version]] = {"TLSv1": "v1.0", "TLSv1.1": "v1.1", "TLSv1.2": "v1.2", "TLSv1.3": "v1.3"}
_SECRET: Final = re.compile(r"(?:[a-z0-9][-a-z0-9]*/)?[a-z0-9][-a-z0-9.]*")
_MOST_CIPHERS: Final = 50
_OPENSSLS: Final = "DEFAULT"
_PROOF: Final = "tests/e2e/test_ingress_nginx_service_tls.py"


def _read(said: Said, treatment: Treatment) -> Treatment:
    name = said.checked("proxy-ssl-name", _name)
    tls = replace(treatment.to_services, versions=_versions(said), cipher_suites=_ciphers(said))
    if said.flag("proxy-ssl-server-name"):
        tls = replace(tls, sni=name or said.checked("upstream-vhost", host_of))
    treatment = replace(treatment, to_services=tls)
    secret, verifies = said.text("proxy-ssl-secret"), said.flag("proxy-ssl-verify")
    if "proxy-ssl-verify" in said.told:
        said.tell("proxy-ssl-verify", "could mean that services are to be verified", shuts=True)
    if secret and not _SECRET.fullmatch(secret):
        said.tell("proxy-ssl-secret", f"must be the name of a Secret, not {quote(secret)}", shuts=True)
    elif verifies and not secret:
        said.tell("proxy-ssl-verify", "wants proxy-ssl-secret, whose CA services are verified by", shuts=True)
    elif verifies and not name:
        said.tell("proxy-ssl-verify", "wants proxy-ssl-name, which the certificate of a service must have", shuts=True)
    elif secret:
        treatment = replace(treatment, service_tls=ServiceTls(secret, name if verifies else None))
    return treatment


def _name(text: str) -> str:
    if ":" in host_of(text) or text.replace(".", "").isdigit():
        raise Invalid("must be a name, and neither an address nor one with a port")
    return text


def _versions(said: Said) -> ir.TlsVersions:
    """The oldest and the newest; what nginx could leave out between them cannot be."""
    words = said.text("proxy-ssl-protocols").split()
    known = [_VERSIONS[word] for word in _VERSIONS if word in words]
    for word in dict.fromkeys(words):
        if word not in _VERSIONS:
            said.tell("proxy-ssl-protocols", f"{quote(word)} is not served: of {', '.join(_VERSIONS)} some may be")
    return ir.TlsVersions(known[0], known[-1]) if known else ir.TlsVersions()


def _ciphers(said: Said) -> tuple[str, ...]:
    words = [word for word in said.text("proxy-ssl-ciphers").split(":") if word and word != _OPENSSLS]
    if len(words) > _MOST_CIPHERS:
        said.tell("proxy-ssl-ciphers", f"may name {_MOST_CIPHERS} suites at most: Envoy's own are offered")
        return ()
    for word in dict.fromkeys(words):
        if word not in CIPHERS:
            said.tell("proxy-ssl-ciphers", f"{quote(word)} is no cipher suite that Envoy knows, and is left out")
    return tuple(dict.fromkeys(word for word in words if word in CIPHERS))


def _served(name: str, does: str, test: str) -> Annotation:
    return Annotation(name, does, f"{_PROOF}::{test}")


GROUP: Final = Group(
    (
        _served(
            "proxy-ssl-secret",
            "the Secret, of the Ingress's own namespace, with the certificate and key (`tls.crt`, `tls.key`) that"
            " services are shown, and the CA (`ca.crt`) that they are verified by; what is missing of it answers 503",
            "test_services_are_shown_a_certificate",
        ),
        _served(
            "proxy-ssl-verify",
            "`on`: only a service whose certificate is of that CA, and has the name of `proxy-ssl-name` among its"
            " alternative names, is asked. Without either it answers 503 (nginx asks who is not verified)",
            "test_services_are_verified",
        ),
        Annotation(
            "proxy-ssl-verify-depth",
            instead="any number of CAs may stand between a service and the CA, unless that says otherwise itself (its"
            " path length): Envoy counts them for clients alone",
        ),
        _served("proxy-ssl-name", "that name", "test_services_are_verified"),
        _served("proxy-ssl-server-name", "`on`: that name is asked for in TLS", "test_names_in_tls"),
        _served(
            "proxy-ssl-protocols",
            "`TLSv1` to `TLSv1.3`: from the oldest of them to the newest, else 1.2 and 1.3",
            "test_versions_and_ciphers",
        ),
        _served(
            "proxy-ssl-ciphers",
            "cipher suites up to TLS 1.2, by their own names; others, as `HIGH`, are told and left out",
            "test_versions_and_ciphers",
        ),
    ),
    _read,
)
