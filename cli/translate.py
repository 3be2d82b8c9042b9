"""`dragoman translate`: what a folder becomes for Envoy, for a look or for a CI job, without running anything."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
import yaml

from entrypoint.certificate import fallback_secret
from envoyapi import canonical
from process.settings import Settings, SettingsError
from process.text import escaped, printable
from translator.filters.passwords import USER
from translator.offline import Result
from translator.offline import translate as translate_objects
from translator.resources import Resource, ResourceType
from translator.settings import Machine, options_of
from translator.statuses import Status, status_of_file
from translator.tables import Failure
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.loading import Loaded, load
from watcher.named_files import FileSet, Guard, read_set

SECTIONS: dict[str, tuple[ResourceType, str]] = {
    "listeners": ("listener", "envoy.config.listener.v3.Listener"),
    "scopes": ("scope", "envoy.config.route.v3.ScopedRouteConfiguration"),
    "routes": ("route", "envoy.config.route.v3.RouteConfiguration"),
    "clusters": ("cluster", "envoy.config.cluster.v3.Cluster"),
    "endpoints": ("endpoint", "envoy.config.endpoint.v3.ClusterLoadAssignment"),
    "extensions": ("extension", "envoy.config.core.v3.TypedExtensionConfig"),
    "runtime": ("runtime", "envoy.service.runtime.v3.Runtime"),
    "secrets": ("secret", "envoy.extensions.transport_sockets.tls.v3.Secret"),
}
LONGEST = 1_000
"""Characters of what is said of a failure."""
REDACTED = "[redacted]"


@click.command(epilog="Example:  dragoman translate -f k8s/ -o yaml | less")
@click.option(
    "-f",
    "--folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of YAML.",
)
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
def translate(folder: Path, output: str) -> None:
    """Print the listeners, routes, clusters, endpoints and secrets that a folder gives, and what is wrong in it.

    Resources are in Envoy's canonical JSON, private keys and hashes of passwords left out. The exit code is 0, or 1
    when a problem stops an object or a file: each has the object, the field and the reason. What cannot be printed is
    escaped. Files that objects name are read on this machine.
    """
    try:
        settings = replace(Settings.from_environment(os.environ), config_dir=folder)
    except SettingsError as error:
        raise click.UsageError(escaped(str(error))) from error
    with Lanes() as lanes:
        loaded = load(folder, settings.namespace, Limits.of(settings), lanes.do)
    document, stopped = translated(loaded, settings)
    try:
        click.echo(_as_json(document) if output == "json" else _as_yaml(document), nl=False)
    except BrokenPipeError:
        raise  # who reads has read enough, which is click's affair
    except OSError as error:
        raise click.ClickException(f"what was made cannot be written: {error.strerror}") from error
    sys.exit(1 if stopped else 0)


def _as_json(document: dict[str, Any]) -> bytes:
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return "\n".join(map(escaped, text.split("\n"))).encode()


def _as_yaml(document: dict[str, Any]) -> bytes:
    def dumped(*, allow_unicode: bool) -> str:
        text: str = yaml.dump(
            document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=allow_unicode, width=120
        )
        return text

    text = dumped(allow_unicode=True)
    return (text if text.replace("\n", "").isprintable() else dumped(allow_unicode=False)).encode()


def translated(loaded: Loaded, settings: Settings) -> tuple[dict[str, Any], bool]:
    """The document to print, and whether a problem stops anything."""
    objects = {key: record.body for key, record in loaded.objects.items()}
    fallback = fallback_secret(settings.namespace)
    objects.setdefault(f"core/Secret/{settings.namespace}/{fallback['metadata']['name']}", orjson.dumps(fallback))
    guard = Guard.of(settings)
    result = translate_objects(
        objects,
        options_of(settings, Machine(environment=os.environ)),
        lambda files: read_set(FileSet(files.sort, files.paths, frozenset(files.optional)), guard).body,
    )
    statuses = {**result.statuses, **_file_statuses(loaded)}
    problems = [problem for key, status in sorted(statuses.items()) for problem in _problems(key, status)]
    problems += map(_failure, result.failures)
    document: dict[str, Any] = {section: _section(section, result) for section in SECTIONS}
    stopped = bool(result.failures) or any(status.state == "stopped" for status in statuses.values())
    return {**document, "problems": problems}, stopped


def _file_statuses(loaded: Loaded) -> dict[str, Status]:
    found: dict[str, Status] = {}
    for told in loaded.problems:
        body = orjson.dumps({"message": told.problem.message, "line": told.problem.line})
        earlier = found.get(told.source.name, Status())
        found[told.source.name] = Status(earlier.problems + status_of_file(body).problems)
    return found


def _problems(key: str, status: Status) -> Iterator[dict[str, Any]]:
    for told in status.problems:
        yield {"object": key, "path": told.path, "message": told.message, "stops": told.stops}
    if status.more:
        yield {"object": key, "path": "", "message": status.rest, "stops": False}


def _failure(failure: Failure) -> dict[str, Any]:
    """A bug of ours: the others' part of the output is still right."""
    said = f"Dragoman itself failed at {failure.table}, which is a bug of its own: {failure.error!r}"
    return {"object": str(failure.key), "path": "", "message": printable(said, LONGEST), "stops": True}


def _section(section: str, result: Result) -> list[dict[str, Any]]:
    kind, full_name = SECTIONS[section]
    rows = sorted((key, row) for key, row in result.resources.items() if key.startswith(f"{kind}/"))
    return [_shown(full_name, row) for _, row in rows]


def _shown(full_name: str, row: Resource) -> dict[str, Any]:
    shown = canonical.to_json(full_name, row.body)
    if "private_key" in shown.get("tls_certificate", {}):
        shown["tls_certificate"]["private_key"] = REDACTED
    return _without_passwords(shown) if full_name == SECTIONS["routes"][1] else shown


def _without_passwords(shown: Any) -> Any:
    if isinstance(shown, dict):
        return {name: REDACTED if name.startswith(USER) else _without_passwords(value) for name, value in shown.items()}
    return [_without_passwords(each) for each in shown] if isinstance(shown, list) else shown
