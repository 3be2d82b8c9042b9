"""What one look at an object decided: the errand that is run for it."""

from dataclasses import dataclass
from typing import Final

from reporter.events import NewEvent
from reporter.gateway_merging import is_told_by_us
from reporter.ingress_merging import has_addresses
from reporter.looking import Deed
from reporter.merging import is_ours
from reporter.objects import Live, Name, Wanted, is_addressed
from snapshot import Record

WITHDRAWAL: Final = Deed((), {})
"""Nothing is to be said any more, as when an object was given to another gateway: what was ours in its status goes."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A deed for one object, which was found so.

    `known`: the problems that everybody knew of before; `again_in`: as in Agenda.
    """

    key: str
    name: Name
    found: Live
    deed: Deed
    wanted: Wanted | None = None
    known: frozenset[NewEvent] = frozenset()
    again_in: float | None = None

    @property
    def uid(self) -> str:
        """Of the object that it is for."""
        return self.wanted.uid if self.wanted else self.found.uid


def may_have_ours(name: Name, record: Record, found: Live) -> bool:
    """Whether something of ours may be in the status of an object of which nothing is to be said any more."""
    if name.is_shared:
        return is_told_by_us(found.status)
    return is_ours(found.status) or (is_addressed(record) and has_addresses(found.status))
