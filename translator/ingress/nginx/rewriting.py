"""Paths as regular expressions, and what services see of them: the path and its prefix."""

import re
from dataclasses import replace
from typing import Final

from translator import ir
from translator.checks import header_text
from translator.decode import Invalid
from translator.dot_segments import substitution_without_dots
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

_GROUP: Final = re.compile(r"\$([0-9])")
_PROOF: Final = "tests/e2e/test_ingress_nginx.py"


def substitution_of(target: str) -> str:
    """What a path becomes, in RE2's words; `$1` is what the first group caught.

    Raises:
        Invalid: when it is no path, or has variables.
    """
    if not target.startswith(("/", "$")):
        raise Invalid("must begin with a / or a group such as $1: another host is permanent-redirect's")
    if "$" in _GROUP.sub("", target):
        raise Invalid("must have no variables but the groups $1 to $9 of the path")
    if "?" in target or "#" in target:
        raise Invalid("must be a path, without a query")
    escaped = header_text(target).replace("\\", "\\\\")
    return substitution_without_dots(_GROUP.sub(r"\\\1", escaped))


def _read(said: Said, treatment: Treatment) -> Treatment:
    treatment = replace(treatment, use_regex=said.flag("use-regex"))
    if "rewrite-target" in said:
        treatment = replace(treatment, rewrite=said.checked("rewrite-target", substitution_of, shuts=True))
    if "x-forwarded-prefix" in said:
        prefix = said.checked("x-forwarded-prefix", header_text)
        if prefix:
            added = ir.HeaderValue("x-forwarded-prefix", prefix.replace("%", "%%"), append=False)
            headers = replace(treatment.headers, add_request=(*treatment.headers.add_request, added))
            treatment = replace(treatment, headers=headers)
    return treatment


GROUP: Final = Group(
    (
        Annotation(
            "use-regex",
            "paths are regular expressions (RE2), of any case, that a path begins with a match of; other Ingresses of"
            " the host keep their meaning",
            f"{_PROOF}::test_rewriting",
        ),
        Annotation(
            "rewrite-target",
            "the whole path becomes this, with the groups `$1` to `$9`, empty where the path has none; it makes paths"
            " regular expressions",
            f"{_PROOF}::test_rewriting",
        ),
        Annotation("x-forwarded-prefix", "the header that services see", f"{_PROOF}::test_headers"),
        Annotation("rewrite-log", instead="access logs show both paths"),
    ),
    _read,
)
