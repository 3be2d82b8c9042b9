"""Passwords of users, in a file of htpasswd's that a Secret of the Ingress's own namespace holds."""

from dataclasses import replace
from typing import Final

from translator.checks import header_text
from translator.decode import Invalid, quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Guarded, Treatment

_PROOF: Final = "tests/e2e/test_ingress_nginx_access.py::test_passwords"


def _realm(text: str) -> str:
    if len(text) > 200 or not text.isascii():
        raise Invalid("must be ASCII, of 200 characters at most")
    return header_text(text)


def _read(said: Said, treatment: Treatment) -> Treatment:
    if "auth-type" not in said:
        if "auth-secret" in said:
            said.tell("auth-secret", "means nothing without auth-type")
        return treatment
    said.must_be_looked_at()
    if said.text("auth-type") != "basic":
        said.tell("auth-type", f"must be basic: {quote(said.text('auth-type'))} is not served", shuts=True)
    if said.text("auth-secret-type") not in {"", "auth-file"}:
        said.tell("auth-secret-type", "must be auth-file: htpasswd's file with the key auth", shuts=True)
    secret = said.text("auth-secret")
    if not secret:
        said.tell("auth-secret", "is required: the Secret that has the passwords", shuts=True)
    return replace(treatment, passwords=Guarded(secret, said.checked("auth-realm", _realm) or ""))


GROUP: Final = Group(
    (
        Annotation(
            "auth-type",
            "`basic`: who has no password is answered 401, and services do not see it. `digest` answers 503",
            _PROOF,
        ),
        Annotation(
            "auth-secret",
            "the Secret with htpasswd's file, with the key `auth`, in the Ingress's own namespace; users have hashes of"
            " apr1 (htpasswd's default), SHA or SSHA, and others, such as bcrypt's, cannot get in and are told. Of"
            " passwords that are new to a worker of Envoy, 20 a second are looked at, others answered 503",
            _PROOF,
        ),
        Annotation("auth-secret-type", "`auth-file`; `auth-map` answers 503", _PROOF),
        Annotation("auth-realm", "what clients show of it", _PROOF),
    ),
    _read,
)
