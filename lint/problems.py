"""From a problem of the translator, or of the watcher, to its code: by what made it, never by its words.

A problem says its reason, and where that is no more than "invalid", its sort (`translator.decode.Problem`); with the
kind of its object and the field that it is about, that is enough.
"""

from collections.abc import Mapping
from typing import Final

from lint.codes import attachment, certificates, conflicts, effects, names, reading, schema
from lint.findings import Code, Found, Severity
from lint.positions import steps_of
from translator.apis import FILES, SECRETS, kind_of
from translator.decode import Problem, Reason, Sort
from watcher.sources import Sort as FileSort

_EMISSARY: Final = "getambassador.io/"

_OF_FILES: Final[Mapping[FileSort, Code]] = {
    "Unread": reading.UNREAD,
    "Text": reading.TEXT,
    "Object": reading.OBJECT,
    "Twice": reading.TWICE,
    "Excess": reading.EXCESS,
}
_BY_SORT: Final[Mapping[Sort, Code]] = {
    "Unknown": schema.UNKNOWN,
    "Type": schema.TYPE,
    "Choice": schema.CHOICE,
    "Range": schema.RANGE,
    "Required": schema.REQUIRED,
    "Form": schema.FORM,
    "Alias": schema.ALIAS,
    "Idle": effects.IDLE,
    "NeverAsked": effects.NEVER,
}
_BY_OWN_SORT: Final[Mapping[Sort, Code]] = {
    "Absent": names.ABSENT,
    "Classless": attachment.CLASSLESS,
    "Astray": attachment.ASTRAY,
    "Others": attachment.OTHERS,
}
"""Of sorts that say all, whatever the reason is."""
_BY_REASON: Final[Mapping[Reason, Code]] = {
    "NotServed": schema.UNSERVED,
    "SecretNotUsable": names.SECRET,
    "TLSContextNotUsable": names.CONTEXT,
    "BackendNotFound": names.BACKEND,
}
_CONFLICTS: Final[Mapping[tuple[str, str], Code]] = {
    ("Mapping", "weight"): conflicts.SHARES,
    ("TCPMapping", "weight"): conflicts.SHARES,
    ("Mapping", "host_redirect"): conflicts.DISAGREEMENT,
    ("Mapping", "shadow"): conflicts.DISAGREEMENT,
    ("Host", "hostname"): conflicts.HOSTNAME,
    ("Host", "tlsSecret"): conflicts.HOSTNAME,
    ("TCPMapping", "host"): conflicts.HOSTNAME,
    ("Listener", "port"): conflicts.PORT,
    ("TCPMapping", "port"): conflicts.PORT,
    ("TCPMapping", "address"): conflicts.PORT,
}
_UNATTACHED: Final[Mapping[str, Code]] = {
    "Mapping": attachment.MAPPING,
    "Host": attachment.HOST,
    "Listener": attachment.LISTENER,
}

_ALWAYS: Final = frozenset({names.ABSENT, schema.MORE})
"""Codes whose findings are warnings, whatever they stop: a Secret may be in the cluster, and more is only more."""

JUDGED: Final = frozenset(
    code.id
    for code in (*schema.CODES, *names.CODES, *conflicts.CODES, *attachment.CODES, *certificates.CODES, *effects.CODES)
    if code not in _ALWAYS
)
"""Codes whose findings are errors exactly when a problem stops its object."""


def of_file(sort: FileSort) -> Code:
    """The code of a problem of a file."""
    return _OF_FILES[sort]


def code_of(key: str, problem: Problem) -> Code:
    """The code of a problem of an object."""
    if problem.more:
        return schema.MORE
    if key.startswith(SECRETS):
        return certificates.SECRET
    if key.startswith(FILES):
        return certificates.FILE
    if problem.sort in _BY_OWN_SORT:
        return _BY_OWN_SORT[problem.sort]
    return _by_reason(kind_of(key).removeprefix(_EMISSARY), problem)


def _by_reason(kind: str, problem: Problem) -> Code:
    field = str(next(iter(steps_of(problem.path)[1:]), ""))
    match problem.reason:
        case "Invalid":
            code = _BY_SORT.get(problem.sort) or (schema.TOGETHER if problem.stops else effects.VAIN)
        case "Conflict":
            code = _CONFLICTS.get((kind, field), conflicts.OTHER)
        case "NotServed" if field == "annotations" and not problem.stops:  # the object is served, and without it
            code = effects.IDLE
        case "NotAttached":
            code = attachment.OTHER if field == "shadow" else _UNATTACHED.get(kind, attachment.OTHER)
        case other:
            code = _BY_REASON[other]
    return code


def found(key: str, problem: Problem) -> Found:
    """A problem of an object as it is found."""
    code = code_of(key, problem)
    return Found(code, key, problem.path, problem.message, _severity(code, problem))


def _severity(code: Code, problem: Problem) -> Severity:
    if code in _ALWAYS:
        return "warning"
    if problem.notice:
        return "advice"
    if problem.stops:
        return "error"
    return "warning" if code.severity == "error" else code.severity
