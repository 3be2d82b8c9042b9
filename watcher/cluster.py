"""All that is watched in a cluster, as one state machine: what each reflector learned in, what is to be published out.

    reflectors --watch events--> Cluster --events--> State --> changes

What is decided here, and nowhere else:

- **What cannot be seen at the first look.** A kind that the API server does not have is empty. One that we may not
  see is not: the first view waits for it, if requests would be answered wrongly without it and no namespace shows it.
  Later, or when an earlier process had a view, what was known of it stays; a problem says what right is missing.
- **What nobody wants from us.** Kinds of Gateway API are empty, and not asked for, until a GatewayClass is ours; then
  they are told together.
- **What cannot be.** Where there were objects and all at once there are none, or a kind of ours is gone, that is
  asked again after a while before it is believed: a cluster is rarely emptied, and an API server rarely begins anew.

Which Secrets and ConfigMaps are asked for and published is decided in `watcher.referred`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from snapshot import Record
from watcher.gateway_kinds import CONFIG_MAP, GATEWAY_CLASS, any_is_ours
from watcher.kinds import SECRET, TOLD, Kind, Target
from watcher.opening import Opening
from watcher.outage import Random, Server
from watcher.referred import Referred
from watcher.reflector import Reflector
from watcher.sources import (
    Event,
    ObjectChanged,
    ObjectGone,
    Problem,
    Source,
    SourceFailed,
    SourceListed,
)
from watcher.state import Changes, State
from watcher.trimming import Seen
from watcher.unreadable_objects import UnreadableObjects, problems_of
from watcher.watch_events import Changed, Failing, Forbidden, Gone, Listed, Missing, Unreadable, WatchEvent

DOUBT: Final = 30.0
"""Seconds after which a kind that lost all its objects at once is asked again."""

TROUBLED: Final = 3
"""Failures in a row after which a kind's trouble is told."""

GENERATED: Final = Source(1, "(generated)", "File")
"""Objects that the entrypoint makes; the cluster's own of the same name come before them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step gave: changes of the objects, and of what the cluster says of them beside their content."""

    objects: Changes
    live: Changes = field(default_factory=Changes)


