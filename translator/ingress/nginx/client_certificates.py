"""What clients show in TLS. It is asked for by the name that they come for, and so of all Ingresses of a host."""

from dataclasses import replace
from typing import Final, Literal

from translator import ir
from translator.decode import quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import ClientCertificates, Treatment

_PROOF: Final = "tests/e2e/test_ingress_nginx_access.py::test_client_certificates"
_MODES: Final[dict[str, Literal["must", "may", "any"]]] = {
    "": "must",
    "on": "must",
    "optional": "may",
    "optional_no_ca": "any",
}
_MOST_DEPTH: Final = 100
_TOLD: Final = {
    "ssl-client-subject-dn": "%DOWNSTREAM_PEER_SUBJECT%",
    "ssl-client-issuer-dn": "%DOWNSTREAM_PEER_ISSUER%",
}
_CERTIFICATE: Final = "ssl-client-cert"
_VERIFIED: Final = "ssl-client-verify"


def _read(said: Said, treatment: Treatment) -> Treatment:
    if "auth-tls-match-cn" in said:
        said.tell("auth-tls-match-cn", "is not served: a CA of its own says who may come in", shuts=True)
    if "auth-tls-secret" not in said:
        return treatment
    mode = said.text("auth-tls-verify-client")
    if mode == "off":
        return treatment
    secret = said.text("auth-tls-secret")
    if not secret:
        said.tell("auth-tls-secret", "names no Secret", shuts=True, whole_hosts=True)
        return treatment
    if mode not in _MODES:
        words = "on, off, optional or optional_no_ca"
        said.tell("auth-tls-verify-client", f"must be {words}, not {quote(mode)}", shuts=True, whole_hosts=True)
        return treatment
    depth = said.number("auth-tls-verify-depth", 0, _MOST_DEPTH)
    said.must_be_looked_at(whole_hosts=True)
    client = ClientCertificates(secret, _MODES[mode], 1 if depth is None else depth)
    passes = said.flag("auth-tls-pass-certificate-to-upstream")
    return replace(treatment, client=client, headers=_telling(treatment.headers, client, passes=passes))


def _telling(headers: ir.HeaderEdits, client: ClientCertificates, *, passes: bool) -> ir.HeaderEdits:
    """What services are told of a client's certificate, and nobody else can tell them."""
    told = dict(_TOLD)
    if passes:
        told[_CERTIFICATE] = "%DOWNSTREAM_PEER_CERT%"
    if client.wanted == "must":
        told[_VERIFIED] = "SUCCESS"
    added = [ir.HeaderValue(name, value, append=False) for name, value in told.items()]
    return replace(
        headers,
        add_request=(*headers.add_request, *added),
        # Where there is nothing to tell, nothing is set.
        remove_request=(*headers.remove_request, *_TOLD, _CERTIFICATE, _VERIFIED),
    )


def _served(name: str, does: str, proof: str = _PROOF) -> Annotation:
    return Annotation(name, does, proof)


GROUP: Final = Group(
    (
        _served(
            "auth-tls-secret",
            "the Secret with the CA (`ca.crt`), in the Ingress's own namespace, by which clients of its hosts show"
            " certificates in TLS; who shows none has no connection, where nginx answers 400. It holds for all paths of"
            " the host, unless an older Ingress of another namespace has it: 503 then. In clear text they are sent to"
            " HTTPS. Services see `ssl-client-subject-dn`, `ssl-client-issuer-dn`, and `ssl-client-verify` where one"
            " must be shown",
        ),
        _served(
            "auth-tls-verify-client",
            "`on`; `optional`: who shows none is let in; `optional_no_ca`: who shows any is; `off`: nobody is asked",
        ),
        _served(
            "auth-tls-verify-depth",
            "how many CAs may stand between, else 1",
            "tests/e2e/test_ingress_nginx_access.py::test_how_many_authorities_may_stand_between",
        ),
        _served("auth-tls-pass-certificate-to-upstream", "services see it in `ssl-client-cert`"),
        Annotation("auth-tls-match-cn", "answers 503, and is told: a CA of its own says who may come in", _PROOF),
        Annotation("auth-tls-error-page", instead="who shows no certificate has no connection"),
    ),
    _read,
)
