"""The manifests, and what their RBAC allows, as values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def documents(*paths: Path) -> list[dict[str, Any]]:
    """The objects of files, in their order."""
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


def of_kind(found: list[dict[str, Any]], kind: str, name: str = "dragoman") -> dict[str, Any]:
    """The one object of this kind and name."""
    (one,) = [each for each in found if each["kind"] == kind and each["metadata"]["name"] == name]
    return one


@dataclass(frozen=True, order=True)
class Permission:
    """One verb on one resource. `namespace` is "*" for all, `name` for any."""

    namespace: str
    resource: str
    name: str
    verb: str

    def __str__(self) -> str:
        named = f" {self.name}" if self.name != "*" else ""
        return f"{self.namespace}: {self.verb} {self.resource}{named}"


def rules(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rules of a file, each with the namespace that it is for."""
    for document in documents(path):
        for rule in document.get("rules", ()):
            yield document["metadata"].get("namespace", "*"), rule


def permissions_of(namespace: str, rule: dict[str, Any]) -> Iterator[Permission]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                plain, slash, sub = resource.partition("/")
                full = (f"{plain}.{group}" if group else plain) + slash + sub
                for name in rule.get("resourceNames", ["*"]):
                    yield Permission(namespace, full, name, verb)


def permissions(path: Path) -> set[Permission]:
    """All that a file allows."""
    return {permission for namespace, rule in rules(path) for permission in permissions_of(namespace, rule)}
