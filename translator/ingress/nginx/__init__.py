"""ingress-nginx's annotations: what each makes of an Ingress, or that it is not served, and how to say it otherwise.

A group of annotations is a file of its own here, which says what its annotations do, and one line in GROUPS. Whoever
reads the documentation, or an Ingress's problems, reads what stands there.
"""

from collections.abc import Mapping
from typing import Final

from translator.decode import Problem
from translator.ingress.nginx import (
    access,
    authorizing,
    bodies,
    canaries,
    client_certificates,
    cross_origin,
    errors,
    mirrors,
    names,
    passwords,
    rates,
    redirects,
    rewriting,
    service_tls,
    unserved,
    upstreams,
)
from translator.ingress.nginx.part import PREFIX, Group, Said
from translator.ingress.nginx.treatment import Treatment

GROUPS: Final[tuple[Group, ...]] = (
    redirects.GROUP,
    rewriting.GROUP,
    access.GROUP,
    passwords.GROUP,
    client_certificates.GROUP,
    authorizing.GROUP,
    cross_origin.GROUP,
    canaries.GROUP,
    upstreams.GROUP,
    service_tls.GROUP,
    bodies.GROUP,
    errors.GROUP,
    mirrors.GROUP,
    names.GROUP,
    rates.GROUP,
    unserved.GROUP,
)

NAMES: Final = {each.name: each for group in GROUPS for each in group.annotations}


def weight_of(annotations: Mapping[str, str]) -> int:
    """The characters of those that are served: what they say stands in each route."""
    said = (
        (NAMES.get(name.removeprefix(PREFIX)), text) for name, text in annotations.items() if name.startswith(PREFIX)
    )
    return sum(len(text) for known, text in said if known is not None and not known.instead)


def treatment_of(annotations: Mapping[str, str]) -> tuple[Treatment, tuple[Problem, ...]]:
    """What annotations make of an Ingress, and what is wrong with them."""
    given = {name.removeprefix(PREFIX): text for name, text in annotations.items() if name.startswith(PREFIX)}
    if not given:
        return Treatment(), ()
    said, treatment = Said(given), Treatment()
    for group in GROUPS:
        if not given.keys().isdisjoint(group.names):
            treatment = group.read(said, treatment)
    for name in sorted(given):
        known = NAMES.get(name)
        if known is None:
            said.tell(name, "is no annotation that is known: nothing is done about it", reason="NotServed")
        elif known.instead and name not in said.told:
            said.tell(name, f"is not served: {known.instead}", reason="NotServed")
    return said.treated(treatment)
