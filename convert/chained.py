"""One conversion after another: Ingresses by Emissary's kinds, by way of Gateway API. Pure.

What comes out, and what is told, speaks of the objects that went in, and of their fields: nobody wrote those between.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from convert.values import At, Converted, Field, Made, Notes, Told, key_of, plain
from convert.world import World
from translator.decode import join, step
from translator.ir import ObjectKey

Conversion = Callable[[World], Converted]


def after(world: World, first: Converted, second: Conversion) -> Converted:
    """What a second conversion makes of what a first has made, and of all that stayed."""
    if not first.made:
        return second(world)
    namespace = world.options.namespace
    between = {key_of(made.document, namespace): made for made in first.made}
    left = {key: body for key, body in world.bodies.items() if key not in first.replaced}
    bodies = {**left, **{key: _body(key, made) for key, made in between.items()}}
    order = [*between, *sorted(left, key=world.place)]
    then = second(World.of(bodies, world.options, Notes(), world.spelled, order))
    origins = {key: dict(_origins(made.document, "")) for key, made in between.items()}
    names = {key: made.of for key, made in between.items()}
    made = tuple(
        Made(
            _traced(each.document, origins),
            tuple(dict.fromkeys(one for key in each.of for one in names.get(key, (key,)))),
        )
        for each in then.made
    )
    anyone = min(first.replaced)
    told = dict.fromkeys([*first.told, *(_of_source(each, names, origins, anyone) for each in then.told)])
    replaced = first.replaced | {key for key in then.replaced if key not in between}
    return Converted(made, tuple(told), replaced, {**first.same, **then.same})


def _body(key: ObjectKey, made: Made) -> bytes:
    document = plain(made.document)
    document["metadata"].setdefault("namespace", key.split("/")[2])
    return orjson.dumps(document)


def _origins(value: Any, path: str) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """Of each field of an object that was made, those that it comes from."""
    if isinstance(value, At):
        yield path, value.fields
        yield from _origins(value.value, path)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _origins(item, join(path, step(name)))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _origins(item, f"{path}[{place}]")


_RULES: Final = "spec.rules"
"""What a route and an Ingress call by the same name."""
Origins = Mapping[ObjectKey, Mapping[str, tuple[Field, ...]]]


def _traced(value: Any, origins: Origins) -> Any:
    """The same, with the fields that went in."""
    if isinstance(value, At):
        fields = [found for key, path in value.fields for found in _source(key, path, origins)]
        return At(_traced(value.value, origins), tuple(fields))
    if isinstance(value, dict):
        return {name: _traced(item, origins) for name, item in value.items()}
    return [_traced(item, origins) for item in value] if isinstance(value, list) else value


def _source(key: ObjectKey, path: str, origins: Origins) -> tuple[Field, ...]:
    return origins[key].get(path, ()) if key in origins else ((key, path),)


def _of_source(
    told: Told, names: Mapping[ObjectKey, tuple[ObjectKey, ...]], origins: Origins, anyone: ObjectKey
) -> Told:
    """A remark about what went in: the nearest field that is known to have made the one that it is about."""
    if told.object not in names:
        return told
    path = told.path
    while path and not origins[told.object].get(path):
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    every = [fields[0] for fields in origins[told.object].values() if fields]
    owners = names[told.object] or tuple([key for key, _ in every]) or (anyone,)
    key, field = (origins[told.object].get(path) or ((owners[0], _RULES if told.path.startswith(_RULES) else ""),))[0]
    return replace(told, object=key, path=field)
