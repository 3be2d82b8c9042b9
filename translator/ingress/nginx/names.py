"""Further names of the hosts of an Ingress."""

from dataclasses import replace
from typing import Final

from translator.decode import quote
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment
from translator.ingress.paths import wrong_host

_MOST: Final = 50


def _read(said: Said, treatment: Treatment) -> Treatment:
    found = []
    for word in dict.fromkeys(word.lower() for word in said.words("server-alias")):
        if wrong_host(word) is None:
            found.append(word)
        else:
            said.tell("server-alias", f"{quote(word)} is no hostname, or one with *. before it: it is left out")
    if len(found) > _MOST:
        said.tell("server-alias", f"may have {_MOST} names at most: the others are left out")
    return replace(treatment, aliases=tuple(found[:_MOST]))


GROUP: Final = Group(
    (
        Annotation(
            "server-alias",
            "further names, without expressions; a path of them that an older Ingress has stays its own",
            "tests/e2e/test_ingress_nginx.py::test_aliases",
        ),
    ),
    _read,
)
