"""Who gets in by address.

What keeps people out and cannot be served as it stands shuts the Ingress: nothing behind it is reached.
"""

import ipaddress
from dataclasses import replace
from typing import Final

from translator.decode import Invalid, quote
from translator.filters.address_rules import AddressRange, AddressRules
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

_ALLOWED: Final = ("whitelist-source-range", "allowlist-source-range")
_MOST: Final = 1_000
_PROOF: Final = "tests/e2e/test_ingress_nginx.py"


def ranges_of(words: tuple[str, ...]) -> tuple[AddressRange, ...]:
    """Addresses, and what they begin with, as nginx's `allow` has them.

    Raises:
        Invalid: when one is none.
    """
    if len(words) > _MOST:
        raise Invalid(f"may have {_MOST:,} ranges at most")
    found = []
    for word in words:
        try:
            network = ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise Invalid(f"{quote(word)} is no address and no range of addresses") from None
        found.append(AddressRange("remote", str(network.network_address), network.prefixlen))
    return tuple(found)


def _read(said: Said, treatment: Treatment) -> Treatment:
    allowed: tuple[AddressRange, ...] | None = None
    if len({frozenset(said.words(name)) for name in _ALLOWED if name in said}) > 1:
        said.tell(_ALLOWED[0], f"says something else than {_ALLOWED[1]}, which means the same", shuts=True)
    for name in _ALLOWED:
        if name in said:
            allowed = (allowed or ()) + _ranges(said, name)
            if not said.words(name):
                said.tell(name, "names no addresses", shuts=True)
    denied = _ranges(said, "denylist-source-range")
    if allowed is not None or denied:
        said.must_be_looked_at()
    if allowed is not None or denied:
        treatment = replace(treatment, filters=(*treatment.filters, AddressRules(allowed, denied)))
    word = said.text("satisfy").lower()
    if word not in {"", "all", "any"}:
        said.tell("satisfy", f"must be all or any, not {quote(word)}: all must let a request through")
    return replace(treatment, satisfied_by_any=word == "any")


def _ranges(said: Said, name: str) -> tuple[AddressRange, ...]:
    try:
        return ranges_of(said.words(name))
    except Invalid as invalid:
        said.tell(name, invalid.message, shuts=True)
        return ()


GROUP: Final = Group(
    (
        *(
            Annotation(name, "only these addresses get in, others are answered 403", f"{_PROOF}::test_addresses")
            for name in _ALLOWED
        ),
        Annotation("denylist-source-range", "these addresses do not get in (403)", f"{_PROOF}::test_addresses"),
        Annotation(
            "satisfy",
            "`any`: who is let in by an address, by a password, or by who is asked, needs no other; else all must let a"
            " request through. Who has a certificate is asked for the rest all the same",
            "tests/e2e/test_ingress_nginx_access.py::test_one_is_enough",
        ),
        Annotation("enable-global-auth", instead="no authorization holds for all Ingresses"),
    ),
    _read,
)
