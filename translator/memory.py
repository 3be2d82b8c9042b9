"""Which version of each object Envoy has accepted, and of which nobody knows yet.

A change is a batch of objects and of the resources that are different for it; its objects are good when Envoy has
accepted all of those. Some it never asks for (a Secret that nothing uses any more), so time speaks for these, and for
these alone: it runs only while Envoy is connected, from Envoy's last answer to the batch. What counts as good by time
is doubted as soon as such a resource is refused after all.

No I/O, no clock: times are given in seconds by the caller.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from translator.ir import ObjectKey
from translator.quarantine import Hold

SETTLED_AFTER = 2.0
"""Seconds after which what Envoy was not heard to ask for counts as accepted."""

LONGEST_PATIENCE = 64.0
"""A batch with resources that Envoy owes an answer for is looked at again ever more seldom, up to so many seconds."""

MOST_RESOURCES = 16
"""So many resources are asked where they come from; are there more, Envoy is not done with the batch."""

MOST_BATCHES = 64
"""Beyond that, batches are joined: Envoy has been away for long."""

MOST_VERSIONS = 64
"""So many versions of a resource are known apart while Envoy's answer is missing."""

K = TypeVar("K")
MadeOf = Callable[[str], Iterable[ObjectKey]]


@dataclass(slots=True)
class _Batch:
    """Objects that were published together, and of each unanswered resource the first publication with them in it."""

    since: float
    objects: dict[ObjectKey, bytes | None]
    waiting: dict[str, int]
    patience: float = SETTLED_AFTER

    def joined(self, later: "_Batch") -> "_Batch":
        """Both as one: it waits for the later publications."""
        return _Batch(later.since, self.objects | later.objects, self.waiting | later.waiting)


