"""Which Mappings are one route: those that ask the same of requests; and by which doors its requests come. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from convert.to_gateway.doors import Door, Doors, Served, is_in_vain
from convert.values import Notes
from convert.world import World
from translator.emissary.association import attaches
from translator.emissary.grouping import Demands, arrival, demands_of, group_key
from translator.emissary.hostnames import covers
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.weights import shares_of, single_weights
from translator.ir import ObjectKey
from translator.kubernetes.selectors import Selector, selects

MOST_PARENTS: Final = 32


@dataclass(frozen=True, slots=True)
class Group:
    """Mappings that ask the same, in their order, with their shares; `shadow` gets copies of all."""

    demands: Demands
    members: tuple[ObjectKey, ...]
    weights: tuple[int, ...]
    shadow: ObjectKey | None
    hosts: tuple[Served, ...]
    by_arrival: tuple[int, ...] = ()
    """The places of the members in the order in which the last one's word counts."""

    @property
    def first(self) -> ObjectKey:
        """The one whose name the route has."""
        return self.members[0]


def groups_of(world: World, found: Doors) -> Iterator[Group]:
    """The groups; who cannot join one, or is served nowhere, is told."""
    strict = world.options.strict_selectors
    selectors = {host.entry.selector for host in found.hosts if host.entry.selector is not None}
    by_group: dict[str, list[ObjectKey]] = {}
    chosen_by: dict[str, frozenset[Selector]] = {}
    asked: dict[str, Demands] = {}
    for key, row in world.mappings.items():
        if row.value is None:
            continue
        choosing = frozenset(each for each in selectors if selects(each, row.labels, strict=strict))
        demands = demands_of(row.value)
        named = group_key(demands, choosing)
        asked.setdefault(named, demands)
        chosen_by.setdefault(named, choosing)
        by_group.setdefault(named, []).append(key)
    for named, keys in by_group.items():
        demands, choosing = asked[named], chosen_by[named]
        hosts = tuple(host for host in found.hosts if attaches(host.entry, demands.host, choosing, strict=strict))
        group = _divided(world, demands, keys, hosts)
        if group is not None:
            yield group


def _divided(world: World, demands: Demands, keys: list[ObjectKey], hosts: tuple[Served, ...]) -> Group | None:
    notes, specs = world.notes, world.mappings
    ordered = sorted(keys, key=lambda key: (arrival(specs[key].namespace, specs[key].name), key))
    shadows = [key for key in ordered if _spec(world, key).shadow]
    members = [key for key in ordered if key not in shadows]
    for key in shadows[1:] if members else shadows:
        said = "copies nothing: no other Mapping, or another shadow, has the requests; the Mapping is not converted"
        notes.lost(key, "spec.shadow", said, "take it away")
    if not members:
        return None
    redirecting = _spec(world, members[0]).redirects
    for key in members[1:]:
        if redirecting or _spec(world, key).redirects:
            notes.lost(key, "spec.host_redirect", "cannot be mixed with others for the same requests", "take it away")
            members = [each for each in members if each != key]
    shares = shares_of([_spec(world, key).weight for key in members])
    for position in shares.refused:
        notes.lost(
            members[position], "spec.weight", "is beyond the 100 % of all, and stops the Mapping", "take it away"
        )
    weights = single_weights(shares)
    arrived = [(members[position], weights[position]) for position in sorted(weights)]
    placed = sorted(arrived, key=lambda each: world.place(each[0]))
    by_arrival = tuple(placed.index(each) for each in arrived)
    shadow = shadows[0] if shadows and not redirecting else None
    return Group(
        demands, tuple(key for key, _ in placed), tuple(weight for _, weight in placed), shadow, hosts, by_arrival
    )


def _spec(world: World, key: ObjectKey) -> MappingSpec:
    spec = world.mappings[key].value
    assert spec is not None  # noqa: S101 -- those that are stopped are in no group
    return spec


def hostnames_of(notes: Notes, group: Group, narrower: Mapping[str, frozenset[str]]) -> tuple[str, ...] | None:
    """The hostnames of a route; none for all of its listeners; None where they cannot be said.

    Gateway API lets the hostname that is written decide before the path, and Emissary the path. So where other
    Mappings of a Host name less than it, a wide one names the Host, too: then the path decides there as before.

    Args:
        notes: what is told.
        group: of Mappings.
        narrower: of each Host, the hostnames that Mappings ask for there.
    """
    pattern = group.demands.host
    if pattern is not None and (pattern.kind == "regex" or not _can_be_said(pattern.text)):
        said = f"{pattern.text} is no hostname of Gateway API; the Mapping is not converted"
        for key in group.members:
            where = "spec.host_regex" if pattern.kind == "regex" else "spec.hostname"
            notes.lost(key, where, said, "name the hostnames, each or as *.example.com")
        return None
    text = pattern.text if pattern is not None else "*"
    wide = [host for host in group.hosts if not covers(host.hostname, text) or text == "*"]
    others = {host.key: narrower.get(host.key, frozenset()) - {text} for host in wide}
    if any(others.values()):
        named = tuple(dict.fromkeys(host.hostname for host in group.hosts))
        if "*" not in named and len(named) <= 16:
            return named
        said = "a route for one hostname goes before those for more, whose paths say more of the request"
        notes.otherwise(group.first, "spec.hostname", said, "declare a Host for each hostname")
    return () if text == "*" else (text,)


def asked_hostnames(groups: list[Group]) -> dict[str, frozenset[str]]:
    """Of each Host, the hostnames that Mappings ask for there."""
    found: dict[str, set[str]] = {}
    for group in groups:
        for host in group.hosts:
            found.setdefault(host.key, set()).add(group.demands.host.text if group.demands.host else "*")
    return {key: frozenset(names) for key, names in found.items()}


def _can_be_said(text: str) -> bool:
    is_glob = "*" in text and text != "*" and not text.startswith("*.")
    return not is_glob and ":" not in text and text == text.lower()


def doors_for(group: Group, found: Doors) -> list[Door]:
    """The listeners by which requests of a group come: a name is that of the listener that says most of it."""
    keys = {host.key for host in group.hosts}
    text = group.demands.host.text if group.demands.host else "*"
    asked = () if text == "*" else (text,)
    doors = [door for door in found.doors if door.host.key in keys and door.does == "route"]
    return [door for door in doors if not is_in_vain(door, asked, found.doors)]


def is_everywhere(doors: list[Door], gateway: tuple[str, str], hostnames: tuple[str, ...], found: Doors) -> bool:
    """Whether a route that names the Gateway alone comes by these doors of it, and by no others."""
    wanted = {door.name for door in doors if door.gateway == gateway}
    met = [door for door in found.doors if door.gateway == gateway and _meet(door.hostname, hostnames)]
    return wanted == {door.name for door in met if not is_in_vain(door, hostnames, found.doors)}


def _meet(hostname: str, asked: tuple[str, ...]) -> bool:
    if not hostname or not asked:
        return True
    return any(covers(hostname, each) or covers(each, hostname) for each in asked)
