"""Canaries: an Ingress that is given some of the requests for the same paths of another one."""

import re
from dataclasses import replace
from typing import Final

from translator import ir
from translator.checks import LARGEST_REGEX, header_name, regex
from translator.decode import Invalid
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Canary, Treatment

_LARGEST: Final = 1_000_000
_PROOF: Final = "tests/e2e/test_ingress_nginx.py::test_canaries"


def _read(said: Said, treatment: Treatment) -> Treatment:
    if not said.flag("canary"):
        return treatment
    total = said.number("canary-weight-total", 1, _LARGEST) or 100
    header = said.checked("canary-by-header", header_name) or ""
    canary = Canary(
        header.lower(),
        _value(said) if header else None,
        said.checked("canary-by-cookie", _cookie) or "",
        said.number("canary-weight", 0, total) or 0,
        total,
    )
    return replace(treatment, canary=canary)


def _value(said: Said) -> ir.TextMatch | None:
    """What the header must be, instead of `always`: a text or else an expression that finds something in it."""
    if said.text("canary-by-header-value"):
        return ir.TextMatch("exact", said.text("canary-by-header-value"))
    if "canary-by-header-pattern" not in said:
        return None
    found = said.checked("canary-by-header-pattern", lambda text: regex(f".*(?:{text}).*", LARGEST_REGEX))
    # What is wrong matches nothing: the canary gets no requests by it.
    return ir.TextMatch("regex", found) if found else ir.TextMatch("exact", "")


def _cookie(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", text):
        raise Invalid("must be a name of a cookie")
    return text


GROUP: Final = Group(
    (
        Annotation("canary", "its paths are those of another Ingress of its namespace, which keeps them", _PROOF),
        Annotation("canary-by-header", "`always` and `never` decide; before the cookie", _PROOF),
        Annotation("canary-by-header-value", "this value decides instead", _PROOF),
        Annotation("canary-by-header-pattern", "what this expression (RE2) is found in decides instead", _PROOF),
        Annotation("canary-by-cookie", "`always` and `never` decide; before the weight", _PROOF),
        Annotation("canary-weight", "the share of the other requests", _PROOF),
        Annotation("canary-weight-total", "of how many, else 100", _PROOF),
    ),
    _read,
)
