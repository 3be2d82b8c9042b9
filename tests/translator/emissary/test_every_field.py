"""No field of a kind is read and ignored, left without a word in docs/reference, or never asked of a real Envoy.

- Consumed: somewhere, in a golden case or in `every_field.py`, leaving it out changes what Envoy is given or what
  people are told. A field is its class's: what holds for the breakers of a Mapping holds for those of the Module.
- Documented: it has a sentence, and its kind has a page, which is made from the kind.
- Asked: the tests with a real Envoy say it in an object, or in YAML.

`NOWHERE` and `TOLD` say who need not, and why.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from crds.kinds import SERVED
from tests.golden import cases
from tests.translator.emissary.every_field import Document, samples
from tests.translator.emissary.reference import KINDS, PAGES
from translator.decoding.shapes import AnyOf, Field, ListOf, MapOf, ObjectOf, Ruled, Shape, fields_of
from translator.emissary.kinds.module import AmbassadorConfig, ModuleSpec

E2E: Final = Path(__file__).parents[2] / "e2e"
GROUP: Final = "getambassador.io/"
EXAMPLE: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*):")

NOWHERE: Final = {
    "AddedHeader.v2Representation": "kept for the way back to getambassador.io/v2 alone",
    "Cors.v2CommaSeparatedOrigins": "kept for the way back to getambassador.io/v2 alone",
    "GenericKey.v2Shorthand": "kept for the way back to getambassador.io/v2 alone",
    "SourceCluster.key": "says once more what its object is called, and may say nothing else",
    "DestinationCluster.key": "says once more what its object is called, and may say nothing else",
    "RemoteAddress.key": "says once more what its object is called, and may say nothing else",
    "RouteTarget.group": "says once more what all targets are of, and may say nothing else",
    "ServiceTarget.group": "says once more what all targets are of, and may say nothing else",
    "ServiceTarget.kind": "says once more what all targets are, and may say nothing else",
    "Probe.allow_non_local": "read by the diagnostics: tests/diagnostics/test_diagnostics_access.py",
}
"""Fields of which nothing for Envoy comes, and why."""

TOLD: Final = {
    "InsecurePolicy.additionalPort": "a Listener opens a port",
    "MappingFields.docs": "there is no developer portal",
    "MappingFields.envoy_override": "nothing of Envoy's configuration is overridden",
    "MappingFields.modules": "a Module is an object of its own",
    "HostSpec.previewUrl": "there are no preview URLs",
    "TlsSettings.redirect_cleartext_from": "Hosts say it",
    "HostSpec.acmeProvider": "no certificate is asked for",
    "TracerConfig.collector_cluster": "traces go to service",
    "TracerConfig.access_token_file": "Lightstep is not spoken any more",
    "TracerConfig.propagation_modes": "Lightstep is not spoken any more",
    "HttpSettings.admin_port": "Envoy's admin interface has no port",
    "HttpSettings.auth_enabled": "AuthServices say it themselves",
    "HttpSettings.envoy_validation_timeout": "nothing is validated by a process of its own",
    "HttpSettings.prune_unreachable_routes": "they are always left out",
    "HttpSettings.regex_type": "there is one type",
    "HttpSettings.service_port": "Listeners say it",
    "HttpSettings.statsd": "the environment says it",
    "HttpSettings.x_forwarded_proto_redirect": "Hosts say it",
}
"""Fields that people are only told about, so that there is nothing to ask of Envoy, and why."""

CLASSES: Final = {kind.name: AmbassadorConfig if kind.spec is ModuleSpec else kind.spec for kind in SERVED}


def classes_in(shape: Shape) -> Iterator[type]:
    match shape:
        case ObjectOf(cls):
            yield cls
        case ListOf(item) | MapOf(_, item):
            yield from classes_in(item)
        case Ruled(_, inner):
            yield from classes_in(inner)
        case AnyOf(members):
            for member in members:
                yield from classes_in(member)


def fields() -> dict[str, Field]:
    """Every field, by class and name."""
    todo, found, seen = [*CLASSES.values()], {}, set()
    while todo:
        cls = todo.pop()
        if cls in seen:
            continue
        seen.add(cls)
        for field in fields_of(cls):
            found[called(cls, field)] = field
            todo += classes_in(field.shape)
    return found


def called(cls: type, field: Field) -> str:
    """The name of a field, with the class that declares it."""
    owner = next(each for each in reversed(cls.__mro__) if field.attribute in getattr(each, "__annotations__", {}))
    return f"{owner.__name__}.{field.name}"


FIELDS: Final = fields()
CONSUMED: Final = sorted(FIELDS.keys() - NOWHERE.keys())
ASKED: Final = sorted(FIELDS.keys() - NOWHERE.keys() - TOLD.keys())


# Consumed


def worlds() -> Iterator[list[Document]]:
    prelude = list(yaml.safe_load_all((cases.FOLDER / "prelude.yaml").read_text()))
    for case in cases.cases():
        documents = [document for document in yaml.safe_load_all(case.given) if document]
        has_listener = any(document["kind"] == "Listener" for document in documents)
        yield documents if has_listener else documents + prelude
    for sample in samples():
        own = {(document["kind"], document["metadata"]["name"]) for document in sample if "metadata" in document}
        yield sample + [each for each in prelude if (each["kind"], each["metadata"]["name"]) not in own]


def outcome(documents: list[Document]) -> tuple[dict[str, bytes], dict[str, object]]:
    result = cases.result_of(documents)
    resources = {key: row.body for key, row in result.resources.items()}
    return resources, {key: status.problems for key, status in result.statuses.items()}


Place = tuple[dict[str, Any], str, str]
"""Where a field is said: the object, the key there, and the field's name with its class."""


