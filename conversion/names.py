"""Rules about who an object is for and what its fields are called."""

from collections.abc import Callable
from typing import Any, Final

from conversion.parts import Fields, Part

ONLY_CURRENT: Final = "--apiVersion-v3alpha1-only--"
"""Before an id: the object was made in v3alpha1, and an old gateway that reads v1 or v2 beside us must not serve it."""
NO_HOST: Final = "_skip_mapping_with_empty_host_"
"""The `host` of a Mapping, for older versions, that names none in v3alpha1: it has no host, not every host."""


def _ids(fields: Fields) -> Any:
    """The ids as a list; whatever is no text and no list of texts stays as it is."""
    given = fields.get("ambassador_id")
    if given is None:
        given = fields.get("ambassadorId")
    return [given] if isinstance(given, str) else given


def _upgraded_ids(fields: Fields) -> Fields:
    ids = _ids(fields)
    if ids is None:
        return {}
    if isinstance(ids, list):
        ids = [one.removeprefix(ONLY_CURRENT) if isinstance(one, str) else one for one in ids]
    return {"ambassador_id": ids}


def _downgraded_ids(fields: Fields) -> Fields:
    ids = ["default"] if _ids(fields) is None else _ids(fields)
    if isinstance(ids, list):
        ids = [f"{ONLY_CURRENT}{one}" if isinstance(one, str) else one for one in ids]
    return {"ambassador_id": ids}


IDS: Final = Part(
    ("ambassador_id", "ambassadorId"), _upgraded_ids, _downgraded_ids, edited=lambda fields: fields, implied=True
)
"""`ambassador_id`: a list now, once also a text."""


def renamed(older: str, newer: str) -> Part:
    """A field that is called otherwise in older versions."""
    return Part((newer, older), _renaming(older, newer), _renaming(newer, older))


def _renaming(source: str, target: str) -> Callable[[Fields], Fields]:
    return lambda fields: {target: fields[source]} if source in fields else fields


def renamed_within(field: str, older: str, newer: str) -> Part:
    """A field of an object that is the value of a field."""

    def inside(rule: Callable[[Fields], Fields]) -> Callable[[Fields], Fields]:
        def apply(fields: Fields) -> Fields:
            inner = fields.get(field)
            if not isinstance(inner, dict):
                return fields
            rest = {name: value for name, value in inner.items() if name not in (older, newer)}
            return {field: {**rest, **rule({name: inner[name] for name in (older, newer) if name in inner})}}

        return apply

    return Part((field,), inside(_renaming(older, newer)), inside(_renaming(newer, older)))


def _names_authority(fields: Fields) -> bool:
    """Whether the host is said by a header; `hostname`, were it there, would count instead."""
    headers = fields.get("headers")
    if not isinstance(headers, dict):
        return False
    return any(name.lower() == ":authority" and isinstance(value, str) and value for name, value in headers.items())


def _upgraded_host(fields: Fields) -> Fields:
    host, regex = fields.get("host"), fields.get("host_regex")
    kept = {"host_regex": regex} if "host_regex" in fields else {}
    if regex is True:
        return {**kept, "host": host} if "host" in fields else kept
    if host == NO_HOST:
        return kept
    if host in (None, ""):
        if not fields.get("hostname") and _names_authority(fields):
            return kept
        host = fields.get("hostname") or "*"
    return {**kept, "hostname": host}


def _downgraded_host(fields: Fields) -> Fields:
    hostname, host, regex = fields.get("hostname"), fields.get("host"), fields.get("host_regex")
    kept = {"host_regex": regex} if "host_regex" in fields else {}
    if hostname:
        kept = {"host_regex": False} if regex is True else kept
        return kept if hostname == "*" else {**kept, "host": hostname}
    if host:
        return {**kept, "host": host}
    return kept if regex is True or _names_authority(fields) else {**kept, "host": NO_HOST}


HOST: Final = Part(
    ("host", "host_regex", "hostname"), _upgraded_host, _downgraded_host, reads=("headers",), implied=True
)
"""A Mapping's host: `hostname` now, where nothing is nothing and `*` is everything; `host` before."""


def _upgraded_selector(fields: Fields) -> Fields:
    return {"mappingSelector": fields["selector"]} if fields.get("selector") is not None else fields


def _downgraded_selector(fields: Fields) -> Fields:
    return {"selector": fields["mappingSelector"]} if fields.get("mappingSelector") is not None else fields


SELECTOR: Final = Part(("selector", "mappingSelector"), _upgraded_selector, _downgraded_selector)
"""Which Mappings a Host serves."""
