"""Finding the one object that Envoy refuses, and holding back that one alone.

Envoy refuses whole resources, and a route configuration is made of the Mappings of many teams. So when one is refused,
the objects that it was made from and that Envoy never accepted in their present form are suspects, and they are tried:
the resource is published without half of them, then without half of the rest, until one is left. The trial changes that
one resource only, and while it lasts Envoy serves the last good one. The object found guilty is held back: its last
good version, if there was one, takes its place until the object changes, and everything else goes on.

No I/O, no clock: times are given in seconds by the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from translator.ir import ObjectKey

SETTLED_AFTER = 2.0
"""Seconds after which what Envoy did not refuse counts as accepted, though not every resource was asked for."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An object that is held back: the digest of its refused body, the last good one (None: there is none), and why."""

    refused: str
    good: bytes | None
    message: str


def digest(body: bytes | None) -> str:
    """What tells one body of an object from another."""
    return "" if body is None else blake2b(body, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Envoy last said of a resource: the version that it accepted, and the one that it refused and why."""

    accepted: str | None
    refused: str | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """The search for the guilty one: the `active` suspects are in the resource that is being tried, the others not."""

    resource: str
    message: str
    suspects: tuple[ObjectKey, ...]
    active: frozenset[ObjectKey]
    version: str | None = None

    @property
    def left_out(self) -> tuple[ObjectKey, ...]:
        """The suspects that the tried resource is made without."""
        return tuple(key for key in self.suspects if key not in self.active)


def begin(resource: str, message: str, suspects: Sequence[ObjectKey]) -> Trial:
    """A trial of more than one suspect: the first half stays in."""
    return Trial(resource, message, tuple(suspects), _half(suspects))


def judged(trial: Trial, *, accepted: bool) -> Trial:
    """The trial after Envoy's word on the tried resource; it is over when one suspect is left.

    Accepted: the guilty one is among those left out. Refused: it is among those that were in.
    """
    suspects = trial.left_out if accepted else tuple(key for key in trial.suspects if key in trial.active)
    return replace(trial, suspects=suspects, active=_half(suspects), version=None)


def _half(suspects: Sequence[ObjectKey]) -> frozenset[ObjectKey]:
    return frozenset(suspects[: len(suspects) // 2])


@dataclass(slots=True)
class _Batch:
    """Objects that were published together, and the resources of theirs that Envoy has not yet answered for."""

    at: float
    objects: dict[ObjectKey, bytes | None]
    waiting: dict[str, str]


@dataclass(slots=True)
class Memory:
    """Which version of each object Envoy has accepted: the last good one, were the present one refused.

    Owned by the translator's loop. Bodies are shared with the tables, so remembering them costs little.
    """

    good: dict[ObjectKey, bytes] = field(default_factory=dict)
    overtaken: dict[ObjectKey, bytes] = field(default_factory=dict)
    """Bodies that were followed by another one before Envoy could answer for them: good, as far as anyone knows."""
    _batches: list[_Batch] = field(default_factory=list)

    def published(
        self, now: float, objects: Mapping[ObjectKey, bytes | None], resources: Mapping[str, str | None]
    ) -> None:
        """These objects changed, and for it these versions of resources were published (None: the resource is gone).

        Whoever waited for an older version of them waits for the new one, which has his change in it too; an object
        that changed again has only its newest body to prove.
        """
        for batch in self._batches:
            for key in objects:
                before = batch.objects.pop(key, None)
                if before is not None:
                    self.overtaken[key] = before
            for resource in batch.waiting.keys() & resources.keys():
                version = resources[resource]
                if version is None:
                    del batch.waiting[resource]
                else:
                    batch.waiting[resource] = version
        waiting = {resource: version for resource, version in resources.items() if version is not None}
        self._batches.append(_Batch(now, dict(objects), waiting))

    def accepted(self, resource: str, version: str) -> None:
        """Envoy accepted this version."""
        for batch in self._batches:
            if batch.waiting.get(resource) == version:
                del batch.waiting[resource]

    def settle(self, now: float, refused: frozenset[ObjectKey]) -> None:
        """Take over what is proven: batches that are answered or old, but for the objects of refused resources."""
        for batch in self._batches:
            if batch.waiting and now - batch.at < SETTLED_AFTER:
                continue
            for key in [key for key in batch.objects if key not in refused]:
                body = batch.objects.pop(key)
                self.overtaken.pop(key, None)
                if body is None:
                    self.good.pop(key, None)
                else:
                    self.good[key] = body
        self._batches = [batch for batch in self._batches if batch.objects]

    def fallback(self, key: ObjectKey, tried: Hold | None) -> bytes | None:
        """What may take a refused object's place: an overtaken body, else the good one; not what `tried` has."""
        good = self.good.get(key)
        if tried is None:
            return self.overtaken.pop(key, None) or good
        return good if good != tried.good else None

    def forget(self, key: ObjectKey) -> None:
        """What was overtaken last was refused, so it is nothing to fall back on."""
        self.overtaken.pop(key, None)

    def next_settling(self, now: float) -> float | None:
        """When `settle` should be called at the latest, in the caller's clock; None: nothing waits for time to pass."""
        ahead = [batch.at + SETTLED_AFTER for batch in self._batches if batch.at + SETTLED_AFTER > now]
        return min(ahead, default=None)
