"""Golden cases: one file holds what people write, and what it gives.

    # What the case is about, in a sentence.
    # shows: routes, problems
    # index from: 1                  where that is what the case is about
    <objects>
    --- # gives
    <Envoy's canonical JSON as YAML, of the sections that it shows>

`prelude.yaml` is put before every case that declares no Listener of its own. `make golden` rewrites the second halves;
the diff is the review.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import orjson
import yaml

from envoyapi import canonical
from translator.files.names import Files
from translator.offline import Result, translate
from translator.options import Options
from translator.resources import Resource
from watcher.limits import Limits
from watcher.parsing import parse

FOLDER = Path(__file__).parent
MARK = "--- # gives\n"
OPTIONS = Options(knative=True)
SECTIONS = {
    "listeners": ("listener", "envoy.config.listener.v3.Listener"),
    "scopes": ("scope", "envoy.config.route.v3.ScopedRouteConfiguration"),
    "routes": ("route", "envoy.config.route.v3.RouteConfiguration"),
    "clusters": ("cluster", "envoy.config.cluster.v3.Cluster"),
    "endpoints": ("endpoint", "envoy.config.endpoint.v3.ClusterLoadAssignment"),
    "extensions": ("extension", "envoy.config.core.v3.TypedExtensionConfig"),
    "runtime": ("runtime", "envoy.service.runtime.v3.Runtime"),
}


@dataclass(frozen=True)
class Case:
    """One file."""

    path: Path
    given: str
    gives: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """The case of a file; a new one may not have a second half yet."""
        given, _, gives = path.read_text().partition(MARK)
        return cls(path, given, gives)

    @property
    def shows(self) -> list[str]:
        """The sections that it prints."""
        line = next(line for line in self.given.splitlines() if line.startswith("# shows:"))
        return [section.strip() for section in line.removeprefix("# shows:").split(",")]

    @property
    def options(self) -> Options:
        """What the gateway is told at its start."""
        for line in self.given.splitlines():
            if line.startswith("# index from:"):
                return replace(OPTIONS, index_from=int(line.rpartition(":")[2]))
        return OPTIONS

    def result(self) -> str:
        """What the translator makes of it now."""
        documents = [document for document in yaml.safe_load_all(self.given) if document]
        if not any(document["kind"] == "Listener" for document in documents):
            documents += list(yaml.safe_load_all((FOLDER / "prelude.yaml").read_text()))
        result = result_of(documents, self.options)
        assert result.failures == ()
        shown = {section: _section(section, result) for section in self.shows}
        return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=120)

    def rewrite(self) -> None:
        """Write the second half anew."""
        self.path.write_text(self.given + MARK + self.result())


def cases() -> list[Case]:
    """All cases, by name."""
    return [Case.read(path) for path in sorted(FOLDER.glob("*.yaml")) if path.name != "prelude.yaml"]


def result_of(documents: list[Any], options: Options = OPTIONS) -> Result:
    """What the translator makes of objects, and of files that they name: `kind: File`, with its `path` and `text`."""
    files = {document["path"]: document["text"].encode() for document in documents if document["kind"] == "File"}
    objects = _objects([document for document in documents if document["kind"] != "File"])
    return translate(objects, options, lambda wanted: content_of(files, wanted))


def content_of(files: Mapping[str, bytes], wanted: Files) -> bytes:
    """What the watcher would write of files that are wanted, of those that there are."""
    data = {path: base64.b64encode(files[path]).decode() for path in wanted.paths if path in files}
    missing = [path for path in wanted.paths if path not in files and path not in wanted.optional]
    return orjson.dumps({"data": data, "troubles": dict.fromkeys(missing, "does not exist")})


def _objects(documents: list[Any]) -> dict[str, bytes]:
    """The objects as the watcher reads them of a file."""
    text = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    content = parse("case.json", text, "default", {}, Limits())
    assert content.problems == ()
    return {key: record.body for key, record in content.objects.items()}


def _section(section: str, result: Result) -> Any:
    if section == "problems":
        return {
            key: [
                f"{told.path}: {told.message}" + ("" if told.stops else " (does not stop it)")
                for told in status.problems
            ]
            for key, status in sorted(result.statuses.items())
            if status.problems
        }
    if section == "statuses":  # of Gateway API
        return {key: orjson.loads(row.gateway) for key, row in sorted(result.statuses.items()) if row.gateway}
    kind, full_name = SECTIONS[section]
    return {
        key.partition("/")[2]: _shown(full_name, row)
        for key, row in sorted(result.resources.items())
        if key.startswith(f"{kind}/")
    }


def _shown(full_name: str, row: Resource) -> dict[str, Any]:
    shown = canonical.to_json(full_name, row.body)
    shown.pop("name", None)
    shown.pop("request_headers_to_remove", None)  # the same in every route configuration
    return shown
