"""Which Hosts serve which Mappings: by hostname, by label selector, or both.

    Host has a selector | Mapping names a host | served
    yes                 | yes                  | when both fit (when not strict: either)
    yes                 | no                   | when the selector fits
    no                  | yes                  | when the hostname fits
    no                  | no                   | never

`attaches` is that rule. `Association` answers it from indexes, so that neither the number of Hosts nor that of Mappings
counts: a name is looked up with the few globs that end at one of its dots; only other globs are compared one by one.
Selectors are found by a label that they want, each once however many Hosts have it. Only those that ask for nothing but
absence (`NotIn`, `DoesNotExist`) are found by no label: a Mapping that changes is compared with each different one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from operator import attrgetter
from typing import Final

from translator.emissary.grouping import HostPattern
from translator.emissary.hostnames import is_glob, overlap
from translator.ir import ObjectKey
from translator.kubernetes.selectors import Selector, places_among, places_of, selects
from translator.remembering import remembered
from translator.tables import Table, Tables, read
from translator.values import dataclass

OTHER_GLOBS: Final = "other globs"
EVERYTHING: Final = "everything"
NOTHING: Final[frozenset[Selector]] = frozenset()


@dataclass(frozen=True, slots=True)
class HostEntry:
    """What of a Host decides which Mappings it serves; `name` is that of its virtual host.

    `declared`: it is an object, and not the one that is made up where there is none.
    """

    name: str
    hostname: str
    selector: Selector | None = None
    declared: bool = True


def attaches(
    host: HostEntry, pattern: HostPattern | None, selectors: frozenset[Selector], *, strict: bool = True
) -> bool:
    """Whether a Host serves a Mapping.

    Args:
        host: the Host.
        pattern: what the Mapping says of the host that is asked for.
        selectors: the selectors, of any Hosts, that choose the Mapping by its labels.
        strict: whether a Host's selector and hostname must both fit.
    """
    named = pattern is not None and (pattern.kind == "regex" or overlap(host.hostname, pattern.text))
    if host.selector is None:
        return named
    selected = host.selector in selectors
    if pattern is None:
        return selected
    return (named and selected) if strict else (named or selected)


@dataclass(frozen=True, slots=True)
class _AllHosts:
    """Every Host, with their names, and what was found among them for a glob before: a memo that changes no answer."""

    entries: tuple[HostEntry, ...]
    names: tuple[str, ...]
    _found: dict[HostPattern, tuple[HostEntry, ...]] = field(default_factory=dict, compare=False, repr=False)

    def matching(self, pattern: HostPattern) -> tuple[HostEntry, ...]:
        """The Hosts whose hostname fits."""
        found = self._found.get(pattern)
        if found is None:
            regex = pattern.kind == "regex"
            found = tuple(entry for entry in self.entries if regex or overlap(entry.hostname, pattern.text))
            self._found[pattern] = found
        return found


class Association:
    """The indexes over Hosts. The methods are for rules that a sweep runs."""

    def __init__(self, tables: Tables, hosts: Table[ObjectKey, HostEntry], *, strict: bool) -> None:
        self._strict = strict
        self._by_hostname = tables.group("hosts by hostname", hosts, lambda _, host: {_index_of(host.hostname): host})
        together = tables.group("hosts together", hosts, lambda _, host: {EVERYTHING: host})
        self._all = tables.each("all hosts", together, lambda _, members: _all_hosts(members.values()))
        self._by_selector = tables.group(
            "hosts by selector", hosts, lambda _, host: {} if host.selector is None else {host.selector: host}
        )
        different: Table[Selector, bool] = tables.each("selectors", self._by_selector, lambda _, __: True)
        self._selectors = tables.group(
            "selectors by label", different, lambda each, _: dict.fromkeys(places_of(each, strict=strict), True)
        )
        selecting = tables.group(
            "hosts that select", hosts, lambda _, host: {} if host.selector is None else {EVERYTHING: True}
        )
        self._any_selects = tables.each("some host selects", selecting, lambda _, __: True)

    def selectors_of(self, labels: Mapping[str, str]) -> frozenset[Selector]:
        """The selectors of Hosts that choose a Mapping with these labels."""
        if read(self._any_selects, EVERYTHING) is None:
            return NOTHING
        found = {
            selector
            for place in places_among(labels)
            for selector in read(self._selectors, place) or ()
            if selects(selector, labels, strict=self._strict)
        }
        return frozenset(found)

    def hosts_of(self, pattern: HostPattern | None, selectors: frozenset[Selector]) -> tuple[HostEntry, ...]:
        """The Hosts that serve a Mapping, by name. See `attaches`."""
        found: dict[str, HostEntry] = {}
        if pattern is not None:
            candidates = self.named(pattern)
            found = {host.name: host for host in candidates if attaches(host, pattern, selectors, strict=self._strict)}
        if selectors and (pattern is None or not self._strict):
            for selector in selectors:
                found |= {host.name: host for host in (read(self._by_selector, selector) or {}).values()}
        return tuple(found.values()) if len(found) < 2 else _sorted(found.values())

    def everyone(self) -> tuple[str, ...]:
        """The names of all Hosts."""
        everything = read(self._all, EVERYTHING)
        return everything.names if everything else ()

    def named(self, pattern: HostPattern) -> tuple[HostEntry, ...]:
        """The Hosts whose hostname fits, whatever they select."""
        text = pattern.text
        if pattern.kind == "regex" or is_glob(text):
            everything = read(self._all, EVERYTHING)
            return everything.matching(pattern) if everything else ()
        found: list[HostEntry] = []
        for name in globs_of(text):
            members = read(self._by_hostname, name)
            if members:
                found += members.values()
        others = read(self._by_hostname, OTHER_GLOBS)
        if others:
            found += [host for host in others.values() if overlap(host.hostname, text)]
        return tuple(found)


def _index_of(hostname: str) -> str:
    return hostname if not is_glob(hostname) or hostname.startswith("*.") else OTHER_GLOBS


def _size(name: str) -> int:
    return 4 * len(name) * (1 + name.count("."))


@remembered(_size)
def globs_of(name: str) -> tuple[str, ...]:
    """The name itself, and the globs that stand for it and begin at one of its dots."""
    found = [name]
    dot = name.find(".", 1)
    while dot >= 0:
        found.append("*" + name[dot:])
        dot = name.find(".", dot + 1)
    return tuple(found)


def _all_hosts(hosts: Iterable[HostEntry]) -> _AllHosts:
    entries = _sorted(hosts)
    return _AllHosts(entries, tuple([entry.name for entry in entries]))


def _sorted(hosts: Iterable[HostEntry]) -> tuple[HostEntry, ...]:
    return tuple(sorted(hosts, key=attrgetter("name")))
