"""Errors that another service answers, and which service has the requests of one without pods."""

import re
from dataclasses import replace
from typing import Final

from translator.decode import Invalid, quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

_CODE: Final = re.compile(r"[45][0-9][0-9]")
_SERVICE: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_MOST: Final = 200
_PROOF: Final = "tests/e2e/test_ingress_nginx_errors.py"


def _read(said: Said, treatment: Treatment) -> Treatment:
    codes: tuple[int, ...] = ()
    try:
        codes = codes_of(said.words("custom-http-errors"))
    except Invalid as invalid:
        said.tell("custom-http-errors", invalid.message)
    if said.flag("disable-proxy-intercept-errors"):
        said.tell(
            "disable-proxy-intercept-errors", "is not served: errors of services and of the gateway are errors alike"
        )
    service = said.checked("default-backend", _service)
    if codes and service is None and "default-backend" not in said.told:
        what = "is served beside default-backend alone, which names who answers: no service does so for all Ingresses"
        said.tell("custom-http-errors", what, reason="NotServed")
    return replace(treatment, error_codes=codes if service is not None else (), default_backend=service)


def codes_of(words: tuple[str, ...]) -> tuple[int, ...]:
    """Statuses of errors.

    Raises:
        Invalid: when one is none.
    """
    found = dict.fromkeys(words)
    if len(found) > _MOST:
        raise Invalid(f"may have {_MOST} statuses at most")
    for word in found:
        if not _CODE.fullmatch(word):
            raise Invalid(f"{quote(word)} is no status of an error, from 400 to 599: errors stay as they are")
    return tuple(sorted(map(int, found)))


def _service(text: str) -> str:
    if not _SERVICE.fullmatch(text):
        raise Invalid(f"must be the name of a Service of this namespace, not {quote(text)}")
    return text


GROUP: Final = Group(
    (
        Annotation(
            "custom-http-errors",
            "answers with these statuses, of services and of the gateway itself, are those of `default-backend`: it is"
            " asked for `/`, by the method of the request and without its body, with `X-Code`, `X-Format`,"
            " `X-Original-URI`, `X-Namespace`, `X-Ingress-Name`, `X-Service-Name`, `X-Service-Port` and `X-Request-ID`",
            f"{_PROOF}::test_errors",
        ),
        Annotation(
            "default-backend",
            "a Service of the same namespace, at its first port. It also has the requests for a Service without pods",
            f"{_PROOF}::test_a_service_without_pods",
        ),
        Annotation(
            "disable-proxy-intercept-errors",
            instead="an Ingress of its own, without custom-http-errors, leaves errors as they are",
        ),
    ),
    _read,
)
