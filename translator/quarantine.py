"""Finding the one object that Envoy refuses, and holding back that one alone.

Envoy refuses whole resources, and a route configuration is made of the Mappings of many teams. So when one is refused,
the objects that it was made from and that Envoy never accepted in their present form are suspects, and they are tried:
the resource is published without half of them, then without half of the rest, until one is left. The trial changes that
one resource only, and while it lasts Envoy serves the last good one. The object found guilty is held back: its last
good version, if there was one, takes its place until the object changes, and everything else goes on.

No I/O, no clock. Which objects are suspects is known to `translator.memory`.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from translator.ir import ObjectKey
from translator.values import dataclass

LONGEST: Final = 3000
"""Characters of Envoy's text that are passed on; it may repeat all that it was given."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An object that is held back: the digest of its refused body, what takes its place, and why.

    That is the last good body; where there is none, what still stands for its names; None: nothing.
    """

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
    names_stay: bool = False
    """Whether the names of those that are left out stay, so that nobody else answers for them meanwhile."""

    @property
    def left_out(self) -> tuple[ObjectKey, ...]:
        """The suspects that the tried resource is made without."""
        return tuple(key for key in self.suspects if key not in self.active)


def begin(resource: str, message: str, suspects: Sequence[ObjectKey], *, names_stay: bool = False) -> Trial:
    """A trial of more than one suspect: the first half stays in; where names stay, they are tried alone before."""
    active = frozenset[ObjectKey]() if names_stay else _half(suspects)
    return Trial(resource, message, tuple(suspects), active, names_stay=names_stay)


def judged(trial: Trial, *, accepted: bool) -> Trial:
    """The trial after Envoy's word on the tried resource; it is over when one suspect is left.

    Accepted: the guilty one is among those left out. Refused: it is among those that were in; if there was none, the
    names themselves are refused, and the trial begins anew without them.
    """
    if not accepted and not trial.active:
        return begin(trial.resource, trial.message, trial.suspects)
    suspects = trial.left_out if accepted else tuple(key for key in trial.suspects if key in trial.active)
    return replace(trial, suspects=suspects, active=_half(suspects), version=None)


def _half(suspects: Sequence[ObjectKey]) -> frozenset[ObjectKey]:
    return frozenset(suspects[: len(suspects) // 2])


def is_blameless(key: str, message: str) -> bool:
    """Whether nobody is to be held: an address that is in use may be free again, and the adsserver tries it anew."""
    return key.startswith("listener/") and "cannot bind" in message


def sentence(key: str, message: str, *, kept: bool) -> str:
    """What people are told; `kept`: whether Envoy has an earlier version that it goes on with."""
    kind, _, name = key.partition("/")
    after = "; the last version that it accepted keeps serving" if kept else ""
    said = message if len(message) <= LONGEST else f"{message[:LONGEST]}... ({len(message)} characters)"
    return f"Envoy refused the {kind} {name}: {said}{after}"