def places(value: Any, shape: Shape) -> Iterator[Place]:
    match shape:
        case ObjectOf(cls) if isinstance(value, dict):
            yield from places_in(value, cls)
        case ListOf(item) if isinstance(value, list):
            yield from (place for each in value for place in places(each, item))
        case MapOf(_, item) if isinstance(value, dict):
            yield from (place for each in value.values() for place in places(each, item))
        case Ruled(_, inner):
            yield from places(value, inner)
        case AnyOf(members):
            yield from (place for member in members for place in places(value, member))


def places_in(value: dict[str, Any], cls: type) -> Iterator[Place]:
    for field in fields_of(cls):
        for name in (field.name, *field.rule.aliases):
            if name in value:
                yield value, name, called(cls, field)
                yield from places(value[name], field.shape)


@cache
def consumed() -> frozenset[str]:
    found: set[str] = set()
    for documents in worlds():
        before = outcome(documents)
        for document in documents:
            cls = CLASSES.get(document["kind"])
            if cls is None or not document["apiVersion"].startswith(GROUP):
                continue
            spec = document["spec"].get("config", {}) if document["kind"] == "Module" else document["spec"]
            for where, key, name in list(places(spec, ObjectOf(cls))):
                if name in found:
                    continue
                value = where.pop(key)
                if outcome(documents) != before:
                    found.add(name)
                where[key] = value
    return frozenset(found)


@pytest.mark.parametrize("name", CONSUMED)
def test_leaving_it_out_changes_something(name: str) -> None:
    assert name in consumed(), "say it in a golden case, or in tests/translator/emissary/every_field.py"


# Documented


def test_every_kind_has_a_page_made_from_it() -> None:
    served = {kind.name.lower(): CLASSES[kind.name] for kind in SERVED}
    assert {name: cls for name, cls in served.items() if fields_of(cls)} == KINDS
    assert all((PAGES / f"{name}.md").exists() for name in KINDS)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_it_has_a_sentence(name: str) -> None:
    assert FIELDS[name].rule.doc.endswith("."), name


# Asked of a real Envoy


@cache
def said() -> frozenset[str]:
    """The keys of objects, the arguments that become such, and the keys of YAML, in the tests with a real Envoy."""
    found: set[str] = set()
    for path in E2E.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.keyword(arg=str() as name):
                    found.add(name)
                case ast.Dict(keys=keys):
                    found |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
                case ast.Constant(value=str() as text) if "kind:" in text or "apiVersion" in text:
                    found |= set(EXAMPLE.findall(text))
    return frozenset(found)


@pytest.mark.parametrize("name", ASKED)
def test_a_real_envoy_is_asked(name: str) -> None:
    field = FIELDS[name]
    assert not said().isdisjoint({field.name, *field.rule.aliases}), "no test in tests/e2e says it"


def test_nobody_is_exempt_who_is_not_there() -> None:
    assert NOWHERE.keys() | TOLD.keys() <= FIELDS.keys()
