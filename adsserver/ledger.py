"""What Envoy accepted and refused, remembered beyond this process, and what it should therefore be offered.

The facts of the newest stream go into the snapshot's `acks`, a record for each resource; the last accepted bytes are
kept there while a newer version is refused. Nothing is saved of listeners that are there while somebody asks
(`adsserver.guests`): they are nobody's, and go with this process. A record of its own, `doubtful`, names the resources
that were in a batch which Envoy has not accepted whole: it may hold them without saying so when it connects again.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final, Self

import orjson

from adsserver.redaction import redacted
from adsserver.resources import Catalog, Entry, Kind, split_key
from process.settings import GUESTS
from snapshot import JSON, Record

DOUBTFUL_KEY = "doubtful"

SEVERAL = ""
"""Stands for the version in doubt when there is more than one."""

_NAMING_NOTHING = (Kind.ENDPOINT, Kind.SECRET, Kind.RUNTIME)
"""The kinds whose resources name no others."""

_UNSAVED: Final = Kind.LISTENER.key(GUESTS)
"""Begins the keys of what is not saved."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one resource. `last`: the version accepted last, when its bytes are known."""

    accepted: str | None = None
    accepted_at: float | None = None
    refused: str | None = None
    refused_at: float | None = None
    message: str = ""
    last: Entry | None = None
    pardoned: bool = False


_UNKNOWN = Fact()


