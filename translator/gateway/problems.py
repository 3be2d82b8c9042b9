"""What people are told of their mistakes, of what the conditions of a status say to programs. Pure."""

from collections.abc import Iterable
from typing import Final

from translator.decode import Problem, Reason
from translator.gateway.conditions import Condition

_REASONS: Final[dict[str, Reason]] = {
    "BackendNotFound": "BackendNotFound",
    "Conflicted": "Conflict",
    "HostnameConflict": "Conflict",
    "InvalidCertificateRef": "SecretNotUsable",
    "InvalidKind": "BackendNotFound",
    "NoMatchingListenerHostname": "NotAttached",
    "NoMatchingParent": "NotAttached",
    "NotAllowed": "NotAttached",
    "NotAllowedByListeners": "NotAttached",
    "PortUnavailable": "Conflict",
    "ProtocolConflict": "Conflict",
    "RefNotPermitted": "BackendNotFound",
    "TargetNotFound": "BackendNotFound",
    "UnsupportedProtocol": "NotServed",
    "UnsupportedValue": "NotServed",
}


def in_words(problems: Iterable[Problem]) -> str:
    """What stops an object, in one message."""
    return "; ".join(f"{each.path} {each.message}" for each in problems if each.stops)


def problems_of(conditions: Iterable[Condition], *, stops: bool = False) -> tuple[Problem, ...]:
    """The problems behind those conditions that are not so, each once; what follows from others has no place."""
    found = [
        Problem(
            each.path,
            each.message,
            stops=stops,
            reason=_REASONS.get(each.reason, "Invalid"),
            sort="Absent" if each.is_absent else "",
        )
        for each in conditions
        if each.status == "False" and each.path
    ]
    return tuple(dict.fromkeys(found))
