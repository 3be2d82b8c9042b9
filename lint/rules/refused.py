"""What Dragoman takes from a folder, and an API server does not: names, labels, and the little that only a CRD says."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conversion import CURRENT, GROUP
from crds.definitions import spec_schema
from crds.kinds import SERVED
from lint.findings import Code, Found
from lint.rules.world import Rule, World
from lint.schemas import Check, Refusal, check_of, refusals
from translator.apis import kind_of
from translator.decode import join, quote, step
from translator.ir import ObjectKey

REFUSED: Final = Code(
    id="DRG0221",
    title="value that the API server refuses",
    severity="error",
    why="Dragoman reads the value in a folder of YAML, but the schema of the CRD does not take it: `kubectl apply` "
    "refuses "
    "the object.",
    mend="Write it as the message says.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: quote, ambassador_id: default}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {hostname: "*", prefix: /quote/, service: quote, ambassador_id: [default]}
""",
)
NAME: Final = Code(
    id="DRG0222",
    title="name or label that Kubernetes refuses",
    severity="error",
    why="Names of objects are those of DNS: small letters, digits, `-` and `.`. Labels have up to 63 letters, digits, "
    "`-`, "
    "`_` and `.`, and begin and end with a letter or digit. Dragoman reads others in a folder; no API server does.",
    mend="Choose a name, or a label, that Kubernetes takes.",
    wrong="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: Quote_Service}
spec: {hostname: "*", prefix: /quote/, service: quote}
""",
    right="""apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote-service}
spec: {hostname: "*", prefix: /quote/, service: quote}
""",
)

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_OBJECT_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE: Final = re.compile(_LABEL)
_WORD: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SERVED_VERSION: Final = f"{GROUP}/{CURRENT}"


def find(world: World) -> Iterator[Found]:
    """What an API server refuses of objects that are applied as they are, where nothing is told of it already."""
    for key in world.judgement.objects:
        schema = _schemas().get(kind_of(key)) if key not in world.judgement.carriers else None
        if schema is None:
            continue
        document = world.document(key)
        yield from (Found(NAME, key, path, said) for path, said in _names(document.get("metadata") or {}))
        spec = document.get("spec")
        if document.get("apiVersion") == _SERVED_VERSION and spec is not None and not schema.takes(spec):
            for path, said in refusals(spec, schema.words, "spec"):
                if not _is_told(world, key, path):
                    yield Found(REFUSED, key, path, said)


RULE: Final = Rule((REFUSED, NAME), find)


def _is_told(world: World, key: ObjectKey, path: str) -> bool:
    """Whether a field, or what it is in, is known to be wrong."""
    return any(
        each.path == path
        or each.path.startswith((f"{path}.", f"{path}["))
        or path.startswith((f"{each.path}.", f"{each.path}["))
        for each in world.found.get(key, ())
        if each.severity == "error" or each.path == path
    )


def _names(metadata: Mapping[str, Any]) -> Iterator[Refusal]:
    name, namespace, labels = metadata.get("name"), metadata.get("namespace"), metadata.get("labels")
    if isinstance(name, str) and not _OBJECT_NAME.fullmatch(name):
        yield "metadata.name", f"cannot be {quote(name)} in Kubernetes: small letters, digits, - and . alone"
    if isinstance(namespace, str) and not _NAMESPACE.fullmatch(namespace):
        yield "metadata.namespace", f"cannot be {quote(namespace)} in Kubernetes: small letters, digits and - alone"
    for label, value in labels.items() if isinstance(labels, dict) else ():
        path = join("metadata.labels", step(label))
        prefix, slash, word = label.rpartition("/")
        if not _WORD.fullmatch(word) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
            yield path, "cannot be the name of a label in Kubernetes"
        if isinstance(value, str) and value and not _WORD.fullmatch(value):
            yield path, f"cannot have the value {quote(value)} in Kubernetes"


@dataclass(frozen=True, slots=True)
class _Schema:
    """Of a kind's spec, and what tells at once whether it takes one."""

    words: Mapping[str, Any]
    takes: Check


@functools.cache
def _schemas() -> Mapping[str, _Schema]:
    every = {f"{GROUP}/{kind.name}": spec_schema(kind) for kind in SERVED}
    return {kind: _Schema(schema, check_of(schema)) for kind, schema in every.items()}
