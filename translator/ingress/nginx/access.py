"""Who gets in: by address, by asking somebody, by a password, by a certificate.

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
_SHUTTING: Final = {
    "auth-tls-secret": "a TLSContext with a ca_secret, or a Gateway's frontend validation, checks client certificates",
}
_ASKING: Final = frozenset({"auth-url", "auth-type"})
_BESIDE: Final = {
    "auth-tls-secret": (
        *("auth-tls-verify-client", "auth-tls-verify-depth", "auth-tls-error-page"),
        *("auth-tls-pass-certificate-to-upstream", "auth-tls-match-cn"),
    ),
}


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
    if (allowed is not None or denied or not said.isdisjoint(_ASKING)) and said.flag("ssl-passthrough"):
        said.tell("ssl-passthrough", "looks at nothing, though not everybody is to be let in", shuts=True)
    if allowed is not None or denied:
        treatment = replace(treatment, filters=(*treatment.filters, AddressRules(allowed, denied)))
    for name, instead in _SHUTTING.items():
        if name in said:
            said.tell(name, f"is not served: {instead}", shuts=True, whole_hosts=name == "auth-tls-secret")
    return treatment


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
        *(
            Annotation(name, f"answers 503, and is told: {instead}", f"{_PROOF}::test_broken_ones_shut")
            for name, instead in _SHUTTING.items()
        ),
        *(
            Annotation(name, instead=f"it says more of {of}, which is not served")
            for of, names in _BESIDE.items()
            for name in names
        ),
        Annotation("satisfy", instead="of addresses and authorization both must let a request through"),
        Annotation("enable-global-auth", instead="no authorization holds for all Ingresses"),
    ),
    _read,
)
