"""How large a body may be, and what of nginx's buffers means nothing to Envoy."""

import re
from dataclasses import replace
from typing import Final

from translator.decode import quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

MOST: Final = 64 * 2**20
"""Bytes that are gathered of a body, in memory: a limit that is larger is no limit."""

_SIZE: Final = re.compile(r"([0-9]{1,12})([kmg]?)", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_STREAMS: Final = "Envoy passes bodies on as they come"


def _read(said: Said, treatment: Treatment) -> Treatment:
    text = said.text("proxy-body-size")
    if not text:
        return treatment
    found = _SIZE.fullmatch(text)
    if found is None:
        said.tell("proxy-body-size", f"must be a number of bytes, or one with k, m or g behind it, not {quote(text)}")
        return treatment
    size = int(found[1]) * _UNITS[found[2].lower()]
    if size > MOST:
        said.tell("proxy-body-size", f"is no limit: up to {MOST >> 20}m a body is measured before it goes on")
        return treatment
    return replace(treatment, most_bytes=size) if size else treatment


GROUP: Final = Group(
    (
        Annotation(
            "proxy-body-size",
            f"a larger body is answered 413, up to {MOST >> 20}m; 0 is no limit, and so it is where nothing is said",
            "tests/e2e/test_ingress_nginx.py::test_body_size",
        ),
        Annotation("client-body-buffer-size", instead=_STREAMS),
        Annotation("proxy-request-buffering", instead=f"{_STREAMS}, but for those that proxy-body-size measures"),
        Annotation("proxy-buffering", instead=_STREAMS),
        Annotation("proxy-buffer-size", instead="headers of answers may have 60 KiB"),
        Annotation("proxy-buffers-number", instead=_STREAMS),
        Annotation("proxy-busy-buffers-size", instead=_STREAMS),
        Annotation("proxy-max-temp-file-size", instead="nothing is written to files"),
        Annotation("proxy-http-version", instead="HTTP/1.1 is spoken, or HTTP/2 as backend-protocol says"),
    ),
    _read,
)
