"""The tables of fields in docs/reference, made from the dataclasses that decode them.

`python -m tests.translator.emissary.reference` writes them anew; a test fails when they are stale. What stands before
the marker of a page is written by hand.
"""

import dataclasses
from pathlib import Path
from typing import Any

from translator.decode import Rule
from translator.decoding.shapes import (
    AnyOf,
    Choice,
    Field,
    ListOf,
    MapOf,
    ObjectOf,
    Ruled,
    Scalar,
    Shape,
    fields_of,
)
from translator.emissary.kinds.auth_service import AuthServiceSpec
from translator.emissary.kinds.host import HostSpec
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.kinds.log_service import LogServiceSpec
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.kinds.module import AmbassadorConfig
from translator.emissary.kinds.rate_limit_service import RateLimitServiceSpec
from translator.emissary.kinds.resolver import ConsulResolverSpec
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.emissary.kinds.tls_context import TLSContextSpec, TlsSettings
from translator.emissary.kinds.tracing_service import TracingServiceSpec
from translator.gateway.kinds.backend_policy import BackendPolicySpec
from translator.gateway.kinds.route_policy import RoutePolicySpec

PAGES = Path(__file__).parents[3] / "docs" / "reference"
MARKER = "<!-- The rest is made from the code: python -m tests.translator.emissary.reference -->"
KINDS: dict[str, type[Any]] = {
    "authservice": AuthServiceSpec,
    "backendpolicy": BackendPolicySpec,
    "consulresolver": ConsulResolverSpec,
    "host": HostSpec,
    "listener": ListenerSpec,
    "logservice": LogServiceSpec,
    "mapping": MappingSpec,
    "module": AmbassadorConfig,
    "ratelimitservice": RateLimitServiceSpec,
    "routepolicy": RoutePolicySpec,
    "tcpmapping": TCPMappingSpec,
    "tlscontext": TLSContextSpec,
    "tracingservice": TracingServiceSpec,
}


def reference_of(kind: type[Any]) -> str:
    """The tables of a kind: its fields, those of the objects in them, and what is not served."""
    lines = ["## Fields", "", *_table(kind)]
    for name, inner in _objects_in(kind).items():
        lines += ["", f"### `{name}`", "", *_table(inner)]
    return "\n".join(lines) + "\n"


def _table(cls: type[Any]) -> list[str]:
    rows = ["| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |"]
    defaults = {field.name: field for field in dataclasses.fields(cls)}
    for field in fields_of(cls):
        names = " or ".join(f"`{name}`" for name in (field.name, *field.rule.aliases))
        rows.append(f"| {names} | {_type(field.shape)} | {_default(field, defaults)} | {_meaning(field)} |")
    return rows


def _meaning(field: Field) -> str:
    told = f" *{field.rule.warn[0].upper()}{field.rule.warn[1:]}.*" if field.rule.warn else ""
    return (field.rule.doc + told).replace("|", "\\|")


def _default(field: Field, defaults: dict[str, dataclasses.Field[Any]]) -> str:
    if field.required:
        return "required"
    value = defaults[field.attribute].default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | int) and value != "" else ""


def _type(shape: Shape) -> str:
    match shape:
        case Scalar(kind):
            said: str = kind
        case Choice(options):
            said = ", ".join(f"`{option}`" for option in options)
        case ListOf(item):
            said = f"list of {_type(item)}"
        case MapOf(_, item):
            said = f"map of {_type(item)}"
        case AnyOf(members):
            said = " or ".join(_type(member) for member in members)
        case Ruled(rule, inner):
            said = str((rule.schema or {}).get("type", "object")) if rule.convert else _type(inner) + _bounds(rule)
        case _:
            said = "object" if isinstance(shape, ObjectOf) else "anything"
    return said


def _bounds(rule: Rule) -> str:
    bounds = (("from", rule.minimum), ("to", rule.maximum))
    return "".join(f" {word} {bound}" for word, bound in bounds if bound is not None)


def _objects_in(cls: type[Any], above: str = "") -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for field in fields_of(cls):
        for inner in _classes(field.shape):
            name = f"{above}{field.name}"
            found[name] = inner
            found |= _objects_in(inner, f"{name}.")
    return found


def _classes(shape: Shape) -> list[type[Any]]:
    match shape:
        case ObjectOf(cls) if cls is not TlsSettings:
            return [cls]
        case ListOf(item) | MapOf(_, item) | Ruled(_, item):
            return _classes(item)
        case AnyOf(members):
            return [cls for member in members for cls in _classes(member)]
    return []


def page_of(name: str) -> str:
    """A page as it should be, with its hand-written beginning."""
    path = PAGES / f"{name}.md"
    beginning = path.read_text().partition(MARKER)[0]
    return f"{beginning}{MARKER}\n\n{reference_of(KINDS[name])}"


if __name__ == "__main__":
    for page in KINDS:
        (PAGES / f"{page}.md").write_text(page_of(page))
