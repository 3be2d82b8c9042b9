"""What becomes of each listener, and what is said of it. Pure."""

from typing import Any, Final

from translator import ir
from translator.gateway.attachment import kinds_of
from translator.gateway.conditions import Condition, false, listed, true
from translator.gateway.listeners import KINDS, UNREAD, Listener, Refusal
from translator.gateway.names import GROUP
from translator.gateway.termination import Ended, resolved
from translator.values import dataclass

UNLED: Final = false("Programmed", "Pending", "its Gateway has no Service yet that leads to this port")
WAITING: Final = false("Programmed", "Pending", "no pod of its Gateway serves yet")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A listener with its conditions, and the references that lead nowhere. `termination`: of one served by TLS.

    `shared` is the name that it has with somebody else, who has the port.
    """

    listener: Listener
    kinds: tuple[str, ...]
    accepted: Condition
    references: tuple[Condition, ...]
    programmed: Condition
    conflicted: Condition | None = None
    termination: ir.TlsTermination | None = None
    shared: ir.Shared | None = None

    @property
    def is_served(self) -> bool:
        """Whether requests can come in."""
        return self.programmed.status == "True"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All of them."""
        said = (self.accepted, self.conflicted, resolved(self.references), self.programmed)
        return tuple([each for each in said if each])

    def json(self, attached: int, more: tuple[Condition, ...]) -> dict[str, Any]:
        """The listener in a status, to which so many routes are attached; `more` conditions are of others' making."""
        return {
            "name": self.listener.spec.name,
            "supportedKinds": [{"group": GROUP, "kind": kind} for kind in self.kinds],
            "attachedRoutes": attached,
            "conditions": listed((*self.conditions, *more)),
        }


def judge(listener: Listener, refusal: Refusal | None, ended: Ended | None, shared: ir.Shared | None = None) -> Verdict:
    """What becomes of a listener.

    Args:
        listener: itself.
        refusal: why it does not get its port or hostname.
        ended: how it ends TLS; None: it speaks in clear text.
        shared: the name that it has with somebody else, who has the port.
    """
    spec, allowed = listener.spec, listener.spec.allowed_routes
    kinds = kinds_of(spec.protocol, allowed)
    references = (*_wrong_kinds(listener), *(ended.problems if ended else ()))
    place = listener.place
    if spec.protocol not in KINDS:
        said = f"{spec.protocol} is not served, only {', '.join(sorted(KINDS))}"
        accepted = false("Accepted", "UnsupportedProtocol", said, f"{place}.protocol")
        if listener.stopped == UNREAD:  # what is wrong with it is told of its fields
            accepted = false("Accepted", "Invalid", UNREAD)
        return Verdict(listener, kinds, accepted, references, _not_programmed("Invalid", "it is not accepted"))
    if refusal is not None:
        accepted = false("Accepted", refusal.reason, refusal.message, place)
        conflicted = None
        if refusal.reason != "PortUnavailable":
            conflicted = true("Conflicted", refusal.reason, refusal.message)
        programmed = _not_programmed(refusal.reason, refusal.message)
        return Verdict(listener, kinds, accepted, references, programmed, conflicted)
    accepted = true("Accepted", message=_shares(shared) if shared else "")
    if ended is not None and ended.unverifiable is not None:
        accepted = ended.unverifiable
    if listener.stopped or not listener.opened or listener.waits:
        unready = WAITING if listener.waits else UNLED
        not_yet = _not_programmed("Invalid", listener.stopped) if listener.stopped else unready
        return Verdict(listener, kinds, accepted, references, not_yet)
    if ended is not None and (ended.termination is None or accepted.status == "False"):
        said = "it cannot end TLS" if accepted.status == "True" else "it is not accepted"
        return Verdict(listener, kinds, accepted, references, _not_programmed("Invalid", said))
    if not kinds and allowed.kinds:
        return Verdict(listener, kinds, accepted, references, _not_programmed("Invalid", "it takes no kind of routes"))
    tls = ended.termination if ended else None
    return Verdict(listener, kinds, accepted, references, true("Programmed"), None, tls, shared)


def _shares(shared: ir.Shared) -> str:
    """What is said to a listener of a name that it shares."""
    said = f"It shares its hostname with {shared.called}, whose TLS settings hold."
    if shared.insecure == "route":
        return said
    what = {"redirect": "sent to HTTPS", "reject": "refused"}.get(shared.insecure, shared.insecure)
    return f"It shares its hostname with {shared.called}: requests in clear text are {what} there."


def _not_programmed(reason: str, message: str) -> Condition:
    return false("Programmed", reason, message)


def _wrong_kinds(listener: Listener) -> tuple[Condition, ...]:
    served = KINDS.get(listener.spec.protocol, ())
    path = f"{listener.place}.allowedRoutes.kinds"
    return tuple(
        [
            false(
                "ResolvedRefs", "InvalidRouteKinds", f"{each.kind} is not served by this listener", f"{path}[{place}]"
            )
            for place, each in enumerate(listener.spec.allowed_routes.kinds)
            if each.group != GROUP or each.kind not in served
        ]
    )
