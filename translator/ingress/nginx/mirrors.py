"""Copies of requests, whose answers nobody sees."""

from dataclasses import replace
from typing import Final

from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Copies, Treatment
from translator.ingress.nginx.upstreams import host_of
from translator.ingress.nginx.urls import url_of

_AS_ASKED: Final = "$request_uri"
_PROOF: Final = "tests/e2e/test_ingress_nginx_access.py::test_mirrors"


def _read(said: Said, treatment: Treatment) -> Treatment:
    text = said.text("mirror-target")
    if not text:
        return treatment
    if not said.flag("mirror-request-body", otherwise=True):
        said.tell("mirror-request-body", "is not served as off: a copy has the body, so that nothing is copied")
        return treatment
    said.checked("mirror-target", lambda given: url_of(given).path)  # what is wrong is told
    if "mirror-target" in said.told:
        return treatment
    url = url_of(text)
    if url.path.lstrip("/").removesuffix(_AS_ASKED):
        said.tell(
            "mirror-target", f"must have nothing behind the host but {_AS_ASKED}: a copy has the path of its request"
        )
        return treatment
    host = said.checked("mirror-host", host_of) or url.host
    return replace(treatment, copies=Copies(url, host))


GROUP: Final = Group(
    (
        Annotation(
            "mirror-target",
            "gets a copy of each request, with the path that the service sees: a URL, with nothing behind the host but"
            " `$request_uri`",
            _PROOF,
        ),
        Annotation("mirror-request-body", "`off`: nothing is copied, since a copy always has the body", _PROOF),
        Annotation("mirror-host", "the Host header of the copies, else that of the target", _PROOF),
    ),
    _read,
)
