"""ValidatingAdmissionPolicies: what a CRD's schema cannot say, told to who applies an object.

Two sorts. *Warn*: fields that nobody knows, and fields that this version does not serve; the object is stored all the
same, since it may be another gateway's. *Deny*: what is wrong in itself, where a schema's budget for CEL does not reach
(names of headers, of which there may be any number), and fields that nobody knows of kinds that are stopped by them,
since these then close what they are about. Both run inside the API server, so that nothing of ours can be
down, and what goes wrong with them is ignored: the translator asks the same again.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from crds.definitions import GROUP, LABELS
from crds.kinds import SERVED, Served
from translator.ambassador_ids import COMMON
from translator.decode import Validation
from translator.decoding.shapes import ObjectOf, Ruled, Shape, fields_of

_NAME: Final = """r"^:?[-!#$%&'*+.^_`|~0-9A-Za-z]+$\""""
_EDITED: Final = _NAME.replace(":?", "")


def _keys(field: str, pattern: str, also: str = "true") -> str:
    """Each key of a map is good, unless its value is null, which is as if it were absent."""
    spec = f"variables.spec.?{field}.orValue(null)"
    good = f"name.matches({pattern}) && {also}"
    return f"type({spec}) != map || {spec}.all(name, {spec}[name] == null || {good})"


def _items(field: str, pattern: str, also: str) -> str:
    """Each item of a list is good."""
    spec = f"variables.spec.?{field}.orValue(null)"
    return f"type({spec}) != list || {spec}.all(name, name.matches({pattern}) && {also})"


def _added(field: str) -> str:
    spec = f"variables.spec.?{field}.orValue(null)"
    each = f"{spec}[name]"
    value, append = f"{each}.?value.orValue('')", f"{each}.?append.orValue(true)"
    full = f"{_is(value, 'string')} && {_is(append, 'bool')}"
    return f"type({spec}) != map || {spec}.all(name, {_is(each, 'string')} || type({each}) == map && {full})"


def _is(value: str, kind: str) -> str:
    return f"(type({value}) == {kind} || type({value}) == null_type)"


_NOT_HOST: Final = "name.lowerAscii() != 'host'"
DENIED: Final[dict[str, tuple[Validation, ...]]] = {
    "Mapping": (
        *(
            Validation(_keys(field, _NAME), f"spec.{field}: each key must be the name of a header")
            for field in ("headers", "regex_headers")
        ),
        *(
            Validation(
                which(f"{way}_{what}_headers", _EDITED, _NOT_HOST),
                f"spec.{way}_{what}_headers must name headers, but neither Host nor pseudo-headers: use host_rewrite",
            )
            for way, which in (("add", _keys), ("remove", _items))
            for what in ("request", "response")
        ),
        *(
            Validation(
                _added(f"add_{what}_headers"),
                f"spec.add_{what}_headers: each value must be a string, or have a value and perhaps append",
            )
            for what in ("request", "response")
        ),
    ),
}
"""By kind: what the translator's checks say, for the API server."""


def policies() -> Iterator[dict[str, Any]]:
    """All policies with their bindings."""
    for kind in SERVED:
        yield from _policy(f"dragoman-warn-{kind.plural}", kind, _warned(kind), "Warn")
        denied = [{"expression": each.cel, "message": each.message} for each in DENIED.get(kind.name, ())]
        denied += _unknown_denied(kind) if getattr(kind.spec, "STRICT", False) else []
        if denied:
            yield from _policy(f"dragoman-deny-{kind.plural}", kind, denied, "Deny")


def _policy(name: str, kind: Served, validations: list[dict[str, str]], action: str) -> Iterator[dict[str, Any]]:
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name, "labels": LABELS}}
    matched = {
        "apiGroups": [GROUP],
        "apiVersions": ["v3alpha1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [kind.plural],
    }
    variables = [{"name": "spec", "expression": "type(object.?spec.orValue(null)) == map ? object.spec : {}"}]
    if action == "Warn":
        variables += [
            {"name": "unknown", "expression": " + ".join(_told(kind.spec, _without_the_known, COMMON))},
            {"name": "idle", "expression": " + ".join(_told(kind.spec, _of_the_idle)) or "[]"},
        ]
    yield {
        "apiVersion": api["apiVersion"],
        "kind": "ValidatingAdmissionPolicy",
        "metadata": api["metadata"],
        "spec": {
            "failurePolicy": "Ignore",
            "matchConstraints": {"resourceRules": [matched]},
            # What was stored before is let be: labels and finalizers of it can be changed.
            "matchConditions": [
                {"name": "spec-changed", "expression": "oldObject == null || object.?spec != oldObject.?spec"}
            ],
            "variables": variables,
            "validations": validations,
        },
    }
    yield {
        "apiVersion": api["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": api["metadata"],
        "spec": {"policyName": name, "validationActions": [action]},
    }


def _unknown_denied(kind: Served) -> list[dict[str, str]]:
    unknown = f"variables.spec.filter(name, {_without_the_known(kind.spec, COMMON)})"
    said = f"'no field of a {kind.name} has this name: ' + {unknown}.map(name, 'spec.' + name).join(', ')"
    return [{"expression": f"{unknown}.size() == 0", "messageExpression": said}]


def _warned(kind: Served) -> list[dict[str, str]]:
    return [
        {
            "expression": "variables.unknown.size() == 0",
            "messageExpression": f"'no field of a {kind.name} has this name: ' + variables.unknown.join(', ')",
        },
        {
            "expression": "variables.idle.size() == 0",
            "messageExpression": "'this has no effect: ' + variables.idle.join(', ')",
        },
    ]


Choice: TypeAlias = Callable[[type, frozenset[str]], str | None]
"""Which fields of a class are told, as a condition on their `name`; None for none."""


def _without_the_known(cls: type, beside: frozenset[str]) -> str | None:
    fields = {name for field in fields_of(cls) for name in (field.name, *field.rule.aliases)}
    return f"!(name in {_listed(fields | _aside(cls, 'SILENT') | beside)})"


def _of_the_idle(cls: type, _: frozenset[str]) -> str | None:
    idle = {name for field in fields_of(cls) if field.rule.warn for name in (field.name, *field.rule.aliases)}
    return f"name in {_listed(frozenset(idle))}" if idle else None


def _aside(cls: type, which: str) -> frozenset[str]:
    return frozenset(getattr(cls, which, ()))


def _told(
    cls: type,
    choice: Choice,
    beside: frozenset[str] = frozenset(),
    where: str = "variables.spec",
    path: str = "spec",
) -> Iterator[str]:
    """For an object, and for each object in it: an expression for the paths of its fields that are chosen."""
    chosen = choice(cls, beside)
    if chosen is not None:
        yield f"{where}.filter(name, {chosen}).map(name, '{path}.' + name)"
    for name, inner in _inner(cls):
        for each in _told(inner, choice, where=f"{where}['{name}']", path=f"{path}.{name}"):
            yield f"(type({where}[?'{name}'].orValue(null)) == map ? {each} : [])"


def _inner(cls: type) -> Iterator[tuple[str, type]]:
    """The objects in an object, by the names of their fields."""
    for field in fields_of(cls):
        inner = _object_of(field.shape)
        if inner is not None:
            yield from ((name, inner) for name in (field.name, *field.rule.aliases))


def _object_of(shape: Shape) -> type | None:
    match shape:
        case ObjectOf(cls):
            return cls
        case Ruled(_, inner):
            return _object_of(inner)
    return None


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(repr(name) for name in sorted(names))}]"
