"""What every object has, and what a Secret has, in the shape that the API server insists on.

A folder of YAML has been checked by nobody. Only what is read here has a shape; all other fields are others' business.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Final

import orjson

from translator.decode import Decoded, Invalid, Problem, Rule, decode, few, kind_shown, rule, step
from translator.decoding.shapes import fields_of
from translator.values import dataclass

STANDS_IN: Final = "standsIn"
"""Marks what is left of an object that could not be read: its names. True: its file could not (docs/snapshot.md)."""
_ELSEWHERE: Final = frozenset({"Ingress", "annotation"})
"""What the mark says where it is not the file."""
UNREAD: Final = "cannot be read: its {} says why; only what it names is known, and nobody answers there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is read of an object's metadata."""

    OPEN: ClassVar[bool] = True

    name: str | None = None
    namespace: str | None = None
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    uid: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = field(default=None, metadata=rule(name="creationTimestamp"))


_OTHERS: Final = frozenset(field.name for field in fields_of(Metadata)) - {"name", "namespace"}


def metadata_of(document: Mapping[str, Any]) -> Decoded[Metadata]:
    """The metadata of an object."""
    given = document.get("metadata")
    if type(given) is dict and given.keys().isdisjoint(_OTHERS):  # as most are: nothing but names, and all is said
        name, namespace = given.get("name"), given.get("namespace")
        if type(name) is str and type(namespace) is str:
            return Decoded(Metadata(name=name, namespace=namespace))
    return decode(Metadata, document.get("metadata"), "metadata")


def misshapen(body: bytes) -> tuple[Problem, ...]:
    """What is wrong with the metadata of an object of which nothing else is read."""
    return metadata_of(orjson.loads(body)).problems


def _secrets(value: Any) -> Decoded[Any]:
    """A map of texts; what is wrong with it is told without a word of what it holds."""
    if not isinstance(value, dict):
        raise Invalid(f"must be a mapping, not {kind_shown(value)}")
    problems = few(
        Problem(step(name), f"must be a string, not {kind_shown(item)}")
        for name, item in value.items()
        if not isinstance(item, str | None)
    )
    return Decoded(None, problems) if problems else Decoded(True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secret:
    OPEN: ClassVar[bool] = True

    type: str | None = None
    data: Annotated[bool, Rule(convert=_secrets)] | None = None
    string_data: Annotated[bool, Rule(convert=_secrets)] | None = field(default=None, metadata=rule(name="stringData"))


def unread(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """That an object only stands for one that could not be read, and where it is said why."""
    of = document.get(STANDS_IN)
    where = "file" if of is True else of if isinstance(of, str) and of in _ELSEWHERE else ""
    return (Problem("", UNREAD.format(where)),) if where else ()


def misshapen_secret(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with the shape of a Secret."""
    return few((*metadata_of(document).problems, *decode(_Secret, document, "").problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ConfigMap:
    OPEN: ClassVar[bool] = True

    data: Annotated[bool, Rule(convert=_secrets)] | None = None


def misshapen_config_map(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with the shape of a ConfigMap."""
    return few((*metadata_of(document).problems, *decode(_ConfigMap, document, "").problems))
