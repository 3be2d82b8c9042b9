"""What is published and Envoy has no use for: it does not ask for it, so it will never answer for its newest version.

The configuration of a filter without a listener, a route that nothing leads to: without this it would look for ever as
if they were on their way. Known when all that is on its way has come, and told in the snapshot, as keys.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import orjson

from adsserver.ledger import Ledger
from adsserver.resources import Catalog, Edits, Kind, split_key
from adsserver.session import Session
from process.settings import GUESTS
from snapshot import Record

UNASKED_KEY: Final = "unasked"


class Unasked:
    """The resources that wait for an answer, and those of them that nobody asks for."""

    def __init__(self, catalog: Catalog, ledger: Ledger) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._waiting = {key for kind in Kind for key in map(kind.key, catalog.of(kind))}
        self._found: frozenset[str] = frozenset()
        self._told: frozenset[str] | None = None  # what an earlier process told is not known

    def changed(self, edits: Edits) -> None:
        """These resources are others now."""
        for names in edits.values():
            for entry in names.values():
                if entry is not None and not entry.name.startswith(GUESTS):
                    self._waiting.add(entry.key)

    def look(self, session: Session) -> None:
        """See what the newest stream does not ask for, if all else has come."""
        if not session.has_brought_all:
            return
        self._waiting = set(self._without_answer(self._waiting))
        self._found = frozenset(key for key in self._waiting if not _is_asked_for(session, key))

    @property
    def is_open(self) -> bool:
        """Whether something waits of which it is not known whether anybody asks for it, or something is to be told."""
        return self._found != self._told or not self._waiting <= self._found

    @property
    def record(self) -> Record | None:
        """What is to be told, as a record of `acks`; None: that is told already."""
        if self._found == self._told:
            return None
        body = orjson.dumps(sorted(self._found))
        return Record(blake2b(body, digest_size=8).hexdigest(), body)

    def told(self) -> None:
        """The snapshot has it."""
        self._told = self._found

    def _without_answer(self, keys: Iterable[str]) -> Iterable[str]:
        for key in keys:
            found = split_key(key)
            entry = self._catalog.entry(*found) if found else None
            if entry and not self._ledger.has_accepted(entry) and self._ledger.refusal(entry) is None:
                yield key


def _is_asked_for(session: Session, key: str) -> bool:
    found = split_key(key)
    return found is not None and session.asks_for(*found)
