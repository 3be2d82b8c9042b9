"""Two outlines side by side: what appears, changes and goes, by the team and the object that it is of. Pure.

A thing is told with the object that made it: of several that share one (a cluster, a host) with one that is different
itself, as far as there is one. Of routes that stay, those are told, too, that are asked in another order.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Literal

from diff.fields import Change, changes
from diff.outline import SORTS, Item, Key, Outline, as_resource
from translator.ir import ObjectKey

What = Literal["appears", "changes", "goes"]
OURS: Final = "core/Dragoman//itself"
"""The object of what no object has made."""
MOST_OTHERS: Final = 5
"""So many other objects of a thing are told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A thing that is different. `fields` are those that changed; of what appears and goes there are none."""

    what: What
    sort: str
    name: str
    about: str
    object: ObjectKey
    others: tuple[ObjectKey, ...] = ()
    fields: tuple[Change, ...] = ()
    note: str = ""

    def json(self) -> dict[str, Any]:
        """It as JSON."""
        return {
            "what": self.what,
            "sort": self.sort,
            "name": self.name,
            "about": self.about,
            "fields": [each.json() for each in self.fields],
            "others": list(self.others[:MOST_OTHERS]),
            **({"note": self.note} if self.note else {}),
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """All differences, grouped: those of one object are beside each other, and the objects of one namespace."""

    differences: tuple[Difference, ...]
    edited: frozenset[ObjectKey] = field(default_factory=frozenset)
    """The objects that are different themselves."""

    def by_team(self) -> Iterator[tuple[str, list[tuple[ObjectKey, list[Difference]]]]]:
        """The objects of each namespace, with what of each is different."""
        for team, those in groupby(self.differences, key=lambda each: namespace_of(each.object)):
            yield team, [(key, list(some)) for key, some in groupby(those, key=lambda each: each.object)]


def namespace_of(key: ObjectKey) -> str:
    """The namespace of an object; empty for one that is in none."""
    return key.split("/")[2]


def compare(
    before: Outline,
    after: Outline,
    bodies_before: Mapping[ObjectKey, bytes],
    bodies_after: Mapping[ObjectKey, bytes],
) -> Compared:
    """What is different; the bodies of objects tell which of these are different themselves."""
    keys = bodies_before.keys() | bodies_after.keys()
    edited = frozenset(key for key in keys if bodies_before.get(key) != bodies_after.get(key))
    found = [*_things(before, after, edited), *_orders(before, after)]
    if not found:
        found = [*_resources(before, after, edited)]
    return Compared(tuple(sorted(found, key=_order)), edited)


def _order(each: Difference) -> tuple[Any, ...]:
    return namespace_of(each.object), each.object, SORTS.index(each.sort), each.name, each.about


def _things(before: Outline, after: Outline, edited: frozenset[ObjectKey]) -> Iterator[Difference]:
    for key in dict.fromkeys([*before.items, *after.items]):
        yield from _thing(key, before.items.get(key), after.items.get(key), edited)


def _thing(key: Key, old: Item | None, new: Item | None, edited: frozenset[ObjectKey]) -> Iterator[Difference]:
    sort, name = key
    if old is None or new is None:
        one = new or old
        if one is not None:
            owner, others = _owner([one], edited)
            what: What = "appears" if old is None else "goes"
            yield Difference(what, sort, name, one.about, owner, others, note=_note(one))
        return
    if not _is_other(old, new):
        return
    fields = tuple(changes(old.shown(), new.shown()))
    owner, others = _owner([new, old], edited)
    note = "" if fields else "its bytes differ"
    yield Difference("changes", sort, name, new.about, owner, others, fields, note)


def _is_other(old: Item, new: Item) -> bool:
    if old.value == new.value:
        return False
    return old.encoded is None or new.encoded is None or old.encoded() != new.encoded()


def _note(item: Item) -> str:
    """What is said of a thing that appears or goes: of a certificate which one it is."""
    if item.sort != "certificate":
        return ""
    said = [each.after for each in changes({}, item.shown()) if "inline_bytes" in each.path]
    return "; ".join(text for each in said if isinstance(each, list) for text in each)


def _owner(items: Iterable[Item], edited: frozenset[ObjectKey]) -> tuple[ObjectKey, tuple[ObjectKey, ...]]:
    """The object that a thing is told with, and the others that it is of."""
    keys = tuple(dict.fromkeys(key for item in items for key in item.objects()))
    if not keys:
        return OURS, ()
    owner = next((key for key in keys if key in edited), keys[0])
    return owner, tuple(key for key in keys if key != owner)


def _orders(before: Outline, after: Outline) -> Iterator[Difference]:
    """Routes of a virtual host that are asked in another order than before, the fewest that explain it."""
    for host in before.orders.keys() & after.orders.keys():
        old, new = before.orders[host], after.orders[host]
        if old == new:
            continue
        places = {name: place for place, name in enumerate(old)}
        kept = [name for name in new if name in places and _asks_the_same(name, before, after)]
        for name in _moved(kept, places):
            item = after.items["route", name]
            at = kept.index(name)
            later = [each for each in kept[at + 1 :] if places[each] < places[name]]
            passed = later or [each for each in kept[:at] if places[each] > places[name]]
            other = next((each for each in passed if after.routes[each].route.origins), passed[0])
            note = f"is asked {'before' if later else 'after'} {other} now"
            owner, others = _owner([item], frozenset())
            hostname = after.hostnames.get(host, host)
            yield Difference("changes", "order", f"{host} {name}", f"{hostname}: {name}", owner, others, note=note)


def _asks_the_same(name: str, before: Outline, after: Outline) -> bool:
    """Whether a route asks for the same requests: else its place is another as a matter of course."""
    old, new = before.routes.get(name), after.routes.get(name)
    return old is not None and new is not None and old.route.match == new.route.match


def _moved(kept: list[str], places: Mapping[str, int]) -> list[str]:
    """Those of a list that are not in its longest part whose order is still the same."""
    tails: list[int] = []
    length_at: list[int] = []
    for name in kept:
        at = bisect_left(tails, places[name])
        tails[at : at + 1] = [places[name]]
        length_at.append(at + 1)
    wanted, stay, before = len(tails), set[str](), len(places)
    for name, length in zip(reversed(kept), reversed(length_at), strict=True):
        if length == wanted and places[name] < before:
            stay.add(name)
            wanted, before = wanted - 1, places[name]
    return [name for name in kept if name not in stay]


def _resources(before: Outline, after: Outline, edited: frozenset[ObjectKey]) -> Iterator[Difference]:
    """What differs of Envoy's resources though no thing with a name does: so nothing is passed over."""
    old_versions = {key: row.version for key, row in before.resources.items()}
    new_versions = {key: row.version for key, row in after.resources.items()}
    for key in dict.fromkeys([*old_versions, *new_versions]):
        if old_versions.get(key) != new_versions.get(key):
            old = as_resource(before, key) if key in old_versions else None
            new = as_resource(after, key) if key in new_versions else None
            yield from _thing(("resource", key), old, new, edited)
