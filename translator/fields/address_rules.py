"""`ip_allow` and `ip_deny`: who gets in, by the address.

In the Module an entry that is wrong is left out alone, and told; of `ip_allow` never the whole: that would let everyone
in. In a policy it stops the whole, which then lets nobody in.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from translator.decode import Decoded, FrozenMap, Invalid, Problem, Rule, kind_shown, quote
from translator.decoding.findings import Findings
from translator.filters.address_rules import AddressRange, AddressRules

WHOSE: Final[tuple[Literal["peer", "remote"], ...]] = ("peer", "remote")


def _entry_of(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in WHOSE:
        raise Invalid("must be one of peer or remote with a range of addresses, such as peer: 192.0.2.0/24")
    ((whose, text),) = value.items()
    if not isinstance(text, str):
        raise Invalid(f"must be a range of addresses such as 192.0.2.0/24, not {kind_shown(text)}")
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise Invalid(f"must be a range of addresses such as 192.0.2.0/24, not {quote(text)}") from None
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.scope_id:
        raise Invalid(f"must be a range of addresses without a zone, unlike {quote(text)}")
    return FrozenMap({whose: str(found)})


def _read(value: object) -> Decoded[tuple[Mapping[str, str], ...]]:
    read = _entries(value)
    left_out = [replace(each, message=f"{each.message}; it is left out", stops=False) for each in read.problems]
    return Decoded(read.value, tuple(left_out))


def _read_all(value: object) -> Decoded[tuple[Mapping[str, str], ...]]:
    read = _entries(value)
    return Decoded(None, read.problems) if read.problems else read


def _entries(value: object) -> Decoded[tuple[Mapping[str, str], ...]]:
    """The entries that are right, and what is wrong with the others."""
    if not isinstance(value, list):
        return Decoded((), (Problem("", f"must be a list, not {kind_shown(value)}"),))
    found, problems = [], Findings()
    for index, given in enumerate(value):
        try:
            found.append(_entry_of(given))
        except Invalid as wrong:
            problems.add(Problem(f"[{index}]", wrong.message))
    return Decoded(tuple(found), problems.told())


NOBODY: Final[tuple[Mapping[str, str], ...]] = (FrozenMap(),)
"""What is left of a list of who is allowed where no entry is right; an empty list is no rule, as in Emissary."""


def _read_allowed(value: object) -> Decoded[tuple[Mapping[str, str], ...]]:
    read = _read(value)
    if value == [] or read.value:
        return read
    nobody = Problem("", "has no entry that is right: nobody gets in", stops=False)
    return Decoded(NOBODY, (*read.problems, nobody))


_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "items": {"type": "object", "properties": {whose: {"type": "string"} for whose in WHOSE}, "maxProperties": 1},
}
Allowed = Annotated[tuple[Mapping[str, str], ...], Rule(convert=_read_allowed, schema=_SCHEMA)]
_STRICT: Final = {"x-kubernetes-preserve-unknown-fields": True, "minProperties": 1}
"""What nobody knows is kept, to be refused: without it, an entry would say nothing."""
_EVERY: Final = {**_SCHEMA, "items": {**_SCHEMA["items"], **_STRICT}}
Ranges = Annotated[tuple[Mapping[str, str], ...], Rule(convert=_read_all, schema=_EVERY)]
"""Of which every entry must be right."""
Denied = Annotated[tuple[Mapping[str, str], ...], Rule(convert=_read, schema=_SCHEMA)]


def address_rules_of(allowed: Iterable[Mapping[str, str]], denied: Iterable[Mapping[str, str]]) -> AddressRules | None:
    """The rules that both lists make together; None where they say nothing."""
    said = tuple(allowed)
    rules = AddressRules(_ranges(said) if said else None, _ranges(denied))
    return None if rules == AddressRules() else rules


def _ranges(entries: Iterable[Mapping[str, str]]) -> tuple[AddressRange, ...]:
    return tuple([_range(whose, entry[whose]) for entry in entries for whose in WHOSE if whose in entry])


def _range(whose: Literal["peer", "remote"], text: str) -> AddressRange:
    address, _, length = text.partition("/")
    return AddressRange(whose, address, int(length))
