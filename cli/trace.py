"""`dragoman trace`: where the time of the last changes went, of a running gateway; as bars, or in OTLP's JSON."""

import os
import sys
from pathlib import Path
from typing import Final

import click
import orjson

from cli.diag import Diag, DiagError, at
from cli.waterfall import last_of, lines, traces_of
from process.settings import SettingsError
from process.text import escaped
from why.gateway import GatewayError, find

UNKNOWN: Final = 2
_MOST: Final = 100


@click.command(
    epilog="Examples:  dragoman trace --last 1\n\n"
    "           dragoman trace -o json | curl -H 'Content-Type: application/json' -d @- http://127.0.0.1:4318/v1/traces\n\n"
    "In a cluster:  kubectl exec POD -- dragoman trace; or kubectl port-forward POD 8877 and --url http://127.0.0.1:8877"
)
@click.option("--last", type=click.IntRange(1, _MOST), default=5, show_default=True, help="So many changes.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the gateway, where several run.")
@click.option("--url", help="Where its diagnostics answer.  [default: in the run directory of the one that runs here]")
def trace(last: int, output: str, run_dir: Path | None, url: str | None) -> None:
    """Tell where the time of the last changes went: read, translated, sent to Envoy, and answered by it.

    With -o json in the form that collectors of OpenTelemetry take. The exit code is 0, and 2 when it cannot be told.
    """
    if url and run_dir:
        raise click.UsageError("--url and --run-dir each say which gateway: give one")
    try:
        diag = at(url) if url else Diag(find(run_dir, os.environ).settings.diagnostics_socket)
        told = last_of(diag.ask("traces")["traces"], last)
    except ValueError as error:
        raise click.UsageError(escaped(str(error))) from None
    except (DiagError, GatewayError, SettingsError) as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        sys.exit(UNKNOWN)
    if output == "json":
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    traces = traces_of(told)
    for spans in traces:
        for line in lines(spans):
            click.echo(line)
    if not traces:
        click.echo("no change that anybody remembers")