class Ledger:
    """The facts by key. A shadow of a ledger reads the same facts but keeps what it learns to itself."""

    def __init__(
        self,
        catalog: Catalog,
        facts: MutableMapping[str, Fact],
        doubtful: Mapping[str, str],
        *,
        is_shadow: bool = False,
    ) -> None:
        self._catalog = catalog
        self._facts = facts
        self._refused = {key: None for key, fact in facts.items() if fact.refused is not None}
        self._doubtful = dict(doubtful)
        self._doubts_changed = self._urgent = False
        self._unsaved: dict[str, None] = {}
        self._is_shadow = is_shadow

    @classmethod
    def load(cls, catalog: Catalog, records: Mapping[str, Record]) -> Self:
        """The ledger that an earlier process left in the snapshot, beside the resources as they are now."""
        facts: dict[str, Fact] = {}
        for key, record in records.items():
            found = split_key(key)
            if found is not None:
                facts[key] = _fact_of(record, catalog, *found)
        doubtful = records.get(DOUBTFUL_KEY)
        return cls(catalog, facts, orjson.loads(doubtful.body) if doubtful else {})

    def shadow(self) -> "Ledger":
        """A ledger for a stream that is no longer the newest: nothing that it learns is saved."""
        return Ledger(self._catalog, _Overlay({}, self._facts), self._doubtful, is_shadow=True)

    def wanted(self, entry: Entry) -> Entry | None:
        """What to offer Envoy in place of an entry: itself, or the last good one (if any) when it was refused."""
        fact = self._fact(entry.key)
        if fact.refused != entry.version or fact.pardoned:
            return entry
        return fact.last

    def has_accepted(self, entry: Entry) -> bool:
        """Whether Envoy holds this version."""
        return self._fact(entry.key).accepted == entry.version

    def refusal(self, entry: Entry) -> str | None:
        """Why Envoy refused this version, if it did."""
        fact = self._fact(entry.key)
        return fact.message if fact.refused == entry.version else None

    def last_good(self, key: str) -> Entry | None:
        """The version that Envoy accepted last, if its bytes are known."""
        return self._fact(key).last

    def accept(self, entry: Entry) -> None:
        """Envoy holds this version. A refusal ends with it when this is the newest, or the very one that was refused.

        Of what is gone from the catalog no newest is known: what was refused of it is not sent again while it leaves.
        """
        fact = self._fact(entry.key)
        current = self._catalog.entry(entry.kind, entry.name)
        over = entry.version in (fact.refused, current and current.version)
        if fact.accepted == entry.version and (fact.refused is None or not over):
            if fact.last is not entry:
                self._facts[entry.key] = replace(fact, last=entry)
            return
        kept = Fact() if over else replace(fact, pardoned=False)
        same = fact.accepted == entry.version
        self._put(
            entry.key, replace(kept, accepted=entry.version, accepted_at=fact.accepted_at if same else None, last=entry)
        )

    def recognise(self, key: str, version: str) -> None:
        """Envoy shows that it holds this version, which is not the newest; its bytes may not be known."""
        fact = self._fact(key)
        if fact.accepted != version:
            last = fact.last if fact.last and fact.last.version == version else None
            self._put(key, replace(fact, accepted=version, accepted_at=None, last=last))

    def keeps(self, key: str, version: str) -> None:
        """Envoy refuses what was to take the place of this version, of which nothing else may be known."""
        if self._fact(key).accepted is None:
            self.recognise(key, version)

    def refuse(self, entry: Entry, message: str) -> None:
        """Envoy refused this version, for this reason. What was good once is not offered again once it is refused."""
        fact = self._fact(entry.key)
        told = redacted(message, entry)
        if fact.last is not None and fact.last.version == entry.version:
            fact = replace(fact, last=None)
            if fact.refused is not None and fact.refused != entry.version:
                self._put(entry.key, fact)
                return
        if fact.refused == entry.version and fact.message == told:
            self._facts[entry.key] = replace(fact, pardoned=False)
            return
        self._put(entry.key, replace(fact, refused=entry.version, refused_at=None, message=told, pardoned=False))
        self._urgent |= entry.key in self._unsaved

    def review(self, entry: Entry) -> None:
        """A version is the newest now: when Envoy has accepted it before, a refusal is a matter of the past."""
        fact = self._fact(entry.key)
        if fact.refused is not None and fact.accepted == entry.version:
            self._put(entry.key, replace(fact, refused=None, refused_at=None, message="", pardoned=False))

    def forget(self, key: str) -> None:
        """A resource is no more. A doubt about it remains: Envoy may hold it until it has answered the removal."""
        if self._fact(key) is not _UNKNOWN:
            self._put(key, _UNKNOWN)

    def forget_all_but(self, offered: Mapping[Kind, Mapping[str, Entry]]) -> None:
        """Forget every resource that is neither in the catalog nor offered any more."""
        for key in list(self._facts):
            found = split_key(key)
            if found and self._catalog.entry(*found) is None and found[1] not in offered[found[0]]:
                self.forget(key)

    def pardon_blameless(self) -> list[tuple[Kind, str]]:
        """Offer every resource again that was refused for its surroundings (an address in use); tells which."""
        return self._pardon(lambda _, fact: "cannot bind" in fact.message)

    def pardon_made_with_secrets(self) -> list[tuple[Kind, str]]:
        """The same for all that may have been refused for a Secret."""
        return self._pardon(lambda kind, _: kind in (Kind.CLUSTER, Kind.LISTENER))

    def _pardon(self, is_pardoned: Callable[[Kind, Fact], bool]) -> list[tuple[Kind, str]]:
        pardoned = []
        for key in self._refused:
            fact, found = self._fact(key), split_key(key)
            if found and not fact.pardoned and is_pardoned(found[0], fact):
                self._facts[key] = replace(fact, pardoned=True)
                pardoned.append(found)
        return pardoned

    def accepted(self, kind: Kind) -> dict[str, str]:
        """The versions of a kind that Envoy accepted last, by name."""
        found = ((split_key(key), fact.accepted) for key, fact in self._facts.items())
        return {pair[1]: version for pair, version in found if version is not None and pair and pair[0] is kind}

    def kept(self) -> list[Entry | None]:
        """The versions that Envoy keeps because it refused newer ones, of the kinds that name other resources.

        None stands for one whose bytes are not known, like one of a batch whose answer was not saved before a crash.
        """
        kept: list[Entry | None] = []
        for key in self._refused:
            fact, found = self._fact(key), split_key(key)
            may_be_held = fact.accepted is not None or key in self._doubtful
            if may_be_held and found and found[0] not in _NAMING_NOTHING:
                kept.append(fact.last)
        return kept

    def refused(self, kind: Kind) -> list[str]:
        """The names of a kind of which a version is refused."""
        found = (split_key(key) for key in self._refused)
        return [pair[1] for pair in found if pair and pair[0] is kind]

    def doubt(self, entries: Iterable[Entry]) -> None:
        """These go out in one response: until it is accepted, Envoy's word about what it holds is not enough."""
        for entry in entries:
            version = self._doubtful.get(entry.key, entry.version)
            doubted = version if version == entry.version else SEVERAL
            if self._doubtful.get(entry.key) != doubted:
                self._doubtful[entry.key] = doubted
                self._doubts_changed = self._urgent = True

    def clear(self, entry: Entry) -> None:
        """Envoy refused this entry alone: if it was the only one in doubt, Envoy holds what it says."""
        if self._doubtful.get(entry.key) == entry.version:
            self.settle([entry.key])

    def settle(self, keys: Iterable[str]) -> None:
        """It is known again which version of these Envoy holds."""
        for key in keys if self._doubtful else ():
            if key in self._doubtful:
                del self._doubtful[key]
                self._doubts_changed = True

    def doubted(self, kind: Kind) -> list[str]:
        """The names of a kind of which Envoy's own word is not to be trusted."""
        found = (split_key(key) for key in self._doubtful)
        return [pair[1] for pair in found if pair and pair[0] is kind]

    @property
    def is_unsaved(self) -> bool:
        """Whether there is something to save."""
        return not self._is_shadow and (bool(self._unsaved) or self._doubts_changed)

    @property
    def is_urgent(self) -> bool:
        """Whether it is to be saved before the next byte goes to Envoy: a new doubt, or a refusal."""
        return not self._is_shadow and self._urgent

    def changes(self, now: float) -> dict[str, Record | None]:
        """What the snapshot does not know yet; facts without a time are stamped `now` (Unix time). See `saved`."""
        changes: dict[str, Record | None] = {}
        for key in self._unsaved:
            fact = self._facts.get(key, _UNKNOWN)
            if fact is not _UNKNOWN:
                fact = self._facts[key] = _stamped(fact, now)
            changes[key] = None if fact is _UNKNOWN else _record_of(fact)
        if self._doubts_changed:
            body = orjson.dumps(self._doubtful)
            changes[DOUBTFUL_KEY] = Record(blake2b(body, digest_size=8).hexdigest(), body) if self._doubtful else None
        return changes

    def saved(self) -> None:
        """The changes were committed."""
        for key in self._unsaved:
            if self._facts.get(key) is _UNKNOWN:
                del self._facts[key]
        self._unsaved.clear()
        self._doubts_changed = self._urgent = False

    def _fact(self, key: str) -> Fact:
        return self._facts.get(key, _UNKNOWN)

    def _put(self, key: str, fact: Fact) -> None:
        self._facts[key] = fact
        if not key.startswith(_UNSAVED):
            self._unsaved[key] = None
        elif fact is _UNKNOWN and not self._is_shadow:
            del self._facts[key]
        if fact.refused is None:
            self._refused.pop(key, None)
        else:
            self._refused[key] = None