@dataclass(slots=True)
class Memory:
    """The last good version of each object, were the present one refused.

    Owned by the translator's loop. Bodies are shared with the tables, so remembering them costs little.
    """

    good: dict[ObjectKey, bytes] = field(default_factory=dict)
    overtaken: dict[ObjectKey, bytes] = field(default_factory=dict)
    """Bodies that were followed by another one before Envoy could answer for them: good, as far as anyone knows."""
    _connected: float | None = None
    _open: list[_Batch] = field(default_factory=list)
    _presumed: list[_Batch] = field(default_factory=list)
    """What is good only because time has passed, with what Envoy has not answered for."""
    _publications: int = 0
    _versions: dict[str, dict[str, int]] = field(default_factory=dict)
    """The last publication of each version that Envoy may still answer for, by resource."""

    def stream_changed(self, now: float, *, connected: bool) -> None:
        """An Envoy came (perhaps another one), or went: time begins to run again, or stands still."""
        self._connected = now if connected else None

    def published(
        self, now: float, objects: Mapping[ObjectKey, bytes | None], resources: Mapping[str, str | None]
    ) -> None:
        """These objects changed, and for it these versions of resources were published (None: the resource is gone).

        Whoever waits for an older version of them is content with the new one, which has his change in it too; an
        object that changed again has only its newest body to prove.
        """
        self._publications += 1
        waiting = {resource: self._publications for resource, version in resources.items() if version is not None}
        for resource, version in resources.items():
            self._number(resource, version)
        for batch in self._open:
            for key in objects:
                before = batch.objects.pop(key, None)
                if before is not None:
                    self.overtaken[key] = before
        for batch in (*self._open, *self._presumed):
            _drop(batch.waiting, resources.keys() - waiting.keys())
        for batch in self._presumed:
            _drop(batch.objects, objects)
        _drop(self.overtaken, [key for key, body in objects.items() if body is None])
        unproven = {key: body for key, body in objects.items() if body is not None or key in self.good}
        if unproven:
            self._open = _with(self._open, _Batch(now, unproven, waiting))

    def answered(self, now: float, resource: str, version: str) -> None:
        """Envoy accepted this version, and so all that was published before it."""
        versions = self._versions.get(resource, {})
        number = versions.get(version)
        if number is None:
            return
        for batch in (*self._open, *self._presumed):
            if batch.waiting.get(resource, number + 1) <= number:
                del batch.waiting[resource]
                batch.since = now
        left = {version: other for version, other in versions.items() if other > number}
        if left:
            self._versions[resource] = left
        else:
            del self._versions[resource]

    def settle(self, now: float, refused: frozenset[ObjectKey], is_due: Callable[[str], bool], made_of: MadeOf) -> None:
        """Take over what is proven: batches that are answered or old, but for the objects of refused resources.

        Args:
            now: in the caller's clock.
            refused: the objects of resources that Envoy refuses.
            is_due: whether Envoy owes an answer for a resource: then no time speaks for what the resource is made of.
            made_of: the objects of a resource.
        """
        for batch in self._open:
            if not batch.waiting:
                self._take_over(batch, refused)
            elif self._is_old(batch, now):
                due = [resource for resource in batch.waiting if is_due(resource)]
                if due:
                    batch.since, batch.patience = now, min(2 * batch.patience, LONGEST_PATIENCE)
                if len(due) <= MOST_RESOURCES:
                    self._take_over(batch, refused.union(*map(made_of, due)))
        self._open = [batch for batch in self._open if batch.objects]
        self._presumed = [batch for batch in self._presumed if batch.objects and batch.waiting]

    def doubted(self, resource: str) -> set[ObjectKey]:
        """The objects that may be wrong in a resource since Envoy has never accepted it with them in it."""
        batches = (*self._open, *self._presumed)
        return {key for batch in batches if resource in batch.waiting for key in batch.objects}

    def fallback(self, key: ObjectKey, tried: Hold | None) -> bytes | None:
        """What may take a refused object's place: an overtaken body, else the good one; not what `tried` has."""
        good = self.good.get(key)
        if tried is None:
            return self.overtaken.pop(key, None) or good
        return good if good != tried.good else None

    def forget(self, key: ObjectKey) -> None:
        """What was overtaken last was refused, so it is nothing to fall back on."""
        self.overtaken.pop(key, None)

    def was_wrong(self, key: ObjectKey, body: bytes) -> None:
        """This body is refused, whatever spoke for it."""
        if self.good.get(key) == body:
            del self.good[key]

    def next_settling(self, now: float) -> float | None:
        """When `settle` should be called at the latest, in the caller's clock; None: nothing waits for time to pass."""
        if self._connected is None:
            return None
        ahead = [max(batch.since, self._connected) + batch.patience for batch in self._open if batch.waiting]
        return min((due for due in ahead if due > now), default=None)

    def _number(self, resource: str, version: str | None) -> None:
        if version is None:
            self._versions.pop(resource, None)
            return
        versions = self._versions.setdefault(resource, {})
        versions.pop(version, None)
        versions[version] = self._publications
        if len(versions) > MOST_VERSIONS:
            del versions[next(iter(versions))]

    def _is_old(self, batch: _Batch, now: float) -> bool:
        return self._connected is not None and now - max(batch.since, self._connected) >= batch.patience

    def _take_over(self, batch: _Batch, unproven: frozenset[ObjectKey]) -> None:
        proven = {key: body for key, body in batch.objects.items() if key not in unproven}
        _drop(batch.objects, proven)
        _drop(self.overtaken, proven)
        there = {key: body for key, body in proven.items() if body is not None}
        self.good.update(there)
        _drop(self.good, proven.keys() - there.keys())
        if there and batch.waiting:
            self._presumed = _with(
                self._presumed, _Batch(batch.since, dict[ObjectKey, bytes | None](there), dict(batch.waiting))
            )


def _with(batches: list[_Batch], new: _Batch) -> list[_Batch]:
    """One more batch; too many become one."""
    if len(batches) < MOST_BATCHES:
        return [*batches, new]
    whole = batches[0]
    for batch in (*batches[1:], new):
        whole = whole.joined(batch)
    return [whole]


def _drop(rows: dict[K, Any], keys: Iterable[K]) -> None:
    for key in keys:
        rows.pop(key, None)
