"""Which objects wait for Envoy's word: from a change until Envoy has accepted all the resources that it changed.

A change is a batch of objects and of the resources that are different for it. Envoy answers resource by resource; when
the last one is answered, nothing of the batch waits any more. So this costs what the change cost, whatever else there
is. What Envoy refuses, or never asks for, would keep a whole batch waiting: after a while only those of its objects go
on waiting that such resources are made of.

No I/O, no clock: times are given in seconds by the caller.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from translator.ir import ObjectKey

PATIENCE = 2.0
"""Seconds after which a batch is looked at object by object."""

MOST_RESOURCES = 16
"""So many unanswered resources are asked where they come from; are there more, Envoy is not done with the change."""

MOST_BATCHES = 64
"""Beyond that, batches are joined: Envoy has been away for long."""


@dataclass(slots=True)
class _Batch:
    at: float
    objects: set[ObjectKey]
    waiting: set[str]
    was_narrowed: bool = False


@dataclass(slots=True)
class Progress:
    """Owned by the translator's loop. Each method tells of which objects the answer may now be another."""

    _versions: dict[str, str] = field(default_factory=dict)
    """The version that is waited for, by resource."""
    _batches: list[_Batch] = field(default_factory=list)
    _waiting: dict[ObjectKey, int] = field(default_factory=dict)
    """In how many batches an object waits."""

    def waits(self, key: ObjectKey) -> bool:
        """Whether Envoy's word on something that this object changed is missing."""
        return key in self._waiting

    def published(
        self, now: float, objects: Iterable[ObjectKey], resources: Mapping[str, str | None]
    ) -> set[ObjectKey]:
        """These objects changed, and for it these versions of resources are new (None: the resource is gone)."""
        gone = {resource for resource, version in resources.items() if version is None}
        new = {resource: version for resource, version in resources.items() if version is not None}
        done = self._answer(gone)
        self._versions.update(new)
        if new:
            batch = _Batch(now, set(objects), set(new))
            for key in batch.objects:
                self._waiting[key] = self._waiting.get(key, 0) + 1
            self._batches.append(batch)
            if len(self._batches) > MOST_BATCHES:
                self._join()
        return done

    def answered(self, resource: str, version: str) -> set[ObjectKey]:
        """Envoy has accepted this version, or has said of it what it ever will."""
        return self._answer({resource}) if self._versions.get(resource) == version else set()

    def time_passed(self, now: float, made_of: Callable[[str], Iterable[ObjectKey]]) -> set[ObjectKey]:
        """Of batches that wait for long, let go those objects that no unanswered resource is `made_of`."""
        done: set[ObjectKey] = set()
        for batch in self._batches:
            if batch.was_narrowed or now - batch.at < PATIENCE or len(batch.waiting) > MOST_RESOURCES:
                continue
            batch.was_narrowed = True
            if len(batch.objects) > 1:
                kept = {key for resource in batch.waiting for key in made_of(resource)}
                done |= self._release(batch.objects - kept)
                batch.objects &= kept
        return done

    def next_time(self, now: float) -> float | None:
        """When `time_passed` should be called at the latest; None: nothing waits for time to pass."""
        ahead = [batch.at + PATIENCE for batch in self._batches if not batch.was_narrowed]
        return min((due for due in ahead if due > now), default=None)

    def _answer(self, resources: set[str]) -> set[ObjectKey]:
        done: set[ObjectKey] = set()
        if not resources or self._versions.keys().isdisjoint(resources):
            return done
        for resource in resources:
            self._versions.pop(resource, None)
        for batch in self._batches:
            batch.waiting -= resources
            if not batch.waiting:
                done |= self._release(batch.objects)
        self._batches = [batch for batch in self._batches if batch.waiting]
        return done

    def _release(self, keys: set[ObjectKey]) -> set[ObjectKey]:
        done = set()
        for key in keys:
            left = self._waiting[key] - 1
            if left:
                self._waiting[key] = left
            else:
                del self._waiting[key]
                done.add(key)
        return done

    def _join(self) -> None:
        """Make one batch of all."""
        last = self._batches[-1]
        objects = {key for batch in self._batches for key in batch.objects}
        waiting = {resource for batch in self._batches for resource in batch.waiting}
        self._batches = [_Batch(last.at, objects, waiting)]
        self._waiting = dict.fromkeys(objects, 1)
