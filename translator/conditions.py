"""What the status of an object says in Kubernetes: from its problems and from Envoy's word, without a clock.

    Accepted       it is valid, and in force as far as Dragoman is concerned
    ResolvedRefs   the Secrets, Services and TLSContexts that it names are there and can be used
    Programmed     Envoy has accepted what it gives

docs/statuses.md is the page for people. The times of a status are added by who writes it.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal

from process.text import escaped
from translator.decode import Reason
from translator.status_fields import (
    AnyStatus,
    Condition,
    ConditionReason,
    ConditionType,
    HostStatus,
    StateStatus,
    written,
)
from translator.statuses import ReportedProblem, Status
from translator.subjects import Subject

REFERENCES: Final[frozenset[Reason]] = frozenset({"SecretNotUsable", "TLSContextNotUsable", "BackendNotFound"})
_REFERRING: Final = frozenset({"Mapping", "Host", "LogService", "TCPMapping", "TLSContext", "TracingService"})
LONGEST: Final = 1024
"""Characters of a message; Envoy's text can be long, and more of it is in the log."""

Verdict = tuple[Literal["True", "False", "Unknown"], ConditionReason, str]


def kubernetes_status(kind: str, status: Status) -> dict[str, Any] | None:
    """The status of an object of a kind; None when it has none, or when another gateway is to tell it."""
    subject = status.subject
    if subject is None or not subject.is_ours:
        return None
    same = replace(status, subject=Subject(names_secret=subject.names_secret))
    # Most objects say the same, so that it is made once; what is given is not to be changed. Problems are not kept.
    return (_made if status.problems else _made_once)(kind, subject.edition.generation, same)


def _made(kind: str, generation: int | None, status: Status) -> dict[str, Any]:
    verdicts: list[tuple[ConditionType, Verdict]] = [("Accepted", _accepted(status))]
    if kind in _REFERRING and not status.is_held:
        verdicts.append(("ResolvedRefs", _resolved(status)))
    programmed = _programmed(status)
    verdicts.append(("Programmed", programmed))
    conditions = tuple(
        Condition(type=name, status=so, reason=reason, message=message, observed_generation=generation)
        for name, (so, reason, message) in verdicts
    )
    return written(_fields(kind, status, conditions, programmed))


_made_once = lru_cache(maxsize=1024)(_made)


def _accepted(status: Status) -> Verdict:
    ours = [problem for problem in status.problems if problem.by == "dragoman"]
    stopping = [problem for problem in ours if problem.stops]
    if stopping:
        return "False", stopping[0].reason, sentences(stopping, status.more)
    if ours:
        return "True", "Warned", sentences(ours, status.more)
    return "True", "Accepted", "It is valid."


def _resolved(status: Status) -> Verdict:
    missing = [problem for problem in status.problems if problem.reason in REFERENCES]
    if missing:
        return "False", missing[0].reason, sentences(missing)
    return "True", "Resolved", "All references resolved."


def _programmed(status: Status) -> Verdict:
    refused = [problem for problem in status.problems if problem.by == "envoy"]
    if refused:
        return "False", "RefusedByEnvoy", sentences(refused)
    if status.state == "stopped":
        return "False", "NotAccepted", "Envoy is given nothing of it."
    unattached = [problem for problem in status.problems if problem.reason == "NotAttached"]
    if unattached:
        return "False", "NotAttached", sentences(unattached)
    if status.waits:
        return "Unknown", "Pending", "Envoy has not answered yet."
    return "True", "Programmed", "Envoy has accepted it."


def _fields(kind: str, status: Status, conditions: tuple[Condition, ...], programmed: Verdict) -> AnyStatus:
    """Emissary's fields beside the conditions."""
    errors = [problem for problem in status.problems if problem.stops]
    first = _sentence(errors[0]) + (" (and more)" if len(errors) > 1 else "") if errors else ""
    reason = _cut(first)  # an empty one is said too: it takes the place of one that Emissary left
    if kind != "Host":
        return StateStatus(conditions=conditions, state="Inactive" if errors else "Running", reason=reason)
    pending = programmed[0] == "Unknown"
    return HostStatus(
        conditions=conditions,
        state="Error" if errors else "Pending" if pending else "Ready",
        tls_certificate_source="Other" if status.subject and status.subject.names_secret else "None",
        error_reason=reason,
    )


def sentences(problems: Sequence[ReportedProblem], more: int = 0) -> str:
    """As many problems as a message has room for, and how many more there are; `more` are not even listed."""
    message, left = _sentence(problems[0]), len(problems) - 1 + more
    for each in problems[1:]:
        longer = f"{message}; {_sentence(each)}"
        if len(longer) > LONGEST - 32:
            break
        message, left = longer, left - 1
    return _cut(message) + (f" (and {left:,} more)" if left else "")


def _sentence(problem: ReportedProblem) -> str:
    """On one line, as `kubectl describe` shows it; Envoy's text may have several, and signs that a terminal obeys."""
    return escaped(" ".join(f"{problem.path} {problem.message[: 2 * LONGEST]}".split()))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST - 32 else f"{text[: LONGEST - 33]}…"