class Cluster:
    """What is known of a cluster.

    `remembered` is what an earlier process has published; None: none has, so that nothing is known, not even old.
    `generated` are objects that there are beside the cluster's.
    """

    def __init__(
        self,
        targets: Iterable[Target],
        remembered: Mapping[str, Record] | None,
        random: Random,
        generated: Mapping[str, Record] | None = None,
    ) -> None:
        self._targets = tuple(targets)
        self._random = random
        self._had_view = remembered is not None
        self._server = Server(random)
        made = {key: record.version for key, record in (generated or {}).items()}
        kept = {key: record for key, record in (remembered or {}).items() if record.version != made.get(key)}
        known = _by_source(self._targets, kept)
        self._state = State(known)
        self._state.expect(target.source for target in self._targets)
        if generated:
            self._state.step([SourceListed(GENERATED, generated)])
        also = {GENERATED: generated or {}}
        self._referred = {
            kind: Referred(self._targets, known, also, kind)
            for kind in (SECRET, CONFIG_MAP)
            if any(target.kind is kind for target in self._targets)
        }
        self._unreadable_objects = UnreadableObjects()
        self._answered: set[Target] = set()
        self._forbidden: dict[Target, Problem] = {}
        self._doubted: set[Target] = set()
        self._early: dict[str, Record] = {}
        self._opening = Opening()
        self._is_open = any_is_ours(
            record for key, record in {**kept, **(generated or {})}.items() if GATEWAY_CLASS.is_of(key)
        )
        self.reflectors: dict[Target, Reflector] = {
            target: self._reflector(target)
            for target in self._targets
            if not target.kind.by_name and (self._is_open or not target.kind.gated)
        }

    @property
    def complete(self) -> bool:
        """Whether the first view has been given."""
        return self._state.complete

    @property
    def outage(self) -> str:
        """Why the API server answers nobody; empty while it does."""
        return self._server.reason

    @property
    def wakes(self) -> int:
        """Counts up when reflectors were woken that wait."""
        return self._server.wakes

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """What has to be seen before the first view."""
        return tuple(source.name for source in self._state.waiting)

    def take(self, now: float, target: Target, happened: Iterable[WatchEvent]) -> Outcome:
        """What a reflector learned."""
        events: list[Event] = []
        happened = tuple(happened)
        live: dict[str, Record | None] = {}
        referred = self._referred.get(target.kind)
        for event in happened:
            events += (
                self._of_referred(now, referred, target, event) if referred else self._of(now, target, event, live)
            )
            events += [] if target.name else self._unreadable_objects.take(target, event)
        if not events and not live and not referred:
            return Outcome(Changes())
        if target.kind is GATEWAY_CLASS and not self._is_open:
            events += self._open_or_pass(events)
        events = list(self._state.completed(events))
        named = [found for each in self._referred.values() for found in each.refer(events, self._answered)]
        events = self._opening.pass_on(target, happened, events) + named
        self._watch_named()
        before = self._state.complete
        changes = self._state.step(events)
        if not before:
            return Outcome(changes, self._live_at_first(live))
        live.update((key, None) for key, record in changes.records.items() if not record and key.startswith(TOLD))
        return Outcome(changes, Changes(live))

    def missing(self) -> dict[str, list[Reflector]]:
        """The reflectors whose kind the server does not have, by the path of its API."""
        found: dict[str, list[Reflector]] = {}
        for target, reflector in self.reflectors.items():
            if reflector.missing:
                found.setdefault(target.kind.api, []).append(reflector)
        return found

    # Objects

    def _of(self, now: float, target: Target, event: WatchEvent, live: dict[str, Record | None]) -> list[Event]:
        source = target.source
        found: list[Event] = []
        match event:
            case Listed(objects, problems):
                if objects or not self._is_doubtful(now, target):
                    live.update((key, here.live) for key, here in objects.items() if here.live)
                    found = self._listed(target, objects, problems_of(problems))
            case Missing():
                found = [] if self._is_doubtful(now, target) else self._listed(target, {}, ())
            case Changed(here):
                live[here.key] = here.live
                found = [ObjectChanged(source, here.key, here.record)]
            case Gone(key):
                live[key] = None
                found = [ObjectGone(source, key)]
            case Unreadable(key):
                found = [ObjectGone(source, key)]
            case Forbidden(message):
                self._forbidden[target] = Problem(f"{target.said} may not be listed and watched: {message}")
                found = [SourceFailed(source, self._forbidden[target]), *self._let_pass(target.kind)]
            case Failing(message, failures):
                found = self._trouble(source, message, failures)
        return found

    def _of_referred(self, now: float, referred: Referred, target: Target, event: WatchEvent) -> list[Event]:
        match event:
            case Listed(objects) if not objects and self._is_doubtful(now, target):
                referred.keep(target)
                return []
            case Listed() | Forbidden():
                self._doubted.discard(target)
                self._answered.add(target)
            case Failing(message, failures):
                trouble = self._trouble(target.source, message, failures)
                return referred.take(target, event) if trouble and target.name else trouble
        return referred.take(target, event)

    def _open_or_pass(self, events: Iterable[Event]) -> list[Event]:
        """From the first GatewayClass of ours on, what is gated is watched; until then it is empty.

        It is not closed again while this process lives: whoever withdraws a class wants the statuses withdrawn too.
        """
        gated = [target for target in self._targets if target.kind.gated and not target.kind.by_name]
        for event in events:
            match event:
                case SourceListed(objects=objects):
                    self._is_open = self._is_open or any_is_ours(objects.values())
                case ObjectChanged(record=record):
                    self._is_open = self._is_open or any_is_ours([record])
        if self._is_open:
            self.reflectors.update((target, self._reflector(target)) for target in gated)
            self._opening.begin(gated)
            return []
        passed = [target for target in gated if target not in self._answered]
        if not any(isinstance(event, SourceListed) for event in events):
            return []
        self._answered.update(passed)
        return [SourceListed(target.source, {}) for target in passed]

    def _listed(self, target: Target, objects: Mapping[str, Seen], problems: tuple[Problem, ...]) -> list[Event]:
        self._answered.add(target)
        self._doubted.discard(target)
        self._forbidden.pop(target, None)
        records = {key: here.record for key, here in objects.items()}
        listed = SourceListed(target.source, records, problems)
        return [listed, *self._let_pass(target.kind)]

    def _trouble(self, source: Source, message: str, failures: int) -> list[Event]:
        if self._server.reason or failures < TROUBLED:
            return []
        return [SourceFailed(source, Problem(f"cannot be read at the moment, what was known stays: {message}"))]

    def _is_doubtful(self, now: float, target: Target) -> bool:
        """Whether it is asked again before it is believed that there is nothing."""
        referred = self._referred.get(target.kind)
        has = referred.has(target) if referred else self._state.has(target.source)
        if target in self._doubted or not has:
            return False
        self._doubted.add(target)
        self.reflectors[target].doubt(now, DOUBT)
        return True

    def _let_pass(self, kind: Kind) -> list[Event]:
        """The targets of a kind that we may not see, and that the first view need not wait for."""
        if kind.needed and not self._had_view and not any(target.kind is kind for target in self._answered):
            return []
        passed = [target for target in self._forbidden if target.kind is kind]
        self._answered.update(passed)
        return [SourceListed(target.source, {}, (self._forbidden[target],), whole=False) for target in passed]

    def _live_at_first(self, live: Mapping[str, Record | None]) -> Changes:
        for key, record in live.items():
            if record:
                self._early[key] = record
            else:
                self._early.pop(key, None)
        if not self._state.complete:
            return Changes()
        early, self._early = self._early, {}
        return Changes({key: record for key, record in early.items() if self._state.holders(key)}, whole=True)

    def _watch_named(self) -> None:
        wanted = {target for each in self._referred.values() for target in each.named}
        for target in [t for t in self.reflectors if t.name and t not in wanted]:
            self._server.left(self.reflectors.pop(target).name)
            self._answered.discard(target)
            self._doubted.discard(target)
        for target in wanted - set(self.reflectors):
            self.reflectors[target] = self._reflector(target)

    def _reflector(self, target: Target) -> Reflector:
        return Reflector(target, self._server, self._random)


def _by_source(targets: tuple[Target, ...], remembered: Mapping[str, Record]) -> dict[Source, dict[str, Record]]:
    by_kind: dict[str, list[Target]] = {}
    for target in targets:
        by_kind.setdefault(f"{target.kind.group or 'core'}/{target.kind.name}", []).append(target)
    found: dict[Source, dict[str, Record]] = {}
    for key, record in remembered.items():
        group, name, _ = key.split("/", 2)
        holder = next((target for target in by_kind.get(f"{group}/{name}", ()) if target.holds(key)), None)
        if holder:
            found.setdefault(holder.source, {})[key] = record
    return found
