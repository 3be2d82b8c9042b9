"""Older spellings, which still mean what they meant: versions of the API, and names of fields."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conversion import CURRENT, GROUP
from crds.kinds import SERVED
from lint.findings import Code, Found
from lint.rules.world import Rule, World
from translator.apis import kind_of
from translator.decoding.shapes import ObjectOf, Ruled, Shape, fields_of

VERSION: Final = Code(
    id="DRG0721",
    title="older version of the API",
    severity="advice",
    why="Objects of getambassador.io/v1 and v2 are converted when they are read, and mean what they meant. In a "
    "cluster "
    "that needs the CRDs with older versions, and pods that convert (docs/older-versions.md).",
    mend="Write apiVersion: getambassador.io/v3alpha1, as `kubectl get KINDs.v3alpha1.getambassador.io -o yaml` gives "
    "it.",
    wrong="""apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {prefix: /quote/, service: quote}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: quote}
""",
)
FIELD: Final = Code(
    id="DRG0722",
    title="older name of a field",
    severity="advice",
    why="The field has another name in this version, which does the same, and more.",
    mend="Write it as the message says.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {host: shop.example.com, prefix: /quote/, service: quote}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: shop.example.com, prefix: /quote/, service: quote}
""",
)

_SERVED_VERSION: Final = f"{GROUP}/{CURRENT}"
_INSTEAD: Final[Mapping[tuple[str, str], str]] = {
    ("Mapping", "host"): "hostname",
    ("Mapping", "use_websocket"): "allow_upgrade: [websocket]",
    ("AuthService", "allow_request_body"): "include_body",
}
"""Fields of their own that mean the same as another one: no aliases, since they are read otherwise."""


@dataclass(frozen=True, slots=True)
class _Names:
    """Of an object, the older names of fields with the present ones, and the objects in it."""

    instead: Mapping[str, str]
    inner: Mapping[str, "_Names"] = field(default_factory=dict)


def find(world: World) -> Iterator[Found]:
    """The objects that are written in an older way."""
    for key in world.judgement.objects:
        kind = kind_of(key).removeprefix(f"{GROUP}/")
        names = _names_by_kind().get(kind) if key.startswith(GROUP) else None
        if names is None:
            continue
        version = world.document(key).get("apiVersion")
        if version != _SERVED_VERSION:
            yield Found(VERSION, key, "apiVersion", f"is {version}: {_SERVED_VERSION} is the present one")
            continue
        spec = world.spec(key)
        if spec.keys() & _older_names():
            for path, instead in _found(spec, names, "spec"):
                if not (path == "spec.host" and spec.get("host_regex")):
                    yield Found(FIELD, key, path, f"is an older name: write {instead}")


RULE: Final = Rule((VERSION, FIELD), find)


def _found(value: Mapping[str, Any], names: _Names, path: str) -> Iterator[tuple[str, str]]:
    for name, item in value.items():
        if name in names.instead and item is not None:
            yield f"{path}.{name}", names.instead[name]
        if name in names.inner and isinstance(item, dict):
            yield from _found(item, names.inner[name], f"{path}.{name}")


@functools.cache
def _names_by_kind() -> Mapping[str, _Names]:
    own = {kind.name: {name: new for (of, name), new in _INSTEAD.items() if of == kind.name} for kind in SERVED}
    return {
        kind.name: _Names({**names.instead, **own[kind.name], "ambassadorId": "ambassador_id"}, names.inner)
        for kind in SERVED
        for names in (_names_of(kind.spec),)
    }


@functools.cache
def _older_names() -> frozenset[str]:
    """Names at the top of a spec that are older, or may have some in them: most objects have none."""
    return frozenset(name for names in _names_by_kind().values() for name in (*names.instead, *names.inner))


@functools.cache
def _names_of(cls: type) -> _Names:
    instead: dict[str, str] = {}
    inner: dict[str, _Names] = {}
    for each in fields_of(cls):
        instead |= dict.fromkeys(each.rule.aliases, each.name)
        within = _object_of(each.shape)
        names = _names_of(within) if within is not None else None
        if names is not None and (names.instead or names.inner):
            inner |= dict.fromkeys((each.name, *each.rule.aliases), names)
    return _Names(instead, inner)


def _object_of(shape: Shape) -> type | None:
    while isinstance(shape, Ruled):
        shape = shape.inner
    return shape.cls if isinstance(shape, ObjectOf) else None
