"""What the entrypoint itself wants to know of a folder of YAML: ports, a certificate, a demo upstream, things to try.

It reads leniently and says nothing of what it cannot read: the watcher reads the same files and tells their problems.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

DEMO_ANNOTATION = "dragoman-demo-upstream"
FALLBACK_SECRET = "fallback-self-signed-cert"  # noqa: S105 -- a name

Document = Mapping[str, Any]


def documents(folder: Path) -> list[Document]:
    """Every document below `folder` that is a Kubernetes object, in the order of file names and of documents."""
    return [found for file in _files(folder) for found in _parse(file)]


def spec(document: Document) -> Mapping[str, Any]:
    """The object's `spec`; empty when it has none that is an object."""
    return _mapping(document.get("spec"))


def metadata(document: Document) -> Mapping[str, Any]:
    """The object's `metadata`; empty when it has none that is an object."""
    return _mapping(document.get("metadata"))


def of_kind(found: list[Document], kind: str, ambassador_id: str) -> list[Document]:
    """The getambassador.io objects of a kind that this `ambassador_id` reads: "default" is that of objects without."""
    return [
        document
        for document in found
        if document.get("kind") == kind
        and str(document.get("apiVersion", "")).startswith("getambassador.io/")
        and _is_read(spec(document).get("ambassador_id"), ambassador_id)
    ]


def demo_address(found: list[Document]) -> str | None:
    """The address that an object of the folder wants a demo upstream at, as `host:port`; None when none does."""
    for document in found:
        wanted = _mapping(metadata(document).get("annotations")).get(DEMO_ANNOTATION)
        if isinstance(wanted, str) and wanted:
            return wanted
    return None


def has_fallback_secret(found: list[Document], namespace: str) -> bool:
    """Whether the folder brings its own certificate for `namespace`."""
    return any(
        document.get("kind") == "Secret"
        and metadata(document).get("name") == FALLBACK_SECRET
        and metadata(document).get("namespace", namespace) == namespace
        for document in found
    )


def _is_read(ids: object, ambassador_id: str) -> bool:
    if ids is None:
        return ambassador_id == "default"
    return ambassador_id in (ids if isinstance(ids, list) else [ids])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _files(folder: Path) -> Iterator[Path]:
    """The YAML files below, but for hidden ones: a mounted ConfigMap keeps its versions in folders named `..`."""
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix in {".yaml", ".yml"} and not hidden and file.is_file():
            yield file


def _parse(file: Path) -> list[Document]:
    try:
        with file.open("rb") as stream:
            return [found for found in yaml.load_all(stream, Loader=yaml.CSafeLoader) if isinstance(found, dict)]
    except (OSError, ValueError, yaml.YAMLError):
        return []
