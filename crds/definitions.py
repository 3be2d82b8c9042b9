"""CustomResourceDefinitions: the schema of a kind, and its versions side by side.

A schema refuses what is wrong in itself; it never refuses what this version merely does not serve, nor a field that it
does not know: such an object may be another gateway's, or a later version's. Both are told in the object's status.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from crds.kinds import Column, Served
from translator.decode import schema_of

GROUP: Final = "getambassador.io"
CATEGORY: Final = "ambassador-crds"
LABELS: Final = {"app.kubernetes.io/name": "dragoman", "app.kubernetes.io/part-of": "dragoman"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a kind: its schema of a whole object, its columns, and whether it is served and stored."""

    name: str
    schema: dict[str, Any]
    columns: tuple[Column, ...]
    served: bool = True
    storage: bool = False


def definition(kind: Served, versions: Iterable[Version], conversion: dict[str, Any] | None = None) -> dict[str, Any]:
    """The CRD of a kind.

    Args:
        kind: the kind.
        versions: newest first; exactly one is the storage version.
        conversion: the `spec.conversion` that makes one version of another; None where there is one version.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "labels": LABELS},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "categories": [CATEGORY],
            },
            **({"conversion": conversion} if conversion else {}),
            "versions": [_version(version) for version in versions],
        },
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "name": version.name,
        "served": version.served,
        "storage": version.storage,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.body() for column in version.columns],
        "schema": {"openAPIV3Schema": version.schema},
    }


def current(kind: Served) -> Version:
    """The version that is translated, v3alpha1: stored, with the schema of the class that objects are read into."""
    return Version("v3alpha1", object_of(kind, spec_schema(kind)), kind.columns, storage=True)


def object_of(kind: Served, spec: dict[str, Any]) -> dict[str, Any]:
    """The schema of a whole object, from that of its spec."""
    must = {"required": ["spec"]} if spec.get("required") else {}
    return {
        "type": "object",
        "description": kind.doc,
        **must,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec if must else spec | {"nullable": True},
            "status": kind.status,
        },
    }


def spec_schema(kind: Served) -> dict[str, Any]:
    """The schema of a spec: the fields that are read, and those that mean nothing."""
    schema = schema_of(kind.spec)
    said = "This field means nothing to a gateway."
    opened = {
        name: {"description": said, "x-kubernetes-preserve-unknown-fields": True} for name in sorted(kind.spec.SILENT)
    }
    return schema | {"properties": {"ambassador_id": _AMBASSADOR_ID, **schema["properties"], **opened}}


_AMBASSADOR_ID: Final = {
    "type": "array",
    "items": {"type": "string"},
    "nullable": True,
    "description": "The gateways that it is for, by their AMBASSADOR_ID; `default` when absent, all for `_automatic_`.",
}
