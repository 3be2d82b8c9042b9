"""`dragoman translate`: what a folder becomes for Envoy, for a look or for a CI job, without running anything."""

import os
import sys
from pathlib import Path
from typing import Any

import click
import orjson
import yaml

from entrypoint.certificate import fallback_secret
from envoyapi import canonical
from process.settings import Settings, SettingsError
from translator.offline import Result
from translator.offline import translate as translate_objects
from translator.resources import Resource, ResourceType
from translator.settings import options_of
from translator.statuses import Status, Told, status_of_file
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.loading import Loaded, load

SECTIONS: dict[str, tuple[ResourceType, str]] = {
    "listeners": ("listener", "envoy.config.listener.v3.Listener"),
    "routes": ("route", "envoy.config.route.v3.RouteConfiguration"),
    "clusters": ("cluster", "envoy.config.cluster.v3.Cluster"),
    "endpoints": ("endpoint", "envoy.config.endpoint.v3.ClusterLoadAssignment"),
    "secrets": ("secret", "envoy.extensions.transport_sockets.tls.v3.Secret"),
}
REDACTED = "[redacted]"


@click.command()
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

    Resources are in Envoy's canonical JSON, private keys left out. The exit code is 0, or 1 when a problem stops an
    object or a file: each has the object, the field and the reason.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    with Lanes() as lanes:
        loaded = load(folder, settings.namespace, Limits.of(settings), lanes.do)
    document, stopped = translated(loaded, settings)
    if output == "json":
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        click.echo(
            yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120), nl=False
        )
    sys.exit(1 if stopped else 0)


def translated(loaded: Loaded, settings: Settings) -> tuple[dict[str, Any], bool]:
    """The document to print, and whether a problem stops anything."""
    objects = {key: record.body for key, record in loaded.objects.items()}
    fallback = fallback_secret(settings.namespace)
    objects.setdefault(f"core/Secret/{settings.namespace}/{fallback['metadata']['name']}", orjson.dumps(fallback))
    result = translate_objects(objects, options_of(settings))
    statuses = {**result.statuses, **_file_statuses(loaded)}
    problems = [_problem(key, told) for key, status in sorted(statuses.items()) for told in status.problems]
    document: dict[str, Any] = {section: _section(section, result) for section in SECTIONS}
    return {**document, "problems": problems}, any(status.state == "stopped" for status in statuses.values())


def _file_statuses(loaded: Loaded) -> dict[str, Status]:
    found: dict[str, Status] = {}
    for told in loaded.problems:
        body = orjson.dumps({"message": told.problem.message, "line": told.problem.line})
        earlier = found.get(told.source.name, Status())
        found[told.source.name] = Status(earlier.problems + status_of_file(body).problems)
    return found


def _problem(key: str, told: Told) -> dict[str, Any]:
    return {"object": key, "path": told.path, "message": told.message, "stops": told.stops}


def _section(section: str, result: Result) -> list[dict[str, Any]]:
    kind, full_name = SECTIONS[section]
    rows = sorted((key, row) for key, row in result.resources.items() if key.startswith(f"{kind}/"))
    return [_shown(full_name, row) for _, row in rows]


def _shown(full_name: str, row: Resource) -> dict[str, Any]:
    shown = canonical.to_json(full_name, row.body)
    if "private_key" in shown.get("tls_certificate", {}):
        shown["tls_certificate"]["private_key"] = REDACTED
    return shown
