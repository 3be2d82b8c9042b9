"""Emissary's flat form of an object, with its name and its fields at the top, as the object that Kubernetes would have.

    apiVersion: ambassador/v1           apiVersion: getambassador.io/v1
    kind: Mapping                       kind: Mapping
    name: quote                  -->    metadata: {name: quote}
    prefix: /quote/                     spec: {prefix: /quote/, service: quote}
    service: quote

It is older than CRDs: annotations and files have it still.
"""

from typing import Any, Final

GROUP: Final = "getambassador.io/"
_OLD_GROUP: Final = "ambassador/"
_WHOLE: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_OF_METADATA: Final = {
    "name": "name",
    "namespace": "namespace",
    "generation": "generation",
    "metadata_labels": "labels",
}


def is_flat(value: dict[str, Any]) -> bool:
    """Whether an object is written in the flat form, or under the name that the API had at that time."""
    version = value.get("apiVersion")
    if not isinstance(version, str):
        return False
    has_form = "metadata" not in value and "spec" not in value and "name" in value
    return version.startswith(_OLD_GROUP) or (version.startswith(GROUP) and has_form)


def unfolded(value: dict[str, Any]) -> dict[str, Any]:
    """The object as Kubernetes would have it. Fields beside `metadata` and `spec` are taken into these."""
    parts = {
        name: dict(item) if isinstance(item := value.get(name) or {}, dict) else item for name in ("metadata", "spec")
    }
    rest = {name: item for name, item in value.items() if name in _WHOLE}
    for name, item in value.items():
        part, field = ("metadata", _OF_METADATA[name]) if name in _OF_METADATA else ("spec", name)
        if name not in _WHOLE and isinstance(parts[part], dict):
            parts[part][field] = item
    return {**rest, "apiVersion": _version(value.get("apiVersion")), **parts}


def _version(given: Any) -> Any:
    """The version by its present name; the very first one is as the one that came after it."""
    if not isinstance(given, str):
        return given
    version = GROUP + given.removeprefix(_OLD_GROUP) if given.startswith(_OLD_GROUP) else given
    return f"{GROUP}v1" if version == f"{GROUP}v0" else version
