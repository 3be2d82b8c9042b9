"""`dragoman convert`: the same said by another API, with all that cannot be said."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import orjson

from cli.collecting import without_collections
from process.settings import Settings, SettingsError
from process.text import escaped

if TYPE_CHECKING:
    from convert.report import Outcome

DEFAULTS: Final = {"DRAGOMAN_DEFAULT_PORTS": "8080,8443"}
UNREAD: Final = 2
UNSAID: Final = 1


@click.command(
    epilog="Examples:  dragoman convert k8s/ --to gateway-api > routes.yaml\n\n"
    "           dragoman convert k8s/ --to gateway-api --output converted/ --prove\n\n"
    "           dragoman convert gateways/ --to emissary -o json"
)
@click.argument("paths", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(exists=True, path_type=Path))
@click.option("--to", required=True, type=click.Choice(["gateway-api", "emissary"]), help="The API to say it by.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder to write the objects to, a file for each file that they come from; no file there is overwritten.",
)
@click.option("--prove", is_flag=True, help="Ask two Envoys the same requests, one with each form.")
@click.option("-o", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def convert(paths: tuple[Path, ...], to: str, output: Path | None, prove: bool, form: str) -> None:
    """Say what FOLDER says by another API: Mappings, Hosts and Listeners as routes and Gateways, or the other way.

    Ingresses, with annotations of ingress-nginx, become either. Comments are kept. The objects go to stdout, and what
    cannot be said to stderr, with what to do. The exit code is 0; 1 when something cannot be said, or is answered
    otherwise; 2 when something could not be read.
    """
    folder = next((path for path in paths if path.is_dir()), paths[0].parent)
    try:
        settings = Settings.from_environment({**DEFAULTS, **os.environ, "DRAGOMAN_CONFIG_DIR": str(folder)})
    except SettingsError as error:
        raise click.UsageError(escaped(str(error))) from error
    from convert.report import outcome  # noqa: PLC0415 -- what it takes is much, and help is not to wait for it
    from diff.sources import SourceError  # noqa: PLC0415

    try:
        with without_collections():
            found = outcome(paths, to, settings, prove=prove)
    except SourceError as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        sys.exit(UNREAD)
    _write(found, output, form)
    sys.exit(UNREAD if found.unread else UNSAID if found.lost or found.differ else 0)


def _write(found: "Outcome", output: Path | None, form: str) -> None:
    """The objects first, then what is told."""
    if output is not None:
        files = {output / name: text for name, text in found.files().items()}
        there = next((path for path in files if path.exists()), None)
        if there is not None:
            raise click.UsageError(f"{there} is there already: nothing is overwritten")
        for path, text in files.items():
            _into(path, text)
    if form == "json":
        click.echo(orjson.dumps(found.json(), option=orjson.OPT_INDENT_2))
        return
    if output is None:
        click.echo("---\n".join(found.texts), nl=False)
    for line in found.lines():
        click.echo(line, err=True)


def _into(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{path} is there already: nothing is overwritten") from None
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from error
