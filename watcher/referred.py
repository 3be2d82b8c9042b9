"""The Secrets of a cluster, or its ConfigMaps: which ones its objects refer to, and what is known of them: pure."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from snapshot import Record
from watcher.annotations import carried_by, is_carrier
from watcher.kinds import GATEWAY_API, OURS, SECRET, Kind, Target
from watcher.references import (
    GATEWAY_KINDS,
    KINDS,
    Readings,
    certificates_of,
    named_by_gateway_api,
    secrets_of,
)
from watcher.secrets import Secrets
from watcher.sources import Event, ObjectChanged, ObjectGone, Source, SourceListed
from watcher.unreadable_objects import problems_of
from watcher.watch_events import Changed, Failing, Forbidden, Gone, Listed, Recovered, Unreadable, WatchEvent

_INGRESS: Final = "networking.k8s.io/Ingress/"


class Referred:
    """All targets of Secrets, and the references of all objects; `known` is what an earlier process has published.

    `also` are sources beside the cluster whose objects may refer to its Secrets. `kind`: ConfigMaps, if not Secrets.
    """

    def __init__(
        self,
        targets: tuple[Target, ...],
        known: Mapping[Source, Mapping[str, Record]],
        also: Mapping[Source, Mapping[str, Record]] = MappingProxyType({}),
        kind: Kind = SECRET,
    ) -> None:
        self._kind = kind
        self._secrets = {
            target: Secrets(target, known.get(target.source, {})) for target in targets if target.kind is kind
        }
        self._referring = {target for target in targets if _refers(target, kind)}
        self._sources = {*(target.source for target in self._referring), *also}
        self._references: dict[Source, dict[str, frozenset[Readings]]] = {}
        self.refer([SourceListed(source, objects) for source, objects in {**known, **also}.items()], answered=set())

    @property
    def named(self) -> frozenset[Target]:
        """The Secrets to be watched one by one."""
        return frozenset().union(*(secrets.named for secrets in self._secrets.values()))

    def has(self, target: Target) -> bool:
        """Whether any are known of this target, be it all of them or the one of a name."""
        return any(secrets.has(target) for secrets in self._of(target))

    def take(self, target: Target, event: WatchEvent) -> list[Event]:
        """What a reflector of Secrets learned: of all, or of the one of a name."""
        take = self._take_one if target.name else self._take
        return [found for secrets in self._of(target) for found in take(secrets, target, event)]

    def keep(self, target: Target) -> None:
        """What a reflector learned is not believed yet: what was known stays."""
        for secrets in self._of(target):
            if target.name:
                secrets.one_answered(target)

    def refer(self, events: Iterable[Event], answered: set[Target]) -> list[Event]:
        """What follows for the Secrets from what changed: which are referred to, and which can be told of."""
        found: list[Event] = []
        read = [self._read(event) for event in events if event.source in self._sources]
        if any(read):
            wanted: dict[str, set[Readings]] = {}
            for objects in self._references.values():
                for key, names in objects.items():
                    wanted.setdefault(key.split("/", 3)[2], set()).update(names)
            for secrets in self._secrets.values():
                found += secrets.want(wanted)
        if self._referring <= answered and any(secrets.to_settle for secrets in self._secrets.values()):
            keys = frozenset[str]().union(*(secrets.found for secrets in self._secrets.values()))
            for secrets in self._secrets.values():
                found += secrets.settle(keys)
        return found

    def _of(self, target: Target) -> list[Secrets]:
        if target.name:
            return [secrets for secrets in self._secrets.values() if target in secrets.named]
        return [self._secrets[target]]

    def _take(self, secrets: Secrets, _: Target, event: WatchEvent) -> list[Event]:
        match event:
            case Listed(objects, problems):
                return secrets.listed({key: here.record for key, here in objects.items()}, problems_of(problems))
            case Changed(here):
                return secrets.changed(here.key, here.record)
            case Gone(key) | Unreadable(key):
                return secrets.gone(key)
            case Forbidden():
                secrets.forbid()
        return []

    def _take_one(self, secrets: Secrets, target: Target, event: WatchEvent) -> list[Event]:
        match event:
            case Listed(objects):
                return secrets.one_listed(target, {key: here.record for key, here in objects.items()})
            case Changed(here):
                return secrets.one_listed(target, {here.key: here.record})
            case Gone() | Unreadable():
                return secrets.one_listed(target, {})
            case Forbidden(message):
                secrets.one_answered(target, f"may not be read: {message}")
            case Failing(message):
                secrets.one_answered(target, f"cannot be read at the moment: {message}")
            case Recovered():
                secrets.one_answered(target)
        return []

    def _read(self, event: Event) -> bool:
        """Note which Secrets objects refer to; whether that is different now."""
        held = self._references.setdefault(event.source, {})
        match event:
            case SourceListed(source, objects, _, whole):
                kept = {} if whole else {key: names for key, names in held.items() if key not in objects}
                self._references[source] = kept | {
                    key: names for key, record in objects.items() if (names := _names(key, record, self._kind))
                }
                return self._references[source] != held
            case ObjectChanged(_, key, record):
                before, names = held.pop(key, frozenset()), _names(key, record, self._kind)
                if names:
                    held[key] = names
                return before != names
            case ObjectGone(_, key):
                return held.pop(key, None) is not None
        return False


def _refers(target: Target, to: Kind) -> bool:
    """Whether objects of this kind may name these, themselves or in what they carry in an annotation."""
    kind = target.kind
    if kind.group == GATEWAY_API:
        return kind.name in GATEWAY_KINDS
    return to is SECRET and ((kind.group == OURS and kind.name in KINDS) or is_carrier(kind.key("", "")))


def _names(key: str, record: Record, kind: Kind) -> frozenset[Readings]:
    group, _, namespace, _ = key.split("/", 3)
    if group == GATEWAY_API:
        return named_by_gateway_api(kind.name, namespace, record.body)
    if kind is not SECRET:
        return frozenset()
    if not is_carrier(key):
        return secrets_of(namespace, record.body)
    own = certificates_of(namespace, record.body) if key.startswith(_INGRESS) else frozenset()
    return own.union(*(secrets_of(each.split("/", 3)[2], body) for each, body in carried_by(record.body)))