class _Overlay(ChainMap[str, Fact]):
    """Facts of one's own on top of another ledger's. ChainMap looks for a key in three steps, once more for `get`."""

    def get(self, key: str, default: Any = None) -> Any:
        own, below = self.maps
        return own[key] if key in own else below.get(key, default)


def _stamped(fact: Fact, now: float) -> Fact:
    if fact.accepted is not None and fact.accepted_at is None:
        fact = replace(fact, accepted_at=now)
    if fact.refused is not None and fact.refused_at is None:
        fact = replace(fact, refused_at=now)
    return fact


def _record_of(fact: Fact) -> Record:
    notes: dict[str, JSON] = {
        "accepted": fact.accepted,
        "accepted_at": fact.accepted_at,
        "refused": fact.refused,
        "refused_at": fact.refused_at,
        "message": fact.message,
    }
    kept = fact.last if fact.refused is not None else None
    if kept is not None:
        notes.update(kept.names)
    version = f"{fact.accepted or ''}+{fact.refused or ''}"
    return Record(version, kept.body if kept else b"", notes)


def _fact_of(record: Record, catalog: Catalog, kind: Kind, name: str) -> Fact:
    notes = record.notes
    accepted = _text(notes.get("accepted"))
    last = catalog.entry(kind, name)
    if last is None or last.version != accepted:
        last = None
        if accepted is not None and record.body:
            last = Entry.of(kind, name, Record(accepted, record.body, notes))
    return Fact(
        accepted=accepted,
        accepted_at=_number(notes.get("accepted_at")),
        refused=_text(notes.get("refused")),
        refused_at=_number(notes.get("refused_at")),
        message=_text(notes.get("message")) or "",
        last=last,
    )


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, int | float) else None
