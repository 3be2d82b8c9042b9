"""Of the Secrets that may be read, those that are referred to, and so of ConfigMaps: pure.

All of them are listed where that is allowed, since one watch costs less than many; what nobody refers to is held back
here. Where listing is forbidden, each one that is referred to is watched by its name: a Role can allow that with
`resourceNames`. Both ways they belong to one source, so that a change of the rights changes nothing else.

ConfigMaps are never listed, whatever is allowed: they are large, change all day, and are no gateway's business.

Of one that may not be read, or cannot be at the moment, what was known stays, and nobody waits for it.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from snapshot import Record
from watcher.kinds import Target
from watcher.references import Readings, SecretName
from watcher.sources import Event, ObjectChanged, ObjectGone, Problem, SourceListed

MOST_OF_A_NAMESPACE: Final = 64
"""ConfigMaps that are watched for the objects of one namespace: each takes a connection.

It is counted by who names them, and not by where they are: nobody may use up what another namespace needs.
"""


class Secrets:
    """The Secrets, or ConfigMaps, of one target; `remembered` is what of them an earlier process has published."""

    def __init__(self, target: Target, remembered: Mapping[str, Record]) -> None:
        self.target = target
        self._source = target.source
        self._known = dict(remembered)
        self._readings: frozenset[frozenset[str]] = frozenset()
        self._wanted: frozenset[str] = frozenset()
        self._one_by_one = False
        self._settled = False
        self._answered: dict[Target, str] = {}
        self._to_settle = False
        self._left_out: tuple[Target, ...] = ()
        self._key = target.kind.key
        if target.kind.by_name:
            self.forbid()

    @property
    def named(self) -> frozenset[Target]:
        """The Secrets to be watched one by one."""
        return frozenset(self._answered) if self._one_by_one else frozenset()

    @property
    def found(self) -> frozenset[str]:
        """The keys of those that are referred to and known."""
        return self._wanted & self._known.keys()

    @property
    def to_settle(self) -> bool:
        """Whether something is new for `settle`."""
        return self._one_by_one and self._to_settle

    def has(self, target: Target) -> bool:
        """Whether any are known of this target, be it all of them or the one of a name."""
        return self._key(target.namespace, target.name) in self._known if target.name else bool(self._known)

    def want(self, referred: Mapping[str, AbstractSet[Readings]]) -> list[Event]:
        """These are referred to now, by the namespaces of the objects that do."""
        written = frozenset[Readings]().union(*referred.values())
        if self.target.kind.by_name:
            names = self._not_too_many({namespace: self._here(some) for namespace, some in referred.items()})
        else:
            names = self._here(written)
        self._readings = frozenset(frozenset(self._key(*name) for name in readings) for readings in written)
        before, self._wanted = self._wanted, frozenset(self._key(*name) for name in names)
        targets = {self.target.named(*name) for name in names}
        self._answered = {target: self._answered.get(target, _UNKNOWN) for target in targets}
        self._to_settle = True
        came, went = self._wanted - before, before - self._wanted
        events: list[Event] = [ObjectGone(self._source, key) for key in sorted(went)]
        if self._one_by_one:
            self._known = {key: record for key, record in self._known.items() if key not in went}
            return events
        known = ((key, self._known.get(key)) for key in sorted(came))
        return events + [ObjectChanged(self._source, key, record) for key, record in known if record]

    # All of them

    def listed(self, objects: Mapping[str, Record], problems: tuple[Problem, ...]) -> list[Event]:
        """These are all there are."""
        self._known, self._one_by_one, self._settled = dict(objects), False, True
        self._answered = dict.fromkeys(self._answered, _UNKNOWN)
        return [SourceListed(self._source, self._published(), problems)]

    def changed(self, key: str, record: Record) -> list[Event]:
        """One is new or different."""
        self._known[key] = record
        return [ObjectChanged(self._source, key, record)] if key in self._wanted else []

    def gone(self, key: str) -> list[Event]:
        """One is no more."""
        self._known.pop(key, None)
        return [ObjectGone(self._source, key)]

    def forbid(self) -> None:
        """They may not be listed."""
        if not self._one_by_one:
            self._one_by_one, self._settled, self._to_settle = True, False, True
            self._known = self._published()

    # One by one

    def one_listed(self, target: Target, objects: Mapping[str, Record]) -> list[Event]:
        """What there is of one that is watched by its name."""
        self.one_answered(target)
        key = self._key(target.namespace, target.name)
        if key in objects:
            self._known[key] = objects[key]
            return [ObjectChanged(self._source, key, objects[key])] if self._settled else []
        self._known.pop(key, None)
        return [ObjectGone(self._source, key)] if self._settled else []

    def one_answered(self, target: Target, problem: str = "") -> None:
        """What is known of one stays; with a problem, since nothing else can be read of it."""
        self._answered[target], self._to_settle = problem, True

    def settle(self, found: AbstractSet[str]) -> list[Event]:
        """When each one that is referred to has been asked for: what is known then, and what cannot be read.

        Where a name may mean two Secrets, and the other one is among those that were found, nothing is missing.
        """
        if not self._one_by_one or _UNKNOWN in self._answered.values():
            return []
        self._to_settle, self._settled = False, True
        missed = {key for keys in self._readings for key in keys if not found & (keys - {key})}
        problems = tuple(
            Problem(f"the {target.kind.name} {target.namespace}/{target.name} {problem}")
            for target, problem in sorted(self._answered.items(), key=lambda item: item[0].source)
            if problem and self._key(target.namespace, target.name) in missed
        )
        left_out = tuple(
            Problem(f"the {each.kind.name} {each.namespace}/{each.name} is not read: {MOST_OF_A_NAMESPACE} others are")
            for each in self._left_out
        )
        return [SourceListed(self._source, self._published(), (*problems, *left_out))]

    def _here(self, written: Iterable[Readings]) -> set[SecretName]:
        return {name for readings in written for name in readings if self.target.namespace in ("", name[0])}

    def _not_too_many(self, wanted: Mapping[str, AbstractSet[SecretName]]) -> set[SecretName]:
        """As many as each namespace may name, the first ones by name, and its own before those of others."""
        kept, every = set[SecretName](), set[SecretName]()
        for namespace, names in wanted.items():
            every |= names
            kept.update(sorted(names, key=lambda name: (name[0] != namespace, name))[:MOST_OF_A_NAMESPACE])
        self._left_out = tuple(self.target.named(*name) for name in sorted(every - kept))
        return kept

    def _published(self) -> dict[str, Record]:
        return {key: self._known[key] for key in self._wanted if key in self._known}


_UNKNOWN = "was not asked for yet"
